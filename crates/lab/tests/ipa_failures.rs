//! Servers, cards and hosts that fail the IPA: orders survive what passes, and
//! nothing stays open or gets out of step.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Algorithm, World};
use rsp_asn1::rsp::{CancelSessionReason, CancelSessionResponse};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::json::{self, Function};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::{Event, Input};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;

/// A path at which no server answers.
const NOWHERE: &str = "/nowhere";

/// A world with an order; its activation code.
fn ordered() -> (World, Subscription, String) {
    let mut world = World::new(13).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    (world, subscription, activation_code)
}

fn download(world: &mut World, activation_code: &str) -> OperationId {
    let activation_code = activation_code.to_string();
    let operation = world.queue(OperationKind::Download { activation_code });
    let operation = operation.unwrap();
    world.round().unwrap();
    operation
}

fn state(world: &World, id: &OperationId) -> &'static str {
    world.operation(id).unwrap().state_name()
}

/// Hands GetBoundProfilePackage to nobody, and keeps the reasons of
/// cancellations.
fn hide_packages(world: &mut World) -> Rc<RefCell<Vec<CancelSessionReason>>> {
    let reasons = Rc::new(RefCell::new(Vec::new()));
    let seen = reasons.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        seen.borrow_mut().extend(cancellation(request));
        if request.path == es9plus::GetBoundProfilePackageRequest::PATH {
            request.path = NOWHERE.to_string();
        }
    }));
    reasons
}

fn cancellation(request: &HttpRequest) -> Option<CancelSessionReason> {
    match es9plus::decode_request(request).ok()? {
        es9plus::Request::CancelSession(request) => match request.cancel_session_response {
            CancelSessionResponse::Ok(ok) => Some(ok.euicc_cancel_session_signed.reason),
            CancelSessionResponse::Error(_) | CancelSessionResponse::CompactOk(_) => None,
        },
        _ => None,
    }
}

/// The SM-DP+ answers with a status instead of a package; gives the state of
/// the order after it.
fn order_after(status: u16, reason: CancelSessionReason) -> OrderState {
    let (mut world, subscription, activation_code) = ordered();
    let reasons = hide_packages(&mut world);
    world.fault.response = Some(Box::new(
        move |request: &HttpRequest, response: &mut HttpResponse| {
            if request.path == NOWHERE {
                *response = HttpResponse::failure(status, "not now");
            }
        },
    ));
    let first = download(&mut world, &activation_code);
    assert_eq!(state(&world, &first), "failed");
    assert_eq!(*reasons.borrow(), [reason]);
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    order.unwrap().value.state
}

#[test]
fn an_order_outlives_a_server_that_cannot_answer_just_then() {
    for status in [429, 500, 503] {
        let state = order_after(status, CancelSessionReason::TIMEOUT);
        assert_eq!(state, OrderState::Released, "{status}");
    }
    let state = order_after(400, CancelSessionReason::UNDEFINED_REASON);
    assert_eq!(state, OrderState::Error);
}

#[test]
fn an_order_outlives_a_server_out_of_reach() {
    let (mut world, subscription, activation_code) = ordered();
    let reasons = hide_packages(&mut world);
    world.fault.lose = Some(Box::new(|request, _| request.path == NOWHERE));
    let first = download(&mut world, &activation_code);
    assert_eq!(state(&world, &first), "failed");
    assert_eq!(*reasons.borrow(), [CancelSessionReason::TIMEOUT]);

    world.fault = Default::default();
    let second = download(&mut world, &activation_code);
    assert_eq!(state(&world, &second), "confirmed", "{:?}", world.events);
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_eq!(order.unwrap().value.state, OrderState::Installed);
}

#[test]
fn a_request_is_repeated_when_the_server_cannot_answer_just_then() {
    let (mut world, _, activation_code) = ordered();
    let mut refused = Vec::new();
    world.fault.response = Some(Box::new(
        move |request: &HttpRequest, response: &mut HttpResponse| {
            // Every request once, at the eIM and at the SM-DP+.
            if !refused.contains(request) {
                refused.push(request.clone());
                *response = HttpResponse::failure(503, "not now");
            }
        },
    ));
    let first = download(&mut world, &activation_code);
    // Polls are all alike, so that the first alone was refused.
    assert_eq!(state(&world, &first), "confirmed", "{:?}", world.events);
    let failed = |e: &Event| matches!(e, Event::Failed { .. } | Event::DownloadFailed { .. });
    assert!(!world.events.iter().any(failed), "{:?}", world.events);
}

/// IPA-49: metadataMismatch, as reason of the cancellation.
#[test]
fn metadata_of_the_package_are_those_that_were_offered() {
    let (mut world, subscription, activation_code) = ordered();
    let reasons = Rc::new(RefCell::new(Vec::new()));
    let seen = reasons.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        seen.borrow_mut().extend(cancellation(request));
    }));
    world.fault.response = Some(Box::new(
        |request: &HttpRequest, response: &mut HttpResponse| {
            type F = es9plus::AuthenticateClientRequest;
            if request.path == F::PATH {
                let mut offered = json::decode_response::<F>(response).unwrap();
                offered.profile_metadata.profile_name = "Another".try_into().unwrap();
                *response = json::encode_response(Ok(offered)).unwrap();
            }
        },
    ));
    let first = download(&mut world, &activation_code);
    assert_eq!(state(&world, &first), "failed");
    assert_eq!(*reasons.borrow(), [CancelSessionReason::METADATA_MISMATCH]);
    let installed = |e: &Event| matches!(e, Event::Installed { .. });
    assert!(!world.events.iter().any(installed));

    world.fault = Default::default();
    let other = world.subscription(2).unwrap();
    assert_ne!(other.iccid, subscription.iccid);
    let activation_code = world.order(&profile::template(), &other).unwrap();
    let second = download(&mut world, &activation_code);
    assert_eq!(state(&world, &second), "confirmed");
}

/// Rounds in which the card does not know a command, more of them than the
/// card has channels; then one without fault.
fn no_channel_stays_open(is: fn(&[u8]) -> bool, failure: &str) {
    let (mut world, _, _) = ordered();
    world.fault.command = Some(Box::new(move |command: &mut Vec<u8>| {
        if is(command) {
            command[1] = 0xEE;
        }
    }));
    for _ in 0..25 {
        world.events.clear();
        world.round().unwrap();
        assert!(
            matches!(world.events.as_slice(), [.., Event::Failed { reason }, Event::Idle]
                if reason.contains(failure)),
            "{:?}",
            world.events
        );
    }
    world.fault = Default::default();
    world.events.clear();
    world.round().unwrap();
    assert_eq!(world.events, [Event::Idle]);
}

#[test]
fn a_channel_is_closed_when_the_isdr_cannot_be_selected() {
    no_channel_stays_open(|command| command.get(1) == Some(&0xA4), "SELECT ISD-R");
}

#[test]
fn a_channel_is_closed_when_the_eid_cannot_be_read() {
    no_channel_stays_open(|command| command.get(5..7) == Some(&[0xBF, 0x3E]), "GetEID");
}

#[test]
fn answers_that_come_twice_count_once() {
    let (mut world, subscription, activation_code) = ordered();
    world.fault.repeat_answers = true;
    let downloaded = download(&mut world, &activation_code);
    assert_eq!(state(&world, &downloaded), "confirmed");
    let enable = world.queue(OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    });
    world.round().unwrap();
    assert_eq!(state(&world, &enable.unwrap()), "confirmed");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

#[test]
fn late_answers_are_ignored() {
    let (mut world, _, _) = ordered();
    world.round().unwrap();
    world.events.clear();
    let late = "too late".to_string();
    // While nothing is asked, and while something else is.
    world.ipa.handle(Input::Apdu(Err(late.clone())), world.now);
    world.ipa.handle(Input::Wake, world.now);
    let asked = world.ipa.poll_action();
    assert!(asked.is_some());
    world.ipa.handle(Input::Http(Err(late)), world.now);
    assert!(
        world.ipa.poll_action().is_none(),
        "still waits for the card"
    );
    world
        .ipa
        .handle(Input::Apdu(Ok(vec![0x90, 0x00])), world.now);
    world.round().unwrap();
    assert_eq!(world.events, [Event::Idle]);
}
