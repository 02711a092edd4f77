//! The decision that each request passes: who asks, whether it may, and whether
//! it asks too often.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fleet::access::Permission;
use http::Method;
use http::request::Parts;
use rsp_net::Peer;

use super::caller::{Caller, DEFAULT_TENANT, Presented};
use super::problem::{Refusal, forbidden, internal, unauthorised};
use super::routes::Guard;
use super::{Door, idempotency};
use crate::shell;
use crate::traces::{self, Kind};

/// Lets a request through to its handler, or not.
pub(super) async fn authorise(guard: Guard, mut request: Request, next: Next) -> Response {
    if guard == Guard::Public {
        return next.run(request).await;
    }
    let admitted = match admit(asked(&request)).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.into_response(),
    };
    let Admitted { door, caller, left } = admitted;
    let answered = match permit(guard, &caller) {
        Err(refusal) => Err(refusal),
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            // What a session is told is not kept for whoever repeats a request.
            match *request.method() == Method::POST && guard != Guard::Begun {
                true => idempotency::once(&door, &caller, request, next).await,
                false => Ok(next.run(request).await),
            }
        }
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    left.say(response.headers_mut());
    response
}

/// Somebody who is known and does not ask too often.
pub(super) struct Admitted {
    door: Door,
    caller: Arc<Caller>,
    left: super::limits::Left,
}

/// What of a request says who sends it.
pub(super) fn asked(request: &Request) -> Result<(Door, Presented), Refusal> {
    asked_by(request.extensions(), request.headers(), request.method())
}

/// The same of its parts.
pub(super) fn asked_by(
    extensions: &http::Extensions,
    headers: &http::HeaderMap,
    method: &Method,
) -> Result<(Door, Presented), Refusal> {
    let door: Option<&Door> = extensions.get();
    let peer: Option<&Arc<Peer>> = extensions.get();
    let (Some(door), Some(peer)) = (door, peer) else {
        return Err(internal().into());
    };
    let presented = Presented {
        headers: headers.clone(),
        method: method.clone(),
        peer: peer.as_ref().clone(),
        again: false,
    };
    Ok((door.clone(), presented))
}

/// Finds out who asks.
pub(super) async fn admit(asked: Result<(Door, Presented), Refusal>) -> Result<Admitted, Refusal> {
    let (door, presented) = asked?;
    let address = presented.peer.address;
    let asked = door.clone();
    let span = traces::part(Kind::Internal, "authenticate");
    let known = tokio::task::spawn_blocking(move || asked.authenticate(&presented));
    let known = known.await;
    drop(span);
    let known = known.unwrap_or_else(|error| {
        tracing::error!(%error, "whether a caller is known");
        Err(internal())
    });
    let caller = match known {
        Ok(Some(caller)) => Arc::new(caller),
        Ok(None) => return Err(stranger(&door, address, unauthorised())),
        Err(problem) => return Err(stranger(&door, address, problem)),
    };
    let now = shell::now();
    let left = door
        .limiter()
        .caller(&caller.tenant, &caller.principal, now)?;
    Ok(Admitted { door, caller, left })
}

/// Who is not known and asks often is told to wait.
fn stranger(door: &Door, address: std::net::SocketAddr, problem: api::Problem) -> Refusal {
    tracing::warn!(peer = %address, status = problem.status, "not let in");
    match door.limiter().stranger(address.ip(), shell::now()) {
        Ok(()) => problem.into(),
        Err(refusal) => refusal,
    }
}

fn permit(guard: Guard, caller: &Caller) -> Result<(), Refusal> {
    if caller.unfinished && guard != Guard::Begun {
        let detail = "signing in is not finished: a second factor or another password is missing";
        let remedy = "see `stage` of GET /v1/session for what is next";
        return Err(forbidden(detail, remedy).into());
    }
    if let Some(permission) = guard.permission()
        && !caller.may(permission)
    {
        let detail = format!("this needs the permission {permission}");
        let remedy = "ask an administrator for it, or use a key that has it";
        return Err(forbidden(&detail, remedy).into());
    }
    match guard {
        Guard::OfServer(_) if caller.tenant != DEFAULT_TENANT => {
            Err(forbidden(OF_SERVER, ASK_OPERATOR).into())
        }
        _ => Ok(()),
    }
}

/// What somebody of another tenant is told of what is the server's.
pub(super) const OF_SERVER: &str =
    "this is of the server as a whole, and for the tenant `default` alone";
pub(super) const ASK_OPERATOR: &str = "ask whoever runs the server to do it";

/// A request that was let in: on whose things it works, and who asks.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) door: Door,
    pub(crate) caller: Arc<Caller>,
}

impl FromRequestParts<()> for Call {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &()) -> Result<Self, Refusal> {
        let door: Option<&Door> = parts.extensions.get();
        let caller: Option<&Arc<Caller>> = parts.extensions.get();
        match (door, caller) {
            (Some(door), Some(caller)) => Ok(Call {
                door: door.clone(),
                caller: caller.clone(),
            }),
            _ => Err(internal().into()),
        }
    }
}

/// By what a request was let in that goes on for long.
pub(super) struct Standing {
    door: Door,
    presented: Presented,
    tenant: String,
}

impl FromRequestParts<()> for Standing {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &()) -> Result<Self, Refusal> {
        let (door, presented) = asked_by(&parts.extensions, &parts.headers, &parts.method)?;
        let caller: Option<&Arc<Caller>> = parts.extensions.get();
        Ok(Standing {
            door,
            presented: Presented {
                again: true,
                ..presented
            },
            tenant: caller.ok_or_else(internal)?.tenant.clone(),
        })
    }
}

impl Standing {
    /// Whether it would be let in again with this permission.
    pub(super) async fn still_may(&self, permission: Permission) -> bool {
        let (door, presented) = (self.door.clone(), self.presented.clone());
        let known = tokio::task::spawn_blocking(move || door.authenticate(&presented));
        match known.await {
            Ok(Ok(Some(caller))) => {
                !caller.unfinished && caller.tenant == self.tenant && caller.may(permission)
            }
            _ => false,
        }
    }
}
