//! ES9+ over HTTPS, JSON binding (SGP.22 5.6, 6.5.2.6 to 6.5.2.10).

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::Signed;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionResponse, EuiccInfo1,
    PendingNotification, PrepareDownloadResponse, ServerSigned1, SmdpSigned2, StoreMetadataRequest,
};
use serde::{Deserialize, Serialize};

use super::json::{self, Empty, Function};
use super::{BindingError, HttpRequest};

/// Where the functions are.
const PATH: &str = "/gsma/rsp2/es9plus/";

/// Request of ES9+.InitiateAuthentication (SGP.22 5.6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitiateAuthenticationRequest {
    /// The eUICC's challenge.
    #[serde(with = "json::octet16")]
    pub euicc_challenge: [u8; 16],
    /// EUICCInfo1.
    #[serde(with = "json::der")]
    pub euicc_info1: EuiccInfo1,
    /// Address that the client contacts.
    pub smdp_address: String,
}

/// Response of ES9+.InitiateAuthentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitiateAuthenticationOk {
    /// The session.
    pub transaction_id: TransactionId,
    /// What the server signed.
    #[serde(with = "json::der")]
    pub server_signed1: Signed<ServerSigned1>,
    /// Signature of CERT.DPauth.
    #[serde(with = "json::signature")]
    pub server_signature1: Vec<u8>,
    /// CI key that the eUICC shall use.
    #[serde(rename = "euiccCiPKIdToBeUsed", with = "json::der")]
    pub euicc_ci_pk_id_to_be_used: Vec<u8>,
    /// CERT.DPauth.
    #[serde(with = "json::der")]
    pub server_certificate: Certificate,
}

/// Request of ES9+.AuthenticateClient (SGP.22 5.6.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// What the eUICC answered.
    #[serde(with = "json::der")]
    pub authenticate_server_response: AuthenticateServerResponse,
}

/// Response of ES9+.AuthenticateClient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientOk {
    /// The session.
    pub transaction_id: TransactionId,
    /// Metadata of the profile.
    #[serde(with = "json::der")]
    pub profile_metadata: StoreMetadataRequest,
    /// What the server signed.
    #[serde(with = "json::der")]
    pub smdp_signed2: Signed<SmdpSigned2>,
    /// Signature of CERT.DPpb.
    #[serde(with = "json::signature")]
    pub smdp_signature2: Vec<u8>,
    /// CERT.DPpb.
    #[serde(with = "json::der")]
    pub smdp_certificate: Certificate,
}

/// Request of ES9+.GetBoundProfilePackage (SGP.22 5.6.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetBoundProfilePackageRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// What the eUICC answered.
    #[serde(with = "json::der")]
    pub prepare_download_response: PrepareDownloadResponse,
}

/// Response of ES9+.GetBoundProfilePackage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetBoundProfilePackageOk {
    /// The session.
    pub transaction_id: TransactionId,
    /// The package.
    #[serde(with = "json::der")]
    pub bound_profile_package: BoundProfilePackage,
}

/// Request of ES9+.HandleNotification (SGP.22 5.6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleNotificationRequest {
    /// The notification as the eUICC made it.
    #[serde(with = "json::der")]
    pub pending_notification: PendingNotification,
}

/// Request of ES9+.CancelSession (SGP.22 5.6.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelSessionRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// What the eUICC answered.
    #[serde(with = "json::der")]
    pub cancel_session_response: CancelSessionResponse,
}

impl Function for InitiateAuthenticationRequest {
    type Ok = InitiateAuthenticationOk;
    const PATH: &'static str = "/gsma/rsp2/es9plus/initiateAuthentication";
}

impl Function for AuthenticateClientRequest {
    type Ok = AuthenticateClientOk;
    const PATH: &'static str = "/gsma/rsp2/es9plus/authenticateClient";
}

impl Function for GetBoundProfilePackageRequest {
    type Ok = GetBoundProfilePackageOk;
    const PATH: &'static str = "/gsma/rsp2/es9plus/getBoundProfilePackage";
}

impl Function for HandleNotificationRequest {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es9plus/handleNotification";
}

impl Function for CancelSessionRequest {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es9plus/cancelSession";
}

/// Any request of ES9+.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// InitiateAuthentication.
    InitiateAuthentication(InitiateAuthenticationRequest),
    /// AuthenticateClient.
    AuthenticateClient(AuthenticateClientRequest),
    /// GetBoundProfilePackage.
    GetBoundProfilePackage(GetBoundProfilePackageRequest),
    /// HandleNotification.
    HandleNotification(HandleNotificationRequest),
    /// CancelSession.
    CancelSession(CancelSessionRequest),
}

/// Whether this path belongs to ES9+.
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
    None.or_else(|| read(request, Request::InitiateAuthentication))
        .or_else(|| read(request, Request::AuthenticateClient))
        .or_else(|| read(request, Request::GetBoundProfilePackage))
        .or_else(|| read(request, Request::HandleNotification))
        .or_else(|| read(request, Request::CancelSession))
        .ok_or_else(unknown)?
}

fn read<F: Function>(
    request: &HttpRequest,
    wrap: fn(F) -> Request,
) -> Option<Result<Request, BindingError>> {
    json::decode_request(request).map(|message| message.map(wrap))
}
