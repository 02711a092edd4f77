//! The associations of a server: one per address, and one that begins beside
//! it when a client at the same address starts again (RFC 6347 4.2.8).

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::server::CoapLimits;
use crate::dtls::{
    Acceptor, Association, Happened, NamedIdentity, is_client_hello, is_server_hello,
};
use crate::server::Peer;

/// Shortest time between two calls of a timer.
const PAUSE: Duration = Duration::from_millis(5);

/// A session: one association from its handshake to its end.
pub(super) type Session = u64;

/// For the server.
pub(super) enum FromPeers {
    /// Octets of an authenticated peer.
    Data(Session, Vec<u8>),
    /// A session is over.
    Ended(Session),
}

struct Beginning {
    association: Association,
    named: NamedIdentity,
    certificate: Option<Vec<u8>>,
    since: Instant,
    /// Whether it has answered from its address.
    proven: bool,
}

struct Established {
    association: Association,
    session: Session,
    peer: Arc<Peer>,
    last: Instant,
}

#[derive(Default)]
struct Entry {
    beginning: Option<Beginning>,
    established: Option<Established>,
    wake: Option<Instant>,
}

/// All associations of a server.
pub(super) struct Peers {
    acceptor: Acceptor,
    limits: CoapLimits,
    entries: HashMap<SocketAddr, Entry>,
    sessions: HashMap<Session, SocketAddr>,
    timers: BTreeSet<(Instant, SocketAddr)>,
    next_session: Session,
    /// Handshakes that have begun, oldest first.
    beginnings: BTreeSet<(Instant, SocketAddr)>,
    out: Vec<(SocketAddr, Vec<u8>)>,
    events: Vec<FromPeers>,
}

impl Peers {
    pub(super) fn new(acceptor: Acceptor, limits: CoapLimits) -> Peers {
        Peers {
            acceptor,
            limits,
            entries: HashMap::new(),
            sessions: HashMap::new(),
            timers: BTreeSet::new(),
            next_session: 0,
            beginnings: BTreeSet::new(),
            out: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, address: SocketAddr, datagram: &[u8], now: Instant) {
        let hello = is_client_hello(datagram);
        let entry = self.entries.get(&address);
        let beginning = entry.is_some_and(|entry| entry.beginning.is_some());
        if hello && !beginning && !self.begin(address, datagram, now) {
            return;
        }
        // Records of epoch 0 belong to a handshake, others to whichever can
        // decrypt them: the other one drops them.
        let epoch_0 = datagram.get(3..5) == Some(&[0, 0]);
        self.with(address, now, |entry| {
            if let Some(beginning) = &mut entry.beginning
                && beginning.association.receive(datagram, now).is_err()
            {
                entry.beginning = None;
            }
            let established = entry.established.as_mut().filter(|_| !epoch_0);
            let broken = established
                .is_some_and(|established| established.association.receive(datagram, now).is_err());
            if broken {
                entry.end();
            }
        });
    }

    /// Makes room for a handshake, and begins it.
    fn begin(&mut self, address: SocketAddr, datagram: &[u8], now: Instant) -> bool {
        let known = self.entries.contains_key(&address);
        if !known && self.sessions.len() >= self.limits.max_peers {
            return false;
        }
        if self.beginnings.len() >= self.limits.max_handshakes
            && let Some((_, oldest)) = self.unproven()
        {
            // Whoever has not answered may not exist.
            self.with(oldest, now, |entry| entry.beginning = None);
        }
        if self.beginnings.len() >= self.limits.max_handshakes {
            return false;
        }
        let Some((association, named)) = self.acceptor.accept(datagram, now) else {
            return false;
        };
        self.beginnings.insert((now, address));
        self.entries.entry(address).or_default().beginning = Some(Beginning {
            association,
            named,
            certificate: None,
            since: now,
            proven: false,
        });
        true
    }

    /// The oldest handshake whose client has not answered yet.
    fn unproven(&self) -> Option<(Instant, SocketAddr)> {
        let mut beginnings = self.beginnings.iter();
        let unproven = beginnings.find(|(_, address)| {
            let entry = self.entries.get(address);
            let beginning = entry.and_then(|entry| entry.beginning.as_ref());
            beginning.is_none_or(|beginning| !beginning.proven)
        });
        unproven.copied()
    }

    /// Sends octets to the peer of a session.
    pub(super) fn send(&mut self, session: Session, octets: &[u8], now: Instant) {
        let Some(address) = self.sessions.get(&session).copied() else {
            return;
        };
        self.with(address, now, |entry| {
            let sent = match &mut entry.established {
                Some(established) => established.association.send(octets),
                None => Ok(()),
            };
            if sent.is_err() {
                entry.end();
            }
        });
    }

    /// Who the peer of a session is.
    pub(super) fn peer(&self, session: Session) -> Option<Arc<Peer>> {
        let entry = self.entries.get(self.sessions.get(&session)?)?;
        Some(entry.established.as_ref()?.peer.clone())
    }

    /// When [`Peers::handle_timeout`] is to be called.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let (idle, handshake) = (self.limits.idle_timeout, self.limits.handshake_timeout);
        while let Some((at, address)) = self.timers.first().copied()
            && at <= now
        {
            self.with(address, now, |entry| {
                if let Some(beginning) = &mut entry.beginning {
                    let over = now.duration_since(beginning.since) >= handshake;
                    if over || beginning.association.handle_timeout(now).is_err() {
                        entry.beginning = None;
                    }
                }
                if let Some(established) = &mut entry.established {
                    let broken = established.association.handle_timeout(now).is_err();
                    if broken || now.duration_since(established.last) >= idle {
                        entry.end();
                    }
                }
            });
        }
    }

    /// Ends all associations.
    pub(super) fn close(&mut self, now: Instant) {
        let addresses: Vec<_> = self.entries.keys().copied().collect();
        for address in addresses {
            self.with(address, now, Entry::end);
        }
    }

    /// The datagrams to send.
    pub(super) fn take_out(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.out)
    }

    /// What the server has to know.
    pub(super) fn take_events(&mut self) -> Vec<FromPeers> {
        std::mem::take(&mut self.events)
    }

    /// Does something with an entry, and takes what comes of it.
    fn with(&mut self, address: SocketAddr, now: Instant, act: impl FnOnce(&mut Entry)) {
        let Some(mut entry) = self.entries.remove(&address) else {
            return;
        };
        let began = entry.beginning.as_ref().map(|beginning| beginning.since);
        let session = entry.established.as_ref().map(|of| of.session);
        let mut goodbye = Vec::new();
        act(&mut entry);
        if let Some(beginning) = entry.beginning.take() {
            self.settle_beginning(address, &mut entry, beginning, &mut goodbye, now);
        }
        self.settle_established(address, &mut entry, now);
        let left = entry.established.as_ref().map(|of| of.session);
        if let Some(session) = session.filter(|session| left != Some(*session)) {
            self.sessions.remove(&session);
            self.events.push(FromPeers::Ended(session));
        }
        if let Some(since) = began.filter(|_| entry.beginning.is_none()) {
            self.beginnings.remove(&(since, address));
        }
        let goodbye = goodbye.into_iter().map(|datagram| (address, datagram));
        self.out.extend(goodbye);
        self.schedule(address, entry, now);
    }

    /// Goes on with a handshake; a complete one takes the place of what was
    /// established with this address.
    fn settle_beginning(
        &mut self,
        address: SocketAddr,
        entry: &mut Entry,
        mut beginning: Beginning,
        goodbye: &mut Vec<Vec<u8>>,
        now: Instant,
    ) {
        let mut rest = Vec::new();
        for happened in beginning.association.take_happened() {
            match happened {
                Happened::Certificate(der) => {
                    if self.acceptor.check(&der).is_err() {
                        return;
                    }
                    beginning.certificate = Some(der);
                }
                Happened::Closed => return,
                Happened::Data(data) => rest.push(data),
                Happened::Connected => {}
            }
        }
        let out = beginning.association.take_out();
        // Whoever gets a ServerHello has given the cookie back.
        beginning.proven |= out.iter().any(|datagram| is_server_hello(datagram));
        self.out
            .extend(out.into_iter().map(|datagram| (address, datagram)));
        if !beginning.association.is_connected() {
            entry.beginning = Some(beginning);
            return;
        }
        if let Some(mut before) = entry.established.take() {
            before.association.close();
            goodbye.extend(before.association.take_out());
        }
        let mut named = beginning
            .named
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let peer = Arc::new(Peer {
            address,
            certificate: beginning.certificate,
            identity: named.take(),
        });
        drop(named);
        self.next_session += 1;
        let session = self.next_session;
        self.sessions.insert(session, address);
        let data = rest.into_iter().map(|data| FromPeers::Data(session, data));
        self.events.extend(data);
        entry.established = Some(Established {
            association: beginning.association,
            session,
            peer,
            last: now,
        });
    }

    fn settle_established(&mut self, address: SocketAddr, entry: &mut Entry, now: Instant) {
        let Some(established) = &mut entry.established else {
            return;
        };
        let mut closed = false;
        for happened in established.association.take_happened() {
            match happened {
                Happened::Data(data) => {
                    established.last = now;
                    let session = established.session;
                    self.events.push(FromPeers::Data(session, data));
                }
                Happened::Closed => closed = true,
                Happened::Connected | Happened::Certificate(_) => {}
            }
        }
        if closed {
            established.association.close();
        }
        let out = established.association.take_out();
        self.out
            .extend(out.into_iter().map(|datagram| (address, datagram)));
        if closed {
            entry.established = None;
        }
    }

    /// Puts an entry back, if there is anything in it, and its timer right.
    fn schedule(&mut self, address: SocketAddr, mut entry: Entry, now: Instant) {
        if let Some(at) = entry.wake.take() {
            self.timers.remove(&(at, address));
        }
        if entry.beginning.is_none() && entry.established.is_none() {
            return;
        }
        let of_beginning = entry.beginning.as_ref().map(|beginning| {
            let end = beginning.since + self.limits.handshake_timeout;
            let timeout = beginning.association.timeout();
            timeout.map_or(end, |timeout| timeout.min(end))
        });
        let of_established = entry.established.as_ref().map(|established| {
            let end = established.last + self.limits.idle_timeout;
            let timeout = established.association.timeout();
            timeout.map_or(end, |timeout| timeout.min(end))
        });
        let wake = of_beginning.into_iter().chain(of_established).min();
        // Never at once: a timer that is late already would be called for ever.
        entry.wake = wake.map(|at| at.max(now + PAUSE));
        if let Some(at) = entry.wake {
            self.timers.insert((at, address));
        }
        self.entries.insert(address, entry);
    }
}

impl Entry {
    /// Ends what is established, with a goodbye that goes out as the last
    /// thing.
    fn end(&mut self) {
        self.beginning = None;
        if let Some(established) = &mut self.established {
            established.association.close();
            established.association.hang_up();
        }
    }
}
