//! A table of sixteen octets for each eUICC: a poll reads one line of memory,
//! and a million eUICCs fit into a processor's cache.
//!
//! An eUICC is known by 64 bits of a keyed hash of its EID, which nobody
//! outside can foresee. Should two that are known have the same, their entry
//! stays busy for ever, so that the store decides. An unknown EID with the
//! hash of a known one is answered as that: once in 2^64 polls and eUICCs.

use rsp_asn1::ids::Eid;

/// Whose an eUICC is: a number that stands for a tenant in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) u32);

/// No eUICC: never filled.
const EMPTY: u64 = 0;

/// Bits of [`Entry`], from the lowest; above them is the last contact.
const BUSY: u64 = 1;
const UNSAVED: u64 = 1 << 1;
/// Two eUICCs have this hash.
const SHARED: u64 = 1 << 2;
/// The eUICC is forgotten; the slot is passed over.
const GONE: u64 = 1 << 3;
const GENERATION: u32 = 4;
const GENERATION_MASK: u64 = 0xFFFF << GENERATION;
const CONTACT: u32 = 20;

/// What is known of one eUICC, in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u64);

impl Entry {
    pub(super) fn new(busy: bool) -> Self {
        Entry(if busy { BUSY } else { 0 })
    }

    pub(super) fn is_busy(self) -> bool {
        self.0 & (BUSY | SHARED) != 0
    }

    /// Nothing is to be done any more.
    pub(super) fn set_idle(&mut self) {
        self.0 &= !BUSY;
    }

    /// There may be new work: the generation grows.
    pub(super) fn set_busy(&mut self) {
        let next = u64::from(self.generation().wrapping_add(1)) << GENERATION;
        self.0 = (self.0 & !GENERATION_MASK) | next | BUSY;
    }

    /// Grows with everything that may be new work.
    pub(super) fn generation(self) -> u16 {
        (self.0 >> GENERATION) as u16
    }

    /// Milliseconds since 1970, 44 bits of them: until the year 2527.
    pub(super) fn contact(self) -> u64 {
        self.0 >> CONTACT
    }

    /// A contact that is not put down yet.
    pub(super) fn touch(&mut self, at: u64) {
        self.0 = (self.0 & ((1 << CONTACT) - 1)) | UNSAVED | (at << CONTACT);
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    entry: Entry,
}

const FREE: Slot = Slot {
    hash: EMPTY,
    entry: Entry(0),
};

/// Slots in the order of the hashes, as far as those before leave room.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    /// The EID of each slot, and whose it is: no poll looks here that has nothing to
    /// do.
    eids: Vec<Option<Eid>>,
    owners: Vec<Owner>,
    /// Slots that are not free, those of forgotten ones included.
    used: usize,
}

impl Table {
    /// Where the slot of a hash is, or the free one where it would be; `None`
    /// only of a table without slots.
    fn find(&self, hash: u64) -> Option<usize> {
        let hash = hash.max(1);
        let length = self.slots.len();
        let home = ((u128::from(hash) * length as u128) >> 64) as usize;
        let (before, from) = self.slots.split_at_checked(home)?;
        let matches = |slot: &Slot| slot.hash == hash || slot.hash == EMPTY;
        let ahead = from.iter().position(matches);
        let ahead = ahead.map(|ahead| home + ahead);
        ahead.or_else(|| before.iter().position(matches))
    }

    /// The entry with this hash.
    pub(super) fn get_mut(&mut self, hash: u64) -> Option<&mut Entry> {
        let at = self.find(hash)?;
        let slot = self.slots.get_mut(at)?;
        let is_there = slot.hash != EMPTY && slot.entry.0 & GONE == 0;
        is_there.then_some(&mut slot.entry)
    }

    /// Whose the entry with this hash is; `None` if two share it.
    pub(super) fn owner(&self, hash: u64) -> Option<Owner> {
        let at = self.find(hash)?;
        let slot = self.slots.get(at)?;
        let is_alone = slot.hash != EMPTY && slot.entry.0 & (GONE | SHARED) == 0;
        self.owners.get(at).copied().filter(|_| is_alone)
    }

    /// Adds an entry; of one that is there, it is this owner's from now on.
    pub(super) fn insert(&mut self, hash: u64, eid: Eid, owner: Owner, entry: Entry) {
        // A fifth stays free, so that ways are short.
        if (self.used + 1) * 5 > self.slots.len() * 4 {
            self.grow();
        }
        let Some(at) = self.find(hash) else {
            return;
        };
        let (Some(slot), Some(known)) = (self.slots.get_mut(at), self.eids.get_mut(at)) else {
            return;
        };
        let known = known.replace(eid) == Some(eid);
        if let Some(place) = self.owners.get_mut(at) {
            *place = owner;
        }
        if slot.hash == EMPTY {
            *slot = Slot {
                hash: hash.max(1),
                entry,
            };
            self.used += 1;
        } else if slot.entry.0 & GONE != 0 {
            slot.entry = entry;
        } else if known {
            slot.entry.0 |= entry.0;
        } else {
            slot.entry.0 |= entry.0 | SHARED;
        }
    }

    /// Forgets an entry; one that two share stays for the other.
    pub(super) fn remove(&mut self, hash: u64) {
        if let Some(entry) = self.get_mut(hash)
            && entry.0 & SHARED == 0
        {
            *entry = Entry(GONE);
        }
    }

    /// A quarter larger than what is in it needs: memory is what counts.
    fn grow(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        let eids = std::mem::take(&mut self.eids);
        let owners = std::mem::take(&mut self.owners);
        let is_there = |slot: &Slot| slot.hash != EMPTY && slot.entry.0 & GONE == 0;
        let there = slots.iter().filter(|slot| is_there(slot)).count();
        let room = there + there / 2 + 8;
        self.slots = vec![FREE; room];
        self.eids = vec![None; room];
        self.owners = vec![Owner::default(); room];
        self.used = there;
        for (slot, (eid, owner)) in slots.into_iter().zip(eids.into_iter().zip(owners)) {
            if is_there(&slot)
                && let Some(at) = self.find(slot.hash)
                && let Some(free) = self.slots.get_mut(at)
                && let Some(known) = self.eids.get_mut(at)
                && let Some(place) = self.owners.get_mut(at)
            {
                (*free, *known, *place) = (slot, eid, owner);
            }
        }
    }

    /// The contacts that were not put down yet; from here on they are.
    pub(super) fn take_unsaved(&mut self) -> Vec<(Owner, Eid, u64)> {
        let mut unsaved = Vec::new();
        let whose = self.owners.iter().zip(&self.eids);
        for (slot, (owner, eid)) in self.slots.iter_mut().zip(whose) {
            if slot.entry.0 & (UNSAVED | GONE) == UNSAVED {
                slot.entry.0 &= !UNSAVED;
                unsaved.extend(eid.map(|eid| (*owner, eid, slot.entry.contact())));
            }
        }
        unsaved
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rsp_crypto::Rng;
    use rsp_crypto::software::SeededRng;

    use super::*;

    fn eid(number: u64) -> Eid {
        let mut octets = [0x89; 16];
        octets[8..].copy_from_slice(&number.to_be_bytes());
        Eid::from_bytes(octets)
    }

    /// Against a map that is plainly right; hashes that are close together, at
    /// both ends, so that ways are long and go around.
    #[test]
    fn it_is_a_map() {
        let (mut table, mut map) = (Table::default(), BTreeMap::new());
        let mut owners = BTreeMap::new();
        let mut rng = SeededRng::new(1);
        for round in 0..20_000u64 {
            let mut random = [0; 3];
            rng.fill(&mut random);
            let [what, low, high] = random;
            let hash = match high % 3 {
                0 => u64::from(low),
                1 => u64::MAX - u64::from(low),
                _ => (u64::from(low) << 56) | u64::from(high),
            };
            let key = hash.max(1);
            match what % 3 {
                0 if !map.contains_key(&key) => {
                    let owner = Owner(u32::from(low));
                    table.insert(hash, eid(key), owner, Entry::new(what > 127));
                    owners.insert(key, owner);
                    map.insert(key, Entry::new(what > 127));
                }
                1 => {
                    table.remove(hash);
                    map.remove(&key);
                    owners.remove(&key);
                }
                _ => {
                    if let Some(entry) = table.get_mut(hash) {
                        entry.touch(round);
                    }
                    if let Some(entry) = map.get_mut(&key) {
                        entry.touch(round);
                    }
                }
            }
            assert_eq!(table.get_mut(hash).copied(), map.get(&key).copied());
            assert_eq!(table.owner(hash), owners.get(&key).copied());
        }
        assert!(map.len() > 100);
        let mut unsaved = table.take_unsaved();
        unsaved.sort();
        let expected = map.iter().filter(|(_, entry)| entry.0 & UNSAVED != 0);
        let expected = expected.map(|(key, entry)| (owners[key], eid(*key), entry.contact()));
        let mut expected: Vec<_> = expected.collect();
        expected.sort();
        assert_eq!(unsaved, expected);
        assert_eq!(table.take_unsaved(), []);
        for entry in map.values_mut() {
            entry.0 &= !UNSAVED;
        }
        for (key, entry) in map {
            assert_eq!(table.get_mut(key).copied(), Some(entry));
        }
    }

    #[test]
    fn an_entry_holds_all_it_is_told() {
        let mut entry = Entry::new(true);
        entry.touch(1_767_225_600_123);
        entry.touch(1_767_225_600_124);
        for _ in 0..70_000 {
            entry.set_busy();
        }
        assert_eq!(entry.generation(), (70_000u32 % 65_536) as u16);
        assert_eq!(entry.contact(), 1_767_225_600_124);
        entry.set_idle();
        entry.touch(5);
        assert!(!entry.is_busy());
        assert_eq!(entry.contact(), 5);
    }

    #[test]
    fn two_with_one_hash_are_left_to_the_store() {
        let mut table = Table::default();
        table.insert(7, eid(1), Owner(1), Entry::new(false));
        assert_eq!(table.owner(7), Some(Owner(1)));
        table.insert(7, eid(2), Owner(2), Entry::new(false));
        assert_eq!(table.owner(7), None, "nobody can tell from here");
        let entry = table.get_mut(7).unwrap();
        entry.set_idle();
        assert!(entry.is_busy());
        table.remove(7);
        assert!(table.get_mut(7).is_some(), "the other one is still there");
    }
}
