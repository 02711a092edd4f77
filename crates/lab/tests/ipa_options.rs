//! What can be set of an IPA, and cards that behave in their own way.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use lab::{Fault, World};
use rsp_core::eim::OperationKind;
use rsp_core::ipa::{Config, Event};
use rsp_core::profile;

/// A world whose IPA is started anew with other settings.
fn world(change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::new(8).unwrap();
    change(&mut world.ipa_config);
    world.power_cut();
    world
}

/// The commands up to the first request to a server.
fn until_first_request(world: &mut World) -> Vec<Vec<u8>> {
    let commands = Rc::new(RefCell::new(Vec::new()));
    let seen = commands.clone();
    let polled = Rc::new(Cell::new(false));
    let is_polled = polled.clone();
    world.fault = Fault {
        command: Some(Box::new(move |command: &mut Vec<u8>| {
            if !is_polled.get() {
                seen.borrow_mut().push(command.clone());
            }
        })),
        request: Some(Box::new(move |_| polled.set(true))),
        ..Fault::default()
    };
    world.round().unwrap();
    world.fault = Fault::default();
    commands.take()
}

/// IPA-01: what the card is asked for before the first poll.
#[test]
fn the_card_is_asked_for_no_more_than_is_needed() {
    let mut world = world(|config| config.minimal = true);
    let mut commands = until_first_request(&mut world);
    // The answers are fetched in pieces.
    commands.retain(|command| command[1] != 0xC0);
    let hex = |command: &Vec<u8>| -> String {
        let octets = command.iter().map(|octet| format!("{octet:02X}"));
        octets.collect()
    };
    let commands: Vec<_> = commands.iter().map(hex).collect();
    assert_eq!(
        commands,
        [
            "80AA000005A903830107",
            "0070000001",
            "01A4040010A0000005591010FFFFFFFF8900000100",
            "81E2910006BF3E035C015A",
            "81E2910003BF5500",
            "81E2910003BF2B00",
        ]
    );
    assert_eq!(world.events, [Event::Idle]);
}

#[test]
fn so_many_packages_then_no_more() {
    // The first package asks for the certificates.
    let mut world = world(|config| config.stop_after = Some(2));
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = world.queue(download).unwrap();
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    let enable = world.queue(enable).unwrap();
    for _ in 0..2 {
        world.round().unwrap();
    }
    // Its certificates, which would confirm it, are not asked for any more.
    assert_eq!(world.operation(&download).unwrap().state_name(), "executed");
    assert_eq!(world.operation(&enable).unwrap().state_name(), "queued");
    assert_eq!(world.events.last(), Some(&Event::Stopped));
    assert!(world.ipa.poll_timeout().is_none() && world.ipa.poll_action().is_none());
}

#[test]
fn esipa_is_spoken_as_configured_and_repeated_as_often() {
    for times in [0, 1, 4] {
        let mut world = world(|config| {
            config.retry.times = times;
            config.esipa_path = Some("/bench".to_string());
            config.esipa_content_type = Some("application/octet-stream".to_string());
            config.admin_protocol = Some("gsma/rsp/v2.5.0".to_string());
        });
        let count = Rc::new(Cell::new(0));
        let counter = count.clone();
        world.fault.request = Some(Box::new(move |request| {
            counter.set(counter.get() + 1);
            assert_eq!(request.path, "/bench");
            assert_eq!(request.content_type, "application/octet-stream");
            assert_eq!(request.admin_protocol.as_deref(), Some("gsma/rsp/v2.5.0"));
        }));
        world.fault.lose = Some(Box::new(|_, _| true));
        world.round().unwrap();
        assert_eq!(count.get(), times + 1);
    }
}

/// IPA-54: the back-off.
#[test]
fn the_pauses_depend_on_the_seed() {
    let pause = |seed| {
        let mut world = world(|config| config.jitter_seed = seed);
        world.fault.lose = Some(Box::new(|_, _| true));
        let started = world.now;
        world.round().unwrap();
        world.now.since(started)
    };
    assert_eq!(pause(1), pause(1));
    assert_ne!(pause(1), pause(2));
}

/// '6Cxx': the same command again with Le = xx, here for the channel's number
/// and for each piece of an answer.
/// IPA-58: 61xx and 6Cxx.
#[test]
fn a_card_that_wants_another_length_is_asked_again_with_it() {
    let mut world = world(|_| ());
    world.queue(OperationKind::ListProfileInfo).unwrap();
    let corrected = Rc::new(RefCell::new(Vec::new()));
    // The command that has to come next, and the answer that waits for it.
    let held: Rc<RefCell<Option<[Vec<u8>; 2]>>> = Rc::default();
    let (seen, expected) = (corrected.clone(), held.clone());
    world.fault.command = Some(Box::new(move |command| {
        if let Some([again, _]) = &*expected.borrow() {
            assert_eq!(command, again, "the same command with the length");
            seen.borrow_mut().push(command.clone());
            // The card has done it already.
            *command = vec![0x00, 0xEE, 0x00, 0x00];
        }
    }));
    world.fault.answer = Some(Box::new(move |command, answer| {
        if let Some([_, answer]) = held.take() {
            return Ok(answer);
        }
        if command.len() != 5 || answer.len() == 2 {
            return Ok(answer);
        }
        // 256 octets are written as 0.
        let length = (answer.len() - 2) as u8;
        let mut again = command.to_vec();
        again[4] = length;
        held.replace(Some([again, answer]));
        Ok(vec![0x6C, length])
    }));
    world.round().unwrap();
    assert_eq!(world.events.last(), Some(&Event::Idle));
    let failed = |event: &Event| matches!(event, Event::Failed { .. });
    assert!(!world.events.iter().any(failed), "{:?}", world.events);
    let corrected = corrected.borrow();
    let of = |ins| corrected.iter().filter(|command| command[1] == ins).count();
    assert_eq!(of(0x70), 1, "MANAGE CHANNEL");
    assert!(of(0xC0) > 5, "GET RESPONSE");
}

#[test]
fn a_card_that_names_no_channel_has_opened_the_first() {
    let mut world = world(|_| ());
    world.fault.answer = Some(Box::new(|command, answer| {
        match command.get(..4) == Some(&[0x00, 0x70, 0x00, 0x00]) {
            true => Ok(vec![0x90, 0x00]),
            false => Ok(answer),
        }
    }));
    world.round().unwrap();
    assert_eq!(world.events, [Event::Idle]);
}

/// IPA-30: a card that answers nothing until it is reset.
#[test]
fn a_card_that_refuses_everything_after_a_switch_is_reset_and_its_result_delivered() {
    let mut world = world(|_| ());
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    let enable = world.queue(enable).unwrap();
    world.events.clear();
    // From the switch on until the card is told which terminal it is in, which
    // comes first after a reset.
    let switched = Rc::new(Cell::new(false));
    world.fault.answer = Some(Box::new(move |command, answer| {
        if command.get(1) == Some(&0xAA) {
            switched.set(false);
        }
        if switched.get() {
            return Ok(vec![0x69, 0x85]);
        }
        if command.get(5..7) == Some(&[0xBF, 0x51]) {
            switched.set(true);
        }
        Ok(answer)
    }));
    world.round().unwrap();
    assert_eq!(world.operation(&enable).unwrap().state_name(), "confirmed");
    let resets = world.events.iter();
    let resets = resets
        .filter(|e| matches!(e, Event::CardReset { .. }))
        .count();
    assert_eq!(resets, 1, "{:?}", world.events);
}

#[test]
fn a_card_need_not_know_terminal_capability() {
    for status in [[0x6D, 0x00], [0x6E, 0x00], [0x6A, 0x81], [0x69, 0x85]] {
        let mut world = world(|_| ());
        world.fault.answer = Some(Box::new(move |command, answer| {
            match command.get(..2) == Some(&[0x80, 0xAA]) {
                true => Ok(status.to_vec()),
                false => Ok(answer),
            }
        }));
        world.round().unwrap();
        assert_eq!(world.events, [Event::Idle], "{status:02X?}");
    }
}

#[test]
fn a_waiting_proactive_command_is_no_failure() {
    let mut world = world(|_| ());
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = world.queue(download).unwrap();
    world.fault.answer = Some(Box::new(|_, mut answer| {
        if let [.., sw1 @ 0x90, sw2 @ 0x00] = answer.as_mut_slice() {
            (*sw1, *sw2) = (0x91, 0x2D);
        }
        Ok(answer)
    }));
    world.round().unwrap();
    let download = world.operation(&download).unwrap();
    assert_eq!(download.state_name(), "confirmed", "{download:?}");
}

/// IPA-52: removed from the card after 200 or 204.
#[test]
fn a_notification_is_taken_over_with_any_success() {
    for status in [200, 201, 202, 204] {
        let mut world = world(|_| ());
        let subscription = world.subscription(1).unwrap();
        let activation_code = world.order(&profile::template(), &subscription).unwrap();
        world
            .queue(OperationKind::Download { activation_code })
            .unwrap();
        world.fault.response = Some(Box::new(move |_, response| {
            if response.status == 204 {
                response.status = status;
            }
        }));
        world.round().unwrap();
        let delivered = |event: &Event| matches!(event, Event::NotificationDelivered { .. });
        assert!(world.events.iter().any(delivered), "{:?}", world.events);
    }
}
