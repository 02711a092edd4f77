use alloc::format;

use crate::{CryptoError, Rng};

/// The operating system's random source.
#[derive(Debug, Clone, Copy)]
pub struct OsRng {
    // Made by `new` alone, which has seen the source deliver.
    _delivered: (),
}

impl OsRng {
    /// Opens the source and proves that it delivers.
    ///
    /// # Errors
    /// [`CryptoError::KeyProvider`] if the system has no random source.
    pub fn new() -> Result<OsRng, CryptoError> {
        let mut probe = [0; 16];
        getrandom::fill(&mut probe)
            .map_err(|e| CryptoError::KeyProvider(format!("random source: {e}")))?;
        Ok(OsRng { _delivered: () })
    }
}

impl Rng for OsRng {
    /// Waits until the system delivers: a source that worked once fails only
    /// for a while, and bytes that are not random must never be used.
    fn fill(&mut self, buf: &mut [u8]) {
        while getrandom::fill(buf).is_err() {
            core::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let mut rng = OsRng::new().unwrap();
        let (mut a, mut b) = ([0; 32], [0; 32]);
        rng.fill(&mut a);
        rng.fill(&mut b);
        assert_ne!(a, b);
    }
}
