//! Events through the eIM (SGP.32 3.9.2.2): the eIM asks the SM-DS, and sends the
//! IPA where the event leads.

use std::cell::RefCell;
use std::rc::Rc;

use lab::{ALTERNATIVE_SMDS, ROOT_SMDS, World};
use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    AuthenticateClientResponseEsipa, ContactSmds, EsipaMessageFromEimToIpa, GetEimPackageResponse,
    ProfileDownloadData,
};
use rsp_core::binding::es9plus::Wire;
use rsp_core::binding::esipa::{EsipaBinding, Function};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::IpaFeatures;
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;

use crate::{INDIRECT, expect_installed, watched, world};

/// A world with SM-DSs and an order that is an event at one of them.
fn announced(seed: u64, features: IpaFeatures, smds: &str) -> (World, Subscription) {
    let mut world = world(seed, features);
    world.add_smdss().unwrap();
    let subscription = announce(&mut world, 1, smds);
    (world, subscription)
}

fn announce(world: &mut World, number: u32, smds: &str) -> Subscription {
    let subscription = world.subscription(number).unwrap();
    let template = profile::template();
    world
        .order_by_event(&template, &subscription, smds)
        .unwrap();
    assert_eq!(world.tell_smdss().unwrap(), [Ok(())]);
    subscription
}

fn contact_smds(world: &mut World, address: Option<&str>) -> OperationId {
    let smds_address = address.map(ToString::to_string);
    world
        .queue(OperationKind::ContactSmds { smds_address })
        .unwrap()
}

#[track_caller]
fn expect_order(world: &World, subscription: &Subscription, state: OrderState) {
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_eq!(order.unwrap().value.state, state);
}

/// The eIM's answers to AuthenticateClient, read in the binding they came in.
fn answers(world: &mut World) -> Rc<RefCell<Vec<AuthenticateClientResponseEsipa>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let answers = seen.clone();
    let read = move |request: &HttpRequest, response: &HttpResponse| {
        let binding = match request.path.ends_with("/asn1") {
            true => EsipaBinding::Asn1,
            false => EsipaBinding::Json,
        };
        let function = Function::AuthenticateClient;
        let is_other =
            binding == EsipaBinding::Json && !request.path.ends_with("/authenticateClient");
        if let Ok(EsipaMessageFromEimToIpa::AuthenticateClientResponse(answer)) =
            binding.decode_response(function, response)
            && !is_other
        {
            answers.borrow_mut().push(answer);
        }
    };
    world.fault.response = Some(Box::new(move |request, response| read(request, response)));
    seen
}

/// EIM-69, IPA-38: contactSmds of an IPA without ES11, in both bindings of either
/// interface: the root SM-DS has the event, and the answer is a new trigger with
/// an activation code for the same transaction.
#[test]
fn the_eim_asks_the_smds_in_both_bindings() {
    for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
        for wire in [Wire::Json, Wire::Asn1] {
            let (mut world, subscription) = announced(31, INDIRECT, ROOT_SMDS);
            world.ipa_config.esipa_binding = binding;
            world.restart_ipa();
            world.eim.eim_mut().unwrap().relay.wire = wire;
            let paths = watched(&mut world);
            let answers = answers(&mut world);
            let id = contact_smds(&mut world, None);
            world.round().unwrap();
            expect_installed(&world, &id, subscription.iccid);
            assert_eq!(world.smdss_asked(), [(ROOT_SMDS.to_string(), 1)]);
            // Two functions of the SM-DS, three of the SM-DP+.
            assert_eq!(paths.borrow().len(), 5, "{binding:?} {wire:?}");
            let answers = answers.borrow();
            let [
                AuthenticateClientResponseEsipa::OkDs(found),
                AuthenticateClientResponseEsipa::OkDp(_),
            ] = &answers[..]
            else {
                panic!("{binding:?} {wire:?} {answers:?}");
            };
            let trigger = found.profile_download_trigger.as_ref().unwrap();
            let Some(ProfileDownloadData::ActivationCode(code)) = &trigger.profile_download_data
            else {
                panic!("{trigger:?}");
            };
            assert!(code.as_str().starts_with("LPA:1$smdp.example.com$"));
            let operation = world.operation(&id).unwrap();
            let settled = operation.settled_in.unwrap().eim_transaction_id;
            assert_eq!(trigger.eim_transaction_id, Some(settled));

            // What is installed waits nowhere any more.
            assert_eq!(world.forward_notifications().unwrap(), 1);
            expect_order(&world, &subscription, OrderState::Installed);
            world.fault.response = None;
            world.fault.relayed_request = None;
            downloads_and_enables_another(&mut world);
        }
    }
}

/// The device is as good as any other.
fn downloads_and_enables_another(world: &mut World) {
    let template = profile::template();
    let subscription = world.subscription(9).unwrap();
    let code = world.order_of_type("operational", &template, &subscription);
    let activation_code = code.unwrap();
    let id = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    expect_installed(world, &id, subscription.iccid);
}

/// EIM-69: the root SM-DS leads to an alternative one, and that to the SM-DP+:
/// each kind of IPA follows.
#[test]
fn from_one_smds_to_the_next() {
    let some = [
        INDIRECT,
        IpaFeatures {
            eim_download_data: true,
            ..INDIRECT
        },
        IpaFeatures {
            eim_ctx_params1: true,
            minimize: true,
            ..INDIRECT
        },
        IpaFeatures {
            direct: true,
            ..INDIRECT
        },
    ];
    for (seed, features) in (41..).zip(some) {
        let (mut world, subscription) = announced(seed, features, ALTERNATIVE_SMDS);
        let id = contact_smds(&mut world, None);
        world.round().unwrap();
        expect_installed(&world, &id, subscription.iccid);
        let expected = [ROOT_SMDS, ALTERNATIVE_SMDS].map(|smds| (smds.to_string(), 1));
        assert_eq!(world.smdss_asked(), expected, "{features:?}");
    }
}

/// An SM-DS that the order names is asked in place of the root.
#[test]
fn the_smds_of_the_order() {
    for features in [
        INDIRECT,
        IpaFeatures {
            eim_download_data: true,
            ..INDIRECT
        },
    ] {
        let (mut world, subscription) = announced(51, features, ALTERNATIVE_SMDS);
        let id = contact_smds(&mut world, Some(ALTERNATIVE_SMDS));
        world.round().unwrap();
        expect_installed(&world, &id, subscription.iccid);
        assert_eq!(world.smdss_asked(), [(ALTERNATIVE_SMDS.to_string(), 1)]);
    }
}

/// Several events: the device is sent to one, and a download of its own follows
/// for each other one, in the same round.
#[test]
fn each_event_is_a_download() {
    let mut world = world(52, INDIRECT);
    world.add_smdss().unwrap();
    let ordered: Vec<_> = (1..=3)
        .map(|number| announce(&mut world, number, ROOT_SMDS))
        .collect();
    let id = contact_smds(&mut world, None);
    world.round().unwrap();
    world.forward_notifications().unwrap();
    for subscription in &ordered {
        expect_order(&world, subscription, OrderState::Installed);
    }
    assert_eq!(world.operation(&id).unwrap().state_name(), "confirmed");
    let filter = store::OperationFilter {
        eid: Some(world.eid),
        limit: 100,
        ..Default::default()
    };
    let operations = world.eim.store().operations(&filter).unwrap();
    let mut downloads = operations.iter().filter(|o| o.kind.downloads());
    assert_eq!(downloads.clone().count(), 3);
    assert!(downloads.all(|o| o.state_name() == "confirmed"));
    // Each was triggered once: the SM-DS was asked for the first alone.
    assert_eq!(world.smdss_asked().len(), 1);
}

/// Nothing waits: the answer has no trigger, and what the eUICC signs settles the
/// order.
#[test]
fn no_event() {
    for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
        let mut world = world(53, INDIRECT);
        world.ipa_config.esipa_binding = binding;
        world.restart_ipa();
        world.add_smdss().unwrap();
        let answers = answers(&mut world);
        let id = contact_smds(&mut world, None);
        world.round().unwrap();
        assert!(matches!(
            &answers.borrow()[..],
            [AuthenticateClientResponseEsipa::OkDs(found)] if found.profile_download_trigger.is_none()
        ));
        let operation = world.operation(&id).unwrap();
        assert_eq!(operation.state_name(), "failed", "{operation:?}");
        let reason = operation.state.reason().unwrap();
        assert!(reason.contains("no event waits"), "{reason}");
    }
}

/// A server that is no SM-DS is not asked for events, and an SM-DS is no SM-DP+.
#[test]
fn the_server_is_what_was_meant() {
    let (mut world, _) = announced(54, INDIRECT, ROOT_SMDS);
    let codes = [
        OperationKind::ContactSmds {
            smds_address: Some("smdp.example.com".to_string()),
        },
        OperationKind::Download {
            activation_code: format!("LPA:1${ROOT_SMDS}$ANYTHING"),
        },
    ];
    for kind in codes {
        let paths = watched(&mut world);
        let id = world.queue(kind).unwrap();
        world.round().unwrap();
        let operation = world.operation(&id).unwrap();
        assert_eq!(operation.state_name(), "failed", "{operation:?}");
        // InitiateAuthentication, and nothing after it.
        assert!(
            paths
                .borrow()
                .iter()
                .all(|path| path.ends_with("/initiateAuthentication")),
            "{paths:?}"
        );
    }
}

/// Answers of the eIM are lost, then the device loses its power when it has one,
/// and begins anew: it is led to the same event, and nothing is ordered twice.
#[test]
fn an_interrupted_discovery() {
    let mut world = world(55, INDIRECT);
    world.add_smdss().unwrap();
    let ordered: Vec<_> = (1..=2)
        .map(|number| announce(&mut world, number, ROOT_SMDS))
        .collect();
    let id = contact_smds(&mut world, None);
    let mut left = 2;
    world.fault.lose = Some(Box::new(move |_, response| {
        let is_event = matches!(
            EsipaMessageFromEimToIpa::from_der(&response.body),
            Ok(EsipaMessageFromEimToIpa::AuthenticateClientResponse(
                AuthenticateClientResponseEsipa::OkDs(_)
            ))
        );
        left -= i32::from(is_event && left >= 0);
        is_event && left >= 0
    }));
    while world.smdss_asked().is_empty() {
        assert!(world.step().unwrap(), "{:?}", world.events);
    }
    world.power_cut();
    for _ in 0..3 {
        world.round().unwrap();
    }
    world.forward_notifications().unwrap();
    for subscription in &ordered {
        expect_order(&world, subscription, OrderState::Installed);
    }
    let operation = world.operation(&id).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    let filter = store::OperationFilter {
        eid: Some(world.eid),
        limit: 100,
        ..Default::default()
    };
    let operations = world.eim.store().operations(&filter).unwrap();
    assert_eq!(operations.iter().filter(|o| o.kind.downloads()).count(), 2);
}

/// IPA-38 for an IPA with ES11: each event's result is taken, the first as that
/// of the order, the others as operations of their own.
#[test]
fn an_ipa_that_asks_itself_brings_several_results() {
    let direct = IpaFeatures {
        direct: true,
        indirect: false,
        ..INDIRECT
    };
    let mut world = world(56, direct);
    world.add_smdss().unwrap();
    let ordered: Vec<_> = (1..=2)
        .map(|number| announce(&mut world, number, ROOT_SMDS))
        .collect();
    contact_smds(&mut world, None);
    world.round().unwrap();
    world.round().unwrap();
    let filter = store::OperationFilter {
        eid: Some(world.eid),
        limit: 100,
        ..Default::default()
    };
    let operations = world.eim.store().operations(&filter).unwrap();
    let downloads: Vec<_> = operations.iter().filter(|o| o.kind.downloads()).collect();
    assert_eq!(downloads.len(), 2, "{downloads:?}");
    for subscription in &ordered {
        expect_order(&world, subscription, OrderState::Installed);
        let installed = rsp_core::eim::Outcome::Installed {
            iccid: Some(subscription.iccid),
        };
        let mut outcomes = downloads.iter().map(|o| o.state.outcome());
        assert!(outcomes.any(|o| o == Some(&installed)), "{downloads:?}");
    }
    assert!(downloads.iter().all(|o| o.state_name() == "confirmed"));
}

/// IPA-37, the default SM-DP+ of the eUICC, which an eIM that knows what IPAs
/// leave to it does not know: the IPA names it.
#[test]
fn the_default_smdp_through_the_eim() {
    for (seed, features) in (61..).zip([
        INDIRECT,
        IpaFeatures {
            eim_download_data: true,
            eim_ctx_params1: true,
            ..INDIRECT
        },
        IpaFeatures {
            direct: true,
            indirect: false,
            ..INDIRECT
        },
    ]) {
        let mut world = world(seed, features);
        let address = "smdp.example.com".to_string();
        world
            .queue(OperationKind::SetDefaultDpAddress { address })
            .unwrap();
        world.round().unwrap();
        let subscription = world.subscription(1).unwrap();
        world
            .order_by_eid(&profile::template(), &subscription)
            .unwrap();
        let id = world.queue(OperationKind::ContactDefaultSmdp).unwrap();
        world.round().unwrap();
        world.round().unwrap();
        expect_installed(&world, &id, subscription.iccid);
    }
}

/// The trigger that is sent is the order's.
#[test]
fn triggers_as_ordered() {
    let mut world = world(71, INDIRECT);
    for (kind, expected) in [
        (
            OperationKind::ContactDefaultSmdp,
            ProfileDownloadData::ContactDefaultSmdp(rsp_asn1::Null),
        ),
        (
            OperationKind::ContactSmds {
                smds_address: Some("smds.example.net".to_string()),
            },
            ProfileDownloadData::ContactSmds(ContactSmds {
                smds_address: Some("smds.example.net".to_string()),
                extensions: Default::default(),
            }),
        ),
    ] {
        let sent = Rc::new(RefCell::new(Vec::new()));
        let seen = sent.clone();
        world.fault.response = Some(Box::new(move |_, response| {
            if let Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(
                GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger),
            )) = EsipaMessageFromEimToIpa::from_der(&response.body)
            {
                seen.borrow_mut().push(trigger);
            }
        }));
        world.queue(kind).unwrap();
        world.round().unwrap();
        let sent = sent.borrow();
        assert_eq!(sent[0].profile_download_data.as_ref(), Some(&expected));
        assert!(sent[0].eim_transaction_id.is_some());
    }
}
