//! The inventory, on every engine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::BTreeSet;

use fleet::inventory::{Association, Device, DeviceId, Profile, ProfileEvent, Sim, SimKind};
use fleet::query::Query;
use fleet::query::random::{Random, device, query};
use fleet::telemetry::{Level, Measure, Retention, Sample, Tunnel};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, ListedProfile, ProfileList};
use store::{EuiccChange, ImportedDevice, NamedTariff, SavedSearch, Store, StoreError};
use support::{Bench, suite};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn eid(number: u32) -> Eid {
    Eid::with_check_digits(&format!("8900112233{number:020}")).unwrap()
}

/// The device that has an eUICC.
fn holder(store: &dyn Store, eid: Eid) -> Option<DeviceId> {
    let found = store.device_named(&id(&eid.to_string())).unwrap();
    found.map(|found| found.device.id)
}

fn id(id: &str) -> DeviceId {
    id.parse().unwrap()
}

/// A device with one eUICC.
fn around(name: &str, number: u32) -> Device {
    Device {
        sims: vec![Sim::euicc(eid(number))],
        ..Device::new(id(name))
    }
}

fn sample(random: &mut Random) -> Sample {
    Sample {
        rsrp: random.of(&[None, Some(-90), Some(0)]).flatten(),
        rsrq: random.of(&[None, Some(1)]).flatten(),
        network: random
            .of(&["26201", "100"])
            .map(|text| text.parse().unwrap()),
        rat: random.of(fleet::inventory::Technology::ALL),
        tunnel: random.of(Tunnel::ALL),
        ..Sample::default()
    }
}

/// Everything that a query finds, in pages of so many.
fn all(store: &dyn Store, query: &Query, limit: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.search(query, after.as_ref(), limit, NOW).unwrap();
        assert!(page.devices.len() <= limit);
        found.extend(page.devices.iter().map(|one| one.device.id.to_string()));
        match page.next {
            None => return found,
            next => after = next,
        }
    }
}

fn found(store: &dyn Store, text: &str) -> Vec<String> {
    all(store, &text.parse().unwrap(), 100)
}

/// A fleet in which everything differs; what the store shows of it.
fn fleet(store: &dyn Store, devices: u32) -> Vec<store::StoredDevice> {
    let mut random = Random(11);
    let mut ids = Vec::new();
    for number in 0..devices {
        let device = device(&mut random, number);
        if device.check().is_err() {
            continue;
        }
        let created = Timestamp(NOW.0 - random.below(4) as u64 * 3_600_000);
        store.put_device(&device, 0, created).unwrap();
        for eid in device.eids() {
            if random.below(2) == 0 {
                store.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
                let last = Timestamp(NOW.0 - random.below(5) as u64 * 60_000);
                store.put_contacts(&[(eid, last)]).unwrap();
            }
        }
        if random.below(2) == 0 {
            let at = Timestamp(NOW.0 - random.below(5) as u64 * 60_000);
            let sample = sample(&mut random);
            store.put_samples(&device.id, &[(at, sample)]).unwrap();
        }
        ids.push(device.id);
    }
    let shown = ids.iter().map(|id| store.device(id).unwrap().unwrap());
    shown.collect()
}

fn import(store: &dyn Store, name: &str, devices: &[Device]) {
    let rows: Vec<_> = (2..)
        .zip(devices.iter().cloned())
        .map(|(line, device)| ImportedDevice { line, device })
        .collect();
    for rows in rows.chunks(300) {
        assert_eq!(store.stage_devices(name, rows, NOW).unwrap(), []);
    }
}

fn change<'a>(record: &'a EuiccRecord, version: i64, now: Timestamp) -> EuiccChange<'a> {
    EuiccChange {
        record,
        version,
        operations: &[],
        evidence: &[],
        now,
    }
}

/// Its eUICC signs that it has these profiles.
fn sign(store: &dyn Store, eid: Eid, profiles: &[(&str, bool)], now: Timestamp) {
    let mut found = store.euicc(eid).unwrap().unwrap();
    let listed = profiles.iter().map(|(iccid, enabled)| {
        let json = serde_json::json!({"iccid": iccid, "enabled": enabled, "name": null});
        serde_json::from_value::<ListedProfile>(json).unwrap()
    });
    found.value.profiles = Some(ProfileList {
        at: now,
        asked: None,
        unverified: false,
        emulated: false,
        stale: false,
        profiles: listed.collect(),
    });
    store
        .commit_euicc(&change(&found.value, found.version, now))
        .unwrap();
}

const ICCIDS: [&str; 2] = ["89490000000000000017", "89490000000000000025"];

suite! {
    /// The strongest test of the language: whatever is asked, the database finds what
    /// the evaluation in memory finds.
    fn random_queries_find_in_sql_what_they_find_in_memory(bench: &Bench) {
        let store = bench.store();
        let devices = fleet(&*store, 40);
        assert!(devices.len() > 20);
        let mut random = Random(5);
        let mut sizes = BTreeSet::new();
        for turn in 0..300 {
            let query = query(&mut random, NOW);
            let finds = |one: &&store::StoredDevice| query.finds(&one.record(), NOW);
            let expected: BTreeSet<_> = devices.iter().filter(finds).map(|one| one.device.id.to_string()).collect();
            let limit = [5, 100, 1000][turn % 3];
            let found = all(&*store, &query, limit);
            assert_eq!(found.len(), expected.len(), "{query}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{query}");
            sizes.insert(expected.len());
        }
        assert!(sizes.len() > 10, "{sizes:?}");
    }

    /// Equalities are looked up in an index; what is found is the same.
    fn lookups_find_what_scans_find(bench: &Bench) {
        let store = bench.store();
        let devices = fleet(&*store, 40);
        for one in devices.iter().take(8) {
            let record = one.record();
            for field in fleet::query::Field::ALL {
                let values = record.values(*field);
                let Some(fleet::query::Value::Text(value)) = values.first() else {
                    continue;
                };
                let value = fleet::query::Literal::Text(value.clone());
                let direct: Query = format!("{} = {value}", field.name()).parse().unwrap();
                let scanned: Query = format!("not not {direct}").parse().unwrap();
                let found = all(&*store, &direct, 3);
                assert_eq!(found, all(&*store, &scanned, 1000), "{direct}");
                assert!(found.contains(&one.device.id.to_string()), "{direct}");
            }
        }
    }

    /// Both devices are named.
    fn an_identity_is_of_one_device(bench: &Bench) {
        let store = bench.store();
        store.put_device(&around("a", 1), 0, NOW).unwrap();
        let refused = store.put_device(&around("b", 1), 0, NOW).unwrap_err();
        assert_eq!(refused.to_string(), format!("EID {} is of device a, and cannot be of b", eid(1)));
        assert_eq!(store.device(&id("b")).unwrap(), None);
        assert!(matches!(store.put_device(&around("a", 2), 0, NOW), Err(StoreError::Exists(_))));
        assert!(matches!(store.put_device(&around("a", 2), 7, NOW), Err(StoreError::Conflict)));
        store.put_device(&around("a", 2), 1, NOW).unwrap();
        store.put_device(&around("b", 1), 0, NOW).unwrap();
        assert_eq!(holder(&*store, eid(2)), Some(id("a")));
        assert_eq!(store.device(&id("a")).unwrap().unwrap().version, 2);
        // A name is a name first, also where it looks like an EID.
        let named = id(&eid(2).to_string());
        store.put_device(&Device::new(named.clone()), 0, NOW).unwrap();
        assert_eq!(holder(&*store, eid(2)), Some(named.clone()));
        store.remove_device(&named).unwrap();
        assert_eq!(holder(&*store, eid(2)), Some(id("a")));
        store.remove_device(&id("a")).unwrap();
        assert_eq!(holder(&*store, eid(2)), None);
        assert!(matches!(store.remove_device(&id("a")), Err(StoreError::Unknown(_))));
    }

    /// Of its own, if no other has it.
    fn an_euicc_of_the_eim_is_a_device(bench: &Bench) {
        let store = bench.store();
        store.put_device(&around("known", 1), 0, NOW).unwrap();
        for number in [1, 2] {
            store.add_euicc(&EuiccRecord::new(eid(number), None, 0)).unwrap();
        }
        assert_eq!(found(&*store, "managed = true"), [eid(2).to_string(), "known".to_string()]);
        let device = store.device(&id(&eid(2).to_string())).unwrap().unwrap();
        assert_eq!(device.device, Device::around(eid(2)));
        store.put_contacts(&[(eid(1), Timestamp(NOW.0 - 3 * 86_400_000))]).unwrap();
        assert_eq!(found(&*store, "last_contact > 2d"), ["known"]);
        assert_eq!(found(&*store, "last_contact not exists"), [eid(2).to_string()]);
    }

    /// Whatever others say of the profile.
    fn what_an_euicc_signs_is_history_and_finds_its_device(bench: &Bench) {
        let store = bench.store();
        let mut other = Device::new(id("other"));
        let mut sim = Sim::new(SimKind::Sim);
        sim.profiles.push(Profile::new(ICCIDS[1].parse().unwrap()));
        other.sims.push(sim);
        store.put_device(&other, 0, NOW).unwrap();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        sign(&*store, eid(1), &[(ICCIDS[0], true)], Timestamp(1));
        sign(&*store, eid(1), &[(ICCIDS[0], true)], Timestamp(2));
        let iccid = |at: usize| format!("iccid = {}", ICCIDS[at]);
        assert_eq!(found(&*store, &iccid(0)), [eid(1).to_string()]);
        assert_eq!(found(&*store, &iccid(1)), ["other"]);
        let holder = |at: usize| store.euicc_of_profile(ICCIDS[at].parse().unwrap()).unwrap();
        assert_eq!((holder(0), holder(1)), (Some(eid(1)), None));
        sign(&*store, eid(1), &[(ICCIDS[0], false), (ICCIDS[1], true)], Timestamp(3));
        assert_eq!(found(&*store, &iccid(1)), [eid(1).to_string()]);
        sign(&*store, eid(1), &[(ICCIDS[1], true)], Timestamp(4));
        assert_eq!(found(&*store, &iccid(0)), [] as [&str; 0]);
        assert_eq!((holder(0), holder(1)), (None, Some(eid(1))));
        // Two cards say that they have it: the last one is believed.
        store.add_euicc(&EuiccRecord::new(eid(3), None, 0)).unwrap();
        sign(&*store, eid(3), &[(ICCIDS[1], false)], Timestamp(5));
        assert_eq!(holder(1), Some(eid(3)));
        sign(&*store, eid(3), &[], Timestamp(6));
        assert_eq!(holder(1), Some(eid(1)));
        let history = store.profile_history(eid(1)).unwrap();
        let history: Vec<_> = history.iter().map(|one| (one.iccid.to_string(), one.event, one.at.0)).collect();
        let entry = |at: usize, event, time| (ICCIDS[at].to_string(), event, time);
        use ProfileEvent::{Deleted, Disabled, Enabled};
        assert_eq!(history, [
            entry(0, Enabled, 1),
            entry(1, Enabled, 3),
            entry(0, Disabled, 3),
            entry(0, Deleted, 4),
        ]);
    }

    /// Once more, it changes what differs.
    fn an_import_is_seen_whole_or_not_at_all(bench: &Bench) {
        let store = bench.store();
        let mut devices: Vec<_> = (0..700).map(|number| around(&format!("d{number}"), number)).collect();
        for device in devices.iter_mut().take(500) {
            device.tags.insert("new".parse().unwrap());
            device.sims[0].eim = Some(Association::default());
        }
        import(&*store, "one", &devices);
        assert_eq!(found(&*store, ""), [] as [&str; 0]);
        assert_eq!(store.euiccs(None, 10).unwrap(), []);
        let mut through = 0;
        let switched = store.switch_devices("one", NOW, &mut |rows| through = rows).unwrap();
        assert_eq!((switched.added, switched.euiccs, through), (700, 500, 700));
        assert_eq!(found(&*store, "").len(), 700);
        assert_eq!(found(&*store, "tag = new and managed = true").len(), 500);
        assert_eq!(store.euicc_index().unwrap().len(), 500);
        assert_eq!(store.staged_euiccs("one", None, 1000).unwrap().len(), 500);
        store.drop_staged("one").unwrap();
        assert_eq!(store.staged_euiccs("one", None, 1000).unwrap(), []);
        // Once more, with one change: an eUICC moves from one device to another.
        devices[0].sims.clear();
        devices[1].sims.push(Sim::euicc(eid(0)));
        import(&*store, "two", &devices);
        let switched = store.switch_devices("two", NOW, &mut |_| ()).unwrap();
        assert_eq!((switched.added, switched.updated, switched.unchanged), (0, 2, 698));
        assert_eq!(switched.euiccs, 0);
        assert_eq!(holder(&*store, eid(0)), Some(id("d1")));
    }

    /// The line and both devices are named.
    fn an_import_that_contradicts_what_is_there_changes_nothing(bench: &Bench) {
        let store = bench.store();
        store.put_device(&around("a", 1), 0, NOW).unwrap();
        let known = store.device(&id("a")).unwrap();
        import(&*store, "one", &[around("b", 2), around("c", 1)]);
        let switched = store.switch_devices("one", NOW, &mut |_| ()).unwrap();
        assert_eq!(switched.added, 0);
        let error = switched.errors[0].to_string();
        assert!(error.starts_with(&format!("line 3, eid: EID {} is of device a", eid(1))), "{error}");
        assert_eq!(found(&*store, ""), ["a"]);
        assert_eq!(store.device(&id("a")).unwrap(), known);
    }

    /// Each names the other line.
    fn lines_of_an_import_that_contradict_each_other(bench: &Bench) {
        let store = bench.store();
        let row = |line, device| ImportedDevice { line, device };
        let rows = [row(2, around("a", 1)), row(3, around("b", 1)), row(4, around("a", 4))];
        let errors = store.stage_devices("one", &rows, NOW).unwrap();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("line 4, id: device a stands on line 2 already"), "{errors:?}");
        assert!(errors[1].contains("is of device a on line 2, and cannot be of b"), "{errors:?}");
    }

    /// As after kill -9: what was put aside is nothing, and is cleared away.
    fn a_process_that_dies_within_an_import_leaves_nothing(bench: &Bench) {
        let devices: Vec<_> = (0..10).map(|number| around(&format!("d{number}"), number)).collect();
        import(&*bench.store(), "one", &devices);
        let store = bench.store();
        assert_eq!(found(&*store, ""), [] as [&str; 0]);
        store.drop_abandoned(Timestamp(NOW.0 + 1)).unwrap();
        let switched = store.switch_devices("one", NOW, &mut |_| ()).unwrap();
        assert_eq!(switched, store::Switched::default());
        // The same file comes again.
        import(&*store, "two", &devices);
        assert_eq!(store.switch_devices("two", NOW, &mut |_| ()).unwrap().added, 10);
    }

    /// A counter that was sent is not sent again, although the eUICC was forgotten.
    fn an_imported_euicc_goes_on_counting(bench: &Bench) {
        let store = bench.store();
        store.add_euicc(&EuiccRecord::new(eid(1), None, 77)).unwrap();
        store.remove_euicc(eid(1)).unwrap();
        let mut device = around("a", 1);
        device.id = id(&eid(1).to_string());
        device.sims[0].eim = Some(Association { counter_value: 5, association_token: Some(9), emulated: true });
        import(&*store, "one", &[device]);
        assert_eq!(store.switch_devices("one", NOW, &mut |_| ()).unwrap().euiccs, 1);
        let record = store.euicc(eid(1)).unwrap().unwrap().value;
        assert_eq!((record.counter_value, record.association_token, record.emulated), (77, Some(9), true));
    }

    /// A page looks at a bounded number of devices, and says so.
    fn rare_finds_come_over_several_pages(bench: &Bench) {
        let store = bench.store();
        let mut devices: Vec<_> = (0..21_500).map(|number| Device::new(id(&format!("d{number:05}")))).collect();
        devices[21_499].owner = Some("rare".parse().unwrap());
        import(&*store, "one", &devices);
        store.switch_devices("one", NOW, &mut |_| ()).unwrap();
        let query: Query = "owner like rar*".parse().unwrap();
        let page = store.search(&query, None, 10, NOW).unwrap();
        assert!(page.devices.is_empty() && page.next.is_some());
        let page = store.search(&query, page.next.as_ref(), 10, NOW).unwrap();
        assert_eq!((page.devices.len(), page.next), (1, None));
        // By an index it is one.
        let page = store.search(&"owner = rare".parse().unwrap(), None, 10, NOW).unwrap();
        assert_eq!((page.devices.len(), page.next), (1, None));
    }

    /// In whatever order samples come, and how often.
    fn telemetry_in_levels(bench: &Bench) {
        let store = bench.store();
        let name = id("a");
        let rsrp = |value| Sample { rsrp: Some(value), ..Sample::default() };
        assert!(matches!(store.put_samples(&name, &[(NOW, rsrp(-90))]), Err(StoreError::Unknown(_))));
        store.put_device(&around("a", 1), 0, NOW).unwrap();
        let day = Level::Day.start(NOW);
        let at = |minutes: u64| Timestamp(day.0 + minutes * 60_000);
        let samples: Vec<_> = [(0, -90), (1, -100), (6, -80), (70, -70)].iter().map(|(minute, value)| (at(*minute), rsrp(*value))).collect();
        store.put_samples(&name, &samples[2..]).unwrap();
        store.put_samples(&name, &samples).unwrap();
        let whole = day..at(1440);
        assert_eq!(store.samples(&name, whole.clone(), 100).unwrap(), samples);
        let counts = |level| {
            let buckets = store.buckets(&name, level, whole.clone(), 100).unwrap();
            let summary = |(_, bucket): &(Timestamp, fleet::telemetry::Bucket)| *bucket.get(Measure::Rsrp).unwrap();
            buckets.iter().map(summary).map(|one| (one.count, one.min, one.last)).collect::<Vec<_>>()
        };
        assert_eq!(counts(Level::FiveMinutes), [(2, -100, -100), (1, -80, -80), (1, -70, -70)]);
        assert_eq!(counts(Level::Hour), [(3, -100, -80), (1, -70, -70)]);
        assert_eq!(counts(Level::Day), [(4, -100, -70)]);
        assert_eq!(found(&*store, "rsrp = -70"), ["a"]);
        let late = Timestamp(NOW.0 + 40 * 86_400_000);
        assert_eq!(store.forget_samples(&Retention::default(), late).unwrap(), 4 + 3);
        assert_eq!(store.samples(&name, whole.clone(), 100).unwrap(), []);
        assert_eq!(counts(Level::Hour).len(), 2);
    }

    /// One query to each.
    fn searches_have_names(bench: &Bench) {
        let store = bench.store();
        let search = |name: &str, query: &str| SavedSearch { name: name.to_string(), query: query.to_string(), saved: NOW };
        for (name, query) in [("b", "tier exists"), ("a", ""), ("b", "tag = x")] {
            store.put_search(&search(name, query)).unwrap();
        }
        assert_eq!(store.searches(None, 10).unwrap(), [search("a", ""), search("b", "tag = x")]);
        assert_eq!(store.searches(Some("a"), 10).unwrap().len(), 1);
        store.remove_search("a").unwrap();
        assert_eq!(store.saved_search("a").unwrap(), None);
        assert!(matches!(store.remove_search("a"), Err(StoreError::Unknown(_))));
    }

    /// Who changes one names the state that it had.
    fn tariffs_have_names_and_versions(bench: &Bench) {
        let (store, other) = (bench.store(), bench.of_tenant("other"));
        let named = |name: &str, included: u64| NamedTariff {
            name: name.to_string(),
            tariff: serde_json::from_value(serde_json::json!({ "included": included })).unwrap(),
        };
        store.put_tariff(&named("b", 1), 0).unwrap();
        store.put_tariff(&named("a b", 1), 0).unwrap();
        assert!(matches!(store.put_tariff(&named("b", 2), 0), Err(StoreError::Conflict)));
        assert!(matches!(store.put_tariff(&named("b", 2), 2), Err(StoreError::Conflict)));
        store.put_tariff(&named("b", 2), 1).unwrap();
        let found = store.tariff("b").unwrap().unwrap();
        assert_eq!((found.value, found.version), (named("b", 2).tariff, 2));
        assert_eq!(store.tariffs(None, 10).unwrap(), [named("a b", 1), named("b", 2)]);
        assert_eq!(store.tariffs(Some("a b"), 10).unwrap(), [named("b", 2)]);
        assert_eq!(other.tariffs(None, 10).unwrap(), []);
        assert!(matches!(other.remove_tariff("b", 2), Err(StoreError::Unknown(_))));
        assert!(matches!(store.remove_tariff("b", 1), Err(StoreError::Conflict)));
        store.remove_tariff("b", 2).unwrap();
        assert_eq!(store.tariff("b").unwrap(), None);
        assert!(matches!(store.put_tariff(&named("b", 2), 2), Err(StoreError::Conflict)));
    }

    /// The same identities may be of both.
    fn tenants_see_their_own_devices(bench: &Bench) {
        let (store, other) = (bench.store(), bench.of_tenant("other"));
        store.put_device(&around("a", 1), 0, NOW).unwrap();
        other.put_device(&around("b", 1), 0, NOW).unwrap();
        import(&*other, "one", &[around("c", 3)]);
        assert_eq!(store.switch_devices("one", NOW, &mut |_| ()).unwrap().added, 0);
        assert_eq!(found(&*store, ""), ["a"]);
        assert_eq!(found(&*other, &format!("eid = {}", eid(1))), ["b"]);
    }
}
