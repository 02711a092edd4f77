//! Requests to the API and what is answered to them, without I/O: whoever has a
//! connection sends a [`Request`] and gives what comes back to
//! [`Request::read`].
//!
//! The functions are generated from the OpenAPI document (`cargo xtask codegen`),
//! one for each operation whose bodies are JSON.

use std::fmt::{self, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;

#[path = "generated/operations.rs"]
mod operations;

pub use operations::*;

/// A request whose answer is an `A`.
#[derive(Clone)]
pub struct Request<A> {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Headers beside `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// JSON; empty if there is no body.
    pub body: Vec<u8>,
    answer: PhantomData<fn() -> A>,
}

/// Without the body, which may have a secret in it.
impl<A> fmt::Debug for Request<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer of the type that was expected.
#[derive(Debug)]
pub enum ClientError {
    /// The server refused.
    Problem(Box<Problem>),
    /// The server answered something else, with this status.
    Unexpected(u16),
    /// What was to be sent, or the answer, is not as its type says.
    Json(serde_json::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Problem(problem) => problem.fmt(f),
            ClientError::Unexpected(status) => write!(f, "the server answered {status}"),
            ClientError::Json(error) => write!(f, "the answer is not understood: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl<A: DeserializeOwned> Request<A> {
    /// What came back, read.
    ///
    /// # Errors
    /// [`ClientError::Problem`] if the server refused with a reason, or that the
    /// answer is none.
    pub fn read(&self, status: u16, body: &[u8]) -> Result<A, ClientError> {
        if !(200..300).contains(&status) {
            return Err(match serde_json::from_slice(body) {
                Ok(problem) => ClientError::Problem(Box::new(problem)),
                Err(_) => ClientError::Unexpected(status),
            });
        }
        let body: &[u8] = match body {
            [] => b"null",
            body => body,
        };
        serde_json::from_slice(body).map_err(ClientError::Json)
    }
}

impl<A> Request<A> {
    fn new(method: &'static str, path: Path) -> Self {
        Request {
            method,
            path: path.0,
            headers: Vec::new(),
            body: Vec::new(),
            answer: PhantomData,
        }
    }

    fn json(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        self.body = serde_json::to_vec(body).map_err(ClientError::Json)?;
        self.headers
            .push(("content-type", "application/json".to_string()));
        Ok(self)
    }

    /// Carried out once, however often it is sent with the same key.
    #[must_use]
    pub fn once(mut self, key: &str) -> Self {
        self.headers.push(("idempotency-key", key.to_string()));
        self
    }

    /// Only if the state is still the one with this `ETag`.
    #[must_use]
    pub fn if_match(mut self, tag: &str) -> Self {
        self.headers.push(("if-match", tag.to_string()));
        self
    }
}

/// A path with its query, as it is put together.
struct Path(String);

impl Path {
    fn new() -> Self {
        Path(String::new())
    }

    /// A part that is as it stands.
    fn fixed(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }

    /// A part that says which.
    fn value(mut self, text: &str) -> Self {
        self.encode(text);
        self
    }

    /// A parameter, if it is there.
    fn query(mut self, name: &str, value: Option<&dyn fmt::Display>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.encode(&value.to_string());
        }
        self
    }

    /// RFC 3986 2.1.
    fn encode(&mut self, text: &str) {
        for octet in text.bytes() {
            match octet {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.0.push(char::from(octet));
                }
                // Writing to a text does not fail.
                octet => drop(write!(self.0, "%{octet:02X}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Imported;

    #[test]
    fn paths_are_encoded() {
        let path = Path::new().fixed("/v1/devices/").value("a/../b?c");
        let path = path.query("after", Some(&"é&1")).query("limit", None);
        assert_eq!(
            path.query("n", Some(&7)).0,
            "/v1/devices/a%2F..%2Fb%3Fc?after=%C3%A9%261&n=7"
        );
    }

    #[test]
    fn answers_are_read() {
        let request = Request::<Imported>::new("POST", Path::new());
        assert_eq!(
            request.read(201, br#"{"imported": 1}"#).unwrap().imported,
            1
        );
        let problem = br#"{"type":"/p","title":"t","status":404,"detail":"d","remedy":"r"}"#;
        let said = request.read(404, problem).unwrap_err().to_string();
        assert_eq!(said, "t: d (r)");
        let other = request.read(502, b"<html>").unwrap_err();
        assert!(matches!(other, ClientError::Unexpected(502)));
        assert!(matches!(
            request.read(200, b"[]"),
            Err(ClientError::Json(_))
        ));
        Request::<()>::new("DELETE", Path::new())
            .read(204, b"")
            .unwrap();
    }
}
