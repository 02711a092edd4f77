//! Signing in and out, and one's own second factor.

use api::{ChangePassword, Enrolment, Secret, Session, ShowFactor, SignIn};
use axum::response::Response;
use fleet::access::SessionToken;
use http::header::SET_COOKIE;
use utoipa_axum::routes;

use super::super::answer::{created, no_content, respond};
use super::super::body::Json;
use super::super::problem::{Refusal, invalid};
use super::super::routes::{Guard, Routes};
use super::{Begun, Stranger, blocking, cookie, secret, shown, signed_in};
use crate::access::{Access, SESSION_COOKIE, Shown, cookie_guard};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Public, routes!(sign_in))
        .with(Guard::Begun, routes!(show))
        .with(Guard::Begun, routes!(sign_out))
        .with(Guard::Begun, routes!(show_factor))
        .with(Guard::Begun, routes!(enrol))
        .with(Guard::Begun, routes!(confirm))
        .with(Guard::Begun, routes!(change_password))
}

/// Sign in
///
/// With a name and a password. `stage` says what is to be done next: the token opens
/// nothing else before it is `open`. Whatever is wrong, the answer is the same; after a
/// few failures there are delays.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "signIn",
    tag = "access",
    request_body = SignIn,
    responses((status = 200, description = "A session has begun.", body = Session)),
)]
async fn sign_in(stranger: Stranger, Json(asked): Json<SignIn>) -> Result<Response, Refusal> {
    let Stranger { access, presented } = stranger;
    let from = presented.peer.address.ip();
    let opened = blocking(move || {
        let tenant = asked.tenant.as_deref().unwrap_or("default");
        let opened = access.sign_in(tenant, &asked.user, &asked.password.0, from)?;
        Ok((access, opened))
    });
    let (access, opened) = opened.await?;
    signed_in(&access, &opened, None)
}

/// Show the session
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "getSession",
    tag = "access",
    responses((status = 200, description = "The session.", body = Session)),
)]
async fn show(begun: Begun, headers: http::HeaderMap) -> Result<Response, Refusal> {
    let mut session = shown(&begun.access, &begun.known);
    if begun.by_cookie {
        let cookie = crate::access::cookie(&headers);
        session.csrf_token = cookie.map(|cookie| Secret(cookie_guard(cookie)));
    }
    let mut response = respond(200, "application/json", &session);
    secret(&mut response);
    Ok(response)
}

/// Sign out
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "signOut",
    tag = "access",
    responses((status = 204, description = "The session has ended.")),
)]
async fn sign_out(begun: Begun) -> Result<Response, Refusal> {
    blocking(move || begun.access.sign_out(&begun.token)).await?;
    let mut response = no_content()?;
    let gone = cookie(SESSION_COOKIE, "", 0)?;
    response.headers_mut().insert(SET_COOKIE, gone);
    Ok(response)
}

/// Show a second factor
///
/// A code of the authenticator app or a recovery code. The session goes on with
/// another token.
#[utoipa::path(
    post,
    path = "/session/totp",
    operation_id = "showSecondFactor",
    tag = "access",
    request_body = ShowFactor,
    responses((status = 200, description = "The session goes on.", body = Session)),
)]
async fn show_factor(begun: Begun, Json(asked): Json<ShowFactor>) -> Result<Response, Refusal> {
    let work = move |access: &Access, token: &SessionToken, known, from| {
        let shown = match (&asked.code, &asked.recovery_code) {
            (Some(code), None) => Shown::Code(&code.0),
            (None, Some(code)) => Shown::Recovery(&code.0),
            _ => {
                return Err(invalid(
                    "the body",
                    "not one of both",
                    "send code or recovery_code",
                ));
            }
        };
        Ok((access.show(token, known, shown, from)?, None))
    };
    begun.go_on(work).await
}

/// Begin to set up an authenticator app
///
/// It counts when it has shown a code.
#[utoipa::path(
    post,
    path = "/session/totp/enrolment",
    operation_id = "beginAuthenticatorApp",
    tag = "access",
    responses((status = 201, description = "What the app is told, once.", body = Enrolment)),
)]
async fn enrol(begun: Begun) -> Result<Response, Refusal> {
    let enrolment = blocking(move || begun.access.enrol(begun.known)).await?;
    let mut response = created(&Enrolment {
        secret: Secret(enrolment.secret.to_string()),
        uri: Secret(enrolment.uri.to_string()),
    })?;
    secret(&mut response);
    Ok(response)
}

/// Finish setting up an authenticator app
///
/// With a code that it shows. The answer has recovery codes, once.
#[utoipa::path(
    post,
    path = "/session/totp/confirmation",
    operation_id = "confirmAuthenticatorApp",
    tag = "access",
    request_body = ShowFactor,
    responses((status = 200, description = "The app counts.", body = Session)),
)]
async fn confirm(begun: Begun, Json(asked): Json<ShowFactor>) -> Result<Response, Refusal> {
    let work = move |access: &Access, token: &SessionToken, known, from| {
        let missing = || invalid("code", "missing", "send what the app shows");
        let code = asked.code.ok_or_else(missing)?;
        let (opened, codes) = access.confirm(token, known, &code.0, from)?;
        let codes = codes.iter().map(|code| Secret(code.to_string()));
        Ok((opened, Some(codes.collect())))
    };
    begun.go_on(work).await
}

/// Change one's password
///
/// All other sessions end; this one goes on with another token.
#[utoipa::path(
    post,
    path = "/session/password",
    operation_id = "changePassword",
    tag = "access",
    request_body = ChangePassword,
    responses((status = 200, description = "It is changed.", body = Session)),
)]
async fn change_password(
    begun: Begun,
    Json(asked): Json<ChangePassword>,
) -> Result<Response, Refusal> {
    let work = move |access: &Access, token: &SessionToken, known, from| {
        let (old, new) = (&asked.old.0, &asked.new.0);
        Ok((access.change_password(token, known, old, new, from)?, None))
    };
    begun.go_on(work).await
}
