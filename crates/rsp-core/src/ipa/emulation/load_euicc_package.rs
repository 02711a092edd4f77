//! ES10b.LoadEuiccPackage (SGP.32 5.9.1, 3.3.1): verified as an eUICC does it,
//! done on the eUICC by its own functions.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::sgp32::{
    EuiccPackage, EuiccPackageErrorCode, EuiccPackageErrorDataSigned, EuiccPackageErrorSigned,
    EuiccPackageErrorUnsigned, EuiccPackageRequest, EuiccPackageResult,
    EuiccPackageResultDataSigned, EuiccPackageResultSigned, EuiccPackageSigned,
    association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Signed, Tag, Tlv};
use rsp_crypto::Signature;

use super::StandIn;
use super::associations::public_key;
use super::eco::run_ecos;
use super::es10c::Euicc;
use super::storage::{Card, ItemResult, PackageId, Rollback, Unfinished};
use crate::eim::MAX_COUNTER_VALUE;
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

/// Octets of a package.
const MAX_PACKAGE: usize = 16 * 1024;

/// Operations of a package, as many as its octets allow: the shortest have two.
pub(super) const MAX_ITEMS: usize = MAX_PACKAGE / 2;

/// Octets of all results together.
pub(super) const MAX_RESULTS: usize = 16 * 1024;

/// Longest eIM identifier that is given back.
const MAX_EIM_ID: usize = 128;

impl StandIn<'_> {
    /// Gives the result or why there is none, DER. What is not authentic changes
    /// nothing.
    ///
    /// # Errors
    /// If the eUICC cannot be reached, or nothing can be saved. What was begun
    /// comes to its end in the next round.
    pub(super) async fn load_euicc_package(
        &self,
        channel: &Channel<'_>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        // Amid this round an eUICC may have failed that answers again.
        self.finish(channel).await?;
        let card = self.card();
        let Some(package) = self.authentic(&card, bytes) else {
            return Ok(unsigned_error(&card, bytes).to_der());
        };
        if let Some(code) = self.refusal(&card, &package, bytes.len()) {
            return Ok(error(&package, code).to_der());
        }
        let mut card = match &package.euicc_package {
            EuiccPackage::PsmoList(psmos) => {
                let euicc = Euicc(channel);
                self.run_psmos(&euicc, card, &package, psmos).await?
            }
            EuiccPackage::EcoList(ecos) => run_ecos(card, &package, ecos),
        };
        let result = conclude(&mut card);
        self.save(card).await?;
        Ok(result.map_or_else(Vec::new, |result| result.to_der()))
    }

    /// The package, if an associated eIM signed it with its key and token.
    fn authentic(&self, card: &Card, bytes: &[u8]) -> Option<EuiccPackageSigned> {
        // Larger ones are looked at far enough to be refused by name.
        let request = EuiccPackageRequest::from_der(bytes).ok()?;
        let signed = request.euicc_package_signed;
        let eim = card.eim(&signed.eim_id)?;
        let key = public_key(eim.data.eim_public_key_data.as_ref()?)?;
        let signature = Signature::from_slice(&request.eim_signature).ok()?;
        let token = association_token_object(eim.token());
        let message = [signed.as_bytes(), token.as_slice()];
        let verified = self.settings.crypto.verify(&key, &message, &signature);
        verified.ok().map(|()| signed.into_value())
    }

    /// Why an authentic package is not executed, in the order of SGP.32 3.3.1.
    fn refusal(
        &self,
        card: &Card,
        package: &EuiccPackageSigned,
        length: usize,
    ) -> Option<EuiccPackageErrorCode> {
        let counter = card.eim(&package.eim_id)?.counter;
        if package.eid_value != self.eid {
            return Some(EuiccPackageErrorCode::INVALID_EID);
        }
        if package.counter_value <= counter {
            return Some(EuiccPackageErrorCode::REPLAY_ERROR);
        }
        if package.counter_value > MAX_COUNTER_VALUE {
            return Some(EuiccPackageErrorCode::COUNTER_VALUE_OUT_OF_RANGE);
        }
        (length > MAX_PACKAGE).then_some(EuiccPackageErrorCode::SIZE_OVERFLOW)
    }
}

/// What is noted before anything of a package is done: its counter has been
/// used, and any right that a package before it gave has ended.
pub(super) fn begin(card: &mut Card, package: &EuiccPackageSigned, items: usize) {
    if let Some(eim) = card.eim_mut(&package.eim_id) {
        eim.counter = eim.counter.max(package.counter_value);
    }
    card.rollback = None;
    card.unfinished = Some(Unfinished {
        package: PackageId {
            eim_id: package.eim_id.clone(),
            counter: package.counter_value,
            transaction: package.eim_transaction_id.clone(),
        },
        results: Vec::new(),
        doing: None,
        left: items,
        return_to: None,
    });
}

/// The result of the package under way, which is kept; nothing is unfinished
/// any more. `None` if nothing was.
pub(super) fn conclude(card: &mut Card) -> Option<EuiccPackageResult> {
    let unfinished = card.unfinished.take()?;
    let number = card.next_number;
    card.next_number += 1;
    let package = unfinished.package;
    if let Some(to) = unfinished.return_to {
        card.rollback = Some(Rollback {
            to,
            package: package.clone(),
            result: number,
        });
    }
    let results = unfinished.results.into_iter();
    let data = EuiccPackageResultDataSigned {
        eim_id: package.eim_id,
        counter_value: package.counter,
        eim_transaction_id: package.transaction,
        seq_number: number,
        euicc_result: results.map(|ItemResult(result)| result).collect(),
        extensions: Extensions::default(),
    };
    let result = EuiccPackageResult::Signed(EuiccPackageResultSigned {
        euicc_package_result_data_signed: Signed::new(data),
        euicc_sign_epr: nobody_signs(),
        extensions: Extensions::default(),
    });
    card.keep(result.clone());
    Some(result)
}

/// Instead of the signature that only the eUICC could make.
fn nobody_signs() -> Vec<u8> {
    Vec::new()
}

fn error(package: &EuiccPackageSigned, code: EuiccPackageErrorCode) -> EuiccPackageResult {
    let data = EuiccPackageErrorDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter_value,
        eim_transaction_id: package.eim_transaction_id.clone(),
        euicc_package_error_code: code,
        extensions: Extensions::default(),
    };
    EuiccPackageResult::ErrorSigned(EuiccPackageErrorSigned {
        euicc_package_error_data_signed: Signed::new(data),
        euicc_sign_epe: nobody_signs(),
        extensions: Extensions::default(),
    })
}

/// For a package that proves nothing: whatever of it can be read.
fn unsigned_error(card: &Card, bytes: &[u8]) -> EuiccPackageResult {
    let (eim_id, eim_transaction_id) = named(bytes);
    EuiccPackageResult::ErrorUnsigned(EuiccPackageErrorUnsigned {
        association_token: card.eim(&eim_id).and_then(|eim| eim.token()),
        eim_id,
        eim_transaction_id,
        euicc_package_unsigned_error_code: None,
        extensions: Extensions::default(),
    })
}

fn named(bytes: &[u8]) -> (String, Option<TransactionId>) {
    const EIM_ID: Tag = Tag::new(0x80);
    const TRANSACTION_ID: Tag = Tag::new(0x82);
    let (mut eim_id, mut transaction) = (String::new(), None);
    let signed = Tlv::parse(bytes).and_then(|package| package.reader().tlv());
    let Ok(signed) = signed else {
        return (eim_id, transaction);
    };
    let mut reader = signed.reader();
    while let Ok(member) = reader.tlv() {
        match member.tag {
            EIM_ID => {
                let id = core::str::from_utf8(member.value).unwrap_or_default();
                eim_id = id.chars().take(MAX_EIM_ID).collect();
            }
            TRANSACTION_ID => transaction = TransactionId::from_bytes(member.value).ok(),
            _ => {}
        }
    }
    (eim_id, transaction)
}
