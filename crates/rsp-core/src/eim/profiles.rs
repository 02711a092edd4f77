//! Lists of profiles: what they say of the eUICC, and of packages whose result
//! was lost.

use alloc::string::ToString;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{ProfileInfoListResponse, ProfileState};
use serde::{Deserialize, Serialize};

use super::{ListedProfile, Note, Operation, OperationKind, OperationState, Outcome};
use crate::Timestamp;

/// How often the eUICC is asked for its profiles because of one lost result.
const MAX_ASKED: u32 = 3;

/// The profiles of an eUICC at some time, as it signed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileList {
    /// When the list came.
    pub at: Timestamp,
    /// Whether the list could not be verified, and was taken because of the
    /// lab setting.
    #[serde(default)]
    pub unverified: bool,
    /// One entry each.
    pub profiles: Vec<ListedProfile>,
}

/// The entries of a listProfileInfo result.
pub(super) fn entries(list: &ProfileInfoListResponse) -> Option<Vec<ListedProfile>> {
    let ProfileInfoListResponse::Ok(profiles) = list else {
        return None;
    };
    let entry = |profile: &rsp_asn1::rsp::ProfileInfo| ListedProfile {
        iccid: profile.iccid,
        enabled: profile.profile_state == Some(ProfileState::ENABLED),
        name: profile.profile_name.as_ref().map(ToString::to_string),
    };
    Some(profiles.iter().map(entry).collect())
}

/// The operation whose outcome is to be found out before anything else is
/// done: what comes after it might hide it.
pub(super) fn to_reconcile(open: &[Operation]) -> Option<&Operation> {
    open.iter().find(|operation| {
        let asks = matches!(
            operation.state,
            OperationState::OutcomeUnknown { asked, overtaken: false, .. } if asked < MAX_ASKED
        );
        asks && operation.reconciles.is_none() && operation.kind != OperationKind::GetCertificates
    })
}

/// What is asked for to learn what an operation did. A list of profiles tells
/// it, of a download only if the profile is known; its installation result may
/// still wait on the eUICC.
pub(super) fn who_tells(operation: &Operation) -> OperationKind {
    match operation.kind {
        OperationKind::Download { .. } if operation.expects.is_none() => {
            OperationKind::GetInstallationResults
        }
        _ => OperationKind::ListProfileInfo,
    }
}

/// The same operation, asked about once more.
pub(super) fn asked_again(operation: &Operation) -> Operation {
    let mut again = operation.clone();
    if let OperationState::OutcomeUnknown { asked, .. } = &mut again.state {
        *asked += 1;
    }
    again
}

/// Those whose outcome a list will not tell any more, because a package that
/// changes profiles is sent now.
pub(super) fn overtaken(open: &[Operation]) -> impl Iterator<Item = Operation> + '_ {
    open.iter().filter_map(|operation| {
        let mut operation = operation.clone();
        match &mut operation.state {
            OperationState::OutcomeUnknown { overtaken, .. } if !*overtaken => *overtaken = true,
            _ => return None,
        }
        Some(operation)
    })
}

/// What a list says about packages that were sent before it and whose result
/// was lost.
pub(super) fn settle(
    open: &[Operation],
    list: &Operation,
    counter: i64,
    profiles: &[ListedProfile],
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
        } => list.reconciles.as_ref() == Some(&operation.id),
        _ => false,
    };
    let settled = |operation: &Operation| {
        let settled = judged(operation, profiles)?;
        Some(Operation {
            settled_by: Some(list.id.clone()),
            ..settled
        })
    };
    let operations: Vec<_> = open.iter().filter(before).filter_map(settled).collect();
    let notes = operations.iter().map(|operation| Note::Reconciled {
        operation: operation.id.clone(),
        state: operation.state_name(),
    });
    let notes = notes.collect();
    (operations, notes)
}

/// The operation as the list shows its effect.
fn judged(operation: &Operation, profiles: &[ListedProfile]) -> Option<Operation> {
    let state_of = |wanted: &Iccid| {
        let found = profiles.iter().find(|p| p.iccid.as_ref() == Some(wanted));
        found.map(|profile| profile.enabled)
    };
    let missing = "the eUICC lists no such profile";
    Some(match &operation.kind {
        OperationKind::Enable { iccid, .. } => match state_of(iccid) {
            Some(true) => operation.executed(Outcome::Done),
            Some(false) => operation.failed("the eUICC lists the profile as disabled"),
            None => operation.failed(missing),
        },
        OperationKind::Disable { iccid } => match state_of(iccid) {
            Some(false) => operation.executed(Outcome::Done),
            Some(true) => operation.failed("the eUICC lists the profile as enabled"),
            None => operation.failed(missing),
        },
        OperationKind::Delete { iccid } => match state_of(iccid) {
            None => operation.executed(Outcome::Done),
            Some(_) => operation.failed("the eUICC still lists the profile"),
        },
        OperationKind::ListProfileInfo => operation.executed(Outcome::Profiles {
            profiles: profiles.to_vec(),
        }),
        OperationKind::Download { .. } => {
            let iccid = operation.expects?;
            match state_of(&iccid) {
                Some(_) => operation.executed(Outcome::Installed { iccid: Some(iccid) }),
                None => operation.failed(missing),
            }
        }
        OperationKind::GetCertificates | OperationKind::GetInstallationResults => return None,
    })
}
