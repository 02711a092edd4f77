//! The CoAP message (RFC 7252 3).

use alloc::vec::Vec;
use core::fmt;

/// Number of an option (RFC 7252 5.10).
pub mod option {
    /// Uri-Host.
    pub const URI_HOST: u16 = 3;
    /// ETag.
    pub const ETAG: u16 = 4;
    /// Uri-Port.
    pub const URI_PORT: u16 = 7;
    /// Uri-Path, one per segment.
    pub const URI_PATH: u16 = 11;
    /// Content-Format.
    pub const CONTENT_FORMAT: u16 = 12;
    /// Max-Age.
    pub const MAX_AGE: u16 = 14;
    /// Accept.
    pub const ACCEPT: u16 = 17;
    /// Block2: of the response (RFC 7959).
    pub const BLOCK2: u16 = 23;
    /// Block1: of the request (RFC 7959).
    pub const BLOCK1: u16 = 27;
    /// Size2: octets of the whole response (RFC 7959).
    pub const SIZE2: u16 = 28;
    /// Size1: octets of the whole request (RFC 7959).
    pub const SIZE1: u16 = 60;
    /// Request-Tag (RFC 9175 3).
    pub const REQUEST_TAG: u16 = 292;
}

/// Options that a message may have; what has more is refused.
const MAX_OPTIONS: usize = 40;

/// Octets of the longest token.
const MAX_TOKEN: usize = 8;

/// Between options and payload.
const PAYLOAD_MARKER: u8 = 0xFF;

/// The type of a message (RFC 7252 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CON: is repeated until it is acknowledged.
    Confirmable,
    /// NON: is sent once.
    NonConfirmable,
    /// ACK.
    Acknowledgement,
    /// RST: the message could not be processed.
    Reset,
}

/// Method or response code: class in the upper three bits, detail below.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u8);

impl Code {
    /// 0.00: neither request nor response.
    pub const EMPTY: Code = Code(0);
    /// 0.02.
    pub const POST: Code = Code(2);
    /// 2.04.
    pub const CHANGED: Code = Code::of(2, 4);
    /// 2.05.
    pub const CONTENT: Code = Code::of(2, 5);
    /// 2.31: go on with the next block (RFC 7959).
    pub const CONTINUE: Code = Code::of(2, 31);
    /// 4.00.
    pub const BAD_REQUEST: Code = Code::of(4, 0);
    /// 4.02: a critical option is not understood.
    pub const BAD_OPTION: Code = Code::of(4, 2);
    /// 4.05.
    pub const METHOD_NOT_ALLOWED: Code = Code::of(4, 5);
    /// 4.08: blocks are missing (RFC 7959).
    pub const REQUEST_ENTITY_INCOMPLETE: Code = Code::of(4, 8);
    /// 4.13.
    pub const REQUEST_ENTITY_TOO_LARGE: Code = Code::of(4, 13);
    /// 5.00.
    pub const INTERNAL_SERVER_ERROR: Code = Code::of(5, 0);
    /// 5.03.
    pub const SERVICE_UNAVAILABLE: Code = Code::of(5, 3);

    /// `class.detail`.
    pub const fn of(class: u8, detail: u8) -> Code {
        Code((class << 5) | (detail & 0x1F))
    }

    /// 0 of requests, 2 of success, 4 and 5 of errors.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// What follows the dot.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1F
    }
}

/// As in `4.04`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Type.
    pub kind: Kind,
    /// Method or response code.
    pub code: Code,
    /// Message ID: ties ACK and RST to their message, and tells duplicates.
    pub id: u16,
    /// Token: ties a response to its request; at most 8 octets.
    pub token: Vec<u8>,
    /// Number and value of the options, in ascending order of numbers.
    pub options: Vec<(u16, Vec<u8>)>,
    /// Payload.
    pub payload: Vec<u8>,
}

/// Payloads carry what messages of RSP carry: only their length is shown.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("id", &self.id)
            .field("token", &self.token)
            .field("options", &self.options)
            .field("payload", &format_args!("[{} octets]", self.payload.len()))
            .finish()
    }
}

/// Why octets are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Ends within the part that starts at this offset.
    #[error("the message ends within what starts at octet {0}")]
    Short(usize),
    /// Not version 1.
    #[error("version {0}")]
    Version(u8),
    /// A token of 9 octets or more.
    #[error("a token of {0} octets")]
    TokenLength(u8),
    /// The reserved nibble 15, or a number above 65535, at this offset.
    #[error("no option at octet {0}")]
    Option(usize),
    /// More than are read.
    #[error("more than {MAX_OPTIONS} options")]
    TooManyOptions,
    /// A payload marker without payload.
    #[error("a payload marker at the end")]
    EmptyPayload,
    /// An empty message (0.00) has nothing behind its header.
    #[error("an empty message with content")]
    NotEmpty,
}

impl Message {
    /// An ACK or RST without content.
    pub fn empty(kind: Kind, id: u16) -> Message {
        Message {
            kind,
            code: Code::EMPTY,
            id,
            token: Vec::new(),
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// The first option of this number.
    pub fn option(&self, number: u16) -> Option<&[u8]> {
        let mut options = self.options.iter();
        let found = options.find(|(candidate, _)| *candidate == number)?;
        Some(&found.1)
    }

    /// Adds an option behind those of the same or lower numbers.
    pub fn add(&mut self, number: u16, value: Vec<u8>) {
        let place = self.options.partition_point(|(other, _)| *other <= number);
        self.options.insert(place, (number, value));
    }

    /// Adds an option whose value is a number (RFC 7252 3.2).
    pub fn add_uint(&mut self, number: u16, value: u32) {
        self.add(number, uint(value));
    }

    /// Reads a datagram.
    ///
    /// # Errors
    /// If it is malformed (RFC 7252 3): the receiver resets or ignores it.
    pub fn decode(datagram: &[u8]) -> Result<Message, MessageError> {
        let (kind, token_length, code, id) = header(datagram)?;
        if token_length > MAX_TOKEN {
            return Err(MessageError::TokenLength(token_length as u8));
        }
        let mut reader = Reader {
            datagram,
            offset: 4,
        };
        let token = reader.take(token_length)?.to_vec();
        let options = reader.options()?;
        let payload = reader.rest().to_vec();
        let message = Message {
            kind,
            code,
            id,
            token,
            options,
            payload,
        };
        match message.code == Code::EMPTY && datagram.len() > 4 {
            true => Err(MessageError::NotEmpty),
            false => Ok(message),
        }
    }

    /// Type and message ID of a datagram that may be malformed behind them, so
    /// that it can be reset.
    pub fn peek(datagram: &[u8]) -> Option<(Kind, u16)> {
        let (kind, _, _, id) = header(datagram).ok()?;
        Some((kind, id))
    }

    /// Writes the datagram.
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            Kind::Confirmable => 0,
            Kind::NonConfirmable => 1,
            Kind::Acknowledgement => 2,
            Kind::Reset => 3,
        };
        let token = self.token.get(..MAX_TOKEN).unwrap_or(&self.token);
        let mut out = Vec::with_capacity(16 + token.len() + self.payload.len());
        out.push(0x40 | (kind << 4) | token.len() as u8);
        out.push(self.code.0);
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(token);
        let mut last = 0;
        for (number, value) in &self.options {
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
            let (delta, delta_more) = nibble(number.saturating_sub(last));
            let (length, length_more) = nibble(length);
            out.push((delta << 4) | length);
            out.extend_from_slice(&delta_more);
            out.extend_from_slice(&length_more);
            out.extend_from_slice(value);
            last = *number;
        }
        if !self.payload.is_empty() {
            out.push(PAYLOAD_MARKER);
            out.extend_from_slice(&self.payload);
        }
        out
    }
}

fn header(datagram: &[u8]) -> Result<(Kind, usize, Code, u16), MessageError> {
    let Some(&[first, code, high, low]) = datagram.first_chunk() else {
        return Err(MessageError::Short(0));
    };
    if first >> 6 != 1 {
        return Err(MessageError::Version(first >> 6));
    }
    let kind = match (first >> 4) & 3 {
        0 => Kind::Confirmable,
        1 => Kind::NonConfirmable,
        2 => Kind::Acknowledgement,
        _ => Kind::Reset,
    };
    let id = u16::from_be_bytes([high, low]);
    Ok((kind, usize::from(first & 0x0F), Code(code), id))
}

/// What fits in the nibble, and what follows it (RFC 7252 3.1).
fn nibble(value: u16) -> (u8, Vec<u8>) {
    match value {
        0..=12 => (value as u8, Vec::new()),
        13..=268 => (13, Vec::from([(value - 13) as u8])),
        _ => (14, (value - 269).to_be_bytes().to_vec()),
    }
}

/// A number in as few octets as possible; 0 in none.
pub(super) fn uint(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let skip = (value.leading_zeros() / 8) as usize;
    octets.get(skip..).unwrap_or_default().to_vec()
}

/// Reads such a number; `None` if it is longer than four octets.
pub(super) fn read_uint(octets: &[u8]) -> Option<u32> {
    (octets.len() <= 4).then(|| {
        let add = |sum: u32, octet: &u8| (sum << 8) | u32::from(*octet);
        octets.iter().fold(0, add)
    })
}

struct Reader<'a> {
    datagram: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], MessageError> {
        let rest = self.datagram.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(MessageError::Short(self.offset))?;
        self.offset += length;
        Ok(taken)
    }

    fn rest(&mut self) -> &'a [u8] {
        self.datagram.get(self.offset..).unwrap_or_default()
    }

    fn octet(&mut self) -> Result<u8, MessageError> {
        let start = self.offset;
        let taken = self.take(1)?;
        taken.first().copied().ok_or(MessageError::Short(start))
    }

    /// Reads options and the payload marker, if there is one.
    fn options(&mut self) -> Result<Vec<(u16, Vec<u8>)>, MessageError> {
        let mut options = Vec::new();
        let mut number = 0u16;
        while !self.rest().is_empty() {
            let start = self.offset;
            let first = self.octet()?;
            if first == PAYLOAD_MARKER {
                return match self.rest().is_empty() {
                    true => Err(MessageError::EmptyPayload),
                    false => Ok(options),
                };
            }
            let delta = self.extended(first >> 4, start)?;
            let length = self.extended(first & 0x0F, start)?;
            number = u16::try_from(delta)
                .ok()
                .and_then(|delta| number.checked_add(delta))
                .ok_or(MessageError::Option(start))?;
            if options.len() == MAX_OPTIONS {
                return Err(MessageError::TooManyOptions);
            }
            options.push((number, self.take(length)?.to_vec()));
        }
        Ok(options)
    }

    fn extended(&mut self, nibble: u8, start: usize) -> Result<usize, MessageError> {
        match nibble {
            13 => Ok(usize::from(self.octet()?) + 13),
            14 => {
                let high = usize::from(self.octet()?);
                Ok((high << 8) + usize::from(self.octet()?) + 269)
            }
            15 => Err(MessageError::Option(start)),
            small => Ok(usize::from(small)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// The example of RFC 7252 appendix A, figure 16: GET /temperature with
    /// token 0x20, and its response.
    #[test]
    fn example_of_the_rfc() {
        let mut get = Message::empty(Kind::Confirmable, 0x7D35);
        get.code = Code(1);
        get.token = vec![0x20];
        get.add(option::URI_PATH, b"temperature".to_vec());
        let octets = [
            &[0x41, 0x01, 0x7D, 0x35, 0x20, 0xBB][..],
            b"temperature".as_slice(),
        ]
        .concat();
        assert_eq!(get.encode(), octets);
        assert_eq!(Message::decode(&octets), Ok(get));
        let response = [&[0x61, 0x45, 0x7D, 0x35, 0x20, 0xFF][..], b"22.3 C"].concat();
        let response = Message::decode(&response).unwrap();
        assert_eq!(response.kind, Kind::Acknowledgement);
        assert_eq!(response.code, Code::CONTENT);
        assert_eq!(response.payload, b"22.3 C");
    }

    #[test]
    fn long_options_and_large_numbers_come_back() {
        for length in [0, 12, 13, 268, 269, 270, 1000] {
            let mut message = Message::empty(Kind::NonConfirmable, 1);
            message.code = Code::POST;
            for number in [2, 14, 15, 283, 300, 65_535] {
                message.add(number, vec![0xA5; length]);
            }
            message.payload = vec![1];
            let octets = message.encode();
            assert_eq!(Message::decode(&octets), Ok(message), "{length}");
        }
    }

    #[test]
    fn malformed_messages_say_where() {
        for (octets, error) in [
            (&[0x40, 1, 0][..], MessageError::Short(0)),
            (&[0x80, 1, 0, 0], MessageError::Version(2)),
            (&[0x49, 1, 0, 0], MessageError::TokenLength(9)),
            (&[0x42, 1, 0, 0, 1], MessageError::Short(4)),
            (&[0x40, 1, 0, 0, 0xF0], MessageError::Option(4)),
            (&[0x40, 1, 0, 0, 0x0F], MessageError::Option(4)),
            (&[0x40, 1, 0, 0, 0xD0], MessageError::Short(5)),
            (&[0x40, 1, 0, 0, 0xE0, 0xFF, 0xFF], MessageError::Option(4)),
            (&[0x40, 1, 0, 0, 0x02, 1], MessageError::Short(5)),
            (&[0x40, 1, 0, 0, 0xFF], MessageError::EmptyPayload),
            (&[0x40, 0, 0, 0, 0xFF, 1], MessageError::NotEmpty),
        ] {
            assert_eq!(Message::decode(octets), Err(error), "{octets:02X?}");
        }
        let many = [&[0x40, 1, 0, 0][..], &[0; MAX_OPTIONS + 1]].concat();
        assert_eq!(Message::decode(&many), Err(MessageError::TooManyOptions));
    }

    #[test]
    fn numbers_take_no_octet_too_many() {
        for (number, octets) in [
            (0, 0),
            (1, 1),
            (255, 1),
            (256, 2),
            (1 << 16, 3),
            (1 << 24, 4),
        ] {
            assert_eq!(uint(number).len(), octets);
            assert_eq!(read_uint(&uint(number)), Some(number));
        }
        assert_eq!(read_uint(&[0; 5]), None);
    }
}
