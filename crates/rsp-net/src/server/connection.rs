//! One connection, from the handshake to close_notify.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Limits;
use super::handler::{Peer, StreamHandler};
use super::stream::{Paced, RequestBody};
use crate::tls::ClientAuth;

/// How long a connection that is not wanted any more may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many times [`Limits::max_body`] is read and thrown away of a body that the
/// handler did not read to its end. Of more the connection is closed, and the
/// response says so.
const DISCARDED: usize = 4;

/// What all connections share.
pub(super) struct Acceptor<H> {
    pub(super) tls: TlsAcceptor,
    pub(super) client_auth: ClientAuth,
    pub(super) limits: Limits,
    pub(super) handler: Arc<H>,
    pub(super) closed: watch::Receiver<bool>,
}

impl<H: StreamHandler> Acceptor<H> {
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
                let waits = request.headers().contains_key(EXPECT);
                let (parts, body) = request.into_parts();
                let (body, left) = RequestBody::new(body, waits, limits.header_timeout);
                let request = Request::from_parts(parts, body);
                let mut response = handler.handle(request, &peer).await;
                let close = HeaderValue::from_static("close");
                let most = limits.max_body.saturating_mul(DISCARDED);
                if response.headers().get(CONNECTION) != Some(&close)
                    && !left.discard(most, limits.header_timeout).await
                {
                    response.headers_mut().insert(CONNECTION, close);
                }
                deadline.send_replace(Some(Instant::now() + limits.idle_timeout));
                let paced = |body| Paced::new(body, deadline, limits.idle_timeout);
                Ok::<_, Infallible>(response.map(paced))
            }
        });
        let stream = TokioIo::new(stream);
        let mut connection = http1::Builder::new().serve_connection(stream, service);
        let mut closed = self.closed.clone();
        let rest = tokio::select! {
            _ = &mut connection => None,
            () = expired(&mut watched) => Some(CLOSE_TIMEOUT),
            _ = closed.wait_for(|closed| *closed) => Some(self.limits.shutdown_grace),
        };
        if let Some(rest) = rest {
            Pin::new(&mut connection).graceful_shutdown();
            let _: Result<_, _> = timeout(rest, &mut connection).await;
        }
        let ends = *self.closed.borrow();
        if !ends {
            let stream = connection.into_parts().io.into_inner();
            let _ = timeout(self.limits.header_timeout, part(stream)).await;
        }
    }
}

/// Parts from a client that may still be sending what nobody reads, such as the body
/// behind a head that was none, or far too large a one: were the connection just closed,
/// the client would lose the response that says so (RFC 9112 section 9.6). How much it
/// may send is bounded by the time alone that the caller gives.
async fn part(mut stream: TlsStream<TcpStream>) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut octets = vec![0; 4096];
    while let Ok(Ok(1..)) = timeout(CLOSE_TIMEOUT, stream.read(&mut octets)).await {}
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
