//! Results that an eIM does not take: kept, delivered again, never lost and
//! never made twice.
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
use rsp_asn1::sgp32::{
    EimAcknowledgements, EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    EuiccPackageResult, EuiccResultData, ProvideEimPackageResultResponse,
};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::json::Function;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;

/// A path at which no server answers.
const NOWHERE: &str = "/nowhere";

/// Requests that `which` says yes to never reach their server.
fn cut_off(which: fn(&HttpRequest) -> bool) -> Fault {
    Fault {
        request: Some(Box::new(move |request: &mut HttpRequest| {
            if which(request) {
                request.path = NOWHERE.to_string();
            }
        })),
        lose: Some(Box::new(|request, _| request.path == NOWHERE)),
        ..Fault::default()
    }
}

fn esipa(request: &HttpRequest) -> Option<EsipaMessageFromIpaToEim> {
    EsipaMessageFromIpaToEim::from_der(&request.body).ok()
}

/// The eIM cannot be told of downloads.
fn is_download_report(request: &HttpRequest) -> bool {
    matches!(
        esipa(request),
        Some(EsipaMessageFromIpaToEim::HandleNotification(_))
    )
}

/// A world in which a download is queued.
fn ordered() -> (World, Subscription, OperationId) {
    let mut world = World::new(11).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = world.queue(download).unwrap();
    (world, subscription, download)
}

fn enable(world: &mut World, subscription: &Subscription) -> OperationId {
    let kind = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    world.queue(kind).unwrap()
}

fn count(world: &World, is: fn(&&Event) -> bool) -> usize {
    world.events.iter().filter(is).count()
}

fn state(world: &World, id: &OperationId) -> &'static str {
    world.operation(id).unwrap().state_name()
}

/// Counts the commands that remove something from the card's list.
fn count_removals(fault: &mut Fault) -> Rc<Cell<u32>> {
    let removals = Rc::new(Cell::new(0));
    let counter = removals.clone();
    fault.command = Some(Box::new(move |command: &mut Vec<u8>| {
        if command.get(5..7) == Some(&[0xBF, 0x30]) {
            counter.set(counter.get() + 1);
        }
    }));
    removals
}

#[test]
fn a_download_result_waits_until_its_eim_takes_it() {
    let (mut world, subscription, download) = ordered();
    world.fault = cut_off(is_download_report);
    let removals = count_removals(&mut world.fault);
    for _ in 0..2 {
        world.round().unwrap();
        assert_eq!(state(&world, &download), "delivered");
    }
    // The SM-DP+ knows, but the card keeps what the eIM has yet to see.
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_eq!(order.unwrap().value.state, OrderState::Installed);
    assert_eq!(removals.get(), 0);

    world.fault = Fault::default();
    let removals = count_removals(&mut world.fault);
    world.round().unwrap();
    assert_eq!(state(&world, &download), "confirmed", "{:?}", world.events);
    assert_eq!(removals.get(), 1);
    let started = |e: &&Event| matches!(e, Event::DownloadStarted { .. });
    assert_eq!(count(&world, started), 1);
    assert_eq!(count(&world, |e| matches!(e, Event::Installed { .. })), 1);
    assert_eq!(count(&world, |e| **e == Event::ResultDelivered), 1);
    let given = |e: &&Event| matches!(e, Event::NotificationDelivered { .. });
    assert_eq!(count(&world, given), 1);
}

#[test]
fn a_power_cut_loses_no_report_and_installs_nothing_twice() {
    for memory in [true, false] {
        reported_after_a_power_cut(memory);
    }
}

/// Without its memory the IPA owes nothing, but the eIM asks what the eUICC has.
#[track_caller]
fn reported_after_a_power_cut(memory: bool) {
    let (mut world, subscription, download) = ordered();
    world.fault = cut_off(is_download_report);
    world.round().unwrap();
    if !memory {
        world.memory = None;
    }
    world.power_cut();
    world.fault = Fault::default();
    world.round().unwrap();
    assert_eq!(state(&world, &download), "confirmed", "{:?}", world.events);
    assert_eq!(count(&world, |e| matches!(e, Event::Installed { .. })), 1);

    let enable = enable(&mut world, &subscription);
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

#[test]
fn acknowledgements_of_what_was_not_sent_are_ignored() {
    let (mut world, subscription, _) = ordered();
    world.fault = cut_off(|request| request.path == es9plus::HandleNotificationRequest::PATH);
    // Whatever the eIM gets, it acknowledges twenty numbers.
    let acknowledge = |_: &HttpRequest, response: &mut HttpResponse| {
        let message = EsipaMessageFromEimToIpa::from_der(&response.body);
        if let Ok(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(_)) = message {
            let all = EimAcknowledgements((1..=20).collect());
            let all = ProvideEimPackageResultResponse::EimAcknowledgements(all);
            let message = EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(all);
            response.body = message.to_der();
        }
    };
    world.fault.response = Some(Box::new(acknowledge));
    let removals = count_removals(&mut world.fault);
    let enable = enable(&mut world, &subscription);
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
    assert_eq!(removals.get(), 1, "the package result alone");

    // The installation result is still there for the SM-DP+.
    world.fault = Fault::default();
    world.round().unwrap();
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_eq!(order.unwrap().value.state, OrderState::Installed);
}

/// IPA-32: a result that the eIM refuses is kept.
#[test]
fn a_stored_result_that_is_refused_does_not_stop_polling() {
    let (mut world, subscription, _) = ordered();
    world.round().unwrap();
    // The eIM answers 404 to the result of enable, and to nothing else.
    world.fault.request = Some(Box::new(|request: &mut HttpRequest| {
        if is_enable_result(request) {
            request.path = NOWHERE.to_string();
        }
    }));
    let enable = enable(&mut world, &subscription);
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "delivered");

    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.events.clear();
    world.round().unwrap();
    assert_eq!(state(&world, &list), "confirmed", "{:?}", world.events);
    let failed = |e: &&Event| matches!(e, Event::Failed { reason } if reason.contains("404"));
    assert_eq!(count(&world, failed), 1, "{:?}", world.events);

    world.fault = Fault::default();
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
}

fn is_enable_result(request: &HttpRequest) -> bool {
    let Some(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) = esipa(request) else {
        return false;
    };
    let EimPackageResult::EuiccPackageResult(result) = provided.eim_package_result else {
        return false;
    };
    let EuiccPackageResult::Signed(result) = result.into_value() else {
        return false;
    };
    let results = &result.euicc_package_result_data_signed.euicc_result;
    matches!(results.first(), Some(EuiccResultData::EnableResult(_)))
}

#[test]
fn an_installation_result_that_came_over_damaged_is_read_again() {
    let (mut world, subscription, download) = ordered();
    let damaged = Rc::new(Cell::new(false));
    let once = damaged.clone();
    world.fault.answer = Some(Box::new(move |_, mut answer| {
        // The last octet of the eUICC's signature, or of a part of it.
        if answer.starts_with(&[0xBF, 0x37]) && !once.replace(true) {
            let at = answer.len() - 3;
            answer[at] ^= 0x01;
        }
        Ok(answer)
    }));
    world.round().unwrap();
    assert!(damaged.get());
    let refused = count(&world, |event| matches!(event, Event::ResultRefused { .. }));
    assert_eq!(refused, 1, "{:?}", world.events);
    assert_eq!(state(&world, &download), "confirmed");
    let enable = enable(&mut world, &subscription);
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
}

#[test]
fn a_download_result_that_is_always_refused_holds_nothing_up() {
    let (mut world, subscription, download) = ordered();
    // What arrives is no message any more, which the eIM answers with 400.
    world.fault.request = Some(Box::new(|request| {
        if is_download_report(request) {
            request.body.truncate(3);
        }
    }));
    world.round().unwrap();
    let refused = count(&world, |event| matches!(event, Event::ResultRefused { .. }));
    assert!(refused > 0, "{:?}", world.events);
    world.fault = Fault::default();
    let enable = enable(&mut world, &subscription);
    for _ in 0..2 {
        world.round().unwrap();
    }
    // The eIM hears in the end that there was a download. What became of it
    // only the refused result could prove to an eIM that knows no ICCID.
    let unknown = state(&world, &download);
    assert_eq!(unknown, "outcome_unknown", "{:?}", world.events);
    assert_eq!(state(&world, &enable), "confirmed", "{:?}", world.events);
    let started = count(&world, |event| {
        matches!(event, Event::DownloadStarted { .. })
    });
    assert_eq!(started, 1, "{:?}", world.events);
}
