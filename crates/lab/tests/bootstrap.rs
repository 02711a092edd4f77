//! A card that leaves the factory with a profile for its first connection.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use euicc::Environment;
use lab::{Algorithm, Bootstrap, FactoryError, Subscriber, World};
use rsp_asn1::rsp::ErrorReason;
use rsp_core::eim::OperationKind;
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;

fn bootstrap<'a>(template: &'a [u8], subscription: &'a Subscription) -> Bootstrap<'a> {
    Bootstrap {
        template,
        subscription,
        profile_name: "First connection",
        smdp_address: "smdp.example.com",
        fallback_allowed: false,
        enabled: true,
    }
}

#[test]
fn it_authenticates_and_takes_memory_from_the_first_day() {
    let mut world = World::new(11).unwrap();
    let subscription = world.subscription(1).unwrap();
    let template = profile::template();
    let eid = world.factory.eid(2).unwrap();
    let empty = world.factory.make_card(eid, &mut world.rng).unwrap();
    let bootstrap = bootstrap(&template, &subscription);
    let mut card = world
        .factory
        .make_card_with_bootstrap(eid, &bootstrap, &mut world.rng)
        .unwrap();
    assert!(card.free_memory() < empty.free_memory());
    let left = card.free_memory();
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut world.rng,
    };
    let mut subscriber = Subscriber::new(subscription.clone(), Algorithm::Milenage);
    subscriber.confirm(&mut card, &mut environment).unwrap();

    // The same profile twice, or a second enabled one, is refused and leaves
    // the card as it was.
    let twice = world.factory.install_bootstrap(&mut card, &bootstrap);
    assert!(refused_for(
        &twice,
        ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC
    ));
    let other = world.subscription(2).unwrap();
    let second = self::bootstrap(&template, &other);
    let second = world.factory.install_bootstrap(&mut card, &second);
    assert!(refused_for(
        &second,
        ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR
    ));
    assert_eq!(card.free_memory(), left);
}

fn refused_for(result: &Result<(), FactoryError>, reason: ErrorReason) -> bool {
    matches!(result, Err(FactoryError::Bootstrap(error)) if error.reason == reason)
}

#[test]
fn an_operational_profile_replaces_it() {
    let mut world = World::new(12).unwrap();
    let first = world.subscription(1).unwrap();
    let template = profile::template();
    let installed = bootstrap(&template, &first);
    world
        .factory
        .install_bootstrap(&mut world.card, &installed)
        .unwrap();

    let operational = world.subscription(2).unwrap();
    let activation_code = world.order(&template, &operational).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    world.confirm(&first, Algorithm::Milenage).unwrap();
    let iccid = operational.iccid;
    let rollback = false;
    world
        .queue(OperationKind::Enable { iccid, rollback })
        .unwrap();
    world.round().unwrap();
    world.confirm(&operational, Algorithm::Milenage).unwrap();

    let profiles = world.listed_profiles().unwrap();
    let enabled = |subscription: &Subscription| {
        let mut profiles = profiles.iter();
        let info = profiles.find(|info| info.iccid == Some(subscription.iccid));
        info.unwrap().enabled
    };
    assert_eq!(profiles.len(), 2);
    assert!(!enabled(&first));
    assert!(enabled(&operational));
}
