//! Every PSMO and eCO: as what it travels, and what its result tells.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use eim_support::{answer, items, operation, package, poll, provide, state, world_with_profiles};
use lab::World;
use rsp_asn1::rsp::{
    OperatorId, ProfileInfo, ProfileInfoListResponse, ProfilePolicyAuthorisationRule, ProfileState,
    SetDefaultDpAddressResult,
};
use rsp_asn1::sgp32::{
    AddEimResult, AddEimResultCode, ConfigureImmediateEnableResult, DeleteEimResult,
    DeleteProfileResult, DisableProfileResult, EimIdInfo, EimPackageResult,
    EimPackageResultErrorCode, EimPackageResultResponseError, EnableProfileResult, EuiccResultData,
    GetEimPackageResponse, IpaCapabilities, IpaEuiccData, IpaEuiccDataErrorCode,
    IpaEuiccDataResponse, IpaEuiccDataResponseError, ListEimResult,
    ProvideEimPackageResultResponse, SetDefaultDpAddressResponse, SetFallbackAttributeResult,
    UnsetFallbackAttributeResult, UpdateEimResult,
};
use rsp_asn1::{Asn1, BitString, Extensions};
use rsp_core::eim::{
    EuiccDataQuery, ImmediateEnable, ListedEim, OperationKind, OperationState, Outcome,
    ProfileQuery, ProfileSearch, RatRule,
};

/// The operation is sent as an item with this tag; its result leads to this
/// outcome, which the next poll confirms.
#[track_caller]
fn executed(
    world: &mut World,
    kind: OperationKind,
    tag: &[u8],
    result: EuiccResultData,
) -> Outcome {
    let id = world.queue(kind).unwrap();
    let package = package(world);
    let items = items(&package);
    assert_eq!(items.len(), 1);
    assert!(items[0].starts_with(tag), "{:02X?}", items[0]);
    let seq_number = package.counter_value + 100;
    let acknowledged = answer(world, &package, vec![result], seq_number);
    let ProvideEimPackageResultResponse::EimAcknowledgements(acknowledged) = acknowledged else {
        panic!("{acknowledged:?}");
    };
    assert_eq!(acknowledged.0, [seq_number]);
    poll(world);
    match operation(world, &id).state {
        OperationState::Confirmed { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

/// EIM-03, EIM-04, EIM-05, EIM-10, EIM-11.
#[test]
fn operations_on_profiles() {
    use EuiccResultData as Result;
    use OperationKind as Kind;
    let (mut world, iccids) = world_with_profiles(41, 2);
    let world = &mut world;
    let iccid = iccids[1];
    let rollback = true;
    let (kind, ok) = (Kind::Enable { iccid, rollback }, EnableProfileResult::OK);
    let done = executed(world, kind, &[0xA3], Result::EnableResult(ok));
    assert_eq!(done, Outcome::Done);
    let ok = DisableProfileResult::OK;
    let kind = Kind::Disable { iccid };
    executed(world, kind, &[0xA4], Result::DisableResult(ok));
    let kind = Kind::SetFallbackAttribute { iccid };
    let ok = SetFallbackAttributeResult::OK;
    executed(world, kind, &[0xA8], Result::SetFallbackAttributeResult(ok));
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let fallback = record.profiles.unwrap().profiles;
    let fallback: Vec<_> = fallback.iter().filter(|p| p.fallback).collect();
    assert_eq!(fallback.len(), 1);
    assert_eq!(fallback[0].iccid, Some(iccid), "it is known without a list");
    let ok = UnsetFallbackAttributeResult::OK;
    let result = Result::UnsetFallbackAttributeResult(ok);
    executed(world, Kind::UnsetFallbackAttribute, &[0xA9, 0x00], result);
    let ok = DeleteProfileResult::OK;
    let kind = Kind::Delete { iccid };
    executed(world, kind, &[0xA5], Result::DeleteResult(ok));
}

/// EIM-08, EIM-09, EIM-12.
#[test]
fn operations_on_settings() {
    use EuiccResultData as Result;
    use OperationKind as Kind;
    let (mut world, _) = world_with_profiles(40, 1);
    let world = &mut world;
    let configuration = ImmediateEnable {
        enable: true,
        smdp_oid: Some("2.999.10".parse().unwrap()),
        smdp_address: Some("smdp.example.com".to_string()),
    };
    let kind = Kind::ConfigureImmediateEnable(configuration);
    let ok = ConfigureImmediateEnableResult::OK;
    let result = Result::ConfigureImmediateEnableResult(ok);
    executed(world, kind, &[0xA7], result);
    let address = "smdp.example.com".to_string();
    let kind = Kind::SetDefaultDpAddress { address };
    let result = Result::SetDefaultDpAddressResult(SetDefaultDpAddressResponse {
        set_default_dp_address_result: SetDefaultDpAddressResult::OK,
        extensions: Extensions::default(),
    });
    executed(world, kind, &[0xBF, 0x65], result);
    let rule = ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[1, 2]),
        allowed_operators: vec![OperatorId {
            mcc_mnc: "26201".parse().unwrap(),
            gid1: None,
            gid2: None,
            extensions: Extensions::default(),
        }],
        ppr_flags: BitString::of(&[0]),
        extensions: Extensions::default(),
    };
    let outcome = executed(
        world,
        Kind::GetRat,
        &[0xA6, 0x00],
        Result::GetRatResult(vec![rule]),
    );
    let Outcome::Rat { rules } = outcome else {
        panic!("{outcome:?}");
    };
    let [
        RatRule {
            pprs,
            operators,
            consent_required: true,
        },
    ] = rules.as_slice()
    else {
        panic!("{rules:?}");
    };
    assert_eq!((pprs.as_slice(), operators.len()), (&[1, 2][..], 1));
}

/// EIM-07: criteria and tags; a part of the profiles is not taken for all.
#[test]
fn lists_of_some_profiles() {
    let (mut world, iccids) = world_with_profiles(42, 2);
    let record = |world: &World| {
        let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
        record.profiles.unwrap()
    };
    let before = record(&world);
    let kind = OperationKind::ListSomeProfileInfo(ProfileQuery {
        search: Some(ProfileSearch::Iccid(iccids[1])),
        tags: Some(vec![0x5A, 0x9F, 0x70]),
    });
    let only = ProfileInfo {
        iccid: Some(iccids[1]),
        profile_state: Some(ProfileState::DISABLED),
        ..ProfileInfo::empty()
    };
    let result = EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Ok(vec![only]));
    let outcome = executed(&mut world, kind.clone(), &[0xBF, 0x2D], result);
    let Outcome::Profiles { profiles } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(profiles.len(), 1);
    assert_eq!(record(&world), before);
    // The card itself understands the request.
    let id = world.queue(kind).unwrap();
    world.round().unwrap();
    let OperationState::Confirmed { outcome, .. } = operation(&world, &id).state else {
        panic!("{:?}", operation(&world, &id));
    };
    let Outcome::Profiles { profiles } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(profiles.len(), 1);
    assert_eq!(profiles[0].iccid, Some(iccids[1]));
}

/// EIM-13, EIM-14, EIM-15, EIM-16, EIM-67, EIM-68.
#[test]
fn operations_on_eims() {
    use EuiccResultData as Result;
    use OperationKind as Kind;
    let (mut world, _) = world_with_profiles(43, 1);
    let world = &mut world;
    let other = World::new(44).unwrap();
    let mut other = other.eim.eim().configuration_data(0).unwrap();
    other.eim_id = "other.example.com".try_into().unwrap();
    let configuration = other.to_der();
    let add = Kind::AddEim { configuration };
    let result = Result::AddEimResult(AddEimResult::AssociationToken(300));
    let outcome = executed(world, add.clone(), &[0xA8], result);
    // What the other eIM has to be told is kept.
    let association_token = Some(300);
    assert_eq!(outcome, Outcome::EimAdded { association_token });
    let result = Result::AddEimResult(AddEimResult::Code(AddEimResultCode::OK));
    let association_token = None;
    let outcome = executed(world, add, &[0xA8], result);
    assert_eq!(outcome, Outcome::EimAdded { association_token });

    other.association_token = None;
    let update = Kind::UpdateEim {
        configuration: other.to_der(),
    };
    let result = Result::UpdateEimResult(UpdateEimResult::OK);
    assert_eq!(executed(world, update, &[0xAA], result), Outcome::Done);
    let info = EimIdInfo {
        eim_id: other.eim_id.clone(),
        eim_id_type: other.eim_id_type,
        extensions: Extensions::default(),
    };
    let result = Result::ListEimResult(ListEimResult::EimIdList(vec![info]));
    let outcome = executed(world, Kind::ListEim, &[0xAB, 0x00], result);
    let eims = vec![ListedEim {
        eim_id: "other.example.com".to_string(),
        id_type: Some(2),
    }];
    assert_eq!(outcome, Outcome::Eims { eims });

    let delete = Kind::DeleteEim {
        eim_id: other.eim_id,
    };
    let result = Result::DeleteEimResult(DeleteEimResult::OK);
    let outcome = executed(world, delete, &[0xA9], result);
    assert_eq!(outcome, Outcome::EimDeleted { last: false });
    // The eUICC forgets this eIM: it does not poll again, and all is said.
    let eim_id = world.eim.eim().eim_id.clone();
    let own = world.queue(Kind::DeleteEim { eim_id }).unwrap();
    let package = package(world);
    let result = Result::DeleteEimResult(DeleteEimResult::LAST_EIM_DELETED);
    answer(world, &package, vec![result], 300);
    assert_eq!(state(world, &own), "confirmed");
    let outcome = operation(world, &own).state.outcome().cloned();
    assert_eq!(outcome, Some(Outcome::EimDeleted { last: true }));
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert_eq!(record.dissociated, Some(world.now));
}

fn edr(tags: &[u8]) -> OperationKind {
    OperationKind::GetEuiccData(EuiccDataQuery {
        tags: tags.to_vec(),
        ..EuiccDataQuery::default()
    })
}

/// EIM-17: the tags are sent as they were ordered, those of v1.0 too, and the
/// answer is kept.
#[test]
fn data_of_the_ipa() {
    let (mut world, _) = world_with_profiles(45, 1);
    let tags = [
        0x80, 0xBF, 0x20, 0xBF, 0x22, 0x83, 0x84, 0xA5, 0xA6, 0x88, 0xA9, 0xBF, 0x2B,
    ];
    let id = world.queue(edr(&tags)).unwrap();
    let GetEimPackageResponse::IpaEuiccDataRequest(request) = poll(&mut world) else {
        panic!("another package");
    };
    assert_eq!(request.tag_list, tags);
    assert!(request.eim_transaction_id.is_some());
    let data = IpaEuiccData {
        default_smdp_address: Some("smdp.example.com".to_string()),
        eim_transaction_id: request.eim_transaction_id,
        ipa_capabilities: Some(IpaCapabilities {
            ipa_features: BitString::of(&[0, 1]),
            ipa_supported_protocols: None,
            esipa_proprietary_protocol_information: None,
            extensions: Extensions::default(),
        }),
        ..IpaEuiccData::empty()
    };
    let result = EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data));
    assert!(matches!(
        provide(&mut world, result),
        ProvideEimPackageResultResponse::EmptyResponse(_)
    ));
    let outcome = operation(&world, &id).state.outcome().cloned();
    let Some(Outcome::EuiccData { data }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        data.default_smdp_address.as_deref(),
        Some("smdp.example.com")
    );
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let capabilities = record.facts.ipa_capabilities().unwrap();
    assert!(capabilities.ipa_features.bit(1));

    // The real IPA answers what it has; what the eUICC signed is acknowledged.
    let id = world
        .queue(edr(&[0x81, 0xBF, 0x22, 0xA5, 0xA6, 0xA8, 0xA9]))
        .unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &id), "confirmed");
}

/// EIM-18, EIM-46: what an IPA refuses is done, with its code.
#[test]
fn data_that_an_ipa_does_not_give() {
    let (mut world, _) = world_with_profiles(46, 1);
    let id = world.queue(edr(&[0xBF, 0x22])).unwrap();
    let GetEimPackageResponse::IpaEuiccDataRequest(request) = poll(&mut world) else {
        panic!("another package");
    };
    let error = IpaEuiccDataResponseError {
        eim_transaction_id: request.eim_transaction_id,
        ipa_euicc_data_error_code: IpaEuiccDataErrorCode::UNDEFINED_ERROR,
        extensions: Extensions::default(),
    };
    let result = EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Error(error));
    provide(&mut world, result);
    let failed = operation(&world, &id);
    assert_eq!(failed.state_name(), "failed");
    assert_eq!(failed.state.reason(), Some("undefinedError(127)"));

    let id = world.queue(edr(&[0xBF, 0x22])).unwrap();
    let GetEimPackageResponse::IpaEuiccDataRequest(request) = poll(&mut world) else {
        panic!("another package");
    };
    let error = EimPackageResultResponseError {
        eim_transaction_id: request.eim_transaction_id,
        eim_package_result_error_code: EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
        extensions: Extensions::default(),
    };
    provide(&mut world, EimPackageResult::ResponseError(error));
    let failed = operation(&world, &id);
    assert_eq!(failed.state.reason(), Some("invalidPackageFormat(1)"));
    assert_eq!(failed.state_name(), "failed");
}

/// EIM-72: certificates of another eUICC make the whole answer worthless.
#[test]
fn data_with_certificates_of_another_euicc() {
    let (mut world, _) = world_with_profiles(47, 1);
    let (other, eid) = (World::new(48).unwrap(), world.factory.eid(7).unwrap());
    drop(other);
    let identity = world.factory.identity(eid, &mut world.rng).unwrap();
    let id = world.queue(edr(&[0xA5, 0xA6])).unwrap();
    let GetEimPackageResponse::IpaEuiccDataRequest(request) = poll(&mut world) else {
        panic!("another package");
    };
    let data = IpaEuiccData {
        eum_certificate: Some(identity.keys.eum_certificate.clone()),
        euicc_certificate: Some(identity.keys.euicc_certificate.clone()),
        eim_transaction_id: request.eim_transaction_id,
        ..IpaEuiccData::empty()
    };
    let key = |world: &World| {
        let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
        record.public_key
    };
    let before = key(&world);
    let result = EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data));
    provide(&mut world, result);
    assert_eq!(state(&world, &id), "failed");
    assert_eq!(key(&world), before);
}

/// EIM-59, EIM-71: with the certificates comes what a relay needs: euiccInfo1,
/// capabilities, device.
#[test]
fn facts_are_learnt_with_the_certificates() {
    let (world, _) = world_with_profiles(49, 1);
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    assert!(record.public_key.is_some());
    assert!(record.facts.euicc_info1().is_some());
    assert!(record.facts.euicc_info2().is_some());
    let device = record.facts.device_info().unwrap();
    assert_eq!(device.tac, lab::device_info().tac);
    assert!(record.facts.ipa_capabilities().is_some());
}
