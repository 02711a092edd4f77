//! Packages that must not be executed, and results that must not be believed.

use std::cell::RefCell;
use std::rc::Rc;

use lab::World;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimPackageResult, EmptyOperation, EnableProfileResult, EnablePsmo, EsipaMessageFromEimToIpa,
    EsipaMessageFromIpaToEim, EuiccPackage, EuiccPackageErrorCode, EuiccPackageRequest,
    EuiccPackageResult, EuiccPackageResultDataSigned, EuiccPackageResultSigned, EuiccPackageSigned,
    EuiccResultData, GetEimPackageRequest, GetEimPackageResponse, ProvideEimPackageResult,
    ProvideEimPackageResultResponse, Psmo, association_token_object,
};
use rsp_asn1::{Any, Asn1, Extensions, Signed};
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareKey;
use store::EimReply;

use crate::{enable_of, ordered, profiles, record, two_profiles};

/// What is wrong with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    Key,
    Token,
    Signature,
    EimId,
    Eid,
    OldCounter,
    HugeCounter,
    Size,
    Unknown,
}

/// An enable, signed by the world's eIM but for what is wrong.
fn package(world: &mut World, iccid: rsp_asn1::ids::Iccid, wrong: Wrong) -> Vec<u8> {
    let record = record(world);
    let other: Eid = "89049032123451234512345678901235".parse().unwrap();
    let mut psmos = vec![Psmo::Enable(EnablePsmo {
        iccid,
        rollback_flag: None,
        extensions: Extensions::default(),
    })];
    match wrong {
        Wrong::Size => {
            let rat = Psmo::GetRat(EmptyOperation {
                extensions: Extensions::default(),
            });
            psmos.extend(vec![rat; 9000]);
        }
        Wrong::Unknown => psmos = vec![Psmo::Unknown(Any::from_der(&[0xBF, 0x7A, 0]).unwrap())],
        _ => {}
    }
    let mut eim_id = world.eim.eim().eim_id.clone();
    if wrong == Wrong::EimId {
        eim_id = "eim.unknown".try_into().unwrap();
    }
    let signed = Signed::new(EuiccPackageSigned {
        eim_id,
        eid_value: match wrong {
            Wrong::Eid => other,
            _ => world.eid,
        },
        counter_value: match wrong {
            Wrong::OldCounter => record.counter_value,
            Wrong::HugeCounter => 0x80_0000,
            _ => record.counter_value + 100,
        },
        eim_transaction_id: None,
        euicc_package: EuiccPackage::PsmoList(psmos),
        extensions: Extensions::default(),
    });
    let token = record.association_token.filter(|_| wrong != Wrong::Token);
    let token = association_token_object(token);
    let message = [signed.as_bytes(), token.as_slice()];
    let signature = match wrong {
        Wrong::Key => {
            let curve = rsp_crypto::Curve::NistP256;
            let key = SoftwareKey::generate(curve, &mut world.rng).unwrap();
            key.sign(&message)
        }
        _ => world.eim.eim().signing.key.sign(&message),
    };
    let mut eim_signature = signature.unwrap().as_bytes().to_vec();
    if wrong == Wrong::Signature {
        eim_signature.truncate(63);
    }
    let request = EuiccPackageRequest {
        euicc_package_signed: signed,
        eim_signature,
        extensions: Extensions::default(),
    };
    request.to_der()
}

/// Hands a package to the device, in the place of what its eIM would answer;
/// gives the device's results.
fn handed(world: &mut World, package: &[u8]) -> Vec<EuiccPackageResult> {
    let results = Rc::new(RefCell::new(Vec::new()));
    let seen = results.clone();
    world.fault.request = Some(Box::new(move |request| {
        if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) =
            EsipaMessageFromIpaToEim::from_der(&request.body)
            && let EimPackageResult::EuiccPackageResult(result) = provided.eim_package_result
        {
            seen.borrow_mut().push(result.into_value());
        }
    }));
    let mut package = Some(package.to_vec());
    world.fault.response = Some(Box::new(move |request, response| {
        let message = EsipaMessageFromIpaToEim::from_der(&request.body);
        if let Ok(EsipaMessageFromIpaToEim::GetEimPackageRequest(_)) = message
            && let Some(package) = package.take()
        {
            // BF4F with the package in it, whatever that is.
            let mut out = rsp_asn1::Writer::new();
            out.primitive(rsp_asn1::Tag::new(0xBF4F), &package);
            response.body = out.into_bytes();
            response.status = 200;
        }
    }));
    world.round().unwrap();
    world.fault = lab::Fault::default();
    results.take()
}

#[test]
fn nothing_is_done_that_an_associated_eim_did_not_sign_for_this_card_now() {
    let (mut world, [first, second]) = two_profiles(21);
    let before = profiles(&mut world);
    assert_eq!(before, [(first.iccid, true), (second.iccid, false)]);
    for wrong in [Wrong::Key, Wrong::Token, Wrong::Signature, Wrong::EimId] {
        let package = package(&mut world, second.iccid, wrong);
        let results = handed(&mut world, &package);
        assert!(
            matches!(results.as_slice(), [EuiccPackageResult::ErrorUnsigned(_)]),
            "{wrong:?} {results:?}"
        );
        assert_eq!(profiles(&mut world), before, "{wrong:?}");
    }
    for (wrong, code) in [
        (Wrong::Eid, EuiccPackageErrorCode::INVALID_EID),
        (Wrong::OldCounter, EuiccPackageErrorCode::REPLAY_ERROR),
        (
            Wrong::HugeCounter,
            EuiccPackageErrorCode::COUNTER_VALUE_OUT_OF_RANGE,
        ),
        (Wrong::Size, EuiccPackageErrorCode::SIZE_OVERFLOW),
    ] {
        let package = package(&mut world, second.iccid, wrong);
        let results = handed(&mut world, &package);
        let [EuiccPackageResult::ErrorSigned(error)] = results.as_slice() else {
            panic!("{wrong:?} {results:?}");
        };
        let data = &error.euicc_package_error_data_signed;
        assert_eq!(data.euicc_package_error_code, code, "{wrong:?}");
        assert!(error.euicc_sign_epe.is_empty(), "nobody can sign it");
        assert_eq!(profiles(&mut world), before, "{wrong:?}");
    }
    let unknown = package(&mut world, second.iccid, Wrong::Unknown);
    let results = handed(&mut world, &unknown);
    assert!(matches!(
        results.as_slice(),
        [EuiccPackageResult::Signed(_)]
    ));
    assert_eq!(profiles(&mut world), before);
}

/// Also after a power cut: the counter is durable before anything is done.
#[test]
fn a_package_is_good_once() {
    let (mut world, [_, second]) = two_profiles(22);
    let package = package(&mut world, second.iccid, Wrong::Nothing);
    let results = handed(&mut world, &package);
    let [EuiccPackageResult::Signed(result)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert!(result.euicc_sign_epr.is_empty());
    let done = &result.euicc_package_result_data_signed.euicc_result;
    let ok = EuiccResultData::EnableResult(EnableProfileResult::OK);
    assert_eq!(done.as_slice(), [ok]);
    for _ in 0..2 {
        world.power_cut();
        let results = handed(&mut world, &package);
        let refused = results.iter().any(|result| match result {
            EuiccPackageResult::ErrorSigned(error) => {
                let data = &error.euicc_package_error_data_signed;
                data.euicc_package_error_code == EuiccPackageErrorCode::REPLAY_ERROR
            }
            _ => false,
        });
        assert!(refused, "{results:?}");
    }
}

/// Every octet cut off or replaced: refused or another package, never a panic,
/// and nothing is done.
#[test]
fn damaged_packages_do_nothing() {
    let (mut world, [_, second]) = two_profiles(23);
    let package = package(&mut world, second.iccid, Wrong::Nothing);
    let before = profiles(&mut world);
    for at in (0..package.len()).step_by(5) {
        let mut flipped = package.clone();
        flipped[at] ^= 0x01;
        for damaged in [&flipped[..], &package[..at]] {
            handed(&mut world, damaged);
        }
    }
    assert_eq!(profiles(&mut world), before);
}

fn result_of(package: &EuiccPackageSigned, euicc_sign_epr: Vec<u8>) -> EimPackageResult {
    let data = EuiccPackageResultDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter_value,
        eim_transaction_id: package.eim_transaction_id.clone(),
        seq_number: 0x4000_0000,
        euicc_result: vec![EuiccResultData::EnableResult(EnableProfileResult::OK)],
        extensions: Extensions::default(),
    };
    let result = EuiccPackageResult::Signed(EuiccPackageResultSigned {
        euicc_package_result_data_signed: Signed::new(data),
        euicc_sign_epr,
        extensions: Extensions::default(),
    });
    EimPackageResult::EuiccPackageResult(Signed::new(result))
}

fn say(world: &mut World, message: &EsipaMessageFromIpaToEim) -> EsipaMessageFromEimToIpa {
    match world.ask_eim(message).unwrap() {
        EimReply::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Whether the eIM takes it over.
fn is_taken(world: &mut World, result: EimPackageResult) -> bool {
    let provided = ProvideEimPackageResult {
        eid_value: Some(world.eid),
        eim_package_result: result,
        extensions: Extensions::default(),
    };
    let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
    match say(world, &message) {
        EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => {
            !matches!(response, ProvideEimPackageResultResponse::Error(_))
        }
        other => panic!("{other:?}"),
    }
}

/// The package that the device gets.
fn fetched(world: &mut World) -> EuiccPackageSigned {
    let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: world.eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    });
    match say(world, &request) {
        EsipaMessageFromEimToIpa::GetEimPackageResponse(
            GetEimPackageResponse::EuiccPackageRequest(package),
        ) => package.into_value().euicc_package_signed.into_value(),
        other => panic!("{other:?}"),
    }
}

/// The eIM takes a result without signature of a device that it was told of,
/// and of no other; a wrong signature of none.
#[test]
fn only_a_device_that_is_known_to_emulate_may_leave_the_signature_out() {
    let (mut world, [_, second]) = two_profiles(24);
    let enable = world.queue(enable_of(second.iccid)).unwrap();
    let package = fetched(&mut world);
    assert!(!is_taken(&mut world, result_of(&package, vec![0; 64])));
    assert!(!is_taken(&mut world, result_of(&package, vec![0])));
    world.eim.set_emulated(world.eid, false, world.now).unwrap();
    assert!(!is_taken(&mut world, result_of(&package, Vec::new())));
    assert_eq!(world.operation(&enable).unwrap().state_name(), "delivered");
    world.eim.set_emulated(world.eid, true, world.now).unwrap();
    assert!(is_taken(&mut world, result_of(&package, Vec::new())));
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "executed");
    assert!(operation.emulated && operation.unverified);
}

/// Numbers of what the device keeps are not those of the card: one does not
/// acknowledge the other away.
#[test]
fn acknowledgements_remove_what_they_are_of() {
    let (mut world, [first, second]) = two_profiles(25);
    // The SM-DP+ is out of reach: the card keeps its notifications.
    world.fault.lose = Some(Box::new(|request, _| request.path.contains("es9plus")));
    ordered(&mut world, enable_of(second.iccid), "confirmed");
    world.fault = lab::Fault::default();
    let waiting = lab::inspect::notifications(&mut world.card, &mut world.rng).unwrap();
    let of = |waiting: &PendingNotification| waiting.metadata().unwrap().iccid.unwrap();
    let waiting: Vec<_> = waiting.iter().map(of).collect();
    assert_eq!(waiting, [first.iccid, second.iccid], "disabled and enabled");
}
