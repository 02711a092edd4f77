use crate::Rng;

use super::sha256;

const BLOCK: usize = 32;

/// A generator that repeats itself for the same seed: SHA-256 of seed and
/// counter.
///
/// For tests and simulation only. Whoever knows the seed knows every key made
/// with it.
#[derive(Debug, Clone)]
pub struct SeededRng {
    seed: u64,
    counter: u64,
    block: [u8; BLOCK],
    used: usize,
}

impl SeededRng {
    /// A generator at the beginning of the sequence of `seed`.
    pub fn new(seed: u64) -> SeededRng {
        SeededRng {
            seed,
            counter: 0,
            block: [0; BLOCK],
            used: BLOCK,
        }
    }

    fn next_byte(&mut self) -> u8 {
        if self.used >= BLOCK {
            self.block = sha256(&[&self.seed.to_be_bytes(), &self.counter.to_be_bytes()]);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte
    }
}

impl Rng for SeededRng {
    fn fill(&mut self, buf: &mut [u8]) {
        for byte in buf {
            *byte = self.next_byte();
        }
    }
}
