//! The card's own story, told again: each change must be the effect of
//! something that was ordered, once.

use std::collections::{BTreeMap, BTreeSet};

use euicc::Deed;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{ProfileInfoListResponse, SetDefaultDpAddressResult};
use rsp_asn1::sgp32::{
    AddEimResult, ConfigureImmediateEnableResult, DeleteEimResult, DeleteProfileResult,
    DisableProfileResult, EnableProfileResult, EuiccResultData, ListEimResult,
    RollbackProfileResult, SetFallbackAttributeResult, UnsetFallbackAttributeResult,
    UpdateEimResult,
};

use super::{History, Judge, Wish};

/// What the card did, for whoever compares.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether each item succeeded, by the counter of its package.
    pub(super) executed: BTreeMap<i64, Vec<bool>>,
    /// Packages that the IPA took back.
    pub(super) rolled_back: BTreeSet<i64>,
    /// What was so when each package came.
    pub(super) at: BTreeMap<i64, Seen>,
    /// How often each profile was installed.
    pub(super) installed: BTreeMap<Iccid, usize>,
    /// The profiles at the end, and whether enabled.
    pub(super) profiles: BTreeMap<Iccid, bool>,
}

/// What a list would have shown at some time.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The profiles, and whether enabled.
    pub(super) profiles: BTreeMap<Iccid, bool>,
    /// The one with the Fallback Attribute.
    pub(super) fallback: Option<Iccid>,
    /// Whether there is another eIM.
    pub(super) other_eim: bool,
}

/// A card as its deeds make it.
#[derive(Default)]
struct Card {
    facts: Facts,
    eims: BTreeSet<String>,
    counter: Option<i64>,
    /// What the last order makes of the profiles, until it is so.
    due: Option<BTreeMap<Iccid, bool>>,
    /// What the profiles may become by themselves.
    may_be: Option<BTreeMap<Iccid, bool>>,
    fallback: Option<Iccid>,
    /// Whether a profile may be enabled when it is installed.
    at_once: bool,
    other_eim: bool,
    /// The profile that was enabled before the last package.
    before: Option<Iccid>,
    /// The profile that was installed a moment ago: the notification that waits
    /// next is its installation result.
    just_installed: Option<Iccid>,
    /// Installation results that the SM-DP+ may not have heard of, and their
    /// profiles.
    untold: BTreeMap<i64, Iccid>,
}

/// Follows the deeds of a card from the first to the last.
pub(super) fn replay(history: &History, judge: &mut Judge) -> Facts {
    let mut card = Card::default();
    // As it left the factory: what it has when its record begins.
    let made = history.deeds.iter().position(|deed| {
        !matches!(
            deed,
            Deed::Installed(..) | Deed::EimAdded(_) | Deed::Waits { .. }
        )
    });
    let made = made.unwrap_or(history.deeds.len());
    for (at, deed) in history.deeds.iter().enumerate() {
        card.take(deed, at < made, history, judge);
    }
    card.settled("at the end", judge);
    card.is_usable("at the end", history, judge);
    card.facts
}

impl Card {
    fn take(&mut self, deed: &Deed, made: bool, history: &History, judge: &mut Judge) {
        match deed {
            Deed::Executed {
                eim_id,
                counter,
                results,
                ..
            } => {
                let name = format!("before package {counter}");
                self.settled(&name, judge);
                self.is_usable(&name, history, judge);
                judge.must(*eim_id == history.eim_id, || {
                    format!("a package of {eim_id}, whom nobody knows")
                });
                self.execute(*counter, results, history, judge);
            }
            Deed::RolledBack { counter, .. } => self.roll_back(*counter, judge),
            Deed::Counted { from, to, .. } => {
                judge.must(from < to, || {
                    format!("the card's counter went from {from} back to {to}")
                });
            }
            Deed::Installed(iccid, enabled) => {
                if !made {
                    self.settled("before an installation", judge);
                    self.expect_download(*iccid, history, judge);
                }
                self.install(*iccid, *enabled, self.at_once && !made);
            }
            Deed::Waits {
                seq_number,
                counter: None,
            } => {
                let installed = self.just_installed.take();
                self.untold
                    .extend(installed.map(|iccid| (*seq_number, iccid)));
            }
            Deed::Forgotten { seq_number } => {
                self.untold.remove(seq_number);
            }
            Deed::Enabled(iccid) => self.change(*iccid, Some(true), judge),
            Deed::Disabled(iccid) => self.change(*iccid, Some(false), judge),
            Deed::Deleted(iccid) => self.change(*iccid, None, judge),
            Deed::EimAdded(eim_id) => {
                self.eims.insert(eim_id.clone());
                judge.must(made || self.other_eim, || {
                    format!("{eim_id} was added without an order")
                });
            }
            Deed::EimRemoved(eim_id) => {
                self.eims.remove(eim_id);
                judge.must(!self.other_eim, || {
                    format!("{eim_id} was removed without an order")
                });
                judge.must(self.eims.contains(&history.eim_id), || {
                    format!("{eim_id} is gone: the card does not know its eIM any more")
                });
            }
            _ => {}
        }
    }

    fn install(&mut self, iccid: Iccid, enabled: bool, may_be_enabled: bool) {
        self.facts.profiles.insert(iccid, enabled);
        if may_be_enabled {
            let mut may_be = self.facts.profiles.clone();
            apply(&mut may_be, Wish::Enable(iccid));
            self.may_be = Some(may_be);
        }
        *self.facts.installed.entry(iccid).or_default() += 1;
        self.just_installed = Some(iccid);
    }

    /// The same counter twice is a package executed twice.
    fn execute(
        &mut self,
        counter: i64,
        results: &[EuiccResultData],
        history: &History,
        judge: &mut Judge,
    ) {
        judge.must(self.counter.is_none_or(|last| last < counter), || {
            format!(
                "the card accepted counter {counter} after {:?}",
                self.counter
            )
        });
        self.counter = self.counter.max(Some(counter));
        let done: Vec<bool> = results.iter().map(succeeded).collect();
        self.before = self.enabled();
        let mut due = self.facts.profiles.clone();
        let seen = Seen {
            profiles: due.clone(),
            fallback: self.fallback,
            other_eim: self.other_eim,
        };
        self.facts.at.insert(counter, seen);
        self.may_be = None;
        for (place, _) in done.iter().enumerate().filter(|(_, done)| **done) {
            match wish(history, counter, place) {
                Some(Wish::Fallback(iccid)) => self.fallback = iccid,
                Some(Wish::EnableAtOnce(at_once)) => self.at_once = at_once,
                Some(Wish::OtherEim(is_there)) => self.other_eim = is_there,
                Some(wish) => apply(&mut due, wish),
                None => judge.must(false, || {
                    format!("item {place} of package {counter} was ordered by nobody")
                }),
            }
        }
        self.due = Some(due);
        self.facts.executed.insert(counter, done);
    }

    fn roll_back(&mut self, counter: i64, judge: &mut Judge) {
        self.settled("before a rollback", judge);
        let first = self.facts.rolled_back.insert(counter);
        judge.must(first, || format!("package {counter} was taken back twice"));
        judge.must(self.counter == Some(counter), || {
            format!("package {counter} was taken back after {:?}", self.counter)
        });
        let mut due = self.facts.profiles.clone();
        due.values_mut().for_each(|enabled| *enabled = false);
        match self.before {
            Some(before) => {
                due.insert(before, true);
            }
            None => judge.must(false, || {
                format!("there was nothing to return to before package {counter}")
            }),
        }
        self.due = Some(due);
    }

    /// A profile must have been wanted by a download that was sent, and comes
    /// once: its code is good for one. Only while the SM-DP+ has not heard that it
    /// came, and it is gone again, somebody who orders twice with one code gets it
    /// twice: for the SM-DP+ that is a download that is tried again.
    fn expect_download(&self, iccid: Iccid, history: &History, judge: &mut Judge) {
        let wanted = history
            .claims
            .iter()
            .any(|claim| claim.wish == Wish::Download(Some(iccid)) && !claim.attempts.is_empty());
        judge.must(wanted, || {
            format!("{iccid} was installed, and nobody wanted it")
        });
        let untold = self.untold.values().any(|untold| *untold == iccid);
        let there = self.facts.profiles.contains_key(&iccid);
        let came = self.facts.installed.contains_key(&iccid);
        judge.must(!came || (untold && !there), || {
            format!("{iccid} was installed twice")
        });
    }

    /// A change is one that is due.
    fn change(&mut self, iccid: Iccid, to: Option<bool>, judge: &mut Judge) {
        let states = [&self.due, &self.may_be].into_iter().flatten();
        let mut wanted = states.map(|due| due.get(&iccid).copied());
        judge.must(wanted.any(|wanted| wanted == to), || {
            let name = match to {
                Some(true) => "enabled",
                Some(false) => "disabled",
                None => "deleted",
            };
            format!("{iccid} was {name} without an order")
        });
        match to {
            Some(enabled) => self.facts.profiles.insert(iccid, enabled),
            None => self.facts.profiles.remove(&iccid),
        };
    }

    /// What was due has happened.
    fn settled(&mut self, when: &str, judge: &mut Judge) {
        let Some(due) = self.due.take() else {
            return;
        };
        judge.must(due == self.facts.profiles, || {
            format!(
                "{when}: {:?} instead of {due:?}, which was reported",
                self.facts.profiles
            )
        });
    }

    /// The card can still be reached.
    fn is_usable(&self, when: &str, history: &History, judge: &mut Judge) {
        judge.must(self.eims.contains(&history.eim_id), || {
            format!("{when}: the card does not know its eIM")
        });
        judge.must(self.enabled().is_some(), || {
            format!("{when}: the card has no enabled profile")
        });
    }

    fn enabled(&self) -> Option<Iccid> {
        let mut profiles = self.facts.profiles.iter();
        profiles.find_map(|(iccid, enabled)| enabled.then_some(*iccid))
    }
}

fn wish(history: &History, counter: i64, place: usize) -> Option<Wish> {
    let is_meant = |claim: &&super::Claim| {
        let mut attempts = claim.attempts.iter();
        attempts.any(|attempt| attempt.counter == Some(counter) && attempt.place == place)
    };
    history.claims.iter().find(is_meant).map(|claim| claim.wish)
}

/// What a success means for the profiles.
fn apply(profiles: &mut BTreeMap<Iccid, bool>, wish: Wish) {
    match wish {
        Wish::Enable(iccid) => {
            profiles.values_mut().for_each(|enabled| *enabled = false);
            profiles.insert(iccid, true);
        }
        Wish::Disable(iccid) => {
            profiles.insert(iccid, false);
        }
        Wish::Delete(iccid) => {
            profiles.remove(&iccid);
        }
        _ => {}
    }
}

/// Whether the card says that an item was executed.
fn succeeded(result: &EuiccResultData) -> bool {
    match result {
        EuiccResultData::EnableResult(code) => *code == EnableProfileResult::OK,
        EuiccResultData::DisableResult(code) => *code == DisableProfileResult::OK,
        EuiccResultData::DeleteResult(code) => *code == DeleteProfileResult::OK,
        EuiccResultData::ListProfileInfoResult(list) => {
            matches!(list, ProfileInfoListResponse::Ok(_))
        }
        EuiccResultData::GetRatResult(_) => true,
        EuiccResultData::ConfigureImmediateEnableResult(code) => {
            *code == ConfigureImmediateEnableResult::OK
        }
        EuiccResultData::AddEimResult(result) => {
            matches!(result, AddEimResult::AssociationToken(_))
                || matches!(result, AddEimResult::Code(code) if code.0 == 0)
        }
        EuiccResultData::DeleteEimResult(code) => {
            matches!(
                *code,
                DeleteEimResult::OK | DeleteEimResult::LAST_EIM_DELETED
            )
        }
        EuiccResultData::UpdateEimResult(code) => *code == UpdateEimResult::OK,
        EuiccResultData::ListEimResult(list) => matches!(list, ListEimResult::EimIdList(_)),
        EuiccResultData::RollbackResult(code) => *code == RollbackProfileResult::OK,
        EuiccResultData::SetFallbackAttributeResult(code) => {
            *code == SetFallbackAttributeResult::OK
        }
        EuiccResultData::UnsetFallbackAttributeResult(code) => {
            *code == UnsetFallbackAttributeResult::OK
        }
        EuiccResultData::SetDefaultDpAddressResult(response) => {
            response.set_default_dp_address_result == SetDefaultDpAddressResult::OK
        }
        EuiccResultData::ProcessingTerminated(_) | EuiccResultData::Unknown(_) => false,
    }
}
