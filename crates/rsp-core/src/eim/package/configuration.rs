//! The configuration of another eIM, as an operator gives it.

use alloc::vec::Vec;

use rsp_asn1::sgp32::{ASSOCIATION_TOKEN_REQUEST, EimConfigurationData};
use rsp_asn1::{Asn1, DecodeError};

use super::super::MAX_COUNTER_VALUE;

/// Why a configuration is not sent: an eUICC would refuse it (SGP.32 5.9.4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// It is none.
    #[error("no EimConfigurationData: {0}")]
    Malformed(#[from] DecodeError),
    /// A new eIM needs a counter.
    #[error("a new eIM needs a counterValue")]
    NoCounter,
    /// A new eIM needs a key.
    #[error("a new eIM needs eimPublicKeyData")]
    NoKey,
    /// More than every eUICC takes.
    #[error("the counterValue is out of range")]
    CounterOutOfRange,
    /// It can only be asked for, with -1.
    #[error("an associationToken can only be asked for, with -1")]
    Token,
    /// A token is for ever.
    #[error("the associationToken of an eIM cannot be changed")]
    TokenOfKnown,
    /// There would be nothing to do.
    #[error("nothing to update")]
    Nothing,
}

/// Reads and checks `EimConfigurationData`; `new` if it is for addEim.
///
/// # Errors
/// If an eUICC would refuse it.
pub fn read_configuration(
    der: &[u8],
    new: bool,
) -> Result<EimConfigurationData, ConfigurationError> {
    let data = decoded(der)?;
    let counters = 0..MAX_COUNTER_VALUE;
    if data
        .counter_value
        .is_some_and(|counter| !counters.contains(&counter))
    {
        return Err(ConfigurationError::CounterOutOfRange);
    }
    match (new, data.association_token) {
        (false, Some(_)) => return Err(ConfigurationError::TokenOfKnown),
        (true, Some(token)) if token != ASSOCIATION_TOKEN_REQUEST => {
            return Err(ConfigurationError::Token);
        }
        _ => {}
    }
    if new && data.counter_value.is_none() {
        return Err(ConfigurationError::NoCounter);
    }
    if new && data.eim_public_key_data.is_none() {
        return Err(ConfigurationError::NoKey);
    }
    let only_names = EimConfigurationData {
        eim_id: data.eim_id.clone(),
        ..nothing_of(&data)
    };
    match !new && only_names == data {
        true => Err(ConfigurationError::Nothing),
        false => Ok(data),
    }
}

fn nothing_of(data: &EimConfigurationData) -> EimConfigurationData {
    EimConfigurationData {
        eim_id: data.eim_id.clone(),
        eim_fqdn: None,
        eim_id_type: None,
        counter_value: None,
        association_token: None,
        eim_public_key_data: None,
        trusted_public_key_data_tls: None,
        eim_supported_protocol: None,
        euicc_ci_pk_id: None,
        indirect_profile_download: None,
        esipa_proprietary_protocol_information: None,
        extensions: rsp_asn1::Extensions::default(),
    }
}

/// Under '30', or under the tag that it has as an eCO.
pub(super) fn decoded(der: &[u8]) -> Result<EimConfigurationData, DecodeError> {
    const SEQUENCE: u8 = 0x30;
    let mut der: Vec<u8> = der.to_vec();
    if let Some(first @ (0xA8 | 0xAA)) = der.first_mut() {
        *first = SEQUENCE;
    }
    EimConfigurationData::from_der(&der)
}
