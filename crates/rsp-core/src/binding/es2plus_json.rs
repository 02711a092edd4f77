//! ES2+ over HTTPS, JSON binding (SGP.22 5.3, 6.5.2.1 to 6.5.2.5).

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid};
use serde::{Deserialize, Serialize};

use super::json::{self, Empty, Function, FunctionExecutionStatus};
use super::{BindingError, HttpRequest, redacted};

/// Where the functions are.
const PATH: &str = "/gsma/rsp2/es2plus/";

/// `header` of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestHeader {
    /// Who asks.
    pub function_requester_identifier: String,
    /// Which call it is.
    pub function_call_identifier: String,
}

/// ES2+.DownloadOrder (SGP.22 5.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadOrder {
    /// Header.
    pub header: RequestHeader,
    /// The eUICC, if already known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eid: Option<Eid>,
    /// A certain profile.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iccid: Option<Iccid>,
    /// Any profile of this type.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile_type: Option<String>,
}

/// Response of ES2+.DownloadOrder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadOrderOk {
    /// The profile that was allocated.
    pub iccid: Iccid,
}

/// ES2+.ConfirmOrder (SGP.22 5.3.2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmOrder {
    /// Header.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: Iccid,
    /// The eUICC, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eid: Option<Eid>,
    /// Absent: the SM-DP+ makes one. Empty: none is needed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub matching_id: Option<String>,
    /// What the end user must type in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmation_code: Option<String>,
    /// SM-DS that shall be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub smds_address: Option<String>,
    /// Whether the profile may be downloaded at once.
    pub release_flag: bool,
}

impl fmt::Debug for ConfirmOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfirmOrder")
            .field("header", &self.header)
            .field("iccid", &self.iccid)
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .field("confirmation_code", &redacted(&self.confirmation_code))
            .field("smds_address", &self.smds_address)
            .field("release_flag", &self.release_flag)
            .finish()
    }
}

/// Response of ES2+.ConfirmOrder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmOrderOk {
    /// The eUICC, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eid: Option<Eid>,
    /// The MatchingID.
    pub matching_id: String,
    /// Where to download.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub smdp_address: Option<String>,
}

impl fmt::Debug for ConfirmOrderOk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfirmOrderOk")
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&Some(&self.matching_id)))
            .field("smdp_address", &self.smdp_address)
            .finish()
    }
}

/// ES2+.ReleaseProfile (SGP.22 5.3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseProfile {
    /// Header.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: Iccid,
}

/// ES2+.CancelOrder (SGP.22 5.3.3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOrder {
    /// Header.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: Iccid,
    /// The eUICC, if the order is for one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eid: Option<Eid>,
    /// The MatchingID of the order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub matching_id: Option<String>,
    /// What becomes of the profile.
    pub final_profile_status_indicator: FinalProfileStatus,
}

impl fmt::Debug for CancelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelOrder")
            .field("header", &self.header)
            .field("iccid", &self.iccid)
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .field("final", &self.final_profile_status_indicator)
            .finish()
    }
}

/// `finalProfileStatusIndicator` (SGP.22 5.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinalProfileStatus {
    /// In stock again.
    Available,
    /// Out of use.
    Unavailable,
}

/// ES2+.HandleDownloadProgressInfo (SGP.22 5.3.5): the SM-DP+ to the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleDownloadProgressInfo {
    /// Header.
    pub header: RequestHeader,
    /// The eUICC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eid: Option<Eid>,
    /// The profile.
    pub iccid: Iccid,
    /// Its type.
    pub profile_type: String,
    /// When it happened, `YYYY-MM-DDThh:mm:ssZ`.
    pub timestamp: String,
    /// What happened.
    pub notification_point_id: NotificationPoint,
    /// How it went.
    pub notification_point_status: FunctionExecutionStatus,
    /// The ProfileInstallationResult in DER, base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result_data: Option<String>,
}

/// `notificationPointId` (SGP.22 5.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationPoint(pub u8);

impl NotificationPoint {
    /// Eligibility and number of attempts were checked.
    pub const ELIGIBILITY: NotificationPoint = NotificationPoint(1);
    /// The end user confirmed, or did not.
    pub const CONFIRMATION: NotificationPoint = NotificationPoint(2);
    /// The bound package was delivered.
    pub const BPP_DOWNLOAD: NotificationPoint = NotificationPoint(3);
    /// The eUICC reported the installation.
    pub const BPP_INSTALLATION: NotificationPoint = NotificationPoint(4);
    /// The eUICC reported that the profile was enabled.
    pub const ENABLED: NotificationPoint = NotificationPoint(101);
    /// The eUICC reported that the profile was disabled.
    pub const DISABLED: NotificationPoint = NotificationPoint(102);
    /// The eUICC reported that the profile was deleted.
    pub const DELETED: NotificationPoint = NotificationPoint(103);
}

impl Function for DownloadOrder {
    type Ok = DownloadOrderOk;
    const PATH: &'static str = "/gsma/rsp2/es2plus/downloadOrder";
}

impl Function for ConfirmOrder {
    type Ok = ConfirmOrderOk;
    const PATH: &'static str = "/gsma/rsp2/es2plus/confirmOrder";
}

impl Function for ReleaseProfile {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es2plus/releaseProfile";
}

impl Function for CancelOrder {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es2plus/cancelOrder";
}

impl Function for HandleDownloadProgressInfo {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es2plus/handleDownloadProgressInfo";
}

/// Any request of ES2+.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// DownloadOrder.
    DownloadOrder(DownloadOrder),
    /// ConfirmOrder.
    ConfirmOrder(ConfirmOrder),
    /// CancelOrder.
    CancelOrder(CancelOrder),
    /// ReleaseProfile.
    ReleaseProfile(ReleaseProfile),
}

impl Request {
    /// Its header.
    pub fn header(&self) -> &RequestHeader {
        match self {
            Request::DownloadOrder(request) => &request.header,
            Request::ConfirmOrder(request) => &request.header,
            Request::CancelOrder(request) => &request.header,
            Request::ReleaseProfile(request) => &request.header,
        }
    }
}

/// Whether this path belongs to ES2+.
pub fn is_path(path: &str) -> bool {
    path.starts_with(PATH)
}

/// Reads a request at the server.
///
/// # Errors
/// If the path names no function or the body is not its request.
pub fn decode_request(request: &HttpRequest) -> Result<Request, BindingError> {
    json::decode_rsp2(request, read_any)
}

fn read_any(request: &HttpRequest) -> Result<Request, BindingError> {
    let unknown = || BindingError::UnknownPath(request.path.clone());
    None.or_else(|| read(request, Request::DownloadOrder))
        .or_else(|| read(request, Request::ConfirmOrder))
        .or_else(|| read(request, Request::CancelOrder))
        .or_else(|| read(request, Request::ReleaseProfile))
        .ok_or_else(unknown)?
}

fn read<F: Function>(
    request: &HttpRequest,
    wrap: fn(F) -> Request,
) -> Option<Result<Request, BindingError>> {
    json::decode_request(request).map(|message| message.map(wrap))
}
