//! Connecting, and one exchange at a time on a connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rsp_core::pki::TlsTrust;
use rustls::client::ResolvesClientCert;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Address;
use super::error::tls_error;
use super::pool::Pool;
use super::{ClientError, Inner};
use crate::tls::{self, ServerVerifier};

impl Inner {
    pub(super) fn pool(
        &self,
        address: &Address,
        trust: &TlsTrust,
    ) -> Result<Arc<Pool>, ClientError> {
        let key = format!("{}:{}", address.host, address.port);
        let made = self.pools.get(key, trust, || {
            let verifier = Arc::new(ServerVerifier {
                trust: trust.clone(),
                clock: self.clock.clone(),
                crypto: self.crypto.clone(),
            });
            let tls = self.tls_config(verifier.clone())?;
            Ok(Pool::new(verifier, tls))
        });
        made.map_err(|error| ClientError::Tls {
            address: address.to_string(),
            error,
        })
    }

    fn tls_config(&self, verifier: Arc<ServerVerifier>) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(tls::crypto_provider())
            .with_protocol_versions(tls::VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.identity.clone() {
            Some(identity) => {
                let identity: Arc<dyn ResolvesClientCert> = identity;
                builder.with_client_cert_resolver(identity)
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![tls::ALPN_HTTP_1_1.to_vec()];
        Ok(config)
    }

    /// A new connection to the first socket address that answers.
    pub(super) async fn connect(
        &self,
        address: &Address,
        pool: &Pool,
    ) -> Result<Connection, ClientError> {
        let mut error = io::Error::from(io::ErrorKind::NotFound);
        for socket in self.resolve(address).await? {
            match self.open(socket, address, pool).await {
                Ok(stream) => return Connection::new(stream, address).await,
                Err(cause) => error = cause,
            }
        }
        let error = ClientError::connecting(address.to_string(), error);
        if matches!(error, ClientError::Certificate { .. }) {
            // The next attempt begins without sessions: the server may have
            // another certificate by then.
            self.pools.forget(pool);
        }
        Err(error)
    }

    async fn resolve(&self, address: &Address) -> Result<Vec<SocketAddr>, ClientError> {
        let (host, port) = (address.host.as_str(), address.port);
        let set = &self.settings.resolve;
        let set = set.get(&format!("{host}:{port}")).or(set.get(host));
        if let Some(socket) = set {
            return Ok(vec![*socket]);
        }
        match lookup_host((host, port)).await {
            Ok(found) => Ok(found.collect()),
            Err(error) => Err(ClientError::Resolve {
                address: address.to_string(),
                error,
            }),
        }
    }

    async fn open(
        &self,
        socket: SocketAddr,
        address: &Address,
        pool: &Pool,
    ) -> io::Result<TlsStream<TcpStream>> {
        let open = async {
            let stream = TcpStream::connect(socket).await?;
            stream.set_nodelay(true)?;
            let connector = TlsConnector::from(pool.tls.clone());
            let stream = connector.connect(address.name.clone(), stream).await?;
            check_resumed(&stream, address, &pool.verifier).map_err(io::Error::other)?;
            Ok(stream)
        };
        timeout(self.settings.connect_timeout, open).await?
    }
}

/// A resumed session brings the certificate of an earlier handshake, which may
/// have expired since.
fn check_resumed(
    stream: &TlsStream<TcpStream>,
    address: &Address,
    verifier: &ServerVerifier,
) -> Result<(), rustls::Error> {
    let (_, session) = stream.get_ref();
    if session.handshake_kind() != Some(HandshakeKind::Resumed) {
        return Ok(());
    }
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or(rustls::Error::NoCertificatesPresented)?;
    verifier.check(certificate, &address.name)
}

/// Why an exchange on a connection did not succeed.
pub(super) enum Failure {
    /// The connection ended before anything came back.
    Unanswered(Ended),
    /// It ended after that.
    Broken(Ended),
    /// The body is larger than this.
    TooLarge(usize),
}

/// How a connection ended.
pub(super) struct Ended {
    http: hyper::Error,
    /// The alert of the server, if there was one: HTTP may know only that the
    /// connection is gone.
    tls: Option<rustls::Error>,
}

impl Failure {
    pub(super) fn into_error(self, address: &Address) -> ClientError {
        let address = address.to_string();
        match self {
            Failure::Unanswered(ended) | Failure::Broken(ended) => match ended.tls {
                Some(error) => ClientError::Tls { address, error },
                None => ClientError::exchanging(address, ended.http),
            },
            Failure::TooLarge(limit) => ClientError::BodyTooLarge { address, limit },
        }
    }
}

/// An open connection. It closes, with close_notify, when this is dropped.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Whether anything has come since the last request was sent.
    heard: Arc<AtomicBool>,
    /// What ended TLS.
    alert: Arc<OnceLock<rustls::Error>>,
}

impl Connection {
    async fn new(stream: TlsStream<TcpStream>, address: &Address) -> Result<Self, ClientError> {
        let heard = Arc::new(AtomicBool::new(false));
        let alert = Arc::default();
        let stream = Listening {
            stream,
            heard: heard.clone(),
            alert: Arc::clone(&alert),
        };
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) =
            made.map_err(|error| ClientError::exchanging(address.to_string(), error))?;
        // Its errors are those of the requests on it.
        tokio::spawn(driver);
        Ok(Connection {
            sender,
            heard,
            alert,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Bytes>,
        max_body: usize,
    ) -> Result<Response<Bytes>, Failure> {
        self.heard.store(false, Ordering::Release);
        let sent = self.sender.send_request(request.map(Full::new)).await;
        let response = sent.map_err(|error| match self.heard.load(Ordering::Acquire) {
            true => Failure::Broken(self.ended(error)),
            false => Failure::Unanswered(self.ended(error)),
        })?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, max_body).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) => Err(match error.downcast::<hyper::Error>() {
                Ok(error) => Failure::Broken(self.ended(*error)),
                // `Limited` has no other error of its own.
                Err(_) => Failure::TooLarge(max_body),
            }),
        }
    }

    fn ended(&self, http: hyper::Error) -> Ended {
        let tls = self.alert.get().cloned();
        Ended { http, tls }
    }
}

/// A stream that notes when something comes, and what ends it.
struct Listening {
    stream: TlsStream<TcpStream>,
    heard: Arc<AtomicBool>,
    alert: Arc<OnceLock<rustls::Error>>,
}

impl AsyncRead for Listening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.heard.store(true, Ordering::Release);
        }
        if let Poll::Ready(Err(error)) = &read
            && let Some(error) = tls_error(error)
        {
            let _ = self.alert.set(error);
        }
        read
    }
}

impl AsyncWrite for Listening {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
