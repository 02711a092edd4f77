//! ESipa.ProvideEimPackageResult (SGP.32 5.14.6): each kind of result has its
//! file.

use rsp_asn1::Extensions;
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultResponseError, EmptyResponse, EuiccPackageResult,
    IpaEuiccDataResponse, ProvideEimPackageResultError, ProvideEimPackageResultResponse,
};

use super::retry::Failure;
use super::{Eim, EuiccRecord, Operation, OperationKind, Step, Taken, operation};
use crate::Context;
use crate::pki::ParsedCertificate;

impl Eim {
    /// Takes a result over. `open` are the operations of this eUICC that are
    /// not final, and those that the result names.
    pub fn provide_eim_package_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &EimPackageResult,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let step = match result {
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
                step.map(|taken| match taken {
                    Taken::Stored => empty(),
                    Taken::NotExecuted => undefined_error(),
                })
            }
            EimPackageResult::ResponseError(error) => response_error(record, open, error),
        };
        step.at(open, cx.now)
    }
}

/// The answer to a result of a device that this eIM does not manage.
pub fn eid_not_found(eid: Eid) -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(match eid.is_decimal() {
        true => ProvideEimPackageResultError::EID_NOT_FOUND,
        false => ProvideEimPackageResultError::INVALID_EID,
    })
}

/// The eUICC that a result is from, as far as the result itself says so: in a
/// certificate, or by its transaction.
pub fn named_by(result: &EimPackageResult) -> (Option<Eid>, Option<&TransactionId>) {
    match result {
        EimPackageResult::EuiccPackageResult(result) => (None, of_package(result)),
        EimPackageResult::EprAndNotifications(both) => {
            (None, of_package(&both.euicc_package_result))
        }
        EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) => {
            let certificate = data.euicc_certificate.as_ref();
            let parsed = certificate.and_then(|c| ParsedCertificate::parse(c).ok());
            let eid = parsed.and_then(|parsed| parsed.eid());
            (eid, data.eim_transaction_id.as_ref())
        }
        EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Error(error)) => {
            (None, error.eim_transaction_id.as_ref())
        }
        EimPackageResult::ProfileDownloadTriggerResult(result) => {
            (None, result.eim_transaction_id.as_ref())
        }
        EimPackageResult::ResponseError(error) => (None, error.eim_transaction_id.as_ref()),
    }
}

/// The answer to a result that does not say which eUICC it is from.
pub fn missing_eid() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(ProvideEimPackageResultError::MISSING_EID)
}

/// Not taken over: the IPA keeps what it has.
pub(super) fn undefined_error() -> ProvideEimPackageResultResponse {
    ProvideEimPackageResultResponse::Error(ProvideEimPackageResultError::UNDEFINED_ERROR)
}

fn of_package(result: &EuiccPackageResult) -> Option<&TransactionId> {
    match result {
        EuiccPackageResult::Signed(result) => {
            let data = &result.euicc_package_result_data_signed;
            data.eim_transaction_id.as_ref()
        }
        EuiccPackageResult::ErrorSigned(error) => {
            let data = &error.euicc_package_error_data_signed;
            data.eim_transaction_id.as_ref()
        }
        EuiccPackageResult::ErrorUnsigned(error) => error.eim_transaction_id.as_ref(),
    }
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
    let settled = asked.iter().map(|asked| match &asked.kind {
        // It only asked the IPA, which says that it will not.
        OperationKind::GetEuiccData(_) => asked.failed_by(Failure::of(code)),
        _ => asked.outcome_unknown(code),
    });
    Step {
        operations: settled.collect(),
        ..Step::unchanged(record, empty())
    }
}
