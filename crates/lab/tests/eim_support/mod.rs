//! An IPA and an eUICC that say what a test wants, signed with the card's key.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test uses a part, and tests fail by panicking"
)]

use lab::World;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackage,
    EuiccPackageErrorCode, EuiccPackageErrorDataSigned, EuiccPackageErrorSigned,
    EuiccPackageErrorUnsigned, EuiccPackageResult, EuiccPackageResultDataSigned,
    EuiccPackageResultSigned, EuiccPackageSigned, EuiccResultData, GetEimPackageRequest,
    GetEimPackageResponse, ProvideEimPackageResult, ProvideEimPackageResultResponse,
    association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Signed};
use rsp_core::Context;
use rsp_core::eim::{Operation, OperationId, OperationKind};
use rsp_core::profile;
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareProvider;
use store::EimReply;

pub fn say(world: &mut World, message: &EsipaMessageFromIpaToEim) -> EsipaMessageFromEimToIpa {
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
) -> ProvideEimPackageResultResponse {
    let result = EuiccPackageResult::ErrorUnsigned(EuiccPackageErrorUnsigned {
        eim_id: package.eim_id.to_string(),
        eim_transaction_id: package.eim_transaction_id.clone(),
        association_token: None,
        euicc_package_unsigned_error_code: None,
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
