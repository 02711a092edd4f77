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

#[cfg(test)]
mod tests {
    use super::*;
    use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
    use rsp_crypto::{Curve, EckaKey};

    const FIRST_87: &str = "871846CE1FA08D65C6720FF1263D3A454B22FB9C8F02D37CAE2E";
    const FIRST_88: &str = "8821BF25165A0A980103000000000000109102535092044E616D659F334AD3F411F591";
    const SECOND_87: &str = "8748F80B9716CDA20DC5862798EC0467AF28E33351356D273B0DA1EEEC0E48305E11DF\
        52B322DF37616F207CE40C14A8C7CC22DC8A6F5445C0C9BAD5B85E90AC77FAA99A405DBBC1AF07";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|d| d as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex(text).try_into().unwrap()
    }

    /// The published session, seen from the card: its own one-time key.
    fn channel() -> SecureChannel {
        let own = SoftwareKey::from_scalar(Curve::NistP256, &[0x11; 32]).unwrap();
        let peer = SoftwareKey::from_scalar(Curve::NistP256, &[0x22; 32]).unwrap();
        let secret = own.agree(peer.public_key()).unwrap();
        let eid = "89049032123451234512345678901235".parse().unwrap();
        SecureChannel::agree(&SoftwareProvider, &secret, b"TESTHOST", &eid).unwrap()
    }

    #[test]
    fn published_session_keys() {
        let channel = channel();
        assert_eq!(channel.chaining, array("ECE9D37193E87CB89A1AB4FD88DC11DD"));
        assert_eq!(channel.s_enc, array("AE7589267D08624E3F7680C76E964995"));
        assert_eq!(channel.s_mac, array("FCFCB742FE282FCA37F06CFD79FA719A"));
    }

    #[test]
    fn published_segments_open_in_order() {
        let mut channel = channel();
        let plain = channel
            .open(&SoftwareProvider, 0x87, &hex(FIRST_87))
            .unwrap();
        assert_eq!(plain, hex("BF2400"));
        assert_eq!(channel.chaining, array("FB9C8F02D37CAE2EF5D19EBA95E414AF"));
        let plain = channel
            .open_mac_only(&SoftwareProvider, 0x88, &hex(FIRST_88))
            .unwrap();
        assert_eq!(
            plain,
            hex("BF25165A0A980103000000000000109102535092044E616D65")
        );
        assert_eq!(channel.chaining, array("9F334AD3F411F591B7451F46AE85EB13"));
        let plain = channel
            .open(&SoftwareProvider, 0x87, &hex(SECOND_87))
            .unwrap();
        assert!(plain.starts_with(&hex("BF2636801022222222")));
        assert_eq!(plain.len(), 0x39);
    }

    #[test]
    fn one_changed_bit_is_a_security_error_and_another_form_a_structure_error() {
        for at in 2..hex(FIRST_87).len() {
            let mut changed = hex(FIRST_87);
            changed[at] ^= 0x01;
            let refused = channel().open(&SoftwareProvider, 0x87, &changed);
            assert_eq!(refused, Err(SegmentError::Security));
        }
        let mut channel = channel();
        for wrong in [
            &[][..],
            &[0x87, 0],
            &[0x87, 7, 1, 2, 3, 4, 5, 6, 7],
            &hex(FIRST_88),
        ] {
            let refused = channel.open(&SoftwareProvider, 0x87, wrong);
            assert_eq!(refused, Err(SegmentError::Structure));
        }
    }

    #[test]
    fn a_repeated_segment_does_not_open_twice() {
        let mut channel = channel();
        channel
            .open(&SoftwareProvider, 0x87, &hex(FIRST_87))
            .unwrap();
        let refused = channel.open(&SoftwareProvider, 0x87, &hex(FIRST_87));
        assert_eq!(refused, Err(SegmentError::Security));
    }
}
