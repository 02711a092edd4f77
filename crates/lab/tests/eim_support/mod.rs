//! An IPA and an eUICC that say what a test wants, signed with the card's key.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test uses a part, and tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Wire, World};
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackage,
    EuiccPackageErrorCode, EuiccPackageErrorDataSigned, EuiccPackageErrorSigned,
    EuiccPackageErrorUnsigned, EuiccPackageResult, EuiccPackageResultDataSigned,
    EuiccPackageResultSigned, EuiccPackageSigned, EuiccPackageUnsignedErrorCode, EuiccResultData,
    GetEimPackageRequest, GetEimPackageResponse, ProvideEimPackageResult,
    ProvideEimPackageResultResponse, association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Signed};
use rsp_core::Context;
use rsp_core::binding::{BindingError, esipa_asn1};
use rsp_core::eim::{Operation, OperationId, OperationKind, Outcome};
use rsp_core::profile;
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareProvider;
use store::{EimHost, EimReply};

pub fn say(world: &mut World, message: &EsipaMessageFromIpaToEim) -> EsipaMessageFromEimToIpa {
    match world.ask_eim(message).unwrap() {
        EimReply::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

pub fn poll(world: &mut World) -> GetEimPackageResponse {
    let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: world.eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    });
    match say(world, &request) {
        EsipaMessageFromEimToIpa::GetEimPackageResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

/// The package that the device gets.
pub fn package(world: &mut World) -> EuiccPackageSigned {
    match poll(world) {
        GetEimPackageResponse::EuiccPackageRequest(request) => {
            request.into_value().euicc_package_signed.into_value()
        }
        other => panic!("no package: {other:?}"),
    }
}

/// The items of a package, each by its tag.
pub fn items(package: &EuiccPackageSigned) -> Vec<Vec<u8>> {
    match &package.euicc_package {
        EuiccPackage::PsmoList(list) => list.iter().map(Asn1::to_der).collect(),
        EuiccPackage::EcoList(list) => list.iter().map(Asn1::to_der).collect(),
    }
}

pub fn provide(world: &mut World, result: EimPackageResult) -> ProvideEimPackageResultResponse {
    let provided = ProvideEimPackageResult {
        eid_value: Some(world.eid),
        eim_package_result: result,
        extensions: Extensions::default(),
    };
    let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
    match say(world, &message) {
        EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

fn signature(world: &World, data: &[u8]) -> Vec<u8> {
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let token = association_token_object(record.association_token);
    let signature = world.card_key().sign(&[data, &token]).unwrap();
    signature.as_bytes().to_vec()
}

/// The card's signed results for a package.
pub fn answer(
    world: &mut World,
    package: &EuiccPackageSigned,
    results: Vec<EuiccResultData>,
    seq_number: i64,
) -> ProvideEimPackageResultResponse {
    let data = Signed::new(EuiccPackageResultDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter_value,
        eim_transaction_id: package.eim_transaction_id.clone(),
        seq_number,
        euicc_result: results,
        extensions: Extensions::default(),
    });
    let result = EuiccPackageResult::Signed(EuiccPackageResultSigned {
        euicc_sign_epr: signature(world, data.as_bytes()),
        euicc_package_result_data_signed: data,
        extensions: Extensions::default(),
    });
    let result = EimPackageResult::EuiccPackageResult(Signed::new(result));
    provide(world, result)
}

/// The card's signed refusal of a package.
pub fn refuse(
    world: &mut World,
    package: &EuiccPackageSigned,
    code: EuiccPackageErrorCode,
) -> ProvideEimPackageResultResponse {
    let data = Signed::new(EuiccPackageErrorDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter_value,
        eim_transaction_id: package.eim_transaction_id.clone(),
        euicc_package_error_code: code,
        extensions: Extensions::default(),
    });
    let result = EuiccPackageResult::ErrorSigned(EuiccPackageErrorSigned {
        euicc_sign_epe: signature(world, data.as_bytes()),
        euicc_package_error_data_signed: data,
        extensions: Extensions::default(),
    });
    provide(
        world,
        EimPackageResult::EuiccPackageResult(Signed::new(result)),
    )
}

/// The card's unsigned refusal of a package.
pub fn refuse_unsigned(
    world: &mut World,
    package: &EuiccPackageSigned,
    code: Option<EuiccPackageUnsignedErrorCode>,
) -> ProvideEimPackageResultResponse {
    let result = EuiccPackageResult::ErrorUnsigned(EuiccPackageErrorUnsigned {
        eim_id: package.eim_id.to_string(),
        eim_transaction_id: package.eim_transaction_id.clone(),
        association_token: None,
        euicc_package_unsigned_error_code: code,
        extensions: Extensions::default(),
    });
    provide(
        world,
        EimPackageResult::EuiccPackageResult(Signed::new(result)),
    )
}

/// A world whose card has profiles, the first of them enabled, all of which the
/// eIM knows.
pub fn world_with_profiles(seed: u64, profiles: u32) -> (World, Vec<Iccid>) {
    let mut world = World::new(seed).unwrap();
    let mut iccids = Vec::new();
    for number in 1..=profiles {
        let subscription = world.subscription(number).unwrap();
        let activation_code = world.order(&profile::template(), &subscription).unwrap();
        world
            .queue(OperationKind::Download { activation_code })
            .unwrap();
        world.round().unwrap();
        iccids.push(subscription.iccid);
    }
    let enable = OperationKind::Enable {
        iccid: iccids.first().copied().unwrap(),
        rollback: false,
    };
    world.queue(enable).unwrap();
    world.round().unwrap();
    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &list), "confirmed");
    (world, iccids)
}

pub fn operation(world: &World, id: &OperationId) -> Operation {
    world.operation(id).unwrap()
}

pub fn state(world: &World, id: &OperationId) -> &'static str {
    operation(world, id).state_name()
}

/// Identifier and address of the second eIM.
pub const OTHER: &str = "eim.other.example.com";

/// A second eIM, which trusts the same CI; its IPAs reach it beside the first.
pub fn with_other(world: &mut World) -> Rc<RefCell<EimHost>> {
    let made = World::new(4_711).unwrap();
    let mut other = made.eim;
    other.remove_euicc(made.eid).unwrap();
    let eim = other.eim_mut().unwrap();
    eim.eim_id = OTHER.try_into().unwrap();
    eim.fqdn = OTHER.to_string();
    eim.anchors = world.eim.eim().anchors.clone();
    let other = Rc::new(RefCell::new(other));
    let served = other.clone();
    world.wire = Some(Wire(Box::new(move |world, server, request| {
        if server.address != OTHER {
            let served = world.serve(&server.address, request);
            return served.map_err(|error| error.to_string());
        }
        let mut cx = Context {
            now: world.now,
            rng: &mut world.rng,
            crypto: &SoftwareProvider,
        };
        if request.path != esipa_asn1::PATH {
            return Ok(BindingError::UnknownPath(request.path.clone()).to_response());
        }
        Ok(match esipa_asn1::decode_request(request) {
            Ok(message) => {
                let reply = served.borrow().handle(&message, &mut cx);
                reply
                    .map_err(|error| error.to_string())?
                    .encode(rsp_core::binding::esipa::EsipaBinding::Asn1)
            }
            Err(error) => esipa_asn1::refuse(request, &error),
        })
    })));
    other
}

/// Ordered at the other eIM; gives how it stands after a round.
pub fn at_other(
    world: &mut World,
    other: &RefCell<EimHost>,
    id: &str,
    kind: OperationKind,
) -> Operation {
    let id = OperationId(id.to_string());
    let queued = Operation::queued(id.clone(), world.eid, kind, world.now);
    other.borrow().add_operation(&queued).unwrap();
    world.round().unwrap();
    let found = other.borrow().store().operation(&id).unwrap();
    found.unwrap()
}

/// The token that a confirmed addEim tells.
pub fn token(operation: &Operation) -> i64 {
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    match operation.state.outcome() {
        Some(Outcome::EimAdded {
            association_token: Some(token),
        }) => *token,
        other => panic!("{other:?}"),
    }
}
