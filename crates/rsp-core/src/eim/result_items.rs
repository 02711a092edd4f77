//! The results of one package, item by item (SGP.32 2.11.2.1): the eUICC stops
//! at the first that fails.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use rsp_asn1::NamedInteger;
use rsp_asn1::rsp::{ProfileInfoListResponse, SetDefaultDpAddressResult};
use rsp_asn1::sgp32::{
    AddEimResult, AddEimResultCode, ConfigureImmediateEnableResult, DeleteEimResult,
    DeleteProfileResult, DisableProfileResult, EnableProfileResult, EuiccResultData, ListEimResult,
    RollbackProfileResult, SetFallbackAttributeResult, UnsetFallbackAttributeResult,
    UpdateEimResult,
};

use super::retry::Failure;
use super::{Eim, ListedEim, Operation, OperationKind, OperationState, Outcome, RatRule, profiles};
use crate::Timestamp;

/// What a result says of an operation.
enum Said {
    /// Done.
    Done(Outcome),
    /// Not done, and nothing after it.
    Failed(Failure),
    /// It is no result of this operation.
    Other,
}

/// What became of the operations of a package, which are in its order.
pub(super) fn settle(
    eim: &Eim,
    asked: &[&Operation],
    results: &[EuiccResultData],
    now: Timestamp,
) -> Vec<Operation> {
    if let Some(code) = results.iter().find_map(rollback) {
        return asked.iter().map(|asked| rolled_back(asked, code)).collect();
    }
    let mut settled = Vec::new();
    let mut stopped: Option<(&Operation, String)> = None;
    for asked in asked {
        if let Some((at, reason)) = &stopped {
            settled.push(not_executed(asked, at, reason));
            continue;
        }
        let changed = match results.get(asked.place()) {
            None if results.is_empty() => asked.failed("the eUICC reported no result"),
            None => asked.outcome_unknown("the eUICC reported no result"),
            Some(result) => match said(&asked.kind, result) {
                Said::Done(outcome) => done(eim, asked, outcome),
                Said::Failed(failure) => {
                    stopped = Some((asked, failure.text.clone()));
                    match asked.ordered_with.is_none() {
                        true => asked.not_done(failure, now),
                        false => asked.failed_by(failure),
                    }
                }
                Said::Other => asked.outcome_unknown("the result is of another kind"),
            },
        };
        if let OperationState::Failed { reason } = &changed.state {
            stopped = Some((asked, reason.clone()));
        }
        settled.push(changed);
    }
    settled
}

/// The eUICC that forgets this eIM does not poll again.
fn done(eim: &Eim, asked: &Operation, outcome: Outcome) -> Operation {
    match asked.kind.forgets(&eim.eim_id) {
        true => asked.with(OperationState::Confirmed {
            outcome,
            poll: None,
        }),
        false => asked.executed(outcome),
    }
}

/// The eUICC stopped before it. A list is done as a whole or ends; what was
/// only sent along goes on.
fn not_executed(asked: &Operation, failed: &Operation, reason: &str) -> Operation {
    match asked.is_ordered_with(failed) {
        true => asked.failed(alloc::format!(
            "not executed: the {} before it failed: {reason}",
            failed.kind.name()
        )),
        false => asked.queued_again(),
    }
}

/// Those whose result came first, and which the IPA took back after it: the
/// acknowledgement was lost, so that it held this eIM for out of reach.
pub(super) fn taken_back<'a>(
    settled: impl Iterator<Item = &'a Operation>,
    results: &[EuiccResultData],
) -> Vec<Operation> {
    if results.iter().find_map(rollback) != Some(RollbackProfileResult::OK) {
        return Vec::new();
    }
    let enables = settled.filter(|settled| {
        matches!(settled.kind, OperationKind::Enable { .. }) && settled.state.outcome().is_some()
    });
    let back = enables.map(|enable| Operation {
        settled_in: None,
        ..enable.with(OperationState::RolledBack)
    });
    back.collect()
}

fn rollback(result: &EuiccResultData) -> Option<RollbackProfileResult> {
    match result {
        EuiccResultData::RollbackResult(code) => Some(*code),
        _ => None,
    }
}

/// The result of a ProfileRollback has the counter and transaction of the
/// enable that allowed it, and takes the place of its package's result (SGP.32
/// 3.3.2).
fn rolled_back(asked: &Operation, code: RollbackProfileResult) -> Operation {
    match (&asked.kind, code) {
        (OperationKind::Enable { .. }, RollbackProfileResult::OK) => {
            asked.with(OperationState::RolledBack)
        }
        (OperationKind::Enable { .. }, code) => {
            asked.outcome_unknown(alloc::format!("the rollback failed: {code}"))
        }
        _ => asked.outcome_unknown("the result was lost when the device went back"),
    }
}

/// The result of an item of a package, which must be of the same kind.
fn said(kind: &OperationKind, result: &EuiccResultData) -> Said {
    use EuiccResultData as Data;
    use OperationKind as Kind;
    match (kind, result) {
        (_, Data::ProcessingTerminated(code)) => Said::Failed(Failure::of(*code)),
        (
            Kind::ListProfileInfo | Kind::ListSomeProfileInfo(_),
            Data::ListProfileInfoResult(list),
        ) => listed(list),
        (Kind::Enable { .. }, Data::EnableResult(code)) => {
            plain(*code == EnableProfileResult::OK, *code)
        }
        (Kind::Disable { .. }, Data::DisableResult(code)) => {
            plain(*code == DisableProfileResult::OK, *code)
        }
        (Kind::Delete { .. }, Data::DeleteResult(code)) => {
            plain(*code == DeleteProfileResult::OK, *code)
        }
        (Kind::GetRat, Data::GetRatResult(rules)) => Said::Done(Outcome::Rat {
            rules: rules.iter().map(RatRule::from).collect(),
        }),
        (Kind::ConfigureImmediateEnable(_), Data::ConfigureImmediateEnableResult(code)) => {
            plain(*code == ConfigureImmediateEnableResult::OK, *code)
        }
        (Kind::SetFallbackAttribute { .. }, Data::SetFallbackAttributeResult(code)) => {
            plain(*code == SetFallbackAttributeResult::OK, *code)
        }
        (Kind::UnsetFallbackAttribute, Data::UnsetFallbackAttributeResult(code)) => {
            plain(*code == UnsetFallbackAttributeResult::OK, *code)
        }
        (Kind::SetDefaultDpAddress { .. }, Data::SetDefaultDpAddressResult(response)) => {
            let code = response.set_default_dp_address_result;
            plain(code == SetDefaultDpAddressResult::OK, code)
        }
        _ => said_of_eims(kind, result),
    }
}

fn said_of_eims(kind: &OperationKind, result: &EuiccResultData) -> Said {
    use EuiccResultData as Data;
    use OperationKind as Kind;
    match (kind, result) {
        (Kind::AddEim { .. }, Data::AddEimResult(result)) => match result {
            AddEimResult::AssociationToken(token) => Said::Done(Outcome::EimAdded {
                association_token: Some(*token),
            }),
            AddEimResult::Code(AddEimResultCode::OK) => Said::Done(Outcome::EimAdded {
                association_token: None,
            }),
            AddEimResult::Code(code) => Said::Failed(Failure::of(*code)),
        },
        (Kind::DeleteEim { .. }, Data::DeleteEimResult(code)) => match *code {
            DeleteEimResult::OK => Said::Done(Outcome::EimDeleted { last: false }),
            DeleteEimResult::LAST_EIM_DELETED => Said::Done(Outcome::EimDeleted { last: true }),
            code => Said::Failed(Failure::of(code)),
        },
        (Kind::UpdateEim { .. }, Data::UpdateEimResult(code)) => {
            plain(*code == UpdateEimResult::OK, *code)
        }
        (Kind::ListEim, Data::ListEimResult(result)) => match result {
            ListEimResult::EimIdList(list) => Said::Done(Outcome::Eims {
                eims: list.iter().map(ListedEim::from).collect(),
            }),
            ListEimResult::ListEimError(code) => Said::Failed(Failure::of(*code)),
        },
        _ => Said::Other,
    }
}

fn plain<C: NamedInteger + Display>(is_ok: bool, code: C) -> Said {
    match is_ok {
        true => Said::Done(Outcome::Done),
        false => Said::Failed(Failure::of(code)),
    }
}

fn listed(list: &ProfileInfoListResponse) -> Said {
    match (profiles::entries(list), list) {
        (Some(profiles), _) => Said::Done(Outcome::Profiles { profiles }),
        (None, ProfileInfoListResponse::Error(code)) => Said::Failed(Failure::of(*code)),
        (None, _) => Said::Failed(Failure::text("the list cannot be read")),
    }
}
