use alloc::string::String;

use crate::Curve;

/// Why a primitive refused its input or could not do its work.
///
/// No variant carries key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The public key is malformed or its point is not on the curve.
    #[error("invalid public key: {0}")]
    InvalidPublicKey(&'static str),
    /// The private key is malformed or out of range.
    #[error("invalid private key: {0}")]
    InvalidPrivateKey(&'static str),
    /// The bytes are not a signature in the expected encoding.
    #[error("invalid signature encoding: {0}")]
    InvalidSignatureEncoding(&'static str),
    /// The signature or authentication code does not belong to the message and
    /// key.
    #[error("verification failed")]
    VerificationFailed,
    /// An input has a length the algorithm does not take.
    #[error("{what}: {actual} bytes, expected {expected}")]
    InvalidLength {
        /// Which input.
        what: &'static str,
        /// The lengths allowed, in words.
        expected: &'static str,
        /// The length found, in bytes.
        actual: usize,
    },
    /// Two keys that have to share one curve do not.
    #[error("keys on different curves: {own:?} and {peer:?}")]
    CurveMismatch {
        /// The curve of the private key.
        own: Curve,
        /// The curve of the public key.
        peer: Curve,
    },
    /// The algorithm or curve is not one this build knows.
    #[error("unsupported algorithm: {0}")]
    UnsupportedAlgorithm(&'static str),
    /// The key store, hardware module or random source failed.
    #[error("key provider: {0}")]
    KeyProvider(String),
}
