//! Key derivation (BSI TR-03111 4.3.3, ANSI X9.63).

use crate::{CryptoError, Provider, SharedSecret};

const HASH_LENGTH: usize = 32;

/// Fills `out` with key material from a shared secret: the X9.63 derivation
/// with SHA-256, `SHA-256(Z || counter || SharedInfo)` with a counter of four
/// bytes from 1, cut to the length of `out`.
///
/// # Errors
/// [`CryptoError::InvalidLength`] if `out` is empty or needs more than
/// 2^32 - 1 hashes; `out` then holds nothing to use.
pub fn x963_sha256(
    provider: &dyn Provider,
    z: &SharedSecret,
    shared_info: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let length = out.len();
    let wrong_length = CryptoError::InvalidLength {
        what: "derived key material",
        expected: "1 to (2^32 - 1) * 32",
        actual: length,
    };
    if length == 0 || u32::try_from(length.div_ceil(HASH_LENGTH)).is_err() {
        return Err(wrong_length);
    }
    for (counter, chunk) in (1_u32..).zip(out.chunks_mut(HASH_LENGTH)) {
        let hash = provider.sha256(&[z.as_bytes(), &counter.to_be_bytes(), shared_info]);
        for (to, from) in chunk.iter_mut().zip(hash) {
            *to = from;
        }
    }
    Ok(())
}
