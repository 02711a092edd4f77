//! Short messages as the terminal hands them in, and as it sends them for the
//! card (3GPP TS 23.040 9.2.2, TS 31.111 7.1.1).

use alloc::vec::Vec;

use rsp_asn1::Tlv;

/// Tags, with and without the bit that asks for comprehension.
const TPDU: u32 = 0x0B;
const COMPREHENSION: u32 = 0x80;

/// First octet of a TPDU: its type, and whether its user data have a header.
const TYPE: u8 = 0x03;
const DELIVER: u8 = 0x00;
const SUBMIT: u8 = 0x01;
const HAS_HEADER: u8 = 0x40;

/// Protocol identifier: (U)SIM data download (TS 23.040 9.2.3.9).
const DATA_DOWNLOAD: u8 = 0x7F;
/// Coding of eight bits without a class.
const EIGHT_BITS: u8 = 0x04;

/// Digits of an address, semi-octets.
const MAX_DIGITS: u8 = 20;
const MAX_USER_DATA: usize = 140;
const TIME_STAMP: usize = 7;

/// Elements of a user data header (TS 23.040 9.2.3.24).
const CONCATENATED: u8 = 0x00;
const CONCATENATED_16: u8 = 0x08;
const COMMAND_PACKET: u8 = 0x70;
const RESPONSE_PACKET: u8 = 0x71;

/// An SMS-DELIVER.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deliver<'a> {
    /// TP-OA as it came: length, type, digits.
    pub(super) originator: &'a [u8],
    protocol: u8,
    coding: u8,
    /// Whether the header says that a command packet begins here.
    pub(super) is_command: bool,
    pub(super) part: Option<Part>,
    /// User data without their header.
    pub(super) data: &'a [u8],
}

/// Which part of a message in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) reference: u16,
    pub(super) of: u8,
    /// 1 to `of`.
    pub(super) number: u8,
}

impl<'a> Deliver<'a> {
    /// Takes the envelope apart; `None` if it has no SMS-DELIVER.
    pub(super) fn read(envelope: &Tlv<'a>) -> Option<Deliver<'a>> {
        let mut reader = envelope.reader();
        let mut tpdu = None;
        while !reader.is_empty() {
            let tlv = reader.tlv().ok()?;
            if tlv.tag.get() & !COMPREHENSION == TPDU {
                tpdu = Some(tlv.value);
            }
        }
        Deliver::of_tpdu(tpdu?)
    }

    fn of_tpdu(tpdu: &'a [u8]) -> Option<Deliver<'a>> {
        let (first, rest) = tpdu.split_first()?;
        if first & TYPE != DELIVER {
            return None;
        }
        let digits = *rest.first().filter(|digits| **digits <= MAX_DIGITS)?;
        let (originator, rest) = rest.split_at_checked(2 + usize::from(digits.div_ceil(2)))?;
        let [protocol, coding, rest @ ..] = rest else {
            return None;
        };
        let (_, rest) = rest.split_at_checked(TIME_STAMP)?;
        let (length, data) = rest.split_first()?;
        if usize::from(*length) != data.len() || data.len() > MAX_USER_DATA {
            return None;
        }
        let mut message = Deliver {
            originator,
            protocol: *protocol,
            coding: *coding,
            is_command: false,
            part: None,
            data,
        };
        if first & HAS_HEADER != 0 {
            message.take_header()?;
        }
        Some(message)
    }

    /// Takes the header off the user data.
    fn take_header(&mut self) -> Option<()> {
        let (length, rest) = self.data.split_first()?;
        let (mut header, data) = rest.split_at_checked(usize::from(*length))?;
        self.data = data;
        while let [element, length, rest @ ..] = header {
            let (value, rest) = rest.split_at_checked(usize::from(*length))?;
            match (*element, value) {
                (CONCATENATED, [reference, of, number]) => {
                    let reference = u16::from(*reference);
                    self.part = Some(Part::new(reference, *of, *number)?);
                }
                (CONCATENATED_16, [high, low, of, number]) => {
                    let reference = u16::from_be_bytes([*high, *low]);
                    self.part = Some(Part::new(reference, *of, *number)?);
                }
                (CONCATENATED | CONCATENATED_16, _) => return None,
                (COMMAND_PACKET, []) => self.is_command = true,
                _ => {}
            }
            header = rest;
        }
        header.is_empty().then_some(())
    }

    /// Whether the protocol identifier and the class 2 of eight bit data say
    /// that the card is meant.
    pub(super) fn is_for_the_card(&self) -> bool {
        let class_2 = matches!(self.coding, 0x16 | 0xF6);
        self.protocol == DATA_DOWNLOAD && class_2
    }
}

impl Part {
    fn new(reference: u16, of: u8, number: u8) -> Option<Part> {
        (1..=of).contains(&number).then_some(Part {
            reference,
            of,
            number,
        })
    }
}

/// SMS-SUBMITs that carry a response packet.
pub(super) struct Submit;

impl Submit {
    /// Octets of a response packet, its header element included, that are sent:
    /// five messages.
    pub(super) const MAX_RESPONSE: usize = 600;

    /// The messages to the sender of the command. `packet` begins with the
    /// header of user data that names it, as a report has it.
    pub(super) fn of(to: &[u8], packet: &[u8], reference: u8) -> Vec<Vec<u8>> {
        if packet.len() <= MAX_USER_DATA {
            return Vec::from([submit(to, packet)]);
        }
        let packet = packet.get(3..).unwrap_or_default();
        let first = packet.len().min(MAX_USER_DATA - 8);
        let (first, rest) = packet.split_at_checked(first).unwrap_or((packet, &[]));
        let others = rest.chunks(MAX_USER_DATA - 6);
        let of = u8::try_from(others.len() + 1).unwrap_or(u8::MAX);
        let mut header = Vec::from([7, CONCATENATED, 3, reference, of, 1, RESPONSE_PACKET, 0]);
        header.extend_from_slice(first);
        let mut messages = Vec::from([submit(to, &header)]);
        for (number, part) in (2..).zip(others) {
            let mut data = Vec::from([5, CONCATENATED, 3, reference, of, number]);
            data.extend_from_slice(part);
            messages.push(submit(to, &data));
        }
        messages
    }
}

/// An SMS-SUBMIT whose user data begin with a header.
fn submit(to: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::from([SUBMIT | HAS_HEADER, 0]);
    out.extend_from_slice(to);
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
    out.extend_from_slice(&[0, EIGHT_BITS, length]);
    out.extend_from_slice(data);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn a_message_with_a_command_packet() {
        let tpdu = hex("400881214365877FF6227052000000000502700001 02"
            .replace(' ', "")
            .as_str());
        let message = Deliver::of_tpdu(&tpdu).unwrap();
        assert_eq!(message.originator, hex("088121436587"));
        assert!(message.is_for_the_card() && message.is_command);
        assert_eq!((message.part, message.data), (None, &[1, 2][..]));
        for cut in 0..tpdu.len() {
            assert!(Deliver::of_tpdu(&tpdu[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn parts_and_what_are_none() {
        let message = |header: &str| {
            let header = hex(header);
            let mut tpdu = hex("4008812143658777F622705200000000");
            tpdu.push(header.len() as u8);
            tpdu.extend(header);
            Deliver::of_tpdu(&tpdu).map(|message| (message.part, message.is_command))
        };
        let part = |reference, of, number| {
            Some(Part {
                reference,
                of,
                number,
            })
        };
        assert_eq!(message("050003AA0201"), Some((part(0xAA, 2, 1), false)));
        assert_eq!(
            message("0808040102030370 00".replace(' ', "").as_str()),
            Some((part(0x0102, 3, 3), true))
        );
        for wrong in [
            "050003AA0203",
            "050003AA0200",
            "050003AA0000",
            "0400020201",
            "05000301",
        ] {
            assert_eq!(message(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_long_response_goes_in_parts_that_fit() {
        let packet: Vec<u8> = [2, 0x71, 0]
            .into_iter()
            .chain((0..300).map(|n| n as u8))
            .collect();
        let parts = Submit::of(&hex("088121436587"), &packet, 9);
        assert_eq!(parts.len(), 3);
        let whole: Vec<u8> = parts
            .iter()
            .enumerate()
            .flat_map(|(at, part)| {
                let data = &part[11..];
                assert_eq!(usize::from(part[10]), data.len());
                assert!(data.len() <= MAX_USER_DATA);
                assert_eq!(data[1..6], [0, 3, 9, 3, at as u8 + 1]);
                data[usize::from(data[0]) + 1..].to_vec()
            })
            .collect();
        assert_eq!(whole, packet[3..]);
    }
}
