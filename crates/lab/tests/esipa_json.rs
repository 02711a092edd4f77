//! The JSON binding of ESipa: the whole chain in it, and both bindings at one
//! eIM.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use lab::{Algorithm, Fault, World};
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::eim::OperationKind;
use rsp_core::profile;

fn in_json(seed: u64) -> World {
    let mut world = World::new(seed).unwrap();
    world.ipa_config.esipa_binding = EsipaBinding::Json;
    world.restart_ipa();
    world
}

/// EIM-61, IPA-59: download and enable with every message to the eIM in JSON.
#[test]
fn a_profile_is_downloaded_and_enabled() {
    let mut world = in_json(1);
    let subscription = world.subscription(1).unwrap();
    let iccid = subscription.iccid;
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let paths = Rc::new(RefCell::new(Vec::new()));
    let seen = paths.clone();
    world.fault = Fault {
        request: Some(Box::new(move |request| {
            seen.borrow_mut().push(request.path.clone());
        })),
        ..Fault::default()
    };
    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    let enable = world
        .queue(OperationKind::Enable {
            iccid,
            rollback: false,
        })
        .unwrap();
    world.round().unwrap();
    world.round().unwrap();
    for id in [&download, &enable] {
        let operation = world.operation(id).unwrap();
        let events = &world.events;
        assert_eq!(
            operation.state_name(),
            "confirmed",
            "{operation:?} {events:?}"
        );
    }
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    let paths = paths.borrow();
    for function in [
        "getEimPackage",
        "provideEimPackageResult",
        "handleNotification",
    ] {
        let path = format!("/gsma/rsp2/esipa/{function}");
        assert!(paths.contains(&path), "{path} {paths:?}");
    }
    assert!(
        !paths.iter().any(|path| path == "/gsma/rsp2/asn1"),
        "{paths:?}"
    );
}

/// EIM-65: the eIM answers each message in the binding in which it came.
#[test]
fn an_ipa_may_change_its_mind() {
    let mut world = in_json(2);
    let first = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    world.ipa_config.esipa_binding = EsipaBinding::Asn1;
    world.restart_ipa();
    let second = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    for id in [&first, &second] {
        assert_eq!(world.operation(id).unwrap().state_name(), "confirmed");
    }
}

/// IPA-24 and peers with other paths: the folder of the functions can be set.
#[test]
fn the_folder_of_the_functions_can_be_another() {
    let mut world = in_json(3);
    world.ipa_config.esipa_path = Some("/esipa/".to_string());
    world.restart_ipa();
    let asked = Rc::new(RefCell::new(Vec::new()));
    let seen = asked.clone();
    world.fault.request = Some(Box::new(move |request| {
        seen.borrow_mut().push(request.path.clone());
    }));
    world.round().unwrap();
    assert_eq!(*asked.borrow(), ["/esipa/getEimPackage"]);
}

/// An answer that is cut, empty or of another function ends the round and
/// nothing else: the next one does what was to be done.
#[test]
fn answers_that_are_none() {
    for (seed, cut) in [(4, 0), (5, 1), (6, 20), (7, 60)] {
        let mut world = in_json(seed);
        let list = world.queue(OperationKind::ListProfileInfo).unwrap();
        let left = Rc::new(Cell::new(3));
        world.fault.response = Some(Box::new(move |_, response| {
            if left.get() > 0 {
                left.set(left.get() - 1);
                response.body.truncate(cut);
            }
        }));
        for _ in 0..5 {
            world.round().unwrap();
        }
        let operation = world.operation(&list).unwrap();
        assert_eq!(
            operation.state_name(),
            "confirmed",
            "{cut} {:?}",
            world.events
        );
    }
}
