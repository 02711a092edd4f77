//! How much somebody may ask for.

use std::time::Duration;

/// So many in so long; so many may come at once.
///
/// What is taken comes back evenly, so all that must be known of somebody is when they
/// will have everything back. To take something moves that time on by its cost, and is
/// too much if the time would then be further away than `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
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

impl Rate {
    /// How long it takes until `count` that were taken are back, in whole microseconds.
    ///
    /// # Errors
    /// [`Exceeded::Never`] if that are more than there are.
    pub fn cost(self, count: u32) -> Result<Duration, Exceeded> {
        if count > self.count {
            return Err(Exceeded::Never(self.count));
        }
        let whole = u128::from(self.count.max(1));
        // Less than a microsecond is lost for each that is taken.
        let micros = self.per.as_micros() * u128::from(count) / whole;
        Ok(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_costs_its_part_and_all_the_whole_time() {
        let per = Duration::from_secs(3600);
        let rate = |count| Rate { count, per };
        assert_eq!(rate(10).cost(1), Ok(Duration::from_secs(360)));
        assert_eq!(rate(7).cost(7), Ok(per));
        assert_eq!(rate(7).cost(8), Err(Exceeded::Never(7)));
        assert_eq!(rate(0).cost(1), Err(Exceeded::Never(0)));
        assert_eq!(rate(u32::MAX).cost(u32::MAX), Ok(per));
        assert!(rate(7).cost(1).unwrap() * 7 <= per);
    }
}
