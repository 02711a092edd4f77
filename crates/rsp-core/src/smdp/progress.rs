//! What the operator is told of a download: ES2+.HandleDownloadProgressInfo
//! (SGP.22 5.3.5).

use alloc::format;
use alloc::string::ToString;

use rsp_asn1::Asn1;
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{
    CancelSessionReason, NOTIFICATION_DELETE, NOTIFICATION_DISABLE, NOTIFICATION_ENABLE,
    NotificationMetadata, ProfileInstallationResult,
};

use super::{Order, Refusal, Smdp};
use crate::Codes;
use crate::Timestamp;
use crate::binding::StatusCodeData;
use crate::binding::es2plus_json::{HandleDownloadProgressInfo, NotificationPoint, RequestHeader};
use crate::binding::json::{ExecutionStatus, FunctionExecutionStatus, to_base64};

/// A message to the operator who ordered. It is stored with what it tells of,
/// and sent until it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The operator.
    pub operator: alloc::string::String,
    /// The message.
    pub message: HandleDownloadProgressInfo,
}

/// A point of a download, and how it was passed.
pub(super) struct Passed<'a> {
    pub(super) transaction_id: &'a TransactionId,
    pub(super) eid: Eid,
    pub(super) now: Timestamp,
}

impl Passed<'_> {
    /// The message about a point; `None` if nobody ordered.
    pub(super) fn at(
        &self,
        point: NotificationPoint,
        failure: Option<StatusCodeData>,
        order: &Order,
        smdp: &Smdp,
    ) -> Option<Progress> {
        let call = format!("{}-{}", self.transaction_id, point.0);
        about(order, smdp, call, self.eid, self.now, point, failure)
    }

    /// The message about a refusal.
    pub(super) fn refused_at(
        &self,
        point: NotificationPoint,
        refusal: Refusal,
        order: &Order,
        smdp: &Smdp,
    ) -> Option<Progress> {
        self.at(point, Some(refusal.status_code_data()), order, smdp)
    }

    /// The message about an installation, with the eUICC's own words.
    pub(super) fn installed(
        &self,
        result: &ProfileInstallationResult,
        failure: Option<StatusCodeData>,
        order: &Order,
        smdp: &Smdp,
    ) -> Option<Progress> {
        let point = NotificationPoint::BPP_INSTALLATION;
        let mut progress = self.at(point, failure, order, smdp)?;
        progress.message.result_data = Some(to_base64(&result.to_der()));
        Some(progress)
    }
}

/// The message about what an eUICC did with the profile after its
/// installation; `None` if nobody ordered it, it is on another eUICC, or nobody
/// wants to know.
pub(super) fn notified(
    metadata: &NotificationMetadata,
    eid: Eid,
    now: Timestamp,
    order: &Order,
    smdp: &Smdp,
) -> Option<Progress> {
    let event = |bit| metadata.profile_management_operation.bit(bit);
    let points = [
        (NOTIFICATION_ENABLE, NotificationPoint::ENABLED),
        (NOTIFICATION_DISABLE, NotificationPoint::DISABLED),
        (NOTIFICATION_DELETE, NotificationPoint::DELETED),
    ];
    let (_, point) = points.into_iter().find(|(bit, _)| event(*bit))?;
    if order.delivered_to != Some(eid) || metadata.iccid != Some(order.iccid) {
        return None;
    }
    let call = format!("{eid}-{}", metadata.seq_number);
    about(order, smdp, call, eid, now, point, None)
}

fn about(
    order: &Order,
    smdp: &Smdp,
    call: alloc::string::String,
    eid: Eid,
    now: Timestamp,
    point: NotificationPoint,
    failure: Option<StatusCodeData>,
) -> Option<Progress> {
    let status = match failure {
        None => ExecutionStatus::ExecutedSuccess,
        Some(_) => ExecutionStatus::Failed,
    };
    Some(Progress {
        operator: order.requester.clone()?,
        message: HandleDownloadProgressInfo {
            header: RequestHeader {
                function_requester_identifier: smdp.oid.to_string(),
                function_call_identifier: call,
            },
            eid: Some(eid),
            iccid: order.iccid,
            profile_type: order.profile_type.clone(),
            timestamp: now.to_rfc3339(),
            notification_point_id: point,
            notification_point_status: FunctionExecutionStatus {
                status,
                status_code_data: failure,
            },
            result_data: None,
        },
    })
}

/// A cancellation as a status: the profile was refused.
pub(super) fn cancelled(reason: CancelSessionReason) -> StatusCodeData {
    StatusCodeData {
        subject_code: "8.2".to_string(),
        reason_code: "3.8".to_string(),
        subject_identifier: None,
        message: Some(format!("the device cancelled the session: {reason}")),
    }
}

/// The point at which a session is cancelled.
pub(super) fn cancellation_point(reason: CancelSessionReason) -> NotificationPoint {
    match reason {
        CancelSessionReason::LOAD_BPP_EXECUTION_ERROR => NotificationPoint::BPP_INSTALLATION,
        _ => NotificationPoint::CONFIRMATION,
    }
}
