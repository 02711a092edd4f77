//! What other processes on the same database did: for which eUICCs there is work
//! of which the index in memory knows nothing yet.
//!
//! The database's clock says when a change was noted, and a change shows up when its
//! transaction is committed, which may be later than that of one with a later time.
//! So each look goes back a little behind the one before, and now and then far: a
//! transaction lives for seconds, as the engine limits it.

use std::sync::{Mutex, PoisonError};

use crate::contract::StoreError;
use crate::database::Changes;
use crate::eims::Eims;

/// How far a look goes back behind the one before, in milliseconds.
const BACK: i64 = 2_000;

/// How far one goes back behind the last such one, so long after it: more than a
/// transaction can take.
const FAR_BACK: i64 = 60_000;
const FAR_EVERY: i64 = 5_000;

/// After so long in the dark changes may have been forgotten.
const TOO_LONG: i64 = 30 * 60 * 1000;

/// How far this process has heard.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When the last look was.
    last: Option<i64>,
    /// When the last one was that went far back.
    far: Option<i64>,
}

impl Heard {
    /// From a time on.
    pub(crate) fn from(start: Option<i64>) -> Self {
        Heard(Mutex::new(State {
            last: start,
            far: start,
        }))
    }
}

impl Eims {
    /// Hears of what other processes did to the eUICCs of all tenants; to be called often, a few
    /// times in a second: until then devices are told that there is nothing to do.
    /// Gives `false` if there can be no other process.
    ///
    /// # Errors
    /// If the store fails: the next call hears of it.
    pub fn hear(&self) -> Result<bool, StoreError> {
        let mut state = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let far = state.last.zip(state.far);
        let far = far.is_none_or(|(last, far)| last - far >= FAR_EVERY);
        let since = match far {
            true => state.far.map(|far| far - FAR_BACK),
            false => state.last.map(|last| last - BACK),
        };
        let Some(changes) = self.database.changes(since)? else {
            return Ok(false);
        };
        let dark = state
            .last
            .is_none_or(|last| changes.until - last > TOO_LONG);
        if dark {
            self.look_at_all()?;
        }
        self.learn(&changes);
        state.last = Some(changes.until);
        if far {
            state.far = Some(changes.until);
            self.database.forget_changes(changes.until)?;
        }
        Ok(true)
    }

    fn learn(&self, changes: &Changes) {
        for (tenant, eid, work) in &changes.euiccs {
            // A tenant that another process made is known from here on.
            let owner = self.of(tenant).owner;
            match work {
                Some(busy) => self.index.learn(*eid, owner, *busy),
                // If this process adds it at this moment, the next look finds it.
                None => self.index.remove(*eid, owner),
            }
        }
    }
}
