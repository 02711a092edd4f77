//! No accepted sequence of operations leaves a card without a profile that
//! works or without an eIM.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use std::sync::{Arc, Mutex};

use eim_support::{operation, state, world_with_profiles};
use lab::{World, WorldError, inspect};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::EimPublicKeyData;
use rsp_core::eim::{OperationKind, Unsafe};
use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;
use store::StoreError;

#[track_caller]
fn refused(world: &mut World, kind: OperationKind) -> Unsafe {
    match world.ask(kind) {
        Err(WorldError::Store(StoreError::Unsafe(reason))) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_would_lose_the_card_is_refused_when_it_is_ordered() {
    let (mut world, iccids) = world_with_profiles(71, 2);
    let world = &mut world;
    let first = iccids[0];
    let disable = OperationKind::Disable { iccid: first };
    assert_eq!(refused(world, disable), Unsafe::NoProfileEnabled);
    let delete = OperationKind::Delete { iccid: first };
    assert_eq!(refused(world, delete.clone()), Unsafe::Enabled(first));
    let own = world.eim.eim().eim_id.clone();
    let forget = OperationKind::DeleteEim { eim_id: own };
    assert!(matches!(refused(world, forget), Unsafe::OwnEim(_)));
    // An update of this eIM must not make it another.
    let mut configuration = world.eim.eim().configuration_data(0).unwrap();
    configuration.association_token = None;
    configuration.counter_value = None;
    let update = |configuration: &rsp_asn1::sgp32::EimConfigurationData| {
        let configuration = configuration.to_der();
        OperationKind::UpdateEim { configuration }
    };
    world.ask(update(&configuration)).unwrap();
    let other = World::new(72).unwrap();
    let other = other.eim.eim().configuration_data(0).unwrap();
    let key = other.eim_public_key_data.unwrap();
    assert!(matches!(key, EimPublicKeyData::PublicKey(_)));
    configuration.eim_public_key_data = Some(key);
    let reason = refused(world, update(&configuration));
    assert!(matches!(reason, Unsafe::OwnEimChanged { what: "key", .. }));

    // Behind an enable of the other it is another matter.
    let rollback = false;
    let iccid = iccids[1];
    world
        .ask(OperationKind::Enable { iccid, rollback })
        .unwrap();
    world.ask(delete).unwrap();
    let delete = OperationKind::Delete { iccid };
    assert_eq!(refused(world, delete), Unsafe::Enabled(iccid));
}

/// A list that gives up what it may have to return to.
#[test]
fn the_profile_to_go_back_to_stays() {
    let (mut world, iccids) = world_with_profiles(73, 2);
    let list = vec![
        OperationKind::Enable {
            iccid: iccids[1],
            rollback: true,
        },
        OperationKind::Delete { iccid: iccids[0] },
    ];
    let said = world.order_list(list, false).unwrap_err().to_string();
    assert!(said.contains("returns to"), "{said}");
}

/// Whoever insists is obeyed, and the log has it.
#[test]
fn what_is_forced_is_done_and_said() {
    let (mut world, iccids) = world_with_profiles(74, 2);
    let said = Arc::new(Mutex::new(Vec::new()));
    let keep = said.clone();
    world.eim.observe(Box::new(move |_, note| {
        keep.lock().unwrap().push(note.to_string());
    }));
    let disable = world
        .queue(OperationKind::Disable { iccid: iccids[0] })
        .unwrap();
    assert!(said.lock().unwrap()[0].starts_with("FORCED: operation"));
    world.round().unwrap();
    assert_eq!(state(&world, &disable), "confirmed");
    let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    assert!(profiles.iter().all(|(_, enabled)| !enabled));
}

/// Before it is sent, an operation is judged by what is known then: a list is
/// asked for if there is none, and what went another way counts.
#[test]
fn what_turns_out_to_be_unsafe_is_not_sent() {
    let (mut world, iccids) = world_with_profiles(75, 2);
    let mut record = world.eim.store().euicc(world.eid).unwrap().unwrap().value;
    record.profiles = None;
    world.eim.remove_euicc(world.eid).unwrap();
    world.eim.add_euicc(&record).unwrap();
    // Nothing is known: accepted, and found out.
    let delete = world
        .ask(OperationKind::Delete { iccid: iccids[0] })
        .unwrap();
    world.round().unwrap();
    let failed = operation(&world, &delete);
    assert_eq!(failed.state_name(), "failed", "{failed:?}");
    let reason = failed.state.reason().unwrap();
    assert!(
        reason.contains("not sent") && reason.contains("enabled"),
        "{reason}"
    );
    // What is harmless is done, in one more package.
    let delete = world
        .ask(OperationKind::Delete { iccid: iccids[1] })
        .unwrap();
    world.round().unwrap();
    assert_eq!(state(&world, &delete), "confirmed");
}

/// What an operator may think of.
fn any(rng: &mut SeededRng, iccids: &[Iccid]) -> OperationKind {
    let mut octets = [0; 3];
    rng.fill(&mut octets);
    let iccid = iccids[usize::from(octets[1]) % iccids.len()];
    match octets[0] % 8 {
        0 | 1 => OperationKind::Enable {
            iccid,
            rollback: octets[2] & 1 == 1,
        },
        2 => OperationKind::Disable { iccid },
        3 | 4 => OperationKind::Delete { iccid },
        5 => OperationKind::ListProfileInfo,
        6 => OperationKind::DeleteEim {
            eim_id: match octets[2] & 1 {
                0 => "eim.example.com".try_into().unwrap(),
                _ => "another.example.com".try_into().unwrap(),
            },
        },
        _ => OperationKind::GetRat,
    }
}

/// Orders, singly and in lists, whatever is accepted; after every round the
/// card has an enabled profile and an eIM. Gives how many were accepted and
/// refused.
fn random_orders(seed: u64, rounds: usize) -> (usize, usize) {
    let mut rng = SeededRng::new(seed);
    let (mut world, iccids) = world_with_profiles(seed, 3);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..rounds {
        let mut octets = [0; 4];
        rng.fill(&mut octets);
        for _ in 0..=octets[0] % 3 {
            let length = usize::from(octets[1] % 3) + 1;
            let list: Vec<_> = (0..length).map(|_| any(&mut rng, &iccids)).collect();
            let fits = rsp_core::eim::PackageRules::check(&list).is_ok();
            match fits.then(|| world.order_list(list, false)) {
                Some(Ok(_)) => accepted += 1,
                Some(Err(WorldError::Store(StoreError::Unsafe(_)))) => refused += 1,
                Some(Err(error)) => panic!("{error}"),
                None => {}
            }
        }
        match octets[2] % 5 {
            // The device loses its result, once.
            0 => {
                let mut lost = false;
                world.fault.lose = Some(Box::new(move |request, _| {
                    let result = request.body.starts_with(&[0xBF, 0x50]);
                    result && !std::mem::replace(&mut lost, true)
                }));
            }
            1 => world.power_cut(),
            _ => world.fault.lose = None,
        }
        world.round().unwrap();
        let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
        let enabled = profiles.iter().filter(|(_, enabled)| *enabled).count();
        assert_eq!(enabled, 1, "seed {seed} round {round}: {profiles:?}");
        let eims = inspect::eims(&mut world.card, &mut world.rng).unwrap();
        assert!(!eims.is_empty(), "seed {seed} round {round}");
    }
    (accepted, refused)
}

#[test]
fn no_accepted_sequence_loses_the_card() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..4 {
        let (more, less) = random_orders(7_000 + seed, 12);
        (accepted, refused) = (accepted + more, refused + less);
    }
    assert!(accepted > 20 && refused > 20, "{accepted} {refused}");
}

#[test]
#[ignore = "long: many seeds"]
fn no_accepted_sequence_loses_the_card_many_seeds() {
    for seed in 0..200 {
        println!("seed {}", 8_000 + seed);
        random_orders(8_000 + seed, 25);
    }
}
