//! TLS 1.3 as a client (RFC 8446), without I/O: octets from the server in,
//! octets for it out. Small by offering one of everything: AES-128-GCM with
//! SHA-256, P-256, ECDSA; no resumption, no client certificate, no new keys
//! within a connection.
//!
//! No library stands here because the card is `no_std`, has no clock for
//! certificates, believes what an eIM's association names, and takes every
//! primitive from its [`Provider`].

mod gcm;
mod hello;
mod reader;
mod record;
mod schedule;
mod trust;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_crypto::{Curve, EckaKey, Provider, PublicKey, Rng, Signature};

use crate::personalisation::CiKey;
use reader::Octets;
use record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Direction, HANDSHAKE, Record};
use schedule::{Secret, Traffic};

const NEW_SESSION_TICKET: u8 = 4;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;

/// Octets of all handshake messages together.
const MAX_HANDSHAKE: usize = 32 * 1024;

/// What a server signs before the hash (RFC 8446 4.4.3).
const SIGNED: &[u8] = b"TLS 1.3, server CertificateVerify\0";

/// Why there is no connection, or no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    #[error("a message that is not expected now")]
    Unexpected,
    #[error("the server offers nothing that the card knows")]
    NothingInCommon,
    #[error("a record was changed")]
    Protection,
    #[error("the server is not the one that is trusted")]
    Untrusted,
    #[error("no key can be made")]
    Key,
    #[error("the server ended the connection")]
    Alert,
}

/// To whom the card speaks.
pub(crate) struct Peer {
    /// A name; none for an address.
    pub(crate) name: Option<String>,
    pub(crate) address: [u8; 4],
    pub(crate) trust: Trust,
}

/// Whom the card believes.
pub(crate) enum Trust {
    /// Who has this key, or whom somebody with this key has certified.
    Key(PublicKey),
    /// An SM-DP+ under one of these CIs (SGP.22 2.6.6).
    Smdp(Vec<CiKey>),
}

/// One state per message awaited.
enum State {
    ServerHello(Box<dyn EckaKey>),
    EncryptedExtensions(Keys),
    Certificate(Keys),
    CertificateVerify(Keys, PublicKey),
    Finished(Keys),
    Connected {
        own: Direction,
        peer: Direction,
    },
    /// Over.
    Closed,
}

/// What the handshake is protected with, and what comes after it.
struct Keys {
    traffic: Traffic,
    master: Secret,
    peer: Direction,
}

/// A connection.
pub(crate) struct Tls {
    server: Peer,
    state: State,
    /// Every handshake message so far.
    transcript: Vec<u8>,
    /// What has come and is no whole record yet.
    incoming: Vec<u8>,
    /// What has come and is no whole handshake message yet.
    messages: Vec<u8>,
    plain: Vec<u8>,
    /// Whether the server wants a certificate of the card.
    is_asked: bool,
}

impl Tls {
    /// A connection, and what to send first.
    pub(crate) fn start(
        server: Peer,
        provider: &dyn Provider,
        rng: &mut dyn Rng,
    ) -> Result<(Tls, Vec<u8>), TlsError> {
        let key = provider.generate_ecka(Curve::NistP256, rng);
        let key = key.map_err(|_| TlsError::Key)?;
        let mut random = [0; 32];
        rng.fill(&mut random);
        let share = key.public_key().as_sec1();
        let hello = hello::client_hello(&random, share, server.name.as_deref());
        let mut out = record::header(HANDSHAKE, hello.len()).to_vec();
        out.extend_from_slice(&hello);
        let tls = Tls {
            server,
            state: State::ServerHello(key),
            transcript: hello,
            incoming: Vec::new(),
            messages: Vec::new(),
            plain: Vec::new(),
            is_asked: false,
        };
        Ok((tls, out))
    }

    /// Whether application data can be sent.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }

    /// What the server has sent and nobody has read.
    pub(crate) fn take_plain(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.plain)
    }

    /// Application data, protected.
    pub(crate) fn send(&mut self, provider: &dyn Provider, plain: &[u8]) -> Vec<u8> {
        match &mut self.state {
            State::Connected { own, .. } => own.seal(provider, APPLICATION_DATA, plain),
            _ => Vec::new(),
        }
    }

    /// Octets from the server; gives what to answer.
    pub(crate) fn receive(
        &mut self,
        provider: &dyn Provider,
        octets: &[u8],
    ) -> Result<Vec<u8>, TlsError> {
        self.incoming.extend_from_slice(octets);
        let answer = self.records(provider);
        if answer.is_err() {
            // Nothing follows an error.
            self.state = State::Closed;
        }
        answer
    }

    fn records(&mut self, provider: &dyn Provider) -> Result<Vec<u8>, TlsError> {
        let mut out = Vec::new();
        while let Some(record) = record::take(&mut self.incoming)? {
            out.extend(self.record(provider, &record)?);
        }
        Ok(out)
    }

    fn record(&mut self, provider: &dyn Provider, record: &Record) -> Result<Vec<u8>, TlsError> {
        let connected = self.is_connected();
        let (kind, content) = match (record.kind, &mut self.state) {
            // Of middleboxes (RFC 8446 D.4).
            (CHANGE_CIPHER_SPEC, _) if !connected && record.body == [1] => return Ok(Vec::new()),
            (APPLICATION_DATA, State::Connected { peer, .. }) => peer.open(provider, record)?,
            (
                APPLICATION_DATA,
                State::EncryptedExtensions(keys)
                | State::Certificate(keys)
                | State::CertificateVerify(keys, _)
                | State::Finished(keys),
            ) => keys.peer.open(provider, record)?,
            (HANDSHAKE | ALERT, State::ServerHello(_)) => (record.kind, record.body.clone()),
            _ => return Err(TlsError::Unexpected),
        };
        match kind {
            HANDSHAKE => self.handshake(provider, &content),
            // Not within a handshake message (RFC 8446 5.1).
            APPLICATION_DATA if connected && self.messages.is_empty() => {
                self.plain.extend(content);
                Ok(Vec::new())
            }
            ALERT => Err(TlsError::Alert),
            _ => Err(TlsError::Unexpected),
        }
    }

    fn handshake(&mut self, provider: &dyn Provider, content: &[u8]) -> Result<Vec<u8>, TlsError> {
        self.messages.extend_from_slice(content);
        if self.messages.len() + self.transcript.len() > MAX_HANDSHAKE {
            return Err(TlsError::Malformed("a handshake that is too long"));
        }
        let mut out = Vec::new();
        loop {
            let mut octets = Octets::new(&self.messages);
            let Some((kind, body)) = octets.u8().zip(octets.prefixed_u24()) else {
                return Ok(out);
            };
            let body = body.to_vec();
            let rest = self.messages.split_off(4 + body.len());
            let whole = core::mem::replace(&mut self.messages, rest);
            out.extend(self.message(provider, kind, &body, &whole)?);
            // What follows has other keys, so it cannot be of the same record
            // (RFC 8446 5.1): nothing unprotected goes for a protected message.
            if matches!(kind, hello::SERVER_HELLO | FINISHED) && !self.messages.is_empty() {
                return Err(TlsError::Unexpected);
            }
        }
    }

    /// One whole handshake message.
    fn message(
        &mut self,
        provider: &dyn Provider,
        kind: u8,
        body: &[u8],
        whole: &[u8],
    ) -> Result<Vec<u8>, TlsError> {
        let state = core::mem::replace(&mut self.state, State::Closed);
        let before = self.transcript.len();
        if !matches!(state, State::Connected { .. }) {
            self.transcript.extend_from_slice(whole);
        }
        let before = self.transcript.get(..before).unwrap_or_default();
        self.state = match (state, kind) {
            (State::ServerHello(key), hello::SERVER_HELLO) => {
                State::EncryptedExtensions(agree(provider, &*key, body, &self.transcript)?)
            }
            (State::EncryptedExtensions(keys), ENCRYPTED_EXTENSIONS) => State::Certificate(keys),
            // Once, and without a context (RFC 8446 4.3.2).
            (State::Certificate(keys), CERTIFICATE_REQUEST)
                if !self.is_asked && body.first() == Some(&0) =>
            {
                self.is_asked = true;
                State::Certificate(keys)
            }
            (State::Certificate(keys), CERTIFICATE) => {
                let chain = trust::chain(body)?;
                let key = trust::server_key(&chain, &self.server, provider)?;
                State::CertificateVerify(keys, key)
            }
            (State::CertificateVerify(keys, key), CERTIFICATE_VERIFY) => {
                verify(provider, &key, body, before)?;
                State::Finished(keys)
            }
            (State::Finished(keys), FINISHED) => {
                let expected = schedule::finished(provider, &keys.traffic.peer, before);
                let differs = expected.iter().zip(body).fold(0, |all, (a, b)| all | a ^ b);
                if differs != 0 || body.len() != expected.len() {
                    return Err(TlsError::Protection);
                }
                let asked = core::mem::take(&mut self.is_asked);
                let whole = core::mem::take(&mut self.transcript);
                let (out, state) = connect(provider, &keys, whole, asked);
                self.state = state;
                return Ok(out);
            }
            // Nothing goes on from another connection.
            (connected @ State::Connected { .. }, NEW_SESSION_TICKET) => connected,
            _ => return Err(TlsError::Unexpected),
        };
        Ok(Vec::new())
    }
}

/// The keys of the handshake.
fn agree(
    provider: &dyn Provider,
    key: &dyn EckaKey,
    hello: &[u8],
    transcript: &[u8],
) -> Result<Keys, TlsError> {
    let share = hello::server_share(hello)?;
    let peer = PublicKey::from_sec1(Curve::NistP256, &share).map_err(|_| TlsError::Key)?;
    let shared = key.agree(&peer).map_err(|_| TlsError::Key)?;
    let (traffic, master) = schedule::handshake(provider, shared.as_bytes(), transcript);
    Ok(Keys {
        peer: Direction::new(provider, &traffic.peer),
        traffic,
        master,
    })
}

/// CertificateVerify, over the transcript before it.
fn verify(
    provider: &dyn Provider,
    key: &PublicKey,
    body: &[u8],
    transcript: &[u8],
) -> Result<(), TlsError> {
    const WHAT: TlsError = TlsError::Malformed("CertificateVerify");
    let mut octets = Octets::new(body);
    if octets.u16() != Some(hello::ECDSA_SECP256R1_SHA256) || key.curve() != Curve::NistP256 {
        return Err(TlsError::NothingInCommon);
    }
    let signature = Signature::from_der(octets.prefixed_u16().ok_or(WHAT)?).map_err(|_| WHAT)?;
    let hash = provider.sha256(&[transcript]);
    let verified = provider.verify(key, &[&[0x20; 64], SIGNED, &hash], &signature);
    verified.map_err(|_| TlsError::Untrusted)
}

/// The card's Finished, and the keys of what follows. A server that wants a
/// certificate is told that there is none (RFC 8446 4.4.2.4).
fn connect(
    provider: &dyn Provider,
    keys: &Keys,
    mut transcript: Vec<u8>,
    is_asked: bool,
) -> (Vec<u8>, State) {
    const NO_CERTIFICATE: [u8; 4] = [0; 4];
    let application = schedule::application(provider, &keys.master, &transcript);
    let mut flight = Vec::new();
    if is_asked {
        flight = hello::message(CERTIFICATE, &NO_CERTIFICATE);
        transcript.extend_from_slice(&flight);
    }
    let data = schedule::finished(provider, &keys.traffic.own, &transcript);
    flight.extend(hello::message(FINISHED, &data));
    let mut direction = Direction::new(provider, &keys.traffic.own);
    let out = direction.seal(provider, HANDSHAKE, &flight);
    let connected = State::Connected {
        own: Direction::new(provider, &application.own),
        peer: Direction::new(provider, &application.peer),
    };
    (out, connected)
}

/// For the fuzzer: a ServerHello, as far as it says anything.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_server_hello(body: &[u8]) {
    let _ = hello::server_share(body);
}

/// For the fuzzer: whether a Certificate message is believed.
#[cfg(feature = "fuzzing")]
pub(crate) fn is_believed(body: &[u8], peer: &Peer, provider: &dyn Provider) -> bool {
    trust::chain(body).is_ok_and(|chain| trust::server_key(&chain, peer, provider).is_ok())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use rsp_crypto::software::{SeededRng, SoftwareProvider};

    use super::*;

    fn started() -> Tls {
        let mut rng = SeededRng::new(3);
        let key = SoftwareProvider.generate_ecka(Curve::NistP256, &mut rng);
        let server = Peer {
            name: None,
            address: [192, 0, 2, 1],
            trust: Trust::Key(key.unwrap().public_key().clone()),
        };
        Tls::start(server, &SoftwareProvider, &mut rng).unwrap().0
    }

    /// What a ServerHello says; tests change what they need changed.
    struct ServerHello {
        random: [u8; 32],
        session: &'static [u8],
        suite: u16,
        compression: u8,
        version: Option<u16>,
        group: u16,
        share: Vec<u8>,
    }

    type Change = fn(&mut ServerHello);

    impl ServerHello {
        fn good() -> ServerHello {
            let mut rng = SeededRng::new(4);
            let key = SoftwareProvider.generate_ecka(Curve::NistP256, &mut rng);
            ServerHello {
                random: [0x5A; 32],
                session: &[],
                suite: 0x1301,
                compression: 0,
                version: Some(0x0304),
                group: 0x0017,
                share: key.unwrap().public_key().as_sec1().to_vec(),
            }
        }

        fn message(&self) -> Vec<u8> {
            let mut extensions = Vec::new();
            if let Some(version) = self.version {
                extensions.extend([0, 43, 0, 2]);
                extensions.extend(version.to_be_bytes());
            }
            let length = self.share.len() as u16;
            extensions.extend([0, 51]);
            extensions.extend((length + 4).to_be_bytes());
            extensions.extend(self.group.to_be_bytes());
            extensions.extend(length.to_be_bytes());
            extensions.extend(&self.share);
            let mut body = vec![3, 3];
            body.extend(self.random);
            body.push(self.session.len() as u8);
            body.extend(self.session);
            body.extend(self.suite.to_be_bytes());
            body.push(self.compression);
            body.extend((extensions.len() as u16).to_be_bytes());
            body.extend(extensions);
            hello::message(hello::SERVER_HELLO, &body)
        }
    }

    fn server_hello() -> Vec<u8> {
        ServerHello::good().message()
    }

    /// Another version, suite or group than the one that was offered, a retry
    /// (RFC 8446 4.1.4), a session that goes on, a key that is none: there is
    /// no connection, and nothing weaker is agreed upon.
    #[test]
    fn nothing_else_is_agreed_upon() {
        const MALFORMED: TlsError = TlsError::Malformed("ServerHello");
        let changes: [(Change, TlsError); 10] = [
            (|hello| hello.version = None, TlsError::NothingInCommon),
            (
                |hello| hello.version = Some(0x0303),
                TlsError::NothingInCommon,
            ),
            (
                |hello| hello.random = hello::RETRY,
                TlsError::NothingInCommon,
            ),
            (|hello| hello.suite = 0x1302, TlsError::NothingInCommon),
            (|hello| hello.suite = 0xC02B, TlsError::NothingInCommon),
            (|hello| hello.compression = 1, TlsError::NothingInCommon),
            (|hello| hello.group = 0x001D, TlsError::NothingInCommon),
            (|hello| hello.session = &[7; 32], MALFORMED),
            (|hello| hello.share[1..].fill(0), TlsError::Key),
            (|hello| hello.share.truncate(1), TlsError::Key),
        ];
        for (number, (change, expected)) in changes.into_iter().enumerate() {
            let mut hello = ServerHello::good();
            change(&mut hello);
            let mut tls = started();
            let taken = receive(&mut tls, HANDSHAKE, &hello.message());
            assert_eq!(taken, Err(expected), "case {number}");
            let again = receive(&mut tls, HANDSHAKE, &server_hello());
            assert_eq!(again, Err(TlsError::Unexpected));
        }
    }

    /// Records that are cut are awaited; those that are too long, messages that
    /// never end and alerts are the end.
    #[test]
    fn records_and_messages_are_bounded() {
        let hello = server_hello();
        let record = [&record::header(HANDSHAKE, hello.len())[..], &hello].concat();
        let mut tls = started();
        for octet in &record {
            assert_eq!(tls.receive(&SoftwareProvider, &[*octet]), Ok(Vec::new()));
        }
        assert!(matches!(tls.state, State::EncryptedExtensions(_)));
        let too_long = [HANDSHAKE, 3, 3, 0x41, 0x01];
        assert_eq!(
            started().receive(&SoftwareProvider, &too_long),
            Err(TlsError::Malformed("a record that is too long"))
        );
        let mut tls = started();
        let begins = [&[hello::SERVER_HELLO, 0xFF, 0xFF, 0xFF][..], &[0; 8000]].concat();
        let mut taken = receive(&mut tls, HANDSHAKE, &begins);
        for _ in 0..4 {
            assert_eq!(taken, Ok(Vec::new()));
            taken = receive(&mut tls, HANDSHAKE, &[0; 8000]);
        }
        assert_eq!(
            taken,
            Err(TlsError::Malformed("a handshake that is too long"))
        );
        assert_eq!(
            receive(&mut started(), ALERT, &[2, 40]),
            Err(TlsError::Alert)
        );
        assert_eq!(receive(&mut started(), 0, &[0]), Err(TlsError::Unexpected));
    }

    fn receive(tls: &mut Tls, kind: u8, content: &[u8]) -> Result<Vec<u8>, TlsError> {
        let record = [&record::header(kind, content.len())[..], content].concat();
        tls.receive(&SoftwareProvider, &record)
    }

    /// After ServerHello nothing is taken that is not protected, in the same
    /// record or in another, and nothing at all after an error.
    #[test]
    fn what_has_to_be_protected_is() {
        let hello = server_hello();
        let plain = hello::message(ENCRYPTED_EXTENSIONS, &[0, 0]);
        let mut tls = started();
        assert_eq!(receive(&mut tls, HANDSHAKE, &hello), Ok(Vec::new()));
        assert_eq!(
            receive(&mut tls, HANDSHAKE, &plain),
            Err(TlsError::Unexpected)
        );
        let again = receive(&mut tls, HANDSHAKE, &hello);
        assert_eq!(again, Err(TlsError::Unexpected));
        let mut tls = started();
        let both = [hello.as_slice(), &plain].concat();
        assert_eq!(
            receive(&mut tls, HANDSHAKE, &both),
            Err(TlsError::Unexpected)
        );
        for kind in [ENCRYPTED_EXTENSIONS, CERTIFICATE, FINISHED] {
            let early = hello::message(kind, &[0, 0]);
            let taken = receive(&mut started(), HANDSHAKE, &early);
            assert_eq!(taken, Err(TlsError::Unexpected));
        }
        let sealed = receive(&mut started(), APPLICATION_DATA, &[0; 40]);
        assert_eq!(sealed, Err(TlsError::Unexpected));
    }
}
