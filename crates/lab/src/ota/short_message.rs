//! Short messages: a packet cut by the network, and handed to the card by the
//! device (3GPP TS 23.040, TS 31.111 7.1.1).

use rsp_asn1::{Tag, Tlv, Writer};

/// SMS-DELIVER whose user data have a header, and its sender.
const FIRST_OCTET: u8 = 0x40;
const SENDER: [u8; 6] = [0x08, 0x81, 0x21, 0x43, 0x65, 0x87];
/// (U)SIM data download, eight bits of class 2.
const PROTOCOL_AND_CODING: [u8; 2] = [0x7F, 0xF6];
const TIME: [u8; 7] = [0x62, 0x11, 0x12, 0x61, 0x51, 0x94, 0x00];
const MAX_USER_DATA: usize = 140;

const SMS_PP_DOWNLOAD: Tag = Tag::new(0xD1);
const DEVICE_IDENTITIES: Tag = Tag::new(0x82);
const SERVICE_CENTRE: Tag = Tag::new(0x86);
const TPDU: Tag = Tag::new(0x8B);
/// From the network to the card.
const NETWORK_TO_CARD: [u8; 2] = [0x83, 0x81];

/// The commands by which a device hands a packet to its card, one for each
/// short message. `reference` tells messages in parts from each other.
pub fn envelopes(packet: &[u8], reference: u8) -> Vec<Vec<u8>> {
    let header = [0x02, 0x70, 0x00];
    if header.len() + packet.len() <= MAX_USER_DATA {
        return vec![envelope(&[&header, packet].concat())];
    }
    // The element of the command packet is in the first part alone.
    let (first, rest) = packet.split_at(MAX_USER_DATA - 8);
    let others = rest.chunks(MAX_USER_DATA - 6);
    let of = others.len() as u8 + 1;
    let header = [7, 0x00, 3, reference, of, 1, 0x70, 0];
    let mut messages = vec![envelope(&[&header, first].concat())];
    for (number, part) in (2..).zip(others) {
        let header = [5, 0x00, 3, reference, of, number];
        messages.push(envelope(&[&header, part].concat()));
    }
    messages
}

fn envelope(user_data: &[u8]) -> Vec<u8> {
    let mut tpdu = vec![FIRST_OCTET];
    tpdu.extend(SENDER);
    tpdu.extend(PROTOCOL_AND_CODING);
    tpdu.extend(TIME);
    tpdu.push(user_data.len() as u8);
    tpdu.extend(user_data);
    let mut out = Writer::new();
    out.constructed(SMS_PP_DOWNLOAD, |out| {
        out.primitive(DEVICE_IDENTITIES, &NETWORK_TO_CARD);
        out.primitive(SERVICE_CENTRE, &[0x91, 0x44, 0x77]);
        out.primitive(TPDU, &tpdu);
    });
    let data = out.into_bytes();
    let mut apdu = vec![0x80, 0xC2, 0x00, 0x00, data.len() as u8];
    apdu.extend(data);
    apdu
}

/// What a card made of the messages of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Status word of the last message.
    pub status: u16,
    /// User data of the report, empty if there are none.
    pub report: Vec<u8>,
}

/// Hands a packet to a card, message by message, and fetches the report.
/// `card` answers a command with data and status word.
pub fn deliver(packet: &[u8], reference: u8, mut card: impl FnMut(&[u8]) -> Vec<u8>) -> Delivered {
    let mut delivered = Delivered {
        status: 0x9000,
        report: Vec::new(),
    };
    for apdu in envelopes(packet, reference) {
        let mut report = card(&apdu);
        if let [0x61, length] = report[..] {
            report = card(&[0x00, 0xC0, 0x00, 0x00, length]);
        }
        let status = report.split_off(report.len().saturating_sub(2));
        delivered.status = status
            .iter()
            .fold(0, |status, octet| status << 8 | u16::from(*octet));
        delivered.report = report;
    }
    delivered
}

/// The response packet in the SMS-SUBMITs of SEND SHORT MESSAGE commands, as
/// they were fetched, with the header that a report has; `None` if they are
/// none, or not all.
pub fn submitted(commands: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut packet = vec![0x02, 0x71, 0x00];
    for (place, command) in (1u8..).zip(commands) {
        let mut reader = Tlv::parse(command).ok()?.reader();
        let mut tpdu = None;
        while !reader.is_empty() {
            let object = reader.tlv().ok()?;
            if object.tag == TPDU {
                tpdu = Some(object.value);
            }
        }
        // Type, reference, destination, protocol, coding, length.
        let data = tpdu?.get(2 + SENDER.len() + 3..)?;
        let (header_length, rest) = data.split_first()?;
        let (header, part) = rest.split_at_checked(usize::from(*header_length))?;
        match header {
            [0x71, 0] if commands.len() == 1 => {}
            [0, 3, _, of, number, 0x71, 0] | [0, 3, _, of, number]
                if usize::from(*of) == commands.len() && *number == place => {}
            _ => return None,
        }
        packet.extend(part);
    }
    Some(packet)
}
