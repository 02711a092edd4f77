//! Measuring two things in turns.

use std::time::{Duration, Instant};

use crate::Failure;

/// Turns of each: enough that a disturbance of the machine spoils few of them.
const ROUNDS: u32 = 9;

/// A rate against its reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison {
    /// Median of the measured rates, per second.
    pub(super) measured: f64,
    /// Median of the reference's rates, per second.
    pub(super) reference: f64,
    /// Median of the ratios of neighbouring turns: what slows the machine for
    /// longer than a turn slows both.
    pub(super) ratio: f64,
}

/// Lets both run in turns; each gives its rates over the time it is told.
///
/// # Errors
/// The first of either, or if a rate is no positive number.
pub(super) fn compare<const N: usize>(
    seconds: f64,
    mut measured: impl FnMut(Duration) -> Result<[f64; N], Failure>,
    mut reference: impl FnMut(Duration) -> Result<[f64; N], Failure>,
) -> Result<[Comparison; N], Failure> {
    let turn = Duration::from_secs_f64(seconds / f64::from(2 * ROUNDS));
    // Caches, connections and threads are made here, not in a turn that counts.
    measured(turn)?;
    reference(turn)?;
    let mut turns = Vec::new();
    for _ in 0..ROUNDS {
        turns.push((measured(turn)?, reference(turn)?));
    }
    let comparisons = std::array::from_fn(|index| {
        let rate = |rates: &[f64; N]| rates.get(index).copied().unwrap_or(f64::NAN);
        let rates = || turns.iter().map(|(a, b)| (rate(a), rate(b)));
        Comparison {
            measured: median(rates().map(|(measured, _)| measured)),
            reference: median(rates().map(|(_, reference)| reference)),
            ratio: median(rates().map(|(measured, reference)| measured / reference)),
        }
    });
    let usable = |c: &Comparison| c.ratio.is_finite() && c.measured > 0.0 && c.reference > 0.0;
    match comparisons.iter().all(usable) {
        true => Ok(comparisons),
        false => Err("a rate could not be measured: try more --seconds".into()),
    }
}

/// Repeats `operation` for a time; gives how often per second.
///
/// # Errors
/// The first of the operation.
pub(super) fn rate(
    time: Duration,
    mut operation: impl FnMut() -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let started = Instant::now();
    let mut times = 0u32;
    loop {
        operation()?;
        times += 1;
        let elapsed = started.elapsed();
        if elapsed >= time {
            return Ok(f64::from(times) / elapsed.as_secs_f64());
        }
    }
}

/// The middle one; NaN of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Numbers below a count in an order that no cache foresees.
pub(super) struct Turns {
    number: u32,
    of: u32,
}

impl Turns {
    /// Of so many, which are no multiple of 7 919: then each has its turn.
    pub(super) const fn of(of: u32) -> Self {
        Turns { number: 0, of }
    }

    pub(super) fn next(&mut self) -> u32 {
        self.number = (self.number + 7_919) % self.of;
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_neighbours_counts() {
        // The machine is twice as fast from the middle on, and stumbles once.
        let mut turn = 0;
        let mut speed = |share: f64| {
            turn += 1;
            let stumble = if turn == 7 { 0.01 } else { 1.0 };
            let machine = if turn > 10 { 2.0 } else { 1.0 };
            Ok([1000.0 * share * machine * stumble])
        };
        let mut calls = Vec::new();
        let speed = std::cell::RefCell::new(&mut speed);
        let calls_of = std::cell::RefCell::new(&mut calls);
        let [compared] = compare(
            0.1,
            |_| {
                calls_of.borrow_mut().push('a');
                (speed.borrow_mut())(0.5)
            },
            |_| {
                calls_of.borrow_mut().push('b');
                (speed.borrow_mut())(1.0)
            },
        )
        .unwrap();
        assert_eq!(compared.ratio, 0.5);
        assert_eq!(calls.len(), 20);
        assert!(calls.chunks(2).all(|pair| *pair == ['a', 'b']), "in turns");
    }

    #[test]
    fn what_never_ran_is_an_error() {
        assert!(compare(0.1, |_| Ok([1.0]), |_| Ok([0.0])).is_err());
    }

    #[test]
    fn a_rate_is_per_second() {
        let pause = Duration::from_millis(2);
        let nap = || {
            std::thread::sleep(pause);
            Ok(())
        };
        let rate = rate(Duration::from_millis(20), nap).unwrap();
        assert!((1.0..=500.0).contains(&rate), "{rate}");
    }
}
