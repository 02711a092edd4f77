//! A card without room for a profile, in the whole chain: the SM-DP+ that
//! knows it refuses, and where it cannot know, the card does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::{Algorithm, World, inspect};
use rsp_asn1::rsp::{BppCommandId, ErrorReason, FinalResult, PendingNotification};
use rsp_asn1::saip::{
    EuiccResponse, Fcp, FileManagementCommand, GenericFileManagement, PeHeader, PeStatusCode,
    ProfileElement, decode_package, encode_package,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_core::eim::{OperationKind, OperationState, Outcome};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;

/// Identification of the element that is too large.
const LARGE: i64 = 4_000;

/// The template with a file of so many octets, of which the package brings
/// none: what it takes on a card is not what it has on the way.
fn understated(octets: u32) -> Vec<u8> {
    let mut elements = decode_package(&profile::template()).unwrap();
    let fcp = Fcp {
        file_descriptor: Some(vec![0x41, 0x21]),
        file_id: Some([0x6F, 0xEE]),
        ef_file_size: Some(octets.to_be_bytes()[1..].to_vec()),
        // Never to be read or written.
        security_attributes_referenced: Some(vec![0x0E]),
        ..Fcp::empty()
    };
    let file = GenericFileManagement {
        header: PeHeader::mandated(LARGE),
        file_management_cmd: vec![vec![
            FileManagementCommand::FilePath(vec![]),
            FileManagementCommand::CreateFcp(fcp),
        ]],
        extensions: Extensions::default(),
    };
    let end = elements.len() - 1;
    elements.insert(end, ProfileElement::GenericFileManagement(file));
    encode_package(&elements)
}

/// A world whose card has so many octets for profiles.
fn world_with_memory(octets: usize) -> World {
    let mut world = World::new(9).unwrap();
    let mut identity = world.factory.identity(world.eid, &mut world.rng).unwrap();
    identity.memory = Some(octets);
    world.insert(identity).unwrap();
    assert_eq!(world.card.free_memory(), octets);
    world
}

fn download(world: &mut World, template: &[u8], subscription: &Subscription) -> OperationState {
    let profile_type = format!("of-{}-octets", template.len());
    let activation_code = world.order_of_type(&profile_type, template, subscription);
    let activation_code = activation_code.unwrap();
    let id = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    world.operation(&id).unwrap().state
}

/// The profile downloads, authenticates, is deleted again, and what it took is
/// free again to the octet.
fn takes_a_smaller_one(world: &mut World, number: u32) {
    let free = world.card.free_memory();
    let subscription = world.subscription(number).unwrap();
    let iccid = subscription.iccid;
    let state = download(world, &profile::template(), &subscription);
    let installed = Outcome::Installed { iccid: Some(iccid) };
    assert!(
        matches!(&state, OperationState::Confirmed { outcome, .. } if *outcome == installed),
        "{state:?} {:?}",
        world.events
    );
    assert!(world.card.free_memory() < free);
    let enable = OperationKind::Enable {
        iccid,
        rollback: false,
    };
    for kind in [
        enable,
        OperationKind::Disable { iccid },
        OperationKind::Delete { iccid },
    ] {
        let id = world.queue(kind.clone()).unwrap();
        world.round().unwrap();
        assert_eq!(world.operation(&id).unwrap().state_name(), "confirmed");
        if matches!(kind, OperationKind::Enable { .. }) {
            world.confirm(&subscription, Algorithm::Milenage).unwrap();
        }
    }
    assert_eq!(world.card.free_memory(), free);
}

fn is_empty(world: &mut World) {
    let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    assert_eq!(profiles, []);
    let waiting = inspect::waiting(&mut world.card, &mut world.rng).unwrap();
    assert_eq!(waiting, 0);
}

/// extCardResource tells the SM-DP+ that the package does not fit: the card is
/// never asked to load it, and another eUICC may still have the profile.
#[test]
fn the_smdp_refuses_what_the_card_says_it_has_no_room_for() {
    let template = profile::template();
    let mut world = world_with_memory(template.len() - 200);
    let subscription = world.subscription(1).unwrap();
    let state = download(&mut world, &template, &subscription);
    let OperationState::Failed { reason } = state else {
        panic!("{state:?}");
    };
    assert!(reason.contains("8.1/4.8"), "{reason}");
    is_empty(&mut world);
    assert_eq!(world.card.free_memory(), template.len() - 200);
}

/// The package is small, the profile is not: the card fails at the element that
/// no longer fits, says so signed, and nothing of the profile remains.
#[test]
fn the_card_refuses_what_only_turns_out_to_be_too_large() {
    let octets = 20_000;
    let mut world = world_with_memory(octets);
    let template = understated(2 * octets as u32);
    assert!(template.len() < octets);
    for number in 1..=3 {
        let subscription = world.subscription(number).unwrap();
        let iccid = subscription.iccid;
        let state = download(&mut world, &template, &subscription);
        let OperationState::Failed { reason } = &state else {
            panic!("{state:?} {:?}", world.events);
        };
        let code = ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE;
        assert!(reason.contains(&code.to_string()), "{reason}");
        let order = world.smdp.store().order(iccid).unwrap().unwrap().value;
        assert_eq!(order.state, OrderState::Error);
        is_empty(&mut world);
        assert_eq!(world.card.free_memory(), octets);
        // Nor after a power cut.
        world.power_cut();
        is_empty(&mut world);
        assert_eq!(world.card.free_memory(), octets);
    }
    takes_a_smaller_one(&mut world, 10);
}

/// The result says which element it was, in the words of the installer.
#[test]
fn the_result_names_the_element() {
    let mut world = world_with_memory(20_000);
    let subscription = world.subscription(1).unwrap();
    // The SM-DP+ does not get the notification: it stays on the card.
    world.fault.lose = Some(Box::new(|request, _| {
        request.path.ends_with("handleNotification")
    }));
    let state = download(&mut world, &understated(40_000), &subscription);
    assert!(matches!(state, OperationState::Failed { .. }), "{state:?}");
    let waiting = inspect::notifications(&mut world.card, &mut world.rng).unwrap();
    let [PendingNotification::ProfileInstallationResult(result)] = waiting.as_slice() else {
        panic!("{waiting:?}");
    };
    let data = &result.profile_installation_result_data;
    let FinalResult::Error(error) = &data.final_result else {
        panic!("{:?}", data.final_result);
    };
    assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
    let response = EuiccResponse::from_der(error.sima_response.as_ref().unwrap()).unwrap();
    let [status] = response.pe_status.as_slice() else {
        panic!("{response:?}");
    };
    assert_eq!(status.status, PeStatusCode::NOT_ENOUGH_MEMORY);
    assert_eq!(status.identification, Some(LARGE));
    assert!(response.profile_installation_aborted.is_some());
    // Delivered when the SM-DP+ answers again.
    world.fault.lose = None;
    world.round().unwrap();
    is_empty(&mut world);
    takes_a_smaller_one(&mut world, 2);
}

/// To the octet: what fits exactly is taken and leaves nothing, one less is
/// refused.
#[test]
fn the_last_octet_counts() {
    let template = understated(9_000);
    let mut world = world_with_memory(100_000);
    let subscription = world.subscription(1).unwrap();
    let state = download(&mut world, &template, &subscription);
    assert!(
        matches!(state, OperationState::Confirmed { .. }),
        "{state:?}"
    );
    let size = 100_000 - world.card.free_memory();
    for (octets, fits) in [(size, true), (size - 1, false)] {
        let mut world = world_with_memory(octets);
        let subscription = world.subscription(1).unwrap();
        let state = download(&mut world, &template, &subscription);
        match fits {
            true => {
                assert!(
                    matches!(state, OperationState::Confirmed { .. }),
                    "{state:?}"
                );
                assert_eq!(world.card.free_memory(), 0);
            }
            false => {
                assert!(matches!(state, OperationState::Failed { .. }), "{state:?}");
                assert_eq!(world.card.free_memory(), octets);
            }
        }
    }
}
