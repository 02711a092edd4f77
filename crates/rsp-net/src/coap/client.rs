//! The client: an association per server, used again while it lasts.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use rsp_core::binding::coap::{self, CoapError, Parameters};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_crypto::Provider;
use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{MAX_DATAGRAM, PORT, seed};
use crate::client::{Address, ClientError};
use crate::dtls::{Association, Connector, Credentials, Happened};
use crate::{Clock, system_clock};

/// Sends requests to servers over CoAP; cheap to clone, and clones share their
/// associations.
#[derive(Clone)]
pub struct CoapClient {
    settings: Settings,
    crypto: Arc<dyn Provider>,
    kept: Arc<SyncMutex<HashMap<String, Slot>>>,
}

/// One request at a time goes to a server.
type Slot = Arc<Mutex<Option<Kept>>>;

#[derive(Clone)]
struct Settings {
    resolve: HashMap<String, SocketAddr>,
    timeout: Duration,
    max_body: usize,
    keep_alive: Option<Duration>,
    parameters: Parameters,
    clock: Clock,
}

impl fmt::Debug for CoapClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoapClient")
            .field("resolve", &self.settings.resolve)
            .field("timeout", &self.settings.timeout)
            .finish_non_exhaustive()
    }
}

/// An association, and the machine on it.
struct Kept {
    credentials: Credentials,
    link: Link,
    coap: coap::Client,
    last: Instant,
}

struct Link {
    socket: UdpSocket,
    association: Association,
    clock: Clock,
}

impl CoapClient {
    /// A client with the default settings.
    pub fn new(crypto: Arc<dyn Provider>) -> CoapClient {
        CoapClient {
            settings: Settings {
                resolve: HashMap::new(),
                timeout: Duration::from_secs(120),
                max_body: 8 << 20,
                keep_alive: Some(Duration::from_secs(240)),
                parameters: Parameters::default(),
                clock: system_clock(),
            },
            crypto,
            kept: Arc::default(),
        }
    }

    /// The same settings with associations of its own, as another device has.
    #[must_use]
    pub fn alone(&self) -> CoapClient {
        CoapClient {
            kept: Arc::default(),
            ..self.clone()
        }
    }

    /// Sends to `address` for `name`, a host name or `host:port`, instead of
    /// asking the name service. The certificate is still to be for the name.
    #[must_use]
    pub fn resolve(mut self, name: &str, address: SocketAddr) -> Self {
        let name = name.to_ascii_lowercase();
        self.settings.resolve.insert(name, address);
        self
    }

    /// Longest duration of a request, handshake included (default 120 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How long an association without messages is used again (default 240 s,
    /// less than servers keep theirs); `None` makes one for each request.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: Option<Duration>) -> Self {
        self.settings.keep_alive = keep_alive;
        self
    }

    /// Transmits with these parameters instead of those of RFC 7252.
    #[must_use]
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.settings.parameters = parameters;
        self
    }

    /// Judges certificates at the time of this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Posts an RSP message to `host` or `host:port` (default 5684). Any
    /// status is a response.
    ///
    /// # Errors
    /// If there is no response; the message may have arrived all the same.
    pub async fn post(
        &self,
        server: &str,
        credentials: &Credentials,
        request: HttpRequest,
    ) -> Result<HttpResponse, ClientError> {
        let address = Address::with_default_port(server, PORT)?;
        let limit = self.settings.timeout;
        let exchange = self.exchange(&address, credentials, request);
        match timeout(limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(ClientError::Timeout {
                address: server.to_owned(),
                limit,
            }),
        }
    }

    async fn exchange(
        &self,
        address: &Address,
        credentials: &Credentials,
        request: HttpRequest,
    ) -> Result<HttpResponse, ClientError> {
        let server = format!("{}:{}", address.host, address.port);
        let slot = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entry(server.clone()).or_default().clone()
        };
        let mut slot = slot.lock().await;
        // Taken out: if this future is dropped, the association is gone too.
        let kept = slot.take();
        let mut kept = match kept.filter(|kept| self.is_usable(kept, credentials)) {
            Some(kept) => kept,
            None => self.connect(address, credentials).await?,
        };
        if !kept.link.stands() {
            kept = self.connect(address, credentials).await?;
        }
        let response = kept.exchange(request).await;
        let response = response.map_err(|error| error.at(&server))?;
        kept.last = Instant::now();
        match self.settings.keep_alive {
            Some(_) => *slot = Some(kept),
            None => kept.link.close().await,
        }
        Ok(response)
    }

    fn connector(&self, credentials: &Credentials) -> Connector {
        let clock = Some(self.settings.clock.clone());
        Connector::new(credentials.clone(), clock, self.crypto.clone())
    }

    fn is_usable(&self, kept: &Kept, credentials: &Credentials) -> bool {
        let keep = self.settings.keep_alive.unwrap_or_default();
        kept.last.elapsed() < keep && same(&kept.credentials, credentials)
    }

    async fn connect(
        &self,
        address: &Address,
        credentials: &Credentials,
    ) -> Result<Kept, ClientError> {
        let server = format!("{}:{}", address.host, address.port);
        let name = address.name.to_str().into_owned();
        let mut last = Trouble::Io(std::io::ErrorKind::NotFound.into());
        for socket in self.find(address).await? {
            match self.handshake(socket, &name, credentials).await {
                Ok(link) => {
                    let settings = &self.settings;
                    let coap = coap::Client::new(settings.parameters, settings.max_body, seed());
                    return Ok(Kept {
                        credentials: credentials.clone(),
                        link,
                        coap,
                        last: Instant::now(),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last.at(&server))
    }

    async fn find(&self, address: &Address) -> Result<Vec<SocketAddr>, ClientError> {
        let (host, port) = (address.host.as_str(), address.port);
        let set = &self.settings.resolve;
        let set = set.get(&format!("{host}:{port}")).or(set.get(host));
        if let Some(socket) = set {
            return Ok(vec![*socket]);
        }
        let found = lookup_host((host, port)).await;
        found.map(Iterator::collect).map_err(|error| {
            let address = address.to_string();
            ClientError::Resolve { address, error }
        })
    }

    async fn handshake(
        &self,
        server: SocketAddr,
        name: &str,
        credentials: &Credentials,
    ) -> Result<Link, Trouble> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(server).await?;
        let connector = self.connector(credentials);
        let mut association = connector.connect(Instant::now())?;
        association.handle_timeout(Instant::now())?;
        let mut link = Link {
            socket,
            association,
            clock: self.settings.clock.clone(),
        };
        let mut proven = !connector.wants_certificate();
        loop {
            link.transmit().await?;
            for happened in link.association.take_happened() {
                match happened {
                    Happened::Certificate(der) => {
                        connector.check(&der, name)?;
                        proven = true;
                    }
                    Happened::Connected if proven => return Ok(link),
                    Happened::Connected | Happened::Closed => return Err(Trouble::Closed),
                    Happened::Data(_) => {}
                }
            }
            link.wait(link.association.timeout()).await?;
        }
    }
}

/// Why there is no response, before it is known of which server.
enum Trouble {
    Io(std::io::Error),
    Dtls(crate::dtls::DtlsError),
    Coap(CoapError),
    Closed,
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Io(error)
    }
}

impl From<crate::dtls::DtlsError> for Trouble {
    fn from(error: crate::dtls::DtlsError) -> Self {
        Trouble::Dtls(error)
    }
}

impl Trouble {
    fn at(self, server: &str) -> ClientError {
        let address = server.to_owned();
        match self {
            Trouble::Io(error) => ClientError::Connect { address, error },
            Trouble::Dtls(crate::dtls::DtlsError::Certificate(error)) => {
                ClientError::Certificate { address, error }
            }
            Trouble::Dtls(error) => ClientError::Dtls { address, error },
            Trouble::Coap(error) => ClientError::Coap { address, error },
            Trouble::Closed => {
                let error = std::io::ErrorKind::ConnectionReset.into();
                ClientError::Connect { address, error }
            }
        }
    }
}

/// Whether an association that was made with the one is good for the other.
fn same(one: &Credentials, other: &Credentials) -> bool {
    match (one, other) {
        (
            Credentials::Certificate { trust, identity },
            Credentials::Certificate {
                trust: other_trust,
                identity: other_identity,
            },
        ) => trust == other_trust && identity.chain == other_identity.chain,
        (
            Credentials::Psk { identity, key },
            Credentials::Psk {
                identity: other_identity,
                key: other_key,
            },
        ) => identity == other_identity && key == other_key,
        _ => false,
    }
}

impl Kept {
    async fn exchange(&mut self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let (link, coap) = (&mut self.link, &mut self.coap);
        coap.request(request, (link.clock)())
            .map_err(Trouble::Coap)?;
        loop {
            while let Some(datagram) = coap.poll_transmit() {
                link.association.send(&datagram)?;
            }
            link.transmit().await?;
            if let Some(outcome) = coap.poll_outcome() {
                return outcome.map_err(Trouble::Coap);
            }
            let now = (link.clock)();
            let due = coap.poll_timeout().map(|at| Instant::now() + at.since(now));
            let wake = due.into_iter().chain(link.association.timeout()).min();
            link.wait(wake).await?;
            for happened in link.association.take_happened() {
                match happened {
                    Happened::Data(data) => coap.handle(&data, (link.clock)()),
                    Happened::Closed => return Err(Trouble::Closed),
                    Happened::Connected | Happened::Certificate(_) => {}
                }
            }
            coap.handle_timeout((link.clock)());
        }
    }
}

impl Link {
    async fn transmit(&mut self) -> Result<(), Trouble> {
        for datagram in self.association.take_out() {
            self.socket.send(&datagram).await?;
        }
        Ok(())
    }

    /// Waits for a datagram, or until then.
    async fn wait(&mut self, until: Option<Instant>) -> Result<(), Trouble> {
        let mut datagram = vec![0; MAX_DATAGRAM];
        let receive = self.socket.recv(&mut datagram);
        let received = match until {
            Some(until) => tokio::time::timeout_at(until.into(), receive).await.ok(),
            None => Some(receive.await),
        };
        let now = Instant::now();
        match received {
            Some(octets) => {
                let octets = octets?;
                let datagram = datagram.get(..octets).unwrap_or_default();
                self.association.receive(datagram, now)?;
            }
            None => self.association.handle_timeout(now)?,
        }
        Ok(())
    }

    /// Reads what has come since the last request; whether the association
    /// still stands.
    fn stands(&mut self) -> bool {
        let mut datagram = vec![0; MAX_DATAGRAM];
        while let Ok(octets) = self.socket.try_recv(&mut datagram) {
            let octets = datagram.get(..octets).unwrap_or_default();
            if self.association.receive(octets, Instant::now()).is_err() {
                return false;
            }
        }
        let happened = self.association.take_happened();
        !happened.contains(&Happened::Closed)
    }

    async fn close(mut self) {
        self.association.close();
        let _: Result<(), Trouble> = self.transmit().await;
    }
}
