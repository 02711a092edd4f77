//! What rests sealed, and how a database gets another key.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::binding::es2plus_json::{
    HandleDownloadProgressInfo, NotificationPoint, RequestHeader,
};
use rsp_core::binding::es11::EventEntry;
use rsp_core::binding::json::{ExecutionStatus, FunctionExecutionStatus};
use rsp_core::eim::{ConfirmationCode, EuiccRecord, Operation, OperationId, OperationKind};
use rsp_core::profile::Subscription;
use rsp_core::smdp::{
    KeptPackage, Order, OrderKey, OrderState, ProfileTypeSettings, Progress, Session,
};
use rsp_core::smds::Event;
use store::{
    Claimed, Database, DoorStore, Due, KeptAnswer, ProfileStock, RelayChange, RequestKey,
    SmdpChange, SqliteStore, Store, StoreError, StoredRelay, StoredSession, StoredSmdsSession,
    Tenant, Versioned,
};

use support::{Bench, Folder, Whole, octets, sealer, suite};

/// Texts that no file may show.
const MARKS: [&str; 15] = [
    "mark-pre-shared!",
    "mark-template",
    "mark-matching-id",
    "mark-activation-code",
    "mark-confirmation-code",
    "mark-event-at-eim",
    "mark-package",
    "mark-reply",
    "mark-progress",
    "mark-event-id",
    "mark-smds-reply",
    "mark-relayed",
    "mark-relay-reply",
    "mark-answer",
    "mark-etag",
];
/// The association token of the record: 16 digits that occur nowhere else.
const TOKEN: i64 = 7_777_123_456_789_012;
/// K of the subscription.
const KI: [u8; 16] = *b"mark-of-the-key!";

fn eid() -> Eid {
    "89049032123451234512345678901235".parse().unwrap()
}

fn iccid() -> Iccid {
    "8999970000000000010".parse().unwrap()
}

fn id() -> TransactionId {
    TransactionId::from_bytes(&[1; 16]).unwrap()
}

fn stock() -> ProfileStock<'static> {
    ProfileStock {
        profile_type: "operational",
        template: b"mark-template",
        service_provider_name: "Provider",
        profile_name: "Name",
        profile_class: 2,
        settings: ProfileTypeSettings::default(),
        subscriptions: &[],
    }
}

fn progress() -> Progress {
    Progress {
        operator: "operator".to_string(),
        message: HandleDownloadProgressInfo {
            header: RequestHeader::default(),
            eid: Some(eid()),
            iccid: iccid(),
            profile_type: "operational".to_string(),
            timestamp: "2026-01-01T00:00:00Z".to_string(),
            notification_point_id: NotificationPoint::BPP_INSTALLATION,
            notification_point_status: FunctionExecutionStatus {
                status: ExecutionStatus::ExecutedSuccess,
                status_code_data: None,
            },
            result_data: Some("mark-progress".to_string()),
        },
    }
}

fn kept() -> KeptPackage {
    KeptPackage {
        iccid: iccid(),
        generation: 1,
        eid: eid(),
        server_ci: vec![1],
        euicc_otpk: vec![2],
        package: b"mark-package".to_vec(),
    }
}

fn operation() -> Operation {
    let kind = OperationKind::Download {
        activation_code: "LPA:1$smdp.example.com$mark-activation-code".to_string(),
    };
    Operation {
        confirmation_code: Some(ConfirmationCode("mark-confirmation-code".to_string())),
        event: Some(EventEntry {
            event_id: "mark-event-at-eim".to_string(),
            rsp_server_address: "smdp.example.com".to_string(),
        }),
        ..Operation::queued(OperationId("one".to_string()), eid(), kind, Timestamp(0))
    }
}

/// One row of every table that holds a secret.
fn fill(store: &dyn Whole) {
    fill_door(&*store.door(Tenant::default()));
    store
        .add_euicc(&EuiccRecord::new(eid(), Some(TOKEN), 0))
        .unwrap();
    store.put_psk(eid(), "device", b"mark-pre-shared!").unwrap();
    store.add_operation(&operation()).unwrap();
    let subscription = Subscription::new(iccid(), "999700000000001".parse().unwrap(), KI, KI);
    let subscriptions = [subscription];
    store
        .add_profiles(&ProfileStock {
            subscriptions: &subscriptions,
            ..stock()
        })
        .unwrap();
    let order = Versioned {
        value: Order {
            state: OrderState::Released,
            matching_id: Some("mark-matching-id".to_string()),
            eid: Some(eid()),
            smds_address: Some("smds.example.com".to_string()),
            ..Order::available(iccid(), "operational".to_string())
        },
        version: 1,
    };
    let session = Versioned {
        value: StoredSession {
            session: Session::Ended,
            request_digest: vec![9],
            reply: b"mark-reply".to_vec(),
            updated: Timestamp(1),
            kept_until: Timestamp(2),
        },
        version: 0,
    };
    store
        .commit_smdp(&SmdpChange {
            session: Some((&id(), &session)),
            order: Some(&order),
            kept: Some(&kept()),
            progress: Some(&progress()),
            now: Timestamp(1),
        })
        .unwrap();
    let session = Versioned {
        value: relayed(),
        version: 0,
    };
    store
        .commit_relay(&RelayChange {
            session: &session,
            euicc: None,
            now: Timestamp(1),
        })
        .unwrap();
    fill_smds(store);
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("etag".to_string(), "mark-etag".to_string())],
        body: b"mark-answer".to_vec(),
    }
}

fn claim(door: &dyn DoorStore) -> Claimed {
    let key = RequestKey {
        tenant: Tenant::default(),
        principal: "key:a".to_string(),
        name: "a key".to_string(),
    };
    door.claim(&key, &[5; 32], Timestamp(1)).unwrap()
}

fn fill_door(door: &dyn DoorStore) {
    let Claimed::New(claim) = claim(door) else {
        panic!("a new key")
    };
    door.keep_answer(&claim, &[5; 32], &answer()).unwrap();
}

fn check_door(database: &dyn Database) {
    let door = database.door(Tenant::default());
    assert!(matches!(claim(&*door), Claimed::Answered(kept) if kept == answer()));
}

/// The SM-DS's tables.
fn fill_smds(store: &dyn Store) {
    let events = Versioned {
        value: vec![event()],
        version: 0,
    };
    store.put_smds_events(eid(), &events).unwrap();
    let session = Versioned {
        value: StoredSmdsSession {
            session: rsp_core::smds::Session::Ended,
            request_digest: vec![9],
            reply: b"mark-smds-reply".to_vec(),
            updated: Timestamp(1),
        },
        version: 0,
    };
    store
        .put_smds_session(&id(), &session, Timestamp(0))
        .unwrap();
}

fn event() -> Event {
    Event {
        eid: eid(),
        event_id: "mark-event-id".to_string(),
        rsp_server_address: "smdp.example.com".to_string(),
        registrant: "2.999.10".to_string(),
        call: String::new(),
        forwarded: None,
        registered: Timestamp(1),
    }
}

/// A relayed download.
fn relayed() -> StoredRelay {
    let session = serde_json::json!({
        "transaction_id": id(),
        "eid": eid(),
        "operation": "one",
        "smdp_address": "mark-relayed.example.com",
        "wire": "json",
        "smdp_oid": null,
        "server_signed1": [],
        "ctx_params1": null,
        "euicc_key": null,
        "state": { "awaits": "authenticate_client" },
    });
    StoredRelay {
        session: serde_json::from_value(session).unwrap(),
        request_digest: vec![9],
        reply: b"mark-relay-reply".to_vec(),
        kept_until: Timestamp(9),
    }
}

/// All is there.
fn check(store: &dyn Store) {
    let record = store.euicc(eid()).unwrap().unwrap().value;
    assert_eq!(record.association_token, Some(TOKEN));
    assert_eq!(store.euiccs(None, 9).unwrap(), [record]);
    assert_eq!(store.open_operations(eid()).unwrap().len(), 1);
    let psk = store.psk("device").unwrap().unwrap();
    assert_eq!(psk.as_slice(), b"mark-pre-shared!");
    let key = OrderKey::MatchingId("mark-matching-id".to_string());
    assert_eq!(
        store.find_order(&key).unwrap().unwrap().value.iccid,
        iccid()
    );
    let material = store.material(iccid()).unwrap();
    assert_eq!(material.template, b"mark-template");
    assert_eq!(store.kept_package(iccid()).unwrap(), Some(kept()));
    let session = store.session(&id()).unwrap().unwrap().value;
    assert_eq!(session.reply, b"mark-reply");
    assert_eq!(
        store.relay_session(&id()).unwrap().unwrap().value,
        relayed()
    );
    let waiting = store.due_progress(&Due::at(Timestamp(9), 9)).unwrap();
    assert_eq!(waiting.first().unwrap().progress, progress());
    let announced = store.announcements(iccid()).unwrap();
    assert_eq!(
        announced.first().unwrap().announcement.event_id,
        "mark-matching-id"
    );
    assert_eq!(store.smds_events(eid()).unwrap().value, [event()]);
    let session = store.smds_session(&id()).unwrap().unwrap().value;
    assert_eq!(session.reply, b"mark-smds-reply");
    // The same type again is the same type.
    store.add_profiles(&stock()).unwrap();
}

fn shows(octets: &[u8], mark: &[u8]) -> bool {
    octets.windows(mark.len()).any(|part| part == mark)
}

#[test]
fn no_file_shows_a_secret() {
    let folder = Folder::new("no-secret");
    let store = folder.open(1).unwrap();
    fill(&store);
    check(&store);
    for closed in [false, true] {
        if closed {
            drop(folder.open(1).unwrap());
        }
        let octets = octets(&folder.0);
        for mark in MARKS {
            assert!(!shows(&octets, mark.as_bytes()), "{mark}");
        }
        assert!(!shows(&octets, &KI));
        assert!(!shows(&octets, TOKEN.to_string().as_bytes()));
        // What is looked for by itself is there, so this would be found.
        assert!(shows(&octets, iccid().to_string().as_bytes()));
    }
}

/// Every column of octets that is sealed begins with the key's mark.
#[test]
fn no_page_keeps_what_the_old_key_sealed() {
    let folder = Folder::new("reseal-pages");
    fill(&folder.open(1).unwrap());
    let mark = |key| sealer(key).seal(&["any"], b"", &mut rsp_crypto::OsRng::new().unwrap());
    let mark = |key: u8| mark(key).unwrap().get(..9).unwrap().to_vec();
    assert!(shows(&octets(&folder.0), &mark(1)));
    let done = SqliteStore::reseal(&folder.file(), sealer(1), sealer(2)).unwrap();
    assert_eq!(done, Some(17));
    // Not even in pages that are free.
    assert!(!shows(&octets(&folder.0), &mark(1)));
    let missing = SqliteStore::reseal(&folder.0.join("none.db"), sealer(1), sealer(2));
    assert!(missing.is_err());
    assert!(!folder.0.join("none.db").exists());
}

#[test]
fn a_file_of_another_key_stays_octet_for_octet() {
    let folder = Folder::new("key-file");
    fill(&folder.open(1).unwrap());
    let before = std::fs::read(folder.file()).unwrap();
    assert!(matches!(folder.open(2), Err(StoreError::OtherKey)));
    assert_eq!(std::fs::read(folder.file()).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("mode");
    drop(folder.open(1).unwrap());
    let mode = std::fs::metadata(folder.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

suite! {
    #[test]
    fn another_key_opens_all_and_the_old_one_nothing(bench: &Bench) {
        fill(&*bench.whole());
        assert_eq!(bench.reseal(1, 2).unwrap(), Some(17));
        assert!(matches!(bench.open(1), Err(StoreError::OtherKey)));
        check(&*bench.open(2).unwrap());
        check_door(&*bench.database(2));

        // Again is nothing new; with a key that it never had, nothing changes.
        assert_eq!(bench.reseal(1, 2).unwrap(), None);
        assert!(matches!(bench.reseal(1, 3), Err(StoreError::OtherKey)));
        check(&*bench.open(2).unwrap());
    }

    #[test]
    fn a_row_that_does_not_open_leaves_all_as_it_was(bench: &Bench) {
        fill(&*bench.whole());
        bench.run("UPDATE session SET reply = document");
        let refused = bench.reseal(1, 2);
        assert!(matches!(refused, Err(StoreError::Sealed(_))), "{refused:?}");
        assert!(matches!(bench.open(2), Err(StoreError::OtherKey)));
        let store = bench.store();
        assert!(store.euicc(eid()).unwrap().is_some());
    }
}
