//! What the SM-DP+ delivers in other ways than the usual, installed by the
//! software eUICC.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use lab::World;
use rsp_core::eim::OperationKind;
use rsp_core::profile::{self, MncLength};
use rsp_core::smdp::{OrderState, ProfileTypeSettings, Protection, Technology};

fn installed(settings: ProfileTypeSettings) {
    let mut world = World::new(3).unwrap();
    let subscription = world.subscription(1).unwrap();
    let template = profile::template();
    let activation_code = world.order_with(&template, &subscription, settings);
    let activation_code = activation_code.unwrap();
    let download = OperationKind::Download { activation_code };
    world.queue(download).unwrap();
    world.round().unwrap();
    let order = world.smdp.store().order(subscription.iccid);
    let order = order.unwrap().unwrap().value;
    assert_eq!(order.state, OrderState::Installed, "{:?}", world.events);
    assert_eq!(order.attempts, 1);
}

#[test]
fn a_package_under_profile_keys() {
    installed(ProfileTypeSettings {
        protection: Protection::ProfileKeys,
        ..ProfileTypeSettings::default()
    });
}

#[test]
fn a_profile_for_certain_devices_of_an_owner_with_a_long_mnc() {
    installed(ProfileTypeSettings {
        owner: Some("operator".to_string()),
        requires: vec![Technology::EutranEpc],
        mnc_length: Some(MncLength::Three),
        ..ProfileTypeSettings::default()
    });
}
