//! The judge itself: a history that holds, and each way in which one does not.

use euicc::Deed;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{EnableProfileResult, EuiccResultData};

use super::*;

const EIM: &str = "eim.example.com";

fn iccid(number: u32) -> Iccid {
    format!("8999970000{number:09}0").parse().unwrap()
}

fn enable(number: u32, counter: i64) -> Claim {
    Claim {
        id: format!("enable-{counter}"),
        wish: Wish::Enable(iccid(number)),
        said: Said::Done(None),
        attempts: vec![Attempt {
            counter: Some(counter),
            place: 0,
        }],
        told_by: None,
    }
}

fn executed(counter: i64, code: EnableProfileResult) -> Deed {
    Deed::Executed {
        eim_id: EIM.to_string(),
        counter,
        transaction: None,
        results: vec![EuiccResultData::EnableResult(code)],
    }
}

/// Profile 1 is enabled, then profile 2 by package 1, whose result was
/// delivered.
fn good() -> History {
    let download = Claim {
        id: "download".to_string(),
        wish: Wish::Download(Some(iccid(2))),
        said: Said::Done(Some(iccid(2))),
        attempts: vec![Attempt {
            counter: None,
            place: 0,
        }],
        told_by: None,
    };
    History {
        number: 0,
        eid: "89049032000000000000000000000021".parse().unwrap(),
        eim_id: EIM.to_string(),
        deeds: vec![
            Deed::Installed(iccid(1), true),
            Deed::EimAdded(EIM.to_string()),
            Deed::Waits {
                seq_number: 1,
                counter: None,
            },
            Deed::Forgotten { seq_number: 1 },
            Deed::Installed(iccid(2), false),
            executed(1, EnableProfileResult::OK),
            Deed::Counted {
                eim_id: EIM.to_string(),
                from: 0,
                to: 1,
            },
            Deed::Waits {
                seq_number: 2,
                counter: Some(1),
            },
            Deed::Disabled(iccid(1)),
            Deed::Enabled(iccid(2)),
            Deed::Forgotten { seq_number: 2 },
        ],
        sent: vec![sent(1, 1), sent(1, 1)],
        acknowledged: [2].into(),
        kept: [1, 2].into(),
        claims: vec![download, enable(2, 1)],
        unresolved: Vec::new(),
        listed: Some([(iccid(1), false), (iccid(2), true)].into()),
    }
}

fn sent(counter: i64, package: u8) -> Sent {
    Sent {
        counter,
        digest: [package; 32],
    }
}

/// The history with something changed is found out with these words.
fn found(words: &str, change: impl FnOnce(&mut History)) {
    let mut history = good();
    change(&mut history);
    let found = judge(&history);
    assert!(
        found.iter().any(|found| found.what.contains(words)),
        "{words}: {found:?}"
    );
}

#[test]
fn a_history_that_holds() {
    assert_eq!(judge(&good()), []);
}

#[test]
fn counters_on_the_wire() {
    found("counter 1 was given to two packages", |history| {
        history.sent.push(sent(1, 2));
    });
    found("counter 1 came after", |history| {
        history.sent.insert(0, sent(2, 2));
    });
}

#[test]
fn what_was_acknowledged_is_durable() {
    found("result 2 was acknowledged and is in no store", |history| {
        history.kept.remove(&2);
    });
    found("the card forgot result 1", |history| {
        history.kept.remove(&1);
    });
}

/// A notification waits in the card.
fn untold(seq_number: i64) -> Deed {
    let counter = None;
    Deed::Waits {
        seq_number,
        counter,
    }
}

#[test]
fn a_code_is_good_again_while_nobody_heard_that_it_was_used() {
    let twice = |heard: Option<Deed>| {
        let mut history = good();
        let installed = Deed::Installed(iccid(2), false);
        let at = history.deeds.iter().position(|deed| *deed == installed);
        history.deeds.insert(at.unwrap() + 1, untold(9));
        history.deeds.push(Deed::Deleted(iccid(2)));
        history.deeds.extend(heard);
        history.deeds.push(installed);
        let found = judge(&history);
        found
            .iter()
            .any(|found| found.what.contains("was installed twice"))
    };
    assert!(!twice(None));
    assert!(twice(Some(Deed::Forgotten { seq_number: 9 })));
}

#[test]
fn nothing_is_executed_twice() {
    found("accepted counter 1 after", |history| {
        history.deeds.push(executed(1, EnableProfileResult::OK));
    });
    found("was installed twice", |history| {
        history.deeds.push(Deed::Deleted(iccid(2)));
        history.deeds.push(Deed::Installed(iccid(2), false));
    });
    found("was installed twice", |history| {
        history.deeds.push(Deed::Installed(iccid(2), false));
        history.deeds.push(untold(9));
        history.deeds.push(Deed::Installed(iccid(2), false));
    });
    found("was disabled without an order", |history| {
        history.deeds.push(Deed::Disabled(iccid(2)));
    });
    found("the card's counter went from 1 back to 0", |history| {
        history.deeds.push(Deed::Counted {
            eim_id: EIM.to_string(),
            from: 1,
            to: 0,
        });
    });
}

#[test]
fn what_was_reported_happened() {
    found("which was reported", |history| {
        history
            .deeds
            .retain(|deed| *deed != Deed::Enabled(iccid(2)));
    });
    found("ordered by nobody", |history| {
        history.claims.retain(|claim| claim.id == "download");
    });
    found("nobody wanted it", |history| {
        history.claims.retain(|claim| claim.id != "download");
    });
}

#[test]
fn a_card_stays_usable() {
    found("does not know its eIM", |history| {
        history.deeds.push(Deed::EimRemoved(EIM.to_string()));
    });
    found("the card has no enabled profile", |history| {
        history.deeds.push(Deed::Disabled(iccid(2)));
    });
}

#[test]
fn what_the_eim_says_is_so() {
    found("Done(None), but the card did not execute it", |history| {
        history.claims.push(enable(1, 2));
    });
    found("Failed, but the card executed it", |history| {
        history.claims[1].said = Said::Failed;
    });
    found("RolledBack, but the card executed it", |history| {
        history.claims[1].said = Said::RolledBack;
    });
    found("Cancelled, but the card executed it", |history| {
        history.claims[1].said = Said::Cancelled;
    });
    found("and 2 operations claim it", |history| {
        history.claims.push(history.claims[0].clone());
    });
    found("no operation is said to have done it", |history| {
        history.claims[0].said = Said::Failed;
    });
    found("still unknown two polls after", |history| {
        history.unresolved.push("download".to_string());
    });
    found("the eIM lists", |history| {
        history.listed = Some([(iccid(1), true)].into());
    });
}

/// An operation whose result was lost is as the list shows it.
#[test]
fn a_list_tells_what_came_of_a_lost_result() {
    let told = |profile: u32, said: Said| {
        let mut history = good();
        let mut claim = enable(profile, 2);
        (claim.said, claim.told_by) = (said, Some(3));
        let mut list = enable(1, 3);
        (list.wish, list.id) = (Wish::Other, "list".to_string());
        history.claims.extend([claim, list]);
        history.deeds.push(Deed::Executed {
            eim_id: EIM.to_string(),
            counter: 3,
            transaction: None,
            results: vec![EuiccResultData::GetRatResult(Vec::new())],
        });
        judge(&history)
    };
    assert_eq!(told(2, Said::Done(None)), []);
    assert_eq!(told(1, Said::Failed), []);
    assert_eq!(told(1, Said::Done(None)).len(), 1);
    assert_eq!(told(2, Said::Failed).len(), 1);
}

/// A rollback takes the place of the result that it takes back.
#[test]
fn a_rollback_is_told_as_one() {
    let mut history = good();
    history.deeds.push(Deed::RolledBack {
        eim_id: EIM.to_string(),
        counter: 1,
    });
    history.deeds.push(Deed::Disabled(iccid(2)));
    history.deeds.push(Deed::Enabled(iccid(1)));
    history.kept.remove(&2);
    history.acknowledged.clear();
    history.listed = None;
    history.claims[1].said = Said::RolledBack;
    assert_eq!(judge(&history), []);
    history.claims[1].said = Said::Done(None);
    assert_eq!(judge(&history).len(), 1);
}

/// It judges by what the cards say, and shares no rule with those it judges.
#[test]
fn the_judge_knows_nothing_of_the_rules() {
    let own = [
        include_str!("mod.rs"),
        include_str!("card.rs"),
        include_str!("claims.rs"),
        include_str!("observed.rs"),
        include_str!("wire.rs"),
    ];
    for source in own {
        for other in ["rsp_core", "store::", "crate::", "rsp_crypto"] {
            assert!(!source.contains(other), "{other}");
        }
    }
}
