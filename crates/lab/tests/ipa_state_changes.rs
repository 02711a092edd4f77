//! What the device tells its IPA: every eIM hears of it with the next poll,
//! once, whatever comes in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Algorithm, World};
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromIpaToEim, HandleNotificationEsipa, IpaEuiccDataResponse,
    ProfileDownloadTriggerResultData, StateChangeCause,
};
use rsp_core::binding::{HttpRequest, esipa_asn1};
use rsp_core::eim::{EuiccDataQuery, ImmediateEnable, OperationKind};
use rsp_core::ipa::{DeviceEvent, Event, Input, IpaFeatures};
use rsp_core::profile;

/// notifyStateChange, cause and rPLMN of a poll.
type Poll = (bool, Option<i64>, Option<String>);

/// A world whose polls are written down.
fn watched() -> (World, Rc<RefCell<Vec<Poll>>>) {
    let mut world = World::new(23).unwrap();
    let polls = Rc::new(RefCell::new(Vec::new()));
    let seen = polls.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        if let Ok(EsipaMessageFromIpaToEim::GetEimPackageRequest(poll)) =
            esipa_asn1::decode_request(request)
        {
            seen.borrow_mut().push((
                poll.notify_state_change.is_some(),
                poll.state_change_cause.map(|cause| cause.0),
                poll.r_plmn.map(|plmn| plmn.to_string()),
            ));
        }
    }));
    world.round().unwrap();
    polls.borrow_mut().clear();
    (world, polls)
}

fn tell(world: &mut World, event: DeviceEvent) {
    world.ipa.handle(Input::Device(event), world.now);
}

fn causes(polls: &Rc<RefCell<Vec<Poll>>>) -> Vec<Option<i64>> {
    polls.borrow_mut().drain(..).map(|poll| poll.1).collect()
}

/// IPA-44: the cause is stored, the answer lost, the IPA started again: it is
/// told until it was answered, and then no more.
#[test]
fn a_change_is_told_until_it_is_answered_once() {
    let (mut world, polls) = watched();
    tell(&mut world, DeviceEvent::DeviceChanged);
    world.fault.lose = Some(Box::new(|_, _| true));
    world.round().unwrap();
    let told = causes(&polls);
    let cause = Some(StateChangeCause::DEVICE_CHANGE.0);
    assert!(
        !told.is_empty() && told.iter().all(|told| *told == cause),
        "{told:?}"
    );

    world.power_cut();
    world.round().unwrap();
    assert!(causes(&polls).contains(&cause), "after a power cut");
    world.fault.lose = None;
    world.round().unwrap();
    assert_eq!(causes(&polls).first(), Some(&cause));
    world.round().unwrap();
    let told = causes(&polls);
    assert!(told.iter().all(Option::is_none), "{told:?}");
}

/// IPA-45: each kind of change has its cause.
#[test]
fn each_change_has_its_cause() {
    for (event, cause) in [
        (DeviceEvent::ChangedLocally, StateChangeCause::LOCAL),
        (DeviceEvent::MemoryReset, StateChangeCause::RESET),
        (DeviceEvent::DeviceChanged, StateChangeCause::DEVICE_CHANGE),
        (DeviceEvent::ChangedOtherwise, StateChangeCause::UNDEFINED),
    ] {
        let (mut world, polls) = watched();
        tell(&mut world, event);
        world.round().unwrap();
        assert_eq!(causes(&polls).first(), Some(&Some(cause.0)), "{event:?}");
    }
}

/// IPA-45: a profile is enabled right after its installation, as the eUICC was
/// configured to do.
#[test]
fn a_profile_that_is_enabled_immediately() {
    let (mut world, polls) = watched();
    world.ipa_config.features = IpaFeatures {
        direct: false,
        indirect: true,
        ..world.ipa_config.features
    };
    world.restart_ipa();
    let configure = ImmediateEnable {
        enable: true,
        ..ImmediateEnable::default()
    };
    let configure = OperationKind::ConfigureImmediateEnable(configure);
    world.ask(configure).unwrap();
    world.round().unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world
        .ask(OperationKind::Download { activation_code })
        .unwrap();
    polls.borrow_mut().clear();
    world.events.clear();
    world.round().unwrap();
    world.round().unwrap();
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    let switched = Event::ProfileSwitched {
        command: "ImmediateEnable",
    };
    assert!(world.events.contains(&switched), "{:?}", world.events);
    let cause = Some(StateChangeCause::IMMEDIATE_ENABLE_PROFILE.0);
    let told = causes(&polls);
    assert_eq!(told.iter().filter(|told| **told == cause).count(), 1);
}

/// What eIMs are told of data and downloads from now on: their codes.
fn reports(world: &mut World) -> Rc<RefCell<Vec<(&'static str, i64)>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let seen = told.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        let result = match esipa_asn1::decode_request(request) {
            Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided))
            | Ok(EsipaMessageFromIpaToEim::HandleNotification(
                HandleNotificationEsipa::ProvideEimPackageResult(provided),
            )) => provided.eim_package_result,
            _ => return,
        };
        match result {
            EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Error(error)) => {
                seen.borrow_mut()
                    .push(("data", error.ipa_euicc_data_error_code.0));
            }
            EimPackageResult::ProfileDownloadTriggerResult(result) => {
                use ProfileDownloadTriggerResultData as Data;
                let code = match result.profile_download_trigger_result_data {
                    Data::ProfileDownloadError(error) => error.profile_download_error_reason.0,
                    _ => 0,
                };
                seen.borrow_mut().push(("download", code));
            }
            _ => {}
        }
    }));
    told
}

/// While the Emergency Profile is enabled nothing is downloaded and no data is
/// collected: ecallActive (104), over a power cut as well; afterwards both are
/// done.
#[test]
fn nothing_is_done_for_an_eim_during_an_emergency() {
    let (mut world, _) = watched();
    // What the eIM has to know of a card before a download.
    world.ask(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let told = reports(&mut world);
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    answers(&mut world, [0xBF, 0x5B], 0);
    tell(&mut world, DeviceEvent::EmergencyCall);
    world.round().unwrap();
    world.power_cut();
    let download = OperationKind::Download { activation_code };
    let during = world.ask(download.clone()).unwrap();
    let capabilities = EuiccDataQuery {
        tags: vec![0xA8],
        ..EuiccDataQuery::default()
    };
    world
        .ask(OperationKind::GetEuiccData(capabilities))
        .unwrap();
    world.round().unwrap();
    world.round().unwrap();
    let codes = told.borrow().clone();
    assert!(codes.contains(&("download", 104)), "{codes:?}");
    assert!(codes.contains(&("data", 104)), "{codes:?}");
    let operation = world.operation(&during).unwrap();
    let shown = format!("{operation:?}");
    assert!(shown.contains("ecallActive"), "{shown}");

    told.borrow_mut().clear();
    answers(&mut world, [0xBF, 0x5C], 0);
    tell(&mut world, DeviceEvent::EmergencyCallOver);
    world.round().unwrap();
    world.fault.answer = None;
    let after = world.ask(download).unwrap();
    world.round().unwrap();
    world.round().unwrap();
    assert_eq!(*told.borrow(), [("download", 0)]);
    let operation = world.operation(&after).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
}

/// IPA-46: the network of the modem is in every poll.
#[test]
fn every_poll_names_the_network() {
    let (mut world, polls) = watched();
    let network = "26201".parse().unwrap();
    tell(&mut world, DeviceEvent::Registered(Some(network)));
    world.round().unwrap();
    let expected = Some(network.to_string());
    assert!(polls.borrow().iter().all(|poll| poll.2 == expected));
    assert!(!polls.borrow().is_empty());
    polls.borrow_mut().clear();
    tell(&mut world, DeviceEvent::Registered(None));
    world.round().unwrap();
    assert!(polls.borrow().iter().all(|poll| poll.2.is_none()));
}

/// The card's answer to a function of ES10b that switches profiles.
fn answers(world: &mut World, tag: [u8; 2], code: u8) {
    world.fault.answer = Some(Box::new(move |command, answer| {
        let asked = command.get(5..7) == Some(&tag);
        Ok(match asked {
            true => vec![tag[0], tag[1], 3, 0x80, 1, code, 0x90, 0x00],
            false => answer,
        })
    }));
}

/// IPA-45, IPA-56: connectivity is lost for long: ExecuteFallbackMechanism, and
/// then cause 1; so are the return and the Emergency Profile.
#[test]
fn the_device_has_profiles_switched_and_the_eim_hears_of_it() {
    for (event, tag, cause) in [
        (
            DeviceEvent::ConnectivityLost,
            0x5D,
            StateChangeCause::FALLBACK,
        ),
        (
            DeviceEvent::ReturnFromFallback,
            0x5E,
            StateChangeCause::FALLBACK,
        ),
        (
            DeviceEvent::EmergencyCall,
            0x5B,
            StateChangeCause::EMERGENCY_PROFILE,
        ),
        (
            DeviceEvent::EmergencyCallOver,
            0x5C,
            StateChangeCause::EMERGENCY_PROFILE,
        ),
    ] {
        let (mut world, polls) = watched();
        answers(&mut world, [0xBF, tag], 0);
        tell(&mut world, event);
        world.round().unwrap();
        assert_eq!(causes(&polls).first(), Some(&Some(cause.0)), "{event:?}");
        let switched = |event: &Event| matches!(event, Event::ProfileSwitched { .. });
        assert_eq!(
            world.events.iter().filter(|event| switched(event)).count(),
            1
        );
    }
}

/// IPA-56: a card without Fallback Profile refuses; the device polls on, and
/// there is nothing to tell.
#[test]
fn a_refused_fallback_is_no_change() {
    let (mut world, polls) = watched();
    tell(&mut world, DeviceEvent::ConnectivityLost);
    world.round().unwrap();
    let told = causes(&polls);
    assert!(
        !told.is_empty() && told.iter().all(Option::is_none),
        "{told:?}"
    );
    let refused = |event: &Event| matches!(event, Event::SwitchRefused { .. });
    assert_eq!(
        world.events.iter().filter(|event| refused(event)).count(),
        1
    );
    // It was done once: not again in the next round.
    world.round().unwrap();
    assert_eq!(
        world.events.iter().filter(|event| refused(event)).count(),
        1
    );
}
