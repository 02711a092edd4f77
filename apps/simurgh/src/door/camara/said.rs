//! What is said beside the answers: `x-correlator`, and `ErrorInfo` in place of our
//! problem documents.

use api::Problem;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use crate::door::answer::respond;
use crate::door::problem::PROBLEM_JSON;

const CORRELATOR: HeaderName = HeaderName::from_static("x-correlator");

/// Titles of problems that have a code of their own.
pub(super) const INCOMPATIBLE: &str = "incompatible state";
pub(super) const MISMATCH: &str = "identifier mismatch";
pub(super) const NOT_APPLICABLE: &str = "service not applicable";
pub(super) const NO_IDENTIFIER: &str = "identifier not found";

/// Octets of a problem document, which is our own.
const LONGEST: usize = 64 * 1024;

/// Characters of `message`.
const LONGEST_MESSAGE: usize = 512;

/// `ErrorInfo`.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ErrorInfo {
    status: u16,
    code: &'static str,
    message: String,
}

/// Goes around every route of the facade.
pub(super) async fn translate(request: Request, next: Next) -> Response {
    let correlator = request.headers().get(CORRELATOR).cloned();
    let names_operation = *request.method() == Method::GET;
    let (mut response, correlator) = match correlator {
        Some(correlator) if !is_correlator(&correlator) => {
            let info = ErrorInfo {
                status: 400,
                code: "INVALID_ARGUMENT",
                message: "x-correlator: at most 256 letters, digits and -_:;./<>{}".to_string(),
            };
            (respond(info.status, "application/json", &info), None)
        }
        correlator => (next.run(request).await, correlator),
    };
    let is_problem = |headers: &HeaderMap| {
        let content_type = headers.get(CONTENT_TYPE);
        content_type.is_some_and(|found| found == PROBLEM_JSON)
    };
    if is_problem(response.headers()) {
        response = translated(response, names_operation).await;
    }
    if let Some(correlator) = correlator {
        response.headers_mut().insert(CORRELATOR, correlator);
    }
    response
}

/// `XCorrelator`.
fn is_correlator(value: &HeaderValue) -> bool {
    let octets = value.as_bytes();
    octets.len() <= 256
        && octets
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_:;./<>{}".contains(octet))
}

async fn translated(response: Response, names_operation: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, LONGEST)
        .await
        .unwrap_or_default();
    let info = match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => info(&problem, names_operation),
        Err(_) => ErrorInfo {
            status: parts.status.as_u16(),
            code: "INTERNAL",
            message: "the server could not do it".to_string(),
        },
    };
    parts.status = StatusCode::from_u16(info.status).unwrap_or(parts.status);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let body = respond(info.status, "application/json", &info).into_body();
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(CONTENT_TYPE, json);
    Response::from_parts(parts, body)
}

/// Codes of CAMARA's Commonalities, and the two that the definition adds.
fn info(problem: &Problem, names_operation: bool) -> ErrorInfo {
    let (status, code) = match (problem.status, problem.title.as_str()) {
        (422, MISMATCH) => (422, "IDENTIFIER_MISMATCH"),
        (422, NOT_APPLICABLE) => (422, "SERVICE_NOT_APPLICABLE"),
        (400 | 408 | 413 | 422, _) => (400, "INVALID_ARGUMENT"),
        (401, _) => (401, "UNAUTHENTICATED"),
        (403, _) => (403, "PERMISSION_DENIED"),
        (404, _) if names_operation => (404, "NOT_FOUND"),
        (404, _) => (404, "IDENTIFIER_NOT_FOUND"),
        (405, _) => (405, "METHOD_NOT_ALLOWED"),
        (409, INCOMPATIBLE | "unsafe operation") => (409, "INCOMPATIBLE_STATE"),
        (409, _) => (409, "ABORTED"),
        (415, _) => (415, "UNSUPPORTED_MEDIA_TYPE"),
        (429, _) => (429, "TOO_MANY_REQUESTS"),
        (503, _) => (503, "UNAVAILABLE"),
        (other, _) => (other, "INTERNAL"),
    };
    let message = format!("{}; {}", problem.detail, problem.remedy);
    ErrorInfo {
        status,
        code,
        message: message.chars().take(LONGEST_MESSAGE).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::problem::{invalid, problem, unauthorised};

    #[test]
    fn codes() {
        let code = |problem: &Problem| {
            let info = info(problem, false);
            (info.status, info.code)
        };
        assert_eq!(code(&unauthorised()), (401, "UNAUTHENTICATED"));
        let wrong = invalid("esimProfile.eid", "not 32 digits", "correct it");
        assert_eq!(code(&wrong), (400, "INVALID_ARGUMENT"));
        let mismatch = problem(422, MISMATCH, "", "");
        assert_eq!(code(&mismatch), (422, "IDENTIFIER_MISMATCH"));
        let unsafe_ = problem(409, "unsafe operation", "", "");
        assert_eq!(code(&unsafe_), (409, "INCOMPATIBLE_STATE"));
        let unknown = problem(404, "not found", "", "");
        assert_eq!(info(&unknown, true).code, "NOT_FOUND");
        assert_eq!(info(&unknown, false).code, "IDENTIFIER_NOT_FOUND");
    }

    #[test]
    fn correlators() {
        let is = |text: &str| is_correlator(&HeaderValue::from_str(text).unwrap());
        assert!(is("b4333c46-49c0-4f62-80d7-f0ef930f1c46"));
        assert!(is(""));
        assert!(!is("a b"));
        assert!(!is(&"a".repeat(257)));
    }
}
