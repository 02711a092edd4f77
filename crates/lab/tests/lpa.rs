//! The user of a consumer device manages its eUICC: download with a
//! confirmation code, enable, nickname, notifications, delete, discovery.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use euicc::{Euicc, EuiccKind};
use lab::{ROOT_SMDS, World};
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{ProfileInfo, ProfileState};
use rsp_core::Context;
use rsp_core::binding::es2plus_json::{ConfirmOrder, DownloadOrder, RequestHeader};
use rsp_core::binding::json;
use rsp_core::ipa::lpa::{Answer, HashCc, Task};
use rsp_core::ipa::{ActivationCode, Event, Ipa};
use rsp_core::profile;
use rsp_core::smdp::{OrderState, ProfileTypeSettings};
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use store::ProfileStock;

/// A world whose card is one for consumer devices.
fn consumer(seed: u64) -> World {
    let mut world = World::new(seed).unwrap();
    let eid = world.factory.eid(2).unwrap();
    let mut identity = world.factory.identity(eid, &mut world.rng).unwrap();
    identity.kind = EuiccKind::Consumer;
    world.card = Euicc::new(identity.personalisation());
    world.eid = eid;
    world
}

/// Has a task carried out; why not, if it failed.
fn carry_out(world: &mut World, task: Task) -> Result<Answer, String> {
    world.events.clear();
    world.ipa = Ipa::local(world.ipa_config.clone(), task, world.now);
    while world.step().unwrap() {}
    let mut done = Err("nothing came of it".to_string());
    for event in &world.events {
        match event {
            Event::LocalAnswer(answer) => done = Ok(answer.clone()),
            Event::Failed { reason } => done = Err(reason.clone()),
            _ => {}
        }
    }
    done
}

fn profiles(world: &mut World) -> Vec<ProfileInfo> {
    match carry_out(world, Task::List).unwrap() {
        Answer::Profiles(profiles) => profiles,
        other => panic!("{other:?}"),
    }
}

/// An order; its profile and activation code.
fn ordered(world: &mut World) -> (Iccid, ActivationCode) {
    let subscription = world.subscription(1).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    (subscription.iccid, code.parse().unwrap())
}

#[test]
fn a_profile_from_its_download_to_its_end() {
    let mut world = consumer(31);
    assert_eq!(profiles(&mut world), []);
    let (iccid, code) = ordered(&mut world);
    let installed = carry_out(&mut world, Task::Download(code, None));
    assert_eq!(installed, Ok(Answer::Installed(Some(iccid))));
    // The SM-DP+ has the result, and the eUICC keeps it no longer.
    let order = world.smdp.store().order(iccid).unwrap().unwrap();
    assert_eq!(order.value.state, OrderState::Installed);
    let waiting = carry_out(&mut world, Task::Notifications);
    assert_eq!(waiting, Ok(Answer::Notifications(Vec::new())));

    let nickname = Task::Nickname(iccid, "Travel".to_string());
    assert_eq!(carry_out(&mut world, nickname), Ok(Answer::Done));
    assert_eq!(carry_out(&mut world, Task::Enable(iccid)), Ok(Answer::Done));
    let listed = profiles(&mut world).remove(0);
    assert_eq!(listed.profile_state, Some(ProfileState::ENABLED));
    assert_eq!(listed.profile_nickname.unwrap().as_str(), "Travel");
    let refused = carry_out(&mut world, Task::Delete(iccid)).unwrap_err();
    assert!(refused.contains("DeleteProfile: 2"), "{refused}");

    // What the SM-DP+ is to hear waits until it is sent.
    let Ok(Answer::Notifications(waiting)) = carry_out(&mut world, Task::Notifications) else {
        panic!("no notifications");
    };
    assert!(!waiting.is_empty());
    let unknown = carry_out(&mut world, Task::Send(Some(4711)));
    assert!(unknown.is_err(), "{unknown:?}");
    assert_eq!(carry_out(&mut world, Task::Send(None)), Ok(Answer::Done));
    let waiting = carry_out(&mut world, Task::Notifications);
    assert_eq!(waiting, Ok(Answer::Notifications(Vec::new())));

    assert_eq!(
        carry_out(&mut world, Task::Disable(iccid)),
        Ok(Answer::Done)
    );
    assert_eq!(carry_out(&mut world, Task::Delete(iccid)), Ok(Answer::Done));
    assert_eq!(profiles(&mut world), []);
    let Ok(Answer::Notifications(waiting)) = carry_out(&mut world, Task::Notifications) else {
        panic!("no notifications");
    };
    let number = waiting[0].seq_number;
    assert_eq!(
        carry_out(&mut world, Task::Remove(number)),
        Ok(Answer::Done)
    );
}

#[test]
fn the_euicc_says_what_it_is() {
    let mut world = consumer(32);
    let Ok(Answer::Info(info)) = carry_out(&mut world, Task::Info) else {
        panic!("no information");
    };
    assert_eq!(info.eid, world.eid);
    assert_eq!(info.root_smds_address.as_deref(), Some(ROOT_SMDS));
}

#[test]
fn what_waits_at_an_smds_is_found_and_downloaded() {
    let mut world = consumer(33);
    world.add_smdss().unwrap();
    let subscription = world.subscription(1).unwrap();
    let template = profile::template();
    let ordered = world.order_by_event(&template, &subscription, ROOT_SMDS);
    ordered.unwrap();
    world.tell_smdss().unwrap();
    let Ok(Answer::Events(mut codes)) = carry_out(&mut world, Task::Discover(None)) else {
        panic!("no events");
    };
    assert_eq!(codes.len(), 1);
    let installed = carry_out(&mut world, Task::Download(codes.remove(0), None));
    assert_eq!(installed, Ok(Answer::Installed(Some(subscription.iccid))));
}

/// An order that is confirmed with a code; its activation code.
fn ordered_with_code(world: &mut World, code: &str) -> ActivationCode {
    let subscription = world.subscription(1).unwrap();
    let stock = ProfileStock {
        profile_type: "operational",
        template: &profile::template(),
        service_provider_name: "Example Mobile",
        profile_name: "Operational",
        profile_class: 2,
        settings: ProfileTypeSettings::default(),
        subscriptions: std::slice::from_ref(&subscription),
    };
    world.smdp.store().add_profiles(&stock).unwrap();
    let download = DownloadOrder {
        header: RequestHeader::default(),
        eid: None,
        iccid: Some(subscription.iccid),
        profile_type: None,
    };
    let confirm = ConfirmOrder {
        header: RequestHeader::default(),
        iccid: subscription.iccid,
        eid: None,
        matching_id: Some("TOKEN".to_string()),
        confirmation_code: Some(code.to_string()),
        smds_address: None,
        release_flag: true,
    };
    let requests = [
        json::encode_request(&download, None).unwrap(),
        json::encode_request(&confirm, None).unwrap(),
    ];
    for request in requests {
        let mut cx = Context {
            now: world.now,
            rng: &mut world.rng,
            crypto: &SoftwareProvider,
        };
        let answer = world.smdp.es2plus(&request, "operator", &mut cx);
        assert_eq!(answer.unwrap().status, 200);
    }
    "LPA:1$smdp.example.com$TOKEN".parse().unwrap()
}

fn hash_cc(code: &str) -> Option<HashCc> {
    let inner = SoftwareProvider.sha256(&[code.as_bytes()]);
    Some(Box::new(move |id| SoftwareProvider.sha256(&[&inner, id])))
}

#[test]
fn the_user_gives_the_confirmation_code() {
    let mut world = consumer(35);
    let code = ordered_with_code(&mut world, "1234");
    // The order is open after a download without, and after one with another.
    let without = carry_out(&mut world, Task::Download(code.clone(), None));
    assert!(without.unwrap_err().contains("confirmation code"));
    let wrong = carry_out(&mut world, Task::Download(code.clone(), hash_cc("4321")));
    assert!(wrong.unwrap_err().contains("8.2.7/3.8"));
    let right = carry_out(&mut world, Task::Download(code, hash_cc("1234")));
    assert!(matches!(right, Ok(Answer::Installed(Some(_)))), "{right:?}");
}

#[test]
fn a_download_that_cannot_be_leaves_the_order_open() {
    let mut world = consumer(34);
    let (iccid, code) = ordered(&mut world);
    let other = ActivationCode {
        matching_id: "OTHER".to_string(),
        ..code.clone()
    };
    let refused = carry_out(&mut world, Task::Download(other, None)).unwrap_err();
    assert!(refused.contains("8.2.6/3.8"), "{refused}");
    let needs_code = ActivationCode {
        confirmation_code_required: true,
        ..code.clone()
    };
    let refused = carry_out(&mut world, Task::Download(needs_code, None)).unwrap_err();
    assert!(refused.contains("confirmation code"), "{refused}");
    let installed = carry_out(&mut world, Task::Download(code, None));
    assert_eq!(installed, Ok(Answer::Installed(Some(iccid))));
}
