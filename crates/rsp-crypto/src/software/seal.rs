//! Secrets at rest: what is stored is encrypted and bound to its place.

use alloc::vec::Vec;
use core::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::sha256;
use crate::{CryptoError, Rng};

/// First octet of what is sealed: the form of the rest.
const FORM: u8 = 1;
const ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 24;
const HEADER_LENGTH: usize = 1 + ID_LENGTH;

/// Block of SHA-256 (RFC 2104).
const HASH_BLOCK: usize = 64;

/// A key that seals what rests: XChaCha20-Poly1305 with random nonces.
///
/// Sealed is form (1 octet), key identifier (8), nonce (24), ciphertext, tag
/// (16). The identifier tells which key sealed, so that keys can be changed.
/// The place of what is sealed (table and row, say) is authenticated with it:
/// moved elsewhere, it does not open.
#[derive(Clone)]
pub struct Sealer {
    key: Zeroizing<[u8; 32]>,
    id: [u8; ID_LENGTH],
}

/// Why something sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Not something sealed.
    #[error("not sealed, or in an unknown form")]
    Malformed,
    /// Sealed with another key.
    #[error("sealed with another key")]
    OtherKey,
    /// Changed, or moved from another place.
    #[error("changed after it was sealed, or moved from another place")]
    Changed,
}

impl Sealer {
    /// Takes a key of 32 random octets.
    pub fn new(key: [u8; 32]) -> Sealer {
        let mut id = [0; ID_LENGTH];
        let hash = sha256(&[b"simurgh seal key identifier", &key]);
        for (to, from) in id.iter_mut().zip(hash) {
            *to = from;
        }
        Sealer {
            key: Zeroizing::new(key),
            id,
        }
    }

    /// Seals `secret` for one place.
    ///
    /// # Errors
    /// [`CryptoError::KeyProvider`] if it is too long for the cipher.
    pub fn seal(
        &self,
        place: &[&str],
        secret: &[u8],
        rng: &mut dyn Rng,
    ) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill(&mut nonce);
        let header = self.header();
        let payload = Payload {
            msg: secret,
            aad: &associated(&header, place),
        };
        let encrypted = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let encrypted =
            encrypted.map_err(|_| CryptoError::KeyProvider("too long to be sealed".into()))?;
        Ok([&header[..], &nonce, &encrypted].concat())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (header, rest) = sealed
            .split_first_chunk::<HEADER_LENGTH>()
            .ok_or(SealError::Malformed)?;
        let (nonce, encrypted) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(SealError::Malformed)?;
        if header.first() != Some(&FORM) {
            return Err(SealError::Malformed);
        }
        if *header != self.header() {
            return Err(SealError::OtherKey);
        }
        let payload = Payload {
            msg: encrypted,
            aad: &associated(header, place),
        };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| SealError::Changed)
    }

    /// By what a secret is found without being stored: HMAC-SHA-256 (RFC 2104)
    /// with a key of its own. Equal secrets of one place have equal indexes.
    pub fn index(&self, place: &[&str], secret: &[u8]) -> [u8; 32] {
        let key = Zeroizing::new(sha256(&[b"simurgh seal index", self.key.as_slice()]));
        let pad = |with: u8| {
            let mut block = Zeroizing::new([with; HASH_BLOCK]);
            for (to, from) in block.iter_mut().zip(key.iter()) {
                *to ^= from;
            }
            block
        };
        let place = associated(&[], place);
        let inner = sha256(&[pad(0x36).as_slice(), &place, secret]);
        sha256(&[pad(0x5C).as_slice(), &inner])
    }

    fn header(&self) -> [u8; HEADER_LENGTH] {
        let mut header = [FORM; HEADER_LENGTH];
        for (to, from) in header.iter_mut().skip(1).zip(self.id) {
            *to = from;
        }
        header
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

/// Header and place, each part with its length: no two places read the same.
fn associated(header: &[u8], place: &[&str]) -> Vec<u8> {
    let mut data = header.to_vec();
    for part in place {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part.as_bytes());
    }
    data
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}
