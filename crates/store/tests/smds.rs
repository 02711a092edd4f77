//! What every engine keeps for the SM-DS, and of events for the SM-DP+.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smds::{Event, Session};
use store::{StoreError, StoredSmdsSession, Versioned};

use support::{Bench, suite};

fn eid() -> Eid {
    "89049032123451234512345678901235".parse().unwrap()
}

fn event(event_id: &str) -> Event {
    Event {
        eid: eid(),
        event_id: event_id.to_string(),
        rsp_server_address: "smdp.example.com".to_string(),
        registrant: "2.999.10".to_string(),
        call: String::new(),
        forwarded: None,
        registered: Timestamp(1),
    }
}

fn events(version: i64, ids: &[&str]) -> Versioned<Vec<Event>> {
    Versioned {
        value: ids.iter().map(|id| event(id)).collect(),
        version,
    }
}

fn id(number: u8) -> TransactionId {
    TransactionId::from_bytes(&[number; 16]).unwrap()
}

fn session(version: i64, updated: u64) -> Versioned<StoredSmdsSession> {
    Versioned {
        value: StoredSmdsSession {
            session: Session::Ended,
            request_digest: vec![1],
            reply: vec![2],
            updated: Timestamp(updated),
        },
        version,
    }
}

suite! {
    #[test]
    fn of_two_steps_on_the_same_events_the_second_is_refused(bench: &Bench) {
        let store = bench.store();
        assert_eq!(store.smds_events(eid()).unwrap(), events(0, &[]));
        store.put_smds_events(eid(), &events(0, &["A"])).unwrap();
        let second = store.put_smds_events(eid(), &events(0, &["B"]));
        assert!(matches!(second, Err(StoreError::Conflict)));
        store
            .put_smds_events(eid(), &events(1, &["A", "B"]))
            .unwrap();
        assert_eq!(store.smds_events(eid()).unwrap(), events(2, &["A", "B"]));
        // None left is a state like any other.
        store.put_smds_events(eid(), &events(2, &[])).unwrap();
        assert_eq!(store.smds_events(eid()).unwrap(), events(3, &[]));
    }

    #[test]
    fn a_new_session_clears_away_the_old_ones(bench: &Bench) {
        let store = bench.store();
        let forget = Timestamp(0);
        store
            .put_smds_session(&id(1), &session(0, 10), forget)
            .unwrap();
        let twice = store.put_smds_session(&id(1), &session(0, 10), forget);
        assert!(matches!(twice, Err(StoreError::Conflict)));
        store
            .put_smds_session(&id(1), &session(1, 20), forget)
            .unwrap();
        assert_eq!(store.smds_session(&id(1)).unwrap(), Some(session(2, 20)));
        store
            .put_smds_session(&id(2), &session(0, 30), Timestamp(20))
            .unwrap();
        assert_eq!(store.smds_session(&id(1)).unwrap(), None);
        assert_eq!(store.smds_session(&id(2)).unwrap(), Some(session(1, 30)));
    }
}
