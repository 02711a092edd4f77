//! How long telemetry is kept.

use std::time::Duration;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::Level;

/// Days for each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Samples as they came.
    pub raw: u32,
    /// Five minutes as one.
    pub five_minutes: u32,
    /// An hour as one.
    pub hour: u32,
    /// A day as one.
    pub day: u32,
}

impl Default for Retention {
    /// A week, a month, a year, five years.
    fn default() -> Self {
        Retention {
            raw: 7,
            five_minutes: 31,
            hour: 366,
            day: 1827,
        }
    }
}

impl Retention {
    /// What is older than this is to be forgotten.
    pub fn oldest(&self, level: Level, now: Timestamp) -> Timestamp {
        let days = match level {
            Level::Raw => self.raw,
            Level::FiveMinutes => self.five_minutes,
            Level::Hour => self.hour,
            Level::Day => self.day,
        };
        now.before(Duration::from_secs(u64::from(days) * 86_400))
    }
}
