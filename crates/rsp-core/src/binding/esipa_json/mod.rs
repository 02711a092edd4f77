//! ESipa over HTTPS, JSON binding (SGP.32 6.4): a path for each function, the
//! members of the message in the body, and a header in responses alone.
//!
//! A refusal says why three times over: in the header, by its pair of codes,
//! and by the number that the ASN.1 binding has, under the name that it has
//! there. Peers look at one or the other.

mod packages;
mod relayed;
#[cfg(test)]
mod tests;
mod transfer;
mod value;

use alloc::string::ToString;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EimPackageError, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    ProvideEimPackageResultError, TransferEimPackageRequest, TransferEimPackageResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::esipa::Function;
use super::esipa_asn1::USER_AGENT_IPAD;
use super::json::{self, CONTENT_TYPE, ExecutionStatus, FunctionExecutionStatus, Header};
use super::{
    ADMIN_PROTOCOL, BindingError, HttpRequest, HttpResponse, StatusCodeData, status_codes,
};

/// Where the functions are.
pub const PATH: &str = "/gsma/rsp2/esipa/";

/// Whether this path belongs to the binding.
pub fn is_path(path: &str) -> bool {
    path.starts_with(PATH)
}

/// The members of a request.
trait Message: Serialize + DeserializeOwned {
    /// The message that they make up.
    type Asn1;

    fn write(message: &Self::Asn1) -> Self;

    fn read(self) -> Result<Self::Asn1, BindingError>;
}

/// What came of a function.
enum Outcome<T> {
    Executed(T),
    /// The number of the ASN.1 binding.
    Refused(Function, i64),
}

/// A response: header, and the members of the function or the number.
#[derive(Serialize)]
struct Response<T> {
    header: Header,
    #[serde(flatten)]
    members: T,
}

/// Name of the number in a refusal.
const fn error_member(function: Function) -> &'static str {
    match function {
        Function::InitiateAuthentication => "initiateAuthenticationErrorEsipa",
        Function::AuthenticateClient => "authenticateClientErrorEsipa",
        Function::GetBoundProfilePackage => "getBoundProfilePackageErrorEsipa",
        Function::CancelSession => "cancelSessionError",
        Function::ProvideEimPackageResult => "provideEimPackageResultError",
        Function::GetEimPackage | Function::TransferEimPackage | Function::HandleNotification => {
            "eimPackageError"
        }
    }
}

/// A member that a message must have.
fn member<T>(value: Option<T>, name: &str) -> Result<T, BindingError> {
    value.ok_or_else(|| BindingError::MissingMember(alloc::format!("missing field `{name}`")))
}

fn function_of(path: &str) -> Option<Function> {
    let name = path.strip_prefix(PATH)?;
    Function::ALL.into_iter().find(|known| known.name() == name)
}

/// Reads a message at the eIM. Content type and headers are not looked at.
///
/// # Errors
/// If the path names no function that an IPA calls, or the body is not its
/// request.
pub fn decode_request(request: &HttpRequest) -> Result<EsipaMessageFromIpaToEim, BindingError> {
    use EsipaMessageFromIpaToEim as In;
    let body = &request.body;
    Ok(match function_of(&request.path) {
        Some(Function::InitiateAuthentication) => {
            In::InitiateAuthenticationRequest(read::<relayed::InitiateAuthentication>(body)?)
        }
        Some(Function::AuthenticateClient) => {
            In::AuthenticateClientRequest(read::<relayed::AuthenticateClient>(body)?)
        }
        Some(Function::GetBoundProfilePackage) => {
            In::GetBoundProfilePackageRequest(read::<relayed::GetBoundProfilePackage>(body)?)
        }
        Some(Function::CancelSession) => {
            In::CancelSessionRequest(read::<relayed::CancelSession>(body)?)
        }
        Some(Function::GetEimPackage) => {
            In::GetEimPackageRequest(read::<packages::GetEimPackage>(body)?)
        }
        Some(Function::ProvideEimPackageResult) => {
            In::ProvideEimPackageResult(read::<packages::ProvideResult>(body)?)
        }
        Some(Function::HandleNotification) => {
            In::HandleNotification(read::<packages::HandleNotification>(body)?)
        }
        Some(Function::TransferEimPackage) | None => {
            return Err(BindingError::UnknownPath(request.path.clone()));
        }
    })
}

fn read<M: Message>(body: &[u8]) -> Result<M::Asn1, BindingError> {
    json::parse::<M>(body)?.read()
}

/// Writes a message at the IPA.
///
/// # Errors
/// If it cannot be serialised.
pub fn encode_request(message: &EsipaMessageFromIpaToEim) -> Result<HttpRequest, BindingError> {
    use EsipaMessageFromIpaToEim as Out;
    let body = match message {
        Out::InitiateAuthenticationRequest(message) => {
            write::<relayed::InitiateAuthentication>(message)
        }
        Out::AuthenticateClientRequest(message) => write::<relayed::AuthenticateClient>(message),
        Out::GetBoundProfilePackageRequest(message) => {
            write::<relayed::GetBoundProfilePackage>(message)
        }
        Out::CancelSessionRequest(message) => write::<relayed::CancelSession>(message),
        Out::GetEimPackageRequest(message) => write::<packages::GetEimPackage>(message),
        Out::ProvideEimPackageResult(message) => write::<packages::ProvideResult>(message),
        Out::HandleNotification(message) => write::<packages::HandleNotification>(message),
        Out::TransferEimPackageResponse(_) => return Err(BindingError::WrongFunction),
    };
    Ok(request(Function::of(message), body?, Some(USER_AGENT_IPAD)))
}

fn write<M: Message>(message: &M::Asn1) -> Result<alloc::vec::Vec<u8>, BindingError> {
    serde_json::to_vec(&M::write(message)).map_err(json::json_error)
}

fn request(function: Function, body: alloc::vec::Vec<u8>, user_agent: Option<&str>) -> HttpRequest {
    HttpRequest {
        path: alloc::format!("{PATH}{}", function.name()),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        user_agent: user_agent.map(ToString::to_string),
        body,
    }
}

/// Writes a response at the eIM; `reason` is what an RSP server said, where it
/// says more than the number in the message.
pub fn encode_response(
    message: &EsipaMessageFromEimToIpa,
    reason: Option<&StatusCodeData>,
) -> HttpResponse {
    use EsipaMessageFromEimToIpa as Out;
    match message {
        Out::InitiateAuthenticationResponse(message) => {
            respond(relayed::initiated(message), reason)
        }
        Out::AuthenticateClientResponse(message) => {
            respond(relayed::authenticated(message), reason)
        }
        Out::GetBoundProfilePackageResponse(message) => respond(relayed::bound(message), reason),
        Out::CancelSessionResponse(message) => respond(relayed::cancelled(message), reason),
        Out::GetEimPackageResponse(message) => respond(packages::package(message), reason),
        Out::ProvideEimPackageResultResponse(message) => {
            respond(packages::provided(message), reason)
        }
        // The eIM asks: this is no answer of it.
        Out::TransferEimPackageRequest(_) => BindingError::WrongFunction.to_response(),
    }
}

fn respond<T: Serialize>(outcome: Outcome<T>, reason: Option<&StatusCodeData>) -> HttpResponse {
    let body = match outcome {
        Outcome::Executed(members) => serde_json::to_vec(&Response {
            header: header(ExecutionStatus::ExecutedSuccess, None),
            members,
        }),
        Outcome::Refused(function, code) => {
            let reason = reason.cloned();
            let reason = reason.unwrap_or_else(|| status_codes::pair_of(function, code));
            let mut members = alloc::collections::BTreeMap::new();
            members.insert(error_member(function), code);
            serde_json::to_vec(&Response {
                header: header(ExecutionStatus::Failed, Some(reason)),
                members,
            })
        }
    };
    match body {
        Ok(body) => HttpResponse::ok(CONTENT_TYPE, body),
        Err(error) => HttpResponse::failure(500, &error.to_string()),
    }
}

fn header(status: ExecutionStatus, status_code_data: Option<StatusCodeData>) -> Header {
    Header {
        function_execution_status: FunctionExecutionStatus {
            status,
            status_code_data,
        },
    }
}

/// Reads the response to a function at the IPA.
///
/// # Errors
/// If nothing was executed, or the body is no response of the function.
pub fn decode_response(
    asked: Function,
    response: &HttpResponse,
) -> Result<EsipaMessageFromEimToIpa, BindingError> {
    use EsipaMessageFromEimToIpa as In;
    super::executed(response)?;
    let body = &response.body;
    Ok(match asked {
        Function::InitiateAuthentication => {
            In::InitiateAuthenticationResponse(relayed::read_initiated(body)?)
        }
        Function::AuthenticateClient => {
            In::AuthenticateClientResponse(relayed::read_authenticated(body)?)
        }
        Function::GetBoundProfilePackage => {
            In::GetBoundProfilePackageResponse(relayed::read_bound(body)?)
        }
        Function::CancelSession => In::CancelSessionResponse(relayed::read_cancelled(body)?),
        Function::GetEimPackage => In::GetEimPackageResponse(packages::read_package(body)?),
        Function::ProvideEimPackageResult => {
            In::ProvideEimPackageResultResponse(packages::read_provided(body)?)
        }
        Function::TransferEimPackage | Function::HandleNotification => {
            return Err(BindingError::WrongFunction);
        }
    })
}

/// The header decides; where it refuses without a pair that means something
/// here, the number beside it does.
fn outcome<T: DeserializeOwned>(
    function: Function,
    body: &[u8],
) -> Result<Outcome<T>, BindingError> {
    let status = json::parse::<json::Envelope>(body)?;
    let status = status.header.function_execution_status;
    match status.status {
        ExecutionStatus::ExecutedSuccess | ExecutionStatus::ExecutedWithWarning => {
            // Some say only in the body that they refused.
            match number(function, body) {
                Some(code) if code != 0 => Ok(Outcome::Refused(function, code)),
                _ => Ok(Outcome::Executed(json::parse(body)?)),
            }
        }
        ExecutionStatus::Failed | ExecutionStatus::Expired => {
            let data = status.status_code_data;
            let code = data.and_then(|data| status_codes::code_of(function, &data));
            let code = code.or_else(|| number(function, body));
            let code = code.unwrap_or(status_codes::UNDEFINED_ERROR);
            Ok(Outcome::Refused(function, code))
        }
    }
}

/// The number of a refusal, if it is in the body.
fn number(function: Function, body: &[u8]) -> Option<i64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get(error_member(function))?.as_i64()
}

/// What the eIM answers to a request that is no message: where the function
/// has an error for it, that, otherwise a status that says that nothing was
/// executed.
pub fn refuse(request: &HttpRequest, error: &BindingError) -> HttpResponse {
    let function = function_of(&request.path);
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(&request.body) else {
        return error.to_response();
    };
    if !body.is_object() {
        return error.to_response();
    }
    let eid = body.get("eidValue");
    let is_eid = eid.is_some_and(|eid| {
        let text = eid.as_str().unwrap_or_default();
        text.parse::<Eid>().is_ok()
    });
    let code = match (function, eid) {
        (Some(Function::GetEimPackage), None) => EimPackageError::MISSING_EID.0,
        (Some(Function::GetEimPackage | Function::ProvideEimPackageResult), Some(_)) if !is_eid => {
            EimPackageError::INVALID_EID.0
        }
        (Some(Function::GetEimPackage), _) => EimPackageError::UNDEFINED_ERROR.0,
        (Some(Function::ProvideEimPackageResult), _) => {
            ProvideEimPackageResultError::UNDEFINED_ERROR.0
        }
        _ => return error.to_response(),
    };
    match function {
        Some(function) => respond(Outcome::<()>::Refused(function, code), None),
        None => error.to_response(),
    }
}

/// Writes a request of the eIM to an IPA (injection).
///
/// # Errors
/// If it cannot be serialised.
pub fn encode_transfer(message: &TransferEimPackageRequest) -> Result<HttpRequest, BindingError> {
    let body = write::<transfer::Transfer>(message)?;
    Ok(request(Function::TransferEimPackage, body, None))
}

/// Reads a request of the eIM at the IPA.
///
/// # Errors
/// If the path is another or the body is no such request.
pub fn decode_transfer(request: &HttpRequest) -> Result<TransferEimPackageRequest, BindingError> {
    match function_of(&request.path) {
        Some(Function::TransferEimPackage) => read::<transfer::Transfer>(&request.body),
        _ => Err(BindingError::UnknownPath(request.path.clone())),
    }
}

/// Writes the answer of an IPA to the eIM's request.
pub fn encode_transferred(message: &TransferEimPackageResponse) -> HttpResponse {
    respond(transfer::transferred(message), None)
}

/// Reads the answer of an IPA at the eIM.
///
/// # Errors
/// If nothing was executed or the body is no such answer.
pub fn decode_transferred(
    response: &HttpResponse,
) -> Result<TransferEimPackageResponse, BindingError> {
    super::executed(response)?;
    transfer::read_transferred(&response.body)
}
