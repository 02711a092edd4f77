//! eIMs that are broken on purpose, each by something between it and its store:
//! the judge notices every one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lab::simulation::layer::{Between, Layer};
use lab::simulation::{self, Plan, shrink};
use rsp_core::eim::{EuiccRecord, Operation, OperationState};
use store::{EuiccChange, Store, StoreError, Versioned};

/// How many seeds are tried.
const SEEDS: u64 = 5;

/// Runs worlds with a broken eIM until one is caught with these words; gives
/// its story.
fn caught<B: Between + 'static>(broken: fn() -> B, words: &str) -> String {
    let mut run = |plan: &Plan| {
        let wrap =
            |store: Arc<dyn Store>| -> Arc<dyn Store> { Arc::new(Layer::new(store, broken())) };
        simulation::run(plan, &wrap, &mut |_| {})
    };
    for seed in 1..=SEEDS {
        let plan = Plan::new(seed, 4, 40);
        let verdict = run(&plan).unwrap();
        let mut found = verdict.contradictions.iter();
        if found.any(|found| found.what.contains(words)) {
            let story = shrink(&plan, verdict, &mut run).unwrap().to_string();
            println!("{story}");
            return story;
        }
    }
    panic!("nobody noticed: {words}");
}

/// Every so many times.
struct Every(usize, AtomicUsize);

impl Every {
    fn times(times: usize) -> Self {
        Every(times, AtomicUsize::new(0))
    }

    fn is_due(&self) -> bool {
        self.1.fetch_add(1, Ordering::Relaxed) % self.0 == self.0 - 1
    }
}

/// A store that gives an older counter out, as one that was restored from a
/// backup would.
struct StaleCounter(Every);

impl Between for StaleCounter {
    fn found(
        &self,
        mut record: Versioned<EuiccRecord>,
    ) -> Result<Versioned<EuiccRecord>, StoreError> {
        let counter = &mut record.value.counter_value;
        if *counter > 0 && self.0.is_due() {
            *counter -= 1;
        }
        Ok(record)
    }
}

#[test]
fn a_counter_that_is_given_out_again_is_noticed() {
    let story = caught(
        || StaleCounter(Every::times(9)),
        "was given to two packages",
    );
    assert!(story.contains("--seed"), "{story}");
}

/// A store that says it is done before it is, and dies in between.
struct LosesCommits(Every);

impl Between for LosesCommits {
    fn commit(&self, change: &EuiccChange<'_>, store: &dyn Store) -> Result<(), StoreError> {
        match !change.evidence.is_empty() && self.0.is_due() {
            true => Ok(()),
            false => store.commit_euicc(change),
        }
    }
}

#[test]
fn a_result_that_is_acknowledged_before_it_is_durable_is_noticed() {
    let broken = || LosesCommits(Every::times(7));
    caught(broken, "was acknowledged and is in no store");
}

/// One change more than the eIM made.
fn commit_with(
    change: &EuiccChange<'_>,
    store: &dyn Store,
    edit: impl FnOnce(&mut Vec<Operation>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut operations = change.operations.to_vec();
    edit(&mut operations)?;
    store.commit_euicc(&EuiccChange {
        record: change.record,
        version: change.version,
        operations: &operations,
        evidence: change.evidence,
        now: change.now,
    })
}

/// An eIM that takes a result for that of another operation as well.
struct BelievesTwice(Every);

impl Between for BelievesTwice {
    fn commit(&self, change: &EuiccChange<'_>, store: &dyn Store) -> Result<(), StoreError> {
        commit_with(change, store, |operations| {
            let executed = |o: &&Operation| {
                matches!(o.state, OperationState::Executed { .. }) && o.kind.name() == "enable"
            };
            let Some(state) = operations.iter().find(executed).map(|o| o.state.clone()) else {
                return Ok(());
            };
            let open = store.open_operations(change.record.eid)?.into_iter();
            let mut others = open.filter(|other| {
                let changes = operations.iter().any(|changed| changed.id == other.id);
                other.state == OperationState::Queued && other.kind.name() == "enable" && !changes
            });
            if let Some(other) = others.next().filter(|_| self.0.is_due()) {
                operations.push(Operation { state, ..other });
            }
            Ok(())
        })
    }
}

#[test]
fn a_result_that_is_believed_twice_is_noticed() {
    let broken = || BelievesTwice(Every::times(3));
    caught(broken, "but the card did not execute it");
}
