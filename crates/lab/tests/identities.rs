//! A USIM that conceals its IMSI itself: ordered so, downloaded, enabled, and
//! asked with GET IDENTITY as a 5G device asks. Only the home network finds
//! out who it is.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use euicc::Environment;
use lab::World;
use rsp_core::eim::OperationKind;
use rsp_core::profile::{self, FiveGs};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::suci::{HomeNetworkKey, reveal};
use rsp_crypto::{Curve, Provider};

const SELECT_USIM: [u8; 12] = [0, 0xA4, 4, 4, 7, 0xA0, 0, 0, 0, 0x87, 0x10, 2];
const GET_IDENTITY: [u8; 5] = [0x80, 0x78, 0, 1, 0];

/// The private key of the home network: a scalar for either profile.
const PRIVATE: [u8; 32] = [0x51; 32];

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// A world whose card has an enabled profile with these files of 5GS.
fn world(five_g: serde_json::Value) -> World {
    let mut world = World::new(41).unwrap();
    let mut subscription = world.subscription(1).unwrap();
    subscription.imsi = "001010123456789".parse().unwrap();
    subscription.files.five_g = serde_json::from_value::<FiveGs>(five_g).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let (iccid, rollback) = (subscription.iccid, false);
    for kind in [
        OperationKind::Download { activation_code },
        OperationKind::Enable { iccid, rollback },
    ] {
        let operation = world.queue(kind).unwrap();
        world.round().unwrap();
        let operation = world.operation(&operation).unwrap();
        assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    }
    send(&mut world, &SELECT_USIM);
    world
}

fn send(world: &mut World, command: &[u8]) -> Vec<u8> {
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut world.rng,
    };
    world.card.transmit(command, &mut environment)
}

/// The 5GS mobile identity that the card gives.
fn identity(world: &mut World) -> Vec<u8> {
    let answer = send(world, &GET_IDENTITY);
    let object = answer.strip_suffix(&[0x90, 0x00]).unwrap();
    let [0xA1, length, suci @ ..] = object else {
        unreachable!("{}", hex(object));
    };
    assert_eq!(usize::from(*length), suci.len());
    suci.to_vec()
}

fn keys() -> (serde_json::Value, serde_json::Value, SoftwareKey) {
    let base: [u8; 32] = std::array::from_fn(|index| if index == 0 { 9 } else { 0 });
    let a = SoftwareProvider.x25519(&PRIVATE, &base).unwrap();
    let b = SoftwareKey::from_scalar(Curve::NistP256, &PRIVATE).unwrap();
    let key =
        |scheme, id, key: &[u8]| serde_json::json!({ "scheme": scheme, "id": id, "key": hex(key) });
    (
        key("profile-a", 27, a.as_bytes()),
        key("profile-b", 200, b.public_key().as_sec1()),
        b,
    )
}

#[test]
fn the_home_network_alone_learns_the_imsi() {
    let (a, b, private) = keys();
    for (keys, head, key) in [
        (
            [a.clone(), b.clone()],
            "0100F11021F3011B",
            HomeNetworkKey::ProfileA(&PRIVATE),
        ),
        (
            [b, a],
            "0100F11021F302C8",
            HomeNetworkKey::ProfileB(&private),
        ),
    ] {
        let mut world = world(serde_json::json!({
            "routing_indicator": "123", "suci_by": "usim", "suci_keys": keys,
        }));
        let (first, second) = (identity(&mut world), identity(&mut world));
        assert_ne!(first, second, "the same twice can be followed");
        for suci in [first, second] {
            // SUPI format, MCC and MNC, routing indicator, scheme, key.
            assert_eq!(hex(&suci[..8]), head);
            let msin = reveal(&SoftwareProvider, key, &suci[8..]).unwrap();
            assert_eq!(hex(&msin), "1032547698");
            assert!(!hex(&suci).contains("1032547698"));
        }
    }
}

#[test]
fn without_a_key_it_is_the_null_scheme() {
    let mut world = world(serde_json::json!({
        "suci_by": "usim", "suci_null_scheme": true,
    }));
    assert_eq!(hex(&identity(&mut world)), "0100F110F0FF00001032547698");
}

#[test]
fn a_usim_whose_device_conceals_is_not_asked() {
    let mut world = world(serde_json::json!({
        "suci_by": "device", "suci_keys": [keys().0],
    }));
    assert_eq!(hex(&send(&mut world, &GET_IDENTITY)), "6985");
    // Another identity, and a card on which no USIM is selected.
    assert_eq!(hex(&send(&mut world, &[0x80, 0x78, 0, 2, 0])), "6A86");
    send(&mut world, &[0, 0xA4, 0, 4, 2, 0x3F, 0]);
    assert_eq!(hex(&send(&mut world, &GET_IDENTITY)), "6985");
}
