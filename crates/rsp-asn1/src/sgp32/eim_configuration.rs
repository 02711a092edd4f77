//! eIM Configuration Data (SGP.32 2.11.1.1.1, 5.9.4, 5.9.18).

use alloc::string::String;
use alloc::vec::Vec;

use super::EimId;
use crate::rsp::{SubjectKeyIdentifier, VendorSpecificData};
use crate::{
    Asn1, BitString, Certificate, DecodeError, Null, SubjectPublicKeyInfo, Tag, Tlv, Writer,
};

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
        /// SGP.32 v1.3.
        esipa_proprietary_protocol_information: Option<Vec<VendorSpecificData>> = 0xAA,
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
    pub enum EimPublicKeyData or bare_key_data {
        PublicKey(SubjectPublicKeyInfo) = 0xA0,
        Certificate(Certificate) = 0xA1,
    }
}

/// A key or certificate without the tag of its alternative: whole inside the
/// member's tag, or with that tag in place of its '30'. A key's second element
/// is a BIT STRING, a certificate's is not.
fn bare_key_data(tlv: &Tlv<'_>) -> Result<Option<EimPublicKeyData>, DecodeError> {
    let mut reader = tlv.reader();
    let first = reader.tlv()?;
    if first.tag != Tag::SEQUENCE {
        return Ok(None);
    }
    let object = match reader.is_empty() {
        true => first.raw.to_vec(),
        false => {
            let mut out = Writer::new();
            out.primitive(Tag::SEQUENCE, tlv.value);
            out.into_bytes()
        }
    };
    let mut elements = match reader.is_empty() {
        true => first.reader(),
        false => tlv.reader(),
    };
    elements.tlv()?;
    let is_key = elements.tlv()?.tag == Tag::BIT_STRING;
    Ok(Some(match is_key {
        true => EimPublicKeyData::PublicKey(SubjectPublicKeyInfo::from_der(&object)?),
        false => EimPublicKeyData::Certificate(Certificate::from_der(&object)?),
    }))
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
