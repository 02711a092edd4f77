//! What the eIM refuses, and what it passes on: numbers and pairs (SGP.32
//! 5.14.1 to 5.14.3, 5.14.8), and what the IPA makes of them.

use std::cell::RefCell;
use std::rc::Rc;

use lab::World;
use rsp_asn1::rsp::{CancelSessionReason, CancelSessionResponse};
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_asn1::{Asn1, BitString};
use rsp_core::binding::es9plus_json::{
    AuthenticateClientOk, AuthenticateClientRequest, InitiateAuthenticationRequest,
};
use rsp_core::binding::esipa::{self, EsipaBinding};
use rsp_core::binding::{HttpResponse, StatusCodeData, json};
use rsp_core::eim::{ConfirmationCode, Operation, OperationId, OperationKind};
use rsp_core::ipa::{Event, IpaFeatures};
use rsp_core::profile;

use super::{INDIRECT, expect_installed, queue, world};

/// What the IPA was told last, and why it cancelled.
#[derive(Default)]
struct Seen {
    cancelled: Vec<i64>,
}

fn watch(world: &mut World) -> Rc<RefCell<Seen>> {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let cancelled = seen.clone();
    world.fault.request = Some(Box::new(move |request| {
        if let Ok((_, EsipaMessageFromIpaToEim::CancelSessionRequest(cancel))) =
            esipa::decode_request(request)
            && let CancelSessionResponse::Ok(ok) = cancel.cancel_session_response
        {
            let reason = ok.euicc_cancel_session_signed.reason;
            cancelled.borrow_mut().cancelled.push(reason.0);
        }
    }));
    seen
}

fn failures(world: &World) -> String {
    let failed = world.events.iter().filter_map(|event| match event {
        Event::DownloadFailed { reason } => Some(reason.as_str()),
        _ => None,
    });
    failed.collect::<Vec<_>>().join("; ")
}

/// Answers a function of ES9+ with a refusal.
fn refuse(world: &mut World, function: &'static str, subject: &str, reason: &str) {
    let data = StatusCodeData {
        subject_code: subject.to_string(),
        reason_code: reason.to_string(),
        subject_identifier: None,
        message: None,
    };
    world.fault.relayed_response = Some(Box::new(move |request, response: &mut HttpResponse| {
        if request.path.ends_with(function) {
            *response = json::encode_response::<json::Empty>(Err(data.clone())).unwrap();
        }
    }));
}

/// A function of ES9+, and the pairs that it refuses with as the integers of
/// ESipa (SGP.32 5.14.1 to 5.14.3).
type Pairs = (&'static str, &'static [(&'static str, &'static str, i64)]);

const PAIRS: [Pairs; 3] = [
    (
        "initiateAuthentication",
        &[
            ("8.8.1", "3.8", 1),
            ("8.8.3", "3.1", 2),
            ("8.8.4", "3.7", 3),
            ("9.9", "9.9", 127),
        ],
    ),
    (
        "authenticateClient",
        &[
            ("8.1.2", "6.1", 1),
            ("8.1.2", "6.3", 2),
            ("8.1.3", "6.1", 3),
            ("8.1.3", "6.3", 4),
            ("8.1", "6.1", 5),
            ("8.2.6", "3.8", 6),
            ("8.1.1", "3.8", 7),
            ("8.2.5", "4.3", 8),
            ("8.11.1", "3.9", 9),
            ("8.10.1", "3.9", 10),
            ("8.1", "4.8", 11),
            ("8.8.5", "4.10", 18),
            ("8.9.5", "3.9", 56),
            ("8.2", "1.2", 127),
        ],
    ),
    (
        "getBoundProfilePackage",
        &[
            ("8.1", "6.1", 1),
            ("8.2.7", "2.2", 2),
            ("8.2.7", "3.8", 3),
            ("8.2.7", "6.4", 4),
            ("8.2", "3.7", 5),
            ("8.8.5", "4.10", 6),
            ("8.10.1", "3.9", 95),
            ("8.1", "4.2", 127),
        ],
    ),
];

/// EIM-52: each pair of the SM-DP+ as the number of the table.
#[test]
fn pairs_of_the_smdp_are_numbers_of_esipa() {
    for (seed, (function, pairs)) in (20..).zip(PAIRS) {
        let mut world = world(seed, INDIRECT);
        for (number, (subject, reason, code)) in (1..).zip(pairs) {
            refuse(&mut world, function, subject, reason);
            let (_, download) = match number {
                1 => queue(&mut world, number),
                _ => super::queue_of_type(&mut world, number),
            };
            world.events.clear();
            world.round().unwrap();
            let said = failures(&world);
            let told = said
                .split("; ")
                .any(|said| said.ends_with(&format!(": {code}")));
            assert!(told, "{function} {subject}/{reason}: {said}");
            let operation = world.operation(&download).unwrap();
            assert_ne!(operation.state_name(), "confirmed", "{operation:?}");
            settle(&mut world, &download);
        }
    }
}

/// Takes an operation out of the way.
fn settle(world: &mut World, id: &OperationId) {
    world.fault.relayed_response = None;
    for _ in 0..4 {
        world.round().unwrap();
    }
    let state = world.operation(id).unwrap();
    assert_ne!(state.state_name(), "delivered", "{state:?}");
}

/// EIM-02, IPA-47, IPA-48: a profile with policy rules is refused by the eIM
/// for an IPA that leaves it to it, by the IPA itself otherwise; both cancel
/// with reason 3, and the download is over.
#[test]
fn policy_rules() {
    for (seed, eim_metadata) in [(21, true), (22, false)] {
        let mut world = world(
            seed,
            IpaFeatures {
                eim_metadata,
                ..INDIRECT
            },
        );
        let seen = watch(&mut world);
        offer_policy(&mut world);
        let (_, download) = queue(&mut world, 1);
        world.round().unwrap();
        let operation = world.operation(&download).unwrap();
        assert_eq!(operation.state_name(), "failed", "{operation:?}");
        let reason = CancelSessionReason::PPR_NOT_ALLOWED.0;
        assert_eq!(seen.borrow().cancelled, [reason], "{}", failures(&world));
        let said = failures(&world);
        assert_eq!(said.contains(": 50"), eim_metadata, "{said}");
    }
}

/// The SM-DP+ offers a profile with policy rules.
fn offer_policy(world: &mut World) {
    change_offer(world, |offered| {
        offered.profile_metadata.profile_policy_rules = Some(BitString::of(&[1]));
    });
}

/// The SM-DP+ offers a profile of another name than that of the package.
fn offer_another_name(world: &mut World) {
    change_offer(world, |offered| {
        offered.profile_metadata.profile_name = "Another".try_into().unwrap();
    });
}

fn change_offer(world: &mut World, change: fn(&mut AuthenticateClientOk)) {
    world.fault.relayed_response = Some(Box::new(move |request, response| {
        if request.path.ends_with("authenticateClient") {
            let mut offered = json::decode_response::<AuthenticateClientRequest>(response).unwrap();
            change(&mut offered);
            *response = json::encode_response(Ok(offered)).unwrap();
        }
    }));
}

/// The SM-DP+ signs another address.
fn sign_another_address(world: &mut World) {
    world.fault.relayed_response = Some(Box::new(|request, response| {
        if request.path.ends_with("initiateAuthentication") {
            let mut started =
                json::decode_response::<InitiateAuthenticationRequest>(response).unwrap();
            let mut signed = started.server_signed1.clone().into_value();
            signed.server_address = "other.example.com".to_string();
            started.server_signed1 = rsp_asn1::Signed::new(signed);
            *response = json::encode_response(Ok(started)).unwrap();
        }
    }));
}

/// The IPA names a transaction that the eIM did not make.
fn name_another_transaction(world: &mut World) {
    world.fault.request = Some(Box::new(|request| {
        if let Ok((binding, EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(mut message))) =
            esipa::decode_request(request)
        {
            message.eim_transaction_id = Some("0102".parse().unwrap());
            let message = EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(message);
            *request = binding.encode_request(&message).unwrap();
        }
    }));
}

/// Makes one side do what the eIM refuses.
type Bend = fn(&mut World);

/// What the eIM itself refuses is a pair in the JSON binding (SGP.32 6.4.1).
#[test]
fn what_the_eim_refuses_is_a_pair_in_json() {
    let eim_metadata = IpaFeatures {
        eim_metadata: true,
        ..INDIRECT
    };
    let table: [(Bend, IpaFeatures, &str); 4] = [
        (offer_policy, eim_metadata, "8.2.8/1.2"),
        (offer_another_name, INDIRECT, "8.2.9/3.11"),
        (sign_another_address, INDIRECT, "8.8.1/3.10"),
        (name_another_transaction, INDIRECT, "8.31.2/3.10"),
    ];
    for (seed, (fault, features, pair)) in (32..).zip(table) {
        let mut world = world(seed, features);
        world.ipa_config.esipa_binding = EsipaBinding::Json;
        world.restart_ipa();
        fault(&mut world);
        let pairs = Rc::new(RefCell::new(Vec::new()));
        let seen = pairs.clone();
        world.fault.response = Some(Box::new(move |_, response| {
            seen.borrow_mut().extend(pair_in(response));
        }));
        queue(&mut world, 1);
        world.round().unwrap();
        let pairs = pairs.borrow();
        assert_eq!(pairs.first().map(String::as_str), Some(pair), "{pairs:?}");
    }
}

/// The pair of a refusal in JSON.
fn pair_in(response: &HttpResponse) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    let data = &body["header"]["functionExecutionStatus"]["statusCodeData"];
    let code = |member: &str| data[member].as_str();
    let (subject, reason) = (code("subjectCode")?, code("reasonCode")?);
    // Nothing waits for the eUICC.
    (subject != "8.1.1").then(|| format!("{subject}/{reason}"))
}

/// EIM-57, IPA-49: metadata in the package that are others than those offered.
#[test]
fn changed_metadata() {
    let mut world = world(23, INDIRECT);
    let seen = watch(&mut world);
    offer_another_name(&mut world);
    let (_, download) = queue(&mut world, 1);
    world.round().unwrap();
    let said = failures(&world);
    assert!(said.contains("GetBoundProfilePackage: 50"), "{said}");
    let reason = CancelSessionReason::METADATA_MISMATCH.0;
    assert_eq!(seen.borrow().cancelled, [reason]);
    assert_eq!(world.operation(&download).unwrap().state_name(), "failed");
}

/// EIM-53, EIM-54: another address or OID than the order has.
#[test]
fn an_smdp_that_is_another() {
    let mut world = world(24, INDIRECT);
    sign_another_address(&mut world);
    let (_, _) = queue(&mut world, 1);
    world.round().unwrap();
    let said = failures(&world);
    assert!(said.contains("InitiateAuthentication: 50"), "{said}");

    let mut world = super::world(25, INDIRECT);
    let subscription = world.subscription(1).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    let activation_code = format!("{code}$2.999.1");
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    let said = failures(&world);
    assert!(said.contains("InitiateAuthentication: 51"), "{said}");
}

/// EIM-55: a transaction that the eIM did not make.
#[test]
fn an_unknown_transaction() {
    let mut world = world(26, INDIRECT);
    name_another_transaction(&mut world);
    queue(&mut world, 1);
    world.round().unwrap();
    let said = failures(&world);
    assert!(said.contains("InitiateAuthentication: 52"), "{said}");
}

/// EIM-01: an IPA that echoes no transaction is known by the SM-DP+ it names.
#[test]
fn an_ipa_that_echoes_no_transaction() {
    let mut world = world(27, INDIRECT);
    world.fault.request = Some(Box::new(|request| {
        if let Ok((binding, EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(mut message))) =
            esipa::decode_request(request)
        {
            assert!(message.smdp_address.is_some(), "{message:?}");
            message.eim_transaction_id = None;
            let message = EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(message);
            *request = binding.encode_request(&message).unwrap();
        }
    }));
    let (subscription, download) = queue(&mut world, 1);
    world.round().unwrap();
    expect_installed(&world, &download, subscription.iccid);
}

/// EIM-60: the code that the eIM has confirms the download; the device never
/// sees it.
#[test]
fn a_confirmation_code_at_the_eim() {
    const CODE: &str = "4711-confirm";
    for (seed, given, good) in [
        (28, Some(CODE), true),
        (29, Some("0815"), false),
        (30, None, false),
    ] {
        let mut world = world(seed, INDIRECT);
        let subscription = world.subscription(1).unwrap();
        let activation_code = world
            .order_confirmed(&profile::template(), &subscription, CODE)
            .unwrap();
        let id = OperationId("confirmed-download".to_string());
        let kind = OperationKind::Download { activation_code };
        let operation = Operation {
            confirmation_code: given.map(|code| ConfirmationCode(code.to_string())),
            ..Operation::queued(id.clone(), world.eid, kind, world.now)
        };
        assert!(!format!("{operation:?}").contains(CODE));
        world.eim.add_operation(&operation).unwrap();
        world.round().unwrap();
        match good {
            true => expect_installed(&world, &id, subscription.iccid),
            false => {
                let state = world.operation(&id).unwrap();
                assert_eq!(state.state_name(), "failed", "{state:?}");
            }
        }
    }
}

/// A trigger has no place for the code: a device that downloads by itself, which
/// the eIM asks first, is not even sent it.
#[test]
fn a_confirmation_code_for_a_direct_download() {
    for (seed, features, sent) in [
        (
            32,
            IpaFeatures {
                direct: true,
                indirect: false,
                ..INDIRECT
            },
            false,
        ),
        (
            33,
            IpaFeatures {
                direct: true,
                ..INDIRECT
            },
            true,
        ),
    ] {
        let mut world = world(seed, features);
        let subscription = world.subscription(1).unwrap();
        let activation_code = world
            .order_confirmed(&profile::template(), &subscription, "4711")
            .unwrap();
        let id = OperationId("confirmed-download".to_string());
        let kind = OperationKind::Download { activation_code };
        let operation = Operation {
            confirmation_code: Some(ConfirmationCode("4711".to_string())),
            ..Operation::queued(id.clone(), world.eid, kind, world.now)
        };
        world.eim.add_operation(&operation).unwrap();
        world.round().unwrap();
        if sent {
            expect_installed(&world, &id, subscription.iccid);
            continue;
        }
        let operation = world.operation(&id).unwrap();
        assert_eq!(operation.state_name(), "failed", "{operation:?}");
        let reason = operation.state.reason().unwrap();
        assert!(
            reason.contains("no place for a confirmation code"),
            "{reason}"
        );
        let started = |event: &Event| matches!(event, Event::DownloadStarted { .. });
        assert!(!world.events.iter().any(started), "{:?}", world.events);
    }
}

/// A reply of the SM-DP+ in DER is readable by nobody as JSON: undefinedError,
/// and the order lives on for the next attempt.
#[test]
fn an_smdp_that_answers_rubbish() {
    let mut world = world(31, INDIRECT);
    let mut left = 1;
    world.fault.relayed_response = Some(Box::new(move |_, response| {
        if left > 0 {
            left -= 1;
            response.body = vec![0x30; 5];
        }
    }));
    queue(&mut world, 1);
    world.round().unwrap();
    assert!(failures(&world).contains(": 127"), "{}", failures(&world));
    let _ = EsipaMessageFromIpaToEim::from_der(&[]).unwrap_err();
}
