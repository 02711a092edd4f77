//! When a confirmable message is sent again (RFC 7252 4.2).

use core::time::Duration;

use super::Parameters;
use crate::Timestamp;

/// A source of jitter: not secret, the same for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    /// The next number (SplitMix64).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// What to do about a message that is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Wait,
    /// Send it again.
    Again,
    /// Give up.
    Over,
}

/// The times of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    next: Timestamp,
    interval: Duration,
    left: u32,
}

impl Repeat {
    /// Of a message that is sent now.
    pub(super) fn new(parameters: &Parameters, jitter: &mut Jitter, now: Timestamp) -> Repeat {
        let millis = u64::try_from(parameters.ack_timeout.as_millis()).unwrap_or(u64::MAX);
        // ACK_RANDOM_FACTOR is 1.5.
        let random = jitter.next() % (millis / 2).saturating_add(1);
        let interval = Duration::from_millis(millis.saturating_add(random));
        Repeat {
            next: now.after(interval),
            interval,
            left: parameters.max_retransmit,
        }
    }

    /// When it is to be asked next.
    pub(super) fn at(&self) -> Timestamp {
        self.next
    }

    /// What is due at this time; after [`Due::Again`] the next time is later.
    pub(super) fn due(&mut self, now: Timestamp) -> Due {
        if now < self.next {
            return Due::Wait;
        }
        if self.left == 0 {
            return Due::Over;
        }
        self.left -= 1;
        self.interval = self.interval.saturating_mul(2);
        self.next = now.after(self.interval);
        Due::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7252 4.8.2: from the first transmission to the last one at most
    /// 45 s (MAX_TRANSMIT_SPAN), and given up within 93 s (MAX_TRANSMIT_WAIT).
    #[test]
    fn intervals_double_and_end() {
        let parameters = Parameters::default();
        for seed in 0..100 {
            let mut repeat = Repeat::new(&parameters, &mut Jitter::new(seed), Timestamp(0));
            let first = repeat.at().0;
            assert!((2000..=3000).contains(&first), "{first}");
            let mut times = alloc::vec::Vec::new();
            loop {
                assert_eq!(repeat.due(Timestamp(repeat.at().0 - 1)), Due::Wait);
                let now = repeat.at();
                match repeat.due(now) {
                    Due::Again => times.push(now.0),
                    Due::Over => {
                        assert_eq!(now.0, 31 * first);
                        break;
                    }
                    Due::Wait => panic!("waits at its own time"),
                }
            }
            let expected = [1, 3, 7, 15].map(|times| times * first);
            assert_eq!(times, expected);
        }
    }
}
