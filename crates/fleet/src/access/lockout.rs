//! What holds back who guesses: delays that grow, and end.
//!
//! Three counts are kept, of an address, of an account and of both together. An
//! account is not held back for an address from which its user signed in before:
//! so a stranger who guesses cannot keep its user out.

use std::time::Duration;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Failures of one address, account or pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Failures, less what was forgotten.
    pub failures: u32,
    /// The last one, milliseconds since 1970.
    pub last: u64,
}

/// How delays grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOut {
    /// Failures without delay.
    pub free: u32,
    /// The delay after the next one; it doubles with each further.
    pub first: Duration,
    /// The longest delay. Nobody is held back longer than this after the last
    /// attempt that was looked at.
    pub longest: Duration,
    /// After so long without a failure all are forgotten.
    pub memory: Duration,
}

/// How long somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failures: try again in {} s", .0.as_secs().max(1))]
pub struct Wait(pub Duration);

impl LockOut {
    /// For an account, from addresses that are not known of it, and for a pair of
    /// account and known address.
    pub const ACCOUNT: LockOut = LockOut {
        free: 5,
        first: Duration::from_secs(1),
        longest: Duration::from_secs(15 * 60),
        memory: Duration::from_secs(24 * 3600),
    };

    /// For an address, behind which many people may be.
    pub const ADDRESS: LockOut = LockOut {
        free: 30,
        ..Self::ACCOUNT
    };

    /// Whether an attempt is looked at now. One that is not does not count, nor
    /// does it make the wait longer.
    ///
    /// # Errors
    /// [`Wait`].
    pub fn admits(&self, attempts: &Attempts, now: Timestamp) -> Result<(), Wait> {
        let delay = self.delay(self.remembered(attempts, now));
        let passed = now.since(Timestamp(attempts.last));
        // After a jump of the clock to the past nothing would ever pass.
        if now < Timestamp(attempts.last) || passed >= delay {
            return Ok(());
        }
        Err(Wait(delay.saturating_sub(passed)))
    }

    /// One failure more.
    #[must_use]
    pub fn failed(&self, attempts: &Attempts, now: Timestamp) -> Attempts {
        Attempts {
            failures: self.remembered(attempts, now).saturating_add(1),
            last: now.0,
        }
    }

    fn remembered(&self, attempts: &Attempts, now: Timestamp) -> u32 {
        match now.since(Timestamp(attempts.last)) >= self.memory {
            true => 0,
            false => attempts.failures,
        }
    }

    fn delay(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(beyond) => {
                let doubled = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
                self.first.saturating_mul(doubled).min(self.longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    /// A guesser who comes every second, for a day.
    #[test]
    fn a_guesser_gets_few_looks_and_the_wait_ends() {
        let rule = LockOut::ACCOUNT;
        let mut attempts = Attempts::default();
        let mut looks = 0;
        for second in 0..86_400 {
            if rule.admits(&attempts, at(second)).is_ok() {
                looks += 1;
                attempts = rule.failed(&attempts, at(second));
            }
            let wait = rule.admits(&attempts, at(second)).err();
            assert!(wait.is_none_or(|wait| wait.0 <= rule.longest));
        }
        assert!((100..=125).contains(&looks), "{looks}");
        assert_eq!(rule.admits(&attempts, at(86_400 + 900)), Ok(()));
    }

    #[test]
    fn delays_double() {
        let rule = LockOut::ACCOUNT;
        let waits: Vec<_> = (3..=18)
            .map(|failures| {
                let attempts = Attempts {
                    failures,
                    last: at(0).0,
                };
                rule.admits(&attempts, at(0))
                    .err()
                    .map_or(0, |wait| wait.0.as_secs())
            })
            .collect();
        let expected = [
            0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900,
        ];
        assert_eq!(waits, expected);
    }

    #[test]
    fn failures_are_forgotten_and_clocks_may_jump() {
        let rule = LockOut::ACCOUNT;
        let many = Attempts {
            failures: u32::MAX,
            last: at(0).0,
        };
        assert!(rule.admits(&many, at(899)).is_err());
        assert_eq!(rule.admits(&many, at(900)), Ok(()));
        assert_eq!(rule.failed(&many, at(1)).failures, u32::MAX);
        assert_eq!(rule.failed(&many, at(86_400)).failures, 1);
        let ahead = Attempts {
            failures: 50,
            last: at(1_000_000).0,
        };
        assert_eq!(rule.admits(&ahead, at(0)), Ok(()));
    }
}
