//! ES12 over HTTPS, JSON binding (SGP.22 5.9, 6.5.2.13, 6.5.2.14), and ES15,
//! which is the same between two SM-DSs.

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::Eid;
use serde::{Deserialize, Serialize};

use super::es2plus_json::RequestHeader;
use super::json::{self, Empty, Function};
use super::{BindingError, HttpRequest, HttpResponse};
use crate::Codes;
use crate::smds::Refusal;

/// Where the functions are.
const PATH: &str = "/gsma/rsp2/es12/";

/// Where those between two SM-DSs are.
const PATH_ES15: &str = "/gsma/rsp2/es15/";

/// ES12.RegisterEvent (SGP.22 5.9.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterEvent {
    /// Header.
    pub header: RequestHeader,
    /// The eUICC.
    pub eid: Eid,
    /// Where the eUICC is to turn to: the caller's own address.
    pub rsp_server_address: String,
    /// The MatchingID there.
    pub event_id: String,
    /// Whether an alternative SM-DS is to tell the root SM-DS.
    pub forwarding_indicator: bool,
}

/// The EventID is a secret until it is used.
impl fmt::Debug for RegisterEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterEvent")
            .field("header", &self.header)
            .field("eid", &self.eid)
            .field("rsp_server_address", &self.rsp_server_address)
            .field("event_id", &format_args!("[redacted]"))
            .field("forwarding_indicator", &self.forwarding_indicator)
            .finish()
    }
}

/// ES12.DeleteEvent (SGP.22 5.9.2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteEvent {
    /// Header.
    pub header: RequestHeader,
    /// The eUICC.
    pub eid: Eid,
    /// The event.
    pub event_id: String,
}

/// The EventID is a secret until it is used.
impl fmt::Debug for DeleteEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteEvent")
            .field("header", &self.header)
            .field("eid", &self.eid)
            .field("event_id", &format_args!("[redacted]"))
            .finish()
    }
}

impl Function for RegisterEvent {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es12/registerEvent";
}

impl Function for DeleteEvent {
    type Ok = Empty;
    const PATH: &'static str = "/gsma/rsp2/es12/deleteEvent";
}

/// Any request of ES12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// RegisterEvent.
    RegisterEvent(RegisterEvent),
    /// DeleteEvent.
    DeleteEvent(DeleteEvent),
}

/// Whether this path belongs to ES12 or ES15.
pub fn is_path(path: &str) -> bool {
    path.starts_with(PATH) || path.starts_with(PATH_ES15)
}

/// Whether the SM-DS did what it was asked for: registered the event, or
/// deleted it. What is not there is as good as deleted.
///
/// # Errors
/// If nothing was executed, or the SM-DS refused.
pub fn executed(registers: bool, response: &HttpResponse) -> Result<(), BindingError> {
    let answered = match registers {
        true => json::decode_response::<RegisterEvent>(response),
        false => json::decode_response::<DeleteEvent>(response),
    };
    let (subject, reason) = Refusal::UnknownEvent.codes();
    match answered {
        Err(BindingError::Refused(data))
            if !registers && data.subject_code == subject && data.reason_code == reason =>
        {
            Ok(())
        }
        answered => answered.map(|_| ()),
    }
}

/// Writes a request of an SM-DS to another (ES15).
///
/// # Errors
/// If the message cannot be serialised.
pub fn encode_es15<F: Function>(message: &F) -> Result<HttpRequest, BindingError> {
    let request = json::encode_request(message, None)?;
    Ok(HttpRequest {
        path: request.path.replacen(PATH, PATH_ES15, 1),
        ..request
    })
}

/// Reads a request at the server.
///
/// # Errors
/// If the path names no function or the body is not its request.
pub fn decode_request(request: &HttpRequest) -> Result<Request, BindingError> {
    json::decode_rsp2(request, read_any)
}

fn read_any(request: &HttpRequest) -> Result<Request, BindingError> {
    // Whoever calls, an SM-DP+ or an SM-DS: the functions are the same.
    let name = request.path.strip_prefix(PATH);
    let name = name.or_else(|| request.path.strip_prefix(PATH_ES15));
    let read = |path: &str| HttpRequest {
        path: path.into(),
        ..request.clone()
    };
    let unknown = || BindingError::UnknownPath(request.path.clone());
    match name {
        Some("registerEvent") => json::decode_request(&read(RegisterEvent::PATH))
            .ok_or_else(unknown)?
            .map(Request::RegisterEvent),
        Some("deleteEvent") => json::decode_request(&read(DeleteEvent::PATH))
            .ok_or_else(unknown)?
            .map(Request::DeleteEvent),
        _ => Err(unknown()),
    }
}
