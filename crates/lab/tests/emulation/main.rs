//! A card for consumer devices (SGP.22) under an eIM: the IPA answers in its
//! place, and everybody can see that it does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod cuts;
mod hostile;
mod orders;

use lab::{Algorithm, World, inspect};
use rsp_asn1::ids::Iccid;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind};
use rsp_core::ipa::{Event, IpaFeatures};
use rsp_core::profile::{self, Subscription};

pub(crate) fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}

/// Queues the download of a new profile.
pub(crate) fn download(world: &mut World, number: u32) -> (Subscription, OperationId) {
    let subscription = world.subscription(number).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let kind = OperationKind::Download { activation_code };
    (subscription, world.queue(kind).unwrap())
}

/// An operation that is over after some rounds, and how it ended.
#[track_caller]
pub(crate) fn settled(world: &mut World, id: &OperationId, state: &str) -> Operation {
    for _ in 0..3 {
        world.round().unwrap();
    }
    let operation = world.operation(id).unwrap();
    assert_eq!(
        operation.state_name(),
        state,
        "{operation:?} {:?}",
        world.events
    );
    operation
}

/// Orders something, which ends so.
#[track_caller]
pub(crate) fn ordered(world: &mut World, kind: OperationKind, state: &str) -> Operation {
    let id = world.queue(kind).unwrap();
    settled(world, &id, state)
}

pub(crate) fn profiles(world: &mut World) -> Vec<(Iccid, bool)> {
    inspect::profiles(&mut world.card, &mut world.rng).unwrap()
}

pub(crate) fn record(world: &World) -> EuiccRecord {
    world.eim.store().euicc(world.eid).unwrap().unwrap().value
}

/// A world with two profiles on the card, the first of them enabled.
pub(crate) fn two_profiles(seed: u64) -> (World, [Subscription; 2]) {
    let mut world = World::with_consumer_card(seed).unwrap();
    let (first, id) = download(&mut world, 1);
    settled(&mut world, &id, "confirmed");
    let (second, id) = download(&mut world, 2);
    settled(&mut world, &id, "confirmed");
    ordered(&mut world, enable_of(first.iccid), "confirmed");
    world.events.clear();
    (world, [first, second])
}

fn downloads_and_enables(mut world: World) -> World {
    let (subscription, download) = download(&mut world, 1);
    let enable = world.queue(enable_of(subscription.iccid)).unwrap();
    let download = settled(&mut world, &download, "confirmed");
    let enable = settled(&mut world, &enable, "confirmed");
    // What the card itself signed is proven; what the device says is marked.
    assert!(!download.unverified && !download.emulated);
    assert!(enable.unverified && enable.emulated);
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    assert_eq!(profiles(&mut world), [(subscription.iccid, true)]);
    let waiting = inspect::notifications(&mut world.card, &mut world.rng).unwrap();
    assert!(waiting.is_empty(), "all is delivered: {waiting:?}");
    world
}

#[test]
fn a_consumer_card_is_downloaded_to_and_enabled_by_an_eim() {
    let world = downloads_and_enables(World::with_consumer_card(1).unwrap());
    let added = Event::EmulatedEim {
        eim_id: world.eim.eim().eim_id.to_string(),
        association_token: Some(1),
    };
    assert_eq!(world.events.iter().filter(|e| **e == added).count(), 1);
    let record = record(&world);
    assert!(record.facts.is_iot_euicc() == Some(false) && record.public_key.is_some());
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    let proofs: Vec<_> = evidence.iter().map(|one| one.verified).collect();
    assert!(
        proofs.contains(&true) && proofs.contains(&false),
        "{proofs:?}"
    );
}

#[test]
fn the_eim_may_relay_the_download() {
    let mut world = World::with_consumer_card(2).unwrap();
    world.ipa_config.features = IpaFeatures {
        direct: false,
        indirect: true,
        ..world.ipa_config.features
    };
    world.restart_ipa();
    downloads_and_enables(world);
}

/// A card for IoT is not stood in for, though it would be allowed.
#[test]
fn a_card_that_can_do_it_itself_does_it() {
    let mut world = World::new(3).unwrap();
    let consumer = World::with_consumer_card(3).unwrap();
    world.ipa_config.emulation = consumer.ipa_config.emulation.clone();
    world.restart_ipa();
    let (subscription, _) = download(&mut world, 1);
    let enable = ordered(&mut world, enable_of(subscription.iccid), "confirmed");
    assert!(!enable.unverified && !enable.emulated);
    let begun = |event: &Event| matches!(event, Event::EmulatedEim { .. });
    assert!(!world.events.iter().any(begun));
}

#[test]
fn without_permission_the_ipa_says_what_is_missing() {
    let mut world = World::with_consumer_card(4).unwrap();
    world.ipa_config.emulation = None;
    world.restart_ipa();
    world.round().unwrap();
    let said = |event: &Event| match event {
        Event::Failed { reason } => {
            reason.contains("consumer devices") && reason.contains("card.emulate")
        }
        _ => false,
    };
    assert!(world.events.iter().any(said), "{:?}", world.events);
}

/// Until somebody allows it for the device, its eIM has nothing done on it, and
/// says how to allow it.
#[test]
fn the_eim_manages_such_a_device_only_if_told_so() {
    let mut world = World::with_consumer_card(5).unwrap();
    world.eim.set_emulated(world.eid, false, world.now).unwrap();
    let (_, id) = download(&mut world, 1);
    let refused = settled(&mut world, &id, "failed");
    let reason = refused.state.reason().unwrap();
    assert!(reason.contains("set `emulated`"), "{reason}");
    assert_eq!(profiles(&mut world), []);
    world.eim.set_emulated(world.eid, true, world.now).unwrap();
    let (_, id) = download(&mut world, 2);
    settled(&mut world, &id, "confirmed");
}

/// Each card has its own word for a function that it does not know; that it
/// cannot just now, or is out of reach, is another thing.
#[test]
fn every_way_to_refuse_is_understood() {
    let with = |response: &'static [u8]| {
        let mut world = World::with_consumer_card(6).unwrap();
        world.fault.answer = Some(Box::new(move |command, answer| {
            Ok(match command.get(5..7) {
                Some([0xBF, 0x55]) => response.to_vec(),
                _ => answer,
            })
        }));
        world.round().unwrap();
        let begun = |event: &Event| matches!(event, Event::EmulatedEim { .. });
        (world.events.iter().any(begun), world)
    };
    for refusal in [
        &[0x6A, 0x80][..],
        &[0x6A, 0x88],
        &[0x6D, 0x00],
        &[0x6E, 0x00],
        &[0x90, 0x00],
        &[0xBF, 0x55, 0x00, 0x90, 0x00],
    ] {
        assert!(with(refusal).0, "{refusal:02X?}");
    }
    // Not now; and an IoT card that does not say so when it is selected.
    for other in [
        &[0x69, 0x85][..],
        &[0x6F, 0x00],
        &[0xBF, 0x55, 0x02, 0xA0, 0x00, 0x90, 0x00],
    ] {
        let (begun, world) = with(other);
        assert!(!begun, "{other:02X?} {:?}", world.events);
    }
}
