//! The judge of a simulation.
//!
//! It reads what the cards say they did and what the servers say of it, as
//! plain data, and knows nothing of the rules of eIM, SM-DP+ and IPA: not one
//! name of theirs is used here, which a test looks after.

mod card;
mod claims;
mod observed;
mod wire;

use std::fmt;

pub use observed::{Attempt, Claim, History, Said, Sent, Wish};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Number of the device.
    pub device: usize,
    /// What.
    pub what: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device {}: {}", self.device, self.what)
    }
}

/// Everything that must not be in the history of a device.
pub fn judge(history: &History) -> Vec<Contradiction> {
    let mut judge = Judge {
        device: history.number,
        found: Vec::new(),
    };
    wire::judge(history, &mut judge);
    let card = card::replay(history, &mut judge);
    claims::judge(history, &card, &mut judge);
    judge.found
}

/// Collects what must not be.
struct Judge {
    device: usize,
    found: Vec<Contradiction>,
}

impl Judge {
    fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.found.push(Contradiction {
                device: self.device,
                what: otherwise(),
            });
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
mod tests;
