//! Requests whose bodies are taken whole.

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::Limits;
use super::handler::{Peer, RawHandler, StreamHandler};
use super::rsp::text;
use super::stream::RequestBody;

/// Reads bodies for a handler that wants them whole.
pub(super) struct Whole<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
}

impl<H: RawHandler> StreamHandler for Whole<H> {
    type Body = Full<Bytes>;

    async fn handle(&self, request: Request<RequestBody>, peer: &Peer) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let (body, limits) = (body.into_inner(), &self.limits);
        let waits = parts.headers.contains_key(EXPECT);
        let body = timeout(limits.header_timeout, read(body, limits.max_body, waits)).await;
        let mut refusal = match body {
            Ok(Ok(body)) => {
                let request = Request::from_parts(parts, body);
                return self.handler.handle(request, peer).await.map(Full::new);
            }
            Ok(Err(Unread::TooLarge)) => {
                text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large")
            }
            Ok(Err(Unread::Broken)) => text(StatusCode::BAD_REQUEST, "the request is incomplete"),
            Err(_) => text(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
        };
        let close = HeaderValue::from_static("close");
        refusal.headers_mut().insert(CONNECTION, close);
        refusal.map(Full::new)
    }
}

/// Why there is no body.
enum Unread {
    TooLarge,
    Broken,
}

/// How many times the limit is read and thrown away, so that the client is
/// ready to read the refusal.
const DISCARDED: usize = 4;

/// Reads a body. `waits` says that the client does not send one that is
/// refused by its length.
async fn read(mut body: Incoming, limit: usize, waits: bool) -> Result<Bytes, Unread> {
    let announced = body.size_hint().lower();
    let mut too_large = usize::try_from(announced).is_ok_and(|length| length > limit);
    if too_large && waits {
        return Err(Unread::TooLarge);
    }
    let mut octets = Vec::new();
    let mut seen = 0usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        too_large |= seen > limit;
        if seen > limit.saturating_mul(DISCARDED) {
            break;
        }
        match too_large {
            true => octets = Vec::new(),
            false => octets.extend_from_slice(&data),
        }
    }
    match too_large {
        true => Err(Unread::TooLarge),
        false => Ok(octets.into()),
    }
}
