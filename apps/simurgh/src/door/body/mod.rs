//! What a request brings, read as a type or refused with what is wrong.

mod strict;

use std::time::Duration;

use api::Problem;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::problem::{Refusal, invalid, problem};
use strict::Strict;

/// How long a body may take in all.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Octets of a body on routes that say nothing else.
pub(super) const BODY_LIMIT: usize = 1 << 20;

/// Octets of a body that a route takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit(pub(super) usize);

/// A body in JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<()> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &()) -> Result<Self, Refusal> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|text| text.to_str().ok());
        if !content_type.is_some_and(is_json) {
            let detail = "the body is not marked as JSON";
            let remedy = "send `Content-Type: application/json`";
            return Err(problem(415, "unsupported media type", detail, remedy).into());
        }
        let body = whole(request).await?;
        Ok(Json(read(&body)?))
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The whole body, within the limit of the route.
pub(super) async fn whole(request: Request) -> Result<Bytes, Refusal> {
    let limit = request.extensions().get::<BodyLimit>();
    let limit = limit.map_or(BODY_LIMIT, |limit| limit.0);
    let read = collect(request.into_body(), limit);
    match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(body) => body,
        Err(_) => {
            let detail = "the body did not come in time";
            Err(Refusal::from(problem(408, "too slow", detail, "send it again")).closing())
        }
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(larger_than(limit));
    }
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let detail = "the body ended before its end";
            let broken = problem(400, "incomplete", detail, "send it again");
            return Err(Refusal::from(broken).closing());
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limit - octets.len() {
            return Err(larger_than(limit));
        }
        octets.extend_from_slice(&data);
    }
    Ok(octets.into())
}

fn larger_than(limit: usize) -> Refusal {
    let detail = format!("more than {limit} octets are not taken here");
    Refusal::from(problem(413, "too large", &detail, "send it in parts"))
}

/// What the library says of an error may quote the body, which may hold secrets:
/// only what the type expects is taken from it.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(|error| {
        let path = error.path().to_string();
        wrong(&error.into_inner(), &path)
    })?;
    reader.end().map_err(|error| wrong(&error, "."))?;
    Ok(value)
}

fn wrong(error: &serde_json::Error, path: &str) -> Problem {
    let place = match error.line() {
        0 => String::new(),
        line => format!(" at line {line} column {}", error.column()),
    };
    if !error.is_data() {
        let detail = format!("the body is not JSON{place}");
        return problem(400, "malformed", &detail, "send one JSON value, in UTF-8");
    }
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    let expected = match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if text.starts_with("missing field") => text.to_string(),
        None => "not what belongs here".to_string(),
    };
    // The name of an unknown member is not repeated either.
    let path = match text.starts_with("unknown field") {
        true => path.rsplit_once('.').map_or(".", |(parent, _)| parent),
        false => path,
    };
    let what = match path {
        "." => "the body",
        path => path,
    };
    let remedy = "see the type of the body in /v1/openapi.json";
    invalid(what, &format!("{expected}{place}"), remedy)
}

/// Parameters of the query.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<()> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &()) -> Result<Self, Refusal> {
        let read = axum::extract::Query::try_from_uri(&parts.uri);
        let wrong = |error: axum::extract::rejection::QueryRejection| {
            let remedy = "see the parameters of the operation in /v1/openapi.json";
            invalid("the query", &error.body_text(), remedy)
        };
        Ok(Query(read.map_err(wrong)?.0))
    }
}

/// What stands in the path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<()> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &()) -> Result<Self, Refusal> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(read) => Ok(Path(read.0)),
            Err(_) => {
                let remedy = "see the paths in /v1/openapi.json";
                Err(problem(404, "not found", "there is no such path", remedy).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Problem {
        read::<api::NewProfiles>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn errors_say_where_and_never_quote() {
        let problem = refused("{\"profile_type\": SECRET");
        assert_eq!(problem.status, 400);
        assert!(problem.detail.contains("line 1 column 18"), "{problem}");
        for (body, said) in [
            (
                r#"{"subscriptions": [{"imsi": {"SECRET": 1}}]}"#,
                "subscriptions[0].imsi: expected a string",
            ),
            (
                r#"{"profile_type": "SECRET"}"#,
                "missing field `service_provider_name`",
            ),
            (
                r#"{"SECRET": "SECRET"}"#,
                "the body: expected one of `profile_type`",
            ),
            (
                r#"{"settings": {"mnc_length": "SECRET, expected SECRET"}}"#,
                "settings.mnc_length: expected u8",
            ),
            (r#"["SECRET"]"#, "expected an object"),
            (
                r#"{"subscriptions": [["SECRET"]]}"#,
                "subscriptions[0]: expected an object",
            ),
        ] {
            let problem = refused(body);
            assert_eq!(problem.status, 422);
            assert!(problem.detail.contains(said), "{problem}");
            assert!(!format!("{problem:?}").contains("SECRET"), "{problem:?}");
        }
        let sequence = read::<api::PoolSettings>(br#"{"needs": [null, null]}"#);
        assert_eq!(sequence.unwrap_err().status, 422);
        assert_eq!(read::<u8>(b"1 SECRET").unwrap_err().status, 400);
        let deep = "[".repeat(100_000);
        assert_eq!(
            read::<serde_json::Value>(deep.as_bytes())
                .unwrap_err()
                .status,
            400
        );
    }

    #[test]
    fn media_types() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }
}
