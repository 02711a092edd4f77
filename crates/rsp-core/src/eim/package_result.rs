//! eUICC Package Results (SGP.32 3.3.1 steps 11 to 14).

use alloc::string::ToString;
use alloc::vec::Vec;

use rsp_asn1::rsp::{PendingNotification, ProfileInfoListResponse, ProfileState};
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EimAcknowledgements, EnableProfileResult,
    EuiccPackageErrorCode, EuiccPackageResult, EuiccResultData, ProvideEimPackageResultResponse,
};

use super::operation::{self, ListedProfile};
use super::provide_eim_package_result::empty;
use super::verified::{PackageResult, Unproven, Verified};
use super::{Eim, EuiccRecord, KeptNotification, Operation, OperationKind, Outcome, Step};
use crate::Context;

impl Eim {
    /// An eUICC Package Result, with the notifications that came along. What
    /// was verified is kept and acknowledged; the rest stays on the eUICC.
    pub(super) fn package_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &EuiccPackageResult,
        notifications: &[PendingNotification],
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let verify = |notification: &PendingNotification| {
            let verified = record.verify_notification(notification, self, cx);
            verified.is_ok().then(|| KeptNotification::of(notification))
        };
        let kept: Vec<_> = notifications.iter().filter_map(verify).collect();
        let mut acknowledged: Vec<_> = kept.iter().map(|kept| kept.seq_number).collect();
        let operations = match record.verify_package_result(result, self, cx) {
            Ok(verified) => {
                if let PackageResult::Result(signed) = &*verified {
                    acknowledged.insert(0, signed.euicc_package_result_data_signed.seq_number);
                }
                apply(open, &verified)
            }
            Err(unproven) => unproven_result(open, result, unproven),
        };
        let reply = match acknowledged.is_empty() {
            true => empty(),
            false => ProvideEimPackageResultResponse::EimAcknowledgements(EimAcknowledgements(
                acknowledged,
            )),
        };
        Step {
            record,
            operations,
            notifications: kept,
            reply,
        }
    }
}

/// What a verified result means for the operation that it answers.
fn apply(open: &[Operation], verified: &Verified<PackageResult>) -> Vec<Operation> {
    let changed = match &**verified {
        PackageResult::Result(result) => {
            let data = &result.euicc_package_result_data_signed;
            let transaction = data.eim_transaction_id.as_ref();
            operation::find(open, transaction, Some(data.counter_value))
                .map(|operation| result_outcome(operation, &data.euicc_result))
        }
        PackageResult::Error(error) => {
            let data = &error.euicc_package_error_data_signed;
            let transaction = data.eim_transaction_id.as_ref();
            operation::find(open, transaction, Some(data.counter_value))
                .map(|operation| error_outcome(operation, data.euicc_package_error_code))
        }
    };
    changed.into_iter().collect()
}

/// A replay may follow a result that was lost: then the package was executed.
fn error_outcome(operation: &Operation, code: EuiccPackageErrorCode) -> Operation {
    match code {
        EuiccPackageErrorCode::REPLAY_ERROR => operation.outcome_unknown(code),
        code => operation.failed(code),
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

fn listed(operation: &Operation, list: &ProfileInfoListResponse) -> Operation {
    match list {
        ProfileInfoListResponse::Ok(profiles) => {
            let profiles = profiles.iter().map(|profile| ListedProfile {
                iccid: profile.iccid,
                enabled: profile.profile_state == Some(ProfileState::ENABLED),
                name: profile.profile_name.as_ref().map(ToString::to_string),
            });
            operation.executed(Outcome::Profiles {
                profiles: profiles.collect(),
            })
        }
        ProfileInfoListResponse::Error(code) => operation.failed(code),
    }
}

/// An unsigned refusal names its transaction, which is a hint: the operation
/// ends, but as unknown.
fn unproven_result(
    open: &[Operation],
    result: &EuiccPackageResult,
    unproven: Unproven,
) -> Vec<Operation> {
    let EuiccPackageResult::ErrorUnsigned(error) = result else {
        return Vec::new();
    };
    let named = operation::named(open, error.eim_transaction_id.as_ref());
    let unknown = named.map(|operation| operation.outcome_unknown(unproven));
    unknown.into_iter().collect()
}
