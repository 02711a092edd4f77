//! The server: one UDP socket, many peers.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::Timestamp;
use rsp_core::binding::coap::server::{ExchangeId, Limits};
use rsp_core::binding::coap::{Parameters, Server};
use rsp_core::binding::{HttpRequest, HttpResponse};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::peers::{FromPeers, Peers, Session};
use super::{MAX_DATAGRAM, seed};
use crate::dtls::{Acceptor, ServerConfig};
use crate::server::{Handler, Peer};
use crate::{Clock, system_clock};

/// What a server bears of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoapLimits {
    /// Octets of a request's body; more is answered with 4.13.
    pub max_body: usize,
    /// Octets of all bodies that come or go in blocks; what does not fit is
    /// answered with 5.03.
    pub max_memory: usize,
    /// Associations at a time; the handshakes of further ones are not answered.
    pub max_peers: usize,
    /// Handshakes at a time; the oldest whose client has not shown that it is
    /// at its address makes room.
    pub max_handshakes: usize,
    /// Longest duration of a handshake.
    pub handshake_timeout: Duration,
    /// An association without messages ends after this.
    pub idle_timeout: Duration,
    /// Requests at the handler at a time; more are answered with 5.03.
    pub max_requests: usize,
    /// How long requests in progress may take after the shutdown has begun.
    pub shutdown_grace: Duration,
}

impl Default for CoapLimits {
    fn default() -> Self {
        CoapLimits {
            max_body: 1 << 20,
            max_memory: 64 << 20,
            max_peers: 20_000,
            max_handshakes: 1_000,
            handshake_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(600),
            max_requests: 1_000,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// A server that is bound to its port.
pub struct CoapServer {
    socket: UdpSocket,
    address: SocketAddr,
    acceptor: Acceptor,
    limits: CoapLimits,
    parameters: Parameters,
    clock: Clock,
}

impl fmt::Debug for CoapServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoapServer")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

type Answers = JoinSet<(ExchangeId, HttpResponse)>;

impl CoapServer {
    /// Binds a UDP port; port 0 is any free one.
    ///
    /// # Errors
    /// If the port cannot be had, or with `InvalidInput` and a
    /// [`crate::dtls::DtlsError`] in it.
    pub async fn bind(
        address: SocketAddr,
        config: &ServerConfig,
        limits: CoapLimits,
    ) -> io::Result<CoapServer> {
        let acceptor = Acceptor::new(config)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let socket = UdpSocket::bind(address).await?;
        Ok(CoapServer {
            address: socket.local_addr()?,
            socket,
            acceptor,
            limits,
            parameters: Parameters::default(),
            clock: system_clock(),
        })
    }

    /// The address with the port that was bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Transmits with these parameters instead of those of RFC 7252.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> CoapServer {
        self.parameters = parameters;
        self
    }

    /// Serves until `shutdown` is ready, then finishes requests in progress,
    /// says goodbye and returns.
    pub async fn serve<H: Handler>(self, handler: H, shutdown: impl Future<Output = ()>) {
        let mut shell = Shell::new(self, handler);
        let mut datagram = vec![0; MAX_DATAGRAM];
        let mut answers = Answers::new();
        let mut shutdown = std::pin::pin!(shutdown);
        let mut end: Option<Instant> = None;
        loop {
            shell.flush(&mut answers, end.is_some()).await;
            if end.is_some_and(|end| answers.is_empty() || Instant::now() >= end) {
                break;
            }
            let wake = shell.wake().into_iter().chain(end).min();
            tokio::select! {
                () = &mut shutdown, if end.is_none() => {
                    end = Some(Instant::now() + shell.limits.shutdown_grace);
                }
                received = shell.socket.recv_from(&mut datagram) => {
                    // An error is that of an earlier datagram to somebody else.
                    if let Ok((octets, from)) = received {
                        let octets = datagram.get(..octets).unwrap_or_default();
                        shell.peers.receive(from, octets, Instant::now());
                    }
                }
                Some(answered) = answers.join_next() => {
                    // One that panicked leaves the client without an answer.
                    if let Ok((exchange, response)) = answered {
                        shell.coap.respond(exchange, &response, shell.now());
                    }
                }
                () = sleep(wake) => shell.handle_timeout(),
            }
        }
        shell.peers.close(Instant::now());
        shell.transmit().await;
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// The machines, and what they are connected to.
struct Shell<H> {
    socket: UdpSocket,
    peers: Peers,
    coap: Server<Session>,
    handler: Arc<H>,
    limits: CoapLimits,
    clock: Clock,
}

impl<H: Handler> Shell<H> {
    fn new(server: CoapServer, handler: H) -> Shell<H> {
        let limits = Limits {
            max_body: server.limits.max_body,
            max_memory: server.limits.max_memory,
            max_peers: server.limits.max_peers,
            ..Limits::default()
        };
        Shell {
            socket: server.socket,
            peers: Peers::new(server.acceptor, server.limits.clone()),
            coap: Server::new(server.parameters, limits, seed()),
            handler: Arc::new(handler),
            limits: server.limits,
            clock: server.clock,
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// When something is due: the clock of CoAP is that of the wall.
    fn wake(&self) -> Option<Instant> {
        let coap = self.coap.poll_timeout().map(|at| {
            let wait = at.since(self.now());
            Instant::now() + wait
        });
        self.peers.timeout().into_iter().chain(coap).min()
    }

    fn handle_timeout(&mut self) {
        self.peers.handle_timeout(Instant::now());
        let now = self.now();
        self.coap.handle_timeout(now);
    }

    /// Carries everything to where it belongs until nothing moves.
    async fn flush(&mut self, answers: &mut Answers, closing: bool) {
        loop {
            let now = self.now();
            let events = self.peers.take_events();
            let quiet = events.is_empty();
            for event in events {
                match event {
                    FromPeers::Data(session, data) => self.coap.handle(&session, &data, now),
                    FromPeers::Ended(session) => self.coap.forget(&session),
                }
            }
            while let Some(request) = self.coap.poll_request() {
                let peer = self.peers.peer(request.peer);
                let room = answers.len() < self.limits.max_requests && !closing;
                match peer.filter(|_| room) {
                    Some(peer) => self.ask(answers, request.exchange, request.request, peer),
                    None => {
                        let busy = HttpResponse::failure(503, "busy");
                        self.coap.respond(request.exchange, &busy, now);
                    }
                }
            }
            while let Some((session, datagram)) = self.coap.poll_transmit() {
                self.peers.send(session, &datagram, Instant::now());
            }
            self.transmit().await;
            if quiet {
                return;
            }
        }
    }

    fn ask(
        &self,
        answers: &mut Answers,
        exchange: ExchangeId,
        request: HttpRequest,
        peer: Arc<Peer>,
    ) {
        let handler = self.handler.clone();
        answers.spawn(async move { (exchange, handler.handle(request, &peer).await) });
    }

    async fn transmit(&mut self) {
        for (address, datagram) in self.peers.take_out() {
            // A datagram may always be lost.
            let _: io::Result<usize> = self.socket.send_to(&datagram, address).await;
        }
    }
}
