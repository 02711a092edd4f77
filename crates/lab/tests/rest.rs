//! Devices at rest are the devices that they were, and small.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use euicc::{Environment, Euicc};
use lab::{Algorithm, Bootstrap, Device, Likeness, Outward, Resting, Subscriber, World};
use rsp_asn1::ids::{Iccid, Imsi};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::ipa::{Config, Event, Input};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::Rng;
use rsp_crypto::software::{SeededRng, SoftwareProvider};

/// What DESIGN wants of each, so that a million fit into one machine.
const MOST: usize = 4096;

/// At rest between every two steps of its life, like a device that it does not
/// resemble at first.
#[test]
fn a_device_that_rests_between_its_rounds_does_what_another_does() {
    let mut world = World::new(3).unwrap();
    let first = world.rest_and_wake(None).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let mut like = first.likeness();
    let mut rest = |world: &mut World| {
        let resting = world.rest_and_wake(Some(&like)).unwrap();
        like = resting.likeness();
        resting.own_octets()
    };
    let confirmed = |world: &mut World, kind| {
        let id = world.queue(kind).unwrap();
        world.round().unwrap();
        let state = world.operation(&id).unwrap().state;
        let confirmed = matches!(state, OperationState::Confirmed { .. });
        assert!(confirmed, "{state:?} {:?}", world.events);
    };
    confirmed(&mut world, OperationKind::Download { activation_code });
    rest(&mut world);
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    confirmed(&mut world, enable);
    rest(&mut world);
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    rest(&mut world);
    // The card remembers the sequence numbers of its network.
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    confirmed(&mut world, OperationKind::ListProfileInfo);
}

/// What the IPA owes an eIM that was away, it delivers after a rest.
#[test]
fn what_is_owed_outlives_a_rest() {
    let mut world = World::new(4).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.fault.request = Some(Box::new(|request| {
        if request.body.starts_with(&[0xBF, 0x3D]) {
            request.path = "/nowhere".to_string();
        }
    }));
    world.round().unwrap();
    let state = world.operation(&download).unwrap().state_name();
    assert_eq!(state, "delivered");
    world.fault.request = None;
    world.rest_and_wake(None).unwrap();
    world.round().unwrap();
    let state = world.operation(&download).unwrap().state_name();
    assert_eq!(state, "confirmed", "{:?}", world.events);
    let downloads = |event: &&Event| matches!(event, Event::DownloadStarted { .. });
    assert_eq!(world.events.iter().filter(downloads).count(), 1);
}

#[test]
fn devices_of_one_factory_are_small_and_each_is_itself() {
    let mut world = World::new(5).unwrap();
    let first = resting(&mut world, 2, None);
    let like = first.likeness();
    let mut devices = vec![first];
    devices.extend((3..10).map(|number| resting(&mut world, number, Some(&like))));
    for (number, resting) in (2..).zip(&devices) {
        assert!(resting.own_octets() < MOST, "{}", resting.own_octets());
        let mut device = resting.wake(config(&world), world.now).unwrap();
        assert_eq!(device.eid(), world.factory.eid(number).unwrap());
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut world.rng,
        };
        for other in 2..10 {
            let subscription = subscription(other);
            let mut subscriber = Subscriber::new(subscription, Algorithm::Milenage);
            let known = subscriber.confirm(device.card(), &mut environment);
            assert_eq!(known.is_ok(), other == number);
        }
    }
    let own = devices.iter().skip(1).map(Resting::own_octets).max();
    assert!(own.unwrap() < MOST / 2, "{own:?}");
    assert!(format!("{:?}", devices[0]).contains("redacted"));
}

/// A device that has polled, at rest.
fn resting(world: &mut World, number: u64, like: Option<&Likeness>) -> Resting {
    let factory = &world.factory;
    let eid = factory.eid(number).unwrap();
    let identity = factory.identity(eid, &mut world.rng).unwrap();
    let mut card = Euicc::new(identity.personalisation());
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: &subscription(number),
        profile_name: "Bootstrap",
        smdp_address: "smdp.example.com",
        fallback_allowed: false,
        enabled: true,
    };
    factory.install_bootstrap(&mut card, &bootstrap).unwrap();
    let data = world.eim.eim().configuration_data(0).unwrap();
    factory
        .add_initial_eim(&mut card, data, &mut world.rng)
        .unwrap();
    let mut device = Device::new(identity, card, config(world), world.now);
    loop {
        match device.next(world.now, &mut world.rng) {
            Outward::Event(Event::Idle) => return device.rest(like),
            Outward::Event(_) => {}
            Outward::Http { .. } => {
                let lost = Err("no network".to_string());
                device.handle(Input::Http(lost), world.now);
            }
            Outward::Wait(until) => {
                world.now = until.unwrap();
                device.handle(Input::Time, world.now);
            }
        }
    }
}

fn config(world: &World) -> Config {
    Config::new(lab::device_info(), vec![world.factory.ci.clone()])
}

fn subscription(number: u64) -> Subscription {
    let iccid: Iccid = format!("8999970000{number:09}0").parse().unwrap();
    let imsi: Imsi = format!("99970{number:010}").parse().unwrap();
    let mut rng = SeededRng::new(number);
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    Subscription::new(iccid, imsi, ki, opc)
}
