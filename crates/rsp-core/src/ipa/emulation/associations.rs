//! The rules of EimConfigurationData (SGP.32 2.11.1.1.1, 5.9.4).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    ASSOCIATION_TOKEN_REQUEST, AddEimResultCode, DeleteEimResult, EimConfigurationData, EimId,
    EimIdInfo, EimIdType, EimPublicKeyData, UpdateEimResult,
};
use rsp_asn1::{Asn1, BitString, Extensions};
use rsp_crypto::PublicKey;

use super::storage::{Association, Card, MAX_EIMS};
use crate::eim::MAX_COUNTER_VALUE;
use crate::pki::ParsedCertificate;

/// Octets of one eIM's configuration.
const MAX_DATA: usize = 8 * 1024;

/// `eimSupportedProtocol` bit: eimProprietary.
const EIM_PROPRIETARY: u8 = 4;

/// The eIMs while operations change them.
pub(super) struct Associations {
    eims: Vec<Association>,
    next_token: i64,
}

impl Associations {
    pub(super) fn of(card: &Card) -> Self {
        Associations {
            eims: card.eims.clone(),
            next_token: card.next_token,
        }
    }

    /// Takes them over.
    pub(super) fn into_card(self, card: &mut Card) {
        card.eims = self.eims;
        card.next_token = self.next_token;
    }

    /// A new eIM; gives the token that was made for it, if it asks for one.
    pub(super) fn add(
        &mut self,
        mut data: EimConfigurationData,
    ) -> Result<Option<i64>, AddEimResultCode> {
        if self.position(&data.eim_id).is_some() {
            return Err(AddEimResultCode::ASSOCIATED_EIM_ALREADY_EXISTS);
        }
        if self.eims.len() >= MAX_EIMS || data.to_der().len() > MAX_DATA {
            return Err(AddEimResultCode::INSUFFICIENT_MEMORY);
        }
        let has_key = data.eim_public_key_data.as_ref().is_some_and(is_usable);
        let counter = data.counter_value.take().filter(|_| has_key);
        let counter = counter.ok_or(AddEimResultCode::COMMAND_ERROR)?;
        if !(0..=MAX_COUNTER_VALUE).contains(&counter) {
            return Err(AddEimResultCode::COUNTER_VALUE_OUT_OF_RANGE);
        }
        data.association_token = match data.association_token {
            None => None,
            Some(ASSOCIATION_TOKEN_REQUEST) => Some(self.next_token),
            Some(_) => return Err(AddEimResultCode::INVALID_ASSOCIATION_TOKEN),
        };
        // Also of an eIM that asks for none: a later one must not get a token
        // that was in use.
        self.next_token += 1;
        data.eim_id_type
            .get_or_insert(EimIdType::EIM_ID_TYPE_PROPRIETARY);
        data.eim_supported_protocol
            .get_or_insert(BitString::of(&[EIM_PROPRIETARY]));
        let token = data.association_token;
        self.eims.push(Association { data, counter });
        Ok(token)
    }

    /// Changes the members that are given. A counter below the present one
    /// needs another key: otherwise old packages would be good again.
    pub(super) fn update(&mut self, mut change: EimConfigurationData) -> UpdateEimResult {
        let Some(at) = self.position(&change.eim_id) else {
            return UpdateEimResult::EIM_NOT_FOUND;
        };
        let key = change.eim_public_key_data.as_ref();
        let bad_key = key.is_some_and(|key| !is_usable(key));
        if bad_key || change.association_token.is_some() || change.to_der().len() > MAX_DATA {
            return UpdateEimResult::COMMAND_ERROR;
        }
        let Some(eim) = self.eims.get_mut(at) else {
            return UpdateEimResult::EIM_NOT_FOUND;
        };
        let is_new_key = key.is_some_and(|key| {
            let present = eim.data.eim_public_key_data.as_ref();
            present.and_then(public_key) != public_key(key)
        });
        let lowest = if is_new_key { 0 } else { eim.counter };
        let counter = change.counter_value.take();
        if counter.is_some_and(|counter| !(lowest..=MAX_COUNTER_VALUE).contains(&counter)) {
            return UpdateEimResult::COUNTER_VALUE_OUT_OF_RANGE;
        }
        let changed = take_over(&mut eim.data, change);
        if !changed && counter.is_none() {
            return UpdateEimResult::COMMAND_ERROR;
        }
        eim.counter = counter.unwrap_or(eim.counter);
        UpdateEimResult::OK
    }

    /// Ends an association.
    pub(super) fn delete(&mut self, id: &EimId) -> DeleteEimResult {
        let Some(at) = self.position(id) else {
            return DeleteEimResult::EIM_NOT_FOUND;
        };
        self.eims.remove(at);
        match self.eims.is_empty() {
            true => DeleteEimResult::LAST_EIM_DELETED,
            false => DeleteEimResult::OK,
        }
    }

    /// Identifiers and their types.
    pub(super) fn list(&self) -> Vec<EimIdInfo> {
        let eims = self.eims.iter();
        eims.map(|eim| EimIdInfo {
            eim_id: eim.data.eim_id.clone(),
            eim_id_type: eim.data.eim_id_type,
            extensions: Extensions::default(),
        })
        .collect()
    }

    fn position(&self, id: &EimId) -> Option<usize> {
        self.eims.iter().position(|eim| eim.data.eim_id == *id)
    }
}

/// The key that verifies packages; of a certificate nothing else counts.
pub(super) fn public_key(data: &EimPublicKeyData) -> Option<PublicKey> {
    match data {
        EimPublicKeyData::PublicKey(key) => PublicKey::from_spki_der(key.as_bytes()).ok(),
        EimPublicKeyData::Certificate(certificate) => {
            let parsed = ParsedCertificate::parse(certificate);
            parsed.ok().map(|parsed| parsed.public_key)
        }
    }
}

fn is_usable(data: &EimPublicKeyData) -> bool {
    public_key(data).is_some()
}

/// Replaces the members that are given; whether there was one.
fn take_over(data: &mut EimConfigurationData, change: EimConfigurationData) -> bool {
    fn replace<T>(old: &mut Option<T>, new: Option<T>) -> bool {
        let given = new.is_some();
        if given {
            *old = new;
        }
        given
    }
    [
        replace(&mut data.eim_fqdn, change.eim_fqdn),
        replace(&mut data.eim_id_type, change.eim_id_type),
        replace(&mut data.eim_public_key_data, change.eim_public_key_data),
        replace(
            &mut data.trusted_public_key_data_tls,
            change.trusted_public_key_data_tls,
        ),
        replace(
            &mut data.eim_supported_protocol,
            change.eim_supported_protocol,
        ),
        replace(&mut data.euicc_ci_pk_id, change.euicc_ci_pk_id),
        replace(
            &mut data.indirect_profile_download,
            change.indirect_profile_download,
        ),
        replace(
            &mut data.esipa_proprietary_protocol_information,
            change.esipa_proprietary_protocol_information,
        ),
    ]
    .contains(&true)
}
