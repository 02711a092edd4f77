//! What a card did, told by the card itself: the truth against which somebody
//! who watches a test can hold what everybody else believes.
//!
//! A card keeps no record unless it is given one ([`Euicc::keep_record`]), and
//! a record is no part of its memory: whoever makes a card from its memory
//! again hands the record on. What became of profiles, eIMs and results is
//! found by comparing the state after a command with the state before it, so
//! that no procedure can forget to tell.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::ProfileState;
use rsp_asn1::sgp32::{EuiccPackageResult, EuiccResultData};

use crate::card::Euicc;
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::package::received::Received;
use crate::state::PackageId;

/// One thing that a card did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// It executed an eUICC Package, whose counter it had not accepted before.
    Executed {
        /// Of which eIM.
        eim_id: String,
        /// counterValue.
        counter: i64,
        /// eimTransactionId.
        transaction: Option<TransactionId>,
        /// The result of each item, up to the first that failed.
        results: Vec<EuiccResultData>,
    },
    /// It refused an authentic eUICC Package as a whole.
    Refused {
        /// Of which eIM.
        eim_id: String,
        /// counterValue.
        counter: i64,
        /// EuiccPackageErrorCode, as its number.
        code: i64,
    },
    /// It returned to the profile before (ProfileRollback), as this package
    /// allowed.
    RolledBack {
        /// Of which eIM.
        eim_id: String,
        /// counterValue.
        counter: i64,
    },
    /// The highest counterValue that it has accepted of an eIM is another one.
    Counted {
        /// Of which eIM.
        eim_id: String,
        /// Before.
        from: i64,
        /// Now.
        to: i64,
    },
    /// A profile is there, and whether enabled.
    Installed(Iccid, bool),
    /// A profile was enabled.
    Enabled(Iccid),
    /// A profile was disabled.
    Disabled(Iccid),
    /// A profile is gone.
    Deleted(Iccid),
    /// An eIM is associated.
    EimAdded(String),
    /// An eIM is no longer associated.
    EimRemoved(String),
    /// A result or notification waits for delivery.
    Waits {
        /// Its sequence number.
        seq_number: i64,
        /// counterValue of the package whose result it is; none of a
        /// notification.
        counter: Option<i64>,
    },
    /// It waits no longer: the host had it removed, another one took its place,
    /// or there was no room.
    Forgotten {
        /// Its sequence number.
        seq_number: i64,
    },
}

/// The deeds of one card, and what it looked like after the last of them.
#[derive(Clone, Default)]
pub struct Record {
    before: Seen,
    deeds: Vec<Deed>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("deeds", &self.deeds)
            .finish_non_exhaustive()
    }
}

impl Record {
    /// The deeds since this was asked last.
    pub fn take_deeds(&mut self) -> Vec<Deed> {
        core::mem::take(&mut self.deeds)
    }

    /// The answer to an authentic package.
    pub(crate) fn package(&mut self, package: &Received, answer: &EuiccPackageResult) {
        let eim_id = package.eim_id.as_str().to_string();
        let counter = package.counter;
        match answer {
            EuiccPackageResult::Signed(signed) => self.deeds.push(Deed::Executed {
                eim_id,
                counter,
                transaction: package.transaction_id.clone(),
                results: signed.euicc_package_result_data_signed.euicc_result.clone(),
            }),
            EuiccPackageResult::ErrorSigned(signed) => self.deeds.push(Deed::Refused {
                eim_id,
                counter,
                code: signed
                    .euicc_package_error_data_signed
                    .euicc_package_error_code
                    .0,
            }),
            EuiccPackageResult::ErrorUnsigned(_) => {}
        }
    }

    /// A return to the profile before, which this package allowed.
    pub(crate) fn rolled_back(&mut self, package: &PackageId) {
        self.deeds.push(Deed::RolledBack {
            eim_id: package.eim_id.as_str().to_string(),
            counter: package.counter,
        });
    }

    fn compare(&mut self, now: Seen) {
        let before = core::mem::replace(&mut self.before, now);
        let now = &self.before;
        if before == *now {
            return;
        }
        let deeds = &mut self.deeds;
        for (number, iccid, enabled) in &now.profiles {
            let old = before.profiles.iter().find(|(old, ..)| old == number);
            match (old.map(|(.., enabled)| *enabled), *enabled) {
                (None, enabled) => deeds.push(Deed::Installed(*iccid, enabled)),
                (Some(true), false) => deeds.push(Deed::Disabled(*iccid)),
                _ => {}
            }
        }
        for (number, iccid, enabled) in &now.profiles {
            let old = before.profiles.iter().find(|(old, ..)| old == number);
            if *enabled && old.is_some_and(|(.., enabled)| !*enabled) {
                deeds.push(Deed::Enabled(*iccid));
            }
        }
        for (number, iccid, _) in &before.profiles {
            if !now.profiles.iter().any(|(new, ..)| new == number) {
                deeds.push(Deed::Deleted(*iccid));
            }
        }
        compare_eims(&before, now, deeds);
        for (seq_number, _) in &before.waiting {
            if !now.waiting.iter().any(|(new, _)| new == seq_number) {
                let seq_number = *seq_number;
                deeds.push(Deed::Forgotten { seq_number });
            }
        }
        for (seq_number, counter) in &now.waiting {
            if !before.waiting.iter().any(|(old, _)| old == seq_number) {
                let (seq_number, counter) = (*seq_number, *counter);
                deeds.push(Deed::Waits {
                    seq_number,
                    counter,
                });
            }
        }
    }
}

fn compare_eims(before: &Seen, now: &Seen, deeds: &mut Vec<Deed>) {
    for (eim_id, to) in &now.eims {
        let old = before.eims.iter().find(|(old, _)| old == eim_id);
        match old.map(|(_, counter)| *counter) {
            None => deeds.push(Deed::EimAdded(eim_id.clone())),
            Some(from) if from != *to => deeds.push(Deed::Counted {
                eim_id: eim_id.clone(),
                from,
                to: *to,
            }),
            Some(_) => {}
        }
    }
    for (eim_id, _) in &before.eims {
        if !now.eims.iter().any(|(new, _)| new == eim_id) {
            deeds.push(Deed::EimRemoved(eim_id.clone()));
        }
    }
}

/// What is looked at.
#[derive(Clone, Default, PartialEq, Eq)]
struct Seen {
    /// Number of the profile, which is never used again; whether enabled.
    profiles: Vec<(u32, Iccid, bool)>,
    /// With the highest counter.
    eims: Vec<(String, i64)>,
    /// Number of what waits; counter of a package result.
    waiting: Vec<(i64, Option<i64>)>,
}

impl Seen {
    fn of(isdr: &Isdr) -> Seen {
        let state = &isdr.state;
        let profiles = state.profiles.iter().map(|profile| {
            let enabled = profile.state == ProfileState::ENABLED;
            (profile.number, *profile.iccid(), enabled)
        });
        let eims = state.eims.iter();
        let waiting = state.notifications.entries().iter();
        Seen {
            profiles: profiles.collect(),
            eims: eims
                .map(|eim| (eim.id().as_str().to_string(), eim.counter))
                .collect(),
            waiting: waiting
                .map(|(number, entry)| (*number, counter_of(entry)))
                .collect(),
        }
    }
}

fn counter_of(entry: &Entry) -> Option<i64> {
    match entry {
        Entry::PackageResult(EuiccPackageResult::Signed(result)) => {
            Some(result.euicc_package_result_data_signed.counter_value)
        }
        _ => None,
    }
}

impl Isdr {
    /// Puts down what has changed, if there is a record.
    pub(crate) fn put_down(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.compare(Seen::of(self));
            self.record = Some(record);
        }
    }
}

impl Euicc {
    /// Goes on with a record: a new one, or that of the card which stood here
    /// before this one was made from its memory.
    pub fn keep_record(&mut self, record: Record) {
        self.isdr.record = Some(record);
        self.isdr.put_down();
    }

    /// The record, to look at or to hand on; the card keeps none any more.
    pub fn take_record(&mut self) -> Option<Record> {
        self.isdr.record.take()
    }

    /// The record, to look at.
    pub fn record_mut(&mut self) -> Option<&mut Record> {
        self.isdr.record.as_mut()
    }
}
