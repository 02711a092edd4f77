//! Response packets, the proof of receipt (ETSI TS 102 225 5.2 in the form of
//! 3GPP TS 31.115 4.3).

use alloc::vec::Vec;

use rsp_crypto::Provider;

use super::keys::Keys;
use super::secured_packet::{NO_CHAINING, ResponseSecurity};

/// Header of the user data that says that a response packet follows; the
/// checksum is over it as well.
const USER_DATA_HEADER: [u8; 3] = [0x02, 0x71, 0x00];
/// Octets of the header from TAR to the status, which RHL counts.
const HEADER: usize = 10;
/// Octets from CNTR to the status, which are ciphered with what follows.
const CIPHERED_HEADER: usize = 7;
const BLOCK: usize = 16;

/// Octets that a packet has beyond its data, at most.
pub(super) const OVERHEAD: usize = 3 + 3 + HEADER + 8 + BLOCK;

/// Response status codes (TS 102 225 table 5, TS 31.115 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketStatus {
    PorOk = 0x00,
    /// RC/CC/DS failed.
    ChecksumFailed = 0x01,
    CounterLow = 0x02,
    CounterHigh = 0x03,
    CounterBlocked = 0x04,
    CipheringError = 0x05,
    UnidentifiedSecurityError = 0x06,
    TarUnknown = 0x09,
    InsufficientSecurityLevel = 0x0A,
    /// The response itself comes in an SMS-SUBMIT.
    SentBySubmit = 0x0B,
}

/// What is answered, before protection.
pub(super) struct Answer<'a> {
    pub(super) tar: [u8; 3],
    /// Of the command; 0 if it is not known.
    pub(super) counter: u64,
    pub(super) status: PacketStatus,
    pub(super) data: &'a [u8],
}

impl Answer<'_> {
    /// The packet without protection, as user data.
    pub(super) fn plain(&self) -> Vec<u8> {
        self.packet(0, &[], 0)
    }

    /// The packet as SPI asks for it.
    pub(super) fn protected(
        &self,
        security: ResponseSecurity,
        keys: &Keys,
        provider: &dyn Provider,
    ) -> Vec<u8> {
        let checksum_length = match security.authentication() {
            0 => 0,
            _ => keys.checksum_length(),
        };
        let ciphering = keys.ciphering.as_ref().filter(|_| security.is_ciphered());
        let padding = match ciphering {
            Some(_) => {
                let length = CIPHERED_HEADER + checksum_length + self.data.len();
                length.next_multiple_of(BLOCK) - length
            }
            None => 0,
        };
        let mut checksum = Vec::new();
        if checksum_length > 0 {
            // Its own octets are not under the checksum, their number is.
            let packet = self.packet(checksum_length, &[], padding);
            checksum = keys.checksum(provider, &[&packet]);
        }
        let mut packet = self.packet(checksum_length, &checksum, padding);
        if let Some(key) = ciphering {
            let clear = USER_DATA_HEADER.len() + 3 + 3;
            if let Some(ciphered) = packet.get_mut(clear..) {
                // Padded, so that it cannot fail.
                let _ = provider.aes128_cbc_encrypt(key, &NO_CHAINING, ciphered);
            }
        }
        packet
    }

    /// The packet for a checksum of so many octets, with these in its place.
    fn packet(&self, checksum_length: usize, checksum: &[u8], padding: usize) -> Vec<u8> {
        let header = HEADER + checksum_length;
        let length = 1 + header + self.data.len() + padding;
        let mut out = Vec::from(USER_DATA_HEADER);
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.push(header as u8);
        out.extend(self.tar);
        let [_, _, _, counter @ ..] = self.counter.to_be_bytes();
        out.extend(counter);
        out.push(padding as u8);
        out.push(self.status as u8);
        out.extend(checksum);
        out.extend(self.data);
        out.resize(out.len() + padding, 0);
        out
    }
}
