//! How much somebody may ask for: token buckets, each a few numbers.

use std::time::Duration;

use rsp_core::Timestamp;

/// So many in so long; so many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// A part of one, in millionths, that comes back in a millisecond is what
    /// the arithmetic is done in.
    const ONE: u64 = 1_000_000;

    fn full(self) -> u64 {
        u64::from(self.count).saturating_mul(Self::ONE)
    }

    fn refilled(self, passed: Duration) -> u64 {
        let per = self.per.as_millis().max(1);
        let back = u128::from(self.full()) * passed.as_millis() / per;
        u64::try_from(back).unwrap_or(u64::MAX)
    }

    fn time_for(self, missing: u64) -> Duration {
        let full = u128::from(self.full().max(1));
        let millis = (u128::from(missing) * self.per.as_millis()).div_ceil(full);
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// What is left of a [`Rate`] for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What has been taken and is not back yet, in millionths.
    taken: u64,
    at: Timestamp,
}

/// It is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// It will be possible later.
    #[error("too much at once: try again in {} s", .0.as_secs().max(1))]
    Later(Duration),
    /// So many are never possible at once.
    #[error("more than {0} are not possible at once")]
    Never(u32),
}

impl Bucket {
    /// Of somebody who has not asked for anything.
    pub fn new(now: Timestamp) -> Self {
        Bucket { taken: 0, at: now }
    }

    /// Takes `count`, or nothing; gives how many are left.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn take(&mut self, count: u32, rate: Rate, now: Timestamp) -> Result<u32, Exceeded> {
        if count > rate.count {
            return Err(Exceeded::Never(rate.count));
        }
        // A clock that went back gives nothing, and takes nothing away.
        self.at = self.at.min(now);
        let taken = self.taken.saturating_sub(rate.refilled(now.since(self.at)));
        let wanted = taken.saturating_add(u64::from(count).saturating_mul(Rate::ONE));
        let Some(left) = rate.full().checked_sub(wanted) else {
            return Err(Exceeded::Later(rate.time_for(wanted - rate.full())));
        };
        (self.taken, self.at) = (wanted, now);
        Ok(u32::try_from(left / Rate::ONE).unwrap_or(u32::MAX))
    }

    /// Whether nothing is taken any more: it need not be kept.
    pub fn is_full(&self, rate: Rate, now: Timestamp) -> bool {
        self.taken <= rate.refilled(now.since(self.at))
    }
}

/// The limits of a principal or of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a second.
    pub per_second: u32,
    /// Requests in a minute.
    pub per_minute: u32,
    /// Devices on which operations may be ordered in an hour.
    pub devices_per_hour: u32,
}

impl Limits {
    fn seconds(&self) -> Rate {
        Rate {
            count: self.per_second,
            per: Duration::from_secs(1),
        }
    }

    fn minutes(&self) -> Rate {
        Rate {
            count: self.per_minute,
            per: Duration::from_secs(60),
        }
    }

    fn devices(&self) -> Rate {
        Rate {
            count: self.devices_per_hour,
            per: Duration::from_secs(3600),
        }
    }
}

/// What somebody has used of [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    seconds: Bucket,
    minutes: Bucket,
    devices: Bucket,
}

impl Usage {
    /// Of somebody who has not asked for anything.
    pub fn new(now: Timestamp) -> Self {
        let new = Bucket::new(now);
        Usage {
            seconds: new,
            minutes: new,
            devices: new,
        }
    }

    /// One request; gives how many are left in this minute.
    ///
    /// # Errors
    /// [`Exceeded`]: nothing is taken.
    pub fn request(&mut self, limits: &Limits, now: Timestamp) -> Result<u32, Exceeded> {
        let before = self.seconds;
        self.seconds.take(1, limits.seconds(), now)?;
        let left = self.minutes.take(1, limits.minutes(), now);
        if left.is_err() {
            self.seconds = before;
        }
        left
    }

    /// Operations on so many devices, all or none; gives how many are left in
    /// this hour.
    ///
    /// # Errors
    /// [`Exceeded`]: nothing is taken.
    pub fn devices(
        &mut self,
        count: u32,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<u32, Exceeded> {
        self.devices.take(count, limits.devices(), now)
    }

    /// Whether it may be forgotten.
    pub fn is_idle(&self, limits: &Limits, now: Timestamp) -> bool {
        self.seconds.is_full(limits.seconds(), now)
            && self.minutes.is_full(limits.minutes(), now)
            && self.devices.is_full(limits.devices(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::Dice;

    const TEN: Rate = Rate {
        count: 10,
        per: Duration::from_secs(1),
    };

    fn at(millis: u64) -> Timestamp {
        Timestamp(1_000_000_000 + millis)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::new(at(0));
        for left in (0..10).rev() {
            assert_eq!(bucket.take(1, TEN, at(0)), Ok(left));
        }
        let later = Exceeded::Later(Duration::from_millis(100));
        assert_eq!(bucket.take(1, TEN, at(0)), Err(later));
        assert!(bucket.take(1, TEN, at(99)).is_err());
        assert_eq!(bucket.take(1, TEN, at(100)), Ok(0));
        assert_eq!(bucket.take(11, TEN, at(9000)), Err(Exceeded::Never(10)));
        assert_eq!(bucket.take(10, TEN, at(9000)), Ok(0));
        assert!(!bucket.is_full(TEN, at(9999)));
        assert!(bucket.is_full(TEN, at(10_000)));
    }

    /// However requests come: in a time t never more than the burst and t × rate,
    /// and who waits as long as they are told is let in.
    #[test]
    fn random_floods_stay_within_the_rate() {
        for seed in 0..30 {
            let mut dice = Dice::new(seed);
            let mut bucket = Bucket::new(at(0));
            let (mut now, mut taken) = (0, 0);
            for _ in 0..2000 {
                now += dice.below(150);
                let count = 1 + u32::try_from(dice.below(4)).unwrap();
                match bucket.take(count, TEN, at(now)) {
                    Ok(_) => taken += u64::from(count),
                    Err(Exceeded::Later(wait)) => {
                        let mut later = bucket;
                        let when = Timestamp(at(now).0 + u64::try_from(wait.as_millis()).unwrap());
                        assert!(later.take(count, TEN, when).is_ok(), "seed {seed}");
                    }
                    Err(Exceeded::Never(_)) => unreachable!(),
                }
                assert!(taken * 1000 <= 10_000 + now * 10, "seed {seed}");
            }
            assert!(taken > now / 150, "seed {seed}: {taken} in {now}");
        }
    }

    #[test]
    fn clocks_may_jump() {
        let mut bucket = Bucket::new(at(5000));
        bucket.take(10, TEN, at(5000)).unwrap();
        assert!(bucket.take(1, TEN, at(0)).is_err());
        assert_eq!(bucket.take(1, TEN, at(1000)), Ok(9));
    }

    #[test]
    fn both_limits_of_requests_hold_and_devices_are_counted_apart() {
        let limits = Limits {
            per_second: 3,
            per_minute: 4,
            devices_per_hour: 100,
        };
        let mut usage = Usage::new(at(0));
        for _ in 0..3 {
            usage.request(&limits, at(0)).unwrap();
        }
        assert!(usage.request(&limits, at(0)).is_err());
        assert_eq!(usage.request(&limits, at(1000)), Ok(0));
        let Err(Exceeded::Later(wait)) = usage.request(&limits, at(2000)) else {
            panic!("the minute's limit")
        };
        assert!(wait > Duration::from_secs(10), "{wait:?}");
        assert_eq!(usage.devices(100, &limits, at(0)), Ok(0));
        assert!(usage.devices(1, &limits, at(30_000)).is_err());
        assert_eq!(usage.devices(1, &limits, at(36_000)), Ok(0));
        assert_eq!(
            usage.devices(101, &limits, at(0)),
            Err(Exceeded::Never(100))
        );
        assert!(!usage.is_idle(&limits, at(100_000)));
        assert!(usage.is_idle(&limits, at(4_000_000)));
    }
}
