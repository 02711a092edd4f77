//! What transactions did, told when they are committed: what a process counts of
//! itself. Whoever commits tells, so that processes on one database together count
//! everything once.

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;

use fleet::telemetry::Tunnel;
use rsp_core::Timestamp;

/// Something that a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happened {
    /// An operation came into another state; the same as is told in an event.
    Operation(Moved),
    /// A sample of telemetry was put down; one that comes again is not.
    Sample(Sampled),
}

/// An operation that came into another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What it does, by name.
    pub kind: &'static str,
    /// The state that it left, by name, and since when it was in that; `None` if it
    /// is new.
    pub left: Option<(&'static str, Timestamp)>,
    /// The state that it came into, by name.
    pub state: &'static str,
    /// When it came into it.
    pub since: Timestamp,
    /// When it was queued for the first time.
    pub created: Timestamp,
}

/// What is counted of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// How many networks are forbidden (EF.FPLMN), if it tells.
    pub forbidden: Option<usize>,
    /// State of the tunnel, if it tells.
    pub tunnel: Option<Tunnel>,
    /// What was carried over each profile.
    pub usage: Vec<Carried>,
}

/// What was carried over a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Whose network it is, if the inventory says so.
    pub operator: Option<String>,
    /// Octets from the device.
    pub up: u64,
    /// Octets to the device.
    pub down: u64,
}

/// Hears what a transaction did, on the thread that committed it.
pub type Counter = Box<dyn Fn(&[Happened]) + Send + Sync>;

/// Who hears, if somebody does.
#[derive(Default)]
pub(crate) struct Counting(OnceLock<Counter>);

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

impl Counting {
    /// The first counter stays.
    pub(crate) fn begin(&self, counter: Counter) {
        let _ = self.0.set(counter);
    }

    /// Where a transaction puts down what it does.
    pub(crate) fn done(&self) -> Done {
        Done(self.0.get().map(|_| RefCell::default()))
    }

    /// It is committed.
    pub(crate) fn tell(&self, done: Done) {
        let happened = done.0.map(RefCell::into_inner).unwrap_or_default();
        if let Some(counter) = self.0.get().filter(|_| !happened.is_empty()) {
            counter(&happened);
        }
    }
}

/// What a transaction has done so far; nothing is put down if nobody hears.
#[derive(Debug, Default)]
pub(crate) struct Done(Option<RefCell<Vec<Happened>>>);

impl Done {
    /// The transaction is run from its beginning.
    pub(crate) fn again(&self) {
        if let Some(all) = &self.0 {
            all.borrow_mut().clear();
        }
    }

    /// Whether somebody will hear.
    pub(crate) const fn is_heard(&self) -> bool {
        self.0.is_some()
    }

    /// It did something.
    pub(crate) fn put(&self, happened: Happened) {
        if let Some(all) = &self.0 {
            all.borrow_mut().push(happened);
        }
    }
}
