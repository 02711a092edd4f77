//! eUICC Package Results (SGP.32 3.3.1 steps 11 to 14).

use alloc::vec::Vec;

use rsp_asn1::Signed;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimAcknowledgements, EuiccPackageErrorCode, EuiccPackageResult, EuiccPackageResultDataSigned,
    ProvideEimPackageResultResponse,
};

use super::get_eim_package::no_list;
use super::profiles::{self, ProfileList};
use super::provide_eim_package_result::{empty, undefined_error};
use super::retry::Failure;
use super::verified::{Believed, PackageResult, Unproven};
use super::{
    Eim, EuiccRecord, Evidence, MAX_COUNTER_VALUE, Note, Operation, OperationKind, OperationState,
    Outcome, Step, guard, operation, result_items,
};
use crate::{Context, Timestamp};

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
                apply(self, record, open, result, &believed, cx)
            }
            Err(unproven) => unproven_result(record, open, result, unproven),
        };
        for notification in notifications {
            acknowledged.extend(self.taken_notification(&mut step, open, notification, cx));
        }
        if !acknowledged.is_empty() && !step.record.empty_response {
            step.reply = acknowledge(acknowledged);
        }
        step
    }

    /// Takes a notification over, which its SM-DP+ is then told. Gives its
    /// number if it is believed.
    pub(super) fn taken_notification(
        &self,
        step: &mut Step<ProvideEimPackageResultResponse>,
        open: &[Operation],
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Option<i64> {
        match step.record.believe_notification(notification, self, cx) {
            Ok(believed) => {
                step.notes
                    .extend(unverified("notification", believed.unproven()));
                let kept = Evidence::of_notification(notification, &believed, cx);
                step.evidence.push(kept);
                self.settle_by_notification(step, open, notification, cx);
                Some(notification.seq_number())
            }
            Err(because) => {
                step.notes.push(Note::NotBelieved {
                    what: "notification",
                    because,
                });
                None
            }
        }
    }
}

/// What was stored, so that the eUICC may forget it.
pub(super) fn acknowledge(numbers: Vec<i64>) -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::EimAcknowledgements(EimAcknowledgements(numbers))
}

/// A loud note on what is taken without proof.
pub(super) fn unverified(what: &'static str, because: Option<Unproven>) -> Option<Note> {
    because.map(|because| match because {
        Unproven::Emulated => Note::TakenEmulated { what },
        because => Note::TakenUnverified { what, because },
    })
}

/// What a result means for the operations that it answers. It is kept, whatever
/// it answers: the eUICC is told to forget it.
pub(super) fn apply(
    eim: &Eim,
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
    let back = match &**believed {
        PackageResult::Result(result) if asked.is_empty() => {
            let settled = operation::settled_in(open, transaction, Some(counter));
            let results = &result.euicc_package_result_data_signed.euicc_result;
            result_items::taken_back(settled, results)
        }
        _ => Vec::new(),
    };
    let about = asked.first().copied().or(back.first());
    let id = about.map(|about| about.id.clone());
    let evidence = Evidence::of_package_result(received, believed, id, cx);
    let mut step = Step::unchanged(record, empty());
    step.notes
        .extend(unverified("package result", believed.unproven()));
    step.evidence.push(evidence);
    if asked.is_empty() && back.is_empty() {
        step.notes.push(Note::NothingOpen {
            what: "package result",
        });
        return step;
    }
    if let Some(list) = &mut step.record.profiles {
        list.stale |= !back.is_empty();
    }
    step.operations.extend(back);
    match &**believed {
        _ if asked.is_empty() => {}
        PackageResult::Result(result) => {
            let data = &result.euicc_package_result_data_signed;
            executed(eim, &mut step, open, &asked, data, believed, cx);
        }
        PackageResult::Error(error) => {
            let code = error
                .euicc_package_error_data_signed
                .euicc_package_error_code;
            refused(&mut step, &asked, code, cx.now);
        }
    }
    step.operations
        .extend(waiting_in_vain(open, &step.operations, cx.now));
    for operation in &mut step.operations {
        operation.unverified |= believed.unproven().is_some();
        operation.emulated |= believed.unproven() == Some(Unproven::Emulated);
    }
    step
}

/// The package was processed, at least in part: what each operation came to,
/// and what is known of the eUICC now.
fn executed(
    eim: &Eim,
    step: &mut Step<ProvideEimPackageResultResponse>,
    open: &[Operation],
    asked: &[&Operation],
    data: &EuiccPackageResultDataSigned,
    believed: &Believed<PackageResult>,
    cx: &Context<'_>,
) {
    let settled = result_items::settle(eim, asked, &data.euicc_result, cx.now);
    let told = (data.counter_value, data.seq_number);
    step.record.dissociated = None;
    for operation in &settled {
        if let Some(outcome) = operation.state.outcome() {
            if let (Outcome::Profiles { profiles }, OperationKind::ListProfileInfo) =
                (outcome, &operation.kind)
            {
                step.record.profiles = Some(ProfileList {
                    at: cx.now,
                    asked: Some(operation.since),
                    unverified: believed.unproven().is_some(),
                    emulated: believed.unproven() == Some(Unproven::Emulated),
                    stale: false,
                    profiles: profiles.clone(),
                });
            } else if let Some(list) = &mut step.record.profiles {
                guard::apply(&mut list.profiles, &operation.kind);
            }
            let record = &mut step.record;
            if let OperationKind::Delete { iccid } = &operation.kind {
                record.installed.retain(|installed| installed != iccid);
            }
            let (earlier, notes) = profiles::settle(open, operation, told, outcome, record);
            step.operations.extend(earlier);
            step.notes.extend(notes);
            if operation.kind.forgets(&eim.eim_id) {
                step.record.dissociated = Some(cx.now);
            }
        } else if !matches!(
            operation.state,
            OperationState::Failed { .. } | OperationState::Queued
        ) && let Some(list) = &mut step.record.profiles
        {
            list.stale |= operation.kind.changes_profiles();
        }
    }
    step.operations.extend(settled);
}

/// Those that wait for a list of profiles that the eUICC does not give.
fn waiting_in_vain(open: &[Operation], settled: &[Operation], now: Timestamp) -> Vec<Operation> {
    let failed = settled.iter().filter(|operation| {
        matches!(operation.state, OperationState::Failed { .. })
            && operation.kind == OperationKind::ListProfileInfo
    });
    let waiting = failed.filter_map(|list| {
        let waits = list.checks.as_ref()?;
        let waiting = open.iter().find(|operation| operation.id == *waits)?;
        (waiting.state == OperationState::Queued).then_some((list, waiting))
    });
    waiting
        .flat_map(|(list, waiting)| match list.failed_for_now() {
            // The eUICC gives none for now.
            Some(failure) if waiting.ordered_with.is_none() => {
                alloc::vec![waiting.not_done(failure, now)]
            }
            _ => profiles::failed_with_list(waiting, open, no_list(&waiting.kind)),
        })
        .collect()
}

/// The operations that a result names by its transaction; some eUICCs leave the
/// transaction out, and the counter tells as much.
fn answered<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: i64,
) -> Vec<&'a Operation> {
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
    asked: &[&Operation],
    code: EuiccPackageErrorCode,
    now: Timestamp,
) {
    let merged = asked
        .split_first()
        .is_some_and(|(first, rest)| rest.iter().any(|other| !other.is_ordered_with(first)));
    for operation in asked {
        step.notes.push(Note::PackageRefused {
            operation: operation.id.clone(),
            code,
        });
        step.operations.push(match code {
            EuiccPackageErrorCode::REPLAY_ERROR => operation.outcome_unknown(code),
            // Nothing was executed, and each of them alone may fit.
            EuiccPackageErrorCode::SIZE_OVERFLOW if merged => Operation {
                separate: true,
                ..operation.queued_again()
            },
            code => operation.not_done(Failure::of(code), now),
        });
    }
    let sent_once =
        |asked: &&Operation| matches!(asked.state, OperationState::Delivered { repeated: 0, .. });
    if code == EuiccPackageErrorCode::REPLAY_ERROR && asked.first().is_some_and(sent_once) {
        if let Some(list) = &mut step.record.profiles {
            list.stale = true;
        }
        let raised = step.record.counter_value.saturating_add(RAISE);
        step.record.counter_value = raised.min(MAX_COUNTER_VALUE - 1);
        step.notes.push(Note::CounterRaised {
            next: step.record.counter_value + 1,
        });
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
            let unknown = named.iter().map(|asked| asked.outcome_unknown(because));
            (unknown.collect(), empty())
        }
        _ => (Vec::new(), undefined_error()),
    };
    Step {
        operations,
        notes: alloc::vec![note],
        ..Step::unchanged(record, reply)
    }
}
