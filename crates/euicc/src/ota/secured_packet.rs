//! Command packets (ETSI TS 102 225 5.1 in the form of 3GPP TS 31.115 4.2).

use alloc::vec::Vec;

use rsp_crypto::Provider;

use super::keys::Keys;
use super::response_packet::PacketStatus;

/// Octets of the header from SPI to PCNTR, which CHL counts.
const HEADER: usize = 13;
/// Octets of the header that are never ciphered: CPL, CHL, SPI, KIc, KID, TAR.
const CLEAR: usize = 10;
const COUNTER: usize = 5;
const BLOCK: usize = 16;
/// Chaining starts at zero (TS 102 225 5.1.2).
pub(super) const NO_CHAINING: [u8; BLOCK] = [0; BLOCK];

/// The first octet of SPI: how the command is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandSecurity(pub(super) u8);

impl CommandSecurity {
    /// 0 nothing, 1 redundancy check, 2 cryptographic checksum, 3 signature.
    pub(super) fn authentication(self) -> u8 {
        self.0 & 0x03
    }

    pub(super) fn is_ciphered(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// 0 none, 1 not looked at, 2 higher, 3 one higher.
    pub(super) fn counter(self) -> u8 {
        self.0 >> 3 & 0x03
    }
}

/// The second octet of SPI: whether there is an answer, and how protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResponseSecurity(pub(super) u8);

impl ResponseSecurity {
    /// Whether a status is answered.
    pub(super) fn is_wanted(self, status: PacketStatus) -> bool {
        match self.0 & 0x03 {
            1 => true,
            2 => status != PacketStatus::PorOk,
            _ => false,
        }
    }

    /// As [`CommandSecurity::authentication`].
    pub(super) fn authentication(self) -> u8 {
        self.0 >> 2 & 0x03
    }

    pub(super) fn is_ciphered(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// Whether it comes as a message of its own and not in the report.
    pub(super) fn by_submit(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// A command packet whose protection has not been looked at.
#[derive(Debug)]
pub(super) struct CommandPacket<'a> {
    pub(super) command: CommandSecurity,
    pub(super) response: ResponseSecurity,
    pub(super) kic: u8,
    pub(super) kid: u8,
    pub(super) tar: [u8; 3],
    clear: &'a [u8],
    /// From CNTR on, ciphered if SPI says so.
    rest: &'a [u8],
    /// Octets of RC/CC/DS.
    checksum: usize,
}

/// What an authentic packet says.
pub(super) struct Opened {
    pub(super) counter: u64,
    /// The commands.
    pub(super) data: Vec<u8>,
}

impl<'a> CommandPacket<'a> {
    /// Takes the header apart; `None` if it is none.
    pub(super) fn read(packet: &'a [u8]) -> Option<CommandPacket<'a>> {
        let (clear, rest) = packet.split_at_checked(CLEAR)?;
        let [high, low, header_length, spi1, spi2, kic, kid, tar @ ..] = clear else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let checksum = usize::from(*header_length).checked_sub(HEADER)?;
        if length != packet.len() - 2 || rest.len() < COUNTER + 1 + checksum {
            return None;
        }
        Some(CommandPacket {
            command: CommandSecurity(*spi1),
            response: ResponseSecurity(*spi2),
            kic: *kic,
            kid: *kid,
            tar: <[u8; 3]>::try_from(tar).ok()?,
            clear,
            rest,
            checksum,
        })
    }

    /// Deciphers and authenticates.
    ///
    /// # Errors
    /// The status for the response, without which nothing of the packet counts.
    pub(super) fn open(
        &self,
        keys: &Keys,
        provider: &dyn Provider,
    ) -> Result<Opened, PacketStatus> {
        let mut rest = self.rest.to_vec();
        if self.command.is_ciphered() {
            let key = keys
                .ciphering
                .as_ref()
                .ok_or(PacketStatus::CipheringError)?;
            let deciphered = provider.aes128_cbc_decrypt(key, &NO_CHAINING, &mut rest);
            deciphered.map_err(|_| PacketStatus::CipheringError)?;
        }
        let broken = PacketStatus::UnidentifiedSecurityError;
        let (counters, rest) = rest.split_at_checked(COUNTER + 1).ok_or(broken)?;
        let (checksum, data) = rest.split_at_checked(self.checksum).ok_or(broken)?;
        if !keys.verify(provider, &[self.clear, counters, data], checksum) {
            return Err(PacketStatus::ChecksumFailed);
        }
        let (padding, counter) = counters.split_last().ok_or(broken)?;
        let padding = usize::from(*padding);
        if padding >= BLOCK || (padding > 0 && !self.command.is_ciphered()) {
            return Err(broken);
        }
        let length = data.len().checked_sub(padding).ok_or(broken)?;
        let counter = counter
            .iter()
            .fold(0, |counter, octet| counter << 8 | u64::from(*octet));
        Ok(Opened {
            counter,
            data: data.get(..length).unwrap_or_default().to_vec(),
        })
    }
}
