//! One profile travels from the SM-DP+ into one device: the whole chain in one
//! thread on a fake clock.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::{Algorithm, Material, World};
use rsp_asn1::ids::Iccid;
use rsp_core::eim::{OperationKind, OperationState, Outcome};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Authentication, Subscription, TuakKey, TuakLengths};
use rsp_core::smdp::OrderState;
use rsp_crypto::Curve;

/// Orders, downloads and enables a profile made from `template`.
fn first_run(template: &[u8], algorithm: Algorithm) -> World {
    first_run_in(World::new(1).unwrap(), template, algorithm)
}

fn first_run_in(mut world: World, template: &[u8], algorithm: Algorithm) -> World {
    let mut subscription = world.subscription(1).unwrap();
    if let (Algorithm::Test, Authentication::Milenage { k, .. }) =
        (algorithm, subscription.authentication.clone())
    {
        subscription.authentication = Authentication::Test { k };
    }
    run_with(world, template, subscription)
}

/// Orders, downloads and enables the profile of a subscription; the network
/// recognises the card by it.
fn run_with(mut world: World, template: &[u8], subscription: Subscription) -> World {
    let algorithm = Algorithm::of(&subscription);
    let iccid = subscription.iccid;
    let activation_code = world.order(template, &subscription).unwrap();

    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    let installed = Outcome::Installed { iccid: Some(iccid) };
    let operation = world.operation(&download).unwrap();
    assert!(
        matches!(&operation.state, OperationState::Confirmed { outcome, .. } if *outcome == installed),
        "{:?} {:?}",
        operation,
        world.events
    );
    let order = world.smdp.store().order(iccid).unwrap().unwrap().value;
    assert_eq!(order.state, OrderState::Installed);
    assert!(
        world.confirm(&subscription, algorithm).is_err(),
        "not enabled yet"
    );

    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    let operation = world.operation(&enable).unwrap();
    assert!(
        matches!(
            &operation.state,
            OperationState::Confirmed {
                outcome: Outcome::Done,
                ..
            }
        ),
        "{:?} {:?}",
        operation,
        world.events
    );
    world.confirm(&subscription, algorithm).unwrap();
    world
}

#[test]
fn a_profile_of_our_builder() {
    let mut world = first_run(&profile::template(), Algorithm::Milenage);
    // A subscriber with other keys is not on this card.
    let stranger = world.subscription(2).unwrap();
    assert!(world.confirm(&stranger, Algorithm::Milenage).is_err());
    assert!(world.events.contains(&Event::ResultDelivered));

    // The list that the card signs says the same.
    let profiles = world.listed_profiles().unwrap();
    assert_eq!(profiles.len(), 1);
    assert!(profiles[0].enabled);
}

/// Keys of TUAK reach the card by ES2+ and the bound package, whatever the
/// algorithm of the template was, and the card answers with them.
#[test]
fn a_subscription_with_tuak() {
    let lengths = |res| TuakLengths::new(8, res, 16, 16).unwrap();
    for (k, iterations, lengths) in [
        (vec![0xAB; 16], 1, TuakLengths::default()),
        (vec![0x1F; 32], 2, lengths(16)),
        (vec![0xC4; 32], 5, lengths(4)),
    ] {
        let mut world = World::new(1).unwrap();
        let mut subscription = world.subscription(1).unwrap();
        let authentication = |topc| Authentication::Tuak {
            k: TuakKey::new(&k).unwrap(),
            topc: [topc; 32],
            keccak_iterations: iterations,
            lengths,
        };
        subscription.authentication = authentication(0x5C);
        let mut stranger = subscription.clone();
        stranger.authentication = authentication(0x5D);
        let mut world = run_with(world, &profile::template(), subscription);
        assert!(world.confirm(&stranger, Algorithm::Tuak).is_err());
    }
}

#[test]
fn profiles_of_the_field() {
    let Some(folder) = lab::test_data::folder("profiles_of_the_field") else {
        return;
    };
    let minimal = std::fs::read(folder.join("spec/minimal-profile.der")).unwrap();
    first_run(&minimal, Algorithm::Milenage);
    let packages = std::fs::read_dir(folder.join("data/ts48")).unwrap();
    let packages: Vec<_> = packages.map(|entry| entry.unwrap().path()).collect();
    assert!(packages.len() >= 11);
    for package in packages {
        println!("{}", package.display());
        first_run(&std::fs::read(package).unwrap(), Algorithm::Test);
    }
}

#[test]
fn everything_on_brainpool() {
    let world = World::on_curve(1, Curve::BrainpoolP256r1).unwrap();
    let key = world.eim.eim().signing.key.public_key();
    assert_eq!(key.curve(), Curve::BrainpoolP256r1);
    let ci = &world.factory.ci.certificate;
    assert_eq!(ci.public_key.curve(), Curve::BrainpoolP256r1);
    first_run_in(world, &profile::template(), Algorithm::Milenage);
}

/// The published certificates and keys of CI, EUM, eUICC, SM-DP+ and eIM.
#[test]
fn the_certificates_of_sgp26_on_both_curves() {
    let Some(folder) = lab::test_data::folder("the_certificates_of_sgp26_on_both_curves") else {
        return;
    };
    for curve in Curve::ALL {
        let material = Material::sgp26(&folder, *curve).unwrap();
        let world = World::with_material(1, material).unwrap();
        assert_eq!(
            world.eid.to_string(),
            "89049032123451234512345678901235",
            "the published card"
        );
        let world = first_run_in(world, &profile::template(), Algorithm::Milenage);
        assert!(world.events.contains(&Event::ResultDelivered));
    }
}

fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}
