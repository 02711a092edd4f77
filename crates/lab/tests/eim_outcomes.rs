//! What becomes of an operation when answers are lost, devices are unusual or
//! a test bench does not sign.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Algorithm, Fault, World};
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    EnableProfileResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackageResult,
    EuiccPackageResultDataSigned, EuiccPackageResultSigned, EuiccResultData, GetEimPackageRequest,
    GetEimPackageResponse, ProvideEimPackageResult, ProvideEimPackageResultError,
    ProvideEimPackageResultResponse, RollbackProfileResult, StateChangeCause,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed};
use rsp_core::Context;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{EvidenceKind, OperationId, OperationKind, OperationState};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use store::EimReply;

fn say(world: &mut World, message: &EsipaMessageFromIpaToEim) -> EsipaMessageFromEimToIpa {
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    match world.eim.handle(message, &mut cx).unwrap() {
        EimReply::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn poll(world: &mut World, cause: Option<StateChangeCause>) -> GetEimPackageResponse {
    let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: world.eid,
        notify_state_change: cause.map(|_| Null),
        state_change_cause: cause,
        r_plmn: Some("26201".parse().unwrap()),
        extensions: Extensions::default(),
    });
    match say(world, &request) {
        EsipaMessageFromEimToIpa::GetEimPackageResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

fn provide(world: &mut World, result: EimPackageResult) -> ProvideEimPackageResultResponse {
    let provided = ProvideEimPackageResult {
        eid_value: Some(world.eid),
        eim_package_result: result,
        extensions: Extensions::default(),
    };
    match say(
        world,
        &EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided),
    ) {
        EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

fn state(world: &World, id: &OperationId) -> &'static str {
    world.operation(id).unwrap().state_name()
}

/// A world with a profile that can be enabled.
fn downloaded(seed: u64) -> (World, Subscription) {
    let mut world = World::new(seed).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    (world, subscription)
}

fn enable_of(subscription: &Subscription) -> OperationKind {
    OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    }
}

/// Changes each ProvideEimPackageResult on its way.
fn change_provided(mut change: impl FnMut(&mut ProvideEimPackageResult) + 'static) -> Fault {
    Fault {
        request: Some(Box::new(move |request: &mut HttpRequest| {
            let message = EsipaMessageFromIpaToEim::from_der(&request.body);
            if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(mut provided)) = message {
                change(&mut provided);
                let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
                request.body = message.to_der();
            }
        })),
        ..Fault::default()
    }
}

#[test]
fn a_replay_after_a_lost_result_is_settled_by_the_list_of_profiles() {
    let (mut world, subscription) = downloaded(1);
    let enable = world.queue(enable_of(&subscription)).unwrap();
    // The device drops its first result and believes it delivered.
    let dropped = Rc::new(RefCell::new(false));
    let once = dropped.clone();
    world.fault = change_provided(move |provided| {
        if !once.replace(true) {
            let code = EimPackageResultErrorCode::UNDEFINED_ERROR;
            let nothing = EimPackageResultResponseError {
                eim_transaction_id: None,
                eim_package_result_error_code: code,
                extensions: Extensions::default(),
            };
            provided.eim_package_result = EimPackageResult::ResponseError(nothing);
        }
    });
    world.round().unwrap();
    assert!(*dropped.borrow());

    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    assert!(!operation.unverified);
    let list = world.operation(&operation.settled_by.unwrap()).unwrap();
    assert_eq!(list.reconciles, Some(enable));
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let profiles = record.profiles.unwrap();
    assert!(!profiles.unverified);
    let listed = profiles.profiles.iter();
    let enabled: Vec<_> = listed.filter(|p| p.enabled).map(|p| p.iccid).collect();
    assert_eq!(enabled, [Some(subscription.iccid)]);
}

/// EIM-45.
#[test]
fn what_the_euicc_signed_is_kept_as_it_came() {
    let (mut world, subscription) = downloaded(2);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let keep = sent.clone();
    world.fault = change_provided(move |provided| {
        keep.borrow_mut().push(provided.eim_package_result.clone());
    });
    let enable = world.queue(enable_of(&subscription)).unwrap();
    world.round().unwrap();
    let EimPackageResult::EuiccPackageResult(result) = sent.borrow()[0].clone() else {
        panic!("another result");
    };
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    assert!(evidence.iter().all(|evidence| evidence.verified));
    let of = |kind| evidence.iter().find(move |evidence| evidence.kind == kind);
    assert!(of(EvidenceKind::InstallationResult).is_some());
    let kept = of(EvidenceKind::PackageResult).unwrap();
    assert_eq!(kept.der, result.to_der());
    assert_eq!(kept.operation, Some(enable.clone()));

    // The poll that confirmed it is on record.
    let OperationState::Confirmed { poll, .. } = world.operation(&enable).unwrap().state else {
        panic!("not confirmed");
    };
    assert_eq!(poll.unwrap().at, world.now);
}

/// A card may write a length in more octets than it needs: also those are kept,
/// although they are not among what it signed.
#[test]
fn the_outer_header_of_a_result_is_kept_as_it_came() {
    let (mut world, subscription) = downloaded(2);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let keep = sent.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        let at = request.body.windows(2).position(|two| two == [0xBF, 0x51]);
        let (true, Some(at)) = (request.body.starts_with(&[0xBF, 0x50]), at) else {
            return;
        };
        let short = &request.body[at..];
        let [0xBF, 0x51, length @ ..0x80, rest @ ..] = short else {
            panic!("{short:02X?}");
        };
        let mut long = vec![0xBF, 0x51, 0x83, 0x00, 0x00, *length];
        long.extend_from_slice(rest);
        let eid = &request.body[at - 18..at];
        let total = u8::try_from(eid.len() + long.len()).unwrap();
        let head = vec![0xBF, 0x50, 0x81, total];
        request.body = [&head, eid, &long].concat();
        keep.borrow_mut().push(long);
    }));
    let enable = world.queue(enable_of(&subscription)).unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed", "{:?}", world.events);
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    let kept = evidence.iter();
    let kept: Vec<_> = kept
        .filter(|evidence| evidence.kind == EvidenceKind::PackageResult)
        .map(|evidence| &evidence.der)
        .collect();
    assert_eq!(kept, sent.borrow().iter().collect::<Vec<_>>());
}

#[test]
fn a_result_without_eid_is_found_by_its_transaction() {
    let (mut world, subscription) = downloaded(3);
    world.fault = change_provided(|provided| provided.eid_value = None);
    let enable = world.queue(enable_of(&subscription)).unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &enable), "confirmed");
}

/// EIM-44.
#[test]
fn a_device_may_have_empty_responses_instead_of_acknowledgements() {
    let (mut world, subscription) = downloaded(4);
    let answers = Rc::new(RefCell::new(Vec::new()));
    for empty in [false, true] {
        let (eid, now) = (world.eid, world.now);
        world.eim.set_empty_response(eid, empty, now).unwrap();
        let keep = answers.clone();
        world.fault.response = Some(Box::new(move |_, response: &mut HttpResponse| {
            let message = EsipaMessageFromEimToIpa::from_der(&response.body);
            if let Ok(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(answer)) = message {
                keep.borrow_mut().push(answer);
            }
        }));
        world.queue(OperationKind::ListProfileInfo).unwrap();
        world.round().unwrap();
    }
    assert!(matches!(
        answers.borrow().as_slice(),
        [
            ProvideEimPackageResultResponse::EimAcknowledgements(_),
            ProvideEimPackageResultResponse::EmptyResponse(_)
        ]
    ));
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    let results = evidence
        .iter()
        .filter(|evidence| evidence.kind == EvidenceKind::PackageResult);
    assert_eq!(results.count(), 2, "both are kept");
    let _ = subscription;
}

/// EIM-19.
#[test]
fn a_reported_change_is_put_down_and_the_profiles_are_asked_for() {
    let (mut world, _) = downloaded(5);
    let cause = StateChangeCause::DEVICE_CHANGE;
    let package = poll(&mut world, Some(cause));
    assert!(matches!(
        package,
        GetEimPackageResponse::EuiccPackageRequest(_)
    ));
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert_eq!(record.state_changes.last().unwrap().cause, cause.0);
    // The same list once more, not a second one.
    assert_eq!(poll(&mut world, Some(cause)), package);
    // A bench gets what it ordered, and nothing else.
    let (mut world, _) = downloaded(5);
    world.eim.eim_mut().unwrap().lab.accept_unverified = vec![world.eid];
    assert!(matches!(
        poll(&mut world, Some(cause)),
        GetEimPackageResponse::EimPackageError(_)
    ));
}

/// A result that no eUICC signed, for the package.
fn unsigned_result(
    package: &GetEimPackageResponse,
    result: EuiccResultData,
    seq_number: i64,
) -> EimPackageResult {
    let GetEimPackageResponse::EuiccPackageRequest(package) = package else {
        panic!("no package: {package:?}");
    };
    let package = &package.euicc_package_signed;
    let data = EuiccPackageResultDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter_value,
        eim_transaction_id: package.eim_transaction_id.clone(),
        seq_number,
        euicc_result: vec![result],
        extensions: Extensions::default(),
    };
    let result = EuiccPackageResult::Signed(EuiccPackageResultSigned {
        euicc_package_result_data_signed: Signed::new(data),
        euicc_sign_epr: vec![0; 64],
        extensions: Extensions::default(),
    });
    EimPackageResult::EuiccPackageResult(Signed::new(result))
}

/// EIM-38.
#[test]
fn results_without_proof_are_taken_only_from_listed_euiccs() {
    let (mut world, subscription) = downloaded(6);
    let enable = world.queue(enable_of(&subscription)).unwrap();
    let package = poll(&mut world, None);
    let done = || EuiccResultData::EnableResult(EnableProfileResult::OK);
    let answer = provide(&mut world, unsigned_result(&package, done(), 9));
    let undefined = ProvideEimPackageResultError::UNDEFINED_ERROR;
    assert_eq!(answer, ProvideEimPackageResultResponse::Error(undefined));
    assert_eq!(state(&world, &enable), "delivered");

    let other = "89049032000000000000000000000000".parse().unwrap();
    world.eim.eim_mut().unwrap().lab.accept_unverified = vec![other];
    let answer = provide(&mut world, unsigned_result(&package, done(), 9));
    assert_eq!(answer, ProvideEimPackageResultResponse::Error(undefined));

    world.eim.eim_mut().unwrap().lab.accept_unverified = vec![world.eid];
    let answer = provide(&mut world, unsigned_result(&package, done(), 9));
    let ProvideEimPackageResultResponse::EimAcknowledgements(acknowledged) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(acknowledged.0, [9]);
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "executed");
    assert!(operation.unverified, "and it is marked for ever");
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    assert!(!evidence.last().unwrap().verified);
}

/// EIM-47.
#[test]
fn a_rollback_takes_the_place_of_the_enable() {
    let (mut world, subscription) = downloaded(7);
    world.eim.eim_mut().unwrap().lab.accept_unverified = vec![world.eid];
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: true,
    };
    let enable = world.queue(enable).unwrap();
    let package = poll(&mut world, None);
    let back = EuiccResultData::RollbackResult(RollbackProfileResult::OK);
    provide(&mut world, unsigned_result(&package, back, 9));
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "rolled_back");
    assert!(operation.is_final());
}

#[test]
fn only_what_was_not_sent_can_be_taken_back() {
    let (mut world, subscription) = downloaded(8);
    let first = world.queue(enable_of(&subscription)).unwrap();
    let second = world.queue(OperationKind::ListProfileInfo).unwrap();
    let package = poll(&mut world, None);
    let now = world.now;
    assert_eq!(world.eim.cancel(&first, now).unwrap(), None);
    assert!(world.eim.cancel(&second, now).unwrap().is_some());
    assert_eq!(state(&world, &first), "delivered");
    assert_eq!(state(&world, &second), "cancelled");
    assert_eq!(poll(&mut world, None), package, "sent again as it was");
    world.round().unwrap();
    assert_eq!(state(&world, &first), "confirmed");
    assert_eq!(state(&world, &second), "cancelled");
}

#[test]
fn a_counter_that_is_behind_is_raised() {
    let (mut world, _) = downloaded(9);
    // The database comes from a backup: the eUICC has seen more.
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    for _ in 0..3 {
        world.queue(OperationKind::ListProfileInfo).unwrap();
        world.round().unwrap();
    }
    let eid = world.eid;
    let ahead = world.eim.store().euicc(eid).unwrap().unwrap().version;
    let old = rsp_core::eim::EuiccRecord { ..record };
    let change = store::EuiccChange {
        record: &old,
        version: ahead,
        operations: &[],
        evidence: &[],
        now: world.now,
    };
    world.eim.store().commit_euicc(&change).unwrap();
    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let operation = world.operation(&list).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    let counter = world.eim.store().euicc(eid).unwrap().unwrap().value;
    assert!(counter.counter_value > old.counter_value + 1000);
}

/// EIM-39.
#[test]
fn a_result_that_comes_again_is_acknowledged_again_and_changes_nothing() {
    let (mut world, subscription) = downloaded(10);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let keep = sent.clone();
    world.fault = change_provided(move |provided| {
        keep.borrow_mut().push(provided.eim_package_result.clone());
    });
    let enable = world.queue(enable_of(&subscription)).unwrap();
    world.round().unwrap();
    let result = sent.borrow()[0].clone();
    let before = world.operation(&enable).unwrap();
    let kept = world.eim.store().evidence(world.eid).unwrap();
    let disable = OperationKind::Disable {
        iccid: subscription.iccid,
    };
    let disable = world.queue(disable).unwrap();
    poll(&mut world, None);
    for _ in 0..2 {
        let answer = provide(&mut world, result.clone());
        assert!(matches!(
            answer,
            ProvideEimPackageResultResponse::EimAcknowledgements(_)
        ));
    }
    assert_eq!(world.operation(&enable).unwrap(), before);
    assert_eq!(
        state(&world, &disable),
        "delivered",
        "it is no result of it"
    );
    assert_eq!(world.eim.store().evidence(world.eid).unwrap(), kept);
}

/// Lets the device answer the request for certificates; the change makes them
/// worthless. Nothing is done, and the device is asked again when it is itself.
#[track_caller]
fn certificates_are_not_believed(
    seed: u64,
    change: impl Fn(&mut rsp_asn1::sgp32::IpaEuiccData) + 'static,
) {
    let mut world = World::new(seed).unwrap();
    world.fault = change_provided(move |provided| {
        use rsp_asn1::sgp32::IpaEuiccDataResponse;
        if let EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) =
            &mut provided.eim_package_result
        {
            change(data);
        }
    });
    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &list), "queued");
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert_eq!(record.public_key, None);
    assert_eq!(record.counter_value, 0, "nothing was signed for it");
    world.fault = Fault::default();
    world.round().unwrap();
    assert_eq!(state(&world, &list), "confirmed");
}

/// EIM-71.
#[test]
fn certificates_of_another_role_euicc_or_authority_are_not_believed() {
    certificates_are_not_believed(11, |data| {
        data.euicc_certificate = data.eum_certificate.clone()
    });
    certificates_are_not_believed(12, |data| {
        data.eum_certificate = data.euicc_certificate.clone()
    });
    certificates_are_not_believed(13, |data| data.eum_certificate = None);
    // Another world has a CI and an EUM of its own.
    let other = Rc::new(RefCell::new(None));
    let keep = other.clone();
    let mut world = World::new(14).unwrap();
    world.fault = change_provided(move |provided| {
        use rsp_asn1::sgp32::IpaEuiccDataResponse;
        if let EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) =
            &provided.eim_package_result
        {
            *keep.borrow_mut() = Some(data.clone());
        }
    });
    world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let foreign = other.borrow().clone().unwrap();
    certificates_are_not_believed(15, move |data| {
        data.euicc_certificate = foreign.euicc_certificate.clone();
        data.eum_certificate = foreign.eum_certificate.clone();
    });
}

#[test]
fn certificates_that_have_expired_are_not_believed() {
    let mut world = World::new(16).unwrap();
    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    let eleven_years = std::time::Duration::from_secs(11 * 366 * 86_400);
    world.now = world.now.after(eleven_years);
    let package = poll(&mut world, None);
    assert!(matches!(
        package,
        GetEimPackageResponse::IpaEuiccDataRequest(_)
    ));
    world.round().unwrap();
    assert_eq!(state(&world, &list), "queued");
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert_eq!(record.public_key, None);
}

#[test]
fn what_is_taken_and_what_is_not_is_said() {
    use std::sync::{Arc, Mutex};
    let (mut world, subscription) = downloaded(17);
    let said = Arc::new(Mutex::new(Vec::new()));
    let keep = said.clone();
    world.eim.observe(Box::new(move |eid, note| {
        keep.lock().unwrap().push((eid, note.to_string()));
    }));
    world.queue(enable_of(&subscription)).unwrap();
    let package = poll(&mut world, None);
    let done = || EuiccResultData::EnableResult(EnableProfileResult::OK);
    provide(&mut world, unsigned_result(&package, done(), 9));
    world.eim.eim_mut().unwrap().lab.accept_unverified = vec![world.eid];
    provide(&mut world, unsigned_result(&package, done(), 9));
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|(eid, _)| *eid == Some(world.eid)));
    assert!(
        said[0]
            .1
            .contains("not believed: the eUICC's signature is wrong")
    );
    assert!(
        said[1]
            .1
            .starts_with("LAB SETTING: an UNVERIFIED package result")
    );
}
