//! A terminal: it does what the card asks for. Behind its only channel is a
//! TLS server, which answers as a test wants.

use std::io::{Read, Write};
use std::sync::Arc;

use rsp_asn1::{Certificate, Tag, Tlv, Writer};
use rsp_crypto::software::SoftwareKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivateSec1KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::common::{Host, hex};

/// TERMINAL PROFILE with REFRESH, timers and channels.
const PROFILE: &str = "801000000C FFFFFFFFFFFFFFFF FFFFFFFF";

/// As terminals tell it.
const IMEI: &str = "3A25091601001032";

/// What the card has asked for, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Events,
    Timer(u32),
    Open { address: [u8; 4], port: u16 },
    Close,
    Refresh,
}

impl Asked {
    /// Where a channel was asked for.
    pub(crate) fn address(&self) -> Option<[u8; 4]> {
        match self {
            Asked::Open { address, .. } => Some(*address),
            _ => None,
        }
    }
}

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is none.
    Refused,
    /// The server says nothing.
    Silent,
    /// After so many octets from the server the link breaks.
    BreaksAfter(usize),
    /// A bit of this octet from the server is changed.
    Changes(usize),
    /// Octets around this one come twice, once.
    Repeats(usize),
    /// Octets after this one do not come, once.
    Drops(usize),
}

/// Answers bodies of requests; nothing is 204.
type Answers<'a> = &'a mut dyn FnMut(&[u8]) -> Vec<u8>;

pub(crate) struct Terminal {
    pub(crate) asked: Vec<Asked>,
    config: Arc<rustls::ServerConfig>,
    /// Servers at addresses of their own.
    others: Vec<([u8; 4], Arc<rustls::ServerConfig>)>,
    /// Where the channel leads.
    address: [u8; 4],
    /// Of the channels to an address.
    pub(crate) fault: Option<([u8; 4], Fault)>,
    /// Whether what is wrong once was.
    faulted: bool,
    /// APDUs exchanged.
    pub(crate) commands: usize,
    /// Power is cut after so many more.
    pub(crate) cuts_after: Option<usize>,
    /// The connection behind the channel.
    server: Option<rustls::ServerConnection>,
    /// For the card.
    inbound: Vec<u8>,
    /// Of the request that is coming.
    request: Vec<u8>,
    /// Whether a channel can be opened.
    pub(crate) reachable: bool,
    /// After so many octets from the server the link breaks.
    pub(crate) breaks_after: Option<usize>,
    /// A bit of this octet from the server is changed.
    pub(crate) changes: Option<usize>,
    passed: usize,
}

impl Terminal {
    pub(crate) fn new(key: &SoftwareKey, chain: &[Certificate]) -> Terminal {
        Terminal {
            asked: Vec::new(),
            config: config(key, chain),
            others: Vec::new(),
            address: [0; 4],
            fault: None,
            faulted: false,
            commands: 0,
            cuts_after: None,
            server: None,
            inbound: Vec::new(),
            request: Vec::new(),
            reachable: true,
            breaks_after: None,
            changes: None,
            passed: 0,
        }
    }

    /// Another server, at this address.
    pub(crate) fn add_server(&mut self, at: [u8; 4], key: &SoftwareKey, chain: &[Certificate]) {
        self.others.retain(|(address, _)| *address != at);
        self.others.push((at, config(key, chain)));
    }

    /// After power was cut: nothing is left of channels.
    pub(crate) fn power_on(&mut self) {
        self.cuts_after = None;
        self.server = None;
        self.inbound.clear();
    }

    /// Counts an APDU; whether power is cut before it.
    fn is_cut(&mut self) -> bool {
        self.commands += 1;
        match &mut self.cuts_after {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn fault(&self) -> Option<Fault> {
        let fault = self.fault.filter(|(address, _)| *address == self.address);
        fault.map(|(_, fault)| fault)
    }

    /// Switched on: TERMINAL PROFILE, and what the card asks for then.
    pub(crate) fn start(&mut self, host: &mut Host, answers: Answers<'_>) {
        let status = host.send(PROFILE).1;
        self.serve(host, status, answers);
    }

    /// The time is over.
    pub(crate) fn expire(&mut self, host: &mut Host, answers: Answers<'_>) {
        let status = host.send("80C200000E D70C 82028281 A40101 A503000000").1;
        self.serve(host, status, answers);
    }

    /// Does what the card asks for, and tells it of what comes.
    pub(crate) fn serve(&mut self, host: &mut Host, mut status: u16, answers: Answers<'_>) {
        loop {
            if self.is_cut() {
                return;
            }
            match status.to_be_bytes() {
                [0x91, length] => {
                    let (command, fetched) = host.apdu(&[0x80, 0x12, 0, 0, length]);
                    assert_eq!((command.len(), fetched), (usize::from(length), 0x9000));
                    let response = self.perform(&command, answers);
                    let refreshed =
                        self.asked.last() == Some(&Asked::Refresh) && kind_of(&command)[1] == 0x01;
                    if self.is_cut() {
                        return;
                    }
                    let head = [0x80, 0x14, 0, 0, response.len() as u8];
                    status = host.apdu(&[&head[..], &response].concat()).1;
                    if refreshed {
                        status = host.send(PROFILE).1;
                    }
                }
                [0x90, 0] => match self.event() {
                    Some(envelope) => {
                        let head = [0x80, 0xC2, 0, 0, envelope.len() as u8];
                        status = host.apdu(&[&head[..], &envelope].concat()).1;
                    }
                    None => return,
                },
                other => panic!("{other:02X?}"),
            }
        }
    }

    /// One command; gives TERMINAL RESPONSE.
    fn perform(&mut self, command: &[u8], answers: Answers<'_>) -> Vec<u8> {
        let details = kind_of(command);
        let mut result = 0x00;
        let mut more = Vec::new();
        match details[1] {
            0x01 => self.asked.push(Asked::Refresh),
            0x05 => {
                assert_eq!(member(command, 0x99), [0x09, 0x0A]);
                self.asked.push(Asked::Events);
            }
            0x26 => more = hex(&format!("9408{IMEI}")),
            0x27 => {
                let value = member(command, 0xA5);
                let digits = value
                    .iter()
                    .map(|o| u32::from(o & 15) * 10 + u32::from(o >> 4));
                self.asked
                    .push(Asked::Timer(digits.fold(0, |all, part| all * 60 + part)));
            }
            0x40 => {
                let transport = member(command, 0xBC);
                assert_eq!((transport[0], member(command, 0xB5)), (2, vec![3]));
                let other = member(command, 0xBE);
                assert_eq!(other[0], 0x21);
                self.address = other[1..].try_into().unwrap();
                self.asked.push(Asked::Open {
                    address: self.address,
                    port: u16::from_be_bytes([transport[1], transport[2]]),
                });
                if self.reachable && self.fault() != Some(Fault::Refused) {
                    more = hex("B8028100 B50103 B90205DC");
                    let mut others = self.others.iter();
                    let other = others.find(|(address, _)| *address == self.address);
                    let config = other.map_or(&self.config, |(_, config)| config);
                    self.server = rustls::ServerConnection::new(config.clone()).ok();
                    (self.inbound, self.request) = (Vec::new(), Vec::new());
                    self.passed = 0;
                } else {
                    result = 0x3A;
                }
            }
            0x41 => {
                self.asked.push(Asked::Close);
                self.server = None;
                self.inbound.clear();
            }
            0x42 => more = self.receive(member(command, 0xB7)[0]),
            0x43 => {
                self.send(&member(command, 0xB6), answers);
                more = hex("B701FF");
            }
            other => panic!("{other:02X}"),
        }
        let mut response = Writer::new();
        response.primitive(Tag::new(0x81), &details);
        response.primitive(Tag::new(0x82), &[0x82, 0x81]);
        response.primitive(Tag::new(0x83), &[result]);
        response.raw(&more);
        response.into_bytes()
    }

    /// Octets from the card to the server.
    fn send(&mut self, mut octets: &[u8], answers: Answers<'_>) {
        let is_silent = self.fault() == Some(Fault::Silent);
        let Some(server) = self.server.as_mut().filter(|_| !is_silent) else {
            return;
        };
        while !octets.is_empty() {
            server.read_tls(&mut octets).unwrap();
            // What the server does not like it says in an alert.
            if server.process_new_packets().is_err() {
                break;
            }
            let mut plain = Vec::new();
            let _ = server.reader().read_to_end(&mut plain);
            self.request.extend(plain);
        }
        if let Some(body) = whole_body(&self.request) {
            let answer = answers(&body);
            self.request.clear();
            let head = match answer.len() {
                0 => "HTTP/1.1 204 No Content\r\n\r\n".to_string(),
                length => format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
            };
            server.writer().write_all(head.as_bytes()).unwrap();
            server.writer().write_all(&answer).unwrap();
        }
        while server.wants_write() {
            server.write_tls(&mut self.inbound).unwrap();
        }
    }

    /// Octets for the card, and how many wait after them.
    fn receive(&mut self, length: u8) -> Vec<u8> {
        let length = usize::from(length).min(self.inbound.len()).min(200);
        let mut data: Vec<u8> = self.inbound.drain(..length).collect();
        let changes = match self.fault() {
            Some(Fault::Changes(at)) => Some(at),
            _ => self.changes,
        };
        let passes = |at: usize| (self.passed..self.passed + length).contains(&at);
        match self.fault() {
            Some(Fault::Repeats(at)) if passes(at) && !self.faulted => {
                self.faulted = true;
                self.inbound.splice(0..0, data.iter().copied());
            }
            Some(Fault::Drops(at)) if passes(at) && !self.faulted => {
                self.faulted = true;
                data.truncate(at - self.passed);
            }
            _ => {}
        }
        if let Some(at) = changes.and_then(|at| at.checked_sub(self.passed))
            && let Some(octet) = data.get_mut(at)
        {
            *octet ^= 0x04;
        }
        self.passed += length;
        let mut out = Writer::new();
        out.primitive(Tag::new(0xB6), &data);
        out.primitive(Tag::new(0xB7), &[self.inbound.len().min(255) as u8]);
        out.into_bytes()
    }

    /// What there is to tell the card.
    fn event(&mut self) -> Option<Vec<u8>> {
        self.server.as_ref()?;
        let breaks_after = match self.fault() {
            Some(Fault::BreaksAfter(at)) => Some(at),
            _ => self.breaks_after,
        };
        if breaks_after.is_some_and(|after| self.passed >= after) {
            self.fault = None;
            self.server = None;
            self.breaks_after = None;
            return Some(hex("D60B 99010A 82028281 B8020105"));
        }
        let waits = self.inbound.len().min(255) as u8;
        (waits > 0).then(|| hex(&format!("D60E 990109 82028281 B8028100 B701{waits:02X}")))
    }
}

/// Command details.
fn kind_of(command: &[u8]) -> Vec<u8> {
    member(command, 0x81)
}

fn member(command: &[u8], tag: u32) -> Vec<u8> {
    let whole = Tlv::parse(command).unwrap();
    assert_eq!(whole.tag, Tag::new(0xD0));
    let mut reader = whole.reader();
    while let Ok(tlv) = reader.tlv() {
        if tlv.tag == Tag::new(tag) {
            return tlv.value.to_vec();
        }
    }
    panic!("{tag:02X} in {command:02X?}")
}

/// The body of a whole request, whose head is looked at.
fn whole_body(request: &[u8]) -> Option<Vec<u8>> {
    let end = request.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&request[..end]).unwrap();
    assert!(
        head.starts_with("POST /gsma/rsp2/asn1 HTTP/1.1\r\n")
            || head.starts_with("POST /gsma/rsp2/es9plus/"),
        "{head}"
    );
    assert!(head.contains("User-Agent: gsma-rsp-ipae"), "{head}");
    let length = head.split("Content-Length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    let body = &request[end + 4..];
    (body.len() == length).then(|| body.to_vec())
}

/// ECPrivateKey (RFC 5915) on P-256.
fn sec1(key: &SoftwareKey) -> Vec<u8> {
    let mut out = Writer::new();
    out.constructed(Tag::SEQUENCE, |out| {
        out.primitive(Tag::INTEGER, &[1]);
        out.primitive(Tag::OCTET_STRING, key.to_scalar().as_ref());
        out.constructed(Tag::new(0xA0), |out| out.raw(&hex("06082A8648CE3D030107")));
        out.constructed(Tag::new(0xA1), |out| {
            let point = [&[0][..], key.public_key().as_sec1()].concat();
            out.primitive(Tag::BIT_STRING, &point);
        });
    });
    out.into_bytes()
}

/// TLS 1.3 with this key and chain, whether they fit or not.
fn config(key: &SoftwareKey, chain: &[Certificate]) -> Arc<rustls::ServerConfig> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let chain = chain
        .iter()
        .map(|c| CertificateDer::from(c.as_bytes().to_vec()));
    let key = PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(sec1(key)));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certified = CertifiedKey::new(chain.collect(), key);
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    // A package comes in several records.
    config.max_fragment_size = Some(600);
    Arc::new(config)
}
