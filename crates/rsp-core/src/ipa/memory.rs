//! What an IPA remembers from one round to the next, until power is cut: the
//! eUICC keeps notifications and eUICC Package Results, but the result of a
//! download trigger, which names the eIM's transaction, is kept nowhere else.

use alloc::vec::Vec;
use core::cell::RefCell;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{EimId, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData};

/// Results kept at most; beyond, the oldest gives way. An eIM sends the same
/// trigger until it has its result, so that one each is usual.
const MAX_OWED: usize = 16;

/// A result that its eIM has not taken over.
struct Owed {
    eim_id: EimId,
    result: ProfileDownloadTriggerResult,
}

/// The memory. Nothing of it stays borrowed while a procedure waits.
#[derive(Default)]
pub(super) struct Memory(RefCell<Contents>);

#[derive(Default)]
struct Contents {
    eid: Option<Eid>,
    owed: Vec<Owed>,
    given: Vec<i64>,
}

impl Memory {
    /// Begins a round with this eUICC; what was kept for another is void.
    pub(super) fn begin(&self, eid: Eid) {
        let mut contents = self.0.borrow_mut();
        if contents.eid != Some(eid) {
            *contents = Contents {
                eid: Some(eid),
                ..Contents::default()
            };
        }
    }

    /// Forgets what is owed to eIMs that the eUICC no longer knows.
    pub(super) fn keep_eims(&self, known: impl Fn(&EimId) -> bool) {
        let mut contents = self.0.borrow_mut();
        contents.owed.retain(|owed| known(&owed.eim_id));
    }

    /// Keeps a result until [`Memory::settle`].
    pub(super) fn owe(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) {
        let owed = &mut self.0.borrow_mut().owed;
        if owed.iter().any(|owed| owed.is(eim_id, result)) {
            return;
        }
        if owed.len() >= MAX_OWED {
            owed.remove(0);
        }
        owed.push(Owed {
            eim_id: eim_id.clone(),
            result: result.clone(),
        });
    }

    /// The eIM has taken a result over.
    pub(super) fn settle(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) {
        let mut contents = self.0.borrow_mut();
        contents.owed.retain(|owed| !owed.is(eim_id, result));
    }

    /// What is owed to an eIM, oldest first.
    pub(super) fn owed_to(&self, eim_id: &EimId) -> Vec<ProfileDownloadTriggerResult> {
        let contents = self.0.borrow();
        let owed = contents.owed.iter().filter(|owed| owed.eim_id == *eim_id);
        owed.map(|owed| owed.result.clone()).collect()
    }

    /// The result of a transaction that was carried out before. A trigger
    /// without transaction cannot be known again.
    pub(super) fn result_of(
        &self,
        eim_id: &EimId,
        transaction: Option<&TransactionId>,
    ) -> Option<ProfileDownloadTriggerResult> {
        let transaction = transaction?;
        let mut owed = self.owed_to(eim_id).into_iter();
        owed.find(|result| result.eim_transaction_id.as_ref() == Some(transaction))
    }

    /// Whether a notification is part of a result that is owed: the eUICC must
    /// keep it.
    pub(super) fn holds(&self, seq_number: i64) -> bool {
        let contents = self.0.borrow();
        let mut owed = contents.owed.iter();
        owed.any(|owed| owed.seq_number() == Some(seq_number))
    }

    /// Whether the SM-DP+ has taken a notification that is still on the eUICC.
    pub(super) fn is_given(&self, seq_number: i64) -> bool {
        self.0.borrow().given.contains(&seq_number)
    }

    /// The SM-DP+ has taken a notification.
    pub(super) fn give(&self, seq_number: i64) {
        self.0.borrow_mut().given.push(seq_number);
    }

    /// A notification is no longer on the eUICC.
    pub(super) fn forget(&self, seq_number: i64) {
        let mut contents = self.0.borrow_mut();
        contents.given.retain(|given| *given != seq_number);
    }
}

impl Owed {
    fn is(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) -> bool {
        self.eim_id == *eim_id && self.result == *result
    }

    /// Number of the installation result in it.
    fn seq_number(&self) -> Option<i64> {
        let data = &self.result.profile_download_trigger_result_data;
        let ProfileDownloadTriggerResultData::ProfileInstallationResult(result) = data else {
            return None;
        };
        let data = &result.profile_installation_result_data;
        Some(data.notification_metadata.seq_number)
    }
}
