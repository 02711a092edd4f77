//! Problem documents (RFC 9457): what is wrong, and what to do about it.

use api::Problem;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use store::{EngineError, StoreError};

use super::answer::respond;

/// Seconds after which a database that is away is asked again.
const AWAY: u64 = 5;

/// Media type of problems.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A problem on its way to the caller, with what its response needs beside it.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// With one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// To be tried again after so many seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.problem.retry_after = Some(seconds);
        self
    }

    /// The connection ends with it, because not all of the request was read.
    pub(super) fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let unknown = problem.status == 401;
        let refusal = Refusal {
            problem: Box::new(problem),
            headers: Vec::new(),
        };
        match unknown {
            true => refusal.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            false => refusal,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = respond(self.problem.status, PROBLEM_JSON, &*self.problem);
        if let Some(seconds) = self.problem.retry_after {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A problem of the kind that its title names.
pub(crate) fn problem(status: u16, title: &str, detail: &str, remedy: &str) -> Problem {
    Problem {
        kind: format!("/problems/{}", title.replace(' ', "-")),
        title: title.to_string(),
        status,
        detail: detail.to_string(),
        remedy: remedy.to_string(),
        compensation: None,
        findings: Vec::new(),
        field: None,
        subject_code: None,
        reason_code: None,
        retry_after: None,
    }
}

/// Nobody knows who asks.
pub(crate) fn unauthorised() -> Problem {
    problem(
        401,
        "unauthorised",
        "no valid token",
        "send `Authorization: Bearer <token>`; the token is in the file that `door.token` names",
    )
}

/// Who asks may not.
pub(crate) fn forbidden(detail: &str, remedy: &str) -> Problem {
    problem(403, "forbidden", detail, remedy)
}

/// A request whose meaning is wrong.
pub(crate) fn invalid(what: &str, detail: &str, remedy: &str) -> Problem {
    Problem {
        field: Some(what.to_string()),
        ..problem(422, "invalid request", &format!("{what}: {detail}"), remedy)
    }
}

/// The server's own fault.
pub(crate) fn internal() -> Problem {
    problem(
        500,
        "internal error",
        "the server could not do it",
        "try again; the log says more",
    )
}

/// A failure of the store as the caller should see it.
pub(crate) fn stored(error: StoreError) -> Problem {
    match error {
        StoreError::Exists(what) => problem(
            409,
            "exists",
            &format!("{what} exists already"),
            "use another",
        ),
        StoreError::Elsewhere => problem(
            409,
            "exists",
            &error.to_string(),
            "check the EID; if it is right, ask whoever runs the server",
        ),
        StoreError::Unknown(what) => problem(
            404,
            "not found",
            &format!("{what} is not known"),
            "add it first",
        ),
        StoreError::LastAdmin(last) => problem(
            409,
            "last admin",
            &last.to_string(),
            "make another user an admin first",
        ),
        StoreError::TakenOver => problem(
            409,
            "in progress",
            &error.to_string(),
            "repeat it in a moment to get its answer",
        ),
        StoreError::Conflict => problem(
            409,
            "changed meanwhile",
            "somebody else changed it at the same time",
            "get it again, look at what changed, and repeat",
        ),
        StoreError::Engine(
            error @ (EngineError::Unreachable(_) | EngineError::Overtaken | EngineError::Disk(_)),
        ) => {
            tracing::error!(%error, "store");
            Problem {
                retry_after: Some(AWAY),
                ..problem(
                    503,
                    "not available",
                    away(&error),
                    "wait as long as Retry-After says; /readyz says when it is over",
                )
            }
        }
        error => {
            tracing::error!(%error, "store");
            internal()
        }
    }
}

/// What anybody may know of a database that cannot be used now.
pub(super) fn away(error: &EngineError) -> &'static str {
    match error {
        EngineError::Disk(_) => "the disk of the database is full, or fails: nothing was done",
        EngineError::Overtaken => "too many others change the same: nothing was done",
        _ => "the database cannot be reached: nothing was done that was not acknowledged",
    }
}
