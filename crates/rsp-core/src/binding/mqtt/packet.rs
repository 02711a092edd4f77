//! Control packets of MQTT 5.0 (OASIS, 2019): those that a client sends are
//! written, those that it gets are read.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A client says who it is (3.1): a new session that ends with the connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Client identifier; empty lets the broker choose.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password. Secret.
    pub password: Option<Vec<u8>>,
    /// Seconds between two packets, at most.
    pub keep_alive: u16,
    /// Publications with QoS 1 that may be unacknowledged at a time.
    pub receive_maximum: u16,
    /// Octets of the largest packet that the client takes.
    pub maximum_packet: u32,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

/// A publication (3.3) with QoS 1, or one that came with QoS 0.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Publish {
    /// Where.
    pub topic: String,
    /// Packet identifier; `None` with QoS 0.
    pub packet_id: Option<u16>,
    /// Whether it was sent before.
    pub dup: bool,
    /// Whether the broker keeps it, or had kept it.
    pub retain: bool,
    /// Seconds after which it is of no use.
    pub expiry: Option<u32>,
    /// What the content is, as a media type.
    pub content_type: Option<String>,
    /// Where the response is to go.
    pub response_topic: Option<String>,
    /// What ties the response to the request.
    pub correlation: Option<Vec<u8>>,
    /// Further properties.
    pub user_properties: Vec<(String, String)>,
    /// Content.
    pub payload: Vec<u8>,
}

/// Payloads carry what messages of RSP carry: only their length is shown.
impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .field("packet_id", &self.packet_id)
            .field("retain", &self.retain)
            .field("expiry", &self.expiry)
            .field("payload", &format_args!("[{} octets]", self.payload.len()))
            .finish_non_exhaustive()
    }
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// CONNACK (3.2).
    ConnAck {
        /// 0, or why not.
        reason: u8,
        /// Octets of the largest packet that the broker takes.
        maximum_packet: Option<u32>,
        /// Keep alive that the broker wants instead.
        keep_alive: Option<u16>,
        /// Publications that may be unacknowledged, if not 65 535.
        receive_maximum: Option<u16>,
    },
    /// PUBLISH (3.3).
    Publish(Publish),
    /// PUBACK (3.4).
    PubAck {
        /// Of which publication.
        packet_id: u16,
        /// Below 0x80, or why not.
        reason: u8,
    },
    /// SUBACK (3.9).
    SubAck {
        /// Of which subscription.
        packet_id: u16,
        /// One per filter: the QoS that is granted, or why not.
        reasons: Vec<u8>,
    },
    /// PINGRESP (3.13).
    PingResp,
    /// DISCONNECT (3.14).
    Disconnect {
        /// Why.
        reason: u8,
    },
}

/// Why octets are no packet for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Larger than was agreed on.
    #[error("a packet of {0} octets")]
    TooLarge(usize),
    /// A length of more than four octets.
    #[error("a length that does not end")]
    Length,
    /// A type that no client gets, or with wrong flags.
    #[error("a packet that begins with {0:02X}")]
    Type(u8),
    /// Ends early, in octet so many of its content.
    #[error("the packet ends within what starts at octet {0}")]
    Short(usize),
    /// More octets than its content has.
    #[error("octets behind the packet's content")]
    Trailing,
    /// A property that there is not, or not there.
    #[error("property {0}")]
    Property(u8),
    /// A text that is no UTF-8 or has the null character.
    #[error("a text that is none at octet {0}")]
    Text(usize),
    /// QoS 2 was not asked for.
    #[error("QoS 2")]
    Qos,
}

/// Identifiers of properties (2.2.2.2).
mod property {
    pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
    pub(super) const CONTENT_TYPE: u8 = 0x03;
    pub(super) const RESPONSE_TOPIC: u8 = 0x08;
    pub(super) const CORRELATION_DATA: u8 = 0x09;
    pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub(super) const RECEIVE_MAXIMUM: u8 = 0x21;
    pub(super) const USER: u8 = 0x26;
    pub(super) const MAXIMUM_PACKET: u8 = 0x27;
}

/// User properties of a publication that are read.
const MAX_USER_PROPERTIES: usize = 16;

impl Connect {
    /// Writes the packet.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        text(&mut body, "MQTT");
        // Clean start; what follows.
        let flags = 0x02
            | if self.username.is_some() { 0x80 } else { 0 }
            | if self.password.is_some() { 0x40 } else { 0 };
        body.extend_from_slice(&[5, flags]);
        body.extend_from_slice(&self.keep_alive.to_be_bytes());
        let mut properties = Vec::from([property::RECEIVE_MAXIMUM]);
        properties.extend_from_slice(&self.receive_maximum.to_be_bytes());
        properties.push(property::MAXIMUM_PACKET);
        properties.extend_from_slice(&self.maximum_packet.to_be_bytes());
        length(&mut body, properties.len());
        body.extend_from_slice(&properties);
        text(&mut body, &self.client_id);
        if let Some(username) = &self.username {
            text(&mut body, username);
        }
        if let Some(password) = &self.password {
            binary(&mut body, password);
        }
        packet(0x10, body)
    }
}

impl Publish {
    /// Writes the packet: with QoS 1 if it has an identifier.
    pub fn encode(&self) -> Vec<u8> {
        let mut first = 0x30;
        first |= if self.packet_id.is_some() { 0x02 } else { 0 };
        first |= if self.dup { 0x08 } else { 0 };
        first |= if self.retain { 0x01 } else { 0 };
        let mut body = Vec::with_capacity(self.payload.len() + 128);
        text(&mut body, &self.topic);
        if let Some(packet_id) = self.packet_id {
            body.extend_from_slice(&packet_id.to_be_bytes());
        }
        let mut properties = Vec::new();
        if let Some(expiry) = self.expiry {
            properties.push(property::MESSAGE_EXPIRY);
            properties.extend_from_slice(&expiry.to_be_bytes());
        }
        if let Some(content_type) = &self.content_type {
            properties.push(property::CONTENT_TYPE);
            text(&mut properties, content_type);
        }
        if let Some(topic) = &self.response_topic {
            properties.push(property::RESPONSE_TOPIC);
            text(&mut properties, topic);
        }
        if let Some(correlation) = &self.correlation {
            properties.push(property::CORRELATION_DATA);
            binary(&mut properties, correlation);
        }
        for (name, value) in &self.user_properties {
            properties.push(property::USER);
            text(&mut properties, name);
            text(&mut properties, value);
        }
        length(&mut body, properties.len());
        body.extend_from_slice(&properties);
        body.extend_from_slice(&self.payload);
        packet(first, body)
    }
}

/// Writes PUBACK with success.
pub fn pub_ack(packet_id: u16) -> Vec<u8> {
    packet(0x40, packet_id.to_be_bytes().to_vec())
}

/// Writes SUBSCRIBE to one filter, with QoS 1, without what was retained.
pub fn subscribe(packet_id: u16, filter: &str) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    length(&mut body, 0);
    text(&mut body, filter);
    // QoS 1; never retained messages.
    body.push(0x21);
    packet(0x82, body)
}

/// Writes PINGREQ.
pub fn ping_req() -> Vec<u8> {
    packet(0xC0, Vec::new())
}

/// Writes DISCONNECT, the normal one.
pub fn disconnect() -> Vec<u8> {
    packet(0xE0, Vec::new())
}

impl Packet {
    /// Reads the packet at the beginning of what has come: the packet and its
    /// octets; `None` if it is not complete. Packets of more octets than `most`
    /// are refused.
    ///
    /// # Errors
    /// If it is none that a client gets: the connection is of no use then.
    pub fn decode(octets: &[u8], most: usize) -> Result<Option<(Packet, usize)>, PacketError> {
        let Some((first, rest)) = octets.split_first() else {
            return Ok(None);
        };
        let Some((content, header)) = read_length(rest)? else {
            return Ok(None);
        };
        let whole = 1 + header + content;
        if whole > most {
            return Err(PacketError::TooLarge(whole));
        }
        let Some(body) = rest.get(header..header + content) else {
            return Ok(None);
        };
        let mut reader = Reader { body, offset: 0 };
        let packet = reader.packet(*first)?;
        match reader.rest().is_empty() {
            true => Ok(Some((packet, whole))),
            false => Err(PacketError::Trailing),
        }
    }
}

fn packet(first: u8, body: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 5);
    out.push(first);
    length(&mut out, body.len());
    out.extend_from_slice(&body);
    out
}

/// A variable byte integer (1.5.5).
fn length(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let octet = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(octet);
        }
        out.push(octet | 0x80);
    }
}

/// The value and its octets; `None` if it is not complete.
fn read_length(octets: &[u8]) -> Result<Option<(usize, usize)>, PacketError> {
    let mut value = 0;
    for place in 0..4 {
        let Some(octet) = octets.get(place) else {
            return Ok(None);
        };
        value |= usize::from(octet & 0x7F) << (7 * place);
        if octet & 0x80 == 0 {
            return Ok(Some((value, place + 1)));
        }
    }
    Err(PacketError::Length)
}

fn text(out: &mut Vec<u8>, text: &str) {
    binary(out, text.as_bytes());
}

/// Binary data (1.5.6); what is longer than its length can say is cut.
fn binary(out: &mut Vec<u8>, octets: &[u8]) {
    let octets = octets.get(..usize::from(u16::MAX)).unwrap_or(octets);
    out.extend_from_slice(&(octets.len() as u16).to_be_bytes());
    out.extend_from_slice(octets);
}

struct Reader<'a> {
    body: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.body.get(self.offset..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], PacketError> {
        let taken = self.rest().get(..length);
        let taken = taken.ok_or(PacketError::Short(self.offset))?;
        self.offset += length;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<u32, PacketError> {
        let taken = self.take(N)?;
        Ok(taken
            .iter()
            .fold(0, |sum, octet| (sum << 8) | u32::from(*octet)))
    }

    fn short(&mut self) -> Result<u16, PacketError> {
        Ok(self.number::<2>()? as u16)
    }

    fn binary(&mut self) -> Result<&'a [u8], PacketError> {
        let length = self.short()?;
        self.take(usize::from(length))
    }

    fn text(&mut self) -> Result<String, PacketError> {
        let start = self.offset;
        let text = core::str::from_utf8(self.binary()?);
        let text = text.ok().filter(|text| !text.contains('\0'));
        text.map(ToString::to_string)
            .ok_or(PacketError::Text(start))
    }

    fn packet(&mut self, first: u8) -> Result<Packet, PacketError> {
        Ok(match first {
            0x20 => self.conn_ack()?,
            0x30..=0x3F => Packet::Publish(self.publish(first)?),
            0x40 => {
                let packet_id = self.short()?;
                let reason = self.reason()?;
                Packet::PubAck { packet_id, reason }
            }
            0x90 => {
                let packet_id = self.short()?;
                self.properties(|_, _| Ok(false))?;
                let reasons = self.rest().to_vec();
                self.offset = self.body.len();
                Packet::SubAck { packet_id, reasons }
            }
            0xD0 => Packet::PingResp,
            0xE0 => Packet::Disconnect {
                reason: self.reason()?,
            },
            other => return Err(PacketError::Type(other)),
        })
    }

    /// A reason code and properties, which may both be left out.
    fn reason(&mut self) -> Result<u8, PacketError> {
        if self.rest().is_empty() {
            return Ok(0);
        }
        let reason = self.number::<1>()? as u8;
        if !self.rest().is_empty() {
            self.properties(|_, _| Ok(false))?;
        }
        Ok(reason)
    }

    fn conn_ack(&mut self) -> Result<Packet, PacketError> {
        let _session_present = self.number::<1>()?;
        let reason = self.number::<1>()? as u8;
        let (mut maximum_packet, mut keep_alive, mut receive_maximum) = (None, None, None);
        self.properties(|reader, id| {
            match id {
                property::MAXIMUM_PACKET => maximum_packet = Some(reader.number::<4>()?),
                property::SERVER_KEEP_ALIVE => keep_alive = Some(reader.short()?),
                property::RECEIVE_MAXIMUM => receive_maximum = Some(reader.short()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Packet::ConnAck {
            reason,
            maximum_packet,
            keep_alive,
            receive_maximum,
        })
    }

    fn publish(&mut self, first: u8) -> Result<Publish, PacketError> {
        let mut message = Publish {
            topic: self.text()?,
            dup: first & 0x08 != 0,
            retain: first & 0x01 != 0,
            ..Publish::default()
        };
        message.packet_id = match (first >> 1) & 3 {
            0 => None,
            1 => Some(self.short()?),
            _ => return Err(PacketError::Qos),
        };
        self.properties(|reader, id| {
            match id {
                property::MESSAGE_EXPIRY => message.expiry = Some(reader.number::<4>()?),
                property::CONTENT_TYPE => message.content_type = Some(reader.text()?),
                property::RESPONSE_TOPIC => message.response_topic = Some(reader.text()?),
                property::CORRELATION_DATA => {
                    message.correlation = Some(reader.binary()?.to_vec());
                }
                property::USER if message.user_properties.len() < MAX_USER_PROPERTIES => {
                    let pair = (reader.text()?, reader.text()?);
                    message.user_properties.push(pair);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        message.payload = self.rest().to_vec();
        self.offset = self.body.len();
        Ok(message)
    }

    /// Reads properties; `known` reads the value of those that it knows and
    /// says so, others are skipped.
    fn properties(
        &mut self,
        mut known: impl FnMut(&mut Reader<'a>, u8) -> Result<bool, PacketError>,
    ) -> Result<(), PacketError> {
        let (length, octets) = read_length(self.rest())?.ok_or(PacketError::Short(self.offset))?;
        self.offset += octets;
        let body = self.take(length)?;
        let mut reader = Reader { body, offset: 0 };
        while !reader.rest().is_empty() {
            let id = reader.number::<1>()? as u8;
            if !known(&mut reader, id)? {
                reader.skip(id)?;
            }
        }
        Ok(())
    }

    /// Skips the value of a property (2.2.2.2).
    fn skip(&mut self, id: u8) -> Result<(), PacketError> {
        match id {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2A => drop(self.take(1)?),
            0x13 | 0x21..=0x23 => drop(self.take(2)?),
            0x02 | 0x11 | 0x18 | 0x27 => drop(self.take(4)?),
            0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => drop(self.binary()?),
            0x26 => {
                self.binary()?;
                self.binary()?;
            }
            0x0B => {
                let (_, octets) =
                    read_length(self.rest())?.ok_or(PacketError::Short(self.offset))?;
                self.offset += octets;
            }
            other => return Err(PacketError::Property(other)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn publications_come_back() {
        let message = Publish {
            content_type: Some("text/plain".to_string()),
            topic: "esipa/1/a/eim/b/asn1".into(),
            packet_id: Some(7),
            dup: true,
            retain: false,
            expiry: Some(60),
            response_topic: Some("esipa/1/a/ipa/b".into()),
            correlation: Some(vec![1, 2, 3]),
            user_properties: vec![("status".into(), "200".into())],
            payload: vec![0xA5; 20_000],
        };
        let octets = message.encode();
        let most = octets.len();
        let read = Packet::decode(&octets, most);
        assert_eq!(read, Ok(Some((Packet::Publish(message), most))));
        for end in [0, 1, 2, 3, 100, most - 1] {
            assert_eq!(Packet::decode(&octets[..end], most), Ok(None), "{end}");
        }
        let too_large = Err(PacketError::TooLarge(most));
        assert_eq!(Packet::decode(&octets[..5], most - 1), too_large);
    }

    /// Octets put together by hand from the tables of the standard.
    #[test]
    fn what_a_broker_says() {
        for (octets, packet) in [
            (
                &[0x20, 0x0B, 0, 0, 8, 0x27, 0, 1, 0, 0, 0x13, 0, 30][..],
                Packet::ConnAck {
                    reason: 0,
                    maximum_packet: Some(65_536),
                    keep_alive: Some(30),
                    receive_maximum: None,
                },
            ),
            (
                &[0x20, 0x03, 0, 0x87, 0],
                Packet::ConnAck {
                    reason: 0x87,
                    maximum_packet: None,
                    keep_alive: None,
                    receive_maximum: None,
                },
            ),
            (
                &[0x40, 2, 0, 9],
                Packet::PubAck {
                    packet_id: 9,
                    reason: 0,
                },
            ),
            (
                &[0x40, 4, 0, 9, 0x10, 0],
                Packet::PubAck {
                    packet_id: 9,
                    reason: 0x10,
                },
            ),
            (
                &[0x90, 4, 0, 1, 0, 1],
                Packet::SubAck {
                    packet_id: 1,
                    reasons: vec![1],
                },
            ),
            (&[0xD0, 0], Packet::PingResp),
            (&[0xE0, 0], Packet::Disconnect { reason: 0 }),
            (&[0xE0, 1, 0x8B], Packet::Disconnect { reason: 0x8B }),
        ] {
            let whole = octets.len();
            assert_eq!(Packet::decode(octets, 100), Ok(Some((packet, whole))));
        }
    }

    #[test]
    fn what_is_no_packet_says_why() {
        for (octets, error) in [
            (&[0x10, 0][..], PacketError::Type(0x10)),
            (&[0x30, 0xFF, 0xFF, 0xFF, 0xFF], PacketError::Length),
            (&[0x30, 1, 0], PacketError::Short(0)),
            (&[0x34, 3, 0, 0, 0], PacketError::Qos),
            (&[0x30, 5, 0, 1, 0xFF, 0, 0], PacketError::Text(0)),
            (&[0x30, 4, 0, 0, 1, 0x7F], PacketError::Property(0x7F)),
            (&[0xD0, 1, 0], PacketError::Trailing),
        ] {
            assert_eq!(Packet::decode(octets, 100), Err(error), "{octets:02X?}");
        }
    }

    #[test]
    fn a_connection_in_octets() {
        let connect = Connect {
            client_id: "c".into(),
            username: Some("u".into()),
            password: Some(vec![b'p']),
            keep_alive: 60,
            receive_maximum: 10,
            maximum_packet: 65_536,
        };
        let expected = [
            &[0x10, 28, 0, 4, b'M', b'Q', b'T', b'T', 5, 0xC2, 0, 60][..],
            &[8, 0x21, 0, 10, 0x27, 0, 1, 0, 0],
            &[0, 1, b'c', 0, 1, b'u', 0, 1, b'p'],
        ]
        .concat();
        assert_eq!(connect.encode(), expected);
        assert!(!alloc::format!("{connect:?}").contains("112"));
        assert_eq!(subscribe(1, "a"), [0x82, 7, 0, 1, 0, 0, 1, b'a', 0x21]);
        assert_eq!(pub_ack(9), [0x40, 2, 0, 9]);
    }
}
