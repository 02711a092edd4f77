//! The client: HTTP/1.1 over TLS, with connections that are used again.

mod address;
mod connection;
mod error;
mod pool;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, Uri};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa;
use rsp_core::pki::TlsTrust;
use rsp_crypto::Provider;
use rustls::sign::SingleCertAndKey;

use crate::server::{X_ADMIN_PROTOCOL, value};
use crate::tls::{IdentityError, TlsIdentity};
use crate::{Clock, system_clock};
pub(crate) use address::Address;
use connection::{Connection, Failure};
use pool::{Pool, Pools};

pub use error::ClientError;

/// Sends requests; cheap to clone, and clones share their connections.
///
/// A connection is used again only for the same address and the same trust.
/// It belongs to one request at a time, so that requests at the same time have
/// connections of their own.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

struct Inner {
    settings: Settings,
    identity: Option<Arc<SingleCertAndKey>>,
    clock: Clock,
    crypto: Arc<dyn Provider>,
    pools: Pools,
}

#[derive(Clone, Debug)]
struct Settings {
    resolve: HashMap<String, SocketAddr>,
    timeout: Duration,
    connect_timeout: Duration,
    max_body: usize,
    keep_alive: bool,
}

/// Settings of a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    settings: Settings,
    identity: Option<TlsIdentity>,
    clock: Clock,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("settings", &self.settings)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Connects to `address` for `name`, a host name or `host:port`, instead
    /// of asking the name service. The certificate is still to be for the name.
    #[must_use]
    pub fn resolve(mut self, name: &str, address: SocketAddr) -> Self {
        let name = name.to_ascii_lowercase();
        self.settings.resolve.insert(name, address);
        self
    }

    /// Longest duration of a request, connection and repetition included
    /// (default 30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Longest duration of connecting to one socket address, TLS handshake
    /// included (default 10 s).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Octets of a response's body that are accepted (default 8 MiB).
    #[must_use]
    pub fn max_body(mut self, octets: usize) -> Self {
        self.settings.max_body = octets;
        self
    }

    /// Whether connections are used again (default yes); if not, each request
    /// has its own and says so to the server.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.settings.keep_alive = keep_alive;
        self
    }

    /// Certificate and key to present to servers that ask for them.
    #[must_use]
    pub fn client_identity(mut self, identity: TlsIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Judges certificates at the time of this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// If the client identity cannot be used.
    pub fn build(self, crypto: Arc<dyn Provider>) -> Result<Client, IdentityError> {
        let identity = self.identity.map(|identity| identity.resolver());
        let inner = Inner {
            settings: self.settings,
            identity: identity.transpose()?,
            clock: self.clock,
            crypto,
            pools: Pools::default(),
        };
        Ok(Client {
            inner: Arc::new(inner),
        })
    }
}

impl Client {
    /// The default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            settings: Settings {
                resolve: HashMap::new(),
                timeout: Duration::from_secs(30),
                connect_timeout: Duration::from_secs(10),
                max_body: 8 << 20,
                keep_alive: true,
            },
            identity: None,
            clock: system_clock(),
        }
    }

    /// Posts an RSP message (SGP.32 6.1, SGP.22 6.5.1). Any status is a
    /// response.
    ///
    /// # Errors
    /// If there is no response; the message may have arrived all the same.
    pub async fn post(
        &self,
        server: &ipa::Server,
        request: HttpRequest,
    ) -> Result<HttpResponse, ClientError> {
        self.post_with(server, request, None).await
    }

    /// Posts it with a header more, which is not of RSP.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn post_with(
        &self,
        server: &ipa::Server,
        request: HttpRequest,
        header: Option<(HeaderName, HeaderValue)>,
    ) -> Result<HttpResponse, ClientError> {
        let trust = server.trust.as_ref();
        let trust = trust.ok_or_else(|| ClientError::NoTrust(server.address.clone()))?;
        let address = Address::parse(&server.address)?;
        let mut request = post_request(request)?;
        request.headers_mut().extend(header);
        let response = self.within_timeout(&address, trust, request).await?;
        let (parts, body) = response.into_parts();
        Ok(HttpResponse {
            status: parts.status.as_u16(),
            content_type: value(&parts.headers, &CONTENT_TYPE),
            admin_protocol: value(&parts.headers, &X_ADMIN_PROTOCOL),
            body: body.into(),
        })
    }

    /// Sends an HTTP request to an absolute `https` URI. Any status is a
    /// response; redirections are not followed.
    ///
    /// # Errors
    /// If there is no response; the request may have arrived all the same.
    pub async fn request_raw(
        &self,
        trust: &TlsTrust,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let uri = request.uri();
        let authority = uri.authority().map(|authority| authority.as_str());
        let authority = authority.filter(|_| uri.scheme_str() == Some("https"));
        let authority = authority.ok_or_else(|| ClientError::Address(uri.to_string()))?;
        let address = Address::parse(authority)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(http::Error::from)?;
        self.within_timeout(&address, trust, request).await
    }

    async fn within_timeout(
        &self,
        address: &Address,
        trust: &TlsTrust,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let limit = self.inner.settings.timeout;
        let exchange = self.exchange(address, trust, request);
        match tokio::time::timeout(limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(ClientError::Timeout {
                address: address.to_string(),
                limit,
            }),
        }
    }

    async fn exchange(
        &self,
        address: &Address,
        trust: &TlsTrust,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let host = HeaderValue::try_from(address.to_string()).map_err(http::Error::from)?;
        request.headers_mut().insert(HOST, host);
        if !self.inner.settings.keep_alive {
            let close = HeaderValue::from_static("close");
            request.headers_mut().insert(CONNECTION, close);
        }
        let pool = self.inner.pool(address, trust)?;
        // The server may close a kept connection at the very moment of the
        // request: then another one is tried, and a new one is the last word.
        if let Some(kept) = pool.take().await {
            match self.on(&pool, kept, request.clone()).await {
                Err(Failure::Unanswered(_)) => {}
                other => return other.map_err(|failure| failure.into_error(address)),
            }
        }
        let new = self.inner.connect(address, &pool).await?;
        let response = self.on(&pool, new, request).await;
        response.map_err(|failure| failure.into_error(address))
    }

    async fn on(
        &self,
        pool: &Pool,
        mut connection: Connection,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Failure> {
        let settings = &self.inner.settings;
        let response = connection.send(request, settings.max_body).await?;
        if settings.keep_alive {
            pool.give_back(connection);
        }
        Ok(response)
    }
}

fn post_request(request: HttpRequest) -> Result<Request<Bytes>, ClientError> {
    let mut builder = Request::builder()
        .method(Method::POST)
        .uri(request.path)
        .header(CONTENT_TYPE, request.content_type);
    if let Some(protocol) = request.admin_protocol {
        builder = builder.header(X_ADMIN_PROTOCOL, protocol);
    }
    if let Some(user_agent) = request.user_agent {
        builder = builder.header(USER_AGENT, user_agent);
    }
    Ok(builder.body(Bytes::from(request.body))?)
}
