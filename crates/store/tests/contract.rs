//! What every engine must do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{
    EuiccRecord, Evidence, EvidenceKind, Operation, OperationId, OperationKind, OperationState,
    SettledIn, Validity,
};
use rsp_core::profile::Subscription;
use rsp_core::smdp::{Order, OrderKey, OrderState, ProfileTypeSettings, Session};
use store::{
    Due, EuiccChange, Forwarding, OperationFilter, Outgoing, ProfileStock, SmdpChange,
    SmdpNotification, Store, StoreError, StoredSession, Versioned,
};

use support::{Bench, suite};

fn commit_order(store: &dyn Store, order: &Order, version: i64) -> Result<(), StoreError> {
    let value = order.clone();
    let order = Versioned { value, version };
    store.commit_smdp(&SmdpChange::of_order(&order, Timestamp(1)))
}

fn commit_session(
    store: &dyn Store,
    id: &TransactionId,
    session: &Versioned<StoredSession>,
) -> Result<(), StoreError> {
    store.commit_smdp(&SmdpChange {
        session: Some((id, session)),
        ..SmdpChange::at(Timestamp(1))
    })
}

fn eid() -> Eid {
    "89049032123451234512345678901235".parse().unwrap()
}

fn iccid(number: u32) -> Iccid {
    format!("8999970000{number:09}0").parse().unwrap()
}

fn operation(id: &str) -> Operation {
    let kind = OperationKind::ListProfileInfo;
    Operation::queued(OperationId(id.to_string()), eid(), kind, Timestamp(0))
}

fn change<'a>(
    record: &'a EuiccRecord,
    version: i64,
    operations: &'a [Operation],
) -> EuiccChange<'a> {
    EuiccChange {
        record,
        version,
        operations,
        evidence: &[],
        now: Timestamp(0),
    }
}

fn stock(store: &dyn Store, numbers: &[u32]) -> Result<(), StoreError> {
    let subscriptions: Vec<_> = numbers
        .iter()
        .map(|number| {
            let imsi = format!("99970{number:010}").parse().unwrap();
            Subscription::new(iccid(*number), imsi, [1; 16], [2; 16])
        })
        .collect();
    store.add_profiles(&ProfileStock {
        profile_type: "operational",
        template: b"package",
        service_provider_name: "Provider",
        profile_name: "Name",
        profile_class: 2,
        settings: ProfileTypeSettings::default(),
        subscriptions: &subscriptions,
    })
}

fn evidence(number: u8, verified: bool) -> Evidence {
    Evidence {
        kind: EvidenceKind::Notification,
        operation: None,
        seq_number: Some(i64::from(number)),
        verified,
        der: vec![number],
        digest: [number; 32],
        forward_to: Some("smdp.example.com".to_string()),
    }
}

/// Commits what an eUICC signed.
fn keep(store: &dyn Store, evidence: &[Evidence], now: Timestamp) {
    let Versioned { value, version } = store.euicc(eid()).unwrap().unwrap();
    let change = EuiccChange {
        evidence,
        now,
        ..change(&value, version, &[])
    };
    store.commit_euicc(&change).unwrap();
}

suite! {
    /// EIM-32.
    #[test]
    fn a_counter_that_was_committed_is_there_after_the_process_is_gone(bench: &Bench) {
            {
            let store = bench.store();
            store
                .add_euicc(&EuiccRecord::new(eid(), Some(7), 0))
                .unwrap();
            let Versioned { mut value, version } = store.euicc(eid()).unwrap().unwrap();
            value.counter_value = 42;
            store.commit_euicc(&change(&value, version, &[])).unwrap();
            // Not closed: the process ends here.
            std::mem::forget(store);
        }
        let record = bench.store().euicc(eid()).unwrap().unwrap().value;
        assert_eq!(
            (record.counter_value, record.association_token),
            (42, Some(7))
        );
    }

    #[test]
    fn of_two_steps_on_one_state_the_second_is_refused_whole(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        let Versioned { value, version } = store.euicc(eid()).unwrap().unwrap();
        let first = EuiccRecord {
            counter_value: 1,
            ..value.clone()
        };
        store.commit_euicc(&change(&first, version, &[])).unwrap();
        let operations = [operation("late")];
        let second = store.commit_euicc(&change(&value, version, &operations));
        assert!(matches!(second, Err(StoreError::Conflict)));
        assert_eq!(store.euicc(eid()).unwrap().unwrap().value.counter_value, 1);
        assert!(store.operation(&operations[0].id).unwrap().is_none());
    }

    #[test]
    fn open_operations_come_in_the_order_of_their_making(bench: &Bench) {
        let store = bench.store();
        assert!(matches!(
            store.add_operation(&operation("orphan")),
            Err(StoreError::Unknown(_))
        ));
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        for id in ["b", "a", "c"] {
            store.add_operation(&operation(id)).unwrap();
        }
        let record = store.euicc(eid()).unwrap().unwrap();
        let failed = [Operation {
            state: OperationState::Failed {
                reason: "test".to_string(),
            },
            ..operation("a")
        }];
        store
            .commit_euicc(&change(&record.value, record.version, &failed))
            .unwrap();
        let open = store.open_operations(eid()).unwrap();
        let open: Vec<_> = open
            .iter()
            .map(|operation| operation.id.0.as_str())
            .collect();
        assert_eq!(open, ["b", "c"]);
    }

    /// What a late result names is found, whether or not it is open.
    #[test]
    fn operations_are_found_by_their_transaction(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        let transaction = TransactionId::from_bytes(&[7; 16]).unwrap();
        let in_transaction = |name: &str| Operation {
            state: OperationState::OutcomeUnknown {
                reason: "test".to_string(),
                eim_transaction_id: transaction.clone(),
                counter_value: Some(1),
                place: 0,
                asked: 0,
                overtaken: false,
            },
            ..operation(name)
        };
        let settled = Operation {
            state: OperationState::RolledBack,
            settled_in: Some(SettledIn {
                eim_transaction_id: transaction.clone(),
                counter_value: Some(1),
            }),
            ..operation("settled")
        };
        let operations = [in_transaction("open"), settled, operation("queued")];
        let record = store.euicc(eid()).unwrap().unwrap();
        store
            .commit_euicc(&change(&record.value, record.version, &operations))
            .unwrap();
        let found = store.operations_of_transaction(&transaction).unwrap();
        assert_eq!(found, operations[..2]);
        assert_eq!(
            store.euicc_of_transaction(&transaction).unwrap(),
            Some(eid())
        );
        let other = TransactionId::from_bytes(&[8; 16]).unwrap();
        assert_eq!(store.operations_of_transaction(&other).unwrap(), []);
    }

    #[test]
    fn stock_is_added_whole_or_not_at_all(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1]).unwrap();
        assert!(matches!(stock(&*store, &[2, 1]), Err(StoreError::Exists(_))));
        assert!(store.order(iccid(2)).unwrap().is_none());
        assert_eq!(store.material(iccid(1)).unwrap().template, b"package");
    }

    #[test]
    fn a_profile_type_stays_what_it_is(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1]).unwrap();
        stock(&*store, &[2]).unwrap();
        let imsi = "999700000000003".parse().unwrap();
        let third = [Subscription::new(iccid(3), imsi, [1; 16], [2; 16])];
        let same = || ProfileStock {
            profile_type: "operational",
            template: b"package",
            service_provider_name: "Provider",
            profile_name: "Name",
            profile_class: 2,
            settings: ProfileTypeSettings::default(),
            subscriptions: &third,
        };
        let changes: [fn(&mut ProfileStock<'_>); 5] = [
            |stock| stock.template = b"another",
            |stock| stock.service_provider_name = "Another",
            |stock| stock.profile_name = "Another",
            |stock| stock.profile_class = 1,
            |stock| stock.settings.bound_once = true,
        ];
        for change in changes {
            let mut other = same();
            change(&mut other);
            assert!(matches!(
                store.add_profiles(&other),
                Err(StoreError::Exists("another profile type with this name"))
            ));
            assert!(store.order(iccid(3)).unwrap().is_none());
            assert_eq!(store.material(iccid(1)).unwrap().template, b"package");
        }
        store.add_profiles(&same()).unwrap();
        assert!(store.order(iccid(3)).unwrap().is_some());
    }

    #[test]
    fn an_euicc_finds_its_oldest_order_without_matching_id(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1, 2, 3, 4, 5, 6]).unwrap();
        let order = |number, state, matching_id: Option<&str>| Order {
            state,
            eid: Some(eid()),
            matching_id: matching_id.map(ToString::to_string),
            ..Order::available(iccid(number), "operational".to_string())
        };
        let found = || {
            let found = store.find_order(&OrderKey::Eid(eid())).unwrap();
            found.map(|found| found.value.iccid)
        };
        for not_it in [
            order(6, OrderState::Released, Some("TOKEN")),
            order(5, OrderState::Confirmed, Some("")),
            order(4, OrderState::Installed, None),
        ] {
            commit_order(&*store, &not_it, 1).unwrap();
            assert_eq!(found(), None);
        }
        let older = order(3, OrderState::Released, Some(""));
        commit_order(&*store, &older, 1).unwrap();
        let younger = order(2, OrderState::Released, None);
        commit_order(&*store, &younger, 1).unwrap();
        assert_eq!(found(), Some(iccid(3)));
        let downloaded = order(3, OrderState::Downloaded, Some(""));
        commit_order(&*store, &downloaded, 2).unwrap();
        assert_eq!(found(), Some(iccid(3)));
        let installed = order(3, OrderState::Installed, Some(""));
        commit_order(&*store, &installed, 3).unwrap();
        assert_eq!(found(), Some(iccid(2)));
    }

    #[test]
    fn a_new_session_clears_away_those_that_nobody_needs(bench: &Bench) {
        let store = bench.store();
        let id = |number| TransactionId::from_bytes(&[number; 16]).unwrap();
        let session = |updated, kept_until| Versioned {
            value: StoredSession {
                session: Session::Ended,
                request_digest: vec![1],
                reply: vec![2],
                updated: Timestamp(updated),
                kept_until: Timestamp(kept_until),
            },
            version: 0,
        };
        commit_session(&*store, &id(1), &session(1, 10)).unwrap();
        commit_session(&*store, &id(2), &session(1, 11)).unwrap();
        commit_session(&*store, &id(3), &session(10, 20)).unwrap();
        assert!(store.session(&id(1)).unwrap().is_none());
        let kept = store.session(&id(2)).unwrap().unwrap().value;
        assert_eq!(kept, session(1, 11).value);
        assert!(!format!("{kept:?}").contains("reply: [2]"));
    }

    #[test]
    fn a_notification_is_kept_once(bench: &Bench) {
        let store = bench.store();
        let add = |seq_number, der| {
            store.add_smdp_notification(&SmdpNotification {
                eid: eid(),
                seq_number,
                der,
                received: Timestamp(1),
                progress: None,
            })
        };
        add(2, b"b").unwrap();
        add(1, b"a").unwrap();
        add(1, b"a").unwrap();
        assert!(matches!(add(1, b"c"), Err(StoreError::Exists(_))));
        let kept = store.smdp_notifications(eid()).unwrap();
        assert_eq!(kept, [b"a", b"b"]);
    }

    #[test]
    fn a_matching_id_belongs_to_one_order(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1, 2]).unwrap();
        let released = |number| Order {
            state: OrderState::Released,
            matching_id: Some("TOKEN".to_string()),
            ..Order::available(iccid(number), "operational".to_string())
        };
        commit_order(&*store, &released(1), 1).unwrap();
        let taken = commit_order(&*store, &released(2), 1);
        assert!(matches!(taken, Err(StoreError::Exists(_))));
        let key = OrderKey::MatchingId("TOKEN".to_string());
        let found = store.find_order(&key).unwrap().unwrap();
        assert_eq!(found.value.iccid, iccid(1));
        let left = store.available("operational").unwrap().unwrap();
        assert_eq!(left.value.iccid, iccid(2));
    }

    #[test]
    fn session_and_order_change_together_or_not_at_all(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1]).unwrap();
        let id = TransactionId::from_bytes(&[1; 16]).unwrap();
        let session = |version| Versioned {
            value: StoredSession {
                session: Session::Ended,
                request_digest: vec![version as u8],
                reply: Vec::new(),
                updated: Timestamp(1),
                kept_until: Timestamp(2),
            },
            version,
        };
        commit_session(&*store, &id, &session(0)).unwrap();
        let stale = commit_session(&*store, &id, &session(0));
        assert!(matches!(stale, Err(StoreError::Conflict)));
        // The order has another version: the session must not move either.
        let order = Versioned {
            value: store.order(iccid(1)).unwrap().unwrap().value,
            version: 9,
        };
        let stale = store.commit_smdp(&SmdpChange {
            session: Some((&id, &session(1))),
            order: Some(&order),
            ..SmdpChange::at(Timestamp(1))
        });
        assert!(matches!(stale, Err(StoreError::Conflict)));
        let stored = store.session(&id).unwrap().unwrap();
        assert_eq!((stored.version, stored.value.request_digest), (1, vec![0]));
    }

    #[test]
    fn a_newer_database_is_refused(bench: &Bench) {
        drop(bench.store());
        bench.set_schema(99);
        assert!(matches!(
            bench.open(1),
            Err(StoreError::Schema { found: 99, .. })
        ));
    }

    #[test]
    fn a_database_of_another_key_is_refused_and_stays_as_it_was(bench: &Bench) {
        let record = EuiccRecord::new(eid(), None, 0);
        bench.store().add_euicc(&record).unwrap();
        assert!(matches!(bench.open(2), Err(StoreError::OtherKey)));
        assert!(bench.store().euicc(eid()).unwrap().is_some());
    }

    #[test]
    fn a_sealed_row_cannot_take_the_place_of_another(bench: &Bench) {
        let store = bench.store();
        stock(&*store, &[1, 2]).unwrap();
        bench.run(
            "UPDATE profile SET subscription =
                 (SELECT subscription FROM profile AS p WHERE p.iccid <> profile.iccid)",
        );
        let refused = store.material(iccid(1));
        assert!(matches!(refused, Err(StoreError::Sealed(_))));
    }

    #[test]
    fn a_tenant_sees_its_own_rows_alone(bench: &Bench) {
        let (first, second) = (bench.store(), bench.of_tenant("second"));
        for (store, token) in [(&first, 1), (&second, 2)] {
            let record = EuiccRecord::new(eid(), Some(token), 0);
            store.add_euicc(&record).unwrap();
            // Otherwise the second one could not have it.
            bench.run("UPDATE euicc_holder SET tenant = ''");
            let id = format!("of-{token}");
            store.add_operation(&operation(&id)).unwrap();
            stock(&**store, &[1]).unwrap();
            keep(&**store, &[evidence(1, true)], Timestamp(1));
        }
        for (store, token) in [(&first, 1), (&second, 2)] {
            let record = store.euicc(eid()).unwrap().unwrap().value;
            assert_eq!(record.association_token, Some(token));
            let open = store.open_operations(eid()).unwrap();
            assert_eq!(open.len(), 1);
            assert_eq!(open[0].id.0, format!("of-{token}"));
            assert_eq!(store.euiccs(None, 9).unwrap().len(), 1);
            let due = Due::at(Timestamp(1), 9);
            assert_eq!(store.due_notifications(&due).unwrap().len(), 1);
        }
        assert!(first.operation(&OperationId("of-2".to_string())).unwrap().is_none());
        second.remove_euicc(eid()).unwrap();
        assert!(first.euicc(eid()).unwrap().is_some());
        // Nor does a row open that somebody moved to another tenant.
        bench.run("DELETE FROM operation; UPDATE euicc SET tenant = 'third'");
        let third = bench.of_tenant("third").euicc(eid());
        assert!(matches!(third, Err(StoreError::Sealed(_))), "{third:?}");
    }

    /// Work that is taken is nobody else's until its time is over.
    #[test]
    fn work_of_one_who_is_killed_is_taken_by_another(bench: &Bench) {
        let (one, other) = (bench.store(), bench.store());
        one.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        keep(&*one, &[evidence(1, true), evidence(2, true)], Timestamp(1));
        let due = |now, limit| Due {
            now: Timestamp(now),
            again: Timestamp(now + 100),
            limit,
        };
        let first = one.due_notifications(&due(5, 1)).unwrap();
        let second = other.due_notifications(&due(5, 9)).unwrap();
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_ne!(first[0].number, second[0].number);
        assert_eq!(other.due_notifications(&due(104, 9)).unwrap(), []);
        // The first one was killed, the second has its answer only now.
        let again = other.due_notifications(&due(105, 9)).unwrap();
        assert_eq!(again.len(), 2);
        let delivered = Forwarding::Delivered;
        other.put_forwarding(&again[0], delivered, "").unwrap();
        // Late news change nothing that is settled.
        let later = Forwarding::Waiting(Timestamp(200));
        one.put_forwarding(&again[0], later, "").unwrap();
        assert_eq!(one.count_forwarding("delivered").unwrap(), 1);
        assert_eq!(one.count_forwarding("waiting").unwrap(), 1);
    }

    /// Of steps that are taken at once each is as if it were alone.
    #[test]
    fn at_once_is_one_after_the_other(bench: &Bench) {
        const THREADS: usize = 4;
        const STEPS: i64 = 15;
        bench
            .store()
            .add_euicc(&EuiccRecord::new(eid(), None, 0))
            .unwrap();
        let other = |number: usize| -> Eid {
            let eids = [
                "89049032123451234512345678901334",
                "89049032000000000000000000000163",
                "89049032123451234512345678901235",
                "89044045930000000000001493812345",
            ];
            eids[number].parse().unwrap()
        };
        let work = |number: usize| {
            let store = bench.store();
            let mut given = Vec::new();
            for step in 0..STEPS {
                let id = format!("{number}-{step}");
                store.add_operation(&operation(&id)).unwrap();
                loop {
                    let Versioned { mut value, version } = store.euicc(eid()).unwrap().unwrap();
                    value.counter_value += 1;
                    let counter = value.counter_value;
                    match store.commit_euicc(&change(&value, version, &[])) {
                        Ok(()) => break given.push(counter),
                        Err(StoreError::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            let code = store.allot_code("stock", 3, other(number)).unwrap();
            (given, code)
        };
        let (mut counters, mut codes): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|number| scope.spawn(move || work(number)))
                .collect();
            let done = threads.into_iter().map(|thread| thread.join().unwrap());
            done.unzip()
        });
        let mut counters: Vec<i64> = counters.drain(..).flatten().collect();
        counters.sort_unstable();
        let total = THREADS as i64 * STEPS;
        assert_eq!(counters, (1..=total).collect::<Vec<_>>(), "each once");
        codes.sort_unstable();
        assert_eq!(codes, [None, Some(0), Some(1), Some(2)]);
        let store = bench.store();
        let open = store.open_operations(eid()).unwrap();
        assert_eq!(open.len() as i64, total);
        // Those of one thread are in its order.
        for number in 0..THREADS {
            let of = format!("{number}-");
            let own = open.iter().filter(|open| open.id.0.starts_with(&of));
            let own: Vec<_> = own.map(|open| open.id.0.clone()).collect();
            let order: Vec<_> = (0..STEPS).map(|step| format!("{number}-{step}")).collect();
            assert_eq!(own, order);
        }
    }

    /// EIM-48.
    #[test]
    fn a_notification_is_kept_and_forwarded_once(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        for now in [1, 2] {
            keep(
                &*store,
                &[evidence(1, true), evidence(2, true)],
                Timestamp(now),
            );
        }
        let kept = store.evidence(eid()).unwrap();
        assert_eq!(kept.len(), 2, "the same one again is kept already");
        assert_eq!((kept[0].received, kept[0].verified), (Timestamp(1), true));
        assert!(
            store
                .due_notifications(&Due::at(Timestamp(0), 9))
                .unwrap()
                .is_empty()
        );
        let due = store.due_notifications(&Due::at(Timestamp(1), 9)).unwrap();
        assert_eq!(due.len(), 2);
        assert_eq!((due[0].eid, due[0].der.as_slice()), (eid(), [1].as_slice()));

        let later = Forwarding::Waiting(Timestamp(50));
        store.put_forwarding(&due[0], later, "refused").unwrap();
        let delivered = Forwarding::Delivered;
        store.put_forwarding(&due[1], delivered, "").unwrap();
        assert!(
            store
                .due_notifications(&Due::at(Timestamp(49), 9))
                .unwrap()
                .is_empty()
        );
        let again = store.due_notifications(&Due::at(Timestamp(50), 9)).unwrap();
        assert_eq!((again.len(), again[0].attempts), (1, 1));
        assert_eq!(store.count_forwarding("delivered").unwrap(), 1);
        let other = Outgoing {
            number: 99,
            ..due[0].clone()
        };
        let unknown = store.put_forwarding(&other, delivered, "");
        assert!(matches!(unknown, Err(StoreError::Unknown(_))));
    }

    #[test]
    fn of_unverified_objects_only_the_latest_are_kept(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        keep(&*store, &[evidence(255, true)], Timestamp(0));
        for number in 0..100 {
            keep(&*store, &[evidence(number, false)], Timestamp(1));
        }
        let kept = store.evidence(eid()).unwrap();
        assert!(kept[0].verified, "what is proven stays");
        assert_eq!(kept.len(), 1 + 64);
        assert_eq!(kept[1].der, [36]);
    }

    #[test]
    fn a_counter_does_not_go_back_when_a_device_is_removed(bench: &Bench) {
        let store = bench.store();
        let record = EuiccRecord::new(eid(), Some(7), 41);
        store.add_euicc(&record).unwrap();
        store.add_operation(&operation("a")).unwrap();
        store.put_contacts(&[(eid(), Timestamp(5))]).unwrap();
        keep(&*store, &[evidence(1, true)], Timestamp(1));
        store.remove_euicc(eid()).unwrap();
        assert!(store.euicc(eid()).unwrap().is_none());
        assert!(store.euicc_index().unwrap().is_empty());
        assert_eq!(store.contact(eid()).unwrap(), None);
        assert_eq!(store.evidence(eid()).unwrap().len(), 1, "proof stays");
        store.put_contacts(&[(eid(), Timestamp(6))]).unwrap();
        assert_eq!(store.contact(eid()).unwrap(), None, "nobody is known");
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        let again = store.euicc(eid()).unwrap().unwrap().value;
        assert_eq!((again.counter_value, again.association_token), (41, None));
        let twice = store.remove_euicc(eid()).and(store.remove_euicc(eid()));
        assert!(matches!(twice, Err(StoreError::Unknown(_))));
    }

    #[test]
    fn the_rhythm_of_contacts_is_kept(bench: &Bench) {
        const HOUR: u64 = 3_600_000;
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        // One that comes late changes nothing.
        for at in [HOUR, 2 * HOUR, 2 * HOUR + 1, HOUR / 2, 3 * HOUR] {
            store.put_contacts(&[(eid(), Timestamp(at))]).unwrap();
        }
        let contact = bench.store().contact(eid()).unwrap().unwrap();
        assert_eq!(contact.last, Timestamp(3 * HOUR));
        let next = contact.rhythm.next_contact(contact.last, contact.last);
        // In whole seconds.
        assert_eq!(next.unwrap().at, Timestamp(4 * HOUR));
    }

    #[test]
    fn what_waits_is_found_when_its_validity_has_ended(bench: &Bench) {
        let store = bench.store();
        let other: Eid = "89049032000000000000000000000163".parse().unwrap();
        for eid in [eid(), other] {
            store.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
        }
        let lasting = |id: &str, eid, until| Operation {
            eid,
            validity: Validity {
                until,
                ..Validity::default()
            },
            ..operation(id)
        };
        let late = lasting("late", eid(), Some(Timestamp(20)));
        let early = lasting("early", other, Some(Timestamp(10)));
        let ever = lasting("ever", other, None);
        store
            .add_operations(&[late, early.clone(), ever])
            .unwrap();
        let expired = |now, limit| store.expired(Timestamp(now), limit).unwrap();
        assert_eq!(expired(9, 9), []);
        assert_eq!(expired(10, 9), [other]);
        assert_eq!(expired(20, 9), [other, eid()]);
        assert_eq!(expired(20, 1), [other]);
        // What was taken back does not wait.
        let cancelled = early.cancelled(Timestamp(11)).unwrap();
        let found = store.euicc(other).unwrap().unwrap();
        let change = EuiccChange {
            record: &found.value,
            version: found.version,
            operations: &[cancelled],
            evidence: &[],
            now: Timestamp(11),
        };
        store.commit_euicc(&change).unwrap();
        assert_eq!(expired(20, 9), [eid()]);
    }

    #[test]
    fn lists_come_in_pages(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
        let other: Eid = "89049032000000000000000000000163".parse().unwrap();
        store.add_euicc(&EuiccRecord::new(other, None, 0)).unwrap();
        let first = store.euiccs(None, 1).unwrap();
        assert_eq!(first[0].eid, other);
        let rest = store.euiccs(Some(other), 9).unwrap();
        assert_eq!(rest.iter().map(|r| r.eid).collect::<Vec<_>>(), [eid()]);
        // Of more than fit into one statement, and with none.
        let mut among = vec![eid(); 150];
        among.push(other);
        among.push(Eid::from_bytes([0x89; 16]));
        let found = store.euiccs_among(&among).unwrap();
        let mut found: Vec<_> = found.into_iter().map(|record| record.eid).collect();
        found.sort();
        found.dedup();
        assert_eq!(found, [other, eid()]);
        assert!(store.euiccs_among(&[]).unwrap().is_empty());

        for id in ["a", "b", "c"] {
            store.add_operation(&operation(id)).unwrap();
        }
        let list = |filter: OperationFilter| -> Vec<String> {
            let operations = store.operations(&filter).unwrap();
            operations.into_iter().map(|o| o.id.0).collect()
        };
        let all = OperationFilter {
            limit: 2,
            ..OperationFilter::default()
        };
        assert_eq!(list(all.clone()), ["c", "b"]);
        let after = Some(OperationId("b".to_string()));
        assert_eq!(
            list(OperationFilter {
                after,
                ..all.clone()
            }),
            ["a"]
        );
        let eid = Some(other);
        assert!(list(OperationFilter { eid, ..all.clone() }).is_empty());
        let state = |name: &str| Some(name.to_string());
        assert_eq!(
            list(OperationFilter {
                state: state("queued"),
                ..all.clone()
            })
            .len(),
            2
        );
        assert!(
            list(OperationFilter {
                state: state("failed"),
                ..all
            })
            .is_empty()
        );
        let index = store.euicc_index().unwrap();
        assert!(index.contains(&(other, false)));
        assert!(index.iter().any(|(known, open)| *known != other && *open));
    }

    /// A device has one key, an identity one device; both go with the device.
    #[test]
    fn pre_shared_keys(bench: &Bench) {
            let store = bench.store();
        let one = eid();
        let other: Eid = "89049032123451234512345678901334".parse().unwrap();
        let unknown = store.put_psk(one, "a", &[1; 32]);
        assert!(matches!(unknown, Err(StoreError::Unknown(_))));
        for eid in [one, other] {
            store.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
        }
        store.put_psk(one, "a", &[1; 32]).unwrap();
        let taken = store.put_psk(other, "a", &[2; 32]);
        assert!(matches!(taken, Err(StoreError::Exists(_))));
        store.put_psk(one, "b", &[3; 32]).unwrap();
        assert_eq!(store.psk("a").unwrap(), None, "the key before is forgotten");
        assert_eq!(store.psk("b").unwrap().unwrap().as_slice(), [3; 32]);
        assert_eq!(store.psk_identity(one).unwrap().as_deref(), Some("b"));
        store.remove_psk(one).unwrap();
        assert!(matches!(store.remove_psk(one), Err(StoreError::Unknown(_))));
        store.put_psk(one, "b", &[3; 32]).unwrap();
        store.remove_euicc(one).unwrap();
        assert_eq!(store.psk("b").unwrap(), None);
    }
}
