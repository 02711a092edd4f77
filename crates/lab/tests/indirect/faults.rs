//! Messages that are lost, come twice or are cut, on either side of the eIM,
//! and power cuts: every download comes to a good end, once.

use std::cell::Cell;
use std::rc::Rc;

use lab::{Kill, Moment, Role, World};
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::eim::{Operation, OperationState, SettledIn};
use rsp_core::ipa::Event;
use store::EuiccChange;

use super::{INDIRECT, enable_of, expect_installed, queue, world};

const FUNCTIONS: [&str; 3] = [
    "initiateAuthentication",
    "authenticateClient",
    "getBoundProfilePackage",
];

fn ended(world: &mut World, seed: u64, binding: EsipaBinding) {
    let (subscription, download) = queue(world, 1);
    let enable = world.queue(enable_of(subscription.iccid)).unwrap();
    for _ in 0..4 {
        world.round().unwrap();
    }
    expect_installed(world, &download, subscription.iccid);
    let state = world.operation(&enable).unwrap();
    assert_eq!(
        state.state_name(),
        "confirmed",
        "{seed} {binding:?} {state:?}"
    );
    let installed = |event: &&Event| matches!(event, Event::Installed { .. });
    assert_eq!(world.events.iter().filter(installed).count(), 1);
}

/// Each answer of the eIM is lost once: the repetition brings it again, and the
/// SM-DP+ is not asked twice.
#[test]
fn a_lost_answer_of_the_eim() {
    for (seed, function) in (50..).zip(FUNCTIONS.iter().chain(&["handleNotification"])) {
        let binding = EsipaBinding::Json;
        let mut world = world(seed, INDIRECT);
        world.ipa_config.esipa_binding = binding;
        world.restart_ipa();
        let asked = Rc::new(Cell::new(0));
        let (lost, counted) = (Cell::new(false), asked.clone());
        world.fault.lose = Some(Box::new(move |request, _| {
            request.path.ends_with(function) && !lost.replace(true)
        }));
        world.fault.relayed_request = Some(Box::new(move |_| counted.set(counted.get() + 1)));
        ended(&mut world, seed, binding);
        // A session that nobody knows of is begun anew.
        let expected = match *function {
            "initiateAuthentication" => 4,
            _ => 3,
        };
        assert_eq!(asked.get(), expected, "{function}");
    }
}

/// Each answer of the SM-DP+ is lost once: the IPA is told to try again.
#[test]
fn a_lost_answer_of_the_smdp() {
    for (seed, function) in (60..).zip(FUNCTIONS) {
        let mut world = world(seed, INDIRECT);
        let lost = Cell::new(false);
        world.fault.lose_relayed = Some(Box::new(move |request, _| {
            request.path.ends_with(function) && !lost.replace(true)
        }));
        ended(&mut world, seed, EsipaBinding::Asn1);
    }
}

/// Answers are given twice to the IPA; the SM-DP+ says 503 once at each
/// function.
#[test]
fn answers_that_come_twice_and_servers_that_are_busy() {
    let mut world = world(64, INDIRECT);
    world.fault.repeat_answers = true;
    ended(&mut world, 64, EsipaBinding::Asn1);
    for (seed, function) in (65..).zip(FUNCTIONS) {
        let mut world = super::world(seed, INDIRECT);
        let busy = Cell::new(false);
        world.fault.relayed_response = Some(Box::new(move |request, response| {
            if request.path.ends_with(function) && !busy.replace(true) {
                response.status = 503;
            }
        }));
        ended(&mut world, seed, EsipaBinding::Asn1);
    }
}

/// A cut answer of the SM-DP+ ends the attempt; the IPA says so, and what it
/// says settles nothing that the eUICC did not sign.
#[test]
fn a_cut_answer_of_the_smdp() {
    for (seed, function) in (70..).zip(FUNCTIONS) {
        let mut world = world(seed, INDIRECT);
        let cut = Cell::new(false);
        world.fault.relayed_response = Some(Box::new(move |request, response| {
            if request.path.ends_with(function) && !cut.replace(true) {
                let half = response.body.len() / 2;
                response.body.truncate(half);
            }
        }));
        let (_, download) = queue(&mut world, 1);
        for _ in 0..3 {
            world.round().unwrap();
        }
        let state = world.operation(&download).unwrap();
        let name = state.state_name();
        assert!(
            ["failed", "outcome_unknown"].contains(&name),
            "{function} {state:?}"
        );
    }
}

/// The device, its IPA, its card or the eIM dies at some messages of a download
/// in turn: the world comes to the same end.
#[test]
fn whoever_dies_comes_back() {
    let folder = std::env::temp_dir().join(format!("simurgh-indirect-{}", std::process::id()));
    let mut number = 0;
    for role in [Role::Device, Role::Ipa, Role::Card, Role::Eim] {
        for message in (10..150).step_by(23) {
            number += 1;
            let folder = folder.join(number.to_string());
            std::fs::create_dir_all(&folder).unwrap();
            let mut world = World::on_disk(80, &folder).unwrap();
            world.ipa_config.features = INDIRECT;
            world.restart_ipa();
            world.kill = Some(Kill {
                role,
                message,
                moment: Moment::Unanswered,
                away: 0,
            });
            let (subscription, download) = queue(&mut world, 1);
            for _ in 0..5 {
                world.round().unwrap();
            }
            let state = world.operation(&download).unwrap();
            // A card that loses power before it installs ends the attempt: the
            // IPA says so, and the card lists no new profile.
            let good = state.state_name() == "confirmed"
                || (role == Role::Card && state.state_name() == "failed");
            assert!(good, "{role:?} at {message}: {state:?} {:?}", world.events);
            let order = world
                .smdp
                .store()
                .order(subscription.iccid)
                .unwrap()
                .unwrap();
            assert_ne!(order.value.state.as_str(), "error", "{role:?} at {message}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The download was taken for failed, by a list that came too early: its signed
/// result, which comes late, makes it succeed.
#[test]
fn a_late_success() {
    let mut world = world(66, INDIRECT);
    let (subscription, download) = queue(&mut world, 1);
    // HandleNotification does not come through.
    world.fault.request = Some(Box::new(|request| {
        if request.body.starts_with(&[0xBF, 0x3D]) {
            request.path.push_str("-nowhere");
        }
    }));
    world.round().unwrap();
    let sent = world.operation(&download).unwrap();
    let (transaction, counter_value) = sent.sent().unwrap();
    let failed = Operation {
        settled_in: Some(SettledIn {
            eim_transaction_id: transaction.clone(),
            counter_value,
        }),
        state: OperationState::Failed {
            reason: "taken for failed".to_string(),
        },
        ..sent.clone()
    };
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap();
    let change = EuiccChange {
        record: &record.value,
        version: record.version,
        operations: &[failed],
        evidence: &[],
        now: world.now,
    };
    world.eim.store().commit_euicc(&change).unwrap();
    world.fault.request = None;
    world.round().unwrap();
    world.round().unwrap();
    expect_installed(&world, &download, subscription.iccid);
}
