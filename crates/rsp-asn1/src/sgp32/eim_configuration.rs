//! eIM Configuration Data (SGP.32 2.11.1.1.1, 5.9.4, 5.9.18).

use alloc::string::String;
use alloc::vec::Vec;

use super::EimId;
use crate::rsp::SubjectKeyIdentifier;
use crate::{BitString, Certificate, Null, SubjectPublicKeyInfo};

sequence! {
    /// `EimConfigurationData` (SGP.32 2.11.1.1.1).
    pub struct EimConfigurationData {
        eim_id: EimId = 0x80,
        /// May carry a port.
        eim_fqdn: Option<String> = 0x81,
        eim_id_type: Option<EimIdType> = 0x82,
        counter_value: Option<i64> = 0x83,
        /// -1 asks the eUICC to make one.
        association_token: Option<i64> = 0x84,
        eim_public_key_data: Option<EimPublicKeyData> = 0xA5,
        trusted_public_key_data_tls: Option<EimPublicKeyData> = 0xA6,
        eim_supported_protocol: Option<BitString> = 0x87,
        euicc_ci_pk_id: Option<SubjectKeyIdentifier> = 0x88,
        indirect_profile_download: Option<Null> = 0x89,
    }
}

/// `eimSupportedProtocol` bit: eimRetrieveHttps.
pub const EIM_RETRIEVE_HTTPS: u8 = 0;

/// `associationToken` by which an eIM asks the eUICC to make one.
pub const ASSOCIATION_TOKEN_REQUEST: i64 = -1;

named_integer! {
    /// `EimIdType` (SGP.32 2.11.1.1.1).
    pub struct EimIdType {
        EIM_ID_TYPE_OID = 1,
        EIM_ID_TYPE_FQDN = 2,
        EIM_ID_TYPE_PROPRIETARY = 3,
    }
}

choice! {
    /// `eimPublicKeyData` and `trustedPublicKeyDataTls` (SGP.32 2.11.1.1.1):
    /// a key, or a certificate of which the eUICC uses only the key.
    pub enum EimPublicKeyData {
        PublicKey(SubjectPublicKeyInfo) = 0xA0,
        Certificate(Certificate) = 0xA1,
    }
}

sequence! {
    /// Request of ES10b.AddInitialEim (SGP.32 5.9.4).
    pub struct AddInitialEimRequest: 0xBF57 {
        eim_configuration_data_list: Vec<EimConfigurationData> = 0xA0,
    }
}

choice! {
    /// Response of ES10b.AddInitialEim (SGP.32 5.9.4).
    pub enum AddInitialEimResponse: 0xBF57 {
        Ok(Vec<AddInitialEimOk>) = 0xA0,
        Error(AddEimResultCode) = 0x81,
    }
}

choice! {
    /// One entry of a successful AddInitialEim.
    pub enum AddInitialEimOk {
        AssociationToken(i64) = 0x84,
        AddOk(Null),
    }
}

named_integer! {
    /// Results of addEim and AddInitialEim (SGP.32 2.11.2.1, 5.9.4).
    pub struct AddEimResultCode {
        OK = 0,
        INSUFFICIENT_MEMORY = 1,
        ASSOCIATED_EIM_ALREADY_EXISTS = 2,
        CI_PK_UNKNOWN = 3,
        INVALID_ASSOCIATION_TOKEN = 5,
        COUNTER_VALUE_OUT_OF_RANGE = 6,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.GetEimConfigurationData (SGP.32 5.9.18).
    pub struct GetEimConfigurationDataRequest: 0xBF55 {
        search_criteria: Option<EimSearchCriteria> = 0xA0,
    }
}

choice! {
    /// `searchCriteria` of GetEimConfigurationData.
    pub enum EimSearchCriteria {
        EimId(EimId) = 0x80,
    }
}

sequence! {
    /// Response of ES10b.GetEimConfigurationData (SGP.32 5.9.18).
    pub struct GetEimConfigurationDataResponse: 0xBF55 {
        eim_configuration_data_list: Vec<EimConfigurationData> = 0xA0,
    }
}
