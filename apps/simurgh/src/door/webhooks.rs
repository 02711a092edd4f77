//! Webhook endpoints.

use api::{
    Delivery, NewWebhookEndpoint, Page, Problem, Replay, Secret, WebhookEndpoint,
    WebhookEndpointSettings,
};
use axum::response::Response;
use fleet::access::Permission;
use fleet::events::{BadEndpoint, Disabled, WebhookEndpoint as Endpoint, WebhookSecret};
use http::HeaderMap;
use rsp_crypto::Rng;
use serde::Deserialize;
use store::{StoreError, StoredWebhook, Versioned};
use utoipa::IntoParams;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::answer::{created, no_content, ok, paged, tagged, unchanged};
use super::authorise::Call;
use super::body::{Json, Path, Query};
use super::events::{Feeds, filter};
use super::list::{Listing, page};
use super::problem::{Refusal, internal, invalid, problem, stored};
use super::routes::{Guard, Routes};
use super::{deliveries, utc};
use crate::shell;

pub(super) fn routes() -> Routes {
    let read = Guard::Needs(Permission::WebhooksRead);
    let write = Guard::Needs(Permission::WebhooksWrite);
    Routes::new()
        .with(read, routes!(list))
        .with(write, routes!(add))
        .with(read, routes!(show))
        .with(write, routes!(set))
        .with(write, routes!(remove))
        .with(write, routes!(rotate))
        .with(write, routes!(test))
        .with(write, routes!(replay))
}

/// A webhook endpoint in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneEndpoint {
    /// Its identifier.
    #[param(example = "we-5d0c2f8a91b34e67")]
    id: String,
}

/// List webhook endpoints
#[utoipa::path(
    get,
    path = "/webhook-endpoints",
    operation_id = "listWebhookEndpoints",
    tag = "events",
    params(Listing),
    responses((status = 200, description = "A page of them.", body = Page<WebhookEndpoint>)),
)]
async fn list(call: Call, Query(listing): Query<Listing>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let limit = listing.limit()?;
        let after = listing.after.as_deref().unwrap_or_default();
        named("after", after)?;
        let all = feeds.store.webhooks(after, limit + 1);
        let all = all.map_err(stored)?.iter().map(shown).collect();
        let page = page(all, limit, |endpoint: &WebhookEndpoint| endpoint.id.clone());
        paged("/webhook-endpoints", limit, &[], &page)
    })
    .await
}

/// Add a webhook endpoint
///
/// It is told what happens from now on. Its secret is shown this once.
#[utoipa::path(
    post,
    path = "/webhook-endpoints",
    operation_id = "addWebhookEndpoint",
    tag = "events",
    request_body = NewWebhookEndpoint,
    responses((status = 201, description = "It is added.", body = WebhookEndpoint)),
)]
async fn add(call: Call, Json(new): Json<NewWebhookEndpoint>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| created(&feeds.add_webhook(&new)?))
        .await
}

/// Show a webhook endpoint
#[utoipa::path(
    get,
    path = "/webhook-endpoints/{id}",
    operation_id = "getWebhookEndpoint",
    tag = "events",
    params(OneEndpoint, ("If-None-Match" = Option<String>, Header, description = "ETag of what is known.")),
    responses(
        (status = 200, description = "The endpoint.", body = WebhookEndpoint, headers(("ETag" = String, description = "Of its state."))),
        (status = 304, description = "It is still as `If-None-Match` says."),
    ),
)]
async fn show(
    call: Call,
    Path(one): Path<OneEndpoint>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.feeds(move |feeds| tagged(&shown(&feeds.webhook(&one.id)?), &headers))
        .await
}

/// Change a webhook endpoint
#[utoipa::path(
    patch,
    path = "/webhook-endpoints/{id}",
    operation_id = "setWebhookEndpoint",
    tag = "events",
    params(OneEndpoint, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be changed.")),
    request_body = WebhookEndpointSettings,
    responses(
        (status = 200, description = "The endpoint as it is now.", body = WebhookEndpoint),
        (status = 409, description = "Somebody else changed it at the same time.", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn set(
    call: Call,
    Path(one): Path<OneEndpoint>,
    headers: HeaderMap,
    Json(settings): Json<WebhookEndpointSettings>,
) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let stored = feeds.webhook(&one.id)?;
        let before = shown(&stored);
        let changed = feeds.change_webhook(stored, |endpoint| {
            // What is wrong is wrong whatever it was meant for (RFC 9110 13.2.1).
            let endpoint = apply(endpoint, settings)?;
            unchanged(&before, &headers)?;
            Ok(endpoint)
        })?;
        ok(&changed)
    })
    .await
}

/// Remove a webhook endpoint
#[utoipa::path(
    delete,
    path = "/webhook-endpoints/{id}",
    operation_id = "removeWebhookEndpoint",
    tag = "events",
    params(OneEndpoint),
    responses((status = 204, description = "It is removed.")),
)]
async fn remove(call: Call, Path(one): Path<OneEndpoint>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        feeds.webhook(&one.id)?;
        let removed = feeds.store.remove_webhook(&one.id, shell::now());
        removed.map_err(stored)?;
        no_content()
    })
    .await
}

/// Replace the secret of a webhook endpoint
///
/// The new one is shown this once. For a day both sign.
#[utoipa::path(
    post,
    path = "/webhook-endpoints/{id}/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "events",
    params(OneEndpoint),
    responses((status = 200, description = "The endpoint with its new secret.", body = WebhookEndpoint)),
)]
async fn rotate(call: Call, Path(one): Path<OneEndpoint>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let (secret, stored) = (new_secret()?, feeds.webhook(&one.id)?);
        let revealed = Secret(secret.reveal());
        let rotated = feeds.change_webhook(stored, |mut endpoint| {
            endpoint.rotate(secret, shell::now());
            Ok(endpoint)
        });
        ok(&WebhookEndpoint {
            secret: Some(revealed),
            ..rotated?
        })
    })
    .await
}

/// Send a test event to a webhook endpoint, now
///
/// It is in no feed and has no number, and goes past what waits.
#[utoipa::path(
    post,
    path = "/webhook-endpoints/{id}/test",
    operation_id = "testWebhookEndpoint",
    tag = "events",
    params(OneEndpoint),
    responses((status = 200, description = "What became of it.", body = Delivery)),
)]
async fn test(call: Call, Path(one): Path<OneEndpoint>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let StoredWebhook { id, endpoint, .. } = feeds.webhook(&one.id)?;
        let sent = feeds.teller.test(&feeds.tenant, &id, &endpoint.value);
        // On a thread that may block.
        ok(&deliveries::of_test(
            &id,
            tokio::runtime::Handle::current().block_on(sent),
        ))
    })
    .await
}

/// Have events delivered to a webhook endpoint once more
///
/// They come before what is new, in their order.
#[utoipa::path(
    post,
    path = "/webhook-endpoints/{id}/replay",
    operation_id = "replayEvents",
    tag = "events",
    params(OneEndpoint),
    request_body = Replay,
    responses((status = 204, description = "They are delivered from now on.")),
)]
async fn replay(
    call: Call,
    Path(one): Path<OneEndpoint>,
    Json(replay): Json<Replay>,
) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        feeds.replay(&one.id, &replay)?;
        no_content()
    })
    .await
}

impl Feeds {
    fn webhook(&self, id: &str) -> Result<StoredWebhook, Problem> {
        let found = match named("id", id) {
            Ok(()) => self.store.webhook(id).map_err(stored)?,
            Err(_) => None,
        };
        found.ok_or_else(|| {
            let detail = "there is no such webhook endpoint";
            problem(
                404,
                "not found",
                detail,
                "list them at /v1/webhook-endpoints",
            )
        })
    }

    fn add_webhook(&self, new: &NewWebhookEndpoint) -> Result<WebhookEndpoint, Problem> {
        let secret = match &new.secret {
            None => new_secret()?,
            Some(Secret(text)) => text.parse().map_err(|_| {
                let remedy = "leave it out for a random one";
                invalid(
                    "secret",
                    "not whsec_ and the base64 of 24 to 64 octets",
                    remedy,
                )
            })?,
        };
        let mut octets = [0; 8];
        shell::random().map_err(|_| internal())?.fill(&mut octets);
        let id = format!("we-{:016x}", u64::from_be_bytes(octets));
        let revealed = Secret(secret.reveal());
        let endpoint = Endpoint::new(&new.url, secret, shell::now()).map_err(bad)?;
        let settings = WebhookEndpointSettings {
            description: Some(new.description.clone()),
            types: Some(new.types.clone()),
            subjects: Some(new.subjects.clone()),
            rate: new.rate,
            ..WebhookEndpointSettings::default()
        };
        let endpoint = apply(endpoint, settings)?;
        self.store.add_webhook(&id, &endpoint).map_err(stored)?;
        tracing::info!(endpoint = id, "webhook endpoint added");
        Ok(WebhookEndpoint {
            secret: Some(revealed),
            ..shown(&self.webhook(&id)?)
        })
    }

    fn change_webhook(
        &self,
        stored_webhook: StoredWebhook,
        change: impl FnOnce(Endpoint) -> Result<Endpoint, Problem>,
    ) -> Result<WebhookEndpoint, Problem> {
        let StoredWebhook { id, endpoint, .. } = stored_webhook;
        let endpoint = Versioned {
            value: change(endpoint.value)?,
            version: endpoint.version,
        };
        let changed = self.store.change_webhook(&id, &endpoint, shell::now());
        changed.map_err(|error| match error {
            StoreError::Conflict => {
                let detail = "somebody else changed it at the same time";
                problem(409, "changed meanwhile", detail, "get it again, and repeat")
            }
            error => stored(error),
        })?;
        Ok(shown(&self.webhook(&id)?))
    }

    pub(super) fn replay(&self, id: &str, replay: &Replay) -> Result<(), Problem> {
        let replay = store::Replay {
            first: replay.first,
            last: replay.last,
            unfiltered: replay.unfiltered,
            now: shell::now(),
        };
        // That there is such an endpoint is asked first.
        self.webhook(id)?;
        let replayed = self.store.replay(id, &replay);
        replayed.map_err(|error| match error {
            StoreError::Unknown(_) => {
                let detail = "not all of these events are kept, or there yet";
                let remedy = "give the numbers of events that /v1/events has, the first first";
                invalid("first", detail, remedy)
            }
            StoreError::Exists(_) => {
                let detail = "a hundred replays of this endpoint wait already";
                problem(409, "too many replays", detail, "repeat it later")
            }
            error => stored(error),
        })
    }
}

/// What may be an identifier: not every database takes every text.
pub(super) fn named(field: &str, id: &str) -> Result<(), Problem> {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    match id.bytes().all(plain) {
        true => Ok(()),
        false => Err(invalid(field, "no identifier", "give one as it is listed")),
    }
}

fn new_secret() -> Result<WebhookSecret, Problem> {
    let mut octets = Zeroizing::new([0; 32]);
    let mut random = shell::random().map_err(|_| internal())?;
    random.fill(octets.as_mut_slice());
    Ok(WebhookSecret::new(*octets))
}

fn bad(error: BadEndpoint) -> Problem {
    let field = match error {
        BadEndpoint::Url => "url",
        BadEndpoint::Description => "description",
        BadEndpoint::Rate => "rate",
    };
    invalid(field, &error.to_string(), "correct it")
}

/// An endpoint as it is to be.
fn apply(endpoint: Endpoint, settings: WebhookEndpointSettings) -> Result<Endpoint, Problem> {
    let texts = |given: Option<Vec<String>>, known: Vec<String>| given.unwrap_or(known);
    let known = &endpoint.filter;
    let types = texts(settings.types, known.types().map(str::to_string).collect());
    let subjects = known.subjects().map(str::to_string).collect();
    let subjects = texts(settings.subjects, subjects);
    let filter = filter(["types", "subjects"], &types, &subjects)?;
    let disabled = match settings.enabled {
        None => endpoint.disabled.clone(),
        Some(true) => None,
        Some(false) => Some(endpoint.disabled.clone().unwrap_or_else(|| Disabled {
            since: shell::now(),
            reason: "somebody disabled it".to_string(),
        })),
    };
    let endpoint = Endpoint {
        url: settings.url.unwrap_or_else(|| endpoint.url.clone()),
        description: settings
            .description
            .unwrap_or_else(|| endpoint.description.clone()),
        filter,
        rate: settings.rate.unwrap_or(endpoint.rate),
        disabled,
        ..endpoint
    };
    endpoint.check().map_err(bad)?;
    Ok(endpoint)
}

fn shown(stored: &StoredWebhook) -> WebhookEndpoint {
    let endpoint = &stored.endpoint.value;
    let (state, since) = match (&endpoint.disabled, stored.failing_since) {
        (Some(disabled), _) => ("disabled", Some(disabled.since)),
        (None, Some(since)) => ("failing", Some(since)),
        (None, None) => ("enabled", None),
    };
    let reason = endpoint.disabled.as_ref();
    WebhookEndpoint {
        id: stored.id.clone(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        types: endpoint.filter.types().map(str::to_string).collect(),
        subjects: endpoint.filter.subjects().map(str::to_string).collect(),
        rate: endpoint.rate,
        created: utc(endpoint.created),
        state: state.to_string(),
        reason: reason.map(|disabled| disabled.reason.clone()),
        since: since.map(utc),
        position: stored.position,
        attempts: stored.attempts,
        rotates_until: endpoint.rotates_until(shell::now()).map(utc),
        secret: None,
    }
}
