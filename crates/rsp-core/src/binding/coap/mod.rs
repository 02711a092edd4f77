//! The messages of any binding over CoAP (SGP.32 6.2, RFC 7252), without I/O.
//!
//! | module | what |
//! |---|---|
//! | [`message`] | a datagram |
//! | [`block`] | parts of bodies that fit in no datagram (RFC 7959) |
//! | [`server`] | [`Server`]: requests of many peers |
//! | [`client`] | [`Client`]: one request after the other |
//!
//! A request is a POST whose Uri-Path is the path of the HTTP binding; the path
//! says what the body is, so that Content-Format is left out, as are the
//! headers that HTTP has besides. Bodies of more than 1024 octets go in blocks,
//! with a Request-Tag (RFC 9175) that tells one operation's from another's.
//!
//! DTLS below has authenticated the datagrams; nothing here is secret or
//! random but the time after which a message is repeated.

pub mod block;
pub mod client;
pub mod message;
mod repeat;
pub mod server;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

pub use client::{Client, CoapError};
pub use message::{Code, Message, MessageError};
pub use server::Server;

use super::{ADMIN_PROTOCOL, HttpRequest, HttpResponse, esipa_asn1};
use message::{Kind, option};

/// Octets of the largest payload of one message; longer bodies go in blocks of
/// so many (RFC 7252 4.6).
pub const MAX_PAYLOAD: usize = 1024;

/// Transmission parameters (RFC 7252 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// ACK_TIMEOUT: a confirmable message is repeated after 1 to 1.5 times
    /// this, then after twice that, and so on.
    pub ack_timeout: Duration,
    /// MAX_RETRANSMIT: how often it is repeated.
    pub max_retransmit: u32,
    /// How long the two ends remember a message, so that a late copy of it is
    /// no new one (EXCHANGE_LIFETIME).
    pub exchange_lifetime: Duration,
    /// A server that has no answer yet after this acknowledges the request,
    /// so that it is not repeated, and sends the response apart.
    pub ack_delay: Duration,
    /// How long a client waits for a response whose request was acknowledged.
    pub response_timeout: Duration,
    /// Size exponent of the blocks in which bodies go: 6 is 1024 octets.
    pub block_size: u8,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            ack_timeout: Duration::from_secs(2),
            max_retransmit: 4,
            exchange_lifetime: Duration::from_secs(247),
            ack_delay: Duration::from_secs(1),
            response_timeout: Duration::from_secs(90),
            block_size: block::LARGEST,
        }
    }
}

/// Content-Type of a path's bodies, which CoAP does not carry.
fn content_type(path: &str) -> &'static str {
    match path == esipa_asn1::PATH {
        true => "application/x-gsma-rsp-asn1",
        false => "application/json;charset=UTF-8",
    }
}

/// A request as the handler sees it.
fn http_request(path: String, body: Vec<u8>) -> HttpRequest {
    HttpRequest {
        content_type: content_type(&path).to_string(),
        path,
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        user_agent: None,
        body,
    }
}

/// A response as the client's caller sees it.
fn http_response(path: &str, code: Code, body: Vec<u8>) -> HttpResponse {
    let status = status(code, body.is_empty());
    let content_type = match (status, body.is_empty()) {
        (_, true) => None,
        (200, false) => Some(content_type(path).to_string()),
        _ => Some("text/plain;charset=UTF-8".to_string()),
    };
    HttpResponse {
        status,
        content_type,
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        body,
    }
}

/// The HTTP status that a response code stands for (RFC 8075 7).
fn status(code: Code, empty: bool) -> u16 {
    match (code.class(), code.detail()) {
        (2, _) if empty => 204,
        (2, _) => 200,
        (4, 2) => 400,
        (4, detail) => 400 + u16::from(detail),
        (5, detail) => 500 + u16::from(detail),
        _ => 502,
    }
}

/// The response code for an HTTP status: 2.05 with a body, 2.04 without; of
/// errors those that CoAP has, otherwise 4.00 or 5.00.
fn code(status: u16, empty: bool) -> Code {
    match status {
        200..=299 if empty => Code::CHANGED,
        200..=299 => Code::CONTENT,
        400 | 401 | 403..=406 | 408 | 409 | 412 | 413 | 415 | 422 | 429 => {
            Code::of(4, (status - 400) as u8)
        }
        400..=499 => Code::BAD_REQUEST,
        501..=505 => Code::of(5, (status - 500) as u8),
        _ => Code::INTERNAL_SERVER_ERROR,
    }
}

/// Adds the path, one option per segment.
fn add_path(message: &mut Message, path: &str) {
    for segment in path.trim_start_matches('/').split('/') {
        message.add(option::URI_PATH, segment.as_bytes().to_vec());
    }
}

/// The path of a request.
fn path_of(message: &Message) -> Option<String> {
    let mut path = String::new();
    for (number, value) in &message.options {
        if *number == option::URI_PATH {
            let segment = core::str::from_utf8(value).ok()?;
            if segment.contains(['/', '?', '#']) || segment.chars().any(char::is_control) {
                return None;
            }
            path.push('/');
            path.push_str(segment);
        }
    }
    Some(path)
}

/// The block option of this number: `Err` if it has one that is malformed.
fn block_of(message: &Message, number: u16) -> Result<Option<block::Block>, ()> {
    let value = message.option(number);
    value
        .map(|value| block::Block::decode(value).ok_or(()))
        .transpose()
}

/// Whether a critical option is there that nobody here understands
/// (RFC 7252 5.4.1).
fn has_unknown_critical(message: &Message) -> bool {
    const KNOWN: [u16; 6] = [
        option::URI_HOST,
        option::URI_PORT,
        option::URI_PATH,
        option::ACCEPT,
        option::BLOCK1,
        option::BLOCK2,
    ];
    let mut options = message.options.iter();
    options.any(|(number, _)| number % 2 == 1 && !KNOWN.contains(number))
}

/// Sends RST for a datagram that cannot be read, if it wants an answer.
fn reset_for(datagram: &[u8]) -> Option<Vec<u8>> {
    match Message::peek(datagram)? {
        (Kind::Confirmable, id) => Some(Message::empty(Kind::Reset, id).encode()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses() {
        for (status_sent, empty, shown, status_read) in [
            (200, false, "2.05", 200),
            (204, true, "2.04", 204),
            (400, false, "4.00", 400),
            (404, false, "4.04", 404),
            (410, false, "4.00", 400),
            (413, false, "4.13", 413),
            (429, false, "4.29", 429),
            (500, false, "5.00", 500),
            (503, false, "5.03", 503),
            (599, false, "5.00", 500),
        ] {
            let code = code(status_sent, empty);
            assert_eq!(code.to_string(), shown);
            assert_eq!(status(code, empty), status_read);
        }
    }

    #[test]
    fn paths() {
        let mut message = Message::empty(Kind::Confirmable, 1);
        add_path(&mut message, esipa_asn1::PATH);
        assert_eq!(message.options.len(), 3);
        assert_eq!(path_of(&message).as_deref(), Some(esipa_asn1::PATH));
        message.add(option::URI_PATH, b"a/b".to_vec());
        assert_eq!(path_of(&message), None);
    }
}
