//! ES9+ and ES11 at a client, in either binding (SGP.22 6.5, 6.6). What the server
//! refuses comes as subject and reason code, whichever binding it spoke.

use alloc::string::ToString;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{
    self, RemoteProfileProvisioningRequest as Out, RemoteProfileProvisioningResponse as In,
};
use rsp_asn1::sgp32::AuthenticateClientErrorEsipa;

use super::es9plus::{Request, Wire};
use super::es9plus_json::{
    AuthenticateClientOk, AuthenticateClientRequest, CancelSessionRequest,
    GetBoundProfilePackageOk, GetBoundProfilePackageRequest, InitiateAuthenticationOk,
    InitiateAuthenticationRequest,
};
use super::json::Empty;
use super::{
    BindingError, HttpRequest, HttpResponse, es9plus_asn1, es11, esipa, json, status_codes,
};

/// Writes a request; `user_agent` says which kind of client it is.
///
/// # Errors
/// If the message cannot be serialised.
pub fn encode_request(
    wire: Wire,
    message: &Request,
    user_agent: Option<&str>,
) -> Result<HttpRequest, BindingError> {
    if wire == Wire::Asn1 {
        let request = es9plus_asn1::encode_request(&to_asn1(message));
        return Ok(HttpRequest {
            user_agent: user_agent.map(ToString::to_string),
            ..request
        });
    }
    match message {
        Request::InitiateAuthentication(message) => json::encode_request(message, user_agent),
        Request::AuthenticateClient(message) => json::encode_request(message, user_agent),
        Request::GetBoundProfilePackage(message) => json::encode_request(message, user_agent),
        Request::HandleNotification(message) => json::encode_request(message, user_agent),
        Request::CancelSession(message) => json::encode_request(message, user_agent),
    }
}

fn to_asn1(message: &Request) -> Out {
    let extensions = rsp_asn1::Extensions::default;
    match message.clone() {
        Request::InitiateAuthentication(message) => {
            Out::InitiateAuthenticationRequest(rsp::InitiateAuthenticationRequest {
                euicc_challenge: message.euicc_challenge,
                smdp_address: message.smdp_address,
                euicc_info1: message.euicc_info1,
                extensions: extensions(),
            })
        }
        Request::AuthenticateClient(message) => {
            Out::AuthenticateClientRequest(rsp::AuthenticateClientRequest {
                transaction_id: message.transaction_id,
                authenticate_server_response: message.authenticate_server_response,
                use_matching_id_for_acr: None,
                extensions: extensions(),
            })
        }
        Request::GetBoundProfilePackage(message) => {
            Out::GetBoundProfilePackageRequest(rsp::GetBoundProfilePackageRequest {
                transaction_id: message.transaction_id,
                prepare_download_response: message.prepare_download_response,
                extensions: extensions(),
            })
        }
        Request::CancelSession(message) => {
            Out::CancelSessionRequest(rsp::CancelSessionRequestEs9 {
                transaction_id: message.transaction_id,
                cancel_session_response: message.cancel_session_response,
                extensions: extensions(),
            })
        }
        Request::HandleNotification(message) => Out::HandleNotification(rsp::HandleNotification {
            pending_notification: message.pending_notification,
            extensions: extensions(),
        }),
    }
}

/// Whether a server that answers so may still speak the other binding: it has
/// nothing at this path, or does not take such a content type.
pub fn speaks_another_binding(response: &HttpResponse) -> bool {
    matches!(response.status, 404 | 405 | 406 | 415 | 501)
}

fn asn1(response: &HttpResponse) -> Result<In, BindingError> {
    super::executed(response)?;
    Ok(In::from_der(&response.body)?)
}

fn refused(function: esipa::Function, code: i64) -> BindingError {
    BindingError::Refused(status_codes::pair_of(function, code))
}

/// Reads the response of InitiateAuthentication.
///
/// # Errors
/// If nothing was executed, the server refused, or the body is no such
/// response; so for all functions.
pub fn initiated(
    wire: Wire,
    response: &HttpResponse,
) -> Result<InitiateAuthenticationOk, BindingError> {
    use rsp::InitiateAuthenticationResponse as Response;
    if wire == Wire::Json {
        return json::decode_response::<InitiateAuthenticationRequest>(response);
    }
    match asn1(response)? {
        In::InitiateAuthenticationResponse(Response::Ok(ok)) => Ok(InitiateAuthenticationOk {
            transaction_id: ok.transaction_id,
            server_signed1: ok.server_signed1,
            server_signature1: ok.server_signature1,
            euicc_ci_pk_id_to_be_used: ok.euicc_ci_pk_id_to_be_used,
            server_certificate: ok.server_certificate,
        }),
        In::InitiateAuthenticationResponse(Response::Error(code)) => {
            Err(refused(esipa::Function::InitiateAuthentication, code.0))
        }
        _ => Err(BindingError::WrongFunction),
    }
}

/// Reads the response of AuthenticateClient.
///
/// # Errors
/// As [`initiated`].
pub fn authenticated(
    wire: Wire,
    response: &HttpResponse,
) -> Result<AuthenticateClientOk, BindingError> {
    use rsp::AuthenticateClientResponseEs9 as Response;
    if wire == Wire::Json {
        return json::decode_response::<AuthenticateClientRequest>(response);
    }
    match asn1(response)? {
        In::AuthenticateClientResponseEs9(Response::Ok(ok)) => Ok(AuthenticateClientOk {
            transaction_id: ok.transaction_id,
            profile_metadata: ok.profile_metadata,
            smdp_signed2: ok.smdp_signed2,
            smdp_signature2: ok.smdp_signature2,
            smdp_certificate: ok.smdp_certificate,
        }),
        In::AuthenticateClientResponseEs9(Response::Error(code)) => {
            Err(refused(esipa::Function::AuthenticateClient, code.0))
        }
        _ => Err(BindingError::WrongFunction),
    }
}

/// Reads the response of an SM-DS to AuthenticateClient (SGP.22 5.8.2).
///
/// # Errors
/// As [`initiated`].
pub fn events(
    wire: Wire,
    response: &HttpResponse,
) -> Result<es11::AuthenticateClientOk, BindingError> {
    use rsp::{AuthenticateClientErrorEs11 as Code, AuthenticateClientResponseEs11 as Response};
    const FUNCTION: esipa::Function = esipa::Function::AuthenticateClient;
    if wire == Wire::Json {
        return json::decode_response::<es11::AuthenticateClientRequest>(response);
    }
    match asn1(response)? {
        In::AuthenticateClientResponseEs11(Response::Ok(ok)) => {
            let entry = |entry: rsp::EventEntries| es11::EventEntry {
                event_id: entry.event_id,
                rsp_server_address: entry.rsp_server_address,
            };
            Ok(es11::AuthenticateClientOk {
                transaction_id: ok.transaction_id,
                event_entries: ok.event_entries.into_iter().map(entry).collect(),
            })
        }
        // Two of its numbers mean something else in ESipa.
        In::AuthenticateClientResponseEs11(Response::Error(code)) => Err(match code {
            Code::EVENT_ID_UNKNOWN => {
                refused(FUNCTION, AuthenticateClientErrorEsipa::EVENT_ID_UNKNOWN.0)
            }
            Code::INVALID_TRANSACTION_ID => {
                let code = AuthenticateClientErrorEsipa::INVALID_TRANSACTION_ID;
                refused(FUNCTION, code.0)
            }
            other => refused(FUNCTION, other.0),
        }),
        _ => Err(BindingError::WrongFunction),
    }
}

/// Reads the response of GetBoundProfilePackage.
///
/// # Errors
/// As [`initiated`].
pub fn bound(
    wire: Wire,
    response: &HttpResponse,
) -> Result<GetBoundProfilePackageOk, BindingError> {
    use rsp::GetBoundProfilePackageResponse as Response;
    if wire == Wire::Json {
        return json::decode_response::<GetBoundProfilePackageRequest>(response);
    }
    match asn1(response)? {
        In::GetBoundProfilePackageResponse(Response::Ok(ok)) => Ok(GetBoundProfilePackageOk {
            transaction_id: ok.transaction_id,
            bound_profile_package: ok.bound_profile_package,
        }),
        In::GetBoundProfilePackageResponse(Response::Error(code)) => {
            Err(refused(esipa::Function::GetBoundProfilePackage, code.0))
        }
        _ => Err(BindingError::WrongFunction),
    }
}

/// Reads the response of CancelSession.
///
/// # Errors
/// As [`initiated`].
pub fn cancelled(wire: Wire, response: &HttpResponse) -> Result<(), BindingError> {
    use rsp::CancelSessionResponseEs9 as Response;
    if wire == Wire::Json {
        return json::decode_response::<CancelSessionRequest>(response).map(|Empty {}| ());
    }
    match asn1(response)? {
        In::CancelSessionResponse(Response::Ok(_)) => Ok(()),
        In::CancelSessionResponse(Response::Error(code)) => {
            Err(refused(esipa::Function::CancelSession, code.0))
        }
        _ => Err(BindingError::WrongFunction),
    }
}
