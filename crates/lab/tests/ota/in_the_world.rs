//! A device under an eIM, whose profile's operator has something to change.

use euicc::Environment;
use lab::ota::{OtaKeys, ProofOfReceipt, Security, compact, deliver, store_data};
use lab::{Bootstrap, World};
use rsp_asn1::Asn1;
use rsp_asn1::rsp::UpdateMetadataRequest;
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::profile;
use rsp_crypto::software::SoftwareProvider;

use crate::bench::*;
use crate::metadata::update;

/// Sends an update to the world's card; the response to the script.
fn send(world: &mut World, keys: &mut OtaKeys, request: &UpdateMetadataRequest) -> Vec<u8> {
    let commands = compact(&store_data(&request.to_der()));
    let packet = keys.protect(MNO_SD, Security::FULL, &commands, &SoftwareProvider);
    let World { card, rng, .. } = world;
    let delivered = deliver(&packet, 1, |apdu| {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng,
        };
        card.transmit(apdu, &mut environment)
    });
    let proof = Security::FULL.proof;
    let proof = ProofOfReceipt::read(&delivered.report, keys, proof, &SoftwareProvider).unwrap();
    assert_eq!((proof.status, proof.is_authentic), (0, true));
    proof.data
}

/// The name that the eIM is told, by the eUICC's own signature.
fn name(world: &mut World) -> String {
    let profiles = world.listed_profiles().unwrap();
    profiles[0].name.clone().unwrap()
}

#[test]
fn the_eim_sees_the_change_and_keeps_its_fallback_profile() {
    let mut world = World::new(12).unwrap();
    let mut subscription = world.subscription(1).unwrap();
    subscription.sd_keys = Some([[0x11; 16], [0x22; 16], [0x33; 16]]);
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: &subscription,
        profile_name: "Factory",
        smdp_address: "smdp.example.com",
        fallback_allowed: true,
        enabled: true,
    };
    let World { factory, card, .. } = &mut world;
    factory.install_bootstrap(card, &bootstrap).unwrap();
    let mut keys = keys();
    let update_to = |name: &str, allowed| UpdateMetadataRequest {
        profile_name: Some(name.try_into().unwrap()),
        fallback_allowed: Some(allowed),
        ..update()
    };
    let iccid = subscription.iccid;
    let set_fallback = |world: &mut World| {
        let kind = OperationKind::SetFallbackAttribute { iccid };
        let set = world.queue(kind).unwrap();
        world.round().unwrap();
        world.operation(&set).unwrap().state
    };

    let denied = send(&mut world, &mut keys, &update_to("Denied", false));
    assert_eq!(denied, hex("019000"));
    assert_eq!(name(&mut world), "Denied");
    let state = set_fallback(&mut world);
    assert!(matches!(state, OperationState::Failed { .. }), "{state:?}");

    let allowed = send(&mut world, &mut keys, &update_to("Allowed", true));
    assert_eq!(allowed, hex("019000"));
    let state = set_fallback(&mut world);
    assert!(
        matches!(state, OperationState::Confirmed { .. }),
        "{state:?}"
    );
    // Nothing is done of a request that would take the permission away now.
    let late = send(&mut world, &mut keys, &update_to("Late", false));
    assert_eq!(late, hex("016985"));
    assert_eq!(name(&mut world), "Allowed");
}
