//! Compact messages (SGP.32 5.14): an IPA that minimises bytes leaves out what
//! the eIM knows. That the SM-DP+ accepts every signature proves that the eIM
//! put back exactly that.

use std::cell::RefCell;
use std::rc::Rc;

use rsp_asn1::rsp::{AuthenticateServerResponse, PendingNotification, PrepareDownloadResponse};
use rsp_asn1::sgp32::{EsipaMessageFromIpaToEim, HandleNotificationEsipa};
use rsp_core::binding::es9plus_json::GetBoundProfilePackageRequest;
use rsp_core::binding::esipa::{self, EsipaBinding};
use rsp_core::binding::json;
use rsp_core::eim::OperationKind;
use rsp_core::ipa::IpaFeatures;
use rsp_core::smdp::OrderState;

use super::{INDIRECT, downloads_and_enables, expect_installed, queue, world};

const MINIMAL: IpaFeatures = IpaFeatures {
    minimize: true,
    ..INDIRECT
};

/// Octets that the IPA sent, and which compact forms.
#[derive(Default)]
struct Sent {
    octets: usize,
    forms: Vec<&'static str>,
}

fn watch(world: &mut lab::World) -> Rc<RefCell<Sent>> {
    use EsipaMessageFromIpaToEim as Message;
    let sent = Rc::new(RefCell::new(Sent::default()));
    let seen = sent.clone();
    world.fault.request = Some(Box::new(move |request| {
        let mut seen = seen.borrow_mut();
        seen.octets += request.body.len();
        let Ok((_, message)) = esipa::decode_request(request) else {
            return;
        };
        match message {
            Message::InitiateAuthenticationRequest(m) if m.euicc_info1.is_none() => {
                seen.forms.push("euiccInfo1");
            }
            Message::AuthenticateClientRequest(m) => {
                if let AuthenticateServerResponse::CompactOk(_) = m.authenticate_server_response {
                    seen.forms.push("authenticate");
                }
            }
            Message::GetBoundProfilePackageRequest(m) => {
                if let PrepareDownloadResponse::CompactOk(_) = m.prepare_download_response {
                    seen.forms.push("prepare");
                }
            }
            Message::CancelSessionRequest(m) => {
                if let rsp_asn1::rsp::CancelSessionResponse::CompactOk(_) =
                    m.cancel_session_response
                {
                    seen.forms.push("cancel");
                }
            }
            Message::HandleNotification(HandleNotificationEsipa::PendingNotification(n)) => match n
            {
                PendingNotification::CompactProfileInstallationResult(_) => {
                    seen.forms.push("installed");
                }
                PendingNotification::CompactOther(_) => seen.forms.push("other"),
                _ => seen.forms.push("whole"),
            },
            _ => {}
        }
    }));
    sent
}

/// EIM-49, EIM-59: a download in compact messages, in both bindings; the SM-DP+
/// takes what the eIM completed, and each message is smaller.
#[test]
fn a_download_in_compact_messages() {
    for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
        let mut octets = Vec::new();
        for features in [INDIRECT, MINIMAL] {
            let mut world = world(90, features);
            world.ipa_config.esipa_binding = binding;
            world.restart_ipa();
            let sent = watch(&mut world);
            downloads_and_enables(&mut world);
            let sent = sent.borrow();
            let expected: &[&str] = match features.minimize {
                true => &[
                    "euiccInfo1",
                    "authenticate",
                    "prepare",
                    "installed",
                    "other",
                ],
                false => &["whole", "whole"],
            };
            assert_eq!(sent.forms, expected, "{binding:?} {:?}", world.events);
            octets.push(sent.octets);
        }
        println!("{binding:?}: {octets:?} octets");
        assert!(octets[1] + 1500 < octets[0], "{binding:?} {octets:?}");
    }
}

/// EIM-49: an installation that fails is reported in its compact form as well;
/// the eIM completes it, and the SM-DP+ takes it for the eUICC's.
#[test]
fn a_failed_installation_in_compact_form() {
    let mut world = world(95, MINIMAL);
    let sent = watch(&mut world);
    world.fault.relayed_response = Some(Box::new(|request, response| {
        if request.path.ends_with("getBoundProfilePackage") {
            let mut bound = json::decode_response::<GetBoundProfilePackageRequest>(response);
            let package = &mut bound.as_mut().unwrap().bound_profile_package;
            let last = package.sequence_of_86.0.last_mut().unwrap();
            *last.last_mut().unwrap() ^= 1;
            *response = json::encode_response(Ok(bound.unwrap())).unwrap();
        }
    }));
    let (subscription, download) = queue(&mut world, 1);
    world.round().unwrap();
    let operation = world.operation(&download).unwrap();
    assert_eq!(operation.state_name(), "failed", "{operation:?}");
    let reason = operation.state.reason().unwrap_or_default();
    assert!(reason.contains("scp03tSecurityError"), "{reason}");
    assert!(sent.borrow().forms.contains(&"installed"));
    assert_eq!(world.forward_notifications().unwrap(), 1);
    assert_eq!(world.eim.store().count_forwarding("refused").unwrap(), 0);
    let order = world.smdp.store().order(subscription.iccid).unwrap();
    assert_ne!(order.unwrap().value.state, OrderState::Installed);
}

/// EIM-49: with all that an IPA may leave to the eIM.
#[test]
fn a_download_with_everything_left_out() {
    let mut world = world(
        91,
        IpaFeatures {
            eim_download_data: true,
            eim_ctx_params1: true,
            eim_metadata: true,
            ..MINIMAL
        },
    );
    let sent = watch(&mut world);
    downloads_and_enables(&mut world);
    let expected = [
        "euiccInfo1",
        "authenticate",
        "prepare",
        "installed",
        "other",
    ];
    assert_eq!(sent.borrow().forms, expected);
}

/// EIM-49: a notification without its certificates reaches the SM-DP+ with
/// them.
#[test]
fn a_compact_notification() {
    let mut world = world(92, MINIMAL);
    downloads_and_enables(&mut world);
    world.forward_notifications().unwrap();
    let sent = watch(&mut world);
    let iccid = world.subscription(1).unwrap().iccid;
    // Deleting makes a notification that is delivered on its own.
    let disable = world.queue(OperationKind::Disable { iccid }).unwrap();
    world.round().unwrap();
    world.round().unwrap();
    world.round().unwrap();
    assert_eq!(world.operation(&disable).unwrap().state_name(), "confirmed");
    world.forward_notifications().unwrap();
    let stored = world.smdp.store().smdp_notifications(world.eid).unwrap();
    assert!(
        stored.len() >= 2,
        "{:?} {:?}",
        sent.borrow().forms,
        world.events
    );
    assert_eq!(world.eim.store().count_forwarding("refused").unwrap(), 0);
}

/// A cancellation in its compact form is completed, verified and relayed.
#[test]
fn a_compact_cancellation() {
    use rsp_asn1::BitString;
    use rsp_core::binding::es9plus_json::AuthenticateClientRequest;
    let mut world = world(93, MINIMAL);
    let sent = watch(&mut world);
    world.fault.relayed_response = Some(Box::new(|request, response| {
        if request.path.ends_with("authenticateClient") {
            let mut offered = json::decode_response::<AuthenticateClientRequest>(response).unwrap();
            offered.profile_metadata.profile_policy_rules = Some(BitString::of(&[1]));
            *response = json::encode_response(Ok(offered)).unwrap();
        }
    }));
    let (_, download) = queue(&mut world, 1);
    world.round().unwrap();
    let operation = world.operation(&download).unwrap();
    assert_eq!(operation.state_name(), "failed", "{operation:?}");
    assert!(
        sent.borrow().forms.contains(&"cancel"),
        "{:?}",
        sent.borrow().forms
    );
}

/// An eIM that does not know what is left out gets it: the whole message after
/// the compact one was refused.
#[test]
fn an_eim_that_knows_nothing() {
    let mut world = world(94, MINIMAL);
    // What it learnt with the certificates is taken away.
    let first = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    assert_eq!(world.operation(&first).unwrap().state_name(), "confirmed");
    let eid = world.eid;
    let record = world.eim.store().euicc(eid).unwrap().unwrap();
    let mut forgetful = record.value;
    forgetful.facts = rsp_core::eim::EuiccFacts {
        asked: true,
        ..rsp_core::eim::EuiccFacts::default()
    };
    world
        .eim
        .store()
        .commit_euicc(&store::EuiccChange {
            record: &forgetful,
            version: record.version,
            operations: &[],
            evidence: &[],
            now: world.now,
        })
        .unwrap();
    let (subscription, download) = queue(&mut world, 1);
    world.round().unwrap();
    expect_installed(&world, &download, subscription.iccid);
}
