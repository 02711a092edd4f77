//! When an endpoint is told again that did not take an event.

use std::time::Duration;

use rsp_core::Timestamp;

/// For so long an endpoint may fail, counted from its first failure.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The pause after the first failure; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status of 200 to 299.
    Taken,
    /// Another status, or none.
    NotTaken {
        /// How long the endpoint asks to be left alone (Retry-After).
        retry_after: Option<Duration>,
    },
    /// 410: the endpoint is gone and says so.
    Gone,
}

impl Answer {
    /// Of an HTTP status, and of Retry-After in seconds if there was one.
    pub fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        match status {
            200..300 => Answer::Taken,
            410 => Answer::Gone,
            _ => Answer::NotTaken {
                retry_after: retry_after.map(Duration::from_secs),
            },
        }
    }
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The event is delivered: on to the one after it.
    Delivered,
    /// The same event again, at that time.
    Again(Timestamp),
    /// The endpoint failed for a day: it is disabled.
    GiveUp,
    /// The endpoint says that it is gone: it is disabled.
    Gone,
}

/// What follows on an answer to the attempt `attempts`, counted from 1, of an
/// endpoint that failed since `failing_since` if it failed before. `jitter` is
/// random: it spreads the attempts of many endpoints that failed at once over a
/// fifth of the pause to either side.
pub fn next(
    answer: Answer,
    attempts: u32,
    failing_since: Option<Timestamp>,
    now: Timestamp,
    jitter: u16,
) -> Next {
    let retry_after = match answer {
        Answer::Taken => return Next::Delivered,
        Answer::Gone => return Next::Gone,
        Answer::NotTaken { retry_after } => retry_after,
    };
    let since = failing_since.unwrap_or(now);
    if now.since(since) >= GIVE_UP_AFTER {
        return Next::GiveUp;
    }
    let asked = retry_after.unwrap_or_default().min(LONGEST_PAUSE);
    let pause = pause(attempts, jitter).max(asked);
    // The last attempt is at the end of the day, not after it.
    let again = now.after(pause).min(since.after(GIVE_UP_AFTER));
    Next::Again(again)
}

fn pause(attempts: u32, jitter: u16) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(doubled.unwrap_or(u32::MAX));
    let part = f64::from(jitter) / f64::from(u16::MAX);
    pause.min(LONGEST_PAUSE).mul_f64(0.8 + 0.4 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_TAKEN: Answer = Answer::NotTaken { retry_after: None };

    /// An endpoint that never takes anything, on a clock of its own.
    fn attempts_of_a_day(jitter: u16) -> (u32, Duration) {
        let start = Timestamp(1_000_000);
        let (mut now, mut since, mut attempts) = (start, None, 0);
        loop {
            attempts += 1;
            let next = next(NOT_TAKEN, attempts, since, now, jitter);
            since = since.or(Some(now));
            match next {
                Next::Again(again) => {
                    assert!(again > now);
                    now = again;
                }
                Next::GiveUp => return (attempts, now.since(start)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_endpoint_that_fails_is_tried_for_a_day() {
        for jitter in [0, u16::MAX / 2, u16::MAX] {
            let (attempts, lasted) = attempts_of_a_day(jitter);
            assert_eq!(lasted, GIVE_UP_AFTER);
            assert!((28..=42).contains(&attempts), "{attempts}");
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_are_spread() {
        assert_eq!(pause(1, u16::MAX / 2).as_secs(), 4);
        assert_eq!(pause(1, 0), Duration::from_secs(4));
        assert_eq!(pause(1, u16::MAX), Duration::from_secs(6));
        assert_eq!(pause(4, 0), Duration::from_secs(32));
        assert_eq!(pause(u32::MAX, 0), Duration::from_secs(2880));
    }

    #[test]
    fn who_asks_to_be_left_alone_is_for_an_hour_at_most() {
        let asked = |secs| {
            let answer = Answer::of_status(503, Some(secs));
            next(answer, 1, None, Timestamp(0), 0)
        };
        assert_eq!(asked(60), Next::Again(Timestamp::from_secs(60)));
        assert_eq!(asked(u64::MAX), Next::Again(Timestamp::from_secs(3600)));
        assert_eq!(asked(0), Next::Again(Timestamp::from_secs(4)));
    }

    #[test]
    fn only_a_success_is_a_delivery() {
        let of = |status| next(Answer::of_status(status, None), 1, None, Timestamp(0), 0);
        assert_eq!(
            (of(200), of(204), of(410)),
            (Next::Delivered, Next::Delivered, Next::Gone)
        );
        for status in [100, 199, 301, 302, 307, 400, 404, 429, 500] {
            assert!(matches!(of(status), Next::Again(_)), "{status}");
        }
    }
}
