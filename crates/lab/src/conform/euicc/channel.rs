//! APDUs as hosts send them (SGP.22 5.7.2).

use rsp_asn1::Asn1;
use rsp_asn1::rsp::NotificationSentResponse;

use super::bench::Bench;
use crate::conform::case::{Check, Stop, fail, same};
use crate::conform::der::hex;

impl Bench {
    /// One APDU; data and status word.
    pub(super) fn apdu(&mut self, apdu: &[u8]) -> Check<(Vec<u8>, u16)> {
        let mut data = self.card.transmit(apdu).map_err(Stop::Failed)?;
        match (data.pop(), data.pop()) {
            (Some(low), Some(high)) => Ok((data, u16::from_be_bytes([high, low]))),
            _ => fail("a response without status word"),
        }
    }

    /// TERMINAL CAPABILITY, a logical channel, the ISD-R; gives its FCI.
    pub(super) fn open(&mut self) -> Check<Vec<u8>> {
        self.apdu(&hex("80AA000005A903830107"))?;
        let (number, status) = self.apdu(&hex("0070000001"))?;
        same("MANAGE CHANNEL", status, 0x9000)?;
        self.channel = number.first().copied().unwrap_or(1);
        let mut select = vec![self.channel, 0xA4, 4, 4, 0x10];
        select.extend(hex("A0000005591010FFFFFFFF8900000100"));
        let first = self.apdu(&select)?;
        let (fci, status) = self.collect(first)?;
        same("SELECT ISD-R", status, 0x9000)?;
        Ok(fci)
    }

    /// Reads what waits behind '61xx'.
    pub(super) fn collect(&mut self, first: (Vec<u8>, u16)) -> Check<(Vec<u8>, u16)> {
        let (mut data, mut status) = first;
        while status >> 8 == 0x61 {
            let get = [self.channel, 0xC0, 0, 0, status as u8];
            let (piece, next) = self.apdu(&get)?;
            if piece.is_empty() && next >> 8 == 0x61 {
                return fail("GET RESPONSE gives nothing and promises more");
            }
            data.extend(piece);
            status = next;
        }
        Ok((data, status))
    }

    /// A command in blocks of so many octets; what the last is answered with.
    pub(super) fn store(&mut self, command: &[u8], block: usize) -> Check<(Vec<u8>, u16)> {
        let blocks: Vec<_> = command.chunks(block).collect();
        let mut answer = (Vec::new(), 0x9000);
        for (number, block) in blocks.iter().enumerate() {
            let last = number + 1 == blocks.len();
            let p1 = if last { 0x91 } else { 0x11 };
            let class = 0x80 | self.channel;
            let mut apdu = vec![class, 0xE2, p1, number as u8, block.len() as u8];
            apdu.extend_from_slice(block);
            answer = self.apdu(&apdu)?;
            if !last && answer.1 != 0x9000 {
                return Ok(answer);
            }
        }
        Ok(answer)
    }

    /// An ES10 function, as data and status word.
    pub(super) fn function(&mut self, command: &[u8]) -> Check<(Vec<u8>, u16)> {
        let first = self.store(command, 255)?;
        let (data, status) = self.collect(first)?;
        if status >> 8 == 0x91 {
            self.refresh(status as u8)?;
            return Ok((data, 0x9000));
        }
        Ok((data, status))
    }

    /// An ES10 function that the card must know.
    pub(super) fn es10(&mut self, command: &[u8]) -> Check<Vec<u8>> {
        let (data, status) = self.function(command)?;
        let name = command.iter().take(2).map(|octet| format!("{octet:02X}"));
        let name: String = name.collect();
        same(&format!("the status word of {name}"), status, 0x9000)?;
        Ok(data)
    }

    /// The terminal does what the card asks for, then begins anew.
    fn refresh(&mut self, length: u8) -> Check {
        self.apdu(&[0x80, 0x12, 0, 0, length])?;
        self.apdu(&hex("801400000C810301010482028281830100"))?;
        self.power_cycle()
    }

    /// RemoveNotificationFromList; gives its code.
    pub(super) fn remove(&mut self, number: i64) -> Check<i64> {
        let request = rsp_asn1::rsp::NotificationSentRequest {
            seq_number: number,
            extensions: Default::default(),
        };
        let answer = NotificationSentResponse::from_der(&self.es10(&request.to_der())?)?;
        Ok(answer.delete_notification_status.0)
    }
}
