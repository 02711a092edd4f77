//! HTTP requests as RSP messages, and back (SGP.32 6.1, SGP.22 6.5.1).

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use rsp_core::binding::{HttpRequest, HttpResponse};

use super::handler::{Handler, Peer, RawHandler};

/// X-Admin-Protocol (SGP.22 6.5.1.1).
pub(crate) const X_ADMIN_PROTOCOL: HeaderName = HeaderName::from_static("x-admin-protocol");

/// Makes a [`RawHandler`] of a [`Handler`]; an application with other paths
/// beside those of RSP calls it from its own.
///
/// POST is passed on whatever its content type, any other method is answered
/// with 405. An `X-Admin-Protocol: gsma/rsp/v…` of the request is repeated in
/// the response.
#[derive(Clone, Debug)]
pub struct Rsp<H>(pub H);

impl<H: Handler> RawHandler for Rsp<H> {
    async fn handle(&self, request: Request<Bytes>, peer: &Peer) -> Response<Bytes> {
        if request.method() != Method::POST {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only POST is served here");
            let headers = response.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let asked = request.headers().get(X_ADMIN_PROTOCOL).cloned();
        let asked = asked.filter(|value| value.as_bytes().starts_with(b"gsma/rsp/v"));
        let answer = self.0.handle(message(request), peer).await;
        response(answer, asked)
    }
}

/// A short text instead of a message.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

fn message(request: Request<Bytes>) -> HttpRequest {
    let (parts, body) = request.into_parts();
    HttpRequest {
        path: parts.uri.path().to_owned(),
        content_type: value(&parts.headers, &CONTENT_TYPE).unwrap_or_default(),
        admin_protocol: value(&parts.headers, &X_ADMIN_PROTOCOL),
        user_agent: value(&parts.headers, &USER_AGENT),
        body: body.into(),
    }
}

/// A header's value; what is not UTF-8 in it is replaced.
pub(crate) fn value(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn response(answer: HttpResponse, asked: Option<HeaderValue>) -> Response<Bytes> {
    let Ok(status) = StatusCode::from_u16(answer.status) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "no such status");
    };
    let own = |value: Option<String>| HeaderValue::try_from(value?).ok();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(protocol) = asked.or_else(|| own(answer.admin_protocol)) {
        headers.insert(X_ADMIN_PROTOCOL, protocol);
    }
    if status == StatusCode::NO_CONTENT {
        return response;
    }
    if let Some(content_type) = own(answer.content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    *response.body_mut() = answer.body.into();
    response
}
