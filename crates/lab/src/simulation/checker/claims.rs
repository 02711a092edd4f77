//! What the eIM says of operations, against what the card did.

use std::collections::BTreeMap;

use rsp_asn1::ids::Iccid;

use super::card::Facts;
use super::{Attempt, Claim, History, Judge, Said, Wish};

pub(super) fn judge(history: &History, card: &Facts, judge: &mut Judge) {
    let mut installations: BTreeMap<Iccid, usize> = BTreeMap::new();
    for claim in &history.claims {
        match claim.wish {
            Wish::Download(wanted) => {
                if let Said::Done(Some(iccid)) = claim.said {
                    *installations.entry(iccid).or_default() += 1;
                }
                download(claim, wanted, card, judge);
            }
            _ => package(claim, card, judge),
        }
    }
    for (iccid, said) in &installations {
        let done = card.installed.get(iccid).copied().unwrap_or_default();
        judge.must(*said <= done, || {
            format!("{iccid} was installed {done} times, and {said} operations claim it")
        });
    }
    lost_installations(history, card, &installations, judge);
    for id in &history.unresolved {
        judge.must(false, || {
            format!("{id}: still unknown two polls after the link was back")
        });
    }
    if let Some(listed) = &history.listed {
        judge.must(*listed == card.profiles, || {
            format!("the eIM lists {listed:?}, the card has {:?}", card.profiles)
        });
    }
}

/// An item that was in packages: what the card made of it, in the end.
fn package(claim: &Claim, card: &Facts, judge: &mut Judge) {
    let id = &claim.id;
    let outcomes = claim.attempts.iter().map(|attempt| outcome(attempt, card));
    let outcomes: Vec<_> = outcomes.collect();
    let done = outcomes.iter().filter(|done| **done == Some(true)).count();
    judge.must(done <= 1, || format!("{id} was executed {done} times"));
    if let Some(holds) = told(claim, card) {
        return judge.must((claim.said == Said::Failed) != holds, || {
            format!(
                "{id} ({:?}): {:?} by a list that shows otherwise",
                claim.wish, claim.said
            )
        });
    }
    let taken_back = claim.attempts.iter().any(|attempt| {
        let counter = attempt.counter;
        counter.is_some_and(|counter| card.rolled_back.contains(&counter))
    });
    let counted = claim.attempts.iter().any(|a| a.counter.is_some());
    let truth = match (done > 0, taken_back) {
        (true, false) => "executed it",
        (true, true) => "executed it and took it back",
        (false, _) => "did not execute it",
    };
    let agrees = match claim.said {
        Said::Open => false,
        // What the card does not count it does not tell of.
        Said::Done(_) if !counted => claim.wish == Wish::Other,
        Said::Done(_) => done > 0 && !(taken_back && matches!(claim.wish, Wish::Enable(_))),
        Said::Failed => done == 0,
        Said::RolledBack => done > 0 && taken_back,
        Said::Cancelled => claim.attempts.is_empty(),
    };
    judge.must(agrees, || {
        format!(
            "{id} ({:?}): {:?}, but the card {truth}",
            claim.wish, claim.said
        )
    });
}

/// Whether what was wished was so when the card was asked, if that decided.
fn told(claim: &Claim, card: &Facts) -> Option<bool> {
    let counter = claim.told_by?;
    let seen = card.at.get(&counter)?;
    let profiles = &seen.profiles;
    match claim.wish {
        Wish::Enable(iccid) => Some(profiles.get(&iccid) == Some(&true)),
        Wish::Disable(iccid) => Some(profiles.get(&iccid) == Some(&false)),
        Wish::Delete(iccid) => Some(!profiles.contains_key(&iccid)),
        Wish::Fallback(iccid) => Some(seen.fallback == iccid),
        Wish::OtherEim(is_there) => Some(seen.other_eim == is_there),
        // The same was done again.
        Wish::Other | Wish::EnableAtOnce(_) => Some(card.executed.get(&counter)?.contains(&true)),
        Wish::Download(_) => None,
    }
}

/// Whether the card executed an item; `None` if it never had the package.
fn outcome(attempt: &Attempt, card: &Facts) -> Option<bool> {
    let results = card.executed.get(&attempt.counter?)?;
    Some(results.get(attempt.place).copied().unwrap_or(false))
}

fn download(claim: &Claim, wanted: Option<Iccid>, card: &Facts, judge: &mut Judge) {
    let id = &claim.id;
    let agrees = match claim.said {
        Said::Open => false,
        Said::Done(iccid) => {
            iccid.is_some_and(|iccid| card.installed.contains_key(&iccid)) && iccid == wanted
        }
        Said::Failed => true,
        Said::RolledBack => false,
        Said::Cancelled => claim.attempts.is_empty(),
    };
    judge.must(agrees, || {
        format!("{id} (download of {wanted:?}): {:?}", claim.said)
    });
}

/// A profile that was installed is what some download is said to have done.
fn lost_installations(
    history: &History,
    card: &Facts,
    claimed: &BTreeMap<Iccid, usize>,
    judge: &mut Judge,
) {
    for claim in &history.claims {
        if let Wish::Download(Some(iccid)) = claim.wish
            && card.installed.contains_key(&iccid)
            && !claim.attempts.is_empty()
        {
            judge.must(claimed.contains_key(&iccid), || {
                let id = &claim.id;
                format!("{id}: {iccid} was installed, and no operation is said to have done it")
            });
        }
    }
}
