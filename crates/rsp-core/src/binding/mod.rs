//! Bindings: bytes in, messages out, and back.
//!
//! | module | interface | standard |
//! |---|---|---|
//! | [`coap`] | any of these over CoAP | SGP.32 6.2, RFC 7252, 7959, 9175 |
//! | [`esipa`] | ESipa, whichever binding | SGP.32 6.1 |
//! | [`esipa_asn1`] | ESipa over HTTPS, ASN.1 | SGP.32 6.1, 6.3 |
//! | [`esipa_json`] | ESipa over HTTPS, JSON | SGP.32 6.1, 6.4 |
//! | [`mqtt`] | ESipa over MQTT 5 | SGP.32 leaves it open |
//! | [`es9plus`] | ES9+ at the server, whichever binding | SGP.22 6.5, 6.6 |
//! | [`es9plus_client`] | ES9+ at a client, either binding | SGP.22 6.5, 6.6 |
//! | [`es9plus_asn1`] | ES9+ over HTTPS, ASN.1 | SGP.22 6.6 |
//! | [`es9plus_json`] | ES9+ over HTTPS, JSON | SGP.22 6.5.2.6 to 6.5.2.10 |
//! | [`es11`] | ES11: what differs from ES9+ | SGP.22 5.8, 6.5, 6.6 |
//! | [`es2plus_json`] | ES2+ over HTTPS, JSON | SGP.22 6.5.2.1 to 6.5.2.4 |
//! | [`es12_json`] | ES12 and ES15 over HTTPS, JSON | SGP.22 6.5.2.13, 6.5.2.14 |

pub mod coap;
pub mod es11;
pub mod es12_json;
pub mod es2plus_json;
pub mod es9plus;
pub mod es9plus_asn1;
pub mod es9plus_client;
pub mod es9plus_json;
pub mod esipa;
pub mod esipa_asn1;
pub mod esipa_json;
pub mod json;
pub mod mqtt;
pub mod status_codes;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

pub use json::StatusCodeData;

/// `X-Admin-Protocol` that is sent where no request says another.
pub const ADMIN_PROTOCOL: &str = "gsma/rsp/v2.1.0";

/// What carries ESipa between an IPA and an eIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// HTTPS (SGP.32 6.1).
    Https,
    /// CoAP over DTLS (SGP.32 6.2).
    Coaps,
    /// MQTT, which SGP.32 does not define.
    Mqtt,
}

impl Transport {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Https => "https",
            Transport::Coaps => "coaps",
            Transport::Mqtt => "mqtt",
        }
    }

    /// The bit of `eimSupportedProtocol` and `ipaSupportedProtocols` for
    /// retrieval over it.
    pub const fn retrieve_bit(self) -> u8 {
        match self {
            Transport::Https => 0,
            Transport::Coaps => 1,
            // Proprietary.
            Transport::Mqtt => 4,
        }
    }
}

/// An HTTP POST, whatever carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Absolute path.
    pub path: String,
    /// Content-Type.
    pub content_type: String,
    /// X-Admin-Protocol.
    pub admin_protocol: Option<String>,
    /// User-Agent.
    pub user_agent: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// The answer to an [`HttpRequest`].
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Content-Type, absent without body.
    pub content_type: Option<String>,
    /// X-Admin-Protocol.
    pub admin_protocol: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// Bodies carry activation codes, matching IDs and keys: only their length is
/// shown.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("path", &self.path)
            .field("content_type", &self.content_type)
            .field("admin_protocol", &self.admin_protocol)
            .field("user_agent", &self.user_agent)
            .field("body", &format_args!("[{} octets]", self.body.len()))
            .finish()
    }
}

/// Of the body only the length is shown.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("admin_protocol", &self.admin_protocol)
            .field("body", &format_args!("[{} octets]", self.body.len()))
            .finish()
    }
}

impl HttpResponse {
    /// 200 with a body.
    pub fn ok(content_type: &str, body: Vec<u8>) -> Self {
        HttpResponse {
            status: 200,
            content_type: Some(content_type.to_string()),
            admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
            body,
        }
    }

    /// 204: executed, and there is no response message.
    pub fn no_content() -> Self {
        HttpResponse {
            status: 204,
            content_type: None,
            admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
            body: Vec::new(),
        }
    }

    /// Not executed, and why.
    pub fn failure(status: u16, text: &str) -> Self {
        HttpResponse {
            status,
            content_type: Some("text/plain;charset=UTF-8".to_string()),
            admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
            body: text.as_bytes().to_vec(),
        }
    }
}

/// Why received bytes are no message of the binding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// No function has this path.
    #[error("no function at {0}")]
    UnknownPath(String),
    /// The peer did not execute the function.
    #[error("HTTP status {status}: {text}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Beginning of the body.
        text: String,
    },
    /// The body is no JSON of the expected form.
    #[error("JSON: {0}")]
    Json(String),
    /// A mandatory member of the body is missing.
    #[error("JSON: {0}")]
    MissingMember(String),
    /// The body is not JSON, and the content type does not say that it is.
    #[error("Content-Type is not application/json, and the body is no message")]
    ContentType,
    /// The request is of another protocol or major version.
    #[error("X-Admin-Protocol is not gsma/rsp/v2")]
    AdminProtocol,
    /// The body is not the expected ASN.1 type.
    #[error("ASN.1: {0}")]
    Asn1(#[from] rsp_asn1::DecodeError),
    /// The response is the answer to another function.
    #[error("a response to another function")]
    WrongFunction,
    /// The peer executed the function and refused.
    #[error("refused: {0}")]
    Refused(StatusCodeData),
    /// The peer refused, or did not execute the function in time, and gave no
    /// `statusCodeData`.
    #[error("refused without a reason")]
    RefusedWithoutReason,
}

impl BindingError {
    /// What a server answers to such a request.
    pub fn to_response(&self) -> HttpResponse {
        let status = match self {
            BindingError::UnknownPath(_) => 404,
            _ => 400,
        };
        HttpResponse::failure(status, &self.to_string())
    }
}

/// A secret in `Debug`: whether it is there, not what it is.
pub(crate) fn redacted<T>(secret: &Option<T>) -> Option<fmt::Arguments<'static>> {
    secret.as_ref().map(|_| format_args!("[redacted]"))
}

/// Whether the peer executed the function: all that is to be known of the
/// response to a notification.
///
/// # Errors
/// If the status says that it did not.
pub fn executed(response: &HttpResponse) -> Result<(), BindingError> {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&response.body);
    Err(BindingError::Status {
        status: response.status,
        text: text.chars().take(200).collect(),
    })
}
