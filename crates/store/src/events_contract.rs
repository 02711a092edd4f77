//! Events: noted with what happened, numbered later, read by number.

use fleet::events::{Event, EventFilter, NewEvent};
use rsp_core::Timestamp;

use crate::contract::{Due, StoreError};

/// Which events are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Those with a greater number.
    pub after: i64,
    /// At most so many.
    pub limit: usize,
    /// Those that it wants.
    pub filter: EventFilter,
}

/// Events in the order of their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// They.
    pub events: Vec<Event>,
    /// All events up to this number were looked at: the next page is after it.
    pub through: i64,
    /// The last number that was given.
    pub last: i64,
    /// Events up to this number are not kept any more. If it is greater than what
    /// was asked for, there were events that cannot be read.
    pub forgotten: i64,
}

/// What every engine offers for events.
///
/// The transaction in which something happens notes it, at rows of its eUICC
/// alone. Somebody who calls [`EventStore::number_events`] again and again gives
/// numbers to what was noted; only then it can be read. So nobody waits for a number
/// who does something, numbers have no gap, and nothing appears behind a number
/// that somebody has read.
pub trait EventStore: Send + Sync {
    /// Notes what happened to no eUICC.
    ///
    /// # Errors
    /// If the engine fails.
    fn note_events(&self, events: &[NewEvent]) -> Result<(), StoreError>;

    /// Numbers `due.limit` events at least, if so many wait, in the order in which
    /// they happened; gives how many it were, 0 if none waits or if somebody
    /// other than `holder` did it last and has it until later than `due.now`.
    ///
    /// # Errors
    /// If the engine fails.
    fn number_events(&self, holder: &str, due: &Due) -> Result<u64, StoreError>;

    /// Events that have numbers.
    ///
    /// # Errors
    /// If the engine fails.
    fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError>;

    /// Forgets the oldest events, as far as all of them happened before a time and
    /// no enabled webhook endpoint waits for one; at most `limit`. Gives how many.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_events(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError>;
}

/// Events that are to go where all events of a tenant go.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// They, in the order of their numbers.
    pub events: Vec<Event>,
    /// With them all up to this number are there.
    pub through: i64,
    /// How many were forgotten before they could go there.
    pub missed: i64,
}

/// Where all events of a tenant go, one after the other; each place has a name.
///
/// One process brings them there at a time. The position is put down when they are
/// there, so none is left out, and some go there again if a process is killed.
pub trait ExportStore: Send + Sync {
    /// What goes there next, at most `due.limit`; `None` if somebody other than
    /// `holder` has it until later than `due.now`. It is the caller's until
    /// `due.again`. The first time these are all events that are kept.
    ///
    /// # Errors
    /// If the engine fails.
    fn take_export(
        &self,
        sink: &str,
        holder: &str,
        due: &Due,
    ) -> Result<Option<Export>, StoreError>;

    /// Puts down that all up to a number are there; it stays the caller's until
    /// `due.again`. Gives `false` if somebody else has it by now.
    ///
    /// # Errors
    /// If the engine fails.
    fn settle_export(
        &self,
        sink: &str,
        holder: &str,
        position: i64,
        due: &Due,
    ) -> Result<bool, StoreError>;
}
