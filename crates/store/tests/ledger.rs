//! The ledger of activation codes, on every engine: a code is with one operation at
//! a time, and goes its way.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::ledger::{CodeOrder, CodeState, Pool, Step, Stock};
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, OperationState, Outcome};
use store::{Due, EuiccChange, NewCode, SqliteStore, Store, StoreError};

use support::{Bench, suite};

const POOL: &str = "roaming";

fn eid(number: u64) -> Eid {
    let mut octets = [0x89; 16];
    octets[8..].copy_from_slice(&number.to_be_bytes());
    Eid::from_bytes(octets)
}

fn code(number: u64) -> NewCode {
    NewCode {
        code: format!("LPA:1$smdp.example.com${number}"),
        iccid: None,
    }
}

fn with_codes(store: &dyn Store, codes: u64) {
    let pool = Pool {
        name: POOL.to_string(),
        ..Pool::default()
    };
    store.put_pool(&pool).unwrap();
    let codes: Vec<NewCode> = (0..codes).map(code).collect();
    let added = store.add_codes(POOL, &codes, Timestamp(1)).unwrap();
    assert_eq!(added, codes.len());
}

fn order(store: &dyn Store, eid: Eid, id: &str) -> Option<(Operation, String)> {
    let mut given = String::new();
    let ordered = store.order_with_code(POOL, &mut |_, code| {
        given.clone_from(&code.code);
        let kind = OperationKind::Download {
            activation_code: code.code.clone(),
        };
        Operation::queued(OperationId(id.to_string()), eid, kind, Timestamp(2))
    });
    ordered.unwrap().map(|operation| (operation, given))
}

/// Puts an operation into a state, as a step of the eIM would.
fn put(store: &dyn Store, operation: &Operation, state: OperationState) {
    let changed = Operation {
        state,
        since: Timestamp(3),
        ..operation.clone()
    };
    let found = store.euicc(operation.eid).unwrap().unwrap();
    let change = EuiccChange {
        record: &found.value,
        version: found.version,
        operations: &[changed],
        evidence: &[],
        now: Timestamp(3),
    };
    store.commit_euicc(&change).unwrap();
}

fn sent() -> OperationState {
    OperationState::Delivered {
        eim_transaction_id: TransactionId::from_bytes(&[7; 16]).unwrap(),
        counter_value: None,
        package: Vec::new(),
        repeated: 0,
        sent: None,
        in_a_row: 0,
        place: 0,
    }
}

fn installed() -> OperationState {
    let outcome = Outcome::Installed { iccid: None };
    OperationState::Executed { outcome }
}

fn failed() -> OperationState {
    let reason = "no network".to_string();
    OperationState::Failed { reason }
}

/// A failure of something that was sent.
fn fail(store: &dyn Store, operation: &Operation) {
    put(store, operation, sent());
    let mut sent = store.operation(&operation.id).unwrap().unwrap();
    sent.settled_in = sent.sent().map(|(id, _)| rsp_core::eim::SettledIn {
        eim_transaction_id: id.clone(),
        counter_value: None,
    });
    put(store, &sent, failed());
}

fn due(store: &dyn Store) -> Vec<(store::KnownCode, NewCode)> {
    let due = Due {
        now: Timestamp(3),
        again: Timestamp(9),
        limit: 99,
    };
    store.due_codes(&due).unwrap()
}

suite! {
    #[test]
    fn a_code_goes_the_way_of_its_operation(bench: &Bench) {
        let store = &*bench.store();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        with_codes(store, 2);
        let again = store.add_codes(POOL, &[code(0), code(1)], Timestamp(1));
        assert_eq!(again.unwrap(), 0, "one that is brought twice is one");
        let (first, given) = order(store, eid(1), "first").unwrap();
        let (second, other) = order(store, eid(1), "second").unwrap();
        assert_ne!(given, other);
        assert!(order(store, eid(1), "third").is_none(), "none is left");
        assert!(store.operation(&OperationId("third".into())).unwrap().is_none());
        put(store, &first, OperationState::Cancelled);
        put(store, &second, sent());
        put(store, &second, installed());
        let stock = store.stock(POOL).unwrap();
        assert_eq!(stock, Stock { available: 1, spent: 1, ..Stock::default() });
        assert_eq!(store.codes_spent(POOL, Timestamp(3)).unwrap(), 1);
        assert_eq!(store.codes_spent(POOL, Timestamp(4)).unwrap(), 0);
        let (_, given_again) = order(store, eid(1), "fourth").unwrap();
        assert_eq!(given, given_again);
        let known = store.codes(POOL, Some(CodeState::Spent), 0, 9).unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].operation, Some(second.id));
        // Nobody takes back what was used, or what somebody has.
        for at in store.codes(POOL, None, 0, 9).unwrap() {
            let settled = store.settle_code(&at.at, CodeState::Available, Timestamp(5));
            assert!(matches!(settled, Err(StoreError::Conflict)), "{at:?}");
        }
    }

    #[test]
    fn after_a_failure_somebody_asks(bench: &Bench) {
        let store = &*bench.store();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        with_codes(store, 2);
        let (never_sent, _) = order(store, eid(1), "never sent").unwrap();
        put(store, &never_sent, failed());
        assert_eq!(store.stock(POOL).unwrap().available, 2);
        let (tried, given) = order(store, eid(1), "tried").unwrap();
        fail(store, &tried);
        let asked = due(store);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].1.code, given);
        assert!(due(store).is_empty(), "somebody asks already");
        let renewed = code(77);
        store.renew_code(&asked[0].0.at, &renewed, Timestamp(4)).unwrap();
        let twice = store.renew_code(&asked[0].0.at, &code(78), Timestamp(4));
        assert!(matches!(twice, Err(StoreError::Conflict)));
        assert_eq!(store.stock(POOL).unwrap().available, 2);
        // The one that failed succeeds after all: its code is gone, whoever has it.
        put(store, &tried, installed());
        assert_eq!(store.stock(POOL).unwrap().spent, 1);
    }

    #[test]
    fn an_order_rests_until_its_code_comes(bench: &Bench) {
        let store = &*bench.store();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        with_codes(store, 1);
        let new = |call: &str| CodeOrder::of_type("far", "operational", call.to_string());
        let begin = |call: &str| store.begin_order(POOL, &new(call), Timestamp(1), Timestamp(3));
        let (first, second) = (begin("first").unwrap(), begin("second").unwrap());
        assert_eq!((first.number, second.number), (2, 3));
        let elsewhere = store.begin_order("nowhere", &new("a"), Timestamp(1), Timestamp(3));
        assert!(matches!(elsewhere, Err(StoreError::Unknown(_))));
        assert_eq!(store.stock(POOL).unwrap().ordered, 2);
        // Nobody downloads with what has not come.
        order(store, eid(1), "a").unwrap();
        assert!(order(store, eid(1), "b").is_none());
        let found = due(store);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0.state, CodeState::Ordered);
        assert_eq!(found[0].0.order, Some(new("first")));
        assert_eq!(found[0].1.code, "first");
        assert!(due(store).is_empty(), "somebody asks already");

        let iccid = "8999970000000000010".parse().unwrap();
        let confirm = CodeOrder { step: Step::Confirm { iccid }, ..new("first") };
        store.put_order(&first, Some(&new("first")), &confirm, Some(Timestamp(3))).unwrap();
        let late = store.put_order(&first, Some(&new("first")), &confirm, None);
        assert!(matches!(late, Err(StoreError::Conflict)), "another went on");
        assert_eq!(due(store)[0].0.iccid, Some(iccid));
        store.renew_code(&first, &code(70), Timestamp(4)).unwrap();
        assert!(matches!(store.drop_order(&first), Err(StoreError::Conflict)));
        let known = store.renew_code(&second, &code(70), Timestamp(4));
        assert!(matches!(known, Err(StoreError::Exists(_))), "{known:?}");
        assert_eq!(order(store, eid(1), "b").unwrap().1, code(70).code);

        // One that never comes is dead, has no code that could be good, and none of
        // the other orders is forgotten with it.
        store.settle_code(&second, CodeState::Dead, Timestamp(5)).unwrap();
        let alive = store.settle_code(&second, CodeState::Available, Timestamp(5));
        assert!(matches!(alive, Err(StoreError::Conflict)));
        let third = begin("third").unwrap();
        let good = store.settle_code(&third, CodeState::Available, Timestamp(5));
        assert!(matches!(good, Err(StoreError::Conflict)), "it has not come");
        store.drop_order(&third).unwrap();
        assert_eq!(store.stock(POOL).unwrap(), Stock { leased: 2, dead: 1, ..Stock::default() });
    }

    #[test]
    fn codes_rest_sealed_and_change_their_key(bench: &Bench) {
        with_codes(&*bench.store(), 2);
        let order = CodeOrder::of_type("far", "operational", "call".to_string());
        let begun = bench.store().begin_order(POOL, &order, Timestamp(1), Timestamp(3));
        bench.reseal(1, 2).unwrap();
        let store = bench.open(2).unwrap();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        assert_eq!(store.add_codes(POOL, &[code(1)], Timestamp(1)).unwrap(), 0);
        assert_eq!(self::order(&*store, eid(1), "a").unwrap().1, code(0).code);
        store.renew_code(&begun.unwrap(), &code(2), Timestamp(4)).unwrap();
        if let Bench::Sqlite(folder) = bench {
            drop(store);
            let octets = support::octets(&folder.0);
            let shown = b"smdp.example.com";
            assert!(!octets.windows(shown.len()).any(|some| some == shown));
        }
    }

    #[test]
    fn no_code_is_used_twice(bench: &Bench) {
        use_up(&*bench.store(), 500);
    }
}

#[test]
fn no_code_is_used_twice_in_ten_thousand_runs() {
    use_up(&SqliteStore::in_memory().unwrap(), 10_000);
}

/// What an SM-DP+ knows: codes that are good, and those that were used.
#[derive(Default)]
struct Smdp {
    used: BTreeSet<String>,
    dead: BTreeSet<String>,
    /// With an operation at this moment.
    held: BTreeSet<String>,
    renewed: u64,
}

/// Four workers order downloads from a small pool, each of which succeeds, fails
/// before or after the installation, is taken back, or succeeds when it was given
/// up; and ask the SM-DP+ what is in doubt.
fn use_up(store: &dyn Store, runs: u64) {
    const WORKERS: u64 = 4;
    for worker in 0..WORKERS {
        store
            .add_euicc(&EuiccRecord::new(eid(worker), None, 0))
            .unwrap();
    }
    with_codes(store, runs);
    let smdp = Mutex::new(Smdp::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (next, smdp) = (&next, &smdp);
            scope.spawn(move || {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    let id = format!("{run:06}");
                    if let Some((operation, code)) = order(store, eid(worker), &id) {
                        attempt(store, smdp, &operation, &code, run);
                    }
                    if run % 16 == 0 {
                        ask(store, smdp, runs);
                    }
                }
            });
        }
    });
    ask(store, &smdp, runs);
    let stock = store.stock(POOL).unwrap();
    let smdp = smdp.lock().unwrap();
    assert_eq!(stock.spent, smdp.used.len() as u64, "{stock:?}");
    assert_eq!((stock.leased, stock.doubtful), (0, 0));
    assert_eq!(stock.available + stock.spent, runs, "none is lost");
    assert!(stock.spent > runs / 4 && smdp.renewed > runs / 16);
}

fn attempt(store: &dyn Store, smdp: &Mutex<Smdp>, operation: &Operation, code: &str, run: u64) {
    let with = |change: &dyn Fn(&mut Smdp)| change(&mut smdp.lock().unwrap());
    with(&|smdp| {
        assert!(!smdp.used.contains(code), "it was used already");
        assert!(!smdp.dead.contains(code), "the SM-DP+ took it back");
        assert!(smdp.held.insert(code.to_string()), "two have it");
    });
    let release = || with(&|smdp| assert!(smdp.held.remove(code)));
    let install = || with(&|smdp| assert!(smdp.used.insert(code.to_string())));
    match run % 5 {
        0 => {
            release();
            put(store, operation, OperationState::Cancelled);
        }
        1 | 2 => {
            put(store, operation, sent());
            install();
            release();
            put(store, operation, installed());
        }
        3 => {
            release();
            fail(store, operation);
        }
        _ => {
            // The installation becomes known after the operation was given up.
            install();
            release();
            fail(store, operation);
            put(store, operation, installed());
        }
    }
}

/// As the server does: a code that was not used is taken back, and its profile is
/// ordered anew.
fn ask(store: &dyn Store, smdp: &Mutex<Smdp>, runs: u64) {
    for (known, code) in due(store) {
        let renewed = {
            let mut smdp = smdp.lock().unwrap();
            match smdp.used.contains(&code.code) {
                true => None,
                false => {
                    smdp.dead.insert(code.code.clone());
                    smdp.renewed += 1;
                    Some(self::code(runs + smdp.renewed))
                }
            }
        };
        let settled = match renewed {
            Some(code) => store.renew_code(&known.at, &code, Timestamp(4)),
            None => store.settle_code(&known.at, CodeState::Spent, Timestamp(4)),
        };
        // It became known meanwhile.
        assert!(
            matches!(settled, Ok(()) | Err(StoreError::Conflict)),
            "{settled:?}"
        );
    }
}
