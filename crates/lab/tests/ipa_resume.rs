//! Power cuts at every action of the IPA: it goes on from what it had saved
//! and from what the card keeps.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use lab::{Algorithm, Fault, Kill, Moment, Peer, Role, World};
use rsp_asn1::Asn1;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::FinalResult;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromIpaToEim, HandleNotificationEsipa,
    ProfileDownloadTriggerResultData,
};
use rsp_core::binding::HttpRequest;
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};

/// What the eIM was told of downloads: the RSP transactions of successful
/// installations, and how many results of another kind.
#[derive(Default)]
struct Reports {
    installed: Vec<TransactionId>,
    other: usize,
}

struct Story {
    world: World,
    subscription: Subscription,
    operations: [OperationId; 2],
    reports: Rc<RefCell<Reports>>,
}

/// A download and an enable are queued; nothing has happened yet.
fn story() -> Story {
    let mut world = World::new(5).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    let operations = [world.queue(download).unwrap(), world.queue(enable).unwrap()];
    let reports = Rc::new(RefCell::new(Reports::default()));
    let seen = reports.clone();
    world.fault = Fault {
        request: Some(Box::new(move |request| note(&seen, request))),
        ..Fault::default()
    };
    Story {
        world,
        subscription,
        operations,
        reports,
    }
}

fn note(reports: &RefCell<Reports>, request: &HttpRequest) {
    let Ok(EsipaMessageFromIpaToEim::HandleNotification(
        HandleNotificationEsipa::ProvideEimPackageResult(provided),
    )) = EsipaMessageFromIpaToEim::from_der(&request.body)
    else {
        return;
    };
    let EimPackageResult::ProfileDownloadTriggerResult(result) = provided.eim_package_result else {
        return;
    };
    assert!(result.eim_transaction_id.is_some());
    let data = result.profile_download_trigger_result_data;
    let mut reports = reports.borrow_mut();
    match data {
        ProfileDownloadTriggerResultData::ProfileInstallationResult(result)
            if matches!(
                result.profile_installation_result_data.final_result,
                FinalResult::Success(_)
            ) =>
        {
            let data = &result.profile_installation_result_data;
            reports.installed.push(data.transaction_id.clone());
        }
        _ => reports.other += 1,
    }
}

impl Story {
    /// Rounds until both operations are over.
    fn tell(&mut self) {
        for _ in 0..4 {
            self.world.round().unwrap();
        }
    }

    fn state(&self, index: usize) -> String {
        let operation = self.world.operation(&self.operations[index]).unwrap();
        operation.state_name().to_string()
    }

    fn count(&self, is: fn(&&Event) -> bool) -> usize {
        self.world.events.iter().filter(is).count()
    }
}

/// Where the story goes when nobody dies: how many actions there are.
fn actions() -> usize {
    let mut story = story();
    story.tell();
    assert_eq!([story.state(0), story.state(1)], ["confirmed", "confirmed"]);
    story.world.messages.len()
}

/// The device loses power at an action; afterwards everything is as it would
/// have been.
#[track_caller]
fn survives(message: usize, moment: Moment) -> bool {
    let mut story = story();
    story.world.kill = Some(Kill {
        role: Role::Device,
        message,
        moment,
        away: 0,
    });
    story.tell();
    let what = format!("{message} {moment:?} {:?}", story.world.events);
    assert_eq!(
        [story.state(0), story.state(1)],
        ["confirmed", "confirmed"],
        "{what}"
    );
    let Story {
        world,
        subscription,
        reports,
        ..
    } = &mut story;
    world.confirm(subscription, Algorithm::Milenage).unwrap();
    let reports = reports.borrow();
    assert_eq!(reports.other, 0, "{what}");
    // Only a cut before it could be saved that the eIM has answered makes the
    // IPA tell it again, and then the very same.
    let distinct: BTreeSet<_> = reports.installed.iter().map(|id| id.to_string()).collect();
    assert_eq!(distinct.len(), 1, "{what}");
    assert!(reports.installed.len() <= 2, "{what}");
    let twice = reports.installed.len() == 2;
    drop(reports);
    let recovered = story.count(|e| matches!(e, Event::DownloadRecovered { .. }));
    let installed = story.count(|e| matches!(e, Event::Installed { .. }));
    assert!(installed <= 1 && installed + recovered >= 1, "{what}");
    // Nothing is left to be delivered or forgotten.
    let before = story.world.messages.len();
    story.world.round().unwrap();
    let idle = &story.world.messages[before..];
    let others: Vec<_> = idle.iter().filter(|peer| **peer != Peer::Card).collect();
    assert_eq!(others, [&Peer::Eim], "{what}");
    twice
}

/// Every moment at every action, in parts so that they run side by side.
fn part(of: usize) {
    let actions = actions();
    let mut twice = 0;
    for message in (0..actions).filter(|message| message % 4 == of) {
        for moment in [Moment::Before, Moment::Unanswered, Moment::Answered] {
            twice += usize::from(survives(message, moment));
        }
    }
    // Answer lost, answer unread, and cut before the save.
    assert!(twice <= 3, "{twice}");
}

#[test]
fn a_power_cut_at_any_action_changes_nothing_1() {
    part(0);
}

#[test]
fn a_power_cut_at_any_action_changes_nothing_2() {
    part(1);
}

#[test]
fn a_power_cut_at_any_action_changes_nothing_3() {
    part(2);
}

#[test]
fn a_power_cut_at_any_action_changes_nothing_4() {
    part(3);
}

#[test]
fn what_was_installed_before_the_cut_is_found_and_reported() {
    // The last command of the loading is the one whose answer makes the IPA
    // say that the profile is installed.
    let mut whole = story();
    let last = loop {
        let before = whole.world.messages.len();
        whole.world.step().unwrap();
        if whole.count(|e| matches!(e, Event::Installed { .. })) == 1 {
            // Its event was taken after the answer to the command before.
            break before - 1;
        }
    };
    let mut story = story();
    story.world.kill = Some(Kill {
        role: Role::Device,
        message: last,
        moment: Moment::Unanswered,
        away: 0,
    });
    story.tell();
    let events = &story.world.events;
    assert_eq!(
        story.count(|e| matches!(e, Event::Installed { .. })),
        0,
        "{events:?}"
    );
    let recovered = Event::DownloadRecovered {
        iccid: Some(story.subscription.iccid),
    };
    assert_eq!(
        events.iter().filter(|e| **e == recovered).count(),
        1,
        "{events:?}"
    );
    assert_eq!(
        story.count(|e| matches!(e, Event::DownloadStarted { .. })),
        1
    );
    assert_eq!(story.reports.borrow().installed.len(), 1);
    assert_eq!([story.state(0), story.state(1)], ["confirmed", "confirmed"]);
}

#[test]
fn a_memory_that_cannot_be_read_is_said_and_does_no_harm() {
    for bytes in [
        vec![],
        b"{}".to_vec(),
        b"{\"version\":9}".to_vec(),
        vec![0; 3 << 20],
    ] {
        let mut story = story();
        story.world.memory = Some(bytes);
        story.world.restart_ipa();
        story.tell();
        assert_eq!(story.count(|e| matches!(e, Event::MemoryLost { .. })), 1);
        assert_eq!([story.state(0), story.state(1)], ["confirmed", "confirmed"]);
    }
}

#[test]
fn what_cannot_be_saved_is_not_done() {
    let mut story = story();
    story.world.fault.refuse_to_save = true;
    story.tell();
    assert_eq!(story.count(|e| matches!(e, Event::Installed { .. })), 0);
    assert_eq!(story.count(|e| matches!(e, Event::PackageProcessed)), 0);
    assert!(story.count(|e| matches!(e, Event::MemoryNotSaved { .. })) > 0);
}
