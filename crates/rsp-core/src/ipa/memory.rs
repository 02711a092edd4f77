//! What an IPA remembers from one round to the next, and over a power cut: the
//! eUICC keeps notifications and eUICC Package Results, but not which trigger
//! of an eIM made it install a profile, nor what servers have taken already.
//!
//! A procedure notes what it is about to do, has it saved
//! ([`Round::save`](super::poll::Round::save)) and only then does it.

mod format;

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{
    EimId, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData, StateChangeCause,
};
use serde::{Deserialize, Serialize};

use super::emulation::Card;
use crate::binding::json;

/// Downloads kept at most; beyond, the oldest gives way. An eIM sends the same
/// trigger until it has its result, so that one each is usual.
const MAX_DOWNLOADS: usize = 16;

/// eIMs kept at most whose results may wait; beyond, the oldest gives way.
const MAX_EIMS: usize = 16;

/// Sequence numbers kept; beyond, the oldest gives way. A card has room for
/// fewer notifications.
const MAX_NUMBERS: usize = 256;

/// A download that an eIM has triggered and whose result it has not taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Download {
    eim_id: EimId,
    /// Absent if the trigger had none.
    eim_transaction_id: Option<TransactionId>,
    stage: Stage,
}

/// How far a download has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// The package may be on its way into the eUICC: the RSP session.
    Loading(TransactionId),
    /// Over; the eIM is to learn how.
    Owed(#[serde(with = "json::der")] ProfileDownloadTriggerResult),
}

/// Something has changed without an eIM, which is to be told why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    eim_id: EimId,
    /// `StateChangeCause`.
    cause: i64,
}

/// The memory. Nothing of it stays borrowed while a procedure waits.
#[derive(Default)]
pub(super) struct Memory {
    contents: RefCell<Contents>,
    /// As it was saved last.
    saved: RefCell<Contents>,
    /// The eIMs that the eUICC knows; it is asked in every round.
    eims: RefCell<Vec<EimId>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    eid: Option<Eid>,
    downloads: Vec<Download>,
    /// eIMs of whom the eUICC may have executed a package whose result they
    /// have not taken over.
    executing: Vec<EimId>,
    /// Those of them whose last package allows a return to the profile before
    /// it (SGP.32 3.3.2), as long as it has not been reached over the new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    returnable: Vec<EimId>,
    /// What eIMs are still to be told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    /// Sessions of downloads that an eIM relays: it takes their installation
    /// results, and forwards them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    relayed: Vec<TransactionId>,
    /// Whether the Emergency Profile is enabled.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    emergency: bool,
    /// Notifications on the eUICC that the SM-DP+ has taken.
    given: Vec<i64>,
    /// Results may be on the eUICC that are not known here.
    uncertain: bool,
    /// What is kept for eUICCs that have no functions for an eIM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emulated: Vec<Card>,
    /// A memory could not be read: what was kept for such an eUICC is lost.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    damaged: bool,
}

impl Memory {
    /// From what was saved, or empty. The reason comes with a memory that is
    /// empty because what was saved cannot be read.
    pub(super) fn load(bytes: Option<&[u8]>) -> (Self, Option<String>) {
        let (contents, lost) = match bytes.map(format::decode) {
            None => (Contents::default(), None),
            Some(Ok(mut contents)) => {
                contents.downloads.iter_mut().for_each(Download::read_again);
                (contents, None)
            }
            Some(Err(reason)) => {
                let contents = Contents {
                    uncertain: true,
                    damaged: true,
                    ..Contents::default()
                };
                (contents, Some(reason))
            }
        };
        let memory = Memory {
            saved: RefCell::new(contents.clone()),
            contents: RefCell::new(contents),
            eims: RefCell::default(),
        };
        (memory, lost)
    }

    /// What is to be saved, if anything has changed since it was.
    pub(super) fn unsaved(&self) -> Option<Vec<u8>> {
        let contents = self.contents.borrow();
        (*contents != *self.saved.borrow()).then(|| format::encode(&contents))
    }

    /// It was saved.
    pub(super) fn saved(&self) {
        self.saved.replace(self.contents.borrow().clone());
    }

    /// Begins a round with this eUICC; what was kept for another is void. A
    /// change from one that was known to another is not told apart from the
    /// first start, which nothing has to be saved for.
    pub(super) fn begin(&self, eid: Eid) {
        let mut contents = self.contents.borrow_mut();
        if contents.eid == Some(eid) {
            return;
        }
        let first = contents.eid.is_none();
        *contents = Contents {
            eid: Some(eid),
            uncertain: contents.uncertain || !first,
            emulated: core::mem::take(&mut contents.emulated),
            damaged: contents.damaged,
            ..Contents::default()
        };
        if first {
            self.saved.borrow_mut().eid = Some(eid);
        }
    }

    /// Forgets what belongs to eIMs that the eUICC no longer knows.
    pub(super) fn keep_eims(&self, eims: Vec<EimId>) {
        let known = |id: &EimId| eims.contains(id);
        let mut contents = self.contents.borrow_mut();
        contents
            .downloads
            .retain(|download| known(&download.eim_id));
        contents.executing.retain(known);
        contents.returnable.retain(known);
        contents.changes.retain(|change| known(&change.eim_id));
        self.eims.replace(eims);
    }

    /// Whether the eUICC may keep results.
    pub(super) fn results_may_wait(&self) -> bool {
        let contents = self.contents.borrow();
        contents.uncertain || !contents.executing.is_empty()
    }

    /// The results on the eUICC have been looked through.
    pub(super) fn certain(&self) {
        self.contents.borrow_mut().uncertain = false;
    }
}

/// What is kept in an eUICC's place.
impl Memory {
    /// Looks at it, or changes it.
    pub(super) fn cards<T>(&self, act: impl FnOnce(&mut Vec<Card>) -> T) -> T {
        act(&mut self.contents.borrow_mut().emulated)
    }

    /// Whether a memory was lost in which something may have been.
    pub(super) fn is_damaged(&self) -> bool {
        self.contents.borrow().damaged
    }
}

/// Changes that eIMs are to be told of.
impl Memory {
    /// Something has changed; every eIM is to be told but the one that did it.
    /// Of two changes the later one counts.
    pub(super) fn changed(&self, cause: StateChangeCause, but: Option<&EimId>) {
        let eims = self.eims.borrow();
        let changes = &mut self.contents.borrow_mut().changes;
        for eim_id in eims.iter().filter(|id| Some(*id) != but) {
            changes.retain(|change| change.eim_id != *eim_id);
            let change = Change {
                eim_id: eim_id.clone(),
                cause: cause.0,
            };
            push(changes, change, MAX_EIMS);
        }
    }

    /// Notes whether the Emergency Profile is enabled.
    pub(super) fn emergency(&self, enabled: bool) {
        self.contents.borrow_mut().emergency = enabled;
    }

    /// Whether the Emergency Profile is enabled, so that nothing but the call
    /// may use the eUICC.
    pub(super) fn is_emergency(&self) -> bool {
        self.contents.borrow().emergency
    }

    /// What an eIM is to be told of.
    pub(super) fn cause_for(&self, eim_id: &EimId) -> Option<StateChangeCause> {
        let contents = self.contents.borrow();
        let mut changes = contents.changes.iter();
        let change = changes.find(|change| change.eim_id == *eim_id)?;
        Some(StateChangeCause(change.cause))
    }

    /// An eIM was told of it, and has answered.
    pub(super) fn told(&self, eim_id: &EimId, cause: StateChangeCause) {
        let changes = &mut self.contents.borrow_mut().changes;
        changes.retain(|change| change.eim_id != *eim_id || change.cause != cause.0);
    }
}

/// Downloads.
impl Memory {
    /// The package of a session is about to be loaded.
    pub(super) fn loading(
        &self,
        eim_id: &EimId,
        transaction: Option<&TransactionId>,
        session: &TransactionId,
    ) {
        let download = Download {
            eim_id: eim_id.clone(),
            eim_transaction_id: transaction.cloned(),
            stage: Stage::Loading(session.clone()),
        };
        let downloads = &mut self.contents.borrow_mut().downloads;
        downloads.retain(|known| !known.is_loading_for(eim_id, transaction));
        push(downloads, download, MAX_DOWNLOADS);
    }

    /// An eIM relays this session.
    pub(super) fn relayed(&self, session: &TransactionId) {
        let relayed = &mut self.contents.borrow_mut().relayed;
        push(relayed, session.clone(), MAX_DOWNLOADS);
    }

    /// Whether an eIM relays this session.
    pub(super) fn is_relayed(&self, session: &TransactionId) -> bool {
        self.contents.borrow().relayed.contains(session)
    }

    /// Nothing of this session is to be told any more.
    pub(super) fn forget_relayed(&self, session: &TransactionId) {
        let relayed = &mut self.contents.borrow_mut().relayed;
        relayed.retain(|known| known != session);
    }

    /// The sessions in which a package may have been loaded.
    pub(super) fn sessions(&self) -> Vec<TransactionId> {
        let contents = self.contents.borrow();
        let downloads = contents.downloads.iter();
        downloads.filter_map(|d| d.session().cloned()).collect()
    }

    /// How the loading in a session ended: with a result for the eIM, or, as
    /// the eUICC has none, not at all.
    pub(super) fn loaded(
        &self,
        session: &TransactionId,
        result: Option<ProfileDownloadTriggerResultData>,
    ) {
        let downloads = &mut self.contents.borrow_mut().downloads;
        let Some(data) = result else {
            downloads.retain(|download| download.session() != Some(session));
            return;
        };
        let mut loading = downloads.iter_mut();
        if let Some(download) = loading.find(|d| d.session() == Some(session)) {
            download.stage = Stage::Owed(ProfileDownloadTriggerResult {
                eim_transaction_id: download.eim_transaction_id.clone(),
                profile_download_trigger_result_data: data,
                extensions: rsp_asn1::Extensions::default(),
            });
        }
    }

    /// Keeps a result until [`Memory::settle`]; the download is over.
    pub(super) fn owe(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) {
        let downloads = &mut self.contents.borrow_mut().downloads;
        if downloads.iter().any(|d| d.owes(eim_id, result)) {
            return;
        }
        let transaction = result.eim_transaction_id.as_ref();
        downloads.retain(|known| !known.is_loading_for(eim_id, transaction));
        let download = Download {
            eim_id: eim_id.clone(),
            eim_transaction_id: transaction.cloned(),
            stage: Stage::Owed(result.clone()),
        };
        push(downloads, download, MAX_DOWNLOADS);
    }

    /// The eIM has taken a result over.
    pub(super) fn settle(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) {
        let mut contents = self.contents.borrow_mut();
        contents.downloads.retain(|d| !d.owes(eim_id, result));
    }

    /// What is owed to an eIM, oldest first.
    pub(super) fn owed_to(&self, eim_id: &EimId) -> Vec<ProfileDownloadTriggerResult> {
        let contents = self.contents.borrow();
        let of_eim = contents.downloads.iter().filter(|d| d.eim_id == *eim_id);
        of_eim.filter_map(|d| d.owed().cloned()).collect()
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
        let contents = self.contents.borrow();
        let mut downloads = contents.downloads.iter();
        downloads.any(|download| download.seq_number() == Some(seq_number))
    }
}

/// Packages, and what lies on the eUICC.
impl Memory {
    /// A package of this eIM is about to be executed; whether it allows a
    /// return.
    pub(super) fn execute(&self, eim_id: &EimId, may_return: bool) {
        let mut contents = self.contents.borrow_mut();
        // The eUICC forgets what any package before it allowed.
        contents.returnable.clear();
        if may_return {
            contents.returnable.push(eim_id.clone());
        }
        let executing = &mut contents.executing;
        if !executing.contains(eim_id) {
            push(executing, eim_id.clone(), MAX_EIMS);
        }
    }

    /// No result of this eIM waits any more.
    pub(super) fn executed(&self, eim_id: &EimId) {
        let executing = &mut self.contents.borrow_mut().executing;
        executing.retain(|waiting| waiting != eim_id);
    }

    /// Whether the last package of this eIM allows a return.
    pub(super) fn may_return(&self, eim_id: &EimId) -> bool {
        self.contents.borrow().returnable.contains(eim_id)
    }

    /// There is no return any more, or no need of it.
    pub(super) fn stay(&self, eim_id: &EimId) {
        let returnable = &mut self.contents.borrow_mut().returnable;
        returnable.retain(|allowed| allowed != eim_id);
    }

    /// There is no return to any profile any more.
    pub(super) fn stay_all(&self) {
        self.contents.borrow_mut().returnable.clear();
    }

    /// Whether the SM-DP+ has taken a notification that is still on the eUICC.
    pub(super) fn is_given(&self, seq_number: i64) -> bool {
        self.contents.borrow().given.contains(&seq_number)
    }

    /// The SM-DP+ has taken a notification.
    pub(super) fn give(&self, seq_number: i64) {
        let given = &mut self.contents.borrow_mut().given;
        if !given.contains(&seq_number) {
            push(given, seq_number, MAX_NUMBERS);
        }
    }

    /// No notification of this number is on the eUICC any more.
    pub(super) fn forget(&self, seq_number: i64) {
        let mut contents = self.contents.borrow_mut();
        contents.given.retain(|given| *given != seq_number);
    }

    /// Forgets the numbers of what is not on the eUICC any more.
    pub(super) fn keep_numbers(&self, is_there: impl Fn(i64) -> bool) {
        let mut contents = self.contents.borrow_mut();
        contents.given.retain(|number| is_there(*number));
    }
}

fn push<T>(list: &mut Vec<T>, new: T, most: usize) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(new);
}

impl Download {
    /// An installation result is on the eUICC until its eIM has taken it over:
    /// after a start that one counts.
    fn read_again(&mut self) {
        if let Stage::Owed(owed) = &self.stage
            && let ProfileDownloadTriggerResultData::ProfileInstallationResult(result) =
                &owed.profile_download_trigger_result_data
        {
            let data = &result.profile_installation_result_data;
            self.stage = Stage::Loading(data.transaction_id.clone());
        }
    }

    fn session(&self) -> Option<&TransactionId> {
        match &self.stage {
            Stage::Loading(session) => Some(session),
            Stage::Owed(_) => None,
        }
    }

    fn is_loading_for(&self, eim_id: &EimId, transaction: Option<&TransactionId>) -> bool {
        self.session().is_some()
            && self.eim_id == *eim_id
            && self.eim_transaction_id.as_ref() == transaction
    }

    fn owed(&self) -> Option<&ProfileDownloadTriggerResult> {
        match &self.stage {
            Stage::Owed(result) => Some(result),
            Stage::Loading(_) => None,
        }
    }

    fn owes(&self, eim_id: &EimId, result: &ProfileDownloadTriggerResult) -> bool {
        self.eim_id == *eim_id && self.owed() == Some(result)
    }

    /// Number of the installation result that is owed.
    fn seq_number(&self) -> Option<i64> {
        let data = &self.owed()?.profile_download_trigger_result_data;
        let ProfileDownloadTriggerResultData::ProfileInstallationResult(result) = data else {
            return None;
        };
        let data = &result.profile_installation_result_data;
        Some(data.notification_metadata.seq_number)
    }
}
