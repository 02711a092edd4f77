//! Helpers of the tests: numbers that a seed repeats, names, trees.

use super::tenant::{TenantName, Tenants};

pub(super) fn name(text: &str) -> TenantName {
    text.parse().unwrap()
}

/// Numbers that follow from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*, whose high bits are good.
        self.0 = self.0.max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    /// A tree with so many tenants below the first, not too deep.
    pub(super) fn tree(&mut self, size: u64) -> Tenants {
        let mut tree = Tenants::default();
        let mut added = 0;
        while added < size {
            let parent = match self.below(added + 1) {
                0 => TenantName::default(),
                number => name(&format!("t{number}")),
            };
            if tree.add(name(&format!("t{}", added + 1)), parent).is_ok() {
                added += 1;
            }
        }
        tree
    }
}
