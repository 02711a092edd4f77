//! Power cuts between storage and card at every step, and storage that fails,
//! is damaged or is lost.

use lab::{Algorithm, Kill, Moment, Peer, Role, World, sizes};
use rsp_core::eim::{EuiccRecord, OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::profile::Subscription;

use crate::{download, enable_of, ordered, profiles, settled, two_profiles};

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Unanswered, Moment::Answered];

/// The second profile in the place of the first, which is deleted, in one
/// package; nothing has happened yet.
fn story() -> (World, [Subscription; 2], Vec<OperationId>) {
    let (mut world, subscriptions) = two_profiles(31);
    let [first, second] = &subscriptions;
    let kinds = vec![
        enable_of(second.iccid),
        OperationKind::Delete { iccid: first.iccid },
    ];
    let ids = world.order_list(kinds, true).unwrap();
    world.messages.clear();
    (world, subscriptions, ids)
}

/// What the eIM believes is what the card is, wherever power fails; nothing is
/// done twice; and what was not done can be ordered again. Every step of the
/// package, and a sample of the others.
#[test]
fn a_power_cut_at_every_step_leaves_eim_and_card_of_one_mind() {
    let (mut world, ..) = story();
    world.round().unwrap();
    // From the package's coming to the delivery of its result.
    let came = world.messages.iter().position(|peer| *peer == Peer::Memory);
    let came = came.unwrap();
    let rest = &world.messages[came..];
    let delivered = came + rest.iter().position(|peer| *peer == Peer::Eim).unwrap();
    let saved = world.messages[came..delivered].iter();
    let saved = saved.filter(|peer| **peer == Peer::Memory).count();
    assert_eq!(saved, 4, "by the IPA, before each effect, and at the end");
    let mut interrupted = 0;
    for message in came..delivered {
        for moment in MOMENTS {
            interrupted += cut(message, moment);
        }
    }
    assert!(interrupted > 2, "power failed amid the package");
    let others = (0..world.messages.len()).filter(|at| !(came..delivered).contains(at));
    let others: Vec<_> = others.collect();
    let seed = sizes::seed("a_power_cut_at_every_step_leaves_eim_and_card_of_one_mind");
    for at in sizes::sample(others.len(), 4, 2, seed) {
        for moment in MOMENTS {
            cut(others[at], moment);
        }
    }
}

/// One world with a cut; whether it was amid the package.
fn cut(message: usize, moment: Moment) -> usize {
    let (mut world, [first, second], ids) = story();
    world.kill = Some(Kill {
        role: Role::Device,
        message,
        moment,
        away: 0,
    });
    for _ in 0..4 {
        world.round().unwrap();
    }
    let told = format!("{message} {moment:?} {:?}", world.events);
    let states: Vec<_> = ids
        .iter()
        .map(|id| world.operation(id).unwrap().state_name())
        .collect();
    let [enabled, deleted] = states.as_slice() else {
        panic!("{states:?}");
    };
    let mut expected = Vec::new();
    if *deleted != "confirmed" {
        expected.push((first.iccid, *enabled != "confirmed"));
    }
    expected.push((second.iccid, *enabled == "confirmed"));
    assert_eq!(profiles(&mut world), expected, "{states:?} {told}");
    for state in &states {
        assert!(["confirmed", "failed"].contains(state), "{states:?} {told}");
    }
    let processed = |event: &&Event| matches!(event, Event::PackageProcessed);
    assert!(world.events.iter().filter(processed).count() <= 2, "{told}");
    // What failed was not done, and is done now.
    if *enabled != "confirmed" {
        ordered(&mut world, enable_of(second.iccid), "confirmed");
    }
    if *deleted != "confirmed" {
        let delete = OperationKind::Delete { iccid: first.iccid };
        ordered(&mut world, delete, "confirmed");
    }
    world.confirm(&second, Algorithm::Milenage).unwrap();
    let amid = |event: &Event| *event == Event::PackageInterrupted;
    usize::from(world.events.iter().any(amid))
}

/// What cannot be noted first is not done.
#[test]
fn nothing_is_done_that_cannot_be_saved() {
    let (mut world, [first, second]) = two_profiles(32);
    let enable = world.queue(enable_of(second.iccid)).unwrap();
    world.fault.refuse_to_save = true;
    world.round().unwrap();
    assert_eq!(
        profiles(&mut world),
        [(first.iccid, true), (second.iccid, false)]
    );
    world.fault.refuse_to_save = false;
    settled(&mut world, &enable, "confirmed");
}

fn failed(world: &World, with: &str) -> bool {
    let says = |event: &Event| matches!(event, Event::Failed { reason } if reason.contains(with));
    world.events.iter().any(says)
}

/// Storage that cannot be read is not begun anew: counters would be lost.
#[test]
fn damaged_storage_is_refused_until_somebody_looks() {
    let (mut world, [_, second]) = two_profiles(33);
    let good = world.memory.clone().unwrap();
    let mut half = good.clone();
    half.truncate(good.len() / 2);
    let text = String::from_utf8(good.clone()).unwrap();
    let other = text.replace("\"counter\":", "\"kounter\":").into_bytes();
    assert_ne!(other, good);
    for damaged in [half, other, Vec::new()] {
        world.memory = Some(damaged);
        world.events.clear();
        world.restart_ipa();
        let enable = world.queue(enable_of(second.iccid)).unwrap();
        for _ in 0..2 {
            world.round().unwrap();
            world.restart_ipa();
        }
        assert!(failed(&world, "is lost"), "{:?}", world.events);
        assert_eq!(world.operation(&enable).unwrap().state_name(), "queued");
    }
    world.memory = Some(good);
    world.restart_ipa();
    world.round().unwrap();
    assert!(profiles(&mut world).contains(&(second.iccid, true)));
}

/// What is kept for one card is not lost when others are put in: one that there
/// is no room for is refused.
#[test]
fn each_card_keeps_its_own() {
    let (mut world, _) = two_profiles(34);
    let first = world.eid;
    for number in 10..18 {
        let eid = world.factory.eid(number).unwrap();
        let mut identity = world.factory.identity(eid, &mut world.rng).unwrap();
        identity.kind = euicc::EuiccKind::Consumer;
        let other = euicc::Euicc::new(identity.personalisation());
        let card = std::mem::replace(&mut world.card, other);
        world
            .eim
            .add_euicc(&EuiccRecord::new(eid, Some(1), 0))
            .unwrap();
        world.events.clear();
        world.round().unwrap();
        let begun = |event: &Event| matches!(event, Event::EmulatedEim { .. });
        assert_eq!(world.events.iter().any(begun), number < 17, "{number}");
        assert_eq!(failed(&world, "has no room"), number == 17);
        world.card = card;
    }
    assert_eq!(world.eid, first);
    let (_, id) = download(&mut world, 3);
    settled(&mut world, &id, "confirmed");
}
