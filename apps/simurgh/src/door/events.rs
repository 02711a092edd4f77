//! The feed of events: page by page, or as they come.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::{Event, Page, Problem};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fleet::access::Permission;
use fleet::events::{BadFilter, EventFilter};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body_util::channel::{Channel, Sender};
use serde::Deserialize;
use store::{EventPage, EventQuery, News, Telling, Tenant};
use tokio::sync::oneshot;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{no_content, paged};
use super::authorise::{Call, Standing};
use super::body::Query;
use super::list::limit;
use super::problem::{Refusal, internal, invalid, problem, stored};
use super::routes::{Guard, Routes};
use crate::events::Teller;

/// Events of a stream that are read at once.
const BATCH: usize = 100;

/// Pause between two looks for a stream.
const PAUSE: Duration = Duration::from_millis(250);

/// How often is asked whether the reader of a stream may still read it.
const STANDING: Duration = Duration::from_secs(5);

/// After so many looks without an event a stream says that it is alive.
const SILENT: u32 = 60;

/// After so many seconds there may be a place for one more stream.
const FULL: u64 = 5;

pub(super) fn routes() -> Routes {
    let guard = Guard::Needs(Permission::EventsRead);
    Routes::new()
        .with(guard, routes!(list))
        .with(guard, routes!(stream))
}

/// Which events are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Feed {
    /// Events with a greater number: `next` of the page before, or `sequence` of
    /// the last event that was read; `-20` is the place before the last 20. From the
    /// first that is kept if it is absent.
    #[param(example = "41")]
    after: Option<String>,
    /// At most so many events; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
    /// Only of these types, with commas between them: `operation.failed,device.*`.
    #[serde(rename = "type")]
    #[param(example = "operation.*,device.added")]
    kind: Option<String>,
    /// Only about these, with commas between them: `devices/8904*`.
    #[param(example = "operations/*")]
    subject: Option<String>,
}

/// Read the feed of events
///
/// In the order of their numbers, which have no gap: who keeps the number of the
/// last event and asks for what is after it misses nothing. On the last page there
/// is no `next`; ask again with the number of its last event.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "listEvents",
    tag = "events",
    params(Feed),
    responses(
        (status = 200, description = "A page of events.", body = Page<Event>),
        (status = 410, description = "Events behind `after` are not kept any more.", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(call: Call, Query(feed): Query<Feed>) -> Result<Response, Refusal> {
    call.feeds(move |feeds| {
        let limit = limit(feed.limit)?;
        let query = EventQuery {
            limit,
            ..feeds.query(&feed)?
        };
        let found = feeds.events(&query, feed.after.is_some())?;
        let more = found.through < found.last;
        let page = Page {
            items: found.events.iter().map(shown).collect::<Result<_, _>>()?,
            next: more.then(|| found.through.to_string()),
        };
        let filters = [("type", &feed.kind), ("subject", &feed.subject)];
        paged("/events", limit, &filters, &page)
    })
    .await
}

/// Get events as they come
///
/// Server-sent events: `id` is the number, `event` the type, `data` the event. Who
/// lost the connection sends the last number as `Last-Event-ID` and misses nothing;
/// browsers do that by themselves.
#[utoipa::path(
    get,
    path = "/events/stream",
    operation_id = "streamEvents",
    tag = "events",
    params(Feed, ("Last-Event-ID" = Option<String>, Header, description = "Number of the last event that came; counts before `after`.")),
    responses(
        (status = 200, description = "The stream. It ends with the connection, with the session or key, and with the permission.", body = String, content_type = "text/event-stream",
            example = "id: 42\nevent: io.simurgh.device.added.v1\ndata: {\"specversion\":\"1.0\"}\n\n"),
        (status = 410, description = "Events behind the number are not kept any more.", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn stream(
    call: Call,
    standing: Standing,
    headers: HeaderMap,
    Query(mut feed): Query<Feed>,
) -> Result<Response, Refusal> {
    if let Some(last) = headers.get("last-event-id") {
        feed.after = Some(last.to_str().unwrap_or_default().to_string());
    }
    let Feeds { teller, tenant, .. } = Feeds::of(&call)?;
    let Some(place) = teller.stream() else {
        let detail = "as many streams are open as this server has";
        let refusal = Refusal::from(problem(503, "not available", detail, "read /v1/events"));
        return Err(refusal.retry_after(FULL));
    };
    // Whether there is such a place is said before the stream begins.
    let (told, begins) = oneshot::channel();
    let asked = call.feeds(move |feeds| {
        let mut query = feeds.query(&feed)?;
        feeds.events(&query, feed.after.is_some())?;
        query.limit = BATCH;
        let _ = told.send(query);
        no_content()
    });
    asked.await?;
    let query = begins.await.map_err(|_| internal())?;
    let (sender, body) = Channel::<Bytes, Infallible>::new(4);
    tokio::spawn(async move {
        tokio::select! {
            () = send(&teller, &tenant, query, sender) => {}
            () = lost(&standing) => {}
            () = teller.ended() => {}
        }
        drop(place);
    });
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    let events = HeaderValue::from_static("text/event-stream");
    headers.insert(CONTENT_TYPE, events);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Waits until the caller may not read events any more.
async fn lost(standing: &Standing) {
    while standing.still_may(Permission::EventsRead).await {
        tokio::time::sleep(STANDING).await;
    }
}

/// Sends events until nobody reads any more.
async fn send(
    teller: &Teller,
    tenant: &Tenant,
    mut query: EventQuery,
    mut sender: Sender<Bytes, Infallible>,
) {
    let mut silent = 0;
    let mut news = teller.news(News::Numbered);
    let mut said = Bytes::from_static(b": events\n\n");
    while said.is_empty() || sender.send_data(said).await.is_ok() {
        let asked = query.clone();
        let page = teller.with(tenant, move |store| store.events(&asked)).await;
        let Ok(page) = page else {
            // The reader comes again with its last number.
            return;
        };
        query.after = page.through;
        if page.through >= page.last {
            news.wait(PAUSE, PAUSE).await;
        }
        silent = match page.events.is_empty() {
            true => silent + 1,
            false => 0,
        };
        said = page.events.iter().map(as_line).collect::<String>().into();
        // That nothing comes may also be because nobody listens.
        if silent == SILENT {
            silent = 0;
            said = Bytes::from_static(b":\n\n");
        }
    }
}

/// An event in a stream (WHATWG HTML 9.2.6).
fn as_line(event: &fleet::events::Event) -> String {
    let (id, kind) = (event.sequence, event.event.kind);
    let data = event.to_cloud_event();
    format!("id: {id}\nevent: {kind}\ndata: {data}\n\n")
}

impl Feed {
    fn filter(&self) -> Result<EventFilter, Problem> {
        let parts = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            parts.map(str::to_string).collect::<Vec<_>>()
        };
        filter(
            ["type", "subject"],
            &parts(&self.kind),
            &parts(&self.subject),
        )
    }
}

/// A filter of these patterns, which two fields name.
pub(super) fn filter(
    [types, subjects]: [&str; 2],
    kinds: &[String],
    about: &[String],
) -> Result<EventFilter, Problem> {
    let remedy = "see docs/events.md for the types and subjects that there are";
    EventFilter::new(kinds, about).map_err(|error| {
        let field = match error {
            BadFilter::Subject(_) => subjects,
            BadFilter::Type(_) | BadFilter::TooMany => types,
        };
        invalid(field, &error.to_string(), remedy)
    })
}

/// The number of an event.
pub(super) fn number(what: &str, text: &str) -> Result<i64, Problem> {
    let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
    let remedy = "give the number of an event, as `sequence` says it";
    number.ok_or_else(|| invalid(what, "no number of an event", remedy))
}

/// The events of a tenant, who is told of them, and who tells.
pub(super) struct Feeds {
    pub(super) teller: Arc<Teller>,
    pub(super) tenant: Tenant,
    pub(super) store: Arc<dyn Telling>,
}

impl Feeds {
    /// Of the tenant on which the caller works.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let teller = call.door.0.functions.teller.clone();
        let tenant = call.store_tenant()?;
        Ok(Feeds {
            store: teller.of_tenant(&tenant),
            teller,
            tenant,
        })
    }

    /// What is asked for, with a place that counts from the beginning.
    fn query(&self, feed: &Feed) -> Result<EventQuery, Problem> {
        let mut query = EventQuery {
            filter: feed.filter()?,
            ..EventQuery::default()
        };
        let after = feed.after.as_deref().unwrap_or("0");
        let from_the_end = after.strip_prefix('-');
        query.after = number("after", from_the_end.unwrap_or(after))?;
        if from_the_end.is_some() {
            let nothing = EventQuery::default();
            let feed = self.store.events(&nothing).map_err(stored)?;
            query.after = (feed.last - query.after).max(feed.forgotten);
        }
        Ok(query)
    }

    /// Events; `named` says that the caller named a place in the feed.
    fn events(&self, query: &EventQuery, named: bool) -> Result<EventPage, Problem> {
        let page = self.store.events(query).map_err(stored)?;
        match named && query.after < page.forgotten {
            true => Err(problem(
                410,
                "forgotten",
                &format!("events up to {} are not kept any more", page.forgotten),
                "leave `after` out to begin with the first that is kept",
            )),
            false => Ok(page),
        }
    }
}

fn shown(event: &fleet::events::Event) -> Result<Event, Problem> {
    serde_json::from_value(event.to_cloud_event()).map_err(|_| internal())
}
