//! contactDefaultSmdp (SGP.32 2.11.1.3): the eUICC says where, and its EID is
//! all that the SM-DP+ finds the order by.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::Cell;
use std::rc::Rc;

use lab::{Algorithm, World};
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, GetEimPackageResponse, ProfileDownloadData,
    ProfileDownloadTriggerRequest,
};
use rsp_asn1::{Asn1, Null};
use rsp_core::binding::HttpResponse;
use rsp_core::eim::OperationKind;
use rsp_core::ipa::{Event, IpaFeatures};
use rsp_core::profile;
use rsp_core::smdp::OrderState;

const SMDP: &str = "smdp.example.com";

/// A world whose IPA downloads this way, and how many triggers have become
/// contactDefaultSmdp.
fn world(seed: u64, direct: bool) -> (World, Rc<Cell<u32>>) {
    let mut world = World::new(seed).unwrap();
    world.ipa_config.features = IpaFeatures {
        direct,
        indirect: !direct,
        ..world.ipa_config.features
    };
    world.restart_ipa();
    let changed = Rc::new(Cell::new(0));
    let count = changed.clone();
    let change = move |response: &mut HttpResponse| {
        let Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(
            GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger),
        )) = EsipaMessageFromEimToIpa::from_der(&response.body)
        else {
            return;
        };
        count.set(count.get() + 1);
        let trigger = ProfileDownloadTriggerRequest {
            profile_download_data: Some(ProfileDownloadData::ContactDefaultSmdp(Null)),
            ..trigger
        };
        let trigger = GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger);
        response.body = EsipaMessageFromEimToIpa::GetEimPackageResponse(trigger).to_der();
    };
    world.fault.response = Some(Box::new(move |_, response| change(response)));
    (world, changed)
}

fn download(world: &mut World) -> rsp_core::eim::OperationId {
    let activation_code = format!("LPA:1${SMDP}$");
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap()
}

/// IPA-37: the address is that on the eUICC, and there is no MatchingID;
/// directly and through the eIM.
#[test]
fn the_default_smdp_has_the_profile() {
    for (seed, direct) in [(101, true), (102, false)] {
        let (mut world, changed) = world(seed, direct);
        let address = SMDP.to_string();
        world
            .queue(OperationKind::SetDefaultDpAddress { address })
            .unwrap();
        world.round().unwrap();
        let subscription = world.subscription(1).unwrap();
        world
            .order_by_eid(&profile::template(), &subscription)
            .unwrap();
        let id = download(&mut world);
        world.round().unwrap();
        world.round().unwrap();
        assert!(changed.get() > 0);
        let operation = world.operation(&id).unwrap();
        let events = &world.events;
        assert_eq!(
            operation.state_name(),
            "confirmed",
            "{operation:?} {events:?}"
        );
        world.forward_notifications().unwrap();
        let order = world.smdp.store().order(subscription.iccid).unwrap();
        assert_eq!(order.unwrap().value.state, OrderState::Installed);
        let enable = OperationKind::Enable {
            iccid: subscription.iccid,
            rollback: false,
        };
        world.queue(enable).unwrap();
        world.round().unwrap();
        world.confirm(&subscription, Algorithm::Milenage).unwrap();
    }
}

/// IPA-37: a eUICC without such an address: nobody is asked, and the eIM hears
/// why.
#[test]
fn no_default_smdp() {
    for (seed, direct) in [(103, true), (104, false)] {
        let (mut world, changed) = world(seed, direct);
        let id = download(&mut world);
        world.round().unwrap();
        assert_eq!(changed.get(), 1);
        let said = world.events.iter().find_map(|event| match event {
            Event::DownloadFailed { reason } => Some(reason.clone()),
            _ => None,
        });
        assert!(said.unwrap().contains("no default SM-DP+"));
        let started = |event: &Event| matches!(event, Event::DownloadStarted { .. });
        assert!(!world.events.iter().any(started));
        let operation = world.operation(&id).unwrap();
        let shown = format!("{operation:?}");
        assert!(shown.contains("undefinedError"), "{shown}");
    }
}
