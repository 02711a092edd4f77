//! Times by classes.

use std::time::Duration;

/// Times by classes, of which each ends at a bound.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    bounds: &'static [Duration],
    /// Of each class alone.
    classes: Vec<u64>,
    /// Of all, those above all bounds included.
    count: u64,
    sum: Duration,
}

impl Histogram {
    /// An empty one; the lowest bound comes first.
    pub(crate) fn new(bounds: &'static [Duration]) -> Self {
        Histogram {
            bounds,
            classes: vec![0; bounds.len()],
            count: 0,
            sum: Duration::ZERO,
        }
    }

    /// One time more.
    pub(crate) fn observe(&mut self, time: Duration) {
        let class = self.bounds.partition_point(|bound| *bound < time);
        if let Some(class) = self.classes.get_mut(class) {
            *class += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(time);
    }

    /// Bounds, and how many times are within each.
    pub(super) fn within(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let mut within = 0;
        let classes = self.bounds.iter().zip(&self.classes);
        classes.map(move |(bound, class)| {
            within += class;
            (*bound, within)
        })
    }

    /// How many times.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// All of them added up.
    pub(super) const fn sum(&self) -> Duration {
        self.sum
    }
}
