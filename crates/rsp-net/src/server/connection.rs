//! One connection, from the handshake to close_notify.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Limits;
use super::handler::{Peer, RawHandler};
use super::rsp::text;
use crate::tls::ClientAuth;

/// How long a connection that is not wanted any more may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Acceptor<H> {
    pub(super) tls: TlsAcceptor,
    pub(super) client_auth: ClientAuth,
    pub(super) limits: Limits,
    pub(super) handler: Arc<H>,
    pub(super) closed: watch::Receiver<bool>,
}

impl<H: RawHandler> Acceptor<H> {
    /// Serves a connection to its end. What goes wrong on it is the peer's
    /// affair: it is told so by TLS or HTTP, or is gone.
    pub(super) async fn run(self: Arc<Self>, stream: TcpStream, address: SocketAddr) {
        let handshake = timeout(self.limits.header_timeout, self.handshake(stream));
        let Ok(Ok(stream)) = handshake.await else {
            return;
        };
        let certificate = match self.client_certificate(&stream) {
            Ok(certificate) => certificate,
            Err(()) => return,
        };
        let peer = Peer {
            address,
            certificate,
            identity: None,
        };
        self.exchange(stream, Arc::new(peer)).await;
    }

    async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        stream.set_nodelay(true)?;
        self.tls.accept(stream).await
    }

    /// The certificate of the client. A resumed session brings that of an
    /// earlier handshake, which may have expired since.
    fn client_certificate(&self, stream: &TlsStream<TcpStream>) -> Result<Option<Vec<u8>>, ()> {
        let (_, session) = stream.get_ref();
        let presented = session.peer_certificates().unwrap_or_default();
        let Some((certificate, between)) = presented.split_first() else {
            return Ok(None);
        };
        if session.handshake_kind() == Some(HandshakeKind::Resumed)
            && let ClientAuth::Optional(trust) = &self.client_auth
        {
            trust.check(certificate, between).map_err(|_| ())?;
        }
        Ok(Some(certificate.to_vec()))
    }

    async fn exchange(&self, stream: TlsStream<TcpStream>, peer: Arc<Peer>) {
        let deadline = Instant::now() + self.limits.header_timeout;
        let (deadline, mut watched) = watch::channel(Some(deadline));
        let deadline = Arc::new(deadline);
        let service = service_fn(|request: Request<Incoming>| {
            let (handler, limits) = (self.handler.clone(), self.limits.clone());
            let (peer, deadline) = (peer.clone(), deadline.clone());
            async move {
                deadline.send_replace(None);
                let response = answer(handler.as_ref(), request, &peer, &limits).await;
                deadline.send_replace(Some(Instant::now() + limits.idle_timeout));
                Ok::<_, Infallible>(response.map(Full::new))
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut closed = self.closed.clone();
        let rest = tokio::select! {
            _ = connection.as_mut() => return,
            () = expired(&mut watched) => CLOSE_TIMEOUT,
            _ = closed.wait_for(|closed| *closed) => self.limits.shutdown_grace,
        };
        connection.as_mut().graceful_shutdown();
        let _: Result<_, _> = timeout(rest, connection).await;
    }
}

/// Waits until the deadline, wherever it moves to.
async fn expired(deadline: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let current = *deadline.borrow_and_update();
        let reached = async {
            match current {
                Some(instant) => sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = reached => return,
            changed = deadline.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

async fn answer<H: RawHandler>(
    handler: &H,
    request: Request<Incoming>,
    peer: &Peer,
    limits: &Limits,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let waits = parts.headers.contains_key(EXPECT);
    let body = timeout(limits.header_timeout, read(body, limits.max_body, waits)).await;
    let refusal = match body {
        Ok(Ok(body)) => return handler.handle(Request::from_parts(parts, body), peer).await,
        Ok(Err(Unread::TooLarge)) => {
            text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large")
        }
        Ok(Err(Unread::Broken)) => text(StatusCode::BAD_REQUEST, "the request is incomplete"),
        Err(_) => text(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
    };
    let mut refusal = refusal;
    let close = HeaderValue::from_static("close");
    refusal.headers_mut().insert(CONNECTION, close);
    refusal
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
