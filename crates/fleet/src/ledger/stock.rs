//! How many codes a pool has, and for how long they last.

use std::time::Duration;

use super::CodeState;

/// Codes of a pool, by their states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// SM-DP+s were asked for them.
    pub ordered: u64,
    /// Nobody has them.
    pub available: u64,
    /// Operations have them.
    pub leased: u64,
    /// Profiles were installed with them.
    pub spent: u64,
    /// Their SM-DP+ is to be asked.
    pub doubtful: u64,
    /// They are no good any more.
    pub dead: u64,
}

impl Stock {
    /// The count of a state.
    pub fn of(&mut self, state: CodeState) -> &mut u64 {
        match state {
            CodeState::Ordered => &mut self.ordered,
            CodeState::Available => &mut self.available,
            CodeState::Leased => &mut self.leased,
            CodeState::Spent => &mut self.spent,
            CodeState::Doubtful => &mut self.doubtful,
            CodeState::Dead => &mut self.dead,
        }
    }

    /// Whether it is below what its pool calls low.
    pub fn is_low(&self, low: Option<u64>) -> bool {
        low.is_some_and(|low| self.available < low)
    }

    /// When it is used up, if as many are taken as in the time that was counted.
    pub fn forecast(&self, taken: u64, counted: Duration) -> Forecast {
        match taken {
            0 => Forecast::NotUsed,
            taken => {
                let seconds = counted.as_secs().saturating_mul(self.available) / taken;
                Forecast::UsedUpIn(Duration::from_secs(seconds))
            }
        }
    }
}

/// For how long a stock lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// None was taken.
    NotUsed,
    /// About so long.
    UsedUpIn(Duration),
}
