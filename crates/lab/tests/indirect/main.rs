//! Indirect download (SGP.32 3.2.3.2): the eIM relays between an IPA and an
//! SM-DP+, in both bindings of either interface.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod cancelled;
mod compact;
mod events;
mod faults;
mod hostile;
mod refusals;

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Algorithm, Fault, World};
use rsp_asn1::ids::Iccid;
use rsp_core::binding::es9plus::Wire;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState, Outcome};
use rsp_core::ipa::{Event, IpaFeatures};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;

/// An IPA without ES9+.
pub(crate) const INDIRECT: IpaFeatures = IpaFeatures {
    direct: false,
    indirect: true,
    eim_download_data: false,
    eim_ctx_params1: false,
    eim_metadata: false,
    minimize: false,
};

/// A world whose IPA can do this.
pub(crate) fn world(seed: u64, features: IpaFeatures) -> World {
    let mut world = World::new(seed).unwrap();
    world.ipa_config.features = features;
    world.restart_ipa();
    world
}

pub(crate) fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}

/// Queues the download of an ordered profile.
pub(crate) fn queue(world: &mut World, number: u32) -> (Subscription, OperationId) {
    let subscription = world.subscription(number).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let kind = OperationKind::Download { activation_code };
    (subscription, world.queue(kind).unwrap())
}

#[track_caller]
pub(crate) fn expect_installed(world: &World, id: &OperationId, iccid: Iccid) {
    let operation = world.operation(id).unwrap();
    let installed = Outcome::Installed { iccid: Some(iccid) };
    let events = &world.events;
    assert!(
        matches!(&operation.state, OperationState::Confirmed { outcome, .. } if *outcome == installed),
        "{operation:?} {events:?}"
    );
}

/// Download and enable; everything ends where it ends in a direct download.
#[track_caller]
pub(crate) fn downloads_and_enables(world: &mut World) {
    let (subscription, download) = queue(world, 1);
    let iccid = subscription.iccid;
    world.round().unwrap();
    expect_installed(world, &download, iccid);
    assert_eq!(
        world.forward_notifications().unwrap(),
        1,
        "{:?}",
        world.events
    );
    let order = world.smdp.store().order(iccid).unwrap().unwrap().value;
    assert_eq!(order.state, OrderState::Installed);

    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{:?}", world.events);
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

/// Whom the IPA spoke with.
fn watched(world: &mut World) -> Rc<RefCell<Vec<String>>> {
    let paths = Rc::new(RefCell::new(Vec::new()));
    let seen = paths.clone();
    world.fault = Fault {
        relayed_request: Some(Box::new(move |request| {
            seen.borrow_mut().push(request.path.clone());
        })),
        ..Fault::default()
    };
    paths
}

/// EIM-01, IPA-02: each message to the eIM leads to one to the SM-DP+, whose
/// answer is translated; the installation result is forwarded.
#[test]
fn through_the_eim_in_both_bindings() {
    for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
        for wire in [Wire::Json, Wire::Asn1] {
            let mut world = world(1, INDIRECT);
            world.ipa_config.esipa_binding = binding;
            world.restart_ipa();
            world.eim.eim_mut().unwrap().relay.wire = wire;
            let paths = watched(&mut world);
            downloads_and_enables(&mut world);
            let expected: &[&str] = match wire {
                Wire::Json => &[
                    "/gsma/rsp2/es9plus/initiateAuthentication",
                    "/gsma/rsp2/es9plus/authenticateClient",
                    "/gsma/rsp2/es9plus/getBoundProfilePackage",
                ],
                Wire::Asn1 => &["/gsma/rsp2/asn1"; 3],
            };
            assert_eq!(*paths.borrow(), expected, "{binding:?} {wire:?}");
        }
    }
}

/// The eIM takes the binding that the SM-DP+ has.
#[test]
fn an_smdp_that_has_only_asn1() {
    let mut world = world(2, INDIRECT);
    let paths = watched(&mut world);
    let json = |path: &str| path.starts_with("/gsma/rsp2/es9plus/");
    world.fault.relayed_response = Some(Box::new(move |request, response| {
        if json(&request.path) {
            response.status = 404;
            response.body.clear();
        }
    }));
    let (subscription, download) = queue(&mut world, 1);
    world.round().unwrap();
    expect_installed(&world, &download, subscription.iccid);
    let paths = paths.borrow();
    assert_eq!(
        paths.iter().filter(|path| json(path)).count(),
        1,
        "{paths:?}"
    );
    assert_eq!(paths.len(), 4, "{paths:?}");
}

/// EIM-58, EIM-59 and the triggers without data: what the IPA leaves to the
/// eIM, the eIM does.
#[test]
fn what_an_ipa_leaves_to_the_eim() {
    let some = [
        IpaFeatures {
            eim_download_data: true,
            ..INDIRECT
        },
        IpaFeatures {
            eim_ctx_params1: true,
            ..INDIRECT
        },
        IpaFeatures {
            eim_metadata: true,
            ..INDIRECT
        },
        IpaFeatures {
            eim_download_data: true,
            eim_ctx_params1: true,
            eim_metadata: true,
            ..INDIRECT
        },
    ];
    for (seed, features) in (3..).zip(some) {
        for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
            let mut world = world(seed, features);
            world.ipa_config.esipa_binding = binding;
            world.restart_ipa();
            downloads_and_enables(&mut world);
        }
    }
}

/// The eUICC's configuration of the eIM decides for an IPA that can do both;
/// one that has only ES9+ uses that.
#[test]
fn the_way_is_chosen_by_capability_and_configuration() {
    for (features, relayed) in [
        (INDIRECT, 3),
        (
            IpaFeatures {
                direct: true,
                ..INDIRECT
            },
            3,
        ),
        (
            IpaFeatures {
                direct: true,
                indirect: false,
                ..INDIRECT
            },
            0,
        ),
    ] {
        let mut world = world(8, features);
        let paths = watched(&mut world);
        let (subscription, download) = queue(&mut world, 1);
        world.round().unwrap();
        expect_installed(&world, &download, subscription.iccid);
        assert_eq!(paths.borrow().len(), relayed, "{features:?}");
    }
}

/// IPA-02: ImmediateEnable is attempted after an installation; that it is not
/// configured is no failure.
#[test]
fn an_immediate_enable_is_attempted() {
    let mut world = world(9, INDIRECT);
    let commands = Rc::new(RefCell::new(Vec::new()));
    let seen = commands.clone();
    world.fault.command = Some(Box::new(move |command| {
        seen.borrow_mut().push(command.clone());
    }));
    let (subscription, download) = queue(&mut world, 1);
    world.round().unwrap();
    expect_installed(&world, &download, subscription.iccid);
    let commands = commands.borrow();
    let sent = |tag: [u8; 2]| commands.iter().any(|c| c.get(5..7) == Some(&tag[..]));
    assert!(sent([0xBF, 0x5A]) && sent([0xBF, 0x30]), "{commands:02X?}");
}

/// EIM-48, notifications routing: without ES9+ the eIM gets all of them, and
/// the SM-DP+ has them from it.
#[test]
fn other_notifications_go_through_the_eim() {
    let mut world = world(10, INDIRECT);
    downloads_and_enables(&mut world);
    let delivered = |event: &&Event| matches!(event, Event::NotificationDelivered { .. });
    world.round().unwrap();
    assert!(world.events.iter().filter(delivered).count() >= 1);
    // That the profile was enabled, if not taken with the result.
    world.forward_notifications().unwrap();
    let stored = world.smdp.store().smdp_notifications(world.eid).unwrap();
    assert_eq!(stored.len(), 1, "{:?}", world.events);
    assert_eq!(world.eim.store().count_forwarding("waiting").unwrap(), 0);
    assert_eq!(world.eim.store().count_forwarding("refused").unwrap(), 0);
}

/// A download stops half way; another eUICC downloads meanwhile, and what is
/// under way for the first stays as it was.
#[test]
fn a_second_euicc_while_a_download_is_under_way() {
    let mut world = world(11, INDIRECT);
    let (first, one) = queue(&mut world, 1);
    let first_eid = world.eid;
    // The first stops when its package is about to be loaded.
    let mut left = 60;
    while left > 0 && world.step().unwrap() {
        left -= 1;
    }
    let identity = {
        let eid = world.factory.eid(77).unwrap();
        world.factory.identity(eid, &mut world.rng).unwrap()
    };
    let before = world.operation(&one).unwrap();
    assert_eq!(before.state_name(), "delivered", "{:?}", world.events);
    world.insert(identity).unwrap();
    let (second, two) = queue_of_type(&mut world, 2);
    world.round().unwrap();
    expect_installed(&world, &two, second.iccid);
    assert_ne!(world.eid, first_eid);
    let after: Operation = world.operation(&one).unwrap();
    assert_eq!(after, before, "{first:?}");
}

fn queue_of_type(world: &mut World, number: u32) -> (Subscription, OperationId) {
    let subscription = world.subscription(number).unwrap();
    let code = world.order_of_type("operational", &profile::template(), &subscription);
    let activation_code = code.unwrap();
    let kind = OperationKind::Download { activation_code };
    (subscription, world.queue(kind).unwrap())
}
