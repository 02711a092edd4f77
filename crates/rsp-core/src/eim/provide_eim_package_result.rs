//! ESipa.ProvideEimPackageResult (SGP.32 5.14.6, 3.3.1 steps 11 to 14).

use alloc::string::ToString;
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{FinalResult, PendingNotification, ProfileInfoListResponse};
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EimAcknowledgements, EimPackageResult,
    EimPackageResultResponseError, EmptyResponse, EnableProfileResult, EuiccPackageErrorCode,
    EuiccPackageResult, EuiccResultData, IpaEuiccDataResponse, ProfileDownloadTriggerResult,
    ProfileDownloadTriggerResultData, ProvideEimPackageResultError,
    ProvideEimPackageResultResponse,
};
use rsp_asn1::{Extensions, rsp::ProfileState};

use super::operation::ListedProfile;
use super::verified::{PackageResult, Unproven, Verified};
use super::{Eim, EuiccRecord, Operation, Outcome, Step};
use crate::Context;

impl Eim {
    /// Takes a result over. `open` are the operations of this eUICC that are
    /// not final.
    pub fn provide_eim_package_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &EimPackageResult,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        match result {
            EimPackageResult::EuiccPackageResult(result) => {
                self.package_result(record, open, result, &[], cx)
            }
            EimPackageResult::EprAndNotifications(both) => {
                let notifications = &both.notification_list;
                self.package_result(record, open, &both.euicc_package_result, notifications, cx)
            }
            EimPackageResult::IpaEuiccDataResponse(response) => {
                self.ipa_euicc_data(record, open, response, cx)
            }
            EimPackageResult::ProfileDownloadTriggerResult(result) => {
                let step = self.download_result(record, open, result, cx);
                Step {
                    reply: empty(),
                    record: step.record,
                    operations: step.operations,
                    notifications: step.notifications,
                }
            }
            EimPackageResult::ResponseError(error) => response_error(record, open, error),
        }
    }

    /// An eUICC Package Result, with the notifications that came along.
    fn package_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &EuiccPackageResult,
        notifications: &[PendingNotification],
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let kept: Vec<_> = notifications
            .iter()
            .map(|notification| notification.as_bytes().to_vec())
            .collect();
        let mut acknowledged: Vec<_> = notifications
            .iter()
            .map(|notification| notification.metadata().seq_number)
            .collect();
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

    /// The eUICC's certificates, asked for because a result will need them.
    fn ipa_euicc_data(
        &self,
        mut record: EuiccRecord,
        open: &[Operation],
        response: &IpaEuiccDataResponse,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let transaction = match response {
            IpaEuiccDataResponse::Ok(data) => &data.eim_transaction_id,
            IpaEuiccDataResponse::Error(error) => &error.eim_transaction_id,
        };
        let Some(asked) = find(open, transaction.as_ref(), None) else {
            return Step::unchanged(record, empty());
        };
        let changed = match response {
            IpaEuiccDataResponse::Error(error) => {
                asked.outcome_unknown(error.ipa_euicc_data_error_code)
            }
            IpaEuiccDataResponse::Ok(data) => match record.verify_certificates(data, self, cx) {
                Ok(key) => {
                    record.public_key = Some(key.to_vec());
                    asked.executed(Outcome::Done)
                }
                Err(unproven) => asked.outcome_unknown(unproven),
            },
        };
        Step {
            operations: alloc::vec![changed],
            ..Step::unchanged(record, empty())
        }
    }

    /// The result of a download that the IPA did itself.
    pub(super) fn download_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &ProfileDownloadTriggerResult,
        cx: &Context<'_>,
    ) -> Step<()> {
        let Some(asked) = find(open, result.eim_transaction_id.as_ref(), None) else {
            return Step::unchanged(record, ());
        };
        let changed = match &result.profile_download_trigger_result_data {
            ProfileDownloadTriggerResultData::ProfileInstallationResult(pir) => {
                match record.verify_installation_result(pir, cx) {
                    Ok(pir) => installation_outcome(asked, &pir),
                    Err(unproven) => asked.outcome_unknown(unproven),
                }
            }
            ProfileDownloadTriggerResultData::ProfileDownloadError(error) => {
                let reason = error.profile_download_error_reason;
                let detail = error.error_response.as_deref().unwrap_or_default();
                let detail = alloc::string::String::from_utf8_lossy(detail);
                asked.outcome_unknown(alloc::format!(
                    "the IPA says, unsigned, that it could not download: {reason} {detail}"
                ))
            }
        };
        Step {
            operations: alloc::vec![changed],
            ..Step::unchanged(record, ())
        }
    }
}

/// The answer to a result of a device that this eIM does not manage.
pub fn eid_not_found() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(ProvideEimPackageResultError::EID_NOT_FOUND)
}

fn empty() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::EmptyResponse(EmptyResponse {
        extensions: Extensions::default(),
    })
}

fn find<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: Option<i64>,
) -> Option<&'a Operation> {
    let transaction = transaction?;
    open.iter()
        .find(|operation| operation.answers_to(transaction, counter))
}

fn installation_outcome(
    operation: &Operation,
    result: &Verified<rsp_asn1::rsp::ProfileInstallationResult>,
) -> Operation {
    let data = &result.profile_installation_result_data;
    match &data.final_result {
        FinalResult::Success(_) => operation.executed(Outcome::Installed {
            iccid: data.notification_metadata.iccid,
        }),
        FinalResult::Error(error) => operation.failed(alloc::format!(
            "the eUICC did not install the profile: {} at {}",
            error.error_reason,
            error.bpp_command_id
        )),
    }
}

/// What a verified result means for the operation that it answers.
fn apply(open: &[Operation], verified: &Verified<PackageResult>) -> Vec<Operation> {
    let changed = match &**verified {
        PackageResult::Result(result) => {
            let data = &result.euicc_package_result_data_signed;
            let transaction = data.eim_transaction_id.as_ref();
            find(open, transaction, Some(data.counter_value))
                .map(|operation| result_outcome(operation, &data.euicc_result))
        }
        PackageResult::Error(error) => {
            let data = &error.euicc_package_error_data_signed;
            let transaction = data.eim_transaction_id.as_ref();
            find(open, transaction, Some(data.counter_value))
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

/// One operation is one PSMO: its result is the first.
fn result_outcome(operation: &Operation, results: &[EuiccResultData]) -> Operation {
    let done = || operation.executed(Outcome::Done);
    match results.first() {
        Some(EuiccResultData::EnableResult(EnableProfileResult::OK))
        | Some(EuiccResultData::DisableResult(DisableProfileResult::OK))
        | Some(EuiccResultData::DeleteResult(DeleteProfileResult::OK)) => done(),
        Some(EuiccResultData::EnableResult(code)) => operation.failed(code),
        Some(EuiccResultData::DisableResult(code)) => operation.failed(code),
        Some(EuiccResultData::DeleteResult(code)) => operation.failed(code),
        Some(EuiccResultData::ListProfileInfoResult(list)) => listed(operation, list),
        Some(EuiccResultData::ProcessingTerminated(code)) => operation.failed(code),
        Some(_) => operation.outcome_unknown("the result is of another kind"),
        None => operation.failed("the eUICC reported no result"),
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
    let named = named(open, error.eim_transaction_id.as_ref());
    let unknown = named.map(|operation| operation.outcome_unknown(unproven));
    unknown.into_iter().collect()
}

/// The operation whose transaction an unproven message names.
fn named<'a>(open: &'a [Operation], named: Option<&TransactionId>) -> Option<&'a Operation> {
    let named = named?;
    let is_named = |operation: &&Operation| operation.sent().is_some_and(|(id, _)| id == named);
    open.iter().find(is_named)
}

/// The IPA could not use the package at all.
fn response_error(
    record: EuiccRecord,
    open: &[Operation],
    error: &EimPackageResultResponseError,
) -> Step<ProvideEimPackageResultResponse> {
    let asked = named(open, error.eim_transaction_id.as_ref());
    let code = error.eim_package_result_error_code;
    let unknown = asked.map(|asked| asked.outcome_unknown(code));
    Step {
        operations: unknown.into_iter().collect(),
        ..Step::unchanged(record, empty())
    }
}
