//! eIM Configuration Data: what a factory puts on an eUICC, so that it knows
//! this eIM (SGP.32 2.11.1.1.1, 3.5.2).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    ASSOCIATION_TOKEN_REQUEST, EimConfigurationData, EimIdType, EimPublicKeyData,
};
use rsp_asn1::{BitString, DecodeError, Extensions, Null, SubjectPublicKeyInfo};

use super::Eim;

impl Eim {
    /// Configuration for AddInitialEim; the eUICC is asked to make an
    /// association token and to accept packages from `counter_value` + 1 on.
    ///
    /// # Errors
    /// If the public key is no SubjectPublicKeyInfo.
    pub fn configuration_data(
        &self,
        counter_value: i64,
    ) -> Result<EimConfigurationData, DecodeError> {
        let key = self.signing.key.public_key().to_spki_der();
        let key = SubjectPublicKeyInfo::from_bytes(&key)?;
        let transports = self.transports.iter();
        let protocols: Vec<_> = transports
            .map(|transport| transport.retrieve_bit())
            .collect();
        Ok(EimConfigurationData {
            eim_id: self.eim_id.clone(),
            eim_fqdn: Some(self.fqdn.clone()),
            eim_id_type: Some(EimIdType::EIM_ID_TYPE_FQDN),
            counter_value: Some(counter_value),
            association_token: Some(ASSOCIATION_TOKEN_REQUEST),
            eim_public_key_data: Some(EimPublicKeyData::PublicKey(key)),
            trusted_public_key_data_tls: Some(EimPublicKeyData::Certificate(
                self.tls_trust.clone(),
            )),
            eim_supported_protocol: Some(BitString::of(&protocols)),
            euicc_ci_pk_id: super::ci_key_identifier(self),
            indirect_profile_download: Some(Null),
            esipa_proprietary_protocol_information: None,
            extensions: Extensions::default(),
        })
    }
}
