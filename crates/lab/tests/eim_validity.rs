//! Operations that are worth sending for a while only, that are taken back, that
//! wait together, and the network from which they are confirmed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use eim_support::{answer, items, operation, package, poll, state, world_with_profiles};
use lab::World;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EnableProfileResult, EsipaMessageFromIpaToEim, EuiccResultData, GetEimPackageRequest,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_core::Context;
use rsp_core::eim::{
    EuiccRecord, ImmediateEnable, Operation, OperationId, OperationKind, OperationState, Validity,
};
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use store::{EimHost, EimReply};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn contacts(contacts: u32) -> Validity {
    Validity {
        contacts: Some(contacts),
        ..Validity::default()
    }
}

fn order(world: &World, name: &str, kind: OperationKind, validity: Validity) -> OperationId {
    let id = OperationId(name.to_string());
    let operation = Operation {
        validity,
        ..Operation::queued(id.clone(), world.eid, kind, world.now)
    };
    world.eim.add_operation(&operation).unwrap();
    id
}

/// All three of a device that polls once in a week are in the one package of its
/// next contact, and are confirmed in that contact or the one after it.
#[test]
fn a_weekly_device_does_three_in_one_package() {
    let (mut world, iccids) = world_with_profiles(71, 2);
    let world = &mut world;
    let before = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let kinds = [
        OperationKind::GetRat,
        OperationKind::ConfigureImmediateEnable(ImmediateEnable {
            enable: true,
            smdp_oid: None,
            smdp_address: None,
        }),
        OperationKind::Enable {
            iccid: iccids[1],
            rollback: false,
        },
    ];
    let mut ids = Vec::new();
    for (kind, name) in kinds.into_iter().zip(["one", "two", "three"]) {
        world.now = world.now.after(WEEK / 10);
        ids.push(order(world, name, kind, contacts(3)));
    }
    let mut weeks = 0;
    while ids.iter().any(|id| state(world, id) != "confirmed") {
        weeks += 1;
        assert!(weeks <= 3, "{:?}", operation(world, &ids[0]));
        world.now = world.now.after(WEEK);
        world.round().unwrap();
    }
    let after = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert_eq!(after.counter_value, before.counter_value + 1, "one package");
    let profiles = world.listed_profiles().unwrap();
    let enabled = profiles.iter().find(|profile| profile.enabled);
    assert_eq!(enabled.unwrap().iccid, Some(iccids[1]));
}

/// A package whose result never comes is sent in so many contacts, and then it is
/// found out what became of it.
#[test]
fn after_its_contacts_it_is_asked_what_became_of_it() {
    let (mut world, iccids) = world_with_profiles(72, 2);
    let world = &mut world;
    let enable = OperationKind::Enable {
        iccid: iccids[1],
        rollback: false,
    };
    let id = order(world, "enable", enable, contacts(3));
    for contact in 1..=3 {
        world.now = world.now.after(WEEK);
        let sent = package(world);
        assert!(items(&sent)[0].starts_with(&[0xA3]));
        // What the device asks in the same minute is the same contact.
        assert!(items(&package(world))[0].starts_with(&[0xA3]));
        assert_eq!(operation(world, &id).validity.met, contact);
    }
    world.now = world.now.after(WEEK);
    let asked = package(world);
    assert!(items(&asked)[0].starts_with(&[0xBF, 0x2D]), "a list");
    assert_eq!(state(world, &id), "outcome_unknown");
    world.round().unwrap();
    world.now = world.now.after(WEEK);
    world.round().unwrap();
    let ended = operation(world, &id);
    let reason = ended.state.reason().unwrap();
    assert_eq!(reason, "the eUICC lists the profile as disabled");
}

/// What was never sent expires, by the device's poll or without it, and is not
/// sent any more.
#[test]
fn what_waits_too_long_expires() {
    let (mut world, iccids) = world_with_profiles(73, 2);
    let world = &mut world;
    let until = |world: &World, after| Validity {
        until: Some(world.now.after(after)),
        ..Validity::default()
    };
    let enable = OperationKind::Enable {
        iccid: iccids[1],
        rollback: false,
    };
    let by_poll = order(world, "by poll", enable.clone(), until(world, WEEK));
    let stays = order(world, "stays", OperationKind::GetRat, Validity::default());
    world.now = world.now.after(WEEK);
    let sent = package(world);
    assert_eq!(items(&sent).len(), 1);
    assert!(items(&sent)[0].starts_with(&[0xA6]), "the other one alone");
    assert_eq!(state(world, &by_poll), "expired");
    assert_eq!(state(world, &stays), "delivered");

    let alone = order(world, "alone", enable, until(world, WEEK));
    assert_eq!(world.eim.expire(world.now, 10).unwrap(), 0);
    world.now = world.now.after(WEEK);
    assert_eq!(world.eim.expire(world.now, 10).unwrap(), 1);
    assert_eq!(state(world, &alone), "expired");
    assert_eq!(operation(world, &alone).since, world.now);
    assert_eq!(world.eim.expire(world.now, 10).unwrap(), 0);
    assert_eq!(
        state(world, &stays),
        "delivered",
        "it was sent and is for ever"
    );
}

fn poll_of(eid: Eid, plmn: Option<&str>) -> EsipaMessageFromIpaToEim {
    EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: plmn.map(|plmn| plmn.parse().unwrap()),
        extensions: Extensions::default(),
    })
}

fn poll_from(world: &mut World, plmn: &str) {
    eim_support::say(world, &poll_of(world.eid, Some(plmn)));
}

#[test]
fn it_is_confirmed_from_a_network_that_was_expected() {
    let (mut world, iccids) = world_with_profiles(74, 2);
    let world = &mut world;
    let id = OperationId("enable".to_string());
    let kind = OperationKind::Enable {
        iccid: iccids[1],
        rollback: false,
    };
    let enable = Operation {
        expected_networks: vec!["262-01".to_string(), "232-01".to_string()],
        ..Operation::queued(id.clone(), world.eid, kind, world.now)
    };
    world.eim.add_operation(&enable).unwrap();
    let sent = package(world);
    let ok = EuiccResultData::EnableResult(EnableProfileResult::OK);
    answer(world, &sent, vec![ok], 200);
    poll(world);
    assert_eq!(state(world, &id), "executed", "nobody knows where it is");
    poll_from(world, "208-01");
    let elsewhere = operation(world, &id);
    assert_eq!(elsewhere.state_name(), "executed");
    assert_eq!(elsewhere.seen_in.as_deref(), Some("208-01"));
    poll_from(world, "232-01");
    let OperationState::Confirmed { poll, .. } = operation(world, &id).state else {
        panic!("it is where it was to be");
    };
    assert_eq!(poll.unwrap().r_plmn.as_deref(), Some("232-01"));
}

/// Waits so many microseconds without giving the processor away.
fn spin(micros: i64) {
    let begun = Instant::now();
    let pause = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    while begun.elapsed() < pause {
        std::hint::spin_loop();
    }
}

/// Whether it was taken back, so many microseconds after its device began to poll
/// or, if negative, before, and whether something was sent.
fn race(eim: &EimHost, operation: &Operation, later: i64, seed: u64) -> (bool, bool) {
    eim.add_operation(operation).unwrap();
    let together = Barrier::new(2);
    std::thread::scope(|scope| {
        let polling = scope.spawn(|| {
            let mut cx = Context {
                now: operation.created,
                rng: &mut SeededRng::new(seed),
                crypto: &SoftwareProvider,
            };
            let poll = poll_of(operation.eid, None);
            together.wait();
            spin(-later);
            let EimReply::Message(reply) = eim.handle(&poll, &mut cx).unwrap() else {
                panic!("no reply");
            };
            // A refusal is shorter.
            reply.to_der().len() > 64
        });
        together.wait();
        spin(later);
        let cancelled = eim.cancel(&operation.id, operation.created).unwrap();
        (cancelled.is_some(), polling.join().unwrap())
    })
}

/// 10 000 times an operation is taken back while its device polls: it was taken
/// back and no package left, or a package left and it was too late.
#[test]
fn who_is_cancelled_is_never_sent() {
    const RACES: u64 = 10_000;
    let (world, _) = world_with_profiles(75, 1);
    let known = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let (factory, now) = (world.factory, world.now);
    let eim = world.eim;
    // Half of the time either is to be faster.
    let (mut cancelled, mut later) = (0, 0);
    for round in 0..RACES {
        let eid = factory.eid(1000 + round).unwrap();
        let device = EuiccRecord {
            eid,
            ..known.clone()
        };
        eim.add_euicc(&device).unwrap();
        let id = OperationId(format!("{round:05}"));
        let get_rat = Operation::queued(id.clone(), eid, OperationKind::GetRat, now);
        let (taken_back, sent) = race(&eim, &get_rat, later, round);
        let state = eim.store().operation(&id).unwrap().unwrap();
        let expected = if taken_back { "cancelled" } else { "delivered" };
        assert_eq!(state.state_name(), expected);
        assert_ne!(taken_back, sent, "{round}: {state:?}");
        cancelled += u64::from(taken_back);
        later += if taken_back { 5 } else { -5 };
    }
    println!("{cancelled} of {RACES} were taken back in time");
    let raced = RACES / 10..RACES * 9 / 10;
    assert!(raced.contains(&cancelled), "{cancelled}: no race");
}
