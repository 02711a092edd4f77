//! ESipa over HTTPS, ASN.1 binding (SGP.32 6.1, 6.3).

use alloc::string::ToString;

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};

use super::{ADMIN_PROTOCOL, BindingError, HttpRequest, HttpResponse};
use crate::eim::Taken;

/// Where all functions are.
pub const PATH: &str = "/gsma/rsp2/asn1";

/// Content-Type of the ASN.1 bindings.
const CONTENT_TYPE: &str = "application/x-gsma-rsp-asn1";

/// User-Agent of an IPAd (SGP.32 6.1, since v1.2).
pub const USER_AGENT_IPAD: &str = "gsma-rsp-ipad";

/// Reads a message at the eIM. Content type and headers are not looked at:
/// some devices send unusual ones, and the body tells.
///
/// # Errors
/// If the body is no message of an IPA.
pub fn decode_request(request: &HttpRequest) -> Result<EsipaMessageFromIpaToEim, BindingError> {
    Ok(EsipaMessageFromIpaToEim::from_der(&request.body)?)
}

/// Writes a response at the eIM.
pub fn encode_response(message: &EsipaMessageFromEimToIpa) -> HttpResponse {
    HttpResponse::ok(CONTENT_TYPE, message.to_der())
}

/// Says whether a notification was taken over: there is no message.
pub fn encode_taken(taken: Taken) -> HttpResponse {
    match taken {
        Taken::Stored => HttpResponse::no_content(),
        Taken::NotExecuted => HttpResponse::failure(400, "not proven to be of a known eUICC"),
    }
}

/// Writes a message at the IPA.
pub fn encode_request(message: &EsipaMessageFromIpaToEim) -> HttpRequest {
    HttpRequest {
        path: PATH.to_string(),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        user_agent: Some(USER_AGENT_IPAD.to_string()),
        body: message.to_der(),
    }
}

/// Reads a response at the IPA.
///
/// # Errors
/// If nothing was executed or the body is no message of an eIM.
pub fn decode_response(response: &HttpResponse) -> Result<EsipaMessageFromEimToIpa, BindingError> {
    super::executed(response)?;
    Ok(EsipaMessageFromEimToIpa::from_der(&response.body)?)
}
