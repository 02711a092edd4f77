//! What the eIM knows in memory, so that a poll with nothing to do costs no
//! query: which eUICCs there are and whose, for which of them there may be work, and
//! when their devices polled last.
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

pub(crate) use table::Owner;
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

impl Default for Index {
    fn default() -> Self {
        Index {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Index {
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
    pub(crate) fn add(&self, eid: Eid, owner: Owner, busy: bool) {
        if let Some((mut shard, hash)) = self.shard(eid) {
            shard.insert(hash, eid, owner, Entry::new(busy));
        }
    }

    /// There is such an eUICC, and perhaps work for it: somebody else says so.
    pub(crate) fn learn(&self, eid: Eid, owner: Owner, busy: bool) {
        if let Some((mut shard, hash)) = self.shard(eid) {
            if shard.owner(hash) != Some(owner) {
                shard.insert(hash, eid, owner, Entry::new(false));
            }
            if let Some(entry) = shard.get_mut(hash).filter(|_| busy) {
                entry.set_busy();
            }
        }
    }

    /// An eUICC is forgotten, if it is still this owner's.
    pub(crate) fn remove(&self, eid: Eid, owner: Owner) {
        if let Some((mut shard, hash)) = self.shard(eid)
            && shard.owner(hash) == Some(owner)
        {
            shard.remove(hash);
        }
    }

    /// Whose an eUICC is. `None` if it is not known, or if only the store can tell.
    pub(crate) fn owner(&self, eid: Eid) -> Option<Owner> {
        let (shard, hash) = self.shard(eid)?;
        shard.owner(hash)
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

    /// When the device polled last in the life of this index, for its owner alone.
    pub(crate) fn contact(&self, eid: Eid, owner: Owner) -> Option<Timestamp> {
        let (mut shard, hash) = self.shard(eid)?;
        let is_owner = shard.owner(hash) == Some(owner);
        let contact = shard.get_mut(hash).filter(|_| is_owner)?.contact();
        (contact > 0).then_some(Timestamp(contact))
    }

    /// Contacts that were not taken yet, those of one owner beside each other.
    pub(crate) fn take_contacts(&self) -> Vec<(Owner, Eid, Timestamp)> {
        let mut contacts = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let unsaved = shard.take_unsaved().into_iter();
            contacts.extend(unsaved.map(|(owner, eid, at)| (owner, eid, Timestamp(at))));
        }
        contacts.sort();
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

    const ONE: Owner = Owner(1);

    fn index(euiccs: &[(Eid, bool)]) -> Index {
        let index = Index::default();
        for (eid, busy) in euiccs {
            index.add(*eid, ONE, *busy);
        }
        index
    }

    #[test]
    fn work_that_comes_while_it_is_looked_for_is_not_lost() {
        let index = index(&[(eid(1), true)]);
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
        let index = index(&[(eid(1), false), (eid(2), false)]);
        index.poll(eid(1), Timestamp(1));
        index.poll(eid(1), Timestamp(2));
        assert_eq!(index.take_contacts(), [(ONE, eid(1), Timestamp(2))]);
        assert_eq!(index.take_contacts(), []);
        index.poll(eid(1), Timestamp(3));
        index.remove(eid(1), ONE);
        assert_eq!(index.take_contacts(), []);
        assert_eq!(index.contact(eid(2), ONE), None);
    }

    #[test]
    fn what_is_heard_of_one_owner_is_nothing_of_another() {
        let other = Owner(2);
        let index = index(&[(eid(1), false)]);
        index.poll(eid(1), Timestamp(7));
        assert_eq!(index.contact(eid(1), ONE), Some(Timestamp(7)));
        assert_eq!(index.contact(eid(1), other), None);
        index.remove(eid(1), other);
        assert_eq!(index.owner(eid(1)), Some(ONE));
        // It was forgotten there and added here; which of the two is heard of first
        // does not matter.
        index.learn(eid(1), other, true);
        index.remove(eid(1), ONE);
        assert_eq!(index.owner(eid(1)), Some(other));
        assert_eq!(index.poll(eid(1), Timestamp(8)), Found::Busy);
    }
}
