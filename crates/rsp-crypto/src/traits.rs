use alloc::boxed::Box;

use crate::{CryptoError, Curve, PublicKey, SharedSecret, Signature};

/// A source of random bytes.
///
/// Outside tests and simulations it must be cryptographically secure: challenges,
/// one-time keys and transaction identifiers come from it.
pub trait Rng {
    /// Overwrites every byte of `buf`.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<R: Rng + ?Sized> Rng for &mut R {
    fn fill(&mut self, buf: &mut [u8]) {
        (**self).fill(buf);
    }
}

/// A private key that signs; it may live in a hardware module.
pub trait SigningKey: Send + Sync {
    /// The key that verifies what this one signs.
    fn public_key(&self) -> &PublicKey;

    /// Signs the concatenation of the parts with ECDSA and SHA-256
    /// (SGP.22 2.6.7).
    ///
    /// # Errors
    /// [`CryptoError::KeyProvider`] if the key cannot be used.
    fn sign(&self, message: &[&[u8]]) -> Result<Signature, CryptoError>;
}

/// A private key for elliptic curve key agreement, as a rule used once
/// (otSK.DP.ECKA, otSK.EUICC.ECKA, SGP.22 2.6.7).
pub trait EckaKey: Send {
    /// The public part to send to the peer.
    fn public_key(&self) -> &PublicKey;

    /// The shared secret with `peer` (ECKA-DH, BSI TR-03111 4.3.1).
    ///
    /// # Errors
    /// [`CryptoError::InvalidPublicKey`] if the peer's point is not on its
    /// curve, [`CryptoError::CurveMismatch`] if the curves differ,
    /// [`CryptoError::KeyProvider`] if the key cannot be used.
    fn agree(&self, peer: &PublicKey) -> Result<SharedSecret, CryptoError>;
}

/// The algorithms that need no long-lived key of their own.
pub trait Provider: Send + Sync {
    /// SHA-256 of the concatenation of the parts.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// Verifies ECDSA with SHA-256 over the concatenation of the parts
    /// (SGP.22 2.6.7).
    ///
    /// # Errors
    /// [`CryptoError::VerificationFailed`] if the signature does not match,
    /// also when r or s is out of range;
    /// [`CryptoError::InvalidPublicKey`] if the point is not on the curve.
    fn verify(
        &self,
        key: &PublicKey,
        message: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError>;

    /// Makes a one-time key pair for key agreement on `curve`.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedAlgorithm`] for a curve the provider lacks,
    /// [`CryptoError::KeyProvider`] if `rng` yields no usable key.
    fn generate_ecka(
        &self,
        curve: Curve,
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn EckaKey>, CryptoError>;

    /// The key whose point is written as in SEC 1 2.3.4: 65 octets
    /// `04 || X || Y`, or 33 octets `02 || X` or `03 || X`.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPublicKey`] if it is no point of the curve.
    fn decode_point(&self, curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError>;

    /// X25519 of a scalar and a u-coordinate, both little endian (RFC 7748 5).
    ///
    /// # Errors
    /// [`CryptoError::InvalidPublicKey`] if the result is zero: the point has
    /// a small order, and everybody would know the secret.
    fn x25519(&self, scalar: &[u8; 32], u: &[u8; 32]) -> Result<SharedSecret, CryptoError>;

    /// Encrypts `data` in place with AES-128 in CBC mode, without padding.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] if the length is not a multiple of 16;
    /// `data` is then unchanged.
    fn aes128_cbc_encrypt(
        &self,
        key: &[u8; 16],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), CryptoError>;

    /// Decrypts `data` in place with AES-128 in CBC mode, leaving any padding.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] if the length is not a multiple of 16;
    /// `data` is then unchanged.
    fn aes128_cbc_decrypt(
        &self,
        key: &[u8; 16],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), CryptoError>;

    /// Encrypts one block in place with AES-128.
    fn aes128_encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]);

    /// AES-128-CMAC of the concatenation of the parts (NIST SP 800-38B,
    /// RFC 4493).
    fn aes128_cmac(&self, key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16];
}
