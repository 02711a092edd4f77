//! eUICC Package Results (SGP.32 3.3.1 steps 11 to 14).

use alloc::string::ToString;
use alloc::vec::Vec;

use rsp_asn1::Signed;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{PendingNotification, ProfileInfoListResponse};
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EimAcknowledgements, EnableProfileResult,
    EuiccPackageErrorCode, EuiccPackageResult, EuiccResultData, ProvideEimPackageResultResponse,
    RollbackProfileResult,
};

use super::operation;
use super::profiles::{self, ProfileList};
use super::provide_eim_package_result::{empty, undefined_error};
use super::verified::{Believed, PackageResult, Unproven};
use super::{
    Eim, EuiccRecord, Evidence, MAX_COUNTER_VALUE, Note, Operation, OperationKind, OperationState,
    Outcome, Step,
};
use crate::Context;

/// How far the counter goes on when the eUICC is ahead: how far it is ahead, it
/// does not say.
const RAISE: i64 = 1024;

impl Eim {
    /// An eUICC Package Result, with the notifications that came along. What
    /// was verified is kept and acknowledged; the rest stays on the eUICC.
    pub(super) fn package_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &Signed<EuiccPackageResult>,
        notifications: &[PendingNotification],
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let mut acknowledged = Vec::new();
        let mut step = match record.believe_package_result(result, self, cx) {
            Ok(believed) => {
                if let PackageResult::Result(signed) = &*believed {
                    acknowledged.push(signed.euicc_package_result_data_signed.seq_number);
                }
                apply(record, open, result, &believed, cx)
            }
            Err(unproven) => unproven_result(record, open, result, unproven),
        };
        for notification in notifications {
            match step.record.believe_notification(notification, self, cx) {
                Ok(believed) => {
                    acknowledged.push(notification.seq_number());
                    step.notes
                        .extend(unverified("notification", believed.unproven()));
                    let kept = Evidence::of_notification(notification, &believed, cx);
                    step.evidence.push(kept);
                    self.settle_by_notification(&mut step, open, notification, cx);
                }
                Err(because) => step.notes.push(Note::NotBelieved {
                    what: "notification",
                    because,
                }),
            }
        }
        let acknowledges = !acknowledged.is_empty() && !step.record.empty_response;
        if acknowledges {
            step.reply = ProvideEimPackageResultResponse::EimAcknowledgements(EimAcknowledgements(
                acknowledged,
            ));
        }
        step
    }
}

/// A loud note on what is taken without proof.
pub(super) fn unverified(what: &'static str, because: Option<Unproven>) -> Option<Note> {
    because.map(|because| Note::TakenUnverified { what, because })
}

/// What a result means for the operation that it answers. It is kept, whatever
/// it answers: the eUICC is told to forget it.
fn apply(
    record: EuiccRecord,
    open: &[Operation],
    received: &Signed<EuiccPackageResult>,
    believed: &Believed<PackageResult>,
    cx: &Context<'_>,
) -> Step<ProvideEimPackageResultResponse> {
    let (transaction, counter) = match &**believed {
        PackageResult::Result(result) => {
            let data = &result.euicc_package_result_data_signed;
            (data.eim_transaction_id.as_ref(), data.counter_value)
        }
        PackageResult::Error(error) => {
            let data = &error.euicc_package_error_data_signed;
            (data.eim_transaction_id.as_ref(), data.counter_value)
        }
    };
    let asked = answered(open, transaction, counter);
    let id = asked.map(|asked| asked.id.clone());
    let evidence = Evidence::of_package_result(received, believed, id, cx);
    let mut step = Step::unchanged(record, empty());
    step.notes
        .extend(unverified("package result", believed.unproven()));
    step.evidence.push(evidence);
    let Some(asked) = asked else {
        step.notes.push(Note::NothingOpen {
            what: "package result",
        });
        return step;
    };
    match &**believed {
        PackageResult::Result(result) => {
            let results = &result.euicc_package_result_data_signed.euicc_result;
            let list = results.iter().find_map(list_of);
            step.operations.push(result_outcome(asked, results));
            if let Some(profiles) = list {
                let (settled, notes) = profiles::settle(open, asked, counter, &profiles);
                step.operations.extend(settled);
                step.notes.extend(notes);
                step.record.profiles = Some(ProfileList {
                    at: cx.now,
                    unverified: believed.unproven().is_some(),
                    profiles,
                });
            }
        }
        PackageResult::Error(error) => {
            let code = error
                .euicc_package_error_data_signed
                .euicc_package_error_code;
            refused(&mut step, asked, code);
        }
    }
    for operation in &mut step.operations {
        operation.unverified |= believed.unproven().is_some();
    }
    step
}

/// The operation that a result names by its transaction; some eUICCs leave the
/// transaction out, and the counter tells as much.
fn answered<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: i64,
) -> Option<&'a Operation> {
    match transaction {
        Some(_) => operation::find(open, transaction, Some(counter)),
        None => operation::counted(open, counter),
    }
}

/// A signed refusal of the whole package. A replay may follow a result that
/// was lost: then the package was executed. If the package was sent only once,
/// the eUICC's counter is ahead of ours.
fn refused(
    step: &mut Step<ProvideEimPackageResultResponse>,
    asked: &Operation,
    code: EuiccPackageErrorCode,
) {
    step.notes.push(Note::PackageRefused {
        operation: asked.id.clone(),
        code,
    });
    let changed = match code {
        EuiccPackageErrorCode::REPLAY_ERROR => asked.outcome_unknown(code),
        code => asked.failed(code),
    };
    step.operations.push(changed);
    let sent_once = matches!(asked.state, OperationState::Delivered { repeated: 0, .. });
    if code == EuiccPackageErrorCode::REPLAY_ERROR && sent_once {
        let raised = step.record.counter_value.saturating_add(RAISE);
        step.record.counter_value = raised.min(MAX_COUNTER_VALUE - 1);
        step.notes.push(Note::CounterRaised {
            next: step.record.counter_value + 1,
        });
    }
}

/// One operation is one PSMO: its result is the first, and of the same kind.
fn result_outcome(operation: &Operation, results: &[EuiccResultData]) -> Operation {
    let code = match (&operation.kind, results.first()) {
        (_, None) => return operation.failed("the eUICC reported no result"),
        (_, Some(EuiccResultData::ProcessingTerminated(code))) => return operation.failed(code),
        (OperationKind::ListProfileInfo, Some(EuiccResultData::ListProfileInfoResult(list))) => {
            return listed(operation, list);
        }
        (OperationKind::Enable { .. }, Some(EuiccResultData::EnableResult(code))) => {
            (*code == EnableProfileResult::OK, code.to_string())
        }
        (OperationKind::Enable { .. }, Some(EuiccResultData::RollbackResult(code))) => {
            return rolled_back(operation, *code);
        }
        (OperationKind::Disable { .. }, Some(EuiccResultData::DisableResult(code))) => {
            (*code == DisableProfileResult::OK, code.to_string())
        }
        (OperationKind::Delete { .. }, Some(EuiccResultData::DeleteResult(code))) => {
            (*code == DeleteProfileResult::OK, code.to_string())
        }
        (_, Some(_)) => return operation.outcome_unknown("the result is of another kind"),
    };
    match code {
        (true, _) => operation.executed(Outcome::Done),
        (false, code) => operation.failed(code),
    }
}

/// The result of a ProfileRollback has the counter and transaction of the
/// enable that allowed it, and takes the place of its result (SGP.32 3.3.2).
fn rolled_back(operation: &Operation, code: RollbackProfileResult) -> Operation {
    match code {
        RollbackProfileResult::OK => operation.with(OperationState::RolledBack),
        code => operation.outcome_unknown(alloc::format!("the rollback failed: {code}")),
    }
}

fn list_of(result: &EuiccResultData) -> Option<Vec<super::ListedProfile>> {
    match result {
        EuiccResultData::ListProfileInfoResult(list) => profiles::entries(list),
        _ => None,
    }
}

fn listed(operation: &Operation, list: &ProfileInfoListResponse) -> Operation {
    match (profiles::entries(list), list) {
        (Some(profiles), _) => operation.executed(Outcome::Profiles { profiles }),
        (None, ProfileInfoListResponse::Error(code)) => operation.failed(code),
        (None, _) => operation.failed("the list cannot be read"),
    }
}

/// An unsigned refusal names its transaction, which is a hint: the operation
/// ends, but as unknown. A signed result that cannot be verified is not taken
/// over, and the IPA is told so: it keeps what it has.
fn unproven_result(
    record: EuiccRecord,
    open: &[Operation],
    result: &EuiccPackageResult,
    because: Unproven,
) -> Step<ProvideEimPackageResultResponse> {
    let note = Note::NotBelieved {
        what: "package result",
        because,
    };
    let (operations, reply) = match result {
        EuiccPackageResult::ErrorUnsigned(error) => {
            let named = operation::named(open, error.eim_transaction_id.as_ref());
            let unknown = named.map(|operation| operation.outcome_unknown(because));
            (unknown.into_iter().collect(), empty())
        }
        _ => (Vec::new(), undefined_error()),
    };
    Step {
        operations,
        notes: alloc::vec![note],
        ..Step::unchanged(record, reply)
    }
}
