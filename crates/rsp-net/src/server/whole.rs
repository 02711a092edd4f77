//! Requests whose bodies are taken whole.

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use tokio::time::timeout;

use super::Limits;
use super::handler::{Peer, RawHandler, StreamHandler};
use super::rsp::text;
use super::stream::{BodyError, RequestBody};

/// Reads bodies for a handler that wants them whole.
pub(super) struct Whole<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
}

impl<H: RawHandler> StreamHandler for Whole<H> {
    type Body = Full<Bytes>;

    async fn handle(&self, request: Request<RequestBody>, peer: &Peer) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let limits = &self.limits;
        let body = timeout(limits.header_timeout, read(body, limits.max_body)).await;
        let (status, said) = match body.unwrap_or(Err(Unread::Slow)) {
            Ok(body) => {
                let request = Request::from_parts(parts, body);
                return self.handler.handle(request, peer).await.map(Full::new);
            }
            Err(Unread::TooLarge) => {
                let refusal = text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
                return refusal.map(Full::new);
            }
            Err(Unread::Broken) => (StatusCode::BAD_REQUEST, "the request is incomplete"),
            Err(Unread::Slow) => (StatusCode::REQUEST_TIMEOUT, "the request took too long"),
        };
        let mut refusal = text(status, said);
        let close = HeaderValue::from_static("close");
        refusal.headers_mut().insert(CONNECTION, close);
        refusal.map(Full::new)
    }
}

/// Why there is no body.
enum Unread {
    TooLarge,
    Broken,
    Slow,
}

/// Reads a body.
async fn read(mut body: RequestBody, limit: usize) -> Result<Bytes, Unread> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).is_ok_and(|length| length > limit) {
        return Err(Unread::TooLarge);
    }
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error {
            BodyError::Slow => Unread::Slow,
            BodyError::Broken => Unread::Broken,
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limit - octets.len() {
            return Err(Unread::TooLarge);
        }
        octets.extend_from_slice(&data);
    }
    Ok(octets.into())
}
