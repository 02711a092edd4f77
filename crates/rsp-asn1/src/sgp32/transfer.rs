//! Injection: the eIM brings an eIM Package to the IPA (SGP.32 5.14.4).

use super::{
    EimAcknowledgements, EimPackageResultErrorCode, EprAndNotifications, EuiccPackageRequest,
    EuiccPackageResult, IpaEuiccDataRequest, IpaEuiccDataResponse, ProfileDownloadTriggerRequest,
};
use crate::ids::{Eid, TransactionId};
use crate::{Null, Signed};

choice! {
    /// Request of ESipa.TransferEimPackage (SGP.32 5.14.4). The eUICC Package
    /// is carried as signed; the IPA hands it on unchanged.
    pub enum TransferEimPackageRequest: 0xBF4E {
        EuiccPackageRequest(Signed<EuiccPackageRequest>),
        IpaEuiccDataRequest(IpaEuiccDataRequest),
        EimAcknowledgements(EimAcknowledgements),
        ProfileDownloadTriggerRequest(ProfileDownloadTriggerRequest),
    }
}

choice! {
    /// Response of ESipa.TransferEimPackage (SGP.32 5.14.4).
    pub enum TransferEimPackageResponse: 0xBF4E {
        /// With the bytes as received.
        EuiccPackageResult(Signed<EuiccPackageResult>),
        EprAndNotifications(EprAndNotifications),
        IpaEuiccDataResponse(IpaEuiccDataResponse),
        /// The result follows later.
        EimPackageReceived(Null),
        EimPackageReceivedWithCid(EimPackageReceivedWithCid),
        EimPackageError(EimPackageResultErrorCode),
        EimPackageErrorWithCid(EimPackageErrorWithCid),
    }
}

sequence! {
    /// `EimPackageReceivedWithCid` (SGP.32 v1.3 5.14.4).
    pub struct EimPackageReceivedWithCid: 0xBF60 {
        correlation_id: Option<CorrelationId> = 0xA0,
    }
}

sequence! {
    /// `EimPackageErrorWithCid` (SGP.32 v1.3 5.14.4).
    pub struct EimPackageErrorWithCid: 0xBF61 {
        correlation_id: Option<CorrelationId> = 0xA0,
        eim_package_error: EimPackageResultErrorCode = 0x81,
    }
}

choice! {
    /// `correlationId`: what the answer belongs to (SGP.32 v1.3 5.14.4).
    pub enum CorrelationId {
        EimTransactionId(TransactionId) = 0x80,
        EidValue(Eid),
    }
}
