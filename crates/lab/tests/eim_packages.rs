//! Several operations in one eUICC Package: what travels together, and what
//! becomes of the others when one fails.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use eim_support::{
    answer, items, operation, package, poll, refuse, refuse_unsigned, state, world_with_profiles,
};
use lab::World;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::ProfileInfoListResponse;
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EnableProfileResult, EuiccPackageErrorCode,
    EuiccPackageUnsignedErrorCode, EuiccResultData, GetEimPackageResponse, ProcessingTerminated,
    RollbackProfileResult, SetFallbackAttributeResult,
};
use rsp_core::eim::{OperationId, OperationKind, OperationState};
use store::EuiccChange;

fn tags(world: &mut World) -> Vec<u8> {
    let package = package(world);
    items(&package).iter().map(|item| item[0]).collect()
}

fn enable(iccid: Iccid) -> OperationKind {
    let rollback = false;
    OperationKind::Enable { iccid, rollback }
}

fn states(world: &World, ids: &[OperationId]) -> Vec<&'static str> {
    ids.iter().map(|id| state(world, id)).collect()
}

/// EIM-06: one order, two items, in its order.
#[test]
fn a_list_is_one_package() {
    let (mut world, iccids) = world_with_profiles(51, 2);
    let list = vec![
        OperationKind::Disable { iccid: iccids[0] },
        OperationKind::Delete { iccid: iccids[0] },
    ];
    let ids = world.order_list(list, true).unwrap();
    let package = package(&mut world);
    let sent: Vec<_> = items(&package).iter().map(|item| item[0]).collect();
    assert_eq!(sent, [0xA4, 0xA5]);
    assert_eq!(states(&world, &ids), ["delivered", "delivered"]);
    let results = vec![
        EuiccResultData::DisableResult(DisableProfileResult::OK),
        EuiccResultData::DeleteResult(DeleteProfileResult::OK),
    ];
    answer(&mut world, &package, results, 90);
    poll(&mut world);
    assert_eq!(states(&world, &ids), ["confirmed", "confirmed"]);
}

/// The card carries a list out as it stands.
#[test]
fn a_list_on_the_card() {
    let (mut world, iccids) = world_with_profiles(52, 3);
    let list = vec![
        OperationKind::ListProfileInfo,
        OperationKind::Delete { iccid: iccids[2] },
        enable(iccids[1]),
    ];
    let ids = world.order_list(list, false).unwrap();
    world.round().unwrap();
    assert_eq!(states(&world, &ids), ["confirmed"; 3]);
    let profiles = lab::inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    assert_eq!(profiles, [(iccids[0], false), (iccids[1], true)]);
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let known = record.profiles.unwrap();
    let known: Vec<_> = known
        .profiles
        .iter()
        .map(|p| (p.iccid, p.enabled))
        .collect();
    assert_eq!(known, [(Some(iccids[0]), false), (Some(iccids[1]), true)]);
}

/// What waits for a device that sleeps travels together, in its order, as far
/// as the rules for packages go; PSMOs and eCOs do not.
#[test]
fn what_waits_travels_together() {
    let (mut world, iccids) = world_with_profiles(53, 3);
    let mut ids = Vec::new();
    for kind in [
        OperationKind::GetRat,
        OperationKind::ListProfileInfo,
        OperationKind::Delete { iccid: iccids[2] },
        enable(iccids[1]),
        // Not after a change, and so not now.
        OperationKind::ListProfileInfo,
        OperationKind::ListEim,
    ] {
        ids.push(world.queue(kind).unwrap());
    }
    assert_eq!(tags(&mut world), [0xA6, 0xBF, 0xA5, 0xA3]);
    assert_eq!(states(&world, &ids[4..]), ["queued", "queued"]);
    let counter = |world: &World| {
        let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
        record.counter_value
    };
    let before = counter(&world);
    // EIM-37: the same once more, for all of them.
    assert_eq!(tags(&mut world), [0xA6, 0xBF, 0xA5, 0xA3]);
    assert_eq!(counter(&world), before);
    world.round().unwrap();
    assert_eq!(states(&world, &ids[..5]), ["confirmed"; 5]);
    assert_eq!(counter(&world), before + 2, "three packages in all");
}

/// Nothing is put together that says something about another, or that shall
/// travel alone.
#[test]
fn what_goes_apart() {
    let (mut world, iccids) = world_with_profiles(54, 3);
    let rollback = true;
    let pairs = [
        [enable(iccids[1]), enable(iccids[2])],
        [
            enable(iccids[1]),
            OperationKind::Delete { iccid: iccids[2] },
        ],
        [
            OperationKind::GetRat,
            OperationKind::Enable {
                iccid: iccids[1],
                rollback,
            },
        ],
        [
            OperationKind::Delete { iccid: iccids[2] },
            OperationKind::ListProfileInfo,
        ],
        [OperationKind::GetRat, OperationKind::ListEim],
    ];
    for pair in pairs {
        let said = format!("{pair:?}");
        let ids: Vec<_> = pair.map(|kind| world.queue(kind).unwrap()).into();
        assert_eq!(tags(&mut world).len(), 1, "{said}");
        assert_eq!(states(&world, &ids), ["delivered", "queued"], "{said}");
        world.eim.cancel(&ids[1], world.now).unwrap().unwrap();
        let refused = EuiccPackageErrorCode::UNDEFINED_ERROR;
        let sent = package(&mut world);
        refuse(&mut world, &sent, refused);
    }
    let mut apart = Vec::new();
    for _ in 0..2 {
        let id = world.queue(OperationKind::GetRat).unwrap();
        apart.push(id);
    }
    assert_eq!(tags(&mut world).len(), 2);
}

/// EIM-40: the card stops at the first that fails. What was ordered with it
/// ends; what only travelled along is sent again.
#[test]
fn the_first_failure_stops_the_package() {
    let (mut world, iccids) = world_with_profiles(55, 2);
    let list = vec![
        OperationKind::SetFallbackAttribute { iccid: iccids[0] },
        OperationKind::GetRat,
    ];
    let listed = world.order_list(list, false).unwrap();
    let along = world.queue(OperationKind::ListProfileInfo).unwrap();
    let sent = package(&mut world);
    assert_eq!(items(&sent).len(), 3);
    let code = SetFallbackAttributeResult::FALLBACK_NOT_ALLOWED;
    let results = vec![EuiccResultData::SetFallbackAttributeResult(code)];
    answer(&mut world, &sent, results, 91);
    assert_eq!(states(&world, &listed), ["failed", "failed"]);
    let first = operation(&world, &listed[0]);
    assert_eq!(first.state.reason(), Some("fallbackNotAllowed(2)"));
    let second = operation(&world, &listed[1]);
    let reason = second.state.reason().unwrap();
    assert!(
        reason.starts_with("not executed: the set_fallback_attribute"),
        "{reason}"
    );
    assert_eq!(state(&world, &along), "queued");
    world.round().unwrap();
    assert_eq!(state(&world, &along), "confirmed");
}

/// EIM-41: processingTerminated stands where the result of what failed would.
#[test]
fn processing_was_terminated() {
    let (mut world, _) = world_with_profiles(56, 1);
    let first = world.queue(OperationKind::GetRat).unwrap();
    let second = world.queue(OperationKind::ListProfileInfo).unwrap();
    let sent = package(&mut world);
    let code = ProcessingTerminated::UNKNOWN_OR_DAMAGED_COMMAND;
    let results = vec![
        EuiccResultData::GetRatResult(Vec::new()),
        EuiccResultData::ProcessingTerminated(code),
    ];
    answer(&mut world, &sent, results, 92);
    assert_eq!(state(&world, &first), "executed");
    let failed = operation(&world, &second);
    let reason = failed.state.reason();
    assert_eq!(reason, Some("unknownOrDamagedCommand(2)"));
}

/// EIM-42: each signed refusal ends all of the package with its code, but one during an
/// emergency call, after which it is sent again; after a replay nothing is known, and the
/// counter goes on.
#[test]
fn signed_refusals() {
    for code in [3, 6, 15, 127] {
        let (mut world, _) = world_with_profiles(57, 1);
        let list = vec![OperationKind::GetRat, OperationKind::ListProfileInfo];
        let ids = world.order_list(list, false).unwrap();
        let sent = package(&mut world);
        refuse(&mut world, &sent, EuiccPackageErrorCode(code));
        for id in ids {
            let failed = operation(&world, &id);
            assert_eq!(failed.state_name(), "failed");
            let reason = failed.state.reason().unwrap();
            assert!(reason.ends_with(&format!("({code})")), "{reason}");
        }
    }
    let (mut world, _) = world_with_profiles(57, 1);
    let list = vec![OperationKind::GetRat, OperationKind::ListProfileInfo];
    let ids = world.order_list(list, false).unwrap();
    let sent = package(&mut world);
    refuse(&mut world, &sent, EuiccPackageErrorCode::ECALL_ACTIVE);
    assert_eq!(states(&world, &ids), ["queued"; 2]);
    let (mut world, _) = world_with_profiles(58, 1);
    let ids = [
        world.queue(OperationKind::GetRat).unwrap(),
        world.queue(OperationKind::ListProfileInfo).unwrap(),
    ];
    let sent = package(&mut world);
    refuse(&mut world, &sent, EuiccPackageErrorCode::REPLAY_ERROR);
    assert_eq!(states(&world, &ids), ["outcome_unknown"; 2]);
    let next = package(&mut world);
    assert!(next.counter_value > sent.counter_value + 1);
    // Reading again is as good as the answer that was lost.
    world.round().unwrap();
    assert_eq!(states(&world, &ids), ["confirmed"; 2]);
}

/// What waits for a list of profiles is not failed by a list whose result was
/// lost: the eUICC is asked again, and the lost one is known with the next. One
/// that never gives its list is not asked for ever.
#[test]
fn a_question_whose_answer_is_lost_is_asked_again() {
    for lost in [1, 2, 3] {
        let (mut world, iccids) = world_with_profiles(58, 2);
        let id = world.ask(OperationKind::Delete { iccid: iccids[1] });
        let id = id.unwrap();
        let mut record = world.eim.store().euicc(world.eid).unwrap().unwrap();
        record.value.profiles = None;
        let change = EuiccChange {
            record: &record.value,
            version: record.version,
            operations: &[],
            evidence: &[],
            now: world.now,
        };
        world.eim.store().commit_euicc(&change).unwrap();
        for _ in 0..lost {
            let sent = package(&mut world);
            assert!(items(&sent)[0].starts_with(&[0xBF, 0x2D]));
            refuse(&mut world, &sent, EuiccPackageErrorCode::REPLAY_ERROR);
            assert_eq!(state(&world, &id), "queued");
        }
        world.round().unwrap();
        let open = world.eim.store().open_operations(world.eid).unwrap();
        match lost {
            3 => assert_eq!(state(&world, &id), "failed"),
            _ => {
                assert_eq!(state(&world, &id), "confirmed");
                assert!(open.is_empty(), "{open:?}");
            }
        }
    }
}

/// EIM-42: what was put together by the eIM and is too large goes one by one.
#[test]
fn a_package_that_is_too_large() {
    let (mut world, _) = world_with_profiles(59, 1);
    let ids = [
        world.queue(OperationKind::GetRat).unwrap(),
        world.queue(OperationKind::ListProfileInfo).unwrap(),
    ];
    let sent = package(&mut world);
    assert_eq!(items(&sent).len(), 2);
    refuse(&mut world, &sent, EuiccPackageErrorCode::SIZE_OVERFLOW);
    assert_eq!(states(&world, &ids), ["queued"; 2]);
    assert_eq!(tags(&mut world).len(), 1);
    world.round().unwrap();
    assert_eq!(states(&world, &ids), ["confirmed"; 2]);
}

/// EIM-43: an unsigned refusal is a hint for all of the package.
#[test]
fn an_unsigned_refusal() {
    let (mut world, iccids) = world_with_profiles(60, 2);
    let list = vec![OperationKind::GetRat, enable(iccids[1])];
    let ids = world.order_list(list, false).unwrap();
    let sent = package(&mut world);
    refuse_unsigned(&mut world, &sent, None);
    assert_eq!(states(&world, &ids), ["outcome_unknown"; 2]);
    // It was a stranger's, and the result still settles all.
    let results = vec![
        EuiccResultData::GetRatResult(Vec::new()),
        EuiccResultData::EnableResult(EnableProfileResult::OK),
    ];
    answer(&mut world, &sent, results, 93);
    assert_eq!(states(&world, &ids), ["executed"; 2]);
}

/// A card of v1.3 says why it refused without a signature: the order's outcome
/// is as unknown, and whoever looks at it reads the reason.
#[test]
fn an_unsigned_refusal_that_says_why() {
    for (code, said) in [
        (
            EuiccPackageUnsignedErrorCode::SIZE_OVERFLOW,
            "sizeOverflow(15)",
        ),
        (
            EuiccPackageUnsignedErrorCode::UNDEFINED_ERROR,
            "undefinedError(127)",
        ),
    ] {
        let (mut world, iccids) = world_with_profiles(62, 2);
        let id = world.queue(enable(iccids[1])).unwrap();
        let sent = package(&mut world);
        refuse_unsigned(&mut world, &sent, Some(code));
        let operation = operation(&world, &id);
        assert_eq!(operation.state_name(), "outcome_unknown");
        let reason = operation.state.reason().unwrap_or_default();
        assert!(reason.contains(said), "{reason}");
    }
}

/// EIM-47: the result of the rollback takes the place of the whole package's;
/// what else was in it is found out.
#[test]
fn a_rollback_of_a_list() {
    let (mut world, iccids) = world_with_profiles(61, 3);
    let list = vec![
        OperationKind::Delete { iccid: iccids[2] },
        OperationKind::Enable {
            iccid: iccids[1],
            rollback: true,
        },
    ];
    let ids = world.order_list(list, false).unwrap();
    let sent = package(&mut world);
    let results = vec![EuiccResultData::RollbackResult(RollbackProfileResult::OK)];
    answer(&mut world, &sent, results, 94);
    assert_eq!(states(&world, &ids), ["outcome_unknown", "rolled_back"]);
    // The card of this world never saw the package: the profile is there.
    world.round().unwrap();
    assert_eq!(states(&world, &ids), ["failed", "rolled_back"]);
    let reason = operation(&world, &ids[0]);
    let reason = reason.state.reason().unwrap_or_default();
    assert!(reason.contains("still lists"), "{reason}");
}

/// What nothing signed tells of is done again, if that is as good as once.
#[test]
fn a_setting_whose_result_was_lost_is_set_again() {
    let (mut world, iccids) = world_with_profiles(63, 2);
    let list = vec![
        OperationKind::SetDefaultDpAddress {
            address: "smdp.example.org".to_string(),
        },
        OperationKind::Enable {
            iccid: iccids[1],
            rollback: true,
        },
    ];
    let ids = world.order_list(list, false).unwrap();
    let sent = package(&mut world);
    let results = vec![EuiccResultData::RollbackResult(RollbackProfileResult::OK)];
    answer(&mut world, &sent, results, 94);
    assert_eq!(states(&world, &ids), ["outcome_unknown", "rolled_back"]);
    world.round().unwrap();
    assert_eq!(states(&world, &ids), ["confirmed", "rolled_back"]);
    let again = operation(&world, &ids[0]).settled_by.unwrap();
    let again = operation(&world, &again);
    assert_eq!(again.kind, operation(&world, &ids[0]).kind);
    assert_eq!(again.reconciles, Some(ids[0].clone()));
}

/// A result that has fewer items than the package and none that failed leaves
/// the rest unknown.
#[test]
fn results_that_are_missing() {
    let (mut world, iccids) = world_with_profiles(62, 2);
    let list = vec![OperationKind::GetRat, enable(iccids[1])];
    let ids = world.order_list(list, false).unwrap();
    let sent = package(&mut world);
    let results = vec![EuiccResultData::GetRatResult(Vec::new())];
    answer(&mut world, &sent, results, 95);
    assert_eq!(states(&world, &ids), ["executed", "outcome_unknown"]);
    // Of another kind than what was asked: nothing is believed of it.
    let (mut world, iccids) = world_with_profiles(62, 2);
    let id = world.queue(enable(iccids[1])).unwrap();
    let sent = package(&mut world);
    let list = ProfileInfoListResponse::Ok(Vec::new());
    let results = vec![EuiccResultData::ListProfileInfoResult(list)];
    answer(&mut world, &sent, results, 96);
    assert!(matches!(
        operation(&world, &id).state,
        OperationState::OutcomeUnknown { .. }
    ));
    assert!(matches!(
        poll(&mut world),
        GetEimPackageResponse::EuiccPackageRequest(_)
    ));
}
