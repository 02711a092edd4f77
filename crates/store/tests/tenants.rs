//! Tenants beside each other in one database: an eUICC is of one of them, what is asked
//! of all finds its tenant, and a tenant that is gone leaves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Barrier;

use fleet::access::Residency;
use fleet::inventory::{Association, Device, DeviceId, Sim};
use fleet::ledger::Pool;
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{
    EuiccRecord, Evidence, EvidenceKind, Operation, OperationId, OperationKind, OperationState,
    Validity,
};
use store::{Database, Due, EuiccChange, ImportedDevice, SavedSearch, Store, StoreError, Tenant};

use support::{Bench, suite};

const NOW: Timestamp = Timestamp(1_000);

fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

fn eid(number: u64) -> Eid {
    Eid::with_check_digits(&format!("8900112233{number:020}")).unwrap()
}

fn record(number: u64) -> EuiccRecord {
    EuiccRecord::new(eid(number), None, 0)
}

fn operation(id: &str, number: u64) -> Operation {
    let kind = OperationKind::ListProfileInfo;
    Operation::queued(OperationId(id.to_string()), eid(number), kind, NOW)
}

/// A step of the eIM on an eUICC.
fn commit(store: &dyn Store, number: u64, operations: &[Operation], evidence: &[Evidence]) {
    let found = store.euicc(eid(number)).unwrap().unwrap();
    let change = EuiccChange {
        record: &found.value,
        version: found.version,
        operations,
        evidence,
        now: NOW,
    };
    store.commit_euicc(&change).unwrap();
}

fn notification() -> Evidence {
    Evidence {
        kind: EvidenceKind::Notification,
        operation: None,
        seq_number: Some(1),
        verified: true,
        digest: [1; 32],
        der: vec![1],
        forward_to: Some("smdp.example.com".to_string()),
    }
}

/// Imports devices, each with an eUICC that the eIM is to serve; gives what was wrong.
fn import(store: &dyn Store, numbers: &[u64]) -> Vec<String> {
    let rows: Vec<ImportedDevice> = (2..)
        .zip(numbers)
        .map(|(line, number)| {
            let mut device = Device::new(format!("d{number}").parse::<DeviceId>().unwrap());
            let mut sim = Sim::euicc(eid(*number));
            sim.eim = Some(Association::default());
            device.sims.push(sim);
            ImportedDevice { line, device }
        })
        .collect();
    assert_eq!(store.stage_devices("one", &rows, NOW).unwrap(), []);
    let switched = store.switch_devices("one", NOW, &mut |_| ()).unwrap();
    store.drop_staged("one").unwrap();
    let errors = switched.errors.iter();
    errors.map(ToString::to_string).collect()
}

/// Which tenant has which eUICC, as the index of a process would be.
fn index(database: &dyn Database) -> BTreeMap<Eid, (String, bool)> {
    let mut index = BTreeMap::new();
    let mut found = |tenant: &Tenant, eid, busy| {
        index.insert(eid, (tenant.to_string(), busy));
    };
    database.euicc_index(&mut found).unwrap();
    index
}

suite! {
    #[test]
    fn an_euicc_is_of_one_tenant_at_a_time(bench: &Bench) {
        let database = bench.database(1);
        let (one, two) = (database.store(tenant("one")), database.store(tenant("two")));
        one.add_euicc(&record(1)).unwrap();
        let elsewhere = two.add_euicc(&record(1)).unwrap_err();
        assert!(matches!(elsewhere, StoreError::Elsewhere), "{elsewhere:?}");
        assert!(!elsewhere.to_string().contains("one"), "{elsewhere}");
        assert!(matches!(one.add_euicc(&record(1)), Err(StoreError::Exists(_))));
        // Nothing of the attempt is left, and what is the other one's is not there.
        assert!(two.euicc(eid(1)).unwrap().is_none());
        assert_eq!(two.device_named(&eid(1).to_string().parse().unwrap()).unwrap(), None);
        assert!(matches!(two.remove_euicc(eid(1)), Err(StoreError::Unknown(_))));
        assert_eq!(database.tenant_of_euicc(eid(1)).unwrap(), Some(tenant("one")));

        // Forgotten there, it can come here: the counter of the one eIM goes on.
        let found = one.euicc(eid(1)).unwrap().unwrap();
        let counted = EuiccRecord { counter_value: 41, ..found.value };
        one.commit_euicc(&EuiccChange {
            record: &counted,
            version: found.version,
            operations: &[],
            evidence: &[],
            now: NOW,
        }).unwrap();
        one.remove_euicc(eid(1)).unwrap();
        assert_eq!(database.tenant_of_euicc(eid(1)).unwrap(), None);
        two.add_euicc(&record(1)).unwrap();
        assert_eq!(two.euicc(eid(1)).unwrap().unwrap().value.counter_value, 41);
        assert_eq!(database.tenant_of_euicc(eid(1)).unwrap(), Some(tenant("two")));
        let all = index(&*database);
        assert_eq!(all, BTreeMap::from([(eid(1), ("two".to_string(), false))]));
    }

    #[test]
    fn an_import_takes_no_euicc_of_another_tenant(bench: &Bench) {
        let database = bench.database(1);
        let (one, two) = (database.store(tenant("one")), database.store(tenant("two")));
        one.add_euicc(&record(2)).unwrap();
        let wrong = import(&*two, &[1, 2, 3]);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        let said = format!("line 3, eid: eUICC {} cannot be added here", eid(2));
        assert!(wrong[0].starts_with(&said), "{wrong:?}");
        assert_eq!(two.euiccs(None, 9).unwrap(), []);
        assert_eq!(import(&*two, &[1, 3]), [] as [&str; 0]);
        assert_eq!(database.tenant_of_euicc(eid(3)).unwrap(), Some(tenant("two")));
        assert!(matches!(one.add_euicc(&record(3)), Err(StoreError::Elsewhere)));
        // Its own, once more, are no contradiction.
        assert_eq!(import(&*two, &[1, 3, 4]), [] as [&str; 0]);
        two.remove_euicc(eid(4)).unwrap();
        one.add_euicc(&record(4)).unwrap();
    }

    #[test]
    fn of_two_who_add_one_at_once_one_has_it(bench: &Bench) {
        const EUICCS: u64 = 40;
        let database = bench.database(1);
        let names = ["one", "two", "three"];
        let begin = Barrier::new(names.len());
        let add = |name: &str| {
            let store = database.store(tenant(name));
            begin.wait();
            let added = (0..EUICCS).filter(|number| match store.add_euicc(&record(*number)) {
                Ok(()) => true,
                Err(StoreError::Elsewhere) => false,
                Err(error) => panic!("{error}"),
            });
            added.collect::<Vec<_>>()
        };
        let added: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = names.iter().map(|name| scope.spawn(|| add(name))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut all: Vec<u64> = added.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..EUICCS).collect::<Vec<_>>());
        for (name, added) in names.iter().zip(&added) {
            let store = database.store(tenant(name));
            assert_eq!(store.euiccs(None, 100).unwrap().len(), added.len());
            let whose = |number: &u64| database.tenant_of_euicc(eid(*number)).unwrap().unwrap();
            assert!(added.iter().all(|number| whose(number).as_str() == *name));
        }
    }

    #[test]
    fn what_names_no_eid_finds_its_tenant(bench: &Bench) {
        let database = bench.database(1);
        let (one, two) = (database.store(tenant("one")), database.store(tenant("two")));
        one.add_euicc(&record(1)).unwrap();
        two.add_euicc(&record(2)).unwrap();
        let transaction = TransactionId::from_bytes(&[7; 16]).unwrap();
        let sent = Operation {
            state: OperationState::OutcomeUnknown {
                reason: "nobody knows".to_string(),
                eim_transaction_id: transaction.clone(),
                counter_value: Some(1),
                place: 0,
                asked: 0,
                overtaken: false,
            },
            ..operation("sent", 2)
        };
        two.add_operation(&sent).unwrap();
        let other = TransactionId::from_bytes(&[8; 16]).unwrap();
        assert_eq!(database.tenant_of_transaction(&transaction).unwrap(), Some(tenant("two")));
        assert_eq!(database.tenant_of_transaction(&other).unwrap(), None);
        assert_eq!(one.euicc_of_transaction(&transaction).unwrap(), None);
        let unknown = database.operations_in("outcome_unknown", 9).unwrap();
        assert_eq!(unknown, [(tenant("two"), sent)]);
        assert_eq!(database.operations_in("queued", 9).unwrap(), []);
        assert_eq!(database.tenant_of_relay(&transaction).unwrap(), None);

        // A listener knows a device by its identity alone.
        one.put_psk(eid(1), "meter", &[1; 32]).unwrap();
        let taken = two.put_psk(eid(2), "meter", &[2; 32]);
        assert!(matches!(taken, Err(StoreError::Exists(_))), "{taken:?}");
        two.put_psk(eid(2), "pump", &[2; 32]).unwrap();
        let held = database.held_psk("pump").unwrap().unwrap();
        assert_eq!((held.tenant, held.eid), (tenant("two"), eid(2)));
        assert_eq!(held.key.as_slice(), [2; 32]);
        assert!(database.held_psk("nobody").unwrap().is_none());
    }

    #[test]
    fn what_is_due_is_found_for_all_tenants_of_the_tree_at_once(bench: &Bench) {
        let database = bench.database(1);
        let top = database.access(Tenant::default());
        let all = ["default", "forward", "late", "rest"];
        for name in &all[1..] {
            let parent = "default".parse().unwrap();
            top.add_tenant(&name.parse().unwrap(), &parent, &Residency::default()).unwrap();
        }
        let mut tenants = database.tenants().unwrap();
        tenants.sort_by_key(ToString::to_string);
        assert_eq!(tenants, all.map(tenant));
        assert_eq!(database.tenants_with_work(NOW).unwrap(), []);
        for (number, name) in (0..).zip(all) {
            let store = database.store(tenant(name));
            store.add_euicc(&record(number)).unwrap();
            store.add_operation(&operation("idle", number)).unwrap();
        }
        commit(&*database.store(tenant("forward")), 1, &[], &[notification()]);
        let late = Operation {
            validity: Validity { until: Some(Timestamp(2_000)), ..Validity::default() },
            ..operation("late", 2)
        };
        database.store(tenant("late")).add_operation(&late).unwrap();
        assert_eq!(database.tenants_with_work(NOW).unwrap(), [tenant("forward")]);
        let mut due = database.tenants_with_work(Timestamp(2_000)).unwrap();
        due.sort_by_key(ToString::to_string);
        assert_eq!(due, [tenant("forward"), tenant("late")]);

        let busy = index(&*database).into_values();
        let names: Vec<String> = busy.filter(|(_, busy)| *busy).map(|(name, _)| name).collect();
        assert_eq!(names, all);
    }

    #[test]
    fn contacts_of_several_tenants_are_put_down_at_once(bench: &Bench) {
        let database = bench.database(1);
        let (one, two) = (database.store(tenant("one")), database.store(tenant("two")));
        one.add_euicc(&record(1)).unwrap();
        two.add_euicc(&record(2)).unwrap();
        let contacts = [
            (tenant("one"), vec![(eid(1), Timestamp(5)), (eid(2), Timestamp(6))]),
            (tenant("two"), vec![(eid(2), Timestamp(7))]),
        ];
        database.put_contacts(&contacts).unwrap();
        assert_eq!(one.contact(eid(1)).unwrap().unwrap().last, Timestamp(5));
        assert_eq!(two.contact(eid(2)).unwrap().unwrap().last, Timestamp(7));
        assert_eq!(one.contact(eid(2)).unwrap(), None, "not its eUICC");
    }

    #[test]
    fn what_others_did_is_heard_of_with_its_tenant(bench: &Bench) {
        let (here, there) = (bench.database(1), bench_twice(bench));
        let Some(changes) = here.changes(None).unwrap() else {
            return;
        };
        there.store(tenant("one")).add_euicc(&record(1)).unwrap();
        let two = there.store(tenant("two"));
        two.add_euicc(&record(2)).unwrap();
        two.add_operation(&operation("a", 2)).unwrap();
        two.add_euicc(&record(3)).unwrap();
        two.remove_euicc(eid(3)).unwrap();
        let heard = here.changes(Some(changes.until - 1_000)).unwrap().unwrap();
        let mut euiccs = heard.euiccs;
        euiccs.sort_by_key(|(_, eid, _)| *eid);
        assert_eq!(euiccs, [
            (tenant("one"), eid(1), Some(false)),
            (tenant("two"), eid(2), Some(true)),
            (tenant("two"), eid(3), None),
        ]);
        here.forget_changes(heard.until + 3_600_000 + 60_000).unwrap();
        let forgotten = here.changes(Some(0)).unwrap().unwrap();
        assert_eq!(forgotten.euiccs, []);
    }

    #[test]
    fn a_tenant_that_is_gone_leaves_nothing_to_another_of_its_name(bench: &Bench) {
        let database = bench.database(1);
        let top = database.access(Tenant::default());
        let name = || "gone".parse().unwrap();
        let default = || "default".parse().unwrap();
        top.add_tenant(&name(), &default(), &Residency::default()).unwrap();
        let store = database.store(tenant("gone"));
        store.add_euicc(&record(1)).unwrap();
        store.add_operation(&operation("a", 1)).unwrap();
        commit(&*store, 1, &[], &[notification()]);
        store.put_contacts(&[(eid(1), NOW)]).unwrap();
        store.put_psk(eid(1), "meter", &[1; 32]).unwrap();
        store.put_pool(&Pool { name: "roaming".to_string(), ..Pool::default() }).unwrap();
        let search = SavedSearch { name: "all".to_string(), query: String::new(), saved: NOW };
        store.put_search(&search).unwrap();
        let tariff = serde_json::from_value(serde_json::json!({ "included": 1 })).unwrap();
        let tariff = store::NamedTariff { name: "iot".to_string(), tariff };
        store.put_tariff(&tariff, 0).unwrap();
        assert!(matches!(top.remove_tenant(&name()), Err(StoreError::Exists(_))));
        store.remove_euicc(eid(1)).unwrap();
        assert!(matches!(top.remove_tenant(&name()), Err(StoreError::Exists(_))));
        store.remove_device(&eid(1).to_string().parse().unwrap()).unwrap();
        top.remove_tenant(&name()).unwrap();

        top.add_tenant(&name(), &default(), &Residency::default()).unwrap();
        assert_eq!(store.evidence(eid(1)).unwrap(), []);
        assert_eq!(store.count_forwarding("waiting").unwrap(), 0);
        assert!(store.pool("roaming").unwrap().is_none());
        assert!(store.saved_search("all").unwrap().is_none());
        assert!(store.tariff("iot").unwrap().is_none());
        let telling = database.telling(tenant("gone"));
        telling.number_events("here", &Due::at(NOW, 100)).unwrap();
        let events = telling.events(&store::EventQuery::default()).unwrap();
        assert_eq!(events.events, []);
    }
}

/// The same database as another process has it; SQLite is for one.
fn bench_twice(bench: &Bench) -> Box<dyn Database> {
    bench.database(1)
}
