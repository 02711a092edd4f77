//! ESipa.TransferEimPackage at the eIM (SGP.32 5.14.4, 3.1.1.2): for a device
//! that listens, the eIM asks for the next package in the device's place, takes
//! it there, and takes the answer for what the device provides.
//!
//! ```text
//! GetEimPackage        ─► transfer_request ─► device
//! ProvideEimPackageResult ◄─ provided      ◄─ its answer
//! acknowledgements     ─► acknowledgements ─► device
//! ```
//!
//! So a package is counted, stored and settled as one that was fetched.

use rsp_asn1::Extensions;
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{
    CorrelationId, EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    GetEimPackageResponse, ProvideEimPackageResult, ProvideEimPackageResultResponse,
    TransferEimPackageRequest, TransferEimPackageResponse,
};

/// The package as it is taken to the device; `None` if there is none.
pub fn transfer_request(response: GetEimPackageResponse) -> Option<TransferEimPackageRequest> {
    Some(match response {
        GetEimPackageResponse::EuiccPackageRequest(package) => {
            TransferEimPackageRequest::EuiccPackageRequest(package)
        }
        GetEimPackageResponse::IpaEuiccDataRequest(request) => {
            TransferEimPackageRequest::IpaEuiccDataRequest(request)
        }
        GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) => {
            TransferEimPackageRequest::ProfileDownloadTriggerRequest(trigger)
        }
        GetEimPackageResponse::EimPackageError(_) => return None,
    })
}

/// The device's answer as what it provides; `None` if the result follows later,
/// from the device, or the answer says that it is about another device.
pub fn provided(eid: Eid, answer: TransferEimPackageResponse) -> Option<ProvideEimPackageResult> {
    let eim_package_result = match answer {
        TransferEimPackageResponse::EuiccPackageResult(result) => {
            EimPackageResult::EuiccPackageResult(result)
        }
        TransferEimPackageResponse::EprAndNotifications(both) => {
            EimPackageResult::EprAndNotifications(both)
        }
        TransferEimPackageResponse::IpaEuiccDataResponse(response) => {
            EimPackageResult::IpaEuiccDataResponse(response)
        }
        TransferEimPackageResponse::EimPackageReceived(_)
        | TransferEimPackageResponse::EimPackageReceivedWithCid(_) => return None,
        TransferEimPackageResponse::EimPackageError(code) => refused(code, None),
        TransferEimPackageResponse::EimPackageErrorWithCid(error) => {
            let transaction = match error.correlation_id {
                Some(CorrelationId::EidValue(other)) if other != eid => return None,
                Some(CorrelationId::EimTransactionId(id)) => Some(id),
                Some(CorrelationId::EidValue(_)) | None => None,
            };
            refused(error.eim_package_error, transaction)
        }
    };
    Some(ProvideEimPackageResult {
        eid_value: Some(eid),
        eim_package_result,
        extensions: Extensions::default(),
    })
}

fn refused(
    code: EimPackageResultErrorCode,
    transaction: Option<TransactionId>,
) -> EimPackageResult {
    EimPackageResult::ResponseError(EimPackageResultResponseError {
        eim_transaction_id: transaction,
        eim_package_result_error_code: code,
        extensions: Extensions::default(),
    })
}

/// What the device may forget, as it is told; `None` if that is nothing.
pub fn acknowledgements(
    response: ProvideEimPackageResultResponse,
) -> Option<TransferEimPackageRequest> {
    match response {
        ProvideEimPackageResultResponse::EimAcknowledgements(numbers) if !numbers.0.is_empty() => {
            Some(TransferEimPackageRequest::EimAcknowledgements(numbers))
        }
        _ => None,
    }
}
