//! ES10 functions over APDUs (SGP.22 5.7.2, SGP.32 3.8).

use alloc::vec::Vec;

use rsp_asn1::sgp32::IsdrProprietaryApplicationTemplateIot;
use rsp_asn1::{Asn1, Tlv};

use super::IpaError;
use super::emulation::StandIn;
use super::port::Port;

/// ISD-R (SGP.22 annex B).
const ISD_R: [u8; 16] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00,
];

/// TERMINAL CAPABILITY: the device has an LPAd, here an IPAd (SGP.22 3.4.2).
const TERMINAL_CAPABILITY: [u8; 10] = [0x80, 0xAA, 0, 0, 5, 0xA9, 3, 0x83, 1, 7];

/// Octets of a response that are collected at most.
const MAX_RESPONSE: usize = 64 * 1024;

/// STORE DATA, more blocks and last block.
const P1_MORE: u8 = 0x11;
const P1_LAST: u8 = 0x91;

/// An open logical channel to the ISD-R.
pub(super) struct Channel<'a> {
    port: &'a Port,
    number: u8,
    block_size: usize,
    /// Whether the ISD-R calls itself that of an eUICC for IoT (SGP.32 5.9.1).
    iot: bool,
    /// What answers for an eUICC that has no functions for an eIM.
    pub(super) stand_in: Option<StandIn<'a>>,
}

impl<'a> Channel<'a> {
    /// Opens a channel and selects the ISD-R.
    pub(super) async fn open(port: &'a Port, block_size: u8) -> Result<Self, IpaError> {
        // Cards that do not know the command go on without it.
        exchange(port, TERMINAL_CAPABILITY.to_vec()).await?;
        let (data, status) = exchange(port, alloc::vec![0x00, 0x70, 0x00, 0x00, 0x01]).await?;
        expect_success(status, "MANAGE CHANNEL")?;
        let mut channel = Channel {
            port,
            // Some cards answer nothing: the channel is then 1.
            number: data.first().copied().unwrap_or(1),
            block_size: usize::from(block_size.max(6)),
            iot: false,
            stand_in: None,
        };
        match channel.select_isdr().await {
            Ok(information) => {
                channel.iot = has_iot_template(&information);
                Ok(channel)
            }
            Err(error) => {
                // A channel left open is one fewer for the next rounds.
                channel.close().await;
                Err(error)
            }
        }
    }

    /// Whether the eUICC says that it is one for IoT; some that are do not.
    pub(super) fn is_iot(&self) -> bool {
        self.iot
    }

    /// Whether something answers in the eUICC's place.
    pub(super) fn is_emulated(&self) -> bool {
        self.stand_in.is_some()
    }

    /// Gives the file control information.
    async fn select_isdr(&self) -> Result<Vec<u8>, IpaError> {
        let mut select = alloc::vec![self.class(0x00), 0xA4, 0x04, 0x00, 16];
        select.extend_from_slice(&ISD_R);
        let (information, status) = self.collect(select).await?;
        expect_success(status, "SELECT ISD-R")?;
        Ok(information)
    }

    /// Closes the channel.
    pub(super) async fn close(self) {
        let close = alloc::vec![0x00, 0x70, 0x80, self.number, 0x00];
        // If the card has closed it already, there is nothing to be done.
        let _ = exchange(self.port, close).await;
    }

    /// Calls an ES10 function.
    pub(super) async fn call<R: Asn1>(
        &self,
        command: &'static str,
        request: &impl Asn1,
    ) -> Result<R, IpaError> {
        let answer = self.send(command, &request.to_der()).await?;
        R::from_der(&answer).map_err(|error| IpaError::CardAnswer { command, error })
    }

    /// Sends the bytes of a function or of a segment and gives what the card
    /// answers, which may be nothing.
    pub(super) async fn send(
        &self,
        command: &'static str,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        match &self.stand_in {
            Some(stand_in) => stand_in.send(self, command, bytes).await,
            None => self.transmit(command, bytes).await,
        }
    }

    /// As [`Channel::send`], to the card itself.
    pub(super) async fn transmit(
        &self,
        command: &'static str,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        let blocks = bytes.chunks(self.block_size);
        let last = blocks.len().saturating_sub(1);
        for (index, block) in blocks.enumerate() {
            let p1 = if index == last { P1_LAST } else { P1_MORE };
            let number = u8::try_from(index)
                .map_err(|_| IpaError::Protocol("a command needs more than 255 blocks"))?;
            let mut apdu = alloc::vec![self.class(0x80), 0xE2, p1, number, block.len() as u8];
            apdu.extend_from_slice(block);
            let (data, status) = self.collect(apdu).await?;
            expect_success(status, command)?;
            if index == last || !data.is_empty() {
                return Ok(data);
            }
        }
        Ok(Vec::new())
    }

    /// One command with all of its response, which the card gives in pieces.
    async fn collect(&self, command: Vec<u8>) -> Result<(Vec<u8>, u16), IpaError> {
        let (mut data, mut status) = exchange(self.port, command).await?;
        while status >> 8 == 0x61 {
            let length = (status & 0xFF) as u8;
            let get_response = alloc::vec![self.class(0x00), 0xC0, 0x00, 0x00, length];
            let (more, next) = exchange(self.port, get_response).await?;
            if more.is_empty() || data.len() + more.len() > MAX_RESPONSE {
                return Err(IpaError::CardConfused("gives a response without end"));
            }
            data.extend_from_slice(&more);
            status = next;
        }
        Ok((data, status))
    }

    /// The class with the channel in it: two bits for the first four channels,
    /// the further interindustry form for the others (ETSI TS 102 221 10.1.1).
    fn class(&self, class: u8) -> u8 {
        match self.number {
            number @ 0..4 => class | number,
            number => class | 0x40 | (number - 4) & 0x0F,
        }
    }
}

/// What only an eUICC for IoT says of itself, in the file control information.
fn has_iot_template(information: &[u8]) -> bool {
    let Ok(template) = Tlv::parse(information) else {
        return false;
    };
    let mut reader = template.reader();
    while let Ok(member) = reader.tlv() {
        if IsdrProprietaryApplicationTemplateIot::accepts(member.tag) {
            return true;
        }
    }
    false
}

/// Data and status word of one command. A card that wants another Le is asked
/// again with it (ISO 7816-3, '6Cxx').
async fn exchange(port: &Port, command: Vec<u8>) -> Result<(Vec<u8>, u16), IpaError> {
    let header = command
        .get(..4)
        .filter(|_| command.len() == 5)
        .map(<[u8]>::to_vec);
    let answer = exchange_once(port, command).await?;
    match (header, answer.1.to_be_bytes()) {
        (Some(mut again), [0x6C, length]) => {
            again.push(length);
            exchange_once(port, again).await
        }
        _ => Ok(answer),
    }
}

async fn exchange_once(port: &Port, command: Vec<u8>) -> Result<(Vec<u8>, u16), IpaError> {
    let mut response = port.apdu(command).await.map_err(IpaError::Card)?;
    match (response.pop(), response.pop()) {
        (Some(sw2), Some(sw1)) => Ok((response, u16::from_be_bytes([sw1, sw2]))),
        _ => Err(IpaError::CardConfused("answered less than a status word")),
    }
}

/// '9000', or '91xx': done, and a proactive command waits.
fn expect_success(status: u16, command: &'static str) -> Result<(), IpaError> {
    match status >> 8 {
        0x90 | 0x91 => Ok(()),
        _ => Err(IpaError::StatusWord { status, command }),
    }
}
