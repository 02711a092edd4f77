//! A channel with TLS on it, and the responses that come.

use alloc::vec::Vec;

use super::exchange::{self, Awaited, Next};
use super::{http, round};
use crate::cat::{Answer, Command, MAX_DATA};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::tls::{Peer, Tls};

/// Requests on one connection.
const MAX_REQUESTS: usize = 16;

/// Octets of one response.
const MAX_RESPONSE: usize = 32 * 1024;

/// A connection to an eIM.
pub(super) struct Connection {
    pub(super) channel: u8,
    eim: usize,
    tls: Tls,
    /// What has come of the response.
    response: Vec<u8>,
    awaited: Option<Awaited>,
    /// Results that the eIM was given on this connection.
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
        eim: usize,
        peer: Peer,
        isdr: &mut Isdr,
        env: &mut Environment<'_>,
    ) -> Option<Connection> {
        let (tls, hello) = Tls::start(peer, env.provider, env.rng).ok()?;
        let connection = Connection {
            channel,
            eim,
            tls,
            response: Vec::new(),
            awaited: None,
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
        let Ok(out) = self.tls.receive(env.provider, &answer.data) else {
            return Progress::Over;
        };
        self.send(isdr, &out);
        self.response.extend(self.tls.take_plain());
        if self.response.len() > MAX_RESPONSE {
            return Progress::Over;
        }
        if !was_connected && self.tls.is_connected() {
            let request = round::first_request(isdr, self.eim);
            return self.request(request, isdr, env);
        }
        match http::response(&self.response) {
            Ok(None) => Progress::Goes,
            Ok(Some((body, length))) => {
                self.response.drain(..length);
                self.reply(&body, isdr, env)
            }
            Err(http::NotHttp) => Progress::Over,
        }
    }

    /// A whole response.
    fn reply(&mut self, body: &[u8], isdr: &mut Isdr, env: &mut Environment<'_>) -> Progress {
        let Some(awaited) = self.awaited.take() else {
            return Progress::Over;
        };
        if let Awaited::Acknowledgement(Some(number)) = &awaited {
            self.given.push(*number);
        }
        let request = match exchange::reply(isdr, self.eim, &awaited, body, env) {
            Next::Over => None,
            // The network may change under the channel.
            Next::GoOn if isdr.toolkit.refresh_pending() => None,
            Next::GoOn => exchange::next_request(isdr, self.eim, &self.given),
            Next::Send(request) => Some((Awaited::Acknowledgement(None), request)),
        };
        self.request(request, isdr, env)
    }

    fn request(
        &mut self,
        request: Option<(Awaited, Vec<u8>)>,
        isdr: &mut Isdr,
        env: &mut Environment<'_>,
    ) -> Progress {
        let request = request.filter(|_| self.requests < MAX_REQUESTS);
        let (Some((awaited, body)), Some((host, port))) =
            (request, round::authority(isdr, self.eim))
        else {
            return Progress::Over;
        };
        self.requests += 1;
        self.awaited = Some(awaited);
        let octets = self
            .tls
            .send(env.provider, &http::request(&host, port, &body));
        self.send(isdr, &octets);
        Progress::Goes
    }
}
