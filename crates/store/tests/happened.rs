//! What a process counts of itself, on every engine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::sync::{Arc, Mutex};

use fleet::inventory::{Device, DeviceId, Profile, Sim, SimKind};
use fleet::telemetry::{Sample, Tunnel, Usage};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, OperationState, Outcome};
use store::{
    Carried, Database, EuiccChange, EventQuery, Happened, Moved, Sampled, Store, StoreError, Tenant,
};

use support::{Bench, suite};

type Told = Arc<Mutex<Vec<Happened>>>;

/// A process on the database, and what it was told.
fn process(bench: &Bench) -> (Box<dyn Database>, Arc<dyn Store>, Told) {
    let database = bench.database(1);
    let told = Told::default();
    let all = told.clone();
    let counter = move |happened: &[Happened]| all.lock().unwrap().extend_from_slice(happened);
    database.count_by(Box::new(counter));
    let store = database.store(Tenant::default());
    (database, store, told)
}

fn take(told: &Told) -> Vec<Happened> {
    std::mem::take(&mut told.lock().unwrap())
}

fn eid(number: u64) -> Eid {
    let digits = format!("89049032{number:022}");
    let check = |check: u64| format!("{digits}{check:02}").parse::<Eid>().ok();
    (0..100).find_map(check).unwrap()
}

fn operation(eid: Eid, id: &str, at: u64) -> Operation {
    let kind = OperationKind::ListProfileInfo;
    Operation::queued(OperationId(id.to_string()), eid, kind, Timestamp(at))
}

fn executed(operation: &Operation, at: u64) -> Operation {
    Operation {
        state: OperationState::Executed {
            outcome: Outcome::Done,
        },
        since: Timestamp(at),
        ..operation.clone()
    }
}

fn commit(store: &dyn Store, operation: &Operation) -> Result<(), StoreError> {
    let record = store.euicc(operation.eid)?.unwrap();
    store.commit_euicc(&EuiccChange {
        record: &record.value,
        version: record.version,
        operations: std::slice::from_ref(operation),
        evidence: &[],
        now: Timestamp(0),
    })
}

fn moved(left: Option<(&'static str, u64)>, state: &'static str, since: u64) -> Happened {
    Happened::Operation(Moved {
        kind: "list_profile_info",
        left: left.map(|(state, since)| (state, Timestamp(since))),
        state,
        since: Timestamp(since),
        created: Timestamp(1_000),
    })
}

const PROCESSES: u64 = 3;
const EACH: u64 = 15;

/// Orders and results at one eUICC, in the way of all others.
fn work(bench: &Bench, number: u64) -> usize {
    let (_database, store, told) = process(bench);
    for count in 0..EACH {
        let queued = operation(eid(1), &format!("op-{number}-{count}"), count);
        store.add_operations(std::slice::from_ref(&queued)).unwrap();
        let done = executed(&queued, count);
        while let Err(error) = commit(&*store, &done) {
            assert!(matches!(error, StoreError::Conflict), "{error}");
        }
    }
    take(&told).len()
}

suite! {
    #[test]
    fn a_state_is_told_with_the_one_before_it_and_once(bench: &Bench) {
        let (database, store, told) = process(bench);
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        assert_eq!(take(&told), []);
        let queued = operation(eid(1), "op-1", 1_000);
        store.add_operations(std::slice::from_ref(&queued)).unwrap();
        assert_eq!(take(&told), [moved(None, "queued", 1_000)]);
        let open = |count| vec![("queued".to_string(), count)];
        assert_eq!(database.count_open_operations().unwrap(), open(1));
        let done = executed(&queued, 2_500);
        commit(&*store, &done).unwrap();
        assert_eq!(take(&told), [moved(Some(("queued", 1_000)), "executed", 2_500)]);
        // The same state once more, and what fails as a whole.
        commit(&*store, &done).unwrap();
        let twice = [operation(eid(1), "op-2", 1_000), operation(eid(1), "op-2", 1_000)];
        assert!(store.add_operations(&twice).is_err());
        assert_eq!(take(&told), []);
        let executed = vec![("executed".to_string(), 1)];
        assert_eq!(database.count_open_operations().unwrap(), executed);
        let confirmed = Operation {
            state: OperationState::Confirmed { outcome: Outcome::Done, poll: None },
            since: Timestamp(4_000),
            ..done
        };
        commit(&*store, &confirmed).unwrap();
        assert_eq!(take(&told), [moved(Some(("executed", 2_500)), "confirmed", 4_000)]);
        assert_eq!(database.count_open_operations().unwrap(), []);
    }

    #[test]
    fn a_sample_is_told_once_with_the_operators_of_its_profiles(bench: &Bench) {
        let (_database, store, told) = process(bench);
        let id: DeviceId = "a".parse().unwrap();
        let [known, other]: [Iccid; 2] =
            ["89490000000000000017", "89490000000000000025"].map(|iccid| iccid.parse().unwrap());
        let profile = Profile {
            operator: Some("Example Mobile".parse().unwrap()),
            ..Profile::new(known)
        };
        let device = Device {
            sims: vec![Sim { profiles: vec![profile], ..Sim::new(SimKind::MultiImsi) }],
            ..Device::new(id.clone())
        };
        store.put_device(&device, 0, Timestamp(1)).unwrap();
        let usage = |iccid| Usage { iccid, up: 10, down: 20 };
        let carried = |operator: Option<&str>| Carried {
            operator: operator.map(str::to_string),
            up: 10,
            down: 20,
        };
        let sample = Sample {
            tunnel: Some(Tunnel::Up),
            forbidden: Some(vec!["26201".parse().unwrap()]),
            usage: vec![usage(known), usage(other)],
            ..Sample::default()
        };
        let samples = [(Timestamp(5_000), sample)];
        store.put_samples(&id, &samples).unwrap();
        store.put_samples(&id, &samples).unwrap();
        let sampled = Sampled {
            forbidden: Some(1),
            tunnel: Some(Tunnel::Up),
            usage: vec![carried(Some("Example Mobile")), carried(None)],
        };
        assert_eq!(take(&told), [Happened::Sample(sampled)]);
    }

    /// Processes that get in each other's way, so that transactions are run again.
    #[test]
    fn processes_together_count_what_became_an_event(bench: &Bench) {
        let store = bench.whole();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        let told: usize = std::thread::scope(|scope| {
            let workers = (0..PROCESSES).map(|number| scope.spawn(move || work(bench, number)));
            let workers: Vec<_> = workers.collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        let due = store::Due { now: Timestamp(1), again: Timestamp(2), limit: 1_000 };
        store.number_events("one", &due).unwrap();
        let query = EventQuery { limit: usize::MAX, ..EventQuery::default() };
        let events = store.events(&query).unwrap().events.into_iter();
        let of_operations = events.filter(|event| event.event.kind.short().starts_with("operation."));
        assert_eq!(told, usize::try_from(PROCESSES * EACH * 2).unwrap());
        assert_eq!(of_operations.count(), told);
    }
}
