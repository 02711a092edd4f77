//! ESipa over HTTPS, ASN.1 binding (SGP.32 6.1, 6.3).

use alloc::string::ToString;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EimPackageError, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageResponse,
    ProvideEimPackageResultError, ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, Tag, Tagged, Tlv};

use super::{ADMIN_PROTOCOL, BindingError, HttpRequest, HttpResponse};
use crate::eim::Taken;

/// Where all functions are.
pub const PATH: &str = "/gsma/rsp2/asn1";

/// Content-Type of the ASN.1 binding.
pub const CONTENT_TYPE: &str = "application/x-gsma-rsp-asn1";

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

/// What the eIM answers to a request that is no message: where the function
/// can be recognised, its own error, otherwise a status that says that nothing
/// was executed.
pub fn refuse(request: &HttpRequest, error: &BindingError) -> HttpResponse {
    match refusal(&request.body) {
        Some(message) => encode_response(&message),
        None => error.to_response(),
    }
}

/// The error of the function (SGP.32 5.14.5, 5.14.6), if the body is one whole
/// data object of it.
fn refusal(body: &[u8]) -> Option<EsipaMessageFromEimToIpa> {
    const GET_EIM_PACKAGE: Tag = Tag::new(0xBF4F);
    const PROVIDE_EIM_PACKAGE_RESULT: Tag = Tag::new(0xBF50);
    let function = Tlv::parse(body).ok()?;
    let mut members = function.reader();
    let mut eid_octets = None;
    while !members.is_empty() {
        let member = members.tlv().ok()?;
        if member.tag == Eid::TAG {
            eid_octets = Some(member.value.len());
        }
    }
    Some(match function.tag {
        GET_EIM_PACKAGE => {
            let error = match eid_octets {
                None => EimPackageError::MISSING_EID,
                Some(16) => EimPackageError::UNDEFINED_ERROR,
                Some(_) => EimPackageError::INVALID_EID,
            };
            let response = GetEimPackageResponse::EimPackageError(error);
            EsipaMessageFromEimToIpa::GetEimPackageResponse(response)
        }
        PROVIDE_EIM_PACKAGE_RESULT => {
            let error = match eid_octets {
                None | Some(16) => ProvideEimPackageResultError::UNDEFINED_ERROR,
                Some(_) => ProvideEimPackageResultError::INVALID_EID,
            };
            let response = ProvideEimPackageResultResponse::Error(error);
            EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response)
        }
        _ => return None,
    })
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

/// Writes a message that an eIM takes to an IPA that listens (SGP.32 5.14.4).
pub fn encode_from_eim(message: &EsipaMessageFromEimToIpa) -> HttpRequest {
    HttpRequest {
        path: PATH.to_string(),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        user_agent: None,
        body: message.to_der(),
    }
}

/// Reads it at the IPA.
///
/// # Errors
/// If the body is no message of an eIM.
pub fn decode_from_eim(body: &[u8]) -> Result<EsipaMessageFromEimToIpa, BindingError> {
    Ok(EsipaMessageFromEimToIpa::from_der(body)?)
}

/// Writes the answer of an IPA that listens.
pub fn encode_from_ipa(message: &EsipaMessageFromIpaToEim) -> HttpResponse {
    HttpResponse::ok(CONTENT_TYPE, message.to_der())
}

/// Reads it at the eIM.
///
/// # Errors
/// If nothing was executed or the body is no message of an IPA.
pub fn decode_from_ipa(response: &HttpResponse) -> Result<EsipaMessageFromIpaToEim, BindingError> {
    super::executed(response)?;
    Ok(EsipaMessageFromIpaToEim::from_der(&response.body)?)
}
