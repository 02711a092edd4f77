//! Profile protection with SCP03t: the sending side, which is the SM-DP+
//! (SGP.22 2.6.4, Annex G). Receiving belongs to the card.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroize;

use crate::{CryptoError, Provider, SharedSecret, kdf};

/// Key type of the session keys: AES (SGP.22 5.5.1, `controlRefTemplate`).
pub const KEY_TYPE_AES: u8 = 0x88;
/// Length of each session key in bytes (SGP.22 5.5.1, `controlRefTemplate`).
pub const KEY_LENGTH: u8 = 16;
/// Longest segment in bytes, with tag, length and MAC (SGP.22 2.5.4).
pub const MAX_SEGMENT: usize = 1020;
/// Longest plaintext of one encrypted segment in bytes: the padding takes at
/// least one of the 1008 that 63 blocks hold.
pub const MAX_ENCRYPTED_PLAINTEXT: usize = 1007;
/// Longest data of one segment with a MAC only, in bytes.
pub const MAX_MAC_ONLY: usize = 1008;

const MAC_LENGTH: usize = 8;
const BLOCK: usize = 16;
const PADDING_START: u8 = 0x80;

/// The keys of one secure channel (SGP.22 2.6.4). Wiped when dropped.
#[derive(Clone)]
pub struct SessionKeys {
    mac_chaining: [u8; 16],
    s_enc: [u8; 16],
    s_mac: [u8; 16],
}

impl SessionKeys {
    /// Derives the keys from the agreed secret, with SharedInfo
    /// `88 || 10 || LV(host_id) || LV(eid)` (SGP.22 Annex G). `host_id` is the
    /// one of the `controlRefTemplate`, `eid` the 16 bytes of the EID.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] unless `host_id` has 1 to 16 bytes.
    pub fn derive(
        provider: &dyn Provider,
        secret: &SharedSecret,
        host_id: &[u8],
        eid: &[u8; 16],
    ) -> Result<SessionKeys, CryptoError> {
        let host_id_length = match u8::try_from(host_id.len()) {
            Ok(length @ 1..=16) => length,
            _ => {
                return Err(CryptoError::InvalidLength {
                    what: "hostId",
                    expected: "1 to 16",
                    actual: host_id.len(),
                });
            }
        };
        let mut shared_info = Vec::with_capacity(36);
        shared_info.extend([KEY_TYPE_AES, KEY_LENGTH, host_id_length]);
        shared_info.extend_from_slice(host_id);
        shared_info.push(16);
        shared_info.extend_from_slice(eid);

        let mut material = [[0_u8; 16]; 3];
        kdf::x963_sha256(provider, secret, &shared_info, material.as_flattened_mut())?;
        let [mac_chaining, s_enc, s_mac] = material;
        material.zeroize();
        Ok(Self::from_parts(mac_chaining, s_enc, s_mac))
    }

    /// Takes the keys of a profile protected in advance, as ReplaceSessionKeys
    /// carries them: `initialMacChainingValue`, `ppkEnc`, `ppkCmac`
    /// (SGP.22 5.5.4).
    pub fn from_parts(mac_chaining: [u8; 16], s_enc: [u8; 16], s_mac: [u8; 16]) -> SessionKeys {
        SessionKeys {
            mac_chaining,
            s_enc,
            s_mac,
        }
    }

    /// The initial MAC chaining value.
    pub fn mac_chaining(&self) -> &[u8; 16] {
        &self.mac_chaining
    }

    /// S-ENC or PPK-ENC. Secret.
    pub fn s_enc(&self) -> &[u8; 16] {
        &self.s_enc
    }

    /// S-MAC or PPK-MAC. Secret.
    pub fn s_mac(&self) -> &[u8; 16] {
        &self.s_mac
    }
}

impl Drop for SessionKeys {
    fn drop(&mut self) {
        self.mac_chaining.zeroize();
        self.s_enc.zeroize();
        self.s_mac.zeroize();
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKeys([redacted])")
    }
}

/// Protects the segments of one Bound Profile Package in their order
/// (SGP.22 2.6.4).
pub struct Protector<'a> {
    provider: &'a dyn Provider,
    keys: SessionKeys,
    counter: u64,
}

impl<'a> Protector<'a> {
    /// A secure channel at its beginning: block counter 1.
    pub fn new(provider: &'a dyn Provider, keys: SessionKeys) -> Protector<'a> {
        Protector {
            provider,
            keys,
            counter: 1,
        }
    }

    /// Encrypts and authenticates one segment; returns the whole TLV
    /// `tag || length || ciphertext || MAC`.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] above [`MAX_ENCRYPTED_PLAINTEXT`]; the
    /// channel is then unchanged.
    pub fn encrypt(&mut self, tag: u8, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        check_length(
            "segment to encrypt",
            "at most 1007",
            plaintext,
            MAX_ENCRYPTED_PLAINTEXT,
        )?;
        let padded = (plaintext.len() / BLOCK + 1) * BLOCK;
        let mut tlv = header(tag, padded)?;
        let value = tlv.len();
        let end = value + padded;
        tlv.extend_from_slice(plaintext);
        tlv.push(PADDING_START);
        tlv.resize(end, 0);

        let icv = self.icv();
        let data = tlv.get_mut(value..).unwrap_or_default();
        self.provider
            .aes128_cbc_encrypt(&self.keys.s_enc, &icv, data)?;
        Ok(self.authenticate(tlv))
    }

    /// Authenticates one segment without encrypting it; returns the whole TLV
    /// `tag || length || data || MAC`. The block counter moves on as for an
    /// encrypted one.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] above [`MAX_MAC_ONLY`]; the channel is
    /// then unchanged.
    pub fn mac_only(&mut self, tag: u8, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        check_length(
            "segment to authenticate",
            "at most 1008",
            data,
            MAX_MAC_ONLY,
        )?;
        let mut tlv = header(tag, data.len())?;
        tlv.extend_from_slice(data);
        Ok(self.authenticate(tlv))
    }

    /// Splits a plaintext of any length into as few encrypted segments as
    /// possible, each one TLV; none for an empty plaintext.
    ///
    /// # Errors
    /// Those of [`Protector::encrypt`] that come from the provider.
    pub fn encrypt_all(&mut self, tag: u8, plaintext: &[u8]) -> Result<Vec<Vec<u8>>, CryptoError> {
        plaintext
            .chunks(MAX_ENCRYPTED_PLAINTEXT)
            .map(|part| self.encrypt(tag, part))
            .collect()
    }

    /// Splits data of any length into as few authenticated segments as
    /// possible, each one TLV; none for empty data.
    ///
    /// # Errors
    /// Those of [`Protector::mac_only`] that come from the provider.
    pub fn mac_only_all(&mut self, tag: u8, data: &[u8]) -> Result<Vec<Vec<u8>>, CryptoError> {
        data.chunks(MAX_MAC_ONLY)
            .map(|part| self.mac_only(tag, part))
            .collect()
    }

    /// Goes on with other keys after a ReplaceSessionKeys segment (SGP.22
    /// 5.5.4). The block counter restarts at 1, as the peers expect it.
    pub fn replace_keys(&mut self, keys: SessionKeys) {
        self.keys = keys;
        self.counter = 1;
    }

    /// The MAC chaining value the next segment starts from.
    pub fn mac_chaining(&self) -> &[u8; 16] {
        &self.keys.mac_chaining
    }

    /// The number of the next segment, from 1.
    pub fn block_counter(&self) -> u64 {
        self.counter
    }

    fn icv(&self) -> [u8; 16] {
        let mut block = u128::from(self.counter).to_be_bytes();
        self.provider
            .aes128_encrypt_block(&self.keys.s_enc, &mut block);
        block
    }

    /// Appends the MAC to tag, length and data, and moves the channel on.
    fn authenticate(&mut self, mut tlv: Vec<u8>) -> Vec<u8> {
        let full = self
            .provider
            .aes128_cmac(&self.keys.s_mac, &[&self.keys.mac_chaining, &tlv]);
        tlv.extend(full.iter().take(MAC_LENGTH));
        self.keys.mac_chaining = full;
        self.counter = self.counter.wrapping_add(1);
        tlv
    }
}

impl fmt::Debug for Protector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protector")
            .field("keys", &self.keys)
            .field("counter", &self.counter)
            .finish_non_exhaustive()
    }
}

fn check_length(
    what: &'static str,
    expected: &'static str,
    data: &[u8],
    limit: usize,
) -> Result<(), CryptoError> {
    if data.len() > limit {
        return Err(CryptoError::InvalidLength {
            what,
            expected,
            actual: data.len(),
        });
    }
    Ok(())
}

/// Tag and DER length of a TLV whose value is `data_length` bytes and a MAC,
/// with room for them.
fn header(tag: u8, data_length: usize) -> Result<Vec<u8>, CryptoError> {
    let length = data_length + MAC_LENGTH;
    let [high, low] = u16::try_from(length)
        .map_err(|_| CryptoError::InvalidLength {
            what: "segment",
            expected: "at most 1020",
            actual: length,
        })?
        .to_be_bytes();
    let mut tlv = Vec::with_capacity(4 + length);
    tlv.push(tag);
    match (high, low) {
        (0, 0..=0x7F) => tlv.push(low),
        (0, _) => tlv.extend([0x81, low]),
        _ => tlv.extend([0x82, high, low]),
    }
    Ok(tlv)
}
