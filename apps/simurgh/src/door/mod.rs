//! The northbound API: who may come in, and which function is where.

mod devices;
mod eims;
mod functions;
mod list;
mod listener;
mod manifest;
mod operations;
mod order;
mod psk;
mod shown;
mod stock;

use std::sync::Arc;

use api::{Page, Problem};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LINK, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use rsp_core::Timestamp;
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Peer, RawHandler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{EimHost, SmdpHost, StoreError};

use list::Query;

use crate::inject::Pushes;

/// Answers whoever has the token.
pub(crate) struct Door {
    functions: Arc<Functions>,
    /// SHA-256 of the token.
    token: [u8; 32],
}

/// What the functions work on.
struct Functions {
    eim: Arc<EimHost>,
    smdp: Arc<SmdpHost>,
    /// Who brings packages to devices that listen, if somebody does.
    pushes: Option<Pushes>,
}

impl Door {
    pub(crate) fn new(
        eim: Arc<EimHost>,
        smdp: Arc<SmdpHost>,
        pushes: Option<Pushes>,
        token: &str,
    ) -> Self {
        Door {
            functions: Arc::new(Functions { eim, smdp, pushes }),
            token: SoftwareProvider.sha256(&[token.as_bytes()]),
        }
    }

    /// Compares digests, so that the time it takes tells nothing of the token.
    fn admits(&self, request: &Request<Bytes>) -> bool {
        let header = request.headers().get(AUTHORIZATION);
        let presented = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        presented
            .is_some_and(|token| SoftwareProvider.sha256(&[token.trim().as_bytes()]) == self.token)
    }
}

impl RawHandler for Door {
    async fn handle(&self, request: Request<Bytes>, peer: &Peer) -> Response<Bytes> {
        if !self.admits(&request) {
            tracing::warn!(peer = %peer.address, "no valid token");
            return unauthorised();
        }
        let functions = self.functions.clone();
        let answered = tokio::task::spawn_blocking(move || functions.answer(&request));
        let answered = answered.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a handler ended early");
            Err(internal())
        });
        answered
            .unwrap_or_else(|problem| respond(problem.status, "application/problem+json", &problem))
    }
}

impl Functions {
    /// One line per function.
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Problem> {
        let path = request.uri().path();
        let inner = path.strip_prefix(api::V1).unwrap_or_default();
        let segments: Vec<_> = inner.trim_start_matches('/').split('/').collect();
        let query = || Query::read(request.uri().query());
        match (request.method().as_str(), segments.as_slice()) {
            ("GET", ["eim-configuration"]) => ok(&self.eim_configuration()?),
            ("GET", ["devices"]) => paged(path, &query()?, &self.devices(&query()?)?),
            ("POST", ["devices"]) => created(&self.add_device(&read(request)?)?),
            ("POST", ["manifests"]) => ok(&self.announce(&read(request)?)?),
            ("GET", ["devices", eid]) => ok(&self.device(eid)?),
            ("PATCH", ["devices", eid]) => ok(&self.set_device(eid, &read(request)?)?),
            ("DELETE", ["devices", eid]) => {
                self.remove_device(eid)?;
                Ok(no_content())
            }
            ("POST", ["devices", eid, "psk"]) => created(&self.make_psk(eid, &read(request)?)?),
            ("DELETE", ["devices", eid, "psk"]) => {
                self.remove_psk(eid)?;
                Ok(no_content())
            }
            ("PUT", ["devices", eid, "listener"]) => ok(&self.set_listener(eid, &read(request)?)?),
            ("DELETE", ["devices", eid, "listener"]) => {
                self.remove_listener(eid)?;
                Ok(no_content())
            }
            ("POST", ["devices", eid, "push"]) => {
                self.push(eid)?;
                Ok(no_content())
            }
            ("GET", ["devices", eid, "profiles"]) => ok(&self.device_profiles(eid)?),
            ("POST", ["profiles"]) => created(&self.add_profiles(&read(request)?)?),
            ("GET", ["operations"]) => paged(path, &query()?, &self.operations(&query()?)?),
            ("POST", ["operations"]) => created(&self.add_operations(&read(request)?)?),
            ("GET", ["operations", id]) => ok(&self.operation(id)?),
            ("POST", ["operations", id, "cancel"]) => ok(&self.cancel_operation(id)?),
            (method, _) => Err(not_found(method, path)),
        }
    }
}

/// A page, with where the next one is (RFC 8288).
fn paged<T: Serialize>(
    path: &str,
    query: &Query,
    page: &Page<T>,
) -> Result<Response<Bytes>, Problem> {
    let mut response = respond(200, "application/json", page);
    if let Some(next) = &page.next {
        let mut link = format!("<{path}?after={next}&limit={}", query.limit);
        for (name, value) in [("eid", &query.eid), ("state", &query.state)] {
            if let Some(value) = value {
                link.push_str(&format!("&{name}={value}"));
            }
        }
        link.push_str(">; rel=\"next\"");
        let link = HeaderValue::try_from(link).map_err(|_| internal())?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A point in time as in RFC 3339.
fn utc(time: Timestamp) -> String {
    let (year, month, day, hour, minute, second) = time.to_utc();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn ok<T: Serialize>(body: &T) -> Result<Response<Bytes>, Problem> {
    Ok(respond(200, "application/json", body))
}

fn created<T: Serialize>(body: &T) -> Result<Response<Bytes>, Problem> {
    Ok(respond(201, "application/json", body))
}

fn respond<T: Serialize>(status: u16, content_type: &'static str, body: &T) -> Response<Bytes> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn read<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Problem> {
    serde_json::from_slice(request.body()).map_err(|error| {
        // The library's text may quote the body, which may hold secrets.
        let place = format!("line {} column {}", error.line(), error.column());
        let class = format!("{:?} error at {place}", error.classify());
        invalid("the body", &class, "see the API's types for its form")
    })
}

fn unauthorised() -> Response<Bytes> {
    let problem = problem(
        401,
        "unauthorised",
        "no valid token",
        "send `Authorization: Bearer <token>`; the token is in the file that `door.token` names",
    );
    let mut response = respond(401, "application/problem+json", &problem);
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

fn problem(status: u16, title: &str, detail: &str, remedy: &str) -> Problem {
    Problem {
        kind: format!("/problems/{}", title.replace(' ', "-")),
        title: title.to_string(),
        status,
        detail: detail.to_string(),
        remedy: remedy.to_string(),
    }
}

fn not_found(method: &str, path: &str) -> Problem {
    let detail = format!("there is no {method} {path}");
    problem(404, "not found", &detail, "see the list of functions")
}

fn invalid(what: &str, detail: &str, remedy: &str) -> Problem {
    problem(422, "invalid request", &format!("{what}: {detail}"), remedy)
}

fn internal() -> Problem {
    problem(
        500,
        "internal error",
        "the server could not do it",
        "try again; the log says more",
    )
}

/// A failure of the store as the caller should see it.
fn stored(error: StoreError) -> Problem {
    match error {
        StoreError::Exists(what) => problem(
            409,
            "exists",
            &format!("{what} exists already"),
            "use another",
        ),
        StoreError::Unknown(what) => problem(
            404,
            "not found",
            &format!("{what} is not known"),
            "add it first",
        ),
        error => {
            tracing::error!(%error, "store");
            internal()
        }
    }
}
