//! Lists of profiles: what they say of the eUICC, and of packages whose result
//! was lost.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::ProfileInfoListResponse;
use serde::{Deserialize, Serialize};

use super::package::read_configuration;
use super::{
    EuiccRecord, ListedEim, ListedProfile, Note, Operation, OperationKind, OperationState, Outcome,
};
use crate::Timestamp;

/// How often the eUICC is asked for its profiles because of one lost result.
const MAX_ASKED: u32 = 3;

/// The profiles of an eUICC at some time, as it signed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileList {
    /// When the list came.
    pub at: Timestamp,
    /// When the eUICC was asked for it.
    #[serde(default)]
    pub asked: Option<Timestamp>,
    /// Whether the list could not be verified, and was taken because of the
    /// lab setting, or because the device emulates.
    #[serde(default)]
    pub unverified: bool,
    /// Whether it is the device's word, in place of the eUICC's.
    #[serde(default)]
    pub emulated: bool,
    /// Whether something may have changed since that is not in it.
    #[serde(default)]
    pub stale: bool,
    /// One entry each: as they were listed, and as verified results have
    /// changed them since.
    pub profiles: Vec<ListedProfile>,
}

/// The entries of a listProfileInfo result.
pub(super) fn entries(list: &ProfileInfoListResponse) -> Option<Vec<ListedProfile>> {
    match list {
        ProfileInfoListResponse::Ok(profiles) => {
            Some(profiles.iter().map(ListedProfile::from).collect())
        }
        ProfileInfoListResponse::Error(_) => None,
    }
}

/// The operation whose outcome is to be found out before anything else is
/// done: what comes after it might hide it.
pub(super) fn to_reconcile(open: &[Operation]) -> Option<&Operation> {
    open.iter().find(|operation| {
        let asks = matches!(
            operation.state,
            OperationState::OutcomeUnknown { asked, overtaken: false, .. } if asked < MAX_ASKED
        );
        asks && !operation.is_a_question() && who_tells(operation).is_some()
    })
}

impl EuiccRecord {
    /// What is asked for to learn what an operation did. The installation
    /// results of a device that emulates are signed, its list of profiles is
    /// not: the first time they are preferred.
    pub(super) fn who_tells(&self, operation: &Operation) -> Option<OperationKind> {
        let first = matches!(
            operation.state,
            OperationState::OutcomeUnknown { asked: 0, .. }
        );
        let is_download = operation.kind.downloads();
        match self.emulated && is_download && first {
            true => Some(OperationKind::GetInstallationResults),
            false => who_tells(operation),
        }
    }
}

/// What is asked for to learn what an operation did, if anything tells. A list
/// of profiles does, of a download only if the profile is known or none is new;
/// its installation result may still wait on the eUICC. What only reads is read
/// again, and what only sets a value is set again.
pub(super) fn who_tells(operation: &Operation) -> Option<OperationKind> {
    Some(match &operation.kind {
        kind if kind.downloads() && operation.expects.is_none() => match operation.state {
            OperationState::OutcomeUnknown { asked: 1, .. } => OperationKind::ListProfileInfo,
            _ => OperationKind::GetInstallationResults,
        },
        OperationKind::Download { .. }
        | OperationKind::ContactDefaultSmdp
        | OperationKind::ContactSmds { .. }
        | OperationKind::Enable { .. }
        | OperationKind::Disable { .. }
        | OperationKind::Delete { .. }
        | OperationKind::SetFallbackAttribute { .. }
        | OperationKind::UnsetFallbackAttribute
        | OperationKind::ListProfileInfo => OperationKind::ListProfileInfo,
        OperationKind::AddEim { .. } | OperationKind::DeleteEim { .. } => OperationKind::ListEim,
        OperationKind::ListSomeProfileInfo(_)
        | OperationKind::GetRat
        | OperationKind::ListEim
        | OperationKind::ConfigureImmediateEnable(_)
        | OperationKind::SetDefaultDpAddress { .. }
        | OperationKind::UpdateEim { .. } => operation.kind.clone(),
        OperationKind::GetCertificates
        | OperationKind::GetInstallationResults
        | OperationKind::GetEuiccData(_) => return None,
    })
}

/// The same operation, asked about once more.
pub(super) fn asked_again(operation: &Operation) -> Operation {
    let mut again = operation.clone();
    if let OperationState::OutcomeUnknown { asked, .. } = &mut again.state {
        *asked += 1;
    }
    again
}

/// Whether the eUICC was asked often enough about an operation that waits for
/// the answer, and every answer was lost.
pub(super) fn asked_in_vain(operation: &Operation, open: &[Operation]) -> bool {
    let lost = open.iter().filter(|question| {
        question.checks.as_ref() == Some(&operation.id)
            && matches!(question.state, OperationState::OutcomeUnknown { .. })
    });
    lost.count() >= MAX_ASKED as usize
}

/// Those whose outcome a list will not tell any more, because a package that
/// changes the same things is sent now.
pub(super) fn overtaken(open: &[Operation], sent: &[&Operation]) -> Vec<Operation> {
    let overtakes = |operation: &Operation| {
        let mut sent = sent.iter().map(|sent| &sent.kind);
        sent.any(|sent| sent.overtakes(&operation.kind))
    };
    let changed = open.iter().filter_map(|operation| {
        let mut changed = operation.clone();
        match &mut changed.state {
            OperationState::OutcomeUnknown { overtaken, .. }
                if !*overtaken && overtakes(operation) =>
            {
                *overtaken = true;
            }
            _ => return None,
        }
        Some(changed)
    });
    changed.collect()
}

/// An operation that cannot be done, and what was ordered in a list with it
/// and waits.
pub(super) fn failed_with_list(
    operation: &Operation,
    open: &[Operation],
    reason: &str,
) -> Vec<Operation> {
    let mut failed = alloc::vec![operation.failed(reason)];
    let with = open.iter().filter(|other| {
        other.id != operation.id
            && other.state == OperationState::Queued
            && other.is_ordered_with(operation)
    });
    let kind = operation.kind.name();
    let not_done = alloc::format!("not executed: the {kind} that it was ordered with was {reason}");
    failed.extend(with.map(|other| other.failed(&not_done)));
    failed
}

/// What the answer to an operation, with its counter and sequence number, says about
/// packages that were sent before it and whose result was lost.
pub(super) fn settle(
    open: &[Operation],
    teller: &Operation,
    (counter, number): (i64, i64),
    told: &Outcome,
    record: &mut EuiccRecord,
) -> (Vec<Operation>, Vec<Note>) {
    let before = |operation: &&Operation| match operation.state {
        OperationState::OutcomeUnknown {
            counter_value: Some(value),
            overtaken: false,
            ..
        } => value < counter,
        // A trigger has no counter: the list was asked for because of it.
        OperationState::OutcomeUnknown {
            overtaken: false, ..
        } => teller.reconciles.as_ref() == Some(&operation.id),
        _ => false,
    };
    if let (Outcome::Profiles { profiles }, OperationKind::ListProfileInfo) = (told, &teller.kind) {
        record.installed.retain(|iccid| {
            let mut listed = profiles.iter();
            listed.any(|profile| profile.iccid.as_ref() == Some(iccid))
        });
    }
    let mut settled = |operation: &Operation| {
        let kind = &operation.kind;
        let again = (kind.only_reads() || kind.sets_a_value()) && *kind == teller.kind;
        let settled = match told {
            _ if again => operation.executed(told.clone()),
            told => {
                let lost = match told {
                    Outcome::Profiles { profiles }
                        if teller.kind == OperationKind::ListProfileInfo =>
                    {
                        judged(operation, profiles, &record.installed)
                    }
                    Outcome::Eims { eims } => judged_by_eims(operation, eims),
                    _ => return None,
                };
                operation.judged_after_restoring(lost, number)?
            }
        };
        if !settled.is_settled() {
            return Some(settled);
        }
        record.note_installation(&settled);
        Some(Operation {
            settled_by: Some(teller.id.clone()),
            ..settled
        })
    };
    let operations: Vec<_> = open
        .iter()
        .filter(before)
        .filter_map(&mut settled)
        .collect();
    let settled = operations.iter().filter(|operation| operation.is_settled());
    let notes = settled.map(reconciled).collect();
    (operations, notes)
}

/// What is noted of an operation whose outcome something else told.
pub(super) fn reconciled(operation: &Operation) -> Note {
    Note::Reconciled {
        operation: operation.id.clone(),
        state: operation.state_name(),
    }
}

/// Downloads that were refused without proof before the last list was asked
/// for: what is learned of its profiles may tell only now that none is theirs.
pub(super) fn explained(
    record: &EuiccRecord,
    open: &[Operation],
    changed: &[Operation],
) -> Vec<Operation> {
    let Some(list) = &record.profiles else {
        return Vec::new();
    };
    let unknown = open.iter().filter(|operation| {
        matches!(operation.state, OperationState::OutcomeUnknown { .. })
            && matches!(operation.kind, OperationKind::Download { .. })
            && operation.expects.is_none()
            && operation.restored.is_none()
            && list.asked.is_some_and(|asked| operation.since < asked)
            && changed.iter().all(|changed| changed.id != operation.id)
    });
    unknown
        .filter_map(|operation| judged(operation, &list.profiles, &record.installed))
        .collect()
}

impl EuiccRecord {
    /// The profiles that are known to be there and whether each is enabled: those of
    /// the last list, and what downloads installed since, which are disabled until
    /// somebody says otherwise.
    pub fn known_profiles(&self) -> BTreeMap<Iccid, bool> {
        let listed = self.profiles.iter().flat_map(|list| &list.profiles);
        let listed = listed.filter_map(|profile| Some((profile.iccid?, profile.enabled)));
        let installed = self.installed.iter().map(|iccid| (*iccid, false));
        installed.chain(listed).collect()
    }

    /// What a download is known to have installed.
    pub(super) fn note_installation(&mut self, settled: &Operation) {
        if let OperationState::Executed { outcome } = &settled.state
            && let Outcome::Installed { iccid: Some(iccid) } = outcome
            && !self.installed.contains(iccid)
        {
            self.installed.push(*iccid);
        }
    }
}

/// The operation as the list of eIMs shows its effect.
fn judged_by_eims(operation: &Operation, eims: &[ListedEim]) -> Option<Operation> {
    let listed = |eim_id: &str| eims.iter().any(|eim| eim.eim_id == eim_id);
    Some(match &operation.kind {
        OperationKind::AddEim { configuration } => {
            let added = read_configuration(configuration, true).ok()?;
            match listed(&added.eim_id) {
                // Its token was in the answer that was lost.
                true => operation.executed(Outcome::EimAdded {
                    association_token: None,
                }),
                false => operation.failed("the eUICC lists no such eIM"),
            }
        }
        OperationKind::DeleteEim { eim_id } => match listed(eim_id) {
            false => operation.executed(Outcome::EimDeleted { last: false }),
            true => operation.failed("the eUICC still lists the eIM"),
        },
        _ => return None,
    })
}

/// The operation as the list shows its effect.
fn judged(
    operation: &Operation,
    profiles: &[ListedProfile],
    installed: &[Iccid],
) -> Option<Operation> {
    let found = |wanted: &Iccid| profiles.iter().find(|p| p.iccid.as_ref() == Some(wanted));
    let missing = "the eUICC lists no such profile";
    let done = || operation.executed(Outcome::Done);
    Some(match &operation.kind {
        OperationKind::Enable { iccid, .. } => match found(iccid) {
            Some(profile) if profile.enabled => done(),
            Some(_) => operation.failed("the eUICC lists the profile as disabled"),
            None => operation.failed(missing),
        },
        OperationKind::Disable { iccid } => match found(iccid) {
            Some(profile) if !profile.enabled => done(),
            Some(_) => operation.failed("the eUICC lists the profile as enabled"),
            None => operation.failed(missing),
        },
        OperationKind::Delete { iccid } => match found(iccid) {
            None => done(),
            Some(_) => operation.failed("the eUICC still lists the profile"),
        },
        OperationKind::SetFallbackAttribute { iccid } => match found(iccid) {
            Some(profile) if profile.fallback => done(),
            Some(_) => operation.failed("the eUICC lists the profile without the attribute"),
            None => operation.failed(missing),
        },
        OperationKind::UnsetFallbackAttribute => {
            match profiles.iter().any(|profile| profile.fallback) {
                false => done(),
                true => operation.failed("the eUICC lists a profile with the attribute"),
            }
        }
        OperationKind::ListProfileInfo => operation.executed(Outcome::Profiles {
            profiles: profiles.to_vec(),
        }),
        kind if kind.downloads() && operation.expects.is_none() => {
            return brought_nothing(operation, profiles, installed);
        }
        kind if kind.downloads() => {
            let iccid = operation.expects?;
            match found(&iccid) {
                Some(_) if installed.contains(&iccid) => {
                    operation.failed("another download had installed the profile")
                }
                Some(_) => operation.executed(Outcome::Installed { iccid: Some(iccid) }),
                None => operation.failed(missing),
            }
        }
        _ => return None,
    })
}

/// A download of which it is not known what it was to bring has failed if the
/// eUICC has no profile that may be it: one that it had not before, or that is
/// enabled. A profile is disabled when it is installed, and if it is enabled at
/// once another one is not any more. Whose a new one is, the list does not tell.
fn brought_nothing(
    operation: &Operation,
    profiles: &[ListedProfile],
    installed: &[Iccid],
) -> Option<Operation> {
    let is_old = |profile: &ListedProfile| {
        let known = |iccid: &Iccid| operation.before.contains(iccid) || installed.contains(iccid);
        let may_be_first = operation.before.is_empty() && profile.enabled;
        may_be_first || profile.iccid.as_ref().is_some_and(known)
    };
    if !profiles.iter().all(is_old) {
        return None;
    }
    let said = operation.state.reason().unwrap_or("its result was lost");
    let reason = alloc::format!("the eUICC lists no profile that it did not have before; {said}");
    Some(operation.failed(reason))
}

/// The profiles that an eUICC is known to have when a download is sent of which
/// it is not known what it is to bring. More may be there if the last list does
/// not hold any more, but of these none is new.
pub(super) fn before(record: &EuiccRecord, operation: &Operation) -> Vec<Iccid> {
    let compares = operation.kind.downloads() && operation.expects.is_none();
    let list = record.profiles.iter().filter(|_| compares);
    let listed = list.flat_map(|list| &list.profiles);
    listed.filter_map(|profile| profile.iccid).collect()
}
