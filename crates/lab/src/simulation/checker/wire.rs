//! What left the eIM and what it took over.

use std::collections::BTreeMap;

use euicc::Deed;

use super::{History, Judge};

pub(super) fn judge(history: &History, judge: &mut Judge) {
    counters(history, judge);
    durability(history, judge);
}

/// A counter belongs to one package for ever, and a new package has a higher
/// one than all before it.
fn counters(history: &History, judge: &mut Judge) {
    let mut known: BTreeMap<i64, [u8; 32]> = BTreeMap::new();
    for sent in &history.sent {
        let counter = sent.counter;
        match known.get(&counter) {
            Some(digest) => judge.must(*digest == sent.digest, || {
                format!("counter {counter} was given to two packages")
            }),
            None => {
                let highest = known.last_key_value().map(|(highest, _)| *highest);
                judge.must(highest.is_none_or(|highest| highest < counter), || {
                    format!("counter {counter} came after {highest:?}")
                });
                known.insert(counter, sent.digest);
            }
        }
    }
}

/// What was acknowledged, and what a card forgot because of it, is in a store.
fn durability(history: &History, judge: &mut Judge) {
    for number in &history.acknowledged {
        judge.must(history.kept.contains(number), || {
            format!("result {number} was acknowledged and is in no store")
        });
    }
    let waits = |number: i64| {
        history.deeds.iter().find_map(|deed| match deed {
            Deed::Waits {
                seq_number,
                counter,
            } if *seq_number == number => Some(*counter),
            _ => None,
        })
    };
    for deed in &history.deeds {
        let Deed::Forgotten { seq_number } = deed else {
            continue;
        };
        let counter = waits(*seq_number).flatten();
        let replaced = counter.is_some() && rolled_back(history, counter);
        judge.must(replaced || history.kept.contains(seq_number), || {
            format!("the card forgot result {seq_number}, which is in no store")
        });
    }
}

/// Whether the result of a package gave way to that of its rollback.
fn rolled_back(history: &History, of: Option<i64>) -> bool {
    history
        .deeds
        .iter()
        .any(|deed| matches!(deed, Deed::RolledBack { counter, .. } if Some(*counter) == of))
}
