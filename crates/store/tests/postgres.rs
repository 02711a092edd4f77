//! What PostgreSQL alone must do: many processes, servers that end, TLS.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use rsp_asn1::ids::Eid;
use rsp_core::eim::EuiccRecord;
use store::{Database, News, PostgresSettings, PostgresStore, Store, StoreError};

use support::{Schema, sealer};

fn eid() -> Eid {
    "89049032123451234512345678901235".parse().unwrap()
}

/// Two processes may find the database empty at the same time.
#[test]
fn a_new_database_is_made_once() {
    let Some(schema) = Schema::new("made_once") else {
        return;
    };
    std::thread::scope(|scope| {
        let open = || schema.connect(1).map(drop);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    let store = schema.connect(1).unwrap();
    store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
}

/// A server that ended the connections is asked again, over new ones.
#[test]
fn connections_that_were_ended_are_opened_again() {
    let Some(schema) = Schema::new("ended") else {
        return;
    };
    let url = format!("{}&application_name=ended", schema.url());
    let store = PostgresStore::connect(url.parse().unwrap(), sealer(1)).unwrap();
    let record = EuiccRecord::new(eid(), None, 0);
    store.add_euicc(&record).unwrap();
    for _ in 0..3 {
        schema.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'ended'",
        );
        assert!(store.euicc(eid()).unwrap().is_some());
        let again = store.add_euicc(&record);
        assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    }
}

/// Who waits for news of others for an hour has them at once, also after the connection
/// on which they come was lost.
#[test]
fn others_wake_who_waits() {
    let Some(schema) = Schema::new("bell") else {
        return;
    };
    let url = format!("{}&application_name=bell", schema.url());
    let waiting = PostgresStore::connect(url.parse().unwrap(), sealer(1)).unwrap();
    let other = schema.connect(1).unwrap();
    let bell = waiting.bell();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (soon, hour) = (Duration::from_millis(20), Duration::from_secs(3600));
    let hears = async |hears: bool| {
        while bell.hears() != hears {
            tokio::time::sleep(soon).await;
        }
    };
    let test = async {
        for number in 0..2 {
            hears(true).await;
            let mut work = bell.listener(News::Work);
            let mut events = bell.listener(News::Event);
            let eid = Eid::with_check_digits(&format!("8904{number:026}")).unwrap();
            other.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
            // What happens in PostgreSQL while this thread waits comes by itself.
            work.wait(hour, hour).await;
            events.wait(hour, hour).await;
            assert!(waiting.euicc(eid).unwrap().is_some());
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'bell'";
            // It has a runtime of its own.
            std::thread::scope(|scope| scope.spawn(|| schema.run(end)).join()).unwrap();
            hears(false).await;
        }
    };
    let patience = Duration::from_secs(60);
    runtime
        .block_on(async { tokio::time::timeout(patience, test).await })
        .unwrap();
}

#[test]
fn nobody_there_is_said_so_without_the_password() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("postgres://simurgh:s3cret@127.0.0.1:{port}/simurgh");
    let settings: PostgresSettings = url.parse().unwrap();
    let refused = PostgresStore::connect(settings, sealer(1)).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.starts_with("database: unreachable: postgres://127.0.0.1"),
        "{text}"
    );
    assert!(!text.contains("s3cret") && !format!("{refused:?}").contains("s3cret"));
}

/// The server's certificate is checked: against a file, and by its name.
#[test]
fn tls_with_a_server_that_is_vouched_for() {
    let Some(schema) = Schema::new("tls") else {
        return;
    };
    let Some(trust) = std::env::var_os("SIMURGH_TEST_POSTGRES_CA") else {
        panic!("the test server has no certificate");
    };
    let url = format!("{}&sslmode=require", schema.url());
    let settings = || url.parse::<PostgresSettings>().unwrap();
    let store = PostgresStore::connect(settings().trusting(trust.as_ref()), sealer(1)).unwrap();
    store.add_euicc(&EuiccRecord::new(eid(), None, 0)).unwrap();
    assert!(store.euicc(eid()).unwrap().is_some());
    let unknown = PostgresStore::connect(settings(), sealer(1)).unwrap_err();
    assert!(unknown.to_string().contains("certificate"), "{unknown}");
}
