//! A server of many peers.

mod session;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::Parameters;
use super::repeat::Jitter;
use crate::Timestamp;
use crate::binding::{HttpRequest, HttpResponse};
use session::{Outside, Session};

/// What a server bears of its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a request's body; more is answered with 4.13.
    pub max_body: usize,
    /// Requests of one peer that are being answered; more get 5.03.
    pub max_requests: usize,
    /// Peers that are remembered; messages of more are ignored.
    pub max_peers: usize,
    /// Octets of bodies of all peers, requests in blocks and responses that
    /// are fetched in blocks; what does not fit is answered with 5.03.
    pub max_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body: 1 << 20,
            max_requests: 4,
            max_peers: 100_000,
            max_memory: 64 << 20,
        }
    }
}

/// A request that is being answered, of some peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(u64);

/// A request for the handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<K> {
    /// Names it in [`Server::respond`].
    pub exchange: ExchangeId,
    /// Whose it is.
    pub peer: K,
    /// What is asked.
    pub request: HttpRequest,
}

/// A server. `K` names a peer: one DTLS session, so that a peer that begins
/// again is another one.
///
/// Datagrams in, [`Server::poll_transmit`] out; requests come from
/// [`Server::poll_request`] and are answered with [`Server::respond`].
pub struct Server<K> {
    parameters: Parameters,
    limits: Limits,
    jitter: Jitter,
    sessions: BTreeMap<K, Session>,
    /// When which session wants to be called.
    timers: BTreeSet<(Timestamp, K)>,
    /// Whose the exchanges are that are being answered.
    exchanges: BTreeMap<ExchangeId, K>,
    next_exchange: u64,
    /// Octets of bodies in all sessions.
    memory: usize,
    requests: VecDeque<Request<K>>,
    out: VecDeque<(K, Vec<u8>)>,
}

impl<K> core::fmt::Debug for Server<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("peers", &self.sessions.len())
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl<K: Ord + Clone> Server<K> {
    /// A server without peers. The seed is that of the jitter and of the first
    /// message IDs.
    pub fn new(parameters: Parameters, limits: Limits, seed: u64) -> Server<K> {
        Server {
            parameters,
            limits,
            jitter: Jitter::new(seed),
            sessions: BTreeMap::new(),
            timers: BTreeSet::new(),
            exchanges: BTreeMap::new(),
            next_exchange: 0,
            memory: 0,
            requests: VecDeque::new(),
            out: VecDeque::new(),
        }
    }

    /// Takes a datagram of a peer.
    pub fn handle(&mut self, peer: &K, datagram: &[u8], now: Timestamp) {
        if !self.sessions.contains_key(peer) {
            if self.sessions.len() >= self.limits.max_peers {
                return;
            }
            let first_id = (self.jitter.next() & 0xFFFF) as u16;
            self.sessions.insert(peer.clone(), Session::new(first_id));
        }
        self.with(peer, now, |session, outside| {
            session.handle(datagram, outside);
        });
    }

    /// Answers a request. If its peer has been forgotten, nothing happens.
    pub fn respond(&mut self, exchange: ExchangeId, response: &HttpResponse, now: Timestamp) {
        if let Some(peer) = self.exchanges.remove(&exchange) {
            self.with(&peer, now, |session, outside| {
                session.respond(exchange, response, outside);
            });
        }
    }

    /// A request to answer.
    pub fn poll_request(&mut self) -> Option<Request<K>> {
        self.requests.pop_front()
    }

    /// A datagram to send to a peer.
    pub fn poll_transmit(&mut self) -> Option<(K, Vec<u8>)> {
        self.out.pop_front()
    }

    /// When [`Server::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some((at, peer)) = self.timers.first()
            && *at <= now
        {
            let peer = peer.clone();
            self.with(&peer, now, Session::handle_timeout);
        }
    }

    /// Forgets a peer, as when its DTLS session has ended.
    pub fn forget(&mut self, peer: &K) {
        if let Some(session) = self.sessions.remove(peer) {
            self.memory = self.memory.saturating_sub(session.memory());
            if let Some(at) = session.wake() {
                self.timers.remove(&(at, peer.clone()));
            }
            self.exchanges.retain(|_, of| of != peer);
        }
    }

    /// Peers that are remembered.
    pub fn peers(&self) -> usize {
        self.sessions.len()
    }

    /// Octets of bodies that are kept.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Does something with a session, and takes what it has for outside.
    fn with(&mut self, peer: &K, now: Timestamp, act: impl FnOnce(&mut Session, &mut Outside<'_>)) {
        let Some(session) = self.sessions.get_mut(peer) else {
            return;
        };
        let (before, wake_before) = (session.memory(), session.wake());
        let mut outside = Outside {
            parameters: &self.parameters,
            limits: &self.limits,
            jitter: &mut self.jitter,
            next_exchange: &mut self.next_exchange,
            room: self.limits.max_memory.saturating_sub(self.memory),
            now,
            requests: Vec::new(),
            out: Vec::new(),
        };
        act(session, &mut outside);
        let (requests, out) = (outside.requests, outside.out);
        self.memory = (self.memory + session.memory()).saturating_sub(before);
        let wake = session.wake();
        if wake != wake_before {
            if let Some(at) = wake_before {
                self.timers.remove(&(at, peer.clone()));
            }
            if let Some(at) = wake {
                self.timers.insert((at, peer.clone()));
            }
        }
        for (exchange, request) in requests {
            self.exchanges.insert(exchange, peer.clone());
            let peer = peer.clone();
            self.requests.push_back(Request {
                exchange,
                peer,
                request,
            });
        }
        let out = out.into_iter().map(|datagram| (peer.clone(), datagram));
        self.out.extend(out);
        // Nothing in it, nothing under way: it is as if it had not been.
        if wake.is_none() && session.is_empty() {
            self.sessions.remove(peer);
        }
    }
}
