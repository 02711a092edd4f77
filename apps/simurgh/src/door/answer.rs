//! Answers that are no problems.

use std::fmt::{self, Write};

use api::{Page, Problem};
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, LINK};
use http::{HeaderMap, StatusCode};
use rsp_core::Timestamp;
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use serde::Serialize;

use super::problem::{internal, problem};

/// Media type of answers.
const JSON: &str = "application/json";

/// 200 with a body.
pub(super) fn ok<T: Serialize>(body: &T) -> Result<Response, Problem> {
    Ok(respond(200, JSON, body))
}

/// 201 with what was made.
pub(super) fn created<T: Serialize>(body: &T) -> Result<Response, Problem> {
    Ok(respond(201, JSON, body))
}

/// 204.
pub(super) fn no_content() -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A body with a status.
pub(super) fn respond<T: Serialize>(status: u16, content_type: &'static str, body: &T) -> Response {
    text(
        status,
        content_type,
        serde_json::to_vec(body).unwrap_or_default(),
    )
}

/// A body that is written already.
pub(super) fn text(status: u16, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A page of the list at `path`, with where the next one is (RFC 8288); `filters`
/// are the parameters that were given beside those of each list.
pub(super) fn paged<T: Serialize>(
    path: &str,
    limit: usize,
    filters: &[(&str, &Option<String>)],
    page: &Page<T>,
) -> Result<Response, Problem> {
    let mut response = respond(200, JSON, page);
    if let Some(next) = &page.next {
        let mut link = format!("<{}{path}?after={}&limit={limit}", api::V1, Encoded(next));
        for (name, value) in filters {
            if let Some(value) = value {
                let _ = write!(link, "&{name}={}", Encoded(value));
            }
        }
        link.push_str(">; rel=\"next\"");
        let link = HeaderValue::try_from(link).map_err(|_| internal())?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// One thing with the tag of its state (RFC 9110 8.8.3), or that it is still as
/// the caller knows it.
pub(super) fn tagged<T: Serialize>(body: &T, asked: &HeaderMap) -> Result<Response, Problem> {
    let tag = tag(body)?;
    let known = asked.get(IF_NONE_MATCH).is_some_and(|known| {
        let known = known.to_str().unwrap_or_default();
        known.trim() == "*" || known.split(',').any(|known| known.trim() == tag)
    });
    let mut response = match known {
        true => {
            let mut unchanged = Response::new(Body::empty());
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            unchanged
        }
        false => respond(200, JSON, body),
    };
    let tag = HeaderValue::try_from(tag).map_err(|_| internal())?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// Whether a thing is still as the caller says with `If-Match`, if it does.
///
/// # Errors
/// 412.
pub(super) fn unchanged<T: Serialize>(current: &T, asked: &HeaderMap) -> Result<(), Problem> {
    let Some(expected) = asked.get(IF_MATCH) else {
        return Ok(());
    };
    let (tag, expected) = (tag(current)?, expected.to_str().unwrap_or_default());
    let is_meant = |expected: &str| expected.trim() == "*" || expected.trim() == tag;
    match expected.split(',').any(is_meant) {
        true => Ok(()),
        false => Err(changed()),
    }
}

/// As [`unchanged`], of a thing that is not there: no state of it is meant.
///
/// # Errors
/// 412.
pub(super) fn still_absent(asked: &HeaderMap) -> Result<(), Problem> {
    match asked.contains_key(IF_MATCH) {
        true => Err(changed()),
        false => Ok(()),
    }
}

fn changed() -> Problem {
    problem(
        412,
        "changed meanwhile",
        "it is not as If-Match says",
        "get it again, look at what changed, and repeat with its ETag",
    )
}

/// The tag of a state: what can be seen of it decides.
fn tag<T: Serialize>(body: &T) -> Result<String, Problem> {
    let body = serde_json::to_vec(body).map_err(|_| internal())?;
    let digest = SoftwareProvider.sha256(&[&body]);
    let mut tag = String::from("\"");
    for octet in digest.iter().take(12) {
        let _ = write!(tag, "{octet:02x}");
    }
    tag.push('"');
    Ok(tag)
}

/// A point in time as in RFC 3339.
pub(super) fn utc(time: Timestamp) -> String {
    let (year, month, day, hour, minute, second) = time.to_utc();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A value in a query (RFC 3986 2.1).
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0.bytes() {
            match octet {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    f.write_char(char::from(octet))?;
                }
                octet => write!(f, "%{octet:02X}")?,
            }
        }
        Ok(())
    }
}
