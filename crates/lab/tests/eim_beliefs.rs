//! What the eIM believes: the eUICC's signature, and nothing else. ESipa has no
//! client authentication, so that anybody who knows an EID can talk to it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Algorithm, Fault, World};
use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageRequest,
    GetEimPackageResponse, HandleNotificationEsipa, IpaEuiccDataResponse, ProvideEimPackageResult,
    ProvideEimPackageResultError, ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_core::Context;
use rsp_core::binding::HttpRequest;
use rsp_core::eim::{OperationKind, Taken};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use store::EimReply;

fn say(world: &mut World, message: &EsipaMessageFromIpaToEim) -> EimReply {
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    world.eim.handle(message, &mut cx).unwrap()
}

fn poll(world: &mut World) -> GetEimPackageResponse {
    let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: world.eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    });
    match say(world, &request) {
        EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(response)) => response,
        reply => panic!("{reply:?}"),
    }
}

fn provide(world: &World, result: EimPackageResult) -> ProvideEimPackageResult {
    ProvideEimPackageResult {
        eid_value: Some(world.eid),
        eim_package_result: result,
        extensions: Extensions::default(),
    }
}

fn order(world: &mut World, number: u32) -> (Subscription, OperationKind) {
    let subscription = world.subscription(number).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    (subscription, OperationKind::Download { activation_code })
}

fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}

#[test]
fn a_strangers_refusal_does_not_outweigh_the_cards_result() {
    let mut world = World::new(1).unwrap();
    let (subscription, download) = order(&mut world, 1);
    world.queue(download).unwrap();
    world.round().unwrap();
    let enable = world.queue(enable_of(subscription.iccid)).unwrap();

    // The stranger polls, learns the transaction, and refuses the package.
    let GetEimPackageResponse::EuiccPackageRequest(request) = poll(&mut world) else {
        panic!("no package");
    };
    let transaction: TransactionId = request
        .euicc_package_signed
        .eim_transaction_id
        .clone()
        .unwrap();
    let refusal = EimPackageResult::ResponseError(EimPackageResultResponseError {
        eim_transaction_id: Some(transaction),
        eim_package_result_error_code: EimPackageResultErrorCode::UNDEFINED_ERROR,
        extensions: Extensions::default(),
    });
    let hold = Rc::new(RefCell::new(Some(refusal)));
    let eid = world.eid;
    let refuse_first = move |request: &mut HttpRequest| {
        let real = EsipaMessageFromIpaToEim::from_der(&request.body);
        if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(_)) = real
            && let Some(eim_package_result) = hold.borrow_mut().take()
        {
            let stranger = ProvideEimPackageResult {
                eid_value: Some(eid),
                eim_package_result,
                extensions: Extensions::default(),
            };
            request.body = EsipaMessageFromIpaToEim::ProvideEimPackageResult(stranger).to_der();
        }
    };
    world.fault.request = Some(Box::new(refuse_first));
    world.round().unwrap();
    // The eIM asked for the profiles: the card's signed list settles the matter.
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    let list = world.operation(&operation.settled_by.unwrap()).unwrap();
    assert_eq!(list.reconciles, Some(enable.clone()));

    // The result that the card kept says the same.
    world.fault = Fault::default();
    world.power_cut();
    world.round().unwrap();
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

/// The installation result of a first download, as the IPA sent it, and a
/// second download that waits.
fn replayed(world: &mut World) -> (HandleNotificationEsipa, rsp_core::eim::OperationId) {
    let seen = Rc::new(RefCell::new(None));
    let keep = seen.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        let message = EsipaMessageFromIpaToEim::from_der(&request.body);
        if let Ok(EsipaMessageFromIpaToEim::HandleNotification(notification)) = message {
            *keep.borrow_mut() = Some(notification);
        }
    }));
    let (_, download) = order(world, 1);
    world.queue(download).unwrap();
    world.round().unwrap();
    world.fault = Fault::default();
    let (_, download) = order(world, 2);
    let second = world.queue(download).unwrap();
    let notification = seen.borrow_mut().take().unwrap();
    (notification, second)
}

/// EIM-51.
#[test]
fn an_old_installation_result_proves_no_new_download() {
    let mut world = World::new(2).unwrap();
    let (old, second) = replayed(&mut world);
    let GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) = poll(&mut world) else {
        panic!("no trigger");
    };
    let HandleNotificationEsipa::ProvideEimPackageResult(mut provided) = old else {
        panic!("another notification");
    };
    let EimPackageResult::ProfileDownloadTriggerResult(result) = &mut provided.eim_package_result
    else {
        panic!("another result");
    };
    result.eim_transaction_id = trigger.eim_transaction_id;
    let replay = HandleNotificationEsipa::ProvideEimPackageResult(provided);
    let reply = say(
        &mut world,
        &EsipaMessageFromIpaToEim::HandleNotification(replay),
    );
    assert_eq!(reply, EimReply::Notification(Taken::NotExecuted));
    assert_eq!(world.operation(&second).unwrap().state_name(), "delivered");

    // The real download is believed.
    world.round().unwrap();
    assert_eq!(world.operation(&second).unwrap().state_name(), "confirmed");
}

#[test]
fn a_card_without_valid_certificates_is_asked_once_a_round() {
    let mut world = World::new(3).unwrap();
    let (_, download) = order(&mut world, 1);
    let download = world.queue(download).unwrap();
    let asked = Rc::new(RefCell::new(0));
    let count = asked.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        let message = EsipaMessageFromIpaToEim::from_der(&request.body);
        if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) = message
            && let EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) =
                provided.eim_package_result
        {
            *count.borrow_mut() += 1;
            // The end of the signature of CERT.EUICC.
            let certificate = data.euicc_certificate.unwrap();
            let end = &certificate.as_bytes()[certificate.as_bytes().len() - 16..];
            let at = request.body.windows(16).position(|octets| octets == end);
            request.body[at.unwrap() + 15] ^= 1;
        }
    }));
    for round in 1..=3 {
        world.events.clear();
        world.round().unwrap();
        assert_eq!(*asked.borrow(), round);
        assert_eq!(world.events, [Event::Idle]);
    }
    assert_eq!(world.operation(&download).unwrap().state_name(), "queued");
    world.fault = Fault::default();
    world.round().unwrap();
    assert_eq!(
        world.operation(&download).unwrap().state_name(),
        "confirmed"
    );
}

/// EIM-38, EIM-49.
#[test]
fn what_cannot_be_proven_is_not_taken_over() {
    let mut world = World::new(4).unwrap();
    let (notification, _) = replayed(&mut world);
    let HandleNotificationEsipa::ProvideEimPackageResult(provided) = notification else {
        panic!("another notification");
    };

    // A result without EID gets its own error.
    let anonymous = ProvideEimPackageResult {
        eid_value: None,
        ..provided.clone()
    };
    let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(anonymous);
    let missing = ProvideEimPackageResultError::MISSING_EID;
    assert_eq!(
        say(&mut world, &message),
        EimReply::Message(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(
            ProvideEimPackageResultResponse::Error(missing)
        ))
    );

    // A notification of an eUICC that is not known stays with it.
    let stranger = provide(&world, provided.eim_package_result.clone());
    let stranger = ProvideEimPackageResult {
        eid_value: Some("89049032000000000000000000000000".parse().unwrap()),
        ..stranger
    };
    let message = HandleNotificationEsipa::ProvideEimPackageResult(stranger);
    let message = EsipaMessageFromIpaToEim::HandleNotification(message);
    let reply = say(&mut world, &message);
    assert_eq!(reply, EimReply::Notification(Taken::NotExecuted));
}
