//! How much of a matrix a test runs: a sample, or all of it.

use std::hash::{BuildHasher, RandomState};

use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;

/// Whether tests run at their full size: `SIMURGH_LONG` is set.
pub fn long() -> bool {
    std::env::var_os("SIMURGH_LONG").is_some()
}

/// The seed of a sample: `SIMURGH_SEED`, or another one each time. It is
/// printed, so that a failure can be repeated.
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("SIMURGH_SEED").ok();
    let given = given.and_then(|seed| seed.parse().ok());
    // The hasher of a map is the one source of randomness in std.
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(test));
    println!("{test}: SIMURGH_SEED={seed}");
    seed
}

/// Of `0..total`: all of them in a long run, else `spread` at equal distances
/// and `random` others.
pub fn sample(total: usize, spread: usize, random: usize, seed: u64) -> Vec<usize> {
    if long() || total <= spread + random {
        return (0..total).collect();
    }
    let mut rng = SeededRng::new(seed);
    let even = (0..spread).map(|at| at * total / spread);
    let mut chosen: Vec<usize> = even
        .chain((0..random).map(|_| below(total, &mut rng)))
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// A random number below a bound.
pub fn below(bound: usize, rng: &mut dyn Rng) -> usize {
    let mut octets = [0; 8];
    rng.fill(&mut octets);
    (u64::from_be_bytes(octets) % bound.max(1) as u64) as usize
}
