//! Associations with eIMs and the rules of EimConfigurationData, the same for
//! AddInitialEim and for the eCOs of a package (SGP.32 2.11.1.1.1, 5.9.4).

use alloc::vec::Vec;

use rsp_asn1::BitString;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::{
    ASSOCIATION_TOKEN_REQUEST, AddEimResultCode, DeleteEimResult, EimConfigurationData, EimId,
    EimIdInfo, EimIdType, EimPublicKeyData, UpdateEimResult,
};
use rsp_crypto::PublicKey;

use crate::certificate;
use crate::isdr::Isdr;
use crate::signers::{Signer, Signers};
use crate::state::Eim;

/// Highest counter of a package (SGP.32 2.11.1.1).
pub(crate) const MAX_COUNTER: i64 = 0x7F_FFFF;

/// eIMs that the card has room for.
const MAX_EIMS: usize = 16;

/// `eimSupportedProtocol` bit: eimProprietary.
const EIM_PROPRIETARY: u8 = 4;

/// The eIMs while operations change them; the card has them as before until it
/// takes them over.
pub(crate) struct Associations<'a> {
    signers: &'a Signers,
    eims: Vec<Eim>,
    next_token: i64,
}

impl<'a> Associations<'a> {
    /// Those of the card.
    pub(crate) fn of(isdr: &'a Isdr) -> Associations<'a> {
        Associations {
            signers: &isdr.signers,
            eims: isdr.state.eims.clone(),
            next_token: isdr.state.next_association_token,
        }
    }

    /// The eIMs, and the association token that comes after theirs.
    pub(crate) fn into_parts(self) -> (Vec<Eim>, i64) {
        (self.eims, self.next_token)
    }

    /// A new eIM (SGP.32 5.9.4); gives the token made for it, if it asks for
    /// one.
    pub(crate) fn add(
        &mut self,
        mut data: EimConfigurationData,
    ) -> Result<Option<i64>, AddEimResultCode> {
        if self.eims.iter().any(|eim| *eim.id() == data.eim_id) {
            return Err(AddEimResultCode::ASSOCIATED_EIM_ALREADY_EXISTS);
        }
        if self.eims.len() >= MAX_EIMS {
            return Err(AddEimResultCode::INSUFFICIENT_MEMORY);
        }
        let key = data.eim_public_key_data.as_ref().and_then(eim_key);
        let key = key.ok_or(AddEimResultCode::COMMAND_ERROR)?;
        let counter = data.counter_value.take();
        let counter = counter.ok_or(AddEimResultCode::COMMAND_ERROR)?;
        if !(0..=MAX_COUNTER).contains(&counter) {
            return Err(AddEimResultCode::COUNTER_VALUE_OUT_OF_RANGE);
        }
        let signer = self.signer(data.euicc_ci_pk_id.as_ref());
        let signer = signer.ok_or(AddEimResultCode::CI_PK_UNKNOWN)?;
        data.euicc_ci_pk_id = Some(signer.ci.clone());
        data.eim_id_type
            .get_or_insert(EimIdType::EIM_ID_TYPE_PROPRIETARY);
        data.eim_supported_protocol
            .get_or_insert(BitString::of(&[EIM_PROPRIETARY]));
        data.association_token = self.token(data.association_token)?;
        let token = data.association_token;
        self.eims.push(Eim { data, key, counter });
        Ok(token)
    }

    /// None, or the next one; nobody chooses his own.
    fn token(&mut self, wanted: Option<i64>) -> Result<Option<i64>, AddEimResultCode> {
        match wanted {
            None => Ok(None),
            Some(ASSOCIATION_TOKEN_REQUEST) => {
                let token = self.next_token;
                self.next_token += 1;
                Ok(Some(token))
            }
            Some(_) => Err(AddEimResultCode::INVALID_ASSOCIATION_TOKEN),
        }
    }

    /// Changes the members that are given. A counter below the present one
    /// needs another key: otherwise old packages would be good again.
    pub(crate) fn update(&mut self, mut change: EimConfigurationData) -> UpdateEimResult {
        if !self.eims.iter().any(|eim| *eim.id() == change.eim_id) {
            return UpdateEimResult::EIM_NOT_FOUND;
        }
        if change.association_token.is_some() || changes_nothing(&change) {
            return UpdateEimResult::COMMAND_ERROR;
        }
        let key = change.eim_public_key_data.as_ref().map(eim_key);
        if key == Some(None) {
            return UpdateEimResult::COMMAND_ERROR;
        }
        if let Some(ci) = &mut change.euicc_ci_pk_id {
            match self.signer(Some(ci)) {
                Some(signer) => *ci = signer.ci.clone(),
                None => return UpdateEimResult::CI_PK_UNKNOWN,
            }
        }
        let mut eims = self.eims.iter_mut();
        let Some(eim) = eims.find(|eim| *eim.id() == change.eim_id) else {
            return UpdateEimResult::EIM_NOT_FOUND;
        };
        let counter = change.counter_value.take().unwrap_or(eim.counter);
        let lowest = match key {
            Some(_) => 0,
            None => eim.counter,
        };
        if !(lowest..=MAX_COUNTER).contains(&counter) {
            return UpdateEimResult::COUNTER_VALUE_OUT_OF_RANGE;
        }
        eim.counter = counter;
        if let Some(Some(key)) = key {
            eim.key = key;
        }
        take_over(&mut eim.data, change);
        UpdateEimResult::OK
    }

    /// Ends an association.
    pub(crate) fn delete(&mut self, id: &EimId) -> DeleteEimResult {
        let before = self.eims.len();
        self.eims.retain(|eim| eim.id() != id);
        match (self.eims.len(), before) {
            (after, before) if after == before => DeleteEimResult::EIM_NOT_FOUND,
            (0, _) => DeleteEimResult::LAST_EIM_DELETED,
            _ => DeleteEimResult::OK,
        }
    }

    /// Identifiers and their types.
    pub(crate) fn list(&self) -> Vec<EimIdInfo> {
        let eims = self.eims.iter();
        eims.map(|eim| EimIdInfo {
            eim_id: eim.id().clone(),
            eim_id_type: eim.data.eim_id_type,
            extensions: Default::default(),
        })
        .collect()
    }

    /// Under which CI the card signs what it tells the eIM: the one named, or
    /// the first.
    fn signer(&self, ci: Option<&SubjectKeyIdentifier>) -> Option<&'a Signer> {
        match ci {
            Some(ci) => self.signers.under(ci),
            None => Some(self.signers.first()),
        }
    }
}

/// Whether no member is given that can be changed.
fn changes_nothing(change: &EimConfigurationData) -> bool {
    change.eim_fqdn.is_none()
        && change.eim_id_type.is_none()
        && change.counter_value.is_none()
        && change.eim_public_key_data.is_none()
        && change.trusted_public_key_data_tls.is_none()
        && change.eim_supported_protocol.is_none()
        && change.euicc_ci_pk_id.is_none()
        && change.indirect_profile_download.is_none()
        && change.esipa_proprietary_protocol_information.is_none()
}

/// Replaces the members that are given.
fn take_over(data: &mut EimConfigurationData, change: EimConfigurationData) {
    fn replace<T>(old: &mut Option<T>, new: Option<T>) {
        if new.is_some() {
            *old = new;
        }
    }
    replace(&mut data.eim_fqdn, change.eim_fqdn);
    replace(&mut data.eim_id_type, change.eim_id_type);
    replace(&mut data.eim_public_key_data, change.eim_public_key_data);
    replace(
        &mut data.trusted_public_key_data_tls,
        change.trusted_public_key_data_tls,
    );
    replace(
        &mut data.eim_supported_protocol,
        change.eim_supported_protocol,
    );
    replace(&mut data.euicc_ci_pk_id, change.euicc_ci_pk_id);
    replace(
        &mut data.indirect_profile_download,
        change.indirect_profile_download,
    );
    replace(
        &mut data.esipa_proprietary_protocol_information,
        change.esipa_proprietary_protocol_information,
    );
}

/// An eIM as it was; `None` without a usable key.
pub(crate) fn restored(data: EimConfigurationData, counter: i64) -> Option<Eim> {
    let key = eim_key(data.eim_public_key_data.as_ref()?)?;
    Some(Eim { data, key, counter })
}

/// The key by which the card knows an eIM's TLS server, or who certified it.
pub(crate) fn tls_key(eim: &Eim) -> Option<PublicKey> {
    eim_key(eim.data.trusted_public_key_data_tls.as_ref()?)
}

/// The key of an eIM; of a certificate nothing else counts.
fn eim_key(data: &EimPublicKeyData) -> Option<PublicKey> {
    match data {
        EimPublicKeyData::PublicKey(key) => PublicKey::from_spki_der(key.as_bytes()).ok(),
        EimPublicKeyData::Certificate(certificate) => certificate::public_key_of(certificate).ok(),
    }
}
