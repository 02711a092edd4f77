//! Devices that a factory announced and that nobody touches: recognised,
//! checked, and given their profile.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lab::{Algorithm, Bootstrap, World, inspect};
use rsp_asn1::ids::Imei;
use rsp_core::Context;
use rsp_core::eim::{EuiccRecord, ManifestEntry, ZeroTouch, ZeroTouchStage};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use store::ChosenProfile;

const IMEI: &str = "490154203237518";

/// A device with its bootstrap profile, as its factory made and announced it,
/// and the operational profile that waits for it.
fn announced(
    seed: u64,
    change: impl Fn(&mut ManifestEntry),
) -> (World, Subscription, Subscription) {
    let mut world = World::new(seed).unwrap();
    let bootstrap = world.subscription(1).unwrap();
    let template = profile::template();
    let installed = Bootstrap {
        template: &template,
        subscription: &bootstrap,
        profile_name: "First connection",
        smdp_address: "smdp.example.com",
        fallback_allowed: false,
        enabled: true,
    };
    world
        .factory
        .install_bootstrap(&mut world.card, &installed)
        .unwrap();
    let imei: Imei = IMEI.parse().unwrap();
    world.ipa_config.device_info.imei = Some(imei.to_octets());
    world.restart_ipa();
    let operational = world.subscription(2).unwrap();
    let code = world.order(&template, &operational).unwrap();
    let expects = Some(operational.iccid);
    world
        .eim
        .choose_profiles(Box::new(move |record, _| match &record.zero_touch {
            Some(way) if way.manifest.serial.as_deref() == Some("M-1") => Ok(ChosenProfile {
                activation_code: code.clone(),
                expects,
                rule: "meters".to_string(),
            }),
            _ => Err("no rule".to_string()),
        }));
    announce(&mut world, &bootstrap, change);
    (world, bootstrap, operational)
}

/// In place of the record that the world made.
fn announce(world: &mut World, bootstrap: &Subscription, change: impl Fn(&mut ManifestEntry)) {
    let found = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let mut manifest = ManifestEntry {
        imei: Some(IMEI.parse().unwrap()),
        serial: Some("M-1".to_string()),
        bootstrap_iccid: Some(bootstrap.iccid),
        ..ManifestEntry::default()
    };
    change(&mut manifest);
    world.eim.remove_euicc(world.eid).unwrap();
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    let record = EuiccRecord::new(world.eid, found.association_token, 0);
    world.eim.announce(record, manifest, &mut cx).unwrap();
}

fn way(world: &World) -> ZeroTouch {
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    record.zero_touch.unwrap()
}

#[test]
fn its_first_round_takes_a_device_to_its_profile() {
    let (mut world, bootstrap, operational) = announced(1, |_| {});
    assert_eq!(way(&world).stage.name(), "awaited");
    world.round().unwrap();
    let iccid = operational.iccid;
    let way = way(&world);
    assert_eq!(way.stage, ZeroTouchStage::Done { iccid }, "{way:?}");
    assert_eq!(way.rule.as_deref(), Some("meters"));
    let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    assert_eq!(profiles, [(bootstrap.iccid, false), (iccid, true)]);
    world.confirm(&operational, Algorithm::Milenage).unwrap();
}

#[test]
fn a_device_that_is_not_the_one_gets_nothing() {
    type Change = fn(&mut ManifestEntry);
    let refusals: [(&str, Change); 2] = [
        ("IMEI", |manifest| {
            manifest.imei = Some("356938035643809".parse().unwrap());
        }),
        ("bootstrap profile", |manifest| {
            manifest.bootstrap_iccid = Some("8999970000000000991".parse().unwrap());
        }),
    ];
    for (what, change) in refusals {
        let (mut world, bootstrap, _) = announced(2, change);
        world.round().unwrap();
        let ZeroTouchStage::Refused { reason } = way(&world).stage else {
            panic!("{:?}", way(&world));
        };
        assert!(reason.contains(what), "{reason}");
        let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
        assert_eq!(profiles, [(bootstrap.iccid, true)]);
    }
}

/// Without a rule it is asked about at every poll, until there is one; that
/// survives the process.
#[test]
fn a_device_without_a_rule_waits_for_one() {
    let (mut world, _, _) = announced(3, |manifest| {
        manifest.serial = Some("N-1".to_string());
    });
    world.round().unwrap();
    assert_eq!(way(&world).stage, ZeroTouchStage::Identified);
    let template = profile::template();
    let other = world.subscription(3).unwrap();
    let code = world.order(&template, &other).unwrap();
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = ready.clone();
    world.eim.choose_profiles(Box::new(move |_, _| {
        match is_ready.load(Ordering::Relaxed) {
            true => Ok(ChosenProfile {
                activation_code: code.clone(),
                expects: None,
                rule: "others".to_string(),
            }),
            false => Err("not yet".to_string()),
        }
    }));
    world.round().unwrap();
    assert_eq!(way(&world).stage, ZeroTouchStage::Identified);
    ready.store(true, Ordering::Relaxed);
    world.round().unwrap();
    assert_eq!(way(&world).stage.name(), "done");
}
