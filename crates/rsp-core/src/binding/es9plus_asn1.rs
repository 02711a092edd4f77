//! ES9+ over HTTPS, ASN.1 binding (SGP.22 5.6, 6.6).

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{self, RemoteProfileProvisioningRequest, RemoteProfileProvisioningResponse};

use super::es9plus::Function;
use super::es9plus_json::{
    AuthenticateClientOk, AuthenticateClientRequest, CancelSessionRequest,
    GetBoundProfilePackageOk, GetBoundProfilePackageRequest, HandleNotificationRequest,
    InitiateAuthenticationOk, InitiateAuthenticationRequest, Request,
};
use super::json::Empty;
use super::{BindingError, HttpRequest, HttpResponse};
use crate::smdp::Refusal;

/// Where all functions are.
pub const PATH: &str = "/gsma/rsp2/asn1";

/// Content-Type of the binding.
pub const CONTENT_TYPE: &str = "application/x-gsma-rsp-asn1";

/// A reply in this binding.
pub trait Reply {
    /// The response message.
    fn into_response(self) -> RemoteProfileProvisioningResponse;
}

/// Reads a request at the server. The content type is not looked at: the body
/// tells.
///
/// # Errors
/// If the body is no request of a client.
pub fn decode_request(request: &HttpRequest) -> Result<Request, BindingError> {
    use RemoteProfileProvisioningRequest as In;
    Ok(match In::from_der(&request.body)? {
        In::InitiateAuthenticationRequest(message) => {
            Request::InitiateAuthentication(InitiateAuthenticationRequest {
                euicc_challenge: message.euicc_challenge,
                euicc_info1: message.euicc_info1,
                smdp_address: message.smdp_address,
            })
        }
        In::AuthenticateClientRequest(message) => {
            Request::AuthenticateClient(AuthenticateClientRequest {
                transaction_id: message.transaction_id,
                authenticate_server_response: message.authenticate_server_response,
            })
        }
        In::GetBoundProfilePackageRequest(message) => {
            Request::GetBoundProfilePackage(GetBoundProfilePackageRequest {
                transaction_id: message.transaction_id,
                prepare_download_response: message.prepare_download_response,
            })
        }
        In::CancelSessionRequest(message) => Request::CancelSession(CancelSessionRequest {
            transaction_id: message.transaction_id,
            cancel_session_response: message.cancel_session_response,
        }),
        In::HandleNotification(message) => Request::HandleNotification(HandleNotificationRequest {
            pending_notification: message.pending_notification,
        }),
    })
}

/// Writes a response at the server.
pub fn encode_response(message: &RemoteProfileProvisioningResponse) -> HttpResponse {
    HttpResponse::ok(CONTENT_TYPE, message.to_der())
}

/// Writes a request at the client.
pub fn encode_request(message: &RemoteProfileProvisioningRequest) -> HttpRequest {
    HttpRequest {
        path: PATH.into(),
        content_type: CONTENT_TYPE.into(),
        admin_protocol: Some(super::ADMIN_PROTOCOL.into()),
        user_agent: None,
        body: message.to_der(),
    }
}

/// Reads a response at the client.
///
/// # Errors
/// If nothing was executed or the body is no response of a server.
pub fn decode_response(
    response: &HttpResponse,
) -> Result<RemoteProfileProvisioningResponse, BindingError> {
    super::executed(response)?;
    Ok(RemoteProfileProvisioningResponse::from_der(&response.body)?)
}

/// Writes a refusal at the server. HandleNotification has no response message.
pub fn refusal(function: Function, refusal: Refusal) -> HttpResponse {
    use RemoteProfileProvisioningResponse as Out;
    let message = match function {
        Function::InitiateAuthentication => Out::InitiateAuthenticationResponse(
            rsp::InitiateAuthenticationResponse::Error(initiate_authentication(refusal)),
        ),
        Function::AuthenticateClient => Out::AuthenticateClientResponseEs9(
            rsp::AuthenticateClientResponseEs9::Error(authenticate_client(refusal)),
        ),
        Function::GetBoundProfilePackage => Out::GetBoundProfilePackageResponse(
            rsp::GetBoundProfilePackageResponse::Error(get_bound_profile_package(refusal)),
        ),
        Function::CancelSession => Out::CancelSessionResponse(
            rsp::CancelSessionResponseEs9::Error(cancel_session(refusal)),
        ),
        Function::HandleNotification => {
            return HttpResponse::failure(400, &alloc::format!("{refusal}"));
        }
    };
    encode_response(&message)
}

/// The integers of ES9+ say less than the codes of the JSON binding; what has
/// none is undefinedError, where the function has that.
fn initiate_authentication(refusal: Refusal) -> rsp::InitiateAuthenticationError {
    use rsp::InitiateAuthenticationError as Code;
    match refusal {
        Refusal::InvalidSmdpAddress => Code::INVALID_DP_ADDRESS,
        Refusal::UnsupportedVersion => Code::EUICC_VERSION_NOT_SUPPORTED_BY_DP,
        _ => Code::CI_PK_NOT_SUPPORTED,
    }
}

fn authenticate_client(refusal: Refusal) -> rsp::AuthenticateClientError {
    use rsp::AuthenticateClientError as Code;
    match refusal {
        Refusal::EumCertificateInvalid => Code::EUM_CERTIFICATE_INVALID,
        Refusal::EumCertificateExpired => Code::EUM_CERTIFICATE_EXPIRED,
        Refusal::EuiccCertificateInvalid => Code::EUICC_CERTIFICATE_INVALID,
        Refusal::EuiccCertificateExpired => Code::EUICC_CERTIFICATE_EXPIRED,
        Refusal::EuiccSignatureInvalid => Code::EUICC_SIGNATURE_INVALID,
        Refusal::MatchingIdRefused => Code::MATCHING_ID_REFUSED,
        Refusal::EidMismatch => Code::EID_MISMATCH,
        Refusal::NoEligibleProfile => Code::NO_ELIGIBLE_PROFILE,
        Refusal::UnknownCi => Code::CI_PK_UNKNOWN,
        Refusal::UnknownTransaction => Code::INVALID_TRANSACTION_ID,
        Refusal::InsufficientMemory => Code::INSUFFICIENT_MEMORY,
        Refusal::OrderExpired => Code::DOWNLOAD_ORDER_EXPIRED,
        _ => Code::UNDEFINED_ERROR,
    }
}

fn get_bound_profile_package(refusal: Refusal) -> rsp::GetBoundProfilePackageError {
    use rsp::GetBoundProfilePackageError as Code;
    match refusal {
        Refusal::EuiccSignatureInvalid => Code::EUICC_SIGNATURE_INVALID,
        Refusal::ConfirmationCodeMissing => Code::CONFIRMATION_CODE_MISSING,
        Refusal::ConfirmationCodeRefused => Code::CONFIRMATION_CODE_REFUSED,
        Refusal::ConfirmationCodeRetries => Code::CONFIRMATION_CODE_RETRIES_EXCEEDED,
        Refusal::RebindingRefused | Refusal::BindingFailed => Code::BPP_REBINDING_REFUSED,
        Refusal::OrderExpired => Code::DOWNLOAD_ORDER_EXPIRED,
        Refusal::UnknownTransaction => Code::INVALID_TRANSACTION_ID,
        _ => Code::UNDEFINED_ERROR,
    }
}

fn cancel_session(refusal: Refusal) -> rsp::CancelSessionServerError {
    use rsp::CancelSessionServerError as Code;
    match refusal {
        Refusal::UnknownTransaction => Code::INVALID_TRANSACTION_ID,
        Refusal::EuiccSignatureInvalid => Code::EUICC_SIGNATURE_INVALID,
        _ => Code::UNDEFINED_ERROR,
    }
}

impl Reply for InitiateAuthenticationOk {
    fn into_response(self) -> RemoteProfileProvisioningResponse {
        RemoteProfileProvisioningResponse::InitiateAuthenticationResponse(
            rsp::InitiateAuthenticationResponse::Ok(rsp::InitiateAuthenticationOkEs9 {
                transaction_id: self.transaction_id,
                server_signed1: self.server_signed1,
                server_signature1: self.server_signature1,
                euicc_ci_pk_id_to_be_used: self.euicc_ci_pk_id_to_be_used,
                server_certificate: self.server_certificate,
                extensions: Default::default(),
            }),
        )
    }
}

impl Reply for AuthenticateClientOk {
    fn into_response(self) -> RemoteProfileProvisioningResponse {
        RemoteProfileProvisioningResponse::AuthenticateClientResponseEs9(
            rsp::AuthenticateClientResponseEs9::Ok(rsp::AuthenticateClientOk {
                transaction_id: self.transaction_id,
                profile_metadata: self.profile_metadata,
                smdp_signed2: self.smdp_signed2,
                smdp_signature2: self.smdp_signature2,
                smdp_certificate: self.smdp_certificate,
                extensions: Default::default(),
            }),
        )
    }
}

impl Reply for GetBoundProfilePackageOk {
    fn into_response(self) -> RemoteProfileProvisioningResponse {
        RemoteProfileProvisioningResponse::GetBoundProfilePackageResponse(
            rsp::GetBoundProfilePackageResponse::Ok(rsp::GetBoundProfilePackageOk {
                transaction_id: self.transaction_id,
                bound_profile_package: self.bound_profile_package,
                extensions: Default::default(),
            }),
        )
    }
}

/// CancelSession has no other members.
impl Reply for Empty {
    fn into_response(self) -> RemoteProfileProvisioningResponse {
        let ok = rsp::CancelSessionOk {
            extensions: Default::default(),
        };
        RemoteProfileProvisioningResponse::CancelSessionResponse(rsp::CancelSessionResponseEs9::Ok(
            ok,
        ))
    }
}
