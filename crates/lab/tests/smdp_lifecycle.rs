//! The life of an order beyond the straight way: confirmation codes, retries,
//! expiry, limits, cancellation, owners, and what the operator is told.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::time::Duration;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{BoundProfilePackage, CancelSessionReason};
use rsp_core::binding::es2plus_json::{
    CancelOrder, ConfirmOrder, DownloadOrder, FinalProfileStatus, HandleDownloadProgressInfo,
    RequestHeader,
};
use rsp_core::binding::json::{ExecutionStatus, FunctionExecutionStatus};
use rsp_core::profile;
use rsp_core::smdp::{
    OrderEnd, OrderState, Policy, ProfileTypeSettings, Protection, SESSION_LIFETIME, Technology,
};
use smdp_support::{Bench, Card, START, cancel_order, confirm, download, iccid};
use store::{Due, EventStage};

/// Released with a confirmation code.
fn with_code(bench: &mut Bench, code: &str) {
    bench.stock("operational", &profile::template(), &[1]);
    bench.ordered(1, None);
    let request = ConfirmOrder {
        confirmation_code: Some(code.to_string()),
        ..confirm(1, "TOKEN")
    };
    bench.send(&request).unwrap();
    bench.send(&request).unwrap();
    let other = ConfirmOrder {
        confirmation_code: Some("other".to_string()),
        ..request
    };
    assert_eq!(bench.refusal(&other), "8.2.1/3.5");
}

#[test]
fn the_end_user_gives_the_confirmation_code() {
    let mut bench = Bench::new();
    with_code(&mut bench, "4711");
    let mut card = bench.card(1);
    let offered = bench.offered(&card, Some("TOKEN"));
    assert!(offered.smdp_signed2.cc_required_flag);
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.2.7/2.2");
    card.code = Some("4712".to_string());
    let wrong = card.get_package(&offered);
    assert_eq!(bench.refusal(&wrong), "8.2.7/3.8");
    // The same message again is no second attempt.
    let before = bench.order(1);
    assert_eq!(bench.refusal(&wrong), "8.2.7/3.8");
    assert_eq!(bench.order(1), before);
    card.code = Some("4711".to_string());
    bench.send(&card.get_package(&offered)).unwrap();
    assert_eq!(bench.order(1).state, OrderState::Downloaded);

    let stored = serde_json::to_string(&bench.order(1)).unwrap();
    assert!(!stored.contains("4711"), "{stored}");
    assert!(format!("{:?}", bench.order(1)).contains("hash: [redacted]"));
}

#[test]
fn too_many_wrong_codes_end_the_order() {
    let mut bench = Bench::limited(Policy {
        max_confirmation_failures: 3,
        ..Policy::default()
    });
    with_code(&mut bench, "4711");
    let mut card = bench.card(1);
    for (code, refusal) in [("1", "8.2.7/3.8"), ("2", "8.2.7/3.8"), ("3", "8.2.7/6.4")] {
        card.code = Some(code.to_string());
        let offered = bench.offered(&card, Some("TOKEN"));
        assert_eq!(bench.refusal(&card.get_package(&offered)), refusal);
    }
    assert_eq!(bench.order(1).state, OrderState::Error);
    assert_eq!(bench.order(1).ended, Some(OrderEnd::ConfirmationCode));
    let started = bench.started(&card);
    let again = card.authenticate(&started, Some("TOKEN"));
    assert_eq!(bench.refusal(&again), "8.2.6/3.8");
}

#[test]
fn an_order_expires() {
    let day = Duration::from_secs(86_400);
    let mut bench = Bench::limited(Policy {
        order_validity: day,
        ..Policy::default()
    });
    let card = bench.card(1);
    bench.released(1, None, "FIRST");
    bench.released(2, None, "SECOND");
    // At the last moment it is still offered, and then too late to be bound.
    bench.now = START.after(day - Duration::from_secs(1));
    let offered = bench.offered(&card, Some("FIRST"));
    bench.now = START.after(day);
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.8.5/4.10");
    for (number, token) in [(1, "FIRST"), (2, "SECOND")] {
        let started = bench.started(&card);
        let request = card.authenticate(&started, Some(token));
        assert_eq!(bench.refusal(&request), "8.8.5/4.10");
        assert_eq!(bench.order(number).state, OrderState::Error);
        // And so it stays.
        let started = bench.started(&card);
        let request = card.authenticate(&started, Some(token));
        assert_eq!(bench.refusal(&request), "8.8.5/4.10");
    }
}

#[test]
fn an_order_is_attempted_so_often_and_no_more() {
    let mut bench = Bench::limited(Policy {
        max_attempts: 2,
        ..Policy::default()
    });
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    for _ in 0..2 {
        let started = bench.started(&card);
        let request = card.authenticate(&started, Some("TOKEN"));
        bench.send(&request).unwrap();
        // A repeated message is no attempt.
        bench.send(&request).unwrap();
    }
    for _ in 0..2 {
        let started = bench.started(&card);
        let request = card.authenticate(&started, Some("TOKEN"));
        assert_eq!(bench.refusal(&request), "8.8.5/6.4");
        assert_eq!(bench.refusal(&request), refusal_again(&mut bench, &card));
        assert_eq!(bench.order(1).ended, Some(OrderEnd::Attempts));
    }
}

fn refusal_again(bench: &mut Bench, card: &Card) -> String {
    let started = bench.started(card);
    bench.refusal(&card.authenticate(&started, Some("TOKEN")))
}

#[test]
fn a_late_success_lifts_an_error() {
    let mut bench = Bench::limited(Policy {
        max_attempts: 1,
        ..Policy::default()
    });
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&card, Some("TOKEN"));
    assert_eq!(refusal_again(&mut bench, &card), "8.8.5/6.4");
    assert_eq!(bench.order(1).state, OrderState::Error);
    bench.now = bench.now.after(SESSION_LIFETIME);
    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    let order = bench.order(1);
    assert_eq!((order.state, order.ended), (OrderState::Installed, None));
}

fn package(bench: &mut Bench, card: &Card) -> BoundProfilePackage {
    let offered = bench.offered(card, Some("TOKEN"));
    let delivered = bench.send(&card.get_package(&offered)).unwrap();
    delivered.bound_profile_package
}

/// What stays the same in a package that is delivered again.
fn keys_and_segments(package: &BoundProfilePackage) -> Vec<u8> {
    let mut same = package.clone();
    let initialise = &package.initialise_secure_channel_request;
    let mut octets = initialise.smdp_otpk.clone();
    octets.extend(&initialise.control_ref_template.host_id);
    same.initialise_secure_channel_request =
        rsp_asn1::Signed::new(rsp_asn1::rsp::InitialiseSecureChannelRequest {
            transaction_id: rsp_asn1::ids::TransactionId::from_bytes(&[0]).unwrap(),
            smdp_sign: Vec::new(),
            ..(**initialise).clone()
        });
    octets.extend(same.to_der());
    octets
}

#[test]
fn the_same_one_time_key_gets_the_same_package() {
    for protection in [Protection::SessionKeys, Protection::ProfileKeys] {
        let mut bench = Bench::new();
        bench.settings.protection = protection;
        let mut card = bench.card(1);
        bench.released(1, None, "TOKEN");
        let offered = bench.offered(&card, Some("TOKEN"));
        assert_eq!(offered.smdp_signed2.bpp_euicc_otpk, None);
        let first = bench.send(&card.get_package(&offered)).unwrap();
        let first = first.bound_profile_package;
        let has_keys = first.second_sequence_of_87.is_some();
        assert_eq!(has_keys, protection == Protection::ProfileKeys);

        let offered = bench.offered(&card, Some("TOKEN"));
        assert_eq!(offered.smdp_signed2.bpp_euicc_otpk, Some(card.otpk()));
        let again = bench.send(&card.get_package(&offered)).unwrap();
        let again = again.bound_profile_package;
        assert_ne!(again, first, "the session is another");
        assert_eq!(keys_and_segments(&again), keys_and_segments(&first));
        let initialise = &again.initialise_secure_channel_request;
        assert_eq!(initialise.transaction_id, offered.transaction_id);

        // An eUICC that lost the key has a new one: all is new.
        card.otpk = 6;
        let third = package(&mut bench, &card);
        let otpk = |package: &BoundProfilePackage| {
            package.initialise_secure_channel_request.smdp_otpk.clone()
        };
        assert_ne!(otpk(&third), otpk(&first));
        assert_ne!(third.sequence_of_86, first.sequence_of_86);
        // From then on that is the one to be offered.
        let offered = bench.offered(&card, Some("TOKEN"));
        assert_eq!(offered.smdp_signed2.bpp_euicc_otpk, Some(card.otpk()));
        let id = offered.transaction_id.clone();
        bench.send(&card.get_package(&offered)).unwrap();
        assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
        assert_eq!(bench.host.store().kept_package(iccid(1)).unwrap(), None);
    }
}

#[test]
fn a_package_that_is_bound_once_stays_so() {
    let mut bench = Bench::new();
    bench.settings.bound_once = true;
    let mut card = bench.card(1);
    bench.released(1, None, "TOKEN");
    package(&mut bench, &card);
    package(&mut bench, &card);
    card.otpk = 6;
    let offered = bench.offered(&card, Some("TOKEN"));
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.2/3.7");
}

#[test]
fn a_postponed_download_is_open_to_any_euicc_again() {
    let mut bench = Bench::new();
    let (first, second) = (bench.card(1), bench.card(2));
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&first, Some("TOKEN"));
    let started = bench.started(&second);
    let request = second.authenticate(&started, Some("TOKEN"));
    assert_eq!(bench.refusal(&request), "8.1.1/3.8");
    let cancel = first.cancel(&id, CancelSessionReason::POSTPONED);
    bench.send(&cancel).unwrap();
    assert_eq!(bench.order(1).state, OrderState::Released);
    // The key of another eUICC is offered to nobody.
    let offered = bench.offered(&second, Some("TOKEN"));
    assert_eq!(offered.smdp_signed2.bpp_euicc_otpk, None);
    bench.send(&second.get_package(&offered)).unwrap();
}

#[test]
fn an_order_is_cancelled() {
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.stock("operational", &profile::template(), &[1, 2]);
    let available = cancel_order(1, FinalProfileStatus::Available);
    assert_eq!(bench.refusal(&available), "8.2.1/3.5");
    let unknown = cancel_order(9, FinalProfileStatus::Available);
    assert_eq!(bench.refusal(&unknown), "8.2.1/3.9");

    bench.ordered(1, Some(card.eid));
    bench.send(&confirm(1, "TOKEN")).unwrap();
    assert_eq!(bench.refusal(&available), "8.1.1/2.2");
    let of_other = CancelOrder {
        eid: Some(stranger.eid),
        ..available.clone()
    };
    assert_eq!(bench.refusal(&of_other), "8.2.1/3.10");
    let with_other_token = CancelOrder {
        eid: Some(card.eid),
        matching_id: Some("OTHER".to_string()),
        ..available.clone()
    };
    assert_eq!(bench.refusal(&with_other_token), "8.2.6/3.10");
    let right = CancelOrder {
        eid: Some(card.eid),
        matching_id: Some("TOKEN".to_string()),
        ..available
    };
    let offered = bench.offered(&card, Some("TOKEN"));
    bench.send(&right).unwrap();
    assert_eq!(bench.order(1).state, OrderState::Available);
    let cancelled = bench.order(1);
    bench.send(&right).unwrap();
    assert_eq!(bench.order(1), cancelled);

    // A session of the cancelled order has no say in the next one.
    bench.ordered(1, None);
    bench.send(&confirm(1, "NEXT")).unwrap();
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.2/1.2");
    let before = bench.order(1);
    let reason = CancelSessionReason::END_USER_REJECTION;
    let cancel = card.cancel(&offered.transaction_id, reason);
    bench.send(&cancel).unwrap();
    assert_eq!(bench.order(1), before);

    bench.ordered(2, None);
    let unavailable = cancel_order(2, FinalProfileStatus::Unavailable);
    bench.send(&unavailable).unwrap();
    assert_eq!(bench.order(2).state, OrderState::Unavailable);
    assert_eq!(bench.refusal(&download(2, None)), "8.2.1/3.3");

    // What is on an eUICC is not cancelled.
    bench.delivered(&card, Some("NEXT"));
    let too_late = cancel_order(1, FinalProfileStatus::Available);
    assert_eq!(bench.refusal(&too_late), "8.2.1/3.3");
}

#[test]
fn an_operator_sees_its_own_profiles_alone() {
    let mut bench = Bench::new();
    bench.settings.owner = Some("other".to_string());
    bench.stock("theirs", &profile::template(), &[1]);
    bench.settings = ProfileTypeSettings::default();
    bench.stock("anybody's", &profile::template(), &[2]);
    let of_type = |profile_type: &str| DownloadOrder {
        iccid: None,
        profile_type: Some(profile_type.to_string()),
        ..download(1, None)
    };
    assert_eq!(bench.refusal(&download(1, None)), "8.2.1/1.2");
    assert_eq!(bench.refusal(&of_type("theirs")), "8.2.5/1.2");
    bench.send(&of_type("anybody's")).unwrap();
    bench.operator = "other";
    bench.send(&download(1, None)).unwrap();
    // What one has ordered, the other does not touch.
    assert_eq!(bench.refusal(&download(2, None)), "8.2.1/1.2");
    assert_eq!(bench.refusal(&confirm(2, "TOKEN")), "8.2.1/1.2");
    let cancel = cancel_order(2, FinalProfileStatus::Available);
    assert_eq!(bench.refusal(&cancel), "8.2.1/1.2");
}

#[test]
fn a_repeated_call_orders_no_second_profile() {
    let mut bench = Bench::new();
    bench.stock("operational", &profile::template(), &[1, 2, 3]);
    let call = |identifier: &str| DownloadOrder {
        header: RequestHeader {
            function_requester_identifier: "1".to_string(),
            function_call_identifier: identifier.to_string(),
        },
        eid: None,
        iccid: None,
        profile_type: Some("operational".to_string()),
    };
    assert_eq!(bench.send(&call("A")).unwrap().iccid, iccid(1));
    assert_eq!(bench.send(&call("A")).unwrap().iccid, iccid(1));
    assert_eq!(bench.send(&call("B")).unwrap().iccid, iccid(2));
    bench.send(&confirm(1, "TOKEN")).unwrap();
    assert_eq!(bench.send(&call("A")).unwrap().iccid, iccid(3));
}

#[test]
fn the_euicc_and_its_device_must_fit() {
    let mut bench = Bench::new();
    let mut card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let refused = |bench: &mut Bench, card: &Card| {
        let started = bench.started(card);
        bench.refusal(&card.authenticate(&started, Some("TOKEN")))
    };
    let good = card.info.clone();
    // 255 octets of non-volatile memory.
    card.info.ext_card_resource = vec![0x81, 1, 0, 0x82, 2, 0, 0xFF, 0x83, 1, 0];
    assert_eq!(refused(&mut bench, &card), "8.1/4.8");
    card.info.ext_card_resource = vec![0x81, 1, 0, 0x82, 3, 1, 0, 0];
    bench.offered(&card, Some("TOKEN"));
    card.info = good.clone();
    card.info.svn = [1, 1, 0];
    assert_eq!(refused(&mut bench, &card), "8.8.3/3.1");
    card.info = good.clone();
    card.info.profile_version = [1, 9, 0];
    assert_eq!(refused(&mut bench, &card), "8.2.5/4.3");
    card.info.additional_euicc_profile_package_versions = Some(vec![[2, 0, 0]]);
    bench.offered(&card, Some("TOKEN"));
    card.info = good;

    // The device of these tests has LTE and 5G, and no CDMA.
    bench.settings.requires = vec![Technology::EutranEpc, Technology::CdmaEhrpd];
    bench.stock("cdma", &profile::template(), &[2]);
    bench.ordered(2, None);
    bench.send(&confirm(2, "CDMA")).unwrap();
    let started = bench.started(&card);
    let request = card.authenticate(&started, Some("CDMA"));
    assert_eq!(bench.refusal(&request), "8.2.5/4.3");
    assert_eq!(bench.order(2).state, OrderState::Released);
}

#[test]
fn an_order_with_an_smds_is_an_event_until_it_ends() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);
    bench.ordered(1, None);
    let request = ConfirmOrder {
        smds_address: Some("smds.example.com".to_string()),
        ..confirm(1, "TOKEN")
    };
    assert_eq!(bench.refusal(&request), "8.1.1/2.2");
    let request = ConfirmOrder {
        eid: Some(card.eid),
        ..request
    };
    bench.send(&request).unwrap();
    let order = bench.order(1);
    assert_eq!(order.smds_address.as_deref(), Some("smds.example.com"));
    // The same again is the same event.
    bench.send(&request).unwrap();
    let stages = |bench: &Bench| -> Vec<EventStage> {
        let events = bench.host.store().announcements(iccid(1)).unwrap();
        events.iter().map(|event| event.stage).collect()
    };
    assert_eq!(stages(&bench), [EventStage::Register]);
    let due = bench
        .host
        .store()
        .due_announcements(&Due::at(bench.now, 9))
        .unwrap();
    assert_eq!(due.len(), 1);
    bench.host.store().announced(&due[0]).unwrap();
    assert_eq!(stages(&bench), [EventStage::Registered]);
    // A package whose result is not known may have to be fetched again.
    let id = bench.delivered(&card, Some("TOKEN"));
    assert_eq!(stages(&bench), [EventStage::Registered]);
    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    assert_eq!(stages(&bench), [EventStage::Delete]);
    // An event is known by the MatchingID: there must be one.
    bench.stock("operational", &profile::template(), &[2]);
    bench.ordered(2, None);
    let without = ConfirmOrder {
        iccid: iccid(2),
        matching_id: Some(String::new()),
        ..request
    };
    assert_eq!(bench.refusal(&without), "8.2.6/2.1");
}

#[test]
fn a_cancelled_order_is_no_event_any_more() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);
    bench.ordered(1, Some(card.eid));
    let request = ConfirmOrder {
        smds_address: Some("smds.example.com".to_string()),
        ..confirm(1, "TOKEN")
    };
    bench.send(&request).unwrap();
    let cancel = CancelOrder {
        eid: Some(card.eid),
        ..cancel_order(1, FinalProfileStatus::Available)
    };
    bench.send(&cancel).unwrap();
    let events = bench.host.store().announcements(iccid(1)).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].stage, EventStage::Delete);
    // The next order of the profile has an event of its own.
    bench.ordered(1, Some(card.eid));
    bench.send(&request).unwrap();
    let events = bench.host.store().announcements(iccid(1)).unwrap();
    let stages: Vec<_> = events.iter().map(|event| event.stage).collect();
    assert_eq!(stages, [EventStage::Delete, EventStage::Register]);
}

/// Points and codes of what the operator was told.
fn told(bench: &Bench) -> Vec<(u8, String)> {
    let code = |status: &FunctionExecutionStatus| match &status.status_code_data {
        None => {
            assert_eq!(status.status, ExecutionStatus::ExecutedSuccess);
            "ok".to_string()
        }
        Some(data) => format!("{}/{}", data.subject_code, data.reason_code),
    };
    let shown = |message: &HandleDownloadProgressInfo| {
        assert_eq!(message.iccid, iccid(1));
        let point = message.notification_point_id.0;
        (point, code(&message.notification_point_status))
    };
    let progress = bench.progress();
    progress.iter().map(|told| shown(&told.message)).collect()
}

#[test]
fn the_operator_is_told_of_each_point() {
    let ok = |point| (point, "ok".to_string());
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&card, Some("TOKEN"));
    assert_eq!(told(&bench), [ok(1), ok(3)]);
    bench.raw(&card.result(&id, false));
    assert_eq!(told(&bench), [(4, "8.2/4.2".to_string())]);

    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&card, Some("TOKEN"));
    let request = card.result(&id, true);
    bench.raw(&request);
    bench.raw(&request);
    let progress = bench.progress();
    assert_eq!(progress.len(), 3);
    let installed = &progress[2].message;
    assert_eq!(installed.notification_point_id.0, 4);
    assert_eq!(installed.eid, Some(card.eid));
    assert_eq!(installed.profile_type, "operational");
    assert_eq!(installed.timestamp, bench.now.to_rfc3339());
    let sent = serde_json::to_value(&request).unwrap();
    let result_data = installed.result_data.as_deref();
    assert_eq!(result_data, sent["pendingNotification"].as_str());

    // Nobody is told of the orders of somebody who does not listen.
    let mut bench = Bench::new();
    bench.operator = "deaf";
    bench.released(1, None, "TOKEN");
    let card = bench.card(1);
    bench.delivered(&card, Some("TOKEN"));
    assert_eq!(told(&bench), []);
}

#[test]
fn the_operator_is_told_of_failures() {
    let mut bench = Bench::limited(Policy {
        max_attempts: 2,
        ..Policy::default()
    });
    let mut card = bench.card(1);
    with_code(&mut bench, "4711");
    let offered = bench.offered(&card, Some("TOKEN"));
    card.code = Some("1".to_string());
    bench.refusal(&card.get_package(&offered));
    let cancel = card.cancel(&offered.transaction_id, CancelSessionReason::TIMEOUT);
    bench.send(&cancel).unwrap();
    let offered = bench.offered(&card, Some("TOKEN"));
    let cancel = card.cancel(&offered.transaction_id, CancelSessionReason::POSTPONED);
    bench.send(&cancel).unwrap();
    assert_eq!(refusal_again(&mut bench, &card), "8.8.5/6.4");
    let expected = [
        (1, "ok"),
        (2, "8.2.7/3.8"),
        (2, "8.2/3.8"),
        (1, "ok"),
        (2, "8.2/3.8"),
        (1, "8.8.5/6.4"),
    ];
    let expected = expected.map(|(point, code)| (point, code.to_string()));
    assert_eq!(told(&bench), expected);
}
