//! Response packets: is it the card's answer to this command, and what does it
//! say.

use rsp_crypto::Provider;

use super::command_packet::{OtaKeys, Proof};

/// The user data header that names a response packet.
const USER_DATA_HEADER: [u8; 3] = [0x02, 0x71, 0x00];
/// Octets of RPL, RHL and TAR, which are never ciphered.
const CLEAR: usize = 6;
/// Octets of the header from TAR to the status.
const HEADER: usize = 10;

/// What a card answers to a command packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOfReceipt {
    /// Whose answer it is.
    pub tar: [u8; 3],
    /// Of the command.
    pub counter: u64,
    /// Response status code (ETSI TS 102 225 table 5).
    pub status: u8,
    /// Responses to the commands; empty unless the status is 0.
    pub data: Vec<u8>,
    /// Whether a checksum was there, and right.
    pub is_authentic: bool,
}

/// Why octets are no proof of receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProof {
    /// They have not the form.
    #[error("no response packet")]
    Malformed,
    /// The checksum is wrong.
    #[error("the checksum of the response is wrong")]
    Checksum,
}

impl ProofOfReceipt {
    /// Reads the answer to a command that asked for `proof`. What asks for
    /// protection and comes without is taken as a card's word before it knew
    /// the sender: it is marked as not authentic.
    ///
    /// # Errors
    /// If it is malformed or its checksum does not fit.
    pub fn read(
        octets: &[u8],
        keys: &OtaKeys,
        proof: Proof,
        provider: &dyn Provider,
    ) -> Result<ProofOfReceipt, InvalidProof> {
        let packet = octets.strip_prefix(&USER_DATA_HEADER);
        let packet = packet.ok_or(InvalidProof::Malformed)?;
        let (clear, rest) = packet
            .split_at_checked(CLEAR)
            .ok_or(InvalidProof::Malformed)?;
        let [high, low, header_length, tar @ ..] = clear else {
            return Err(InvalidProof::Malformed);
        };
        let checksum_length = usize::from(*header_length).checked_sub(HEADER);
        let checksum_length = checksum_length.ok_or(InvalidProof::Malformed)?;
        if usize::from(u16::from_be_bytes([*high, *low])) != packet.len() - 2 {
            return Err(InvalidProof::Malformed);
        }
        let mut rest = rest.to_vec();
        let is_protected = checksum_length > 0 || !proof.checksum;
        if proof.ciphered && is_protected {
            let deciphered = provider.aes128_cbc_decrypt(&keys.ciphering, &[0; 16], &mut rest);
            deciphered.map_err(|_| InvalidProof::Malformed)?;
        }
        let (header, rest) = rest.split_at_checked(7).ok_or(InvalidProof::Malformed)?;
        let (checksum, data) = rest
            .split_at_checked(checksum_length)
            .ok_or(InvalidProof::Malformed)?;
        if checksum_length > 0 {
            let parts = [&USER_DATA_HEADER, clear, header, data];
            let right = provider.aes128_cmac(&keys.checksum, &parts);
            if !right.starts_with(checksum) {
                return Err(InvalidProof::Checksum);
            }
        }
        let [counter @ .., padding, status] = header else {
            return Err(InvalidProof::Malformed);
        };
        let length = data.len().checked_sub(usize::from(*padding));
        let data = length.and_then(|length| data.get(..length));
        Ok(ProofOfReceipt {
            tar: <[u8; 3]>::try_from(tar).map_err(|_| InvalidProof::Malformed)?,
            counter: counter
                .iter()
                .fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
            status: *status,
            data: data.ok_or(InvalidProof::Malformed)?.to_vec(),
            is_authentic: checksum_length > 0,
        })
    }
}
