//! Passkeys.

use api::{NewPasskey, Page, Passkey, PasskeyOptions, Problem, Session, ShowPasskey};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::access::{Assertion, SessionToken};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::answer::{no_content, ok, utc};
use super::super::body::{Json, Path};
use super::super::problem::{Refusal, invalid};
use super::super::routes::{Guard, Routes};
use super::{Begun, blocking};
use crate::access::{Access, Challenge, Registration};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Begun, routes!(ask))
        .with(Guard::Begun, routes!(show))
        .with(Guard::Known, routes!(list))
        .with(Guard::Begun, routes!(ask_new))
        .with(Guard::Begun, routes!(add))
        .with(Guard::Known, routes!(remove))
}

fn octets(member: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let decoded = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    decoded.map_err(|_| invalid(member, "not base64url", "send it as the browser gave it"))
}

fn credentials(challenge: &Challenge) -> Vec<serde_json::Value> {
    let known = challenge.known.iter();
    known
        .map(|id| json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(id)}))
        .collect()
}

/// Ask for a challenge to show a passkey
///
/// For a session whose `stage` is `second_factor`.
#[utoipa::path(
    post,
    path = "/session/passkey/challenge",
    operation_id = "askForPasskey",
    tag = "access",
    responses((status = 200, description = "Options for `navigator.credentials.get`.", body = PasskeyOptions)),
)]
async fn ask(begun: Begun) -> Result<Response, Refusal> {
    let challenge = blocking(move || begun.access.ask_passkey(&begun.token, &begun.known)).await?;
    let public_key = json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge.challenge),
        "rpId": challenge.party.id,
        "allowCredentials": credentials(&challenge),
        "userVerification": "required",
        "timeout": 300_000,
    });
    Ok(ok(&PasskeyOptions { public_key })?)
}

/// Show a passkey
///
/// The session goes on with another token.
#[utoipa::path(
    post,
    path = "/session/passkey",
    operation_id = "showPasskey",
    tag = "access",
    request_body = ShowPasskey,
    responses((status = 200, description = "The session goes on.", body = Session)),
)]
async fn show(begun: Begun, Json(asked): Json<ShowPasskey>) -> Result<Response, Refusal> {
    let work = move |access: &Access, token: &SessionToken, known, from| {
        let id = octets("id", &asked.id)?;
        let assertion = Assertion {
            client_data: octets("client_data", &asked.client_data)?,
            authenticator_data: octets("authenticator_data", &asked.authenticator_data)?,
            signature: octets("signature", &asked.signature)?,
        };
        let opened = access.show_passkey(token, known, &id, &assertion, from)?;
        Ok((opened, None))
    };
    begun.go_on(work).await
}

/// List one's passkeys
#[utoipa::path(
    get,
    path = "/session/passkeys",
    operation_id = "listPasskeys",
    tag = "access",
    responses((status = 200, description = "All of them.", body = Page<Passkey>)),
)]
async fn list(begun: Begun) -> Result<Response, Refusal> {
    let passkeys = begun.known.account.value.passkeys.iter();
    let items = passkeys.map(|passkey| Passkey {
        id: URL_SAFE_NO_PAD.encode(&passkey.id),
        name: passkey.name.clone(),
        created: utc(passkey.created),
    });
    Ok(ok(&Page {
        items: items.collect(),
        next: None,
    })?)
}

/// Ask for a challenge to make a passkey
#[utoipa::path(
    post,
    path = "/session/passkeys/challenge",
    operation_id = "askForNewPasskey",
    tag = "access",
    responses((status = 200, description = "Options for `navigator.credentials.create`.", body = PasskeyOptions)),
)]
async fn ask_new(begun: Begun) -> Result<Response, Refusal> {
    let user = begun.known.account.value.user.clone();
    let challenge =
        blocking(move || begun.access.ask_new_passkey(&begun.token, &begun.known)).await?;
    let algorithms = [-7, -8, -257].map(|alg| json!({"type": "public-key", "alg": alg}));
    let public_key = json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge.challenge),
        "rp": {"id": challenge.party.id, "name": "Simurgh"},
        "user": {
            "id": URL_SAFE_NO_PAD.encode(&user.id.0),
            "name": user.name.to_string(),
            "displayName": user.name.to_string(),
        },
        "pubKeyCredParams": algorithms,
        "excludeCredentials": credentials(&challenge),
        "authenticatorSelection": {"userVerification": "required", "residentKey": "preferred"},
        "attestation": "none",
        "timeout": 300_000,
    });
    Ok(ok(&PasskeyOptions { public_key })?)
}

/// Add a passkey
///
/// The session goes on with another token.
#[utoipa::path(
    post,
    path = "/session/passkeys",
    operation_id = "addPasskey",
    tag = "access",
    request_body = NewPasskey,
    responses((status = 200, description = "It is known; the session goes on.", body = Session)),
)]
async fn add(begun: Begun, Json(asked): Json<NewPasskey>) -> Result<Response, Refusal> {
    let work = move |access: &Access, token: &SessionToken, known, from| {
        let client_data = octets("client_data", &asked.client_data)?;
        let attestation = octets("attestation", &asked.attestation)?;
        let registration = Registration {
            name: &asked.name,
            client_data: &client_data,
            attestation: &attestation,
        };
        let (opened, _) = access.add_passkey(token, known, &registration, from)?;
        Ok((opened, None))
    };
    begun.go_on(work).await
}

/// A passkey in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OnePasskey {
    /// Its identifier, base64url.
    #[param(example = "AQID")]
    id: String,
}

/// Forget a passkey of one's own
#[utoipa::path(
    delete,
    path = "/session/passkeys/{id}",
    operation_id = "removePasskey",
    tag = "access",
    params(OnePasskey),
    responses((status = 204, description = "It is forgotten.")),
)]
async fn remove(begun: Begun, Path(one): Path<OnePasskey>) -> Result<Response, Refusal> {
    blocking(move || {
        let id = octets("id", &one.id)?;
        begun.access.remove_passkey(begun.known, &id)
    })
    .await?;
    Ok(no_content()?)
}
