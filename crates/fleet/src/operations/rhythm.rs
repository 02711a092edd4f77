//! When a device will poll, by when it polled.

use std::time::Duration;

use rsp_core::Timestamp;

/// Pauses that are remembered.
const PAUSES: usize = 8;

/// Polls that are closer together are one contact.
const CONTACT: Duration = Duration::from_secs(60);

/// Contacts in a row that a device may miss and still be expected.
const MISSED: u64 = 16;

/// The last pauses between the contacts of a device.
///
/// A device polls again soon after it was given something to do, and now and then
/// it misses a contact. So its rhythm is the pause in which it is half of the
/// time, neither the mean nor the most frequent one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rhythm {
    /// In seconds, the last one first; 0 where there is none yet.
    pauses: [u32; PAUSES],
}

/// When a device is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextContact {
    /// Most likely.
    pub at: Timestamp,
    /// As late as it was in the last contacts.
    pub late: Timestamp,
}

impl Rhythm {
    /// After a contact that followed the one before by so much. What is too short
    /// belongs to that one, and changes nothing.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        if pause >= CONTACT {
            self.pauses.rotate_right(1);
            if let Some(first) = self.pauses.first_mut() {
                *first = u32::try_from(pause.as_secs()).unwrap_or(u32::MAX);
            }
        }
        self
    }

    /// The pause in which the device is half of the time; `None` before its second
    /// contact.
    pub fn every(&self) -> Option<Duration> {
        let mut pauses = self.pauses;
        pauses.sort_unstable();
        let all: u64 = pauses.iter().map(|pause| u64::from(*pause)).sum();
        let mut passed = 0;
        let half = pauses.iter().find(|pause| {
            passed += u64::from(**pause);
            passed > 0 && passed * 2 >= all
        });
        half.map(|pause| Duration::from_secs(u64::from(*pause)))
    }

    /// When a device that polled last at this time is expected next. `None` if
    /// nothing is known of it, or if it is silent for long.
    pub fn next_contact(&self, last: Timestamp, now: Timestamp) -> Option<NextContact> {
        let every = self.every()?.as_millis() as u64;
        // What it missed.
        let missed = now.since(last).as_millis() as u64 / every;
        if missed > MISSED {
            return None;
        }
        let longest = self
            .pauses
            .iter()
            .max()
            .map_or(0, |longest| u64::from(*longest) * 1000);
        let from = last.0 + missed * every;
        Some(NextContact {
            at: Timestamp(from + every),
            late: Timestamp(from + longest.max(every)),
        })
    }

    /// As it is stored: four octets for each pause.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pauses
            .iter()
            .flat_map(|pause| pause.to_be_bytes())
            .collect()
    }

    /// As it was stored; what is missing was never there.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut rhythm = Rhythm::default();
        for (pause, octets) in rhythm.pauses.iter_mut().zip(bytes.chunks_exact(4)) {
            *pause = octets
                .iter()
                .fold(0, |pause, octet| (pause << 8) | u32::from(*octet));
        }
        rhythm
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    fn rhythm(pauses: &[Duration]) -> Rhythm {
        pauses
            .iter()
            .fold(Rhythm::default(), |rhythm, pause| rhythm.after(*pause))
    }

    #[test]
    fn work_between_does_not_hide_the_week() {
        assert_eq!(Rhythm::default().every(), None);
        assert_eq!(rhythm(&[HOUR / 120]).every(), None);
        assert_eq!(rhythm(&[WEEK]).every(), Some(WEEK));
        let busy = [
            WEEK,
            HOUR / 30,
            HOUR / 40,
            WEEK,
            HOUR / 30,
            HOUR / 30,
            WEEK,
            HOUR / 20,
        ];
        assert_eq!(rhythm(&busy).every(), Some(WEEK));
        assert_eq!(rhythm(&[WEEK, WEEK, WEEK * 2, WEEK]).every(), Some(WEEK));
    }

    #[test]
    fn a_new_rhythm_is_learnt() {
        let mut pauses = vec![WEEK; 8];
        pauses.extend([HOUR; 8]);
        assert_eq!(rhythm(&pauses).every(), Some(HOUR));
    }

    #[test]
    fn what_was_missed_is_passed_over_until_the_device_is_silent() {
        let last = Timestamp(1_000_000);
        let hourly = rhythm(&[HOUR; 4]);
        let next = |now| hourly.next_contact(last, now);
        assert_eq!(next(last).unwrap().at, last.after(HOUR));
        let late = last.after(HOUR * 2 + HOUR / 2);
        assert_eq!(next(late).unwrap().at, last.after(HOUR * 3));
        assert_eq!(next(last.after(HOUR * 20)), None);
    }

    #[test]
    fn it_is_stored_as_it_is() {
        let some = rhythm(&[WEEK, HOUR, WEEK * 2]);
        assert_eq!(Rhythm::from_bytes(&some.to_bytes()), some);
        assert_eq!(Rhythm::from_bytes(&[]), Rhythm::default());
    }
}
