//! What servers on one database know of each other at the door.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fleet::access::{Exceeded, Rate};

use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;
use store::{
    ANSWERS_KEPT, CLAIM_HELD, Claim, Claimed, DoorStore, KeptAnswer, MOST_ANSWERED, RequestKey,
    StoreError, Tenant, TouchRates, claimed,
};
use support::{Bench, suite};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ASKED: [u8; 32] = [1; 32];
const HOUR: Duration = Duration::from_secs(3600);
const RATES: TouchRates = TouchRates {
    principal: Rate {
        count: 10,
        per: HOUR,
    },
    tenant: Rate {
        count: 15,
        per: HOUR,
    },
};
const EID: &str = "89049032123451234512345678901235";

fn door(bench: &Bench) -> Arc<dyn DoorStore> {
    bench.database(1).door(Tenant::default())
}

fn key(name: &str) -> RequestKey {
    RequestKey {
        tenant: Tenant::default(),
        principal: "key:a".to_string(),
        name: name.to_string(),
    }
}

fn answer(body: &[u8]) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("etag".to_string(), "\"1\"".to_string())],
        body: body.to_vec(),
    }
}

fn new(claimed: Claimed) -> Arc<Claim> {
    match claimed {
        Claimed::New(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn claim(door: &dyn DoorStore, name: &str, now: Timestamp) -> Claimed {
    door.claim(&key(name), &ASKED, now).unwrap()
}

/// Something that a request does.
fn add_euicc(bench: &Bench, claim: &Arc<Claim>) -> Result<(), StoreError> {
    let record = EuiccRecord::new(EID.parse().unwrap(), None, 0);
    let store = bench.store();
    claimed(Some(claim.clone()), || store.add_euicc(&record))
}

suite! {
    #[test]
    fn a_key_is_for_one_request_for_a_day(bench: &Bench) {
        // Two processes.
        let (door, other) = (door(bench), door(bench));
        let first = new(claim(&*door, "a", NOW));
        assert!(matches!(claim(&*other, "a", NOW), Claimed::Running));
        let body = b"{\"a\":\n1}\n";
        door.keep_answer(&first, &ASKED, &answer(body)).unwrap();
        match claim(&*other, "a", NOW) {
            Claimed::Answered(kept) => assert_eq!(kept, answer(body)),
            claimed => panic!("{claimed:?}"),
        }
        let otherwise = other.claim(&key("a"), &[2; 32], NOW).unwrap();
        assert!(matches!(otherwise, Claimed::Otherwise));
        // Everybody has keys of their own.
        let of_b = RequestKey { principal: "key:b".to_string(), ..key("a") };
        new(other.claim(&of_b, &[2; 32], NOW).unwrap());
        let elsewhere = bench.database(1).door("other".parse().unwrap());
        new(elsewhere.claim(&key("a"), &[2; 32], NOW).unwrap());
        new(other.claim(&key("a"), &[2; 32], NOW.after(ANSWERS_KEPT)).unwrap());
    }

    #[test]
    fn what_failed_for_a_while_can_be_tried_again(bench: &Bench) {
        let door = door(bench);
        let first = new(claim(&*door, "a", NOW));
        door.give_up(&first).unwrap();
        let second = new(claim(&*door, "a", NOW));
        // But not if something was done.
        add_euicc(bench, &second).unwrap();
        door.give_up(&second).unwrap();
        assert!(matches!(claim(&*door, "a", NOW), Claimed::Lost));
    }

    #[test]
    fn who_is_not_heard_of_any_more_loses_the_request_if_nothing_was_done(bench: &Bench) {
        let (door, other) = (door(bench), door(bench));
        let first = new(claim(&*door, "a", NOW));
        let later = NOW.after(CLAIM_HELD);
        door.hold(&first, Timestamp(NOW.0 + 1)).unwrap();
        assert!(matches!(claim(&*other, "a", later), Claimed::Running));
        let later = Timestamp(later.0 + 1);
        let second = new(claim(&*other, "a", later));
        // The first only slept, and does nothing any more.
        let late = add_euicc(bench, &first);
        assert!(matches!(late, Err(StoreError::TakenOver)), "{late:?}");
        assert!(bench.store().euicc(EID.parse().unwrap()).unwrap().is_none());
        assert!(matches!(door.hold(&first, later), Err(StoreError::TakenOver)));
        let kept = door.keep_answer(&first, &ASKED, &answer(b"first"));
        assert!(matches!(kept, Err(StoreError::TakenOver)), "{kept:?}");
        door.give_up(&first).unwrap();
        add_euicc(bench, &second).unwrap();
        other.keep_answer(&second, &ASKED, &answer(b"second")).unwrap();
        let Claimed::Answered(kept) = claim(&*door, "a", later) else { panic!() };
        assert_eq!(kept.body, b"second");
    }

    #[test]
    fn what_was_begun_is_not_done_again(bench: &Bench) {
        let (door, other) = (door(bench), door(bench));
        let first = new(claim(&*door, "a", NOW));
        add_euicc(bench, &first).unwrap();
        assert!(matches!(claim(&*other, "a", NOW), Claimed::Running));
        let later = NOW.after(CLAIM_HELD);
        assert!(matches!(claim(&*other, "a", later), Claimed::Lost));
        // If it was not dead, its answer counts.
        door.keep_answer(&first, &ASKED, &answer(b"made")).unwrap();
        assert!(matches!(claim(&*other, "a", later), Claimed::Answered(_)));
    }

    #[test]
    fn of_many_at_once_one_carries_it_out(bench: &Bench) {
        let doors: Vec<_> = (0..4).map(|_| door(bench)).collect();
        for round in 0..10 {
            let name = round.to_string();
            let claims = std::thread::scope(|scope| {
                let name = &name;
                let ask = |door: &Arc<dyn DoorStore>| {
                    let door = door.clone();
                    scope.spawn(move || matches!(claim(&*door, name, NOW), Claimed::New(_)))
                };
                let asked: Vec<_> = doors.iter().map(ask).collect();
                let claims = asked.into_iter().map(|asked| asked.join().unwrap());
                claims.filter(|new| *new).count()
            });
            assert_eq!(claims, 1);
        }
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten(bench: &Bench) {
        let door = door(bench);
        let part = answer(&vec![b'x'; usize::try_from(MOST_ANSWERED / 8).unwrap()]);
        for number in 0..10 {
            let now = Timestamp(NOW.0 + number);
            let claim = new(claim(&*door, &number.to_string(), now));
            if number > 0 {
                door.keep_answer(&claim, &ASKED, &part).unwrap();
            }
        }
        let later = Timestamp(NOW.0 + 10);
        door.forget_at_door(later).unwrap();
        // What is under way stays.
        assert!(matches!(claim(&*door, "0", later), Claimed::Running));
        for gone in ["1", "2"] {
            new(claim(&*door, gone, later));
        }
        assert!(matches!(claim(&*door, "3", later), Claimed::Answered(_)));
        door.forget_at_door(NOW.after(ANSWERS_KEPT).after(CLAIM_HELD)).unwrap();
        assert_eq!(bench.rows("request_key").len(), 0);
    }

    #[test]
    fn devices_are_counted_by_all_together(bench: &Bench) {
        let taken = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (door, taken) = (door(bench), &taken);
                scope.spawn(move || {
                    for _ in 0..5 {
                        match door.touch_devices("key:a", 1, RATES, NOW) {
                            Ok(()) => taken.fetch_add(1, Ordering::SeqCst),
                            Err(StoreError::Exceeded(_)) => 0,
                            Err(error) => panic!("{error}"),
                        };
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 10);
    }

    #[test]
    fn principal_and_tenant_have_their_own_and_what_is_refused_counts_for_neither(bench: &Bench) {
        let database = bench.database(1);
        let take = |tenant: &str, principal, count, now| {
            let door = database.door(tenant.parse().unwrap());
            match door.touch_devices(principal, count, RATES, now) {
                Ok(()) => None,
                Err(StoreError::Exceeded(exceeded)) => Some(exceeded),
                Err(error) => panic!("{error}"),
            }
        };
        let wait = |seconds| Some(Exceeded::Later(Duration::from_secs(seconds)));
        assert_eq!(take("t", "a", 10, NOW), None);
        assert_eq!(take("t", "a", 1, NOW), wait(360));
        assert_eq!(take("t", "b", 6, NOW), wait(240));
        assert_eq!(take("t", "b", 5, NOW), None);
        assert_eq!(take("t", "b", 1, NOW), wait(240));
        assert_eq!(take("u", "a", 10, NOW), None);
        assert_eq!(take("u", "a", 11, NOW), Some(Exceeded::Never(10)));
        let later = NOW.after(Duration::from_secs(360));
        assert_eq!(take("t", "a", 1, later), None);
        assert_eq!(take("t", "b", 1, later), wait(120));
        // A clock that is a day behind gives nothing, and takes no more than everything.
        let behind = NOW.before(Duration::from_secs(86_400));
        assert_eq!(take("t", "a", 1, behind), wait(360));
        let then = behind.after(HOUR);
        assert_eq!(take("t", "a", 10, then), None);
        assert_eq!(take("t", "a", 1, then), wait(360));
    }
}
