//! A package that creates DF.5GS with file management commands, filled by an
//! order, installs and works on the card.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use lab::{Algorithm, World};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::profile::FiveGs;

#[test]
fn an_order_of_5gs_installs() {
    let Some(folder) = lab::test_data::folder("an_order_of_5gs_installs") else {
        return;
    };
    let package = folder.join("data/ts48/TS48v2_SAIP2.1_NoBERTLV.der");
    let package = std::fs::read(package).unwrap();
    let mut world = World::new(5).unwrap();
    let mut subscription = world.subscription(1).unwrap();
    let five_g: FiveGs = serde_json::from_value(serde_json::json!({
        "routing_indicator": "12", "suci_by": "device",
        "suci_keys": [{ "scheme": "profile-a", "id": 27, "key": "5A".repeat(32) }],
    }))
    .unwrap();
    subscription.files.five_g = five_g;
    let activation_code = world.order(&package, &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = world.queue(download).unwrap();
    world.round().unwrap();
    let state = world.operation(&download).unwrap().state;
    let confirmed = matches!(state, OperationState::Confirmed { .. });
    assert!(confirmed, "{state:?} {:?}", world.events);
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    world.queue(enable).unwrap();
    world.round().unwrap();
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}
