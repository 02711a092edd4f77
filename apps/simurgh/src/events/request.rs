//! One request to a webhook endpoint (Standard Webhooks 1.0; CloudEvents 1.0, HTTP
//! binding, structured mode).

use std::error::Error;
use std::time::Instant;

use bytes::Bytes;
use fleet::events::{Answer, Event, WebhookEndpoint, signatures};
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::uri::Authority;
use http::{Method, Request, Response};
use rsp_core::Timestamp;
use rsp_net::WebError;
use store::Attempt;

use super::Teller;
use crate::traces;

/// Octets of an answer that are read and kept.
const EXCERPT: usize = 1024;

impl Teller {
    /// One attempt, put down and judged.
    pub(super) async fn attempt(
        &self,
        endpoint: &WebhookEndpoint,
        event: &Event,
    ) -> (Attempt, Answer) {
        let begun = Instant::now();
        let response = match request(endpoint, event, (self.now)()) {
            Ok(request) => self.traced(request).await,
            Err(_) => Err(WebError::Address),
        };
        let duration = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let attempt = |status, detail| Attempt {
            at: (self.now)(),
            status,
            duration,
            detail,
        };
        match response {
            Ok(response) => {
                let status = response.status().as_u16();
                let answer = Answer::of_status(status, retry_after(&response));
                (attempt(Some(status), excerpt(response.body())), answer)
            }
            Err(error) => {
                let answer = Answer::NotTaken { retry_after: None };
                (attempt(None, in_full(&error)), answer)
            }
        }
    }
}

impl Teller {
    /// Sends it with the trace that it is part of.
    async fn traced(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, WebError> {
        let server = request.uri().authority().map(Authority::as_str);
        let mut span = traces::call("webhook", server.unwrap_or_default());
        request.headers_mut().extend(span.header());
        let response = self.client.send(request, EXCERPT).await;
        let answered = response.as_ref().ok();
        span.answered(answered.map(|response| response.status().as_u16()));
        response
    }
}

fn request(
    endpoint: &WebhookEndpoint,
    event: &Event,
    now: Timestamp,
) -> Result<Request<Bytes>, http::Error> {
    let (id, body) = (event.id(), event.to_cloud_event().to_string());
    let signatures = signatures(&endpoint.secrets(now), &id, now, body.as_bytes());
    Request::builder()
        .method(Method::POST)
        .uri(&endpoint.url)
        .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
        .header(USER_AGENT, concat!("simurgh/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_secs())
        .header("webhook-signature", signatures)
        .body(Bytes::from(body))
}

/// Retry-After in seconds; as a date it is not read.
fn retry_after(response: &Response<Bytes>) -> Option<u64> {
    let value = response.headers().get(RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// The beginning of a body as text for people: what is no text is left out.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown = |character: &char| !character.is_control() || *character == '\n';
    text.chars().filter(shown).collect()
}

/// An error with what caused it.
fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    excerpt(text.as_bytes().get(..EXCERPT).unwrap_or(text.as_bytes()))
}
