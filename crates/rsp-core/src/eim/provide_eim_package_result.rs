//! ESipa.ProvideEimPackageResult (SGP.32 5.14.6): each kind of result has its
//! file.

use rsp_asn1::Extensions;
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultResponseError, EmptyResponse, ProvideEimPackageResultError,
    ProvideEimPackageResultResponse,
};

use super::{Eim, EuiccRecord, Operation, Step, operation};
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
                step.map(|_| empty())
            }
            EimPackageResult::ResponseError(error) => response_error(record, open, error),
        }
    }
}

/// The answer to a result of a device that this eIM does not manage.
pub fn eid_not_found() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(ProvideEimPackageResultError::EID_NOT_FOUND)
}

/// The answer to a result that does not say which eUICC it is from.
pub fn missing_eid() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(ProvideEimPackageResultError::MISSING_EID)
}

pub(super) fn empty() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::EmptyResponse(EmptyResponse {
        extensions: Extensions::default(),
    })
}

/// The IPA says, unsigned, that it could not use the package at all.
fn response_error(
    record: EuiccRecord,
    open: &[Operation],
    error: &EimPackageResultResponseError,
) -> Step<ProvideEimPackageResultResponse> {
    let asked = operation::named(open, error.eim_transaction_id.as_ref());
    let code = error.eim_package_result_error_code;
    let unknown = asked.map(|asked| asked.outcome_unknown(code));
    Step {
        operations: unknown.into_iter().collect(),
        ..Step::unchanged(record, empty())
    }
}
