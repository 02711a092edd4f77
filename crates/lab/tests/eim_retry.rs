//! What an eUICC refuses for now is sent again at a later contact, and nothing
//! overtakes it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use euicc::Environment;
use lab::{Algorithm, Bootstrap, World};
use rsp_core::eim::{OperationId, OperationKind, OperationState};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;

/// TERMINAL PROFILE of a terminal that knows REFRESH.
const KNOWS_REFRESH: &[u8] = &[0x80, 0x10, 0, 0, 3, 0xFF, 0xFF, 0xFF];
const SELECT_ISD_R: [u8; 21] = [
    0x00, 0xA4, 0x04, 0x0C, 0x10, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF,
    0x89, 0x00, 0x00, 0x01, 0x00,
];
/// ExecuteFallbackMechanism with a REFRESH.
const FALL_BACK: &[u8] = &[
    0x80, 0xE2, 0x91, 0x00, 0x06, 0xBF, 0x5D, 0x03, 0x80, 0x01, 0xFF,
];

fn send(world: &mut World, apdu: &[u8]) -> Vec<u8> {
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut world.rng,
    };
    world.card.transmit(apdu, &mut environment)
}

fn done(world: &mut World, kind: OperationKind) {
    let id = world.ask(kind).unwrap();
    world.round().unwrap();
    world.round().unwrap();
    let operation = world.operation(&id).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
}

/// A card whose terminal has not done a REFRESH: it takes no switch. It is about to
/// fall back from the profile that comes with it.
fn busy() -> (World, Subscription) {
    let mut world = World::new(91).unwrap();
    let first = world.subscription(1).unwrap();
    let template = profile::template();
    let bootstrap = Bootstrap {
        template: &template,
        subscription: &first,
        profile_name: "First connection",
        smdp_address: "smdp.example.com",
        fallback_allowed: true,
        enabled: true,
    };
    let installed = world.factory.install_bootstrap(&mut world.card, &bootstrap);
    installed.unwrap();
    let second = world.subscription(2).unwrap();
    let activation_code = world.order(&template, &second).unwrap();
    done(&mut world, OperationKind::Download { activation_code });
    let (iccid, rollback) = (second.iccid, false);
    done(&mut world, OperationKind::Enable { iccid, rollback });
    let iccid = first.iccid;
    done(&mut world, OperationKind::SetFallbackAttribute { iccid });
    assert_eq!(send(&mut world, KNOWS_REFRESH), [0x90, 0x00]);
    send(&mut world, &SELECT_ISD_R);
    let status = send(&mut world, FALL_BACK);
    assert_eq!(status.len(), 2, "{status:02X?}");
    (world, second)
}

fn state(world: &World, id: &OperationId) -> &'static str {
    world.operation(id).unwrap().state_name()
}

#[test]
fn what_is_busy_is_tried_again_and_then_done() {
    let (mut world, second) = busy();
    let (iccid, rollback) = (second.iccid, false);
    let enable = world
        .ask(OperationKind::Enable { iccid, rollback })
        .unwrap();
    let list = world.ask(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let waiting = world.operation(&enable).unwrap();
    assert_eq!(waiting.state, OperationState::Queued, "{waiting:?}");
    let tried = waiting.tried.clone().unwrap();
    assert_eq!((tried.code.as_str(), tried.times), ("catBusy", 1));
    assert_eq!(state(&world, &list), "queued", "nothing overtakes");

    // Too early: nothing is sent.
    world.now = world.now.after(Duration::from_secs(20));
    world.round().unwrap();
    let early = world.operation(&enable).unwrap();
    assert_eq!(early.tried, waiting.tried);
    // Still busy, and left alone for longer.
    world.now = tried.again.unwrap();
    world.round().unwrap();
    let tried = world.operation(&enable).unwrap().tried.unwrap();
    assert_eq!(tried.times, 2);
    let pause = tried.again.unwrap().since(world.now);
    assert!(pause > Duration::from_secs(100), "{pause:?}");

    // A reset does what the REFRESH would have done: the device fell back.
    world.power_cut();
    world.now = tried.again.unwrap();
    world.round().unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
    assert_eq!(state(&world, &list), "confirmed");
    world.confirm(&second, Algorithm::Milenage).unwrap();
}

#[test]
fn what_stays_busy_fails_in_the_end() {
    let (mut world, second) = busy();
    let (iccid, rollback) = (second.iccid, false);
    let enable = world
        .ask(OperationKind::Enable { iccid, rollback })
        .unwrap();
    let mut rounds = 0;
    while state(&world, &enable) == "queued" {
        world.round().unwrap();
        rounds += 1;
        assert!(rounds < 20);
        world.now = world.now.after(Duration::from_secs(3600));
    }
    let failed = world.operation(&enable).unwrap();
    assert_eq!(failed.state.reason(), Some("catBusy(5)"));
    assert_eq!(failed.tried.unwrap().times, rsp_core::eim::MOST_TRIES);
    assert!(failed.settled_in.is_none());
}
