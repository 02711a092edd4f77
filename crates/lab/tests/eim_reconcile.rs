//! Downloads whose result was lost are settled by what the eUICC signs, or not
//! at all; and devices that never give a result are not served without end.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lab::World;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimPackageError, EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    GetEimPackageRequest, GetEimPackageResponse, HandleNotificationEsipa,
    ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData, ProvideEimPackageResult,
};
use rsp_asn1::{Asn1, Extensions, Signed};
use rsp_core::Context;
use rsp_core::binding::HttpRequest;
use rsp_core::binding::es9plus_json::{self as es9plus, HandleNotificationRequest};
use rsp_core::binding::json::Function;
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState, Taken};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use store::EimReply;

const NOWHERE: &str = "/nowhere";

/// A world with an order of a profile; its activation code.
fn ordered() -> (World, Subscription, String) {
    let mut world = World::new(23).unwrap();
    let subscription = world.subscription(1).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    (world, subscription, code)
}

/// Queues a download of a profile that the eIM knows, or does not.
fn download(world: &mut World, name: &str, code: &str, expects: Option<Iccid>) -> OperationId {
    let id = OperationId(name.to_string());
    let activation_code = code.to_string();
    let kind = OperationKind::Download { activation_code };
    let operation = Operation {
        expects,
        ..Operation::queued(id.clone(), world.eid, kind, world.now)
    };
    world.eim.add_operation(&operation).unwrap();
    id
}

fn operation(world: &World, id: &OperationId) -> Operation {
    world.operation(id).unwrap()
}

fn state(world: &World, id: &OperationId) -> &'static str {
    operation(world, id).state_name()
}

/// The profile is installed, the eIM does not learn it, and the device forgets
/// that it owes a result: then it can only say, unsigned, that a second attempt
/// failed. Gives the installation result, as the SM-DP+ got it.
fn lose_the_result(world: &mut World) -> Signed<rsp_asn1::rsp::ProfileInstallationResult> {
    let seen = Rc::new(RefCell::new(None));
    let keep = seen.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        if request.path == HandleNotificationRequest::PATH
            && let Ok(es9plus::Request::HandleNotification(request)) =
                es9plus::decode_request(request)
            && let PendingNotification::ProfileInstallationResult(result) =
                request.pending_notification
        {
            keep.replace(Some(result));
        }
        if request.body.starts_with(&[0xBF, 0x3D]) {
            request.path = NOWHERE.to_string();
        }
    }));
    world.round().unwrap();
    world.memory = None;
    world.power_cut();
    world.fault = Default::default();
    world.events.clear();
    seen.take().unwrap()
}

#[test]
fn a_profile_that_the_euicc_lists_was_downloaded() {
    let (mut world, subscription, code) = ordered();
    let known = download(&mut world, "download", &code, Some(subscription.iccid));
    lose_the_result(&mut world);
    world.round().unwrap();
    let operation = operation(&world, &known);
    assert_eq!(operation.state_name(), "confirmed", "{:?}", world.events);
    let list = world.operation(&operation.settled_by.unwrap()).unwrap();
    assert_eq!(list.reconciles, Some(known));
    assert!(!operation.unverified);
}

#[test]
fn a_profile_that_the_euicc_does_not_list_was_not() {
    let (mut world, subscription, code) = ordered();
    let known = download(&mut world, "download", &code, Some(subscription.iccid));
    world.fault.lose = Some(Box::new(|request, _| request.path.contains("es9plus")));
    world.round().unwrap();
    let operation = operation(&world, &known);
    let OperationState::Failed { reason } = &operation.state else {
        panic!("{operation:?} {:?}", world.events);
    };
    assert_eq!(reason, "the eUICC lists no such profile");
    assert!(operation.settled_by.is_some());
}

/// A trigger is not signed: whoever repeats it on its way has the IPA try again,
/// here after the list that did not show the profile.
#[test]
fn a_download_that_succeeds_after_the_list_did() {
    let (mut world, subscription, code) = ordered();
    let known = download(&mut world, "download", &code, Some(subscription.iccid));
    world.fault.lose = Some(Box::new(|request, _| request.path.contains("es9plus")));
    let trigger = Rc::new(RefCell::new(None));
    let keep = trigger.clone();
    world.fault.response = Some(Box::new(move |_, response| {
        if response.body.windows(2).any(|tag| tag == [0xBF, 0x54]) {
            keep.replace(Some(response.clone()));
        }
    }));
    world.round().unwrap();
    assert_eq!(state(&world, &known), "failed");

    let trigger = trigger.take().unwrap();
    let mut again = Some(trigger);
    world.fault = Default::default();
    world.fault.response = Some(Box::new(move |_, response| {
        if let Some(again) = again.take() {
            *response = again;
        }
    }));
    world.round().unwrap();
    let settled = operation(&world, &known);
    let iccid = Some(subscription.iccid);
    let installed = rsp_core::eim::Outcome::Installed { iccid };
    assert_eq!(
        settled.state.outcome(),
        Some(&installed),
        "{:?}",
        world.events
    );
    assert_eq!(settled.settled_by, None, "its own result did");
}

/// Nothing that is signed says that a code is no good, but a list does that no
/// profile is new.
#[test]
fn a_download_that_brought_no_profile_has_failed() {
    let (mut world, _, _) = ordered();
    let never = download(&mut world, "never", "LPA:1$smdp.example.com$NEVER", None);
    world.round().unwrap();
    let failed = operation(&world, &never);
    let OperationState::Failed { reason } = &failed.state else {
        panic!("{failed:?} {:?}", world.events);
    };
    assert!(
        reason.starts_with("the eUICC lists no profile that it did not have before; the IPA says"),
        "{reason}"
    );
    let list = world.operation(&failed.settled_by.unwrap()).unwrap();
    assert_eq!(list.reconciles, Some(never));
}

/// The eIM does not know which profile it was to be, but the eUICC still has
/// its installation result.
#[test]
fn a_result_that_waits_on_the_euicc_is_asked_for() {
    let (mut world, subscription, code) = ordered();
    let lost = download(&mut world, "download", &code, None);
    lose_the_result(&mut world);
    world.round().unwrap();
    let settled = operation(&world, &lost);
    assert_eq!(settled.state_name(), "confirmed", "{:?}", world.events);
    let iccid = Some(subscription.iccid);
    let installed = rsp_core::eim::Outcome::Installed { iccid };
    assert_eq!(settled.state.outcome(), Some(&installed));
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    let of_it = |kept: &store::StoredEvidence| kept.operation == Some(lost.clone());
    assert!(evidence.iter().any(|kept| of_it(kept) && kept.verified));
    // The SM-DP+ has it from the device.
    let waiting = lab::inspect::waiting(&mut world.card, &mut world.rng);
    assert_eq!(waiting.unwrap(), 0);
}

/// The card says that nothing waits on it.
fn hide_notifications(world: &mut World) {
    world.fault.answer = Some(Box::new(|command, answer| {
        match command.get(5..7) == Some(&[0xBF, 0x2B]) {
            true => Ok(vec![0xBF, 0x2B, 0x02, 0xA0, 0x00, 0x90, 0x00]),
            false => Ok(answer),
        }
    }));
}

#[test]
fn a_profile_that_nobody_knows_stays_unknown() {
    let (mut world, _, code) = ordered();
    let unknown = download(&mut world, "download", &code, None);
    lose_the_result(&mut world);
    hide_notifications(&mut world);
    for _ in 0..3 {
        world.round().unwrap();
        assert_eq!(state(&world, &unknown), "outcome_unknown");
    }
}

/// Without EID, as some IPAs hand notifications to the eIM.
fn notify(
    world: &mut World,
    result: Signed<rsp_asn1::rsp::ProfileInstallationResult>,
) -> (Taken, Vec<String>) {
    let notification = PendingNotification::ProfileInstallationResult(result);
    hand_over(
        world,
        HandleNotificationEsipa::PendingNotification(notification),
    )
}

fn hand_over(world: &mut World, notification: HandleNotificationEsipa) -> (Taken, Vec<String>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let keep = said.clone();
    world.eim.observe(Box::new(move |eid, note| {
        let eid = eid.map(|eid| eid.to_string());
        keep.lock().unwrap().push(format!("{eid:?} {note}"));
    }));
    let message = EsipaMessageFromIpaToEim::HandleNotification(notification);
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    let EimReply::Notification(taken) = world.eim.handle(&message, &mut cx).unwrap() else {
        panic!("another reply");
    };
    let said = said.lock().unwrap().clone();
    (taken, said)
}

#[test]
fn an_installation_result_without_eid_settles_the_download_that_it_can_only_be_of() {
    let (mut world, subscription, code) = ordered();
    let lost = download(&mut world, "download", &code, None);
    let result = lose_the_result(&mut world);
    hide_notifications(&mut world);
    world.round().unwrap();
    assert_eq!(state(&world, &lost), "outcome_unknown");

    // One changed octet: it is of nobody.
    let mut octets = result.as_bytes().to_vec();
    *octets.last_mut().unwrap() ^= 1;
    let (taken, said) = notify(&mut world, Signed::from_der(&octets).unwrap());
    assert_eq!(taken, Taken::NotExecuted);
    assert!(said[0].starts_with("None a profile installation result was refused"));
    assert_eq!(state(&world, &lost), "outcome_unknown");

    let (taken, said) = notify(&mut world, result.clone());
    assert_eq!(taken, Taken::Stored);
    assert!(
        said[0].contains("settled by the eUICC's installation result"),
        "{said:?}"
    );
    let settled = operation(&world, &lost);
    let iccid = Some(subscription.iccid);
    let installed = rsp_core::eim::Outcome::Installed { iccid };
    assert_eq!(settled.state.outcome(), Some(&installed));
    let evidence = world.eim.store().evidence(world.eid).unwrap();
    assert_eq!(evidence.last().unwrap().operation, Some(lost.clone()));

    // Once more it proves nothing new.
    world.fault = Default::default();
    let other = world.subscription(2).unwrap();
    let code = world.order(&profile::template(), &other).unwrap();
    let next = download(&mut world, "next", &code, None);
    notify(&mut world, result);
    assert_eq!(state(&world, &next), "queued");
    world.round().unwrap();
    assert_eq!(state(&world, &lost), "confirmed");
    assert_eq!(state(&world, &next), "confirmed");
}

/// As the trigger's result, with neither EID nor transaction.
#[test]
fn a_download_result_that_names_nothing_is_attributed_as_well() {
    let (mut world, _, code) = ordered();
    let lost = download(&mut world, "download", &code, None);
    let result = lose_the_result(&mut world);
    hide_notifications(&mut world);
    world.round().unwrap();
    assert_eq!(state(&world, &lost), "outcome_unknown");
    let data = ProfileDownloadTriggerResultData::ProfileInstallationResult(result);
    let result = EimPackageResult::ProfileDownloadTriggerResult(ProfileDownloadTriggerResult {
        eim_transaction_id: None,
        profile_download_trigger_result_data: data,
        extensions: Extensions::default(),
    });
    let provided = HandleNotificationEsipa::ProvideEimPackageResult(ProvideEimPackageResult {
        eid_value: None,
        eim_package_result: result,
        extensions: Extensions::default(),
    });
    let (taken, said) = hand_over(&mut world, provided);
    assert_eq!(taken, Taken::Stored);
    assert_eq!(state(&world, &lost), "executed", "{said:?}");
}

#[test]
fn of_two_downloads_none_is_guessed() {
    let (mut world, _, code) = ordered();
    let lost = download(&mut world, "lost", &code, None);
    let result = lose_the_result(&mut world);
    hide_notifications(&mut world);
    world.round().unwrap();
    // A second one, of which nothing is known either.
    let subscription = world.subscription(2).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    let other = download(&mut world, "other", &code, None);
    world.fault = Default::default();
    lose_the_result(&mut world);
    hide_notifications(&mut world);
    world.round().unwrap();
    let states = |world: &World| [&lost, &other].map(|id| state(world, id));
    assert_eq!(states(&world), ["outcome_unknown"; 2]);
    let (taken, _) = notify(&mut world, result.clone());
    assert_eq!(taken, Taken::Stored, "it is kept all the same");
    assert_eq!(states(&world), ["outcome_unknown"; 2]);
}

/// What a poll is answered, by an IPA that never gives a result.
fn poll(world: &mut World) -> GetEimPackageResponse {
    let request = GetEimPackageRequest {
        eid_value: world.eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    };
    let message = EsipaMessageFromIpaToEim::GetEimPackageRequest(request);
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    match world.eim.handle(&message, &mut cx).unwrap() {
        EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_device_that_never_gives_a_result_has_to_pause() {
    let (mut world, subscription, _) = ordered();
    world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    let enable = world.queue(enable).unwrap();
    let none = EimPackageError::NO_EIM_PACKAGE_AVAILABLE;
    let none = GetEimPackageResponse::EimPackageError(none);
    let first = poll(&mut world);
    for _ in 0..3 {
        let mut served = 0;
        // A poll a second.
        for _ in 0..50 {
            let answer = poll(&mut world);
            assert!(answer == none || answer == first, "always the same package");
            served += u32::from(answer == first);
            world.now = world.now.after(Duration::from_secs(1));
        }
        assert!((1..=10).contains(&served), "{served}");
        world.now = world.now.after(Duration::from_secs(60));
    }
    // Whoever comes back now and then gets it each time.
    for _ in 0..20 {
        world.now = world.now.after(Duration::from_secs(60));
        assert_eq!(poll(&mut world), first);
    }
    assert_eq!(state(&world, &enable), "delivered");
    world.now = world.now.after(Duration::from_secs(60));
    world.round().unwrap();
    assert!(operation(&world, &enable).is_final(), "{:?}", world.events);
}
