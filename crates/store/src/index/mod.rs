//! What the eIM knows in memory, so that a poll with nothing to do costs no
//! query: which eUICCs there are, for which of them there may be work, and when
//! their devices polled last.
//!
//! It errs on one side only. An eUICC that is marked busy and has no work costs a
//! query; one to which this process gave work is never marked idle. What other
//! processes did is heard of soon after: `crates/store/src/others.rs`.

mod table;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;

use table::{Entry, Table};

/// Parts of the index that are locked on their own.
const SHARDS: usize = 64;

/// The index.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<Mutex<Table>>,
    hasher: RandomState,
}

/// What a poll finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No such eUICC.
    Unknown,
    /// Nothing is to be done.
    Idle,
    /// Something may be to be done.
    Busy,
}

/// The work that was known when a step began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(u16);

impl Index {
    /// The index of these eUICCs, each with whether it has open operations.
    pub(crate) fn new(euiccs: Vec<(Eid, bool)>) -> Self {
        let index = Index {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        };
        for (eid, busy) in euiccs {
            index.add(eid, busy);
        }
        index
    }

    /// The shard of an eUICC, and the hash by which it is found there. A thread
    /// that panicked with the lock left an entry as it was or as it was to be.
    fn shard(&self, eid: Eid) -> Option<(MutexGuard<'_, Table>, u64)> {
        let hash = self.hasher.hash_one(eid);
        let shard = self.shards.get(hash as usize % SHARDS)?;
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        Some((shard, hash))
    }

    fn with<T>(&self, eid: Eid, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let (mut shard, hash) = self.shard(eid)?;
        shard.get_mut(hash).map(change)
    }

    /// An eUICC is new, or was heard of already.
    pub(crate) fn add(&self, eid: Eid, busy: bool) {
        if let Some((mut shard, hash)) = self.shard(eid) {
            shard.insert(hash, eid, Entry::new(busy));
        }
    }

    /// There is such an eUICC, and perhaps work for it: somebody else says so.
    pub(crate) fn learn(&self, eid: Eid, busy: bool) {
        if let Some((mut shard, hash)) = self.shard(eid) {
            match shard.get_mut(hash) {
                Some(entry) if busy => entry.set_busy(),
                Some(_) => {}
                None => shard.insert(hash, eid, Entry::new(busy)),
            }
        }
    }

    /// An eUICC is forgotten.
    pub(crate) fn remove(&self, eid: Eid) {
        if let Some((mut shard, hash)) = self.shard(eid) {
            shard.remove(hash);
        }
    }

    /// A device polls.
    pub(crate) fn poll(&self, eid: Eid, now: Timestamp) -> Found {
        let found = self.with(eid, |entry| {
            entry.touch(now.0);
            match entry.is_busy() {
                true => Found::Busy,
                false => Found::Idle,
            }
        });
        found.unwrap_or(Found::Unknown)
    }

    /// There may be new work, which is stored already.
    pub(crate) fn busy(&self, eid: Eid) {
        self.with(eid, Entry::set_busy);
    }

    /// To be called before the work is read from the store.
    pub(crate) fn seen(&self, eid: Eid) -> Option<Seen> {
        self.with(eid, |entry| Seen(entry.generation()))
    }

    /// No work is left, unless some came meanwhile.
    pub(crate) fn idle(&self, eid: Eid, seen: Seen) {
        self.with(eid, |entry| {
            if entry.generation() == seen.0 {
                entry.set_idle();
            }
        });
    }

    /// When the device polled last in the life of this index.
    pub(crate) fn contact(&self, eid: Eid) -> Option<Timestamp> {
        let contact = self.with(eid, |entry| entry.contact())?;
        (contact > 0).then_some(Timestamp(contact))
    }

    /// Contacts that were not taken yet.
    pub(crate) fn take_contacts(&self) -> Vec<(Eid, Timestamp)> {
        let mut contacts = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let unsaved = shard.take_unsaved().into_iter();
            contacts.extend(unsaved.map(|(eid, at)| (eid, Timestamp(at))));
        }
        contacts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eid(number: u32) -> Eid {
        Eid::from_bytes(core::array::from_fn(|at| match at {
            0 => 0x89,
            15 => number as u8,
            _ => 0,
        }))
    }

    #[test]
    fn work_that_comes_while_it_is_looked_for_is_not_lost() {
        let index = Index::new(vec![(eid(1), true)]);
        let seen = index.seen(eid(1)).unwrap();
        index.busy(eid(1));
        index.idle(eid(1), seen);
        assert_eq!(index.poll(eid(1), Timestamp(1)), Found::Busy);
        let seen = index.seen(eid(1)).unwrap();
        index.idle(eid(1), seen);
        assert_eq!(index.poll(eid(1), Timestamp(1)), Found::Idle);
        assert_eq!(index.poll(eid(2), Timestamp(1)), Found::Unknown);
    }

    #[test]
    fn a_contact_is_taken_once_and_with_its_latest_time() {
        let index = Index::new(vec![(eid(1), false), (eid(2), false)]);
        index.poll(eid(1), Timestamp(1));
        index.poll(eid(1), Timestamp(2));
        assert_eq!(index.take_contacts(), [(eid(1), Timestamp(2))]);
        assert_eq!(index.take_contacts(), []);
        index.poll(eid(1), Timestamp(3));
        index.remove(eid(1));
        assert_eq!(index.take_contacts(), []);
        assert_eq!(index.contact(eid(2)), None);
    }
}
