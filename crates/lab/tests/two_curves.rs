//! A card with keys under two CIs, on P-256 and brainpoolP256r1, and an SM-DP+
//! under each.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use euicc::{Euicc, EuiccKind};
use lab::{Algorithm, CardFile, SMDP_BRAINPOOL, World};
use rsp_asn1::Asn1;
use rsp_asn1::rsp::EuiccInfo1;
use rsp_core::eim::{OperationKind, OperationState, Outcome};
use rsp_core::profile;
use rsp_core::smdp::OrderState;
use rsp_crypto::Curve;
use rsp_crypto::software::SeededRng;

/// One profile from the SM-DP+ of each curve, then each enabled in turn.
#[test]
fn one_card_downloads_from_an_smdp_of_each_curve() {
    let mut world = World::on_both_curves(1).unwrap();
    let template = profile::template();
    let (first, second) = (
        world.subscription(1).unwrap(),
        world.subscription(2).unwrap(),
    );
    let code = world.order(&template, &first).unwrap();
    let other = world.order_at(SMDP_BRAINPOOL, &template, &second);
    for (activation_code, iccid) in [(code, first.iccid), (other.unwrap(), second.iccid)] {
        let kind = OperationKind::Download { activation_code };
        let id = world.queue(kind).unwrap();
        world.round().unwrap();
        // The eIM verified it too, under whichever CI the card signed.
        let operation = world.operation(&id).unwrap();
        let installed = Outcome::Installed { iccid: Some(iccid) };
        let done = matches!(
            &operation.state,
            OperationState::Confirmed { outcome, .. } if *outcome == installed
        );
        assert!(
            done && !operation.unverified,
            "{operation:?} {:?}",
            world.events
        );
    }
    // Each SM-DP+ verified what the card signed under its CI.
    let stores = [
        (world.smdp.store(), first.iccid),
        (world.further_smdps[SMDP_BRAINPOOL].store(), second.iccid),
    ];
    for (store, iccid) in stores {
        let order = store.order(iccid).unwrap().unwrap().value;
        assert_eq!(order.state, OrderState::Installed, "{iccid}");
    }
    for subscription in [&second, &first] {
        let kind = OperationKind::Enable {
            iccid: subscription.iccid,
            rollback: false,
        };
        let id = world.queue(kind).unwrap();
        world.round().unwrap();
        let operation = world.operation(&id).unwrap();
        let done = matches!(
            &operation.state,
            OperationState::Confirmed {
                outcome: Outcome::Done,
                ..
            }
        );
        assert!(done, "{operation:?} {:?}", world.events);
        world.confirm(subscription, Algorithm::Milenage).unwrap();
    }
}

/// An eUICC with keys under one CI is asked once about the other, and goes on.
#[test]
fn an_eim_that_trusts_two_cis_and_a_card_under_one() {
    let mut world = World::on_both_curves(2).unwrap();
    let identity = world.factory.identity(world.eid, &mut world.rng).unwrap();
    world.insert(identity).unwrap();
    let template = profile::template();
    for number in 1..3 {
        let subscription = world.subscription(number).unwrap();
        let activation_code = world.order(&template, &subscription).unwrap();
        let id = world
            .queue(OperationKind::Download { activation_code })
            .unwrap();
        world.round().unwrap();
        let state = world.operation(&id).unwrap().state;
        assert!(
            matches!(state, OperationState::Confirmed { .. }),
            "{state:?}"
        );
    }
    let record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    let known: Vec<bool> = record
        .further_keys
        .iter()
        .map(|key| key.public_key.is_some())
        .collect();
    assert_eq!(known, [false]);
}

/// What a card is made with, in its file: both keys, and what kind it is.
#[test]
fn a_card_file_keeps_both_keys_and_the_kind() {
    let mut rng = SeededRng::new(3);
    let worlds =
        [Curve::NistP256, Curve::BrainpoolP256r1].map(|curve| World::on_curve(3, curve).unwrap());
    let eid = worlds[0].factory.eid(7).unwrap();
    let [mut identity, other] =
        [&worlds[0], &worlds[1]].map(|world| world.factory.identity(eid, &mut rng).unwrap());
    let stranger = worlds[0].factory.eid(8).unwrap();
    let stranger = worlds[0].factory.identity(stranger, &mut rng).unwrap();
    assert!(identity.clone().and(stranger).is_err());
    identity = identity.and(other).unwrap();
    identity.kind = EuiccKind::Consumer;
    let path = std::env::temp_dir().join(format!("two-curves-{}.card", std::process::id()));
    let card = Euicc::new(identity.personalisation());
    drop(CardFile::create(&path, identity, card).unwrap());
    let mut card = CardFile::open(&path).unwrap();
    let mut send = |apdu: &[u8]| card.transmit(apdu, &mut rng).unwrap();
    let select = [
        0x00, 0xA4, 0x04, 0x0C, 0x10, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF,
        0xFF, 0x89, 0x00, 0x00, 0x01, 0x00,
    ];
    assert_eq!(send(&select), [0x90, 0x00]);
    let waits = send(&[0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x20, 0x00]);
    let mut info = send(&[0x00, 0xC0, 0x00, 0x00, waits[1]]);
    info.truncate(info.len() - 2);
    let info = EuiccInfo1::from_der(&info).unwrap();
    let both = worlds.map(|world| world.factory.ci.key_identifier.clone());
    assert_eq!(info.euicc_ci_pk_id_list_for_signing, both);
    let eims = [0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x55, 0x00];
    assert_eq!(send(&eims), [0x6A, 0x80]);
    std::fs::remove_file(&path).unwrap();
}
