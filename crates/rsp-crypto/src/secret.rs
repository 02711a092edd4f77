use core::fmt;

use zeroize::Zeroize;

/// The result of a key agreement: the x coordinate of the shared point
/// (BSI TR-03111 4.3.1), or what X25519 gives (RFC 7748 6.1), 32 bytes. Wiped
/// when dropped.
#[derive(Clone)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    /// Takes the x coordinate, big endian, or the octets of X25519.
    pub fn new(x: [u8; 32]) -> SharedSecret {
        SharedSecret(x)
    }

    /// The octets. Input of a key derivation, never a key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret([redacted])")
    }
}
