//! A client for the web outside of remote SIM provisioning: servers whose
//! certificates the system's authorities vouch for, and whose addresses somebody
//! else may have chosen.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::Address;
use crate::tls;

/// Where Debian, Ubuntu and others keep whom the system trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Which addresses are not asked.
type Refuses = dyn Fn(IpAddr) -> bool + Send + Sync;

/// Why there is no response. No text of it names a path, which may be secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// It is no `https` URI with a host.
    #[error("this is no https address")]
    Address,
    /// The name has no address.
    #[error("{0}: the name has no address ({1})")]
    Resolve(String, io::Error),
    /// All addresses of the name are such that nobody is asked there.
    #[error("{0}: its address is not allowed")]
    Refused(String),
    /// Nobody answers there, or TLS does not come about.
    #[error("{0}: cannot connect: {1}")]
    Connect(String, io::Error),
    /// The connection ended before the response did.
    #[error("{0}: no response: {1}")]
    Exchange(String, hyper::Error),
    /// It took longer than allowed.
    #[error("no response within {0:?}")]
    Timeout(Duration),
}

/// Sends requests, each on a connection of its own; redirections are not followed.
#[derive(Clone)]
pub struct WebClient {
    tls: Arc<ClientConfig>,
    refuses: Arc<Refuses>,
    resolve: HashMap<String, SocketAddr>,
    timeout: Duration,
}

impl fmt::Debug for WebClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebClient")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl WebClient {
    /// A client that trusts those whose certificates are in a PEM file, or, without
    /// one, those whom the system trusts; a request takes `timeout` at most.
    ///
    /// # Errors
    /// If the file cannot be read or has no certificate in it.
    pub fn new(ca: Option<&Path>, timeout: Duration) -> io::Result<Self> {
        let file = ca.unwrap_or(Path::new(SYSTEM));
        let bad = |error: &dyn fmt::Display| {
            io::Error::other(format!("certificates in {}: {error}", file.display()))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(&error))? {
            let certificate = certificate.map_err(|error| bad(&error))?;
            // One of the system's that is not understood vouches for nobody.
            if let (Err(error), Some(_)) = (roots.add(certificate), ca) {
                return Err(bad(&error));
            }
        }
        if roots.is_empty() {
            return Err(bad(&"there is none"));
        }
        let mut tls = ClientConfig::builder_with_provider(tls::crypto_provider())
            .with_protocol_versions(tls::VERSIONS)
            .map_err(|error| bad(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![tls::ALPN_HTTP_1_1.to_vec()];
        Ok(WebClient {
            tls: Arc::new(tls),
            refuses: Arc::new(|_| false),
            resolve: HashMap::new(),
            timeout,
        })
    }

    /// Asks nobody at these addresses. What is connected to is the address that was
    /// looked at: a name that has another one a moment later changes nothing.
    #[must_use]
    pub fn refusing(mut self, refuses: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.refuses = Arc::new(refuses);
        self
    }

    /// Connects to `address` for a host name instead of asking the name service.
    #[must_use]
    pub fn resolve(mut self, name: &str, address: SocketAddr) -> Self {
        self.resolve.insert(name.to_ascii_lowercase(), address);
        self
    }

    /// Sends a request to an absolute `https` URI. Any status is a response. Of its
    /// body `most` octets are kept, and not more are read.
    ///
    /// # Errors
    /// If there is no response; the request may have arrived all the same.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        most: usize,
    ) -> Result<Response<Bytes>, WebError> {
        let exchange = self.exchange(request, most);
        let done = tokio::time::timeout(self.timeout, exchange).await;
        done.unwrap_or(Err(WebError::Timeout(self.timeout)))
    }

    async fn exchange(
        &self,
        mut request: Request<Bytes>,
        most: usize,
    ) -> Result<Response<Bytes>, WebError> {
        let uri = request.uri();
        let authority = uri
            .authority()
            .filter(|_| uri.scheme_str() == Some("https"));
        let authority =
            authority.map(|authority| Address::with_default_port(authority.as_str(), 443));
        let Some(Ok(address)) = authority else {
            return Err(WebError::Address);
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = path.parse::<Uri>().map_err(|_| WebError::Address)?;
        let host = HeaderValue::try_from(address.to_string()).map_err(|_| WebError::Address)?;
        *request.uri_mut() = path;
        request.headers_mut().insert(HOST, host);
        let close = HeaderValue::from_static("close");
        request.headers_mut().insert(CONNECTION, close);

        let stream = self.connect(&address).await?;
        let failed = |error| WebError::Exchange(address.to_string(), error);
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, driver) = made.map_err(failed)?;
        let answered = async {
            let response = sender.send_request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            Ok::<_, hyper::Error>(Response::from_parts(parts, beginning(body, most).await?))
        };
        let mut driver = std::pin::pin!(driver);
        let mut answered = std::pin::pin!(answered);
        tokio::select! {
            answer = &mut answered => answer.map_err(failed),
            // What ended the connection is also what the answer says of it.
            _ = &mut driver => answered.await.map_err(failed),
        }
    }

    async fn connect(&self, address: &Address) -> Result<TlsStream<TcpStream>, WebError> {
        let name = || address.to_string();
        let sockets: Vec<SocketAddr> = match self.resolve.get(&address.host) {
            Some(socket) => vec![*socket],
            None => {
                let found = lookup_host((address.host.as_str(), address.port)).await;
                let found = found.map_err(|error| WebError::Resolve(name(), error))?;
                found.collect()
            }
        };
        let mut failed = WebError::Refused(name());
        for socket in sockets {
            if (self.refuses)(socket.ip()) {
                continue;
            }
            match self.open(socket, address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = WebError::Connect(name(), error),
            }
        }
        Err(failed)
    }

    async fn open(
        &self,
        socket: SocketAddr,
        address: &Address,
    ) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(socket).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.tls.clone());
        connector.connect(address.name.clone(), stream).await
    }
}

/// The beginning of a body.
async fn beginning(mut body: Incoming, most: usize) -> Result<Bytes, hyper::Error> {
    let mut read = BytesMut::new();
    while read.len() < most {
        let Some(frame) = body.frame().await else {
            break;
        };
        if let Ok(data) = frame?.into_data() {
            let left = most - read.len();
            read.extend_from_slice(data.get(..left).unwrap_or(&data));
        }
    }
    Ok(read.freeze())
}
