//! What became of events at webhook endpoints.

use api::{Delivery, Page, Problem, Replay};
use axum::response::Response;
use fleet::access::Permission;
use fleet::events::{Answer, EventType};
use serde::Deserialize;
use store::{Attempt, DeliveryFilter};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{no_content, paged};
use super::authorise::Call;
use super::body::{Path, Query};
use super::events::{Feeds, number};
use super::list::{limit, page};
use super::problem::{Refusal, invalid, problem, stored};
use super::routes::{Guard, Routes};
use super::utc;
use super::webhooks::named;

/// The states that a delivery can have.
const STATES: [&str; 3] = ["delivered", "retrying", "given_up"];

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Needs(Permission::WebhooksRead), routes!(list))
        .with(Guard::Needs(Permission::WebhooksWrite), routes!(resend))
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `next` of the page before: older ones.
    after: Option<String>,
    /// At most so many entries; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
    /// Only those of this webhook endpoint.
    #[param(example = "we-5d0c2f8a91b34e67")]
    endpoint: Option<String>,
    /// Only those of the event with this number.
    #[param(example = "42")]
    sequence: Option<String>,
    /// Only those in this state: `delivered`, `retrying` or `given_up`.
    #[param(example = "given_up")]
    state: Option<String>,
}

/// A delivery in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneDelivery {
    /// Its identifier.
    #[param(example = "we-5d0c2f8a91b34e67.1924ab00c0ffe")]
    id: String,
}

/// List what became of events at webhook endpoints
///
/// The latest first.
#[utoipa::path(
    get,
    path = "/deliveries",
    operation_id = "listDeliveries",
    tag = "events",
    params(Asked),
    responses((status = 200, description = "A page of deliveries.", body = Page<Delivery>)),
)]
async fn list(call: Call, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let limit = limit(asked.limit)?;
        let page = page(feeds.deliveries(&asked, limit + 1)?, limit, |delivery| {
            let number = delivery.id.rsplit_once('.');
            number.map_or_else(String::new, |(_, number)| number.to_string())
        });
        let filters = [
            ("endpoint", &asked.endpoint),
            ("sequence", &asked.sequence),
            ("state", &asked.state),
        ];
        paged("/deliveries", limit, &filters, &page)
    })
    .await
}

/// Have one event delivered once more
///
/// To the same endpoint, before what is new.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/resend",
    operation_id = "resendDelivery",
    tag = "events",
    params(OneDelivery),
    responses((status = 204, description = "It is delivered from now on.")),
)]
async fn resend(call: Call, Path(one): Path<OneDelivery>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        feeds.resend(&one.id)?;
        no_content()
    })
    .await
}

impl Feeds {
    fn deliveries(&self, asked: &Asked, limit: usize) -> Result<Vec<Delivery>, Problem> {
        if let Some(state) = &asked.state
            && !STATES.contains(&state.as_str())
        {
            let remedy = "give delivered, retrying or given_up";
            return Err(invalid("state", "no state of a delivery", remedy));
        }
        named("endpoint", asked.endpoint.as_deref().unwrap_or_default())?;
        let sequence = asked.sequence.as_deref();
        let sequence = sequence.map(|text| number("sequence", text));
        let filter = DeliveryFilter {
            endpoint: asked.endpoint.clone(),
            sequence: sequence.transpose()?,
            state: asked.state.clone(),
            before: asked.after.as_deref().map(place).transpose()?,
            limit,
        };
        let found = self.store.deliveries(&filter).map_err(stored)?;
        Ok(found.iter().map(shown).collect())
    }

    fn resend(&self, id: &str) -> Result<(), Problem> {
        let unknown = || {
            let detail = "there is no such delivery";
            problem(404, "not found", detail, "list them at /v1/deliveries")
        };
        let (endpoint, at) = id.rsplit_once('.').ok_or_else(unknown)?;
        let at = i64::from_str_radix(at, 16).map_err(|_| unknown())?;
        named("id", endpoint).map_err(|_| unknown())?;
        let filter = DeliveryFilter {
            endpoint: Some(endpoint.to_string()),
            before: Some(at.saturating_add(1)),
            limit: 1,
            ..DeliveryFilter::default()
        };
        let found = self.store.deliveries(&filter).map_err(stored)?;
        let found = found.first().filter(|found| found.number == at);
        let sequence = found.ok_or_else(unknown)?.sequence;
        let replay = Replay {
            first: sequence,
            last: sequence,
            unfiltered: true,
        };
        self.replay(endpoint, &replay)
    }
}

/// A place in the list.
fn place(text: &str) -> Result<i64, Problem> {
    let remedy = "give `next` of a page";
    let bad = |_| invalid("after", "no place in this list", remedy);
    i64::from_str_radix(text, 16).map_err(bad)
}

fn shown(delivery: &store::Delivery) -> Delivery {
    let last = &delivery.last;
    Delivery {
        id: format!("{}.{:x}", delivery.endpoint, delivery.number),
        endpoint: delivery.endpoint.clone(),
        event: delivery.event.clone(),
        sequence: delivery.sequence,
        kind: delivery.kind.clone(),
        state: delivery.state.clone(),
        replayed: delivery.replayed,
        attempts: delivery.attempts,
        first: utc(delivery.first),
        last: utc(last.at),
        status: last.status,
        duration_ms: last.duration,
        detail: last.detail.clone(),
    }
}

/// What became of a test, which is in no list.
pub(super) fn of_test(
    endpoint: &str,
    (event, attempt, answer): (String, Attempt, Answer),
) -> Delivery {
    let state = match answer {
        Answer::Taken => "delivered",
        Answer::NotTaken { .. } | Answer::Gone => "failed",
    };
    Delivery {
        id: String::new(),
        endpoint: endpoint.to_string(),
        event,
        sequence: 0,
        kind: EventType::WebhookTested.short().to_string(),
        state: state.to_string(),
        replayed: false,
        attempts: 1,
        first: utc(attempt.at),
        last: utc(attempt.at),
        status: attempt.status,
        duration_ms: attempt.duration,
        detail: attempt.detail,
    }
}
