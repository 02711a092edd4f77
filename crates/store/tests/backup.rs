//! Backups hold all that there is, go into either engine, and are restored whole or
//! not at all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use fleet::events::{EventType, NewEvent};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, OperationState, raise};
use serde_json::json;
use store::{
    BackupError, BackupReport, Due, EuiccChange, PostgresStore, Restore, SqliteStore, Versioned,
};
use support::{Bench, Folder, Schema, sealer, suite};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const LATER: Timestamp = Timestamp(NOW.0 + 3_600_000);

fn eid(number: u64) -> Eid {
    format!("8904903212345123451234567890{number:04}")
        .parse()
        .unwrap()
}

fn backup(bench: &Bench) -> (Vec<u8>, BackupReport) {
    let mut octets = Vec::new();
    let (out, told) = (
        &mut octets as &mut dyn Write,
        &mut |_: store::BackupStep<'_>| {},
    );
    let report = match bench {
        Bench::Sqlite(folder) => SqliteStore::backup(&folder.file(), sealer(1), NOW, out, told),
        Bench::Postgres(schema) => {
            PostgresStore::backup(schema.settings(), sealer(1), NOW, out, told)
        }
    };
    (octets, report.unwrap())
}

fn restore(
    bench: &Bench,
    key: u8,
    what: Restore,
    octets: &[u8],
) -> Result<BackupReport, BackupError> {
    let (mut input, told) = (octets, &mut |_: store::BackupStep<'_>| {});
    match bench {
        Bench::Sqlite(folder) => {
            let file = folder.file();
            SqliteStore::restore(&file, sealer(key), what, LATER, &mut input, told)
        }
        Bench::Postgres(schema) => {
            let settings = schema.settings();
            PostgresStore::restore(settings, sealer(key), what, LATER, &mut input, told)
        }
    }
}

/// An empty database of the other engine, if there is one.
fn other(bench: &Bench, name: &str) -> Option<Bench> {
    match bench {
        Bench::Sqlite(_) => Schema::new(name).map(Bench::Postgres),
        Bench::Postgres(_) => Some(Bench::Sqlite(Folder::new(name))),
    }
}

fn enable(number: u64) -> Operation {
    let iccid = format!("8949000000000000{number:04}").parse().unwrap();
    let kind = OperationKind::Enable {
        iccid,
        rollback: false,
    };
    let id = OperationId(format!("{number:04}"));
    Operation::queued(id, eid(number), kind, NOW)
}

/// Devices with operations, and events.
fn fill(bench: &Bench, devices: u64) {
    let store = bench.whole();
    for number in 0..devices {
        store
            .add_euicc(&EuiccRecord::new(eid(number), Some(7), 40))
            .unwrap();
        store.add_operation(&enable(number)).unwrap();
    }
    let note = NewEvent {
        data: json!({}),
        ..NewEvent::new(EventType::DeviceAdded, "devices/x".to_string(), NOW)
    };
    store.note_events(&[note]).unwrap();
    while store.number_events("test", &Due::at(NOW, 1_000)).unwrap() > 0 {}
    bench.store().put_contacts(&[(eid(1), NOW)]).unwrap();
    store
        .put_psk(eid(1), "device", b"a-key-that-both!")
        .unwrap();
}

suite! {
    #[test]
    fn what_goes_from_one_engine_to_the_other_and_back_is_the_same(bench: &Bench) {
        fill(bench, 300);
        let (first, made) = backup(bench);
        let Some(other) = other(bench, "backup_there") else { return };
        let there = restore(&other, 1, Restore::Moved, &first).unwrap();
        assert_eq!(made.rows, there.rows);
        let (second, _) = backup(&other);
        let back = match bench {
            Bench::Sqlite(_) => Bench::sqlite("backup_back"),
            Bench::Postgres(_) => Bench::postgres("backup_back").unwrap(),
        };
        restore(&back, 1, Restore::Moved, &second).unwrap();
        let (all, there, again) = (rows(bench), rows(&other), rows(&back));
        assert!(all.len() > 300 * 4, "{}", all.len());
        assert_eq!(all, there);
        assert_eq!(all, again);
        // It is a store like any other.
        let store = back.store();
        let record = store.euicc(eid(7)).unwrap().unwrap().value;
        assert_eq!(record.counter_value, 40);
        assert_eq!(store.open_operations(eid(7)).unwrap(), [enable(7)]);
        assert_eq!(store.psk("device").unwrap().unwrap().as_slice(), b"a-key-that-both!");
    }

    #[test]
    fn every_table_is_in_a_backup(bench: &Bench) {
        drop(bench.store());
        let (_, report) = backup(bench);
        let mut named: Vec<String> = report.rows.into_iter().map(|(name, _)| name).collect();
        named.sort();
        let tables = bench.tables();
        assert!(tables.len() > 40, "{tables:?}");
        assert_eq!(named, tables);
        for table in report.header.tables {
            assert!(!table.columns.is_empty(), "{}", table.name);
        }
    }

    #[test]
    fn what_is_no_whole_backup_is_refused_and_nothing_is_there_then(bench: &Bench) {
        fill(bench, 40);
        let (octets, _) = backup(bench);
        let fresh = match bench {
            Bench::Sqlite(_) => Bench::sqlite("backup_refused"),
            Bench::Postgres(_) => Bench::postgres("backup_refused").unwrap(),
        };
        let refused = |key, octets: &[u8]| {
            let error = restore(&fresh, key, Restore::Older, octets).unwrap_err();
            assert!(fresh.tables().is_empty(), "{error}");
            error.to_string()
        };
        let wrong_key = refused(2, &octets);
        assert!(wrong_key.contains("another key"), "{wrong_key}");
        for (part, octets) in [(0, &octets[..]), (10, &octets), (6, &b"hello\n"[..])] {
            let other = refused(1, &octets[..part]);
            assert!(other.contains("no backup"), "{other}");
        }
        for part in [200, octets.len() / 2, octets.len() - 1] {
            let cut = refused(1, &octets[..part]);
            assert!(cut.contains(&format!("ends at octet {part}, in ")), "{cut}");
        }
        // Each octet counts; the first ones of the file make it something else.
        let tries = if matches!(bench, Bench::Sqlite(_)) { 60 } else { 8 };
        let step = octets.len() / tries;
        for at in (0..octets.len()).step_by(step) {
            let mut altered = octets.clone();
            altered[at] ^= 0x04;
            let error = refused(1, &altered);
            let known = ["was altered", "no backup", "cut off", "another key"];
            assert!(known.iter().any(|known| error.contains(known)), "{at}: {error}");
        }
        let more = refused(1, &[&octets[..], b"more"].concat());
        assert!(more.contains("is the last one, and more follows"), "{more}");
        // Two backups put together are none.
        fill_more(bench);
        let (later, _) = backup(bench);
        let end = octets.len() - 100;
        refused(1, &[&octets[..end], &later[later.len() - 100..]].concat());

        restore(&fresh, 1, Restore::Older, &octets).unwrap();
        let again = restore(&fresh, 1, Restore::Older, &octets).unwrap_err();
        assert!(matches!(again, BackupError::NotEmpty), "{again}");
        assert!(fresh.store().euicc(eid(3)).unwrap().is_some());
    }

    #[test]
    fn an_older_state_gives_out_no_counter_again_and_doubts_what_was_open(bench: &Bench) {
        fill(bench, 3);
        bench.store().remove_euicc(eid(2)).unwrap();
        let (octets, _) = backup(bench);
        let fresh = match bench {
            Bench::Sqlite(_) => Bench::sqlite("backup_older"),
            Bench::Postgres(_) => Bench::postgres("backup_older").unwrap(),
        };
        let report = restore(&fresh, 1, Restore::Older, &octets).unwrap();
        let on = raise(NOW, LATER);
        assert_eq!((report.restored.raised, report.restored.doubtful), (on, 2));
        let store = fresh.whole();
        assert_eq!(store.euicc(eid(0)).unwrap().unwrap().value.counter_value, 40 + on);
        // One that was removed does not begin anew either.
        store.add_euicc(&EuiccRecord::new(eid(2), Some(7), 0)).unwrap();
        assert_eq!(store.euicc(eid(2)).unwrap().unwrap().value.counter_value, 40 + on);
        let open = store.open_operations(eid(0)).unwrap();
        assert!(matches!(open[0].state, OperationState::OutcomeUnknown { .. }), "{open:?}");
        // What is new has a number that nobody has seen, and says what became unknown.
        let last = bench.whole().events(&store::EventQuery::default()).unwrap().last;
        while store.number_events("test", &Due::at(LATER, 1_000)).unwrap() > 0 {}
        let after = store::EventQuery { after: last, limit: 100, ..Default::default() };
        let new = store.events(&after).unwrap().events;
        assert!(new.iter().all(|event| event.sequence > last + on), "{new:?}");
        let unknown = new.iter().filter(|e| e.event.kind == EventType::OperationOutcomeUnknown);
        assert_eq!(unknown.count(), 2);
    }

    #[test]
    fn a_backup_is_of_one_moment_while_others_write(bench: &Bench) {
        fill(bench, 30);
        let over = AtomicBool::new(false);
        let backups: Vec<Vec<u8>> = std::thread::scope(|scope| {
            // Counter and version of a record are changed in one transaction with its
            // operation.
            scope.spawn(|| {
                let store = bench.store();
                for turn in 1.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    for number in [0, 29] {
                        let Versioned { value, version } = store.euicc(eid(number)).unwrap().unwrap();
                        let record = EuiccRecord { counter_value: 40 + turn, ..value };
                        let id = OperationId(format!("{number}-{turn:08}"));
                        let operation = Operation { id, ..enable(number) };
                        let change = EuiccChange {
                            record: &record,
                            version,
                            operations: &[operation],
                            evidence: &[],
                            now: NOW,
                        };
                        store.commit_euicc(&change).unwrap();
                    }
                }
            });
            let _over = Over(&over);
            (0..5).map(|_| backup(bench).0).collect()
        });
        for (number, octets) in backups.iter().enumerate() {
            let folder = Folder::new(&format!("backup_moment_{number}"));
            let fresh = Bench::Sqlite(folder);
            restore(&fresh, 1, Restore::Moved, octets).unwrap();
            let store = fresh.store();
            for number in [0, 29] {
                let counter = store.euicc(eid(number)).unwrap().unwrap().value.counter_value;
                let open = store.open_operations(eid(number)).unwrap();
                assert_eq!(open.len() as i64, 1 + counter - 40);
            }
        }
    }
}

/// Says so, even if a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn fill_more(bench: &Bench) {
    bench
        .store()
        .add_euicc(&EuiccRecord::new(eid(900), None, 0))
        .unwrap();
}

/// All rows of all tables, each as text, in an order.
fn rows(bench: &Bench) -> Vec<String> {
    let rows = |table: String| {
        let rows = bench.rows(&table).into_iter();
        rows.map(move |row| format!("{table}: {row}"))
    };
    let mut all: Vec<String> = bench.tables().into_iter().flat_map(rows).collect();
    all.sort();
    all
}
