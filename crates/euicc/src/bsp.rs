//! Profile protection, receiving side: SCP03t with session keys from key
//! agreement (SGP.22 2.6.4, Annex G).

use alloc::vec::Vec;

use rsp_asn1::ids::Eid;
use rsp_asn1::{Tag, Tlv};
use rsp_crypto::{CryptoError, Provider, SharedSecret, kdf};
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 16;
const MAC_LENGTH: usize = 8;
const PADDING_START: u8 = 0x80;

/// Why a segment could not be opened; both end the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SegmentError {
    /// The segment has not the form of its kind.
    Structure,
    /// The MAC does not fit.
    Security,
}

/// An open channel: keys, MAC chaining value and block counter.
pub(crate) struct SecureChannel {
    s_enc: [u8; BLOCK],
    s_mac: [u8; BLOCK],
    chaining: [u8; BLOCK],
    counter: u32,
}

impl Drop for SecureChannel {
    fn drop(&mut self) {
        self.s_enc.zeroize();
        self.s_mac.zeroize();
        self.chaining.zeroize();
    }
}

impl SecureChannel {
    /// Session keys from the agreed secret (SGP.22 2.6.4.2): 48 bytes of X9.63
    /// with key type, key length, host identifier and EID as shared info.
    pub(crate) fn agree(
        provider: &dyn Provider,
        secret: &SharedSecret,
        host_id: &[u8],
        eid: &Eid,
    ) -> Result<SecureChannel, CryptoError> {
        let length = u8::try_from(host_id.len()).map_err(|_| CryptoError::InvalidLength {
            what: "hostId",
            expected: "1 to 16",
            actual: host_id.len(),
        })?;
        let mut info = Vec::from([0x88, 0x10, length]);
        info.extend_from_slice(host_id);
        info.push(0x10);
        info.extend_from_slice(eid.as_bytes());
        let mut keys = Zeroizing::new([0u8; 3 * BLOCK]);
        kdf::x963_sha256(provider, secret, &info, keys.as_mut())?;
        let (blocks, _) = keys.as_chunks::<BLOCK>();
        let mut blocks = blocks.iter().copied();
        let mut next = || blocks.next().unwrap_or_default();
        let (chaining, s_enc, s_mac) = (next(), next(), next());
        Ok(SecureChannel::with_keys(chaining, s_enc, s_mac))
    }

    /// With keys of a ReplaceSessionKeys message (SGP.22 5.5.4).
    pub(crate) fn with_keys(
        chaining: [u8; BLOCK],
        s_enc: [u8; BLOCK],
        s_mac: [u8; BLOCK],
    ) -> SecureChannel {
        SecureChannel {
            s_enc,
            s_mac,
            chaining,
            counter: 1,
        }
    }

    /// Opens a segment that is encrypted and MACed ('86', '87').
    pub(crate) fn open(
        &mut self,
        provider: &dyn Provider,
        tag: u32,
        segment: &[u8],
    ) -> Result<Vec<u8>, SegmentError> {
        let counter = self.counter;
        let mut data = self.check(provider, tag, segment)?;
        let mut icv = [0; BLOCK];
        for (to, from) in icv.iter_mut().rev().zip(counter.to_le_bytes()) {
            *to = from;
        }
        provider.aes128_encrypt_block(&self.s_enc, &mut icv);
        provider
            .aes128_cbc_decrypt(&self.s_enc, &icv, &mut data)
            .map_err(|_| SegmentError::Structure)?;
        let end = data.iter().rposition(|octet| *octet != 0);
        match end {
            Some(end) if data.get(end) == Some(&PADDING_START) => data.truncate(end),
            _ => return Err(SegmentError::Structure),
        }
        Ok(data)
    }

    /// Opens a segment that is MACed only ('88').
    pub(crate) fn open_mac_only(
        &mut self,
        provider: &dyn Provider,
        tag: u32,
        segment: &[u8],
    ) -> Result<Vec<u8>, SegmentError> {
        self.check(provider, tag, segment)
    }

    /// Checks form and MAC, and gives the data without the MAC. The MAC is over
    /// tag and length as received.
    fn check(
        &mut self,
        provider: &dyn Provider,
        tag: u32,
        segment: &[u8],
    ) -> Result<Vec<u8>, SegmentError> {
        let tlv = Tlv::parse(segment).map_err(|_| SegmentError::Structure)?;
        let data_length = tlv.value.len().checked_sub(MAC_LENGTH);
        let macked_length = segment.len().checked_sub(MAC_LENGTH);
        let (Some(data_length), Some(macked_length)) = (data_length, macked_length) else {
            return Err(SegmentError::Structure);
        };
        if tlv.tag != Tag::new(tag) {
            return Err(SegmentError::Structure);
        }
        let (macked, mac) = segment
            .split_at_checked(macked_length)
            .ok_or(SegmentError::Structure)?;
        let full = provider.aes128_cmac(&self.s_mac, &[&self.chaining, macked]);
        let difference = full
            .iter()
            .zip(mac)
            .fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        if difference != 0 {
            return Err(SegmentError::Security);
        }
        self.chaining = full;
        self.counter = self.counter.wrapping_add(1);
        Ok(tlv.value.get(..data_length).unwrap_or_default().to_vec())
    }
}
