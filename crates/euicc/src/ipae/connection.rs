//! A channel with TLS on it, and the responses that come.

use alloc::vec::Vec;

use super::download::{self, es9plus, relay};
use super::exchange::{self, Next};
use super::http::{self, Message, Response};
use super::json::Reader;
use super::{Server, notifications, report, round};
use crate::cat::{Answer, Command, MAX_DATA};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::tls::{Peer, Tls};

/// Requests on one connection.
const MAX_REQUESTS: usize = 24;

/// Octets of one response, without a package.
const MAX_RESPONSE: usize = 32 * 1024;

/// What a server is expected to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// An eIM: a package.
    Package,
    /// An eIM: that it has the result with this number, if it has one.
    Acknowledgement(Option<i64>),
    /// An eIM: that it has the result of a download.
    Settlement,
    /// Either: that it has the notification with this number.
    Notification(i64),
    /// Whatever the download under way expects.
    Download,
}

/// A body as it comes.
pub(super) enum Body {
    Plain(Vec<u8>),
    Json(Reader),
    Package(relay::Package),
}

impl Body {
    /// JSON in which a package may come.
    pub(super) fn json() -> Body {
        Body::Json(Reader::new(Some(es9plus::PACKAGE)))
    }

    /// Takes octets; those of a package go to `package`. `None` if the body
    /// cannot be read.
    fn push(&mut self, octets: &[u8], package: &mut Vec<u8>) -> Option<()> {
        match self {
            Body::Plain(body) => {
                body.extend_from_slice(octets);
                (body.len() <= MAX_RESPONSE).then_some(())
            }
            Body::Json(reader) => reader.push(octets, package).ok(),
            Body::Package(body) => body.push(octets, package),
        }
    }

    /// Whether nothing more is missing when the response ends.
    fn is_whole(&self) -> bool {
        match self {
            // CancelSession may be answered by nothing.
            Body::Json(reader) => reader.is_whole() || reader.is_empty(),
            Body::Plain(_) | Body::Package(_) => true,
        }
    }

    fn plain(&self) -> &[u8] {
        match self {
            Body::Plain(body) => body,
            _ => &[],
        }
    }
}

/// A connection to a server.
pub(super) struct Connection {
    pub(super) channel: u8,
    pub(super) server: Server,
    tls: Tls,
    awaited: Option<Awaited>,
    response: Response,
    body: Body,
    /// Numbers of results and notifications that the server was given on this
    /// connection.
    given: Vec<i64>,
    requests: usize,
}

/// Whether there is more to do on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Goes,
    Over,
}

impl Connection {
    /// Begins with TLS.
    pub(super) fn start(
        channel: u8,
        server: Server,
        peer: Peer,
        isdr: &mut Isdr,
        env: &mut Environment<'_>,
    ) -> Option<Connection> {
        let (tls, hello) = Tls::start(peer, env.provider, env.rng).ok()?;
        let connection = Connection {
            channel,
            server,
            tls,
            awaited: None,
            response: Response::default(),
            body: Body::Plain(Vec::new()),
            given: Vec::new(),
            requests: 0,
        };
        connection.send(isdr, &hello);
        Some(connection)
    }

    /// Octets for the server, in as many commands as they need.
    fn send(&self, isdr: &mut Isdr, octets: &[u8]) {
        for piece in octets.chunks(MAX_DATA) {
            isdr.toolkit.ask(Command::SendData {
                channel: self.channel,
                data: piece.to_vec(),
            });
        }
    }

    /// Octets from the server.
    pub(super) fn received(
        &mut self,
        answer: &Answer,
        isdr: &mut Isdr,
        env: &mut Environment<'_>,
    ) -> Progress {
        let was_connected = self.tls.is_connected();
        let received = self.tls.receive(env.provider, &answer.data);
        // What came before the end counts.
        let plain = self.tls.take_plain();
        let progress = self.plain(&plain, isdr, env);
        let Ok(out) = received else {
            return Progress::Over;
        };
        self.send(isdr, &out);
        if !was_connected && self.tls.is_connected() {
            return self.go_on(isdr, env);
        }
        progress
    }

    /// Octets of responses.
    fn plain(&mut self, plain: &[u8], isdr: &mut Isdr, env: &mut Environment<'_>) -> Progress {
        if plain.is_empty() {
            return Progress::Goes;
        }
        if self.awaited.is_none() {
            return Progress::Over;
        }
        let mut octets = Vec::new();
        let Ok(whole) = self.response.push(plain, &mut octets) else {
            return Progress::Over;
        };
        let mut package = Vec::new();
        let read = self.body.push(&octets, &mut package);
        if self.awaited == Some(Awaited::Download) {
            download::take(isdr, &package, env);
        }
        match (read, whole) {
            (None, _) => Progress::Over,
            (Some(()), false) => Progress::Goes,
            (Some(()), true) if self.body.is_whole() => self.reply(isdr, env),
            (Some(()), true) => Progress::Over,
        }
    }

    /// A whole response.
    fn reply(&mut self, isdr: &mut Isdr, env: &mut Environment<'_>) -> Progress {
        let Some(awaited) = self.awaited.take() else {
            return Progress::Over;
        };
        let body = core::mem::replace(&mut self.body, Body::Plain(Vec::new()));
        let next = match (awaited, &self.server) {
            (Awaited::Download, _) => {
                download::reply(isdr, &body, env).map_or(Next::GoOn, Next::Ask)
            }
            (Awaited::Notification(number), _) => {
                self.given.push(number);
                notifications::delivered(isdr, number);
                Next::GoOn
            }
            (Awaited::Settlement, Server::Eim(eim)) => {
                let id = exchange::id_of(isdr, *eim);
                let settled = id.is_some_and(|id| report::answered(isdr, &id, body.plain()));
                if settled { Next::GoOn } else { Next::Over }
            }
            (Awaited::Acknowledgement(number), Server::Eim(eim)) => {
                self.given.extend(number);
                exchange::acknowledgement(isdr, *eim, body.plain())
            }
            (Awaited::Package, Server::Eim(eim)) => {
                exchange::package(isdr, *eim, body.plain(), env)
            }
            (_, Server::Smdp(_)) => Next::Over,
        };
        match next {
            Next::Over => Progress::Over,
            // The network may change under the channel.
            Next::GoOn if isdr.toolkit.refresh_pending() => Progress::Over,
            Next::GoOn => self.go_on(isdr, env),
            Next::Ask((awaited, message)) => self.request(awaited, &message, isdr, env),
            Next::Send(message) => {
                let message = Message::Esipa(message);
                self.request(Awaited::Acknowledgement(None), &message, isdr, env)
            }
        }
    }

    /// The next that there is for this server.
    fn go_on(&mut self, isdr: &mut Isdr, env: &mut Environment<'_>) -> Progress {
        let next = match &self.server {
            Server::Eim(eim) => exchange::next_request(isdr, *eim, &self.given),
            Server::Smdp(_) if isdr.ipae.download.is_some() => download::begin(isdr, env),
            Server::Smdp(_) => None,
        };
        // A download that did not even begin is over, the rest is not.
        let next = next.or_else(|| match &self.server {
            Server::Smdp(address) => notifications::for_server(isdr, address, &self.given),
            Server::Eim(_) => None,
        });
        match next {
            Some((awaited, message)) => self.request(awaited, &message, isdr, env),
            None => Progress::Over,
        }
    }

    fn request(
        &mut self,
        awaited: Awaited,
        message: &Message,
        isdr: &mut Isdr,
        env: &mut Environment<'_>,
    ) -> Progress {
        let Some((host, port)) = round::authority(isdr, &self.server) else {
            return Progress::Over;
        };
        if self.requests == MAX_REQUESTS {
            return Progress::Over;
        }
        self.requests += 1;
        self.awaited = Some(awaited);
        self.response = Response::default();
        self.body = match (&isdr.ipae.download, awaited) {
            (Some(download), Awaited::Download) => {
                let body = download.body();
                // A download takes longer than what else there is to say.
                round::more_time(isdr);
                body
            }
            _ => Body::Plain(Vec::new()),
        };
        let request = http::request(&host, port, message);
        let octets = self.tls.send(env.provider, &request);
        self.send(isdr, &octets);
        Progress::Goes
    }
}
