//! The terminal of a device whose card brings its own IPA: it does what the
//! card asks for (ETSI TS 102 223), and the channels that it opens are real
//! sockets.
//!
//! It never waits: whoever has it calls [`Terminal::poll`] as often as there
//! may be something on the line, and [`Terminal::expire`] when the time is over
//! that [`Terminal::timer`] tells.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

use euicc::{Environment, Euicc};
use rsp_asn1::ids::Imei;
use rsp_asn1::{Reader, Tag, Tlv, Writer};

/// TERMINAL PROFILE: everything that this card may ask for.
const PROFILE: [u8; 17] = [
    0x80, 0x10, 0x00, 0x00, 0x0C, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF,
];

const COMMAND_DETAILS: Tag = Tag::new(0x81);
const DEVICE_IDENTITIES: Tag = Tag::new(0x82);
const RESULT: Tag = Tag::new(0x83);
const EVENT_LIST: Tag = Tag::new(0x99);
const IMEI: Tag = Tag::new(0x94);
const TIMER_IDENTIFIER: Tag = Tag::new(0xA4);
const TIMER_VALUE: Tag = Tag::new(0xA5);
const CHANNEL_DATA: Tag = Tag::new(0xB6);
const CHANNEL_DATA_LENGTH: Tag = Tag::new(0xB7);
const CHANNEL_STATUS: Tag = Tag::new(0xB8);
const TRANSPORT_LEVEL: Tag = Tag::new(0xBC);
const OTHER_ADDRESS: Tag = Tag::new(0xBE);
const EVENT_DOWNLOAD: Tag = Tag::new(0xD6);
const TIMER_EXPIRATION: Tag = Tag::new(0xD7);

const REFRESH: u8 = 0x01;
const SET_UP_EVENT_LIST: u8 = 0x05;
const PROVIDE_LOCAL_INFORMATION: u8 = 0x26;
const TIMER_MANAGEMENT: u8 = 0x27;
const OPEN_CHANNEL: u8 = 0x40;
const CLOSE_CHANNEL: u8 = 0x41;
const RECEIVE_DATA: u8 = 0x42;
const SEND_DATA: u8 = 0x43;

/// General results: done, the network cannot now, not known.
const PERFORMED: u8 = 0x00;
const BEARER_ERROR: u8 = 0x3A;
const NOT_KNOWN: u8 = 0x30;

const DATA_AVAILABLE: u8 = 0x09;
const CHANNEL_STATUS_EVENT: u8 = 0x0A;
/// Status of channel 1: its link is there, or dropped.
const ESTABLISHED: [u8; 2] = [0x81, 0x00];
const DROPPED: [u8; 2] = [0x01, 0x05];

const SELECT_ISD_R: [u8; 21] = [
    0x00, 0xA4, 0x04, 0x0C, 0x10, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF,
    0x89, 0x00, 0x00, 0x01, 0x00,
];
/// STORE DATA of IpaeActivation, GET RESPONSE of its answer, and that: ok.
const ACTIVATE_IPA: [u8; 12] = [
    0x80, 0xE2, 0x91, 0x00, 0x07, 0xBF, 0x42, 0x04, 0x80, 0x02, 0x07, 0x80,
];
const READ_ACTIVATION: [u8; 5] = [0x00, 0xC0, 0x00, 0x00, 0x06];
const ACTIVATED: [u8; 8] = [0xBF, 0x42, 0x03, 0x80, 0x01, 0x00, 0x90, 0x00];

/// In the first octet of an IMEI: an odd number of digits, and which identity.
const ODD_IMEI: u8 = 0x0A;

/// Octets of one RECEIVE DATA.
const MAX_RECEIVED: usize = 230;

/// A terminal with one channel and one timer.
pub struct Terminal {
    routes: Vec<(SocketAddrV4, SocketAddr)>,
    line: Option<TcpStream>,
    /// What has come and the card has not fetched.
    waiting: Vec<u8>,
    /// Seconds until the card wants to hear of the time.
    timer: Option<u32>,
    refreshed: u32,
    /// As TERMINAL RESPONSE has it (3GPP TS 24.008 10.5.1.4).
    imei: [u8; 8],
}

impl Terminal {
    /// A terminal with this IMEI in whose network these addresses are
    /// elsewhere.
    pub fn new(imei: &Imei, routes: Vec<(SocketAddrV4, SocketAddr)>) -> Terminal {
        let mut identity = [ODD_IMEI; 8];
        for (at, digit) in imei.as_str().bytes().map(|digit| digit - b'0').enumerate() {
            // The first digit stands above the kind of identity.
            let half = if at % 2 == 0 { 4 } else { 0 };
            if let Some(octet) = identity.get_mut(at.div_ceil(2)) {
                *octet = *octet & (0xF0 >> half) | digit << half;
            }
        }
        Terminal {
            imei: identity,
            routes,
            line: None,
            waiting: Vec::new(),
            timer: None,
            refreshed: 0,
        }
    }

    /// Seconds after which the card wants [`Terminal::expire`].
    pub fn timer(&self) -> Option<u32> {
        self.timer
    }

    /// Whether a channel is open.
    pub fn is_connected(&self) -> bool {
        self.line.is_some()
    }

    /// How often the card has had it begin anew.
    pub fn refreshed(&self) -> u32 {
        self.refreshed
    }

    /// Tells the card what the terminal can do, and does what it then wants.
    pub fn power_on(&mut self, card: &mut Euicc, env: &mut Environment<'_>) {
        self.exchange(card, env, PROFILE.to_vec());
    }

    /// Leaves ESipa to the card (ES10b.IpaeActivation, SGP.32 5.9.3); gives
    /// whether the card takes it.
    pub fn activate_ipa(&mut self, card: &mut Euicc, env: &mut Environment<'_>) -> bool {
        self.power_on(card, env);
        self.transmit(card, env, &SELECT_ISD_R);
        self.transmit(card, env, &ACTIVATE_IPA);
        let answer = self.transmit(card, env, &READ_ACTIVATION);
        answer == ACTIVATED
    }

    /// One APDU of somebody else on the device, and what the card wants after
    /// it. The response is that of the APDU, without the announcement.
    pub fn transmit(
        &mut self,
        card: &mut Euicc,
        env: &mut Environment<'_>,
        apdu: &[u8],
    ) -> Vec<u8> {
        let mut response = card.transmit(apdu, env);
        if let [.., 0x91, length] = response.as_slice() {
            let length = *length;
            self.serve(card, env, length);
            let end = response.len() - 2;
            response.truncate(end);
            response.extend([0x90, 0x00]);
        }
        response
    }

    /// The time is over.
    pub fn expire(&mut self, card: &mut Euicc, env: &mut Environment<'_>) {
        self.timer = None;
        let body = |out: &mut Writer| {
            out.primitive(DEVICE_IDENTITIES, &[0x82, 0x81]);
            out.primitive(TIMER_IDENTIFIER, &[1]);
            out.primitive(TIMER_VALUE, &[0, 0, 0]);
        };
        self.envelope(card, env, TIMER_EXPIRATION, body);
    }

    /// Looks at the line; gives whether the card was told of something.
    pub fn poll(&mut self, card: &mut Euicc, env: &mut Environment<'_>) -> bool {
        let mut buffer = [0; 4096];
        let read = self.line.as_mut().map(|line| line.read(&mut buffer));
        let status = match read {
            Some(Ok(length @ 1..)) => {
                self.waiting.extend(buffer.iter().take(length));
                ESTABLISHED
            }
            Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => return false,
            // The other side is gone; what has come can still be fetched.
            Some(_) => {
                self.line = None;
                DROPPED
            }
            None => return false,
        };
        let (event, length) = match status {
            ESTABLISHED => (DATA_AVAILABLE, Some(self.waiting_octet())),
            _ => (CHANNEL_STATUS_EVENT, None),
        };
        self.envelope(card, env, EVENT_DOWNLOAD, |out| {
            out.primitive(EVENT_LIST, &[event]);
            out.primitive(DEVICE_IDENTITIES, &[0x82, 0x81]);
            out.primitive(CHANNEL_STATUS, &status);
            if let Some(length) = length {
                out.primitive(CHANNEL_DATA_LENGTH, &[length]);
            }
        });
        true
    }

    fn waiting_octet(&self) -> u8 {
        u8::try_from(self.waiting.len()).unwrap_or(u8::MAX)
    }

    fn envelope(
        &mut self,
        card: &mut Euicc,
        env: &mut Environment<'_>,
        tag: Tag,
        body: impl FnOnce(&mut Writer),
    ) {
        let mut out = Writer::new();
        out.constructed(tag, body);
        let envelope = out.into_bytes();
        let mut apdu = vec![0x80, 0xC2, 0x00, 0x00, envelope.len() as u8];
        apdu.extend(envelope);
        self.exchange(card, env, apdu);
    }

    fn exchange(&mut self, card: &mut Euicc, env: &mut Environment<'_>, apdu: Vec<u8>) {
        let response = card.transmit(&apdu, env);
        if let [.., 0x91, length] = response.as_slice() {
            self.serve(card, env, *length);
        }
    }

    /// Fetches commands and does them as long as there are some.
    fn serve(&mut self, card: &mut Euicc, env: &mut Environment<'_>, mut length: u8) {
        loop {
            let mut command = card.transmit(&[0x80, 0x12, 0x00, 0x00, length], env);
            command.truncate(command.len().saturating_sub(2));
            let details = member(&command, COMMAND_DETAILS).unwrap_or_default();
            let (result, more) = self.perform(&command, details.get(1).copied());
            let mut out = Writer::new();
            out.primitive(COMMAND_DETAILS, &details);
            out.primitive(DEVICE_IDENTITIES, &[0x82, 0x81]);
            out.primitive(RESULT, &[result]);
            out.raw(&more);
            let body = out.into_bytes();
            let mut apdu = vec![0x80, 0x14, 0x00, 0x00, body.len() as u8];
            apdu.extend(body);
            let mut response = card.transmit(&apdu, env);
            if details.get(1) == Some(&REFRESH) {
                // The card is begun with anew.
                self.line = None;
                response = card.transmit(&PROFILE, env);
            }
            match response.as_slice() {
                [.., 0x91, next] => length = *next,
                _ => return,
            }
        }
    }

    /// Does a command: general result and further elements of the response.
    fn perform(&mut self, command: &[u8], kind: Option<u8>) -> (u8, Vec<u8>) {
        let done = (PERFORMED, Vec::new());
        match kind {
            Some(REFRESH) => {
                self.refreshed += 1;
                done
            }
            Some(SET_UP_EVENT_LIST) => done,
            Some(PROVIDE_LOCAL_INFORMATION) => {
                let mut out = Writer::new();
                out.primitive(IMEI, &self.imei);
                (PERFORMED, out.into_bytes())
            }
            Some(TIMER_MANAGEMENT) => {
                self.timer = member(command, TIMER_VALUE).as_deref().and_then(seconds);
                done
            }
            Some(OPEN_CHANNEL) => self.open(command),
            Some(CLOSE_CHANNEL) => {
                self.line = None;
                self.waiting.clear();
                done
            }
            Some(SEND_DATA) => self.send(&member(command, CHANNEL_DATA).unwrap_or_default()),
            Some(RECEIVE_DATA) => {
                let wanted = member(command, CHANNEL_DATA_LENGTH);
                let wanted = wanted.and_then(|octets| octets.first().copied());
                self.receive(usize::from(wanted.unwrap_or(0)))
            }
            _ => (NOT_KNOWN, Vec::new()),
        }
    }

    fn open(&mut self, command: &[u8]) -> (u8, Vec<u8>) {
        let wanted = destination(command);
        let route = |wanted: SocketAddrV4| {
            let mut routes = self.routes.iter();
            let found = routes.find(|(from, _)| *from == wanted);
            found.map_or(SocketAddr::V4(wanted), |(_, to)| *to)
        };
        let line = wanted.and_then(|wanted| TcpStream::connect(route(wanted)).ok());
        self.line = line.filter(|line| line.set_nonblocking(true).is_ok());
        self.waiting.clear();
        if self.line.is_none() {
            return (BEARER_ERROR, Vec::new());
        }
        let mut out = Writer::new();
        out.primitive(CHANNEL_STATUS, &ESTABLISHED);
        (PERFORMED, out.into_bytes())
    }

    fn send(&mut self, octets: &[u8]) -> (u8, Vec<u8>) {
        let sent = self.line.as_mut().map(|line| {
            // Short pieces: they find room in the socket.
            line.set_nonblocking(false)?;
            line.write_all(octets)?;
            line.set_nonblocking(true)
        });
        match sent {
            Some(Ok(())) => {
                let mut out = Writer::new();
                out.primitive(CHANNEL_DATA_LENGTH, &[0xFF]);
                (PERFORMED, out.into_bytes())
            }
            _ => (BEARER_ERROR, Vec::new()),
        }
    }

    fn receive(&mut self, wanted: usize) -> (u8, Vec<u8>) {
        let length = wanted.min(self.waiting.len()).min(MAX_RECEIVED);
        let data: Vec<u8> = self.waiting.drain(..length).collect();
        let mut out = Writer::new();
        out.primitive(CHANNEL_DATA, &data);
        out.primitive(CHANNEL_DATA_LENGTH, &[self.waiting_octet()]);
        (PERFORMED, out.into_bytes())
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("connected", &self.line.is_some())
            .field("timer", &self.timer)
            .finish_non_exhaustive()
    }
}

/// The value of a member of a proactive command.
fn member(command: &[u8], tag: Tag) -> Option<Vec<u8>> {
    let whole = Tlv::parse(command).ok()?;
    let mut reader = Reader::new(whole.value);
    while !reader.is_empty() {
        let tlv = reader.tlv().ok()?;
        if tlv.tag == tag {
            return Some(tlv.value.to_vec());
        }
    }
    None
}

/// Where OPEN CHANNEL wants to go, by TCP.
fn destination(command: &[u8]) -> Option<SocketAddrV4> {
    let transport = member(command, TRANSPORT_LEVEL)?;
    let address = member(command, OTHER_ADDRESS)?;
    match (transport.as_slice(), address.as_slice()) {
        ([0x02, high, low], [0x21, a, b, c, d]) => Some(SocketAddrV4::new(
            Ipv4Addr::new(*a, *b, *c, *d),
            u16::from_be_bytes([*high, *low]),
        )),
        _ => None,
    }
}

/// Hours, minutes and seconds with swapped digits.
fn seconds(value: &[u8]) -> Option<u32> {
    let part = |octet: &u8| u32::from(octet & 0x0F) * 10 + u32::from(octet >> 4);
    match value {
        [hours, minutes, seconds] => Some(part(hours) * 3600 + part(minutes) * 60 + part(seconds)),
        _ => None,
    }
}
