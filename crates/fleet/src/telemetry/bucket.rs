//! Samples of a span of time as one: what is kept of them when they are old.

use std::collections::BTreeMap;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::sample::{Measure, Sample};
use crate::inventory::named;

named! {
    /// How finely telemetry is kept.
    Level, "level of telemetry";
    /// Samples as they came.
    Raw = "raw",
    /// Five minutes as one.
    FiveMinutes = "5m",
    /// An hour as one.
    Hour = "hour",
    /// A day as one, by UTC.
    Day = "day",
}

impl Level {
    /// How long its spans are, in milliseconds; samples as they came have none.
    pub const fn span(self) -> u64 {
        match self {
            Level::Raw => 1,
            Level::FiveMinutes => 300_000,
            Level::Hour => 3_600_000,
            Level::Day => 86_400_000,
        }
    }

    /// The beginning of the span in which a time lies.
    pub const fn start(self, at: Timestamp) -> Timestamp {
        Timestamp(at.0 - at.0 % self.span())
    }

    /// Levels of which a sample becomes a part.
    pub const SUMMED: [Level; 3] = [Level::FiveMinutes, Level::Hour, Level::Day];
}

/// A measure over a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The lowest value.
    pub min: i64,
    /// The highest value.
    pub max: i64,
    /// Of all values: by it and the count is the average, and of what was carried
    /// it is the figure itself.
    pub sum: i64,
    /// How many values.
    pub count: u64,
    /// The latest value.
    pub last: i64,
    /// When that was, in milliseconds since 1970.
    pub last_at: Timestamp,
}

impl Summary {
    /// Of one value.
    pub fn of(value: i64, at: Timestamp) -> Self {
        Summary {
            min: value,
            max: value,
            sum: value,
            count: 1,
            last: value,
            last_at: at,
        }
    }

    /// Of both: the same in whatever order they come, unless two are of the same
    /// moment.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let later = match other.last_at >= self.last_at {
            true => other,
            false => self,
        };
        Summary {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum.saturating_add(other.sum),
            count: self.count.saturating_add(other.count),
            last: later.last,
            last_at: later.last_at,
        }
    }

    /// The average, rounded towards zero.
    pub fn average(&self) -> i64 {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX).max(1);
        self.sum / count
    }
}

/// What is kept of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(BTreeMap<String, Summary>);

impl Bucket {
    /// Of one sample.
    pub fn of(sample: &Sample, at: Timestamp) -> Self {
        let measured = Measure::ALL.iter().filter_map(|measure| {
            let value = measure.of(sample)?;
            Some((measure.name().to_string(), Summary::of(value, at)))
        });
        Bucket(measured.collect())
    }

    /// Of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (name, summary) in other.0 {
            let both = match self.0.get(&name) {
                Some(known) => known.and(summary),
                None => summary,
            };
            self.0.insert(name, both);
        }
        self
    }

    /// A measure.
    pub fn get(&self, measure: Measure) -> Option<&Summary> {
        self.0.get(measure.name())
    }

    /// All measures by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Summary)> {
        self.0
            .iter()
            .map(|(name, summary)| (name.as_str(), summary))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Usage;
    use super::*;

    #[test]
    fn spans_begin_where_the_clock_says() {
        let at = Timestamp::from_rfc3339("2026-03-04T05:06:07Z").unwrap();
        let start = |level: Level| level.start(at).to_rfc3339();
        assert_eq!(start(Level::FiveMinutes), "2026-03-04T05:05:00Z");
        assert_eq!(start(Level::Hour), "2026-03-04T05:00:00Z");
        assert_eq!(start(Level::Day), "2026-03-04T00:00:00Z");
        assert_eq!(Level::Raw.start(at), at);
    }

    /// Whatever is put together with whatever first: levels may be made of each
    /// other.
    #[test]
    fn the_order_does_not_matter() {
        let sample = |rsrp, up| Sample {
            rsrp: Some(rsrp),
            usage: vec![Usage {
                iccid: "89490000000000000017".parse().unwrap(),
                up,
                down: 0,
            }],
            ..Sample::default()
        };
        let of = |(at, rsrp, up)| Bucket::of(&sample(rsrp, up), Timestamp(at));
        let [a, b, c] = [(10, -90, 7), (30, -101, 1), (20, -80, 2)].map(of);
        let one = a.clone().and(b.clone()).and(c.clone());
        let other = c.and(a).and(b);
        assert_eq!(one, other);
        let rsrp = one.get(Measure::Rsrp).unwrap();
        assert_eq!((rsrp.min, rsrp.max, rsrp.last), (-101, -80, -101));
        assert_eq!((rsrp.average(), rsrp.count), (-90, 3));
        assert_eq!(one.get(Measure::Up).unwrap().sum, 10);
        assert_eq!(one.get(Measure::TunnelUp), None);
    }
}
