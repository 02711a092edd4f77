//! Databases of older versions are brought up, whole or not at all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind};
use rsp_crypto::OsRng;
use rusqlite::{Connection, params};
use store::{Due, Forwarding, OperationFilter, Store, StoreError};

use support::{Folder, sealer};

/// As version 6 made its tables.
const SCHEMA_6: &str = include_str!("support/schema_6.sql");

fn eid() -> Eid {
    "89049032123451234512345678901235".parse().unwrap()
}

fn seal(table: &str, row: &str, document: &[u8]) -> Vec<u8> {
    let mut rng = OsRng::new().unwrap();
    sealer(1).seal(&[table, row], document, &mut rng).unwrap()
}

fn operation(id: &str) -> Operation {
    let kind = OperationKind::ListProfileInfo;
    Operation::queued(OperationId(id.to_string()), eid(), kind, Timestamp(0))
}

/// A file as version 6 left it.
fn written_by_version_6(folder: &Folder) -> Connection {
    let file = Connection::open(folder.file()).unwrap();
    file.execute_batch(SCHEMA_6).unwrap();
    file.execute_batch("PRAGMA user_version = 6; PRAGMA journal_mode = WAL;")
        .unwrap();
    let probe = seal("sealing", "probe", b"simurgh");
    file.execute("INSERT INTO sealing VALUES (?1)", [probe])
        .unwrap();
    let eid = eid().to_string();
    let record = serde_json::to_vec(&EuiccRecord::new(self::eid(), Some(7), 42)).unwrap();
    let record = seal("euicc", &eid, &record);
    file.execute(
        "INSERT INTO euicc VALUES (?1, 5, 0, ?2)",
        params![eid, record],
    )
    .unwrap();
    for (number, id) in [(8, "first"), (9, "second")] {
        let document = serde_json::to_vec(&operation(id)).unwrap();
        let document = seal("operation", id, &document);
        let insert = "INSERT INTO operation VALUES (?1, ?2, ?3, 1, 'queued', NULL, ?4)";
        file.execute(insert, params![number, id, eid, document])
            .unwrap();
    }
    file.execute("INSERT INTO contact VALUES (?1, 77)", [&eid])
        .unwrap();
    file.execute("INSERT INTO code VALUES ('stock', 0, ?1)", [&eid])
        .unwrap();
    let secret = seal("psk", "device", &[3; 32]);
    file.execute(
        "INSERT INTO psk VALUES ('device', ?1, ?2)",
        params![eid, secret],
    )
    .unwrap();
    file.execute(
        "INSERT INTO evidence VALUES (3, ?1, 'notification', NULL, 1, 1, 11, ?2, ?3)",
        params![eid, [1_u8; 32], [9_u8]],
    )
    .unwrap();
    file.execute_batch("INSERT INTO outbox VALUES (3, 'smdp.example.com', 'waiting', 2, 20, '')")
        .unwrap();
    let gone = "89049032123451234512345678901334";
    file.execute("INSERT INTO euicc_removed VALUES (?1, 99)", [gone])
        .unwrap();
    file
}

fn check(store: &dyn Store) {
    let record = store.euicc(eid()).unwrap().unwrap();
    assert_eq!((record.version, record.value.counter_value), (5, 42));
    assert_eq!(record.value.association_token, Some(7));
    let ids = |operations: Vec<Operation>| -> Vec<String> {
        operations
            .into_iter()
            .map(|operation| operation.id.0)
            .collect()
    };
    // What is new comes after what was there.
    store.add_operation(&operation("third")).unwrap();
    let open = ids(store.open_operations(eid()).unwrap());
    assert_eq!(open, ["first", "second", "third"]);
    let filter = OperationFilter {
        limit: 9,
        ..OperationFilter::default()
    };
    assert_eq!(store.operations(&filter).unwrap().len(), 3);
    assert_eq!(store.contact(eid()).unwrap().unwrap().last, Timestamp(77));
    assert_eq!(store.allot_code("stock", 9, eid()).unwrap(), Some(0));
    assert_eq!(store.psk("device").unwrap().unwrap().as_slice(), [3; 32]);
    assert_eq!(store.evidence(eid()).unwrap().len(), 1);
    let due = store.due_notifications(&Due::at(Timestamp(20), 9)).unwrap();
    let (first, rest) = due.split_first().unwrap();
    assert_eq!(
        (first.attempts, first.der.as_slice(), rest.len()),
        (2, [9].as_slice(), 0)
    );
    store
        .put_forwarding(first, Forwarding::Delivered, "")
        .unwrap();
    let gone: Eid = "89049032123451234512345678901334".parse().unwrap();
    store.add_euicc(&EuiccRecord::new(gone, None, 0)).unwrap();
    let again = store.euicc(gone).unwrap().unwrap().value;
    assert_eq!(again.counter_value, 99, "counters do not go back");
}

#[test]
fn a_file_of_schema_6_keeps_its_data() {
    let folder = Folder::new("schema-6");
    drop(written_by_version_6(&folder));
    let wrong = folder.open(2);
    assert!(matches!(wrong, Err(StoreError::OtherKey)), "{wrong:?}");
    check(&folder.open(1).unwrap());
    // It is a file of this version now.
    let again = folder.open(1).unwrap();
    let other = again.of_tenant("other".parse().unwrap());
    let taken = other.add_euicc(&EuiccRecord::new(eid(), None, 0));
    assert!(matches!(taken, Err(StoreError::Elsewhere)), "{taken:?}");
    assert_eq!(again.open_operations(eid()).unwrap().len(), 3);
    let file = Connection::open(folder.file()).unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%\\_6' ESCAPE '\\'";
    let left: i64 = file.query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "nothing of the old tables is left");
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let folder = Folder::new("schema-half");
    let file = written_by_version_6(&folder);
    // In the way of a table that the step makes last.
    file.execute_batch("CREATE TABLE change (a INTEGER)")
        .unwrap();
    let refused = folder.open(1);
    assert!(matches!(refused, Err(StoreError::Engine(_))), "{refused:?}");
    let version: i64 = file
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 6);
    file.execute_batch("DROP TABLE change").unwrap();
    drop(file);
    check(&folder.open(1).unwrap());
}

#[test]
fn what_is_older_than_any_that_is_known_is_refused() {
    let folder = Folder::new("schema-5");
    let file = written_by_version_6(&folder);
    file.execute_batch("PRAGMA user_version = 5").unwrap();
    let refused = folder.open(1);
    assert!(matches!(refused, Err(StoreError::Schema { found: 5, .. })));
}
