//! Lost answers and power cuts: nothing is done twice, nothing is reported
//! that the card did not sign.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::Cell;
use std::rc::Rc;

use lab::{Algorithm, Fault, World};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageResponse,
    HandleNotificationEsipa,
};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::json::Function;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::OperationKind;
use rsp_core::ipa::Event;
use rsp_core::profile;

/// Which answers are lost.
type Which = fn(&HttpRequest, &HttpResponse) -> bool;

/// Loses the first answers that `which` says yes to; counts those lost.
fn lose(which: Which, times: u32) -> (Fault, Rc<Cell<u32>>) {
    let lost = Rc::new(Cell::new(0));
    let counter = lost.clone();
    let fault = Fault {
        lose: Some(Box::new(move |request, response| {
            let lose = counter.get() < times && which(request, response);
            counter.set(counter.get() + u32::from(lose));
            lose
        })),
        ..Fault::default()
    };
    (fault, lost)
}

/// Downloads and enables while answers are lost; both must come to a good end,
/// each done once and reported once.
#[track_caller]
fn survives(which: Which, times: u32) {
    let mut world = World::new(3).unwrap();
    let subscription = world.subscription(1).unwrap();
    let iccid = subscription.iccid;
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let (fault, lost) = lose(which, times);
    world.fault = fault;
    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    let enable = world.queue(enable_of(iccid)).unwrap();
    for _ in 0..3 {
        world.round().unwrap();
    }
    assert_eq!(lost.get(), times, "{:?}", world.events);
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
    let count = |is: fn(&&Event) -> bool| world.events.iter().filter(is).count();
    assert_eq!(count(|e| matches!(e, Event::DownloadStarted { .. })), 1);
    assert_eq!(count(|e| matches!(e, Event::Installed { .. })), 1);
    assert_eq!(count(|e| matches!(e, Event::PackageProcessed)), 1);
    assert_eq!(count(|e| matches!(e, Event::ResultDelivered)), 2);
}

/// One answer, which the repetition of the request brings; then all answers to
/// a request and its repetitions, so that the round is cut off.
#[track_caller]
fn survives_a_lost_answer_and_a_lost_round(which: Which) {
    survives(which, 1);
    survives(which, 3);
}

fn provides(request: &HttpRequest, is: fn(&EimPackageResult) -> bool) -> bool {
    match EsipaMessageFromIpaToEim::from_der(&request.body) {
        Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) => {
            is(&provided.eim_package_result)
        }
        _ => false,
    }
}

fn brings(response: &HttpResponse, is: fn(&GetEimPackageResponse) -> bool) -> bool {
    match EsipaMessageFromEimToIpa::from_der(&response.body) {
        Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(package)) => is(&package),
        _ => false,
    }
}

#[test]
fn a_lost_answer_of_the_smdp_is_given_again() {
    survives(
        |request, _| request.path == es9plus::AuthenticateClientRequest::PATH,
        1,
    );
    survives(
        |request, _| request.path == es9plus::GetBoundProfilePackageRequest::PATH,
        1,
    );
    survives_a_lost_answer_and_a_lost_round(|request, _| {
        request.path == es9plus::HandleNotificationRequest::PATH
    });
}

#[test]
fn a_lost_certificates_request_is_sent_again() {
    survives_a_lost_answer_and_a_lost_round(|_, response| {
        brings(response, |package| {
            matches!(package, GetEimPackageResponse::IpaEuiccDataRequest(_))
        })
    });
}

#[test]
fn a_lost_download_trigger_is_sent_again() {
    survives_a_lost_answer_and_a_lost_round(|_, response| {
        brings(response, |package| {
            matches!(
                package,
                GetEimPackageResponse::ProfileDownloadTriggerRequest(_)
            )
        })
    });
}

/// EIM-37.
#[test]
fn a_lost_signed_package_is_sent_again() {
    survives_a_lost_answer_and_a_lost_round(|_, response| {
        brings(response, |package| {
            matches!(package, GetEimPackageResponse::EuiccPackageRequest(_))
        })
    });
}

#[test]
fn certificates_whose_acknowledgement_is_lost_count_once() {
    survives_a_lost_answer_and_a_lost_round(|request, _| {
        provides(request, |result| {
            matches!(result, EimPackageResult::IpaEuiccDataResponse(_))
        })
    });
}

#[test]
fn a_package_result_whose_acknowledgement_is_lost_counts_once() {
    survives_a_lost_answer_and_a_lost_round(|request, _| {
        provides(request, |result| {
            matches!(result, EimPackageResult::EuiccPackageResult(_))
        })
    });
}

#[test]
fn a_download_result_whose_acknowledgement_is_lost_counts_once() {
    survives_a_lost_answer_and_a_lost_round(|request, _| {
        matches!(
            EsipaMessageFromIpaToEim::from_der(&request.body),
            Ok(EsipaMessageFromIpaToEim::HandleNotification(
                HandleNotificationEsipa::ProvideEimPackageResult(_)
            ))
        )
    });
}

#[test]
fn an_unreachable_server_is_tried_again_later() {
    let mut world = World::new(4).unwrap();
    world.fault.lose = Some(Box::new(|_, _| true));
    let started = world.now;
    world.round().unwrap();
    assert!(
        matches!(world.events.as_slice(), [Event::Failed { reason }, Event::Idle]
            if reason.contains("eim.example.com cannot be reached")),
        "{:?}",
        world.events
    );
    // Two repetitions, after one second and after two, or half of that.
    let paused = world.now.since(started).as_millis();
    assert!((1500..=3000).contains(&paused), "{paused}");
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
