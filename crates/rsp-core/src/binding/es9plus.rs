//! ES9+ in whichever binding a request comes (SGP.22 6.5, 6.6): the messages
//! are those of [`es9plus_json`], and so is what they mean.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    ADMIN_PROTOCOL, BindingError, HttpRequest, HttpResponse, es9plus_asn1, es9plus_json, json,
};
use crate::smdp::Refusal;

pub use super::es9plus_json::Request;

/// A function of ES9+.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// SGP.22 5.6.1.
    InitiateAuthentication,
    /// SGP.22 5.6.3.
    AuthenticateClient,
    /// SGP.22 5.6.2.
    GetBoundProfilePackage,
    /// SGP.22 5.6.4.
    HandleNotification,
    /// SGP.22 5.6.5.
    CancelSession,
}

impl Request {
    /// The function that is called.
    pub fn function(&self) -> Function {
        match self {
            Request::InitiateAuthentication(_) => Function::InitiateAuthentication,
            Request::AuthenticateClient(_) => Function::AuthenticateClient,
            Request::GetBoundProfilePackage(_) => Function::GetBoundProfilePackage,
            Request::HandleNotification(_) => Function::HandleNotification,
            Request::CancelSession(_) => Function::CancelSession,
        }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// JSON, a path each.
    #[default]
    Json,
    /// ASN.1, one path for all.
    Asn1,
}

/// A reply that every binding can write.
pub trait Reply: Serialize + es9plus_asn1::Reply {}

impl<R: Serialize + es9plus_asn1::Reply> Reply for R {}

/// Whether this path belongs to ES9+.
pub fn is_path(path: &str) -> bool {
    path == es9plus_asn1::PATH || es9plus_json::is_path(path)
}

/// Reads a request at the server.
///
/// # Errors
/// If the path names no function or the body is not its request.
pub fn decode_request(request: &HttpRequest) -> Result<(Wire, Request), BindingError> {
    match request.path == es9plus_asn1::PATH {
        true => Ok((Wire::Asn1, es9plus_asn1::decode_request(request)?)),
        false => Ok((Wire::Json, es9plus_json::decode_request(request)?)),
    }
}

/// The response to a request that cannot be read.
pub fn not_executed(request: &HttpRequest, error: &BindingError) -> HttpResponse {
    match request.path == es9plus_asn1::PATH {
        true => error.to_response(),
        false => json::not_executed(error),
    }
}

impl Wire {
    /// Writes a reply at the server.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn encode<R: Reply>(self, reply: R) -> Result<HttpResponse, BindingError> {
        match self {
            Wire::Json => json::encode_response(Ok(reply)),
            Wire::Asn1 => Ok(es9plus_asn1::encode_response(&reply.into_response())),
        }
    }

    /// The response with a body that was written before.
    pub fn again(self, body: Vec<u8>) -> HttpResponse {
        let content_type = match self {
            Wire::Json => json::CONTENT_TYPE,
            Wire::Asn1 => es9plus_asn1::CONTENT_TYPE,
        };
        HttpResponse {
            status: 200,
            content_type: Some(content_type.to_string()),
            admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
            body,
        }
    }

    /// Writes a refusal of a function at the server.
    pub fn refuse(self, function: Function, refusal: Refusal) -> HttpResponse {
        match self {
            Wire::Json => json::refusal(refusal),
            Wire::Asn1 => es9plus_asn1::refusal(function, refusal),
        }
    }
}
