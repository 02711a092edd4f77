//! The server: TLS and HTTP/1.1 on a TCP port.

mod connection;
mod handler;
mod rsp;
mod stream;
mod whole;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::tls::{self, ClientAuth, TlsIdentity};

pub use handler::{Handler, Peer, RawHandler, StreamHandler};
pub use rsp::Rsp;
pub(crate) use rsp::{X_ADMIN_PROTOCOL, value};
pub use stream::{BodyError, RequestBody};
use whole::Whole;

/// What a server bears of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a request's body that is taken whole; more is answered with 413.
    pub max_body: usize,
    /// From the connection to the end of the TLS handshake, from there to the
    /// end of the first request's headers, and from there to the end of its
    /// body.
    pub header_timeout: Duration,
    /// From a response to the end of the next request's headers.
    pub idle_timeout: Duration,
    /// Connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long requests in progress may take after the shutdown has begun.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body: 1 << 20,
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            max_connections: 10_000,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// A server that is bound to its port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    client_auth: ClientAuth,
    limits: Limits,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("client_auth", &self.client_auth)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Binds to `address`; port 0 is any free one. Connections are taken by
    /// [`Server::serve`].
    ///
    /// # Errors
    /// If the port cannot be had, or with `InvalidInput` and an
    /// [`tls::IdentityError`] in it.
    pub async fn bind(
        address: SocketAddr,
        identity: TlsIdentity,
        client_auth: ClientAuth,
        limits: Limits,
    ) -> io::Result<Server> {
        let tls = server_config(&identity, &client_auth)?;
        let listener = TcpListener::bind(address).await?;
        Ok(Server {
            address: listener.local_addr()?,
            listener,
            tls: TlsAcceptor::from(Arc::new(tls)),
            client_auth,
            limits,
        })
    }

    /// The address with the port that was bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves RSP messages until `shutdown` is ready; then as
    /// [`Server::serve_raw`].
    pub async fn serve<H: Handler>(self, handler: H, shutdown: impl Future<Output = ()>) {
        self.serve_raw(Rsp(handler), shutdown).await;
    }

    /// Serves HTTP requests until `shutdown` is ready, then finishes those in
    /// progress and returns. If the future is dropped, connections are cut.
    pub async fn serve_raw<H: RawHandler>(self, handler: H, shutdown: impl Future<Output = ()>) {
        let limits = self.limits.clone();
        self.serve_streams(Whole { handler, limits }, shutdown)
            .await;
    }

    /// Serves HTTP requests with bodies as streams; otherwise as
    /// [`Server::serve_raw`].
    pub async fn serve_streams<H: StreamHandler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        let (closing, closed) = watch::channel(false);
        let grace = self.limits.shutdown_grace;
        let acceptor = connection::Acceptor {
            tls: self.tls,
            client_auth: self.client_auth,
            limits: self.limits,
            handler: Arc::new(handler),
            closed,
        };
        let acceptor = Arc::new(acceptor);
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let room = connections.len() < acceptor.limits.max_connections;
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                (stream, address) = accept(&self.listener), if room => {
                    connections.spawn(acceptor.clone().run(stream, address));
                }
            }
        }
        drop(self.listener);
        closing.send_replace(true);
        let finished = async { while connections.join_next().await.is_some() {} };
        // What is not finished by then is cut when the set is dropped.
        let _: Result<(), _> = tokio::time::timeout(grace, finished).await;
    }
}

/// Pause after a failure to accept, which as a rule is a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn server_config(identity: &TlsIdentity, client_auth: &ClientAuth) -> io::Result<ServerConfig> {
    let resolver = identity
        .resolver()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let builder = ServerConfig::builder_with_provider(tls::crypto_provider())
        .with_protocol_versions(tls::VERSIONS)
        .map_err(io::Error::other)?;
    let builder = match client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Optional(trust) => builder.with_client_cert_verifier(Arc::new(trust.clone())),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.ticketer = Ticketer::new().map_err(io::Error::other)?;
    // A device resumes one session at a time.
    config.send_tls13_tickets = 1;
    config.alpn_protocols = vec![tls::ALPN_HTTP_1_1.to_vec()];
    Ok(config)
}
