//! A device goes from one eIM to another and back, and is never without one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use eim_support::{OTHER, at_other, operation, token, with_other, world_with_profiles};
use lab::{World, inspect};
use rsp_asn1::Asn1;
use rsp_core::eim::{EuiccRecord, OperationKind, Outcome};

fn eims(world: &mut World) -> Vec<String> {
    inspect::eims(&mut world.card, &mut world.rng).unwrap()
}

/// EIM-13, EIM-14, EIM-67 on the card: the new eIM is told of the token that
/// the eUICC made for it, and deletes the old one when it has seen the device.
#[test]
fn there_and_back() {
    let (mut world, _) = world_with_profiles(81, 1);
    let world = &mut world;
    let other = with_other(world);
    let own = world.eim.eim().eim_id.clone();

    let configuration = other.borrow().eim().configuration_data(0).unwrap().to_der();
    let add = world.ask(OperationKind::AddEim { configuration }).unwrap();
    world.round().unwrap();
    let made = token(&operation(world, &add));
    assert_eq!(eims(world), [own.as_str(), OTHER]);

    let record = EuiccRecord::new(world.eid, Some(made), 0);
    other.borrow().add_euicc(&record).unwrap();
    let list = at_other(world, &other, "list", OperationKind::ListEim);
    let Some(Outcome::Eims { eims: listed }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    assert_eq!(listed.len(), 2, "the device polls at the other eIM");

    let delete = OperationKind::DeleteEim {
        eim_id: own.clone(),
    };
    let delete = at_other(world, &other, "delete", delete);
    assert_eq!(delete.state_name(), "confirmed");
    assert_eq!(eims(world), [OTHER]);

    // And back: the old eIM's counter goes on, the token is a new one.
    let counter = |world: &World| {
        let found = world.eim.store().euicc(world.eid).unwrap();
        found.unwrap().value.counter_value
    };
    let before = counter(world);
    let configuration = world.eim.eim().configuration_data(before).unwrap().to_der();
    let add = OperationKind::AddEim { configuration };
    let made = token(&at_other(world, &other, "back", add));
    world.eim.remove_euicc(world.eid).unwrap();
    let record = EuiccRecord::new(world.eid, Some(made), 0);
    world.eim.add_euicc(&record).unwrap();
    let list = world.ask(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    assert_eq!(operation(world, &list).state_name(), "confirmed");
    assert!(counter(world) > before);
    let eim_id = OTHER.try_into().unwrap();
    let delete = world.ask(OperationKind::DeleteEim { eim_id }).unwrap();
    world.round().unwrap();
    assert_eq!(operation(world, &delete).state_name(), "confirmed");
    assert_eq!(eims(world), [own.as_str()]);
}
