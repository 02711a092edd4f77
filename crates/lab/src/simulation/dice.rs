//! Chance, from a seed.

use std::time::Duration;

use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;

use crate::sizes::below;

/// Throws of one player. Each has a sequence of its own, so that what one does
/// changes nothing for the others.
pub(super) struct Dice(SeededRng);

impl Dice {
    /// Those of a player with this number.
    pub(super) fn new(seed: u64, player: u64) -> Self {
        // Neighbouring seeds and players are to have nothing in common.
        let mixed = seed.rotate_left(32) ^ player.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Dice(SeededRng::new(mixed))
    }

    /// True so many times in a million.
    pub(super) fn in_a_million(&mut self, times: u32) -> bool {
        self.below(1_000_000) < times as usize
    }

    /// A number below a bound.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        below(bound, &mut self.0)
    }

    /// One of several.
    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A time up to the longest.
    pub(super) fn up_to(&mut self, longest: Duration) -> Duration {
        let millis = usize::try_from(longest.as_millis()).unwrap_or(usize::MAX);
        Duration::from_millis(self.below(millis.saturating_add(1)) as u64)
    }

    /// Randomness for the one who plays.
    pub(super) fn rng(&mut self) -> &mut dyn Rng {
        &mut self.0
    }
}
