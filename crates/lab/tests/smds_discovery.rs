//! An order becomes an event at an SM-DS, the device finds it there, and it is
//! gone when the profile is installed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::{ALTERNATIVE_SMDS, ROOT_SMDS, World};
use rsp_core::binding::BindingError;
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::profile;
use rsp_core::smdp::OrderState;

/// A world with SM-DSs and an order that is an event at one of them.
fn announced(smds: &str) -> (World, rsp_core::profile::Subscription) {
    let mut world = World::new(17).unwrap();
    world.add_smdss().unwrap();
    let subscription = world.subscription(1).unwrap();
    let template = profile::template();
    world
        .order_by_event(&template, &subscription, smds)
        .unwrap();
    (world, subscription)
}

fn contact_smds(world: &mut World, address: Option<&str>) -> OperationId {
    let smds_address = address.map(ToString::to_string);
    world
        .queue(OperationKind::ContactSmds { smds_address })
        .unwrap()
}

fn state(world: &World, id: &OperationId) -> &'static str {
    world.operation(id).unwrap().state_name()
}

/// Profiles that were installed, and why downloads failed.
fn ends(world: &World) -> (usize, Vec<String>) {
    let (mut installed, mut failed) = (0, Vec::new());
    for event in &world.events {
        match event {
            Event::Installed { .. } => installed += 1,
            Event::DownloadFailed { reason } => failed.push(reason.clone()),
            _ => {}
        }
    }
    (installed, failed)
}

/// IPA-38: contactSmds without address asks the root SM-DS of the eUICC, which
/// leads to the alternative one, and that to the SM-DP+.
#[test]
fn a_device_finds_its_order_through_root_and_alternative_smds() {
    let (mut world, subscription) = announced(ALTERNATIVE_SMDS);
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    assert_eq!(world.tell_smdss().unwrap(), [], "it is told once");
    contact_smds(&mut world, None);
    world.round().unwrap();
    let expected = [
        (ROOT_SMDS.to_string(), 1),
        (ALTERNATIVE_SMDS.to_string(), 1),
    ];
    assert_eq!(world.smdss_asked(), expected, "{:?}", world.events);
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_eq!(order.unwrap().value.state, OrderState::Installed);
    assert_eq!(ends(&world), (1, Vec::new()));

    // What is installed waits nowhere any more.
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    for smds in world.smdss.values() {
        assert!(
            smds.store()
                .smds_events(world.eid)
                .unwrap()
                .value
                .is_empty()
        );
    }
    contact_smds(&mut world, None);
    world.round().unwrap();
    let nothing = "no event waits at the SM-DS".to_string();
    assert_eq!(ends(&world), (1, vec![nothing]));
}

/// IPA-38: contactSmds with an address asks that SM-DS alone.
#[test]
fn a_device_asks_the_smds_that_the_trigger_names() {
    let (mut world, _) = announced(ALTERNATIVE_SMDS);
    world.tell_smdss().unwrap();
    contact_smds(&mut world, Some(ALTERNATIVE_SMDS));
    world.round().unwrap();
    assert_eq!(world.smdss_asked(), [(ALTERNATIVE_SMDS.to_string(), 1)]);
    assert_eq!(ends(&world), (1, Vec::new()));
}

/// IPA-38: without an event the trigger fails, and the eIM knows why.
#[test]
fn without_an_event_the_trigger_fails() {
    let mut world = World::new(18).unwrap();
    world.add_smdss().unwrap();
    let operation = contact_smds(&mut world, None);
    world.round().unwrap();
    assert_eq!(world.smdss_asked(), [(ROOT_SMDS.to_string(), 0)]);
    // What the eUICC signed settles the operation: it lists no new profile.
    assert_eq!(state(&world, &operation), "failed");
    contact_smds(&mut world, Some("smdp.example.com"));
    world.round().unwrap();
    let reasons = ["no event waits at the SM-DS", "the SM-DS is none"];
    let reasons = reasons.map(ToString::to_string).to_vec();
    assert_eq!(ends(&world), (0, reasons));
}

/// The root SM-DS is out of reach: the caller is told, and a repeated call goes
/// on where the first one ended.
#[test]
fn an_event_is_registered_at_the_root_when_it_can_be_reached_again() {
    let (mut world, _) = announced(ALTERNATIVE_SMDS);
    let root = world.smdss.remove(ROOT_SMDS).unwrap();
    let refused = world.tell_smdss().unwrap().remove(0).unwrap_err();
    assert!(
        matches!(&refused, BindingError::Refused(data)
            if data.subject_code == "8.9" && data.reason_code == "5.1"),
        "{refused:?}"
    );
    world.smdss.insert(ROOT_SMDS, root);
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    let events = |world: &World, smds: &str| {
        let store = world.smdss[smds].store();
        store.smds_events(world.eid).unwrap().value.len()
    };
    assert_eq!(events(&world, ROOT_SMDS), 1);
    assert_eq!(events(&world, ALTERNATIVE_SMDS), 1);
}

/// An order that has expired is withdrawn, though nobody asked for it.
#[test]
fn an_order_that_has_expired_is_no_event_any_more() {
    let (mut world, subscription) = announced(ROOT_SMDS);
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    world.now = order.unwrap().value.expires.unwrap();
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    let left = world.smdss[ROOT_SMDS].store().smds_events(world.eid);
    assert!(left.unwrap().value.is_empty());
    assert_eq!(world.tell_smdss().unwrap(), []);
}
