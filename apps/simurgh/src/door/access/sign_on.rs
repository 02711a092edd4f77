//! Single sign-on.

use api::{Secret, Session, SignOnBegun, SignOnEnd};
use axum::response::Response;
use http::header::SET_COOKIE;
use utoipa_axum::routes;

use super::super::answer::respond;
use super::super::body::Json;
use super::super::problem::{Refusal, invalid};
use super::super::routes::{Guard, Routes};
use super::{Stranger, blocking, cookie, secret, signed_in};
use crate::access::{SIGN_ON_COOKIE, named_cookie};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Public, routes!(begin))
        .with(Guard::Public, routes!(end))
}

/// Begin a sign-in at the identity provider
///
/// The browser goes to `address`, and comes back with a code.
#[utoipa::path(
    post,
    path = "/session/sign-on",
    operation_id = "beginSignOn",
    tag = "access",
    responses((status = 200, description = "It has begun.", body = SignOnBegun)),
)]
async fn begin(stranger: Stranger) -> Result<Response, Refusal> {
    let begun = blocking(move || stranger.access.begin_sign_on()).await?;
    let handle = begun.handle.as_str();
    let mut response = respond(
        200,
        "application/json",
        &SignOnBegun {
            address: begun.address,
            handle: Secret(handle.to_string()),
        },
    );
    let cookie = cookie(SIGN_ON_COOKIE, handle, begun.lifetime.as_secs())?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    secret(&mut response);
    Ok(response)
}

/// Finish a sign-in at the identity provider
#[utoipa::path(
    post,
    path = "/session/sign-on/end",
    operation_id = "endSignOn",
    tag = "access",
    request_body = SignOnEnd,
    responses((status = 200, description = "A session has begun.", body = Session)),
)]
async fn end(stranger: Stranger, Json(asked): Json<SignOnEnd>) -> Result<Response, Refusal> {
    let Stranger { access, presented } = stranger;
    let opened = blocking(move || {
        let kept = named_cookie(&presented.headers, SIGN_ON_COOKIE);
        let handle = asked
            .handle
            .as_ref()
            .map(|handle| handle.0.as_str())
            .or(kept);
        let handle = handle
            .ok_or_else(|| invalid("handle", "missing", "begin with POST /v1/session/sign-on"))?;
        let from = presented.peer.address.ip();
        let opened = access.end_sign_on(handle, &asked.state.0, &asked.code.0, from)?;
        Ok((access, opened))
    });
    let (access, opened) = opened.await?;
    signed_in(&access, &opened, None)
}
