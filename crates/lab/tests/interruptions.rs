//! Lost answers and power cuts: nothing is done twice, nothing is reported
//! that the card did not sign.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::{Algorithm, Fault, World};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::HttpRequest;
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::json::Function;
use rsp_core::eim::OperationKind;
use rsp_core::ipa::Event;
use rsp_core::profile;

/// Loses the answer to the first request that `which` says yes to.
fn lose_once(which: fn(&HttpRequest) -> bool) -> Fault {
    let mut lost = false;
    Fault {
        lose: Some(Box::new(move |request| {
            let lose = !lost && which(request);
            lost |= lose;
            lose
        })),
        ..Fault::default()
    }
}

/// Downloads and enables under a fault; both must come to a good end.
#[track_caller]
fn survives(fault: Fault) -> World {
    let mut world = World::new(3).unwrap();
    let subscription = world.subscription(1).unwrap();
    let iccid = subscription.iccid;
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world.fault = fault;
    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    let enable = world.queue(enable_of(iccid)).unwrap();
    for _ in 0..3 {
        world.round().unwrap();
    }
    for id in [&download, &enable] {
        let operation = world.operation(id).unwrap();
        assert_eq!(
            operation.state_name(),
            "confirmed",
            "{operation:?} {:?}",
            world.events
        );
    }
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    let installed = |event: &&Event| matches!(event, Event::Installed { .. });
    assert_eq!(world.events.iter().filter(installed).count(), 1);
    world
}

#[test]
fn a_lost_answer_of_the_smdp_is_given_again() {
    survives(lose_once(|request| {
        request.path == es9plus::AuthenticateClientRequest::PATH
    }));
    survives(lose_once(|request| {
        request.path == es9plus::GetBoundProfilePackageRequest::PATH
    }));
    survives(lose_once(|request| {
        request.path == es9plus::HandleNotificationRequest::PATH
    }));
}

#[test]
fn a_lost_package_is_sent_again() {
    survives(lose_once(|request| {
        matches!(
            EsipaMessageFromIpaToEim::from_der(&request.body),
            Ok(EsipaMessageFromIpaToEim::GetEimPackageRequest(_))
        )
    }));
}

#[test]
fn a_result_whose_acknowledgement_is_lost_counts_once() {
    survives(lose_once(|request| {
        matches!(
            EsipaMessageFromIpaToEim::from_der(&request.body),
            Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(_))
        )
    }));
}

#[test]
fn an_unreachable_server_is_tried_again_later() {
    let mut world = World::new(4).unwrap();
    world.fault.lose = Some(Box::new(|_| true));
    let started = world.now;
    world.round().unwrap();
    assert!(
        matches!(world.events.as_slice(), [Event::Failed { reason }, Event::Idle]
            if reason.contains("eim.example.com cannot be reached")),
        "{:?}",
        world.events
    );
    // Two repetitions, after one and after four seconds.
    assert_eq!(world.now.since(started).as_secs(), 5);
    world.fault = Fault::default();
    world.events.clear();
    world.round().unwrap();
    assert_eq!(world.events, [Event::Idle]);
}

#[test]
fn an_enable_survives_a_power_cut_before_its_result_is_delivered() {
    let mut world = World::new(5).unwrap();
    let subscription = world.subscription(1).unwrap();
    let iccid = subscription.iccid;
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    let enable = world.queue(enable_of(iccid)).unwrap();
    // The result never leaves the device: the eIM does not see the request.
    world.fault.request = Some(Box::new(|request: &mut HttpRequest| {
        if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(_)) =
            EsipaMessageFromIpaToEim::from_der(&request.body)
        {
            request.path = "/lost".to_string();
        }
    }));
    world.round().unwrap();
    assert_eq!(world.operation(&enable).unwrap().state_name(), "delivered");
    world.fault = Fault::default();
    world.power_cut();
    world.round().unwrap();
    assert_eq!(world.operation(&enable).unwrap().state_name(), "confirmed");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}
