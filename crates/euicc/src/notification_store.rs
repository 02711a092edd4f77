//! Notifications and eUICC Package Results that wait for delivery (SGP.22 3.5,
//! SGP.32 2.11.2). They share one sequence of numbers.

use alloc::vec::Vec;

use rsp_asn1::rsp::{NotificationEvent, PendingNotification};
use rsp_asn1::sgp32::EuiccPackageResult;

/// Entries kept; beyond, the oldest of the same kind gives way.
const MAX_ENTRIES: usize = 128;

/// Bits of NotificationEvent.
const EVENTS: core::ops::Range<u8> = 0..4;

/// One thing that waits.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Notification(PendingNotification),
    PackageResult(EuiccPackageResult),
}

/// The list and the next number.
#[derive(Clone, Debug)]
pub(crate) struct NotificationStore {
    entries: Vec<(i64, Entry)>,
    next: i64,
}

impl Default for NotificationStore {
    fn default() -> Self {
        NotificationStore {
            entries: Vec::new(),
            next: 1,
        }
    }
}

impl NotificationStore {
    /// The number that the next entry gets.
    pub(crate) fn next_number(&self) -> i64 {
        self.next
    }

    /// Stores an entry that was made with [`NotificationStore::next_number`].
    pub(crate) fn push(&mut self, entry: Entry) {
        let kind = core::mem::discriminant(&entry);
        let of_kind = |(_, old): &(i64, Entry)| core::mem::discriminant(old) == kind;
        if self.entries.iter().filter(|old| of_kind(old)).count() >= MAX_ENTRIES
            && let Some(oldest) = self.entries.iter().position(of_kind)
        {
            self.entries.remove(oldest);
        }
        self.entries.push((self.next, entry));
        self.next += 1;
    }

    /// Everything with its number, oldest first.
    pub(crate) fn entries(&self) -> &[(i64, Entry)] {
        &self.entries
    }

    /// As it was: entries in the order of their numbers, and the next number.
    pub(crate) fn restored(entries: Vec<(i64, Entry)>, next: i64) -> NotificationStore {
        NotificationStore { entries, next }
    }

    /// Removes the entry; `false` if there is none.
    pub(crate) fn remove(&mut self, number: i64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(entry, _)| *entry != number);
        self.entries.len() != before
    }

    pub(crate) fn get(&self, number: i64) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find_map(|(entry, value)| (*entry == number).then_some(value))
    }

    /// Notifications of these events, oldest first; all of them for `None`.
    pub(crate) fn notifications(
        &self,
        events: Option<&NotificationEvent>,
    ) -> impl Iterator<Item = &PendingNotification> {
        self.entries.iter().filter_map(move |(_, entry)| {
            let Entry::Notification(notification) = entry else {
                return None;
            };
            let of = &notification.metadata()?.profile_management_operation;
            let wanted = |events: &NotificationEvent| {
                EVENTS.into_iter().any(|bit| events.bit(bit) && of.bit(bit))
            };
            events.is_none_or(wanted).then_some(notification)
        })
    }

    pub(crate) fn package_results(&self) -> impl Iterator<Item = &EuiccPackageResult> {
        self.entries.iter().filter_map(|(_, entry)| match entry {
            Entry::PackageResult(result) => Some(result),
            Entry::Notification(_) => None,
        })
    }
}
