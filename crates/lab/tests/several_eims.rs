//! Two eIMs manage one device: each counts for itself, sees only its own
//! results, and hears of what the other has changed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use std::cell::RefCell;
use std::rc::Rc;

use eim_support::{OTHER, at_other, operation, token, with_other, world_with_profiles};
use lab::World;
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{EimPackageResult, EsipaMessageFromIpaToEim, StateChangeCause};
use rsp_core::binding::{HttpRequest, esipa_asn1};
use rsp_core::eim::{EuiccRecord, OperationKind};
use store::EimHost;

/// A device with two profiles, the first enabled, and two eIMs.
struct Both {
    world: World,
    other: Rc<RefCell<EimHost>>,
    profiles: Vec<Iccid>,
}

fn both(seed: u64) -> Both {
    let (mut world, profiles) = world_with_profiles(seed, 2);
    let other = with_other(&mut world);
    let configuration = other.borrow().eim().configuration_data(0).unwrap().to_der();
    let add = world.ask(OperationKind::AddEim { configuration }).unwrap();
    world.round().unwrap();
    let made = token(&operation(&world, &add));
    let record = EuiccRecord::new(world.eid, Some(made), 0);
    other.borrow().add_euicc(&record).unwrap();
    at_other(&mut world, &other, "first", OperationKind::ListProfileInfo);
    Both {
        world,
        other,
        profiles,
    }
}

fn enable(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}

/// What one message says: to which eIM it is unknown here, but whose result or
/// cause is in it.
#[derive(Debug, PartialEq)]
enum Said {
    Result(String),
    Cause(Option<i64>),
}

/// Messages of the IPA from now on.
fn watch(world: &mut World) -> Rc<RefCell<Vec<Said>>> {
    let said = Rc::new(RefCell::new(Vec::new()));
    let seen = said.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        let said = match esipa_asn1::decode_request(request) {
            Ok(EsipaMessageFromIpaToEim::GetEimPackageRequest(poll)) => {
                Said::Cause(poll.state_change_cause.map(|cause| cause.0))
            }
            Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) => {
                match provided.eim_package_result {
                    EimPackageResult::EuiccPackageResult(result) => {
                        Said::Result(result.eim_id().to_string())
                    }
                    EimPackageResult::EprAndNotifications(both) => {
                        Said::Result(both.euicc_package_result.eim_id().to_string())
                    }
                    _ => return,
                }
            }
            _ => return,
        };
        seen.borrow_mut().push(said);
    }));
    said
}

fn counter(host: &EimHost, world: &World) -> i64 {
    let found = host.store().euicc(world.eid).unwrap();
    found.unwrap().value.counter_value
}

/// IPA-21, EUI-51: each eIM in its turn; counters do not touch each other, and
/// no result goes astray.
#[test]
fn each_in_its_turn() {
    let mut both = both(91);
    let (world, other) = (&mut both.world, both.other.clone());
    let own = world.eim.eim().eim_id.to_string();
    let said = watch(world);
    for turn in 0..3 {
        let before = (counter(&world.eim, world), counter(&other.borrow(), world));
        let theirs = enable(both.profiles[1]);
        let theirs = at_other(world, &other, &format!("other-{turn}"), theirs);
        assert_eq!(theirs.state_name(), "confirmed", "{theirs:?}");
        let after = (counter(&world.eim, world), counter(&other.borrow(), world));
        assert!(after.1 > before.1, "the other eIM has counted");

        let ours = world.ask(enable(both.profiles[0])).unwrap();
        world.round().unwrap();
        let ours = operation(world, &ours);
        assert_eq!(ours.state_name(), "confirmed", "{ours:?}");
        assert!(counter(&world.eim, world) > after.0);
        // It may have looked for itself what has changed.
        assert!(counter(&other.borrow(), world) >= after.1);
    }
    let said = said.borrow();
    let of = |id: &str| {
        let result = |said: &&Said| **said == Said::Result(id.to_string());
        said.iter().filter(result).count()
    };
    assert!(of(&own) >= 3 && of(OTHER) >= 3, "{said:?}");
    let failed =
        |event: &rsp_core::ipa::Event| matches!(event, rsp_core::ipa::Event::Failed { .. });
    assert!(!world.events.iter().any(failed), "{:?}", world.events);
}

/// IPA-45: after a package of the one the other hears otherEim, once.
#[test]
fn the_other_hears_of_it_once() {
    let mut both = both(92);
    let (world, other) = (&mut both.world, both.other.clone());
    world.round().unwrap();
    let theirs = enable(both.profiles[1]);
    let theirs = at_other(world, &other, "enable", theirs);
    assert_eq!(theirs.state_name(), "confirmed", "{theirs:?}");
    let said = watch(world);
    world.round().unwrap();
    world.round().unwrap();
    let told = Said::Cause(Some(StateChangeCause::OTHER_EIM.0));
    let causes = said.borrow();
    assert_eq!(causes.iter().filter(|said| **said == told).count(), 1);
    drop(causes);
    let causes = |host: &EimHost| -> Vec<i64> {
        let record = host.store().euicc(world.eid).unwrap().unwrap().value;
        record
            .state_changes
            .iter()
            .map(|change| change.cause)
            .collect()
    };
    assert_eq!(causes(&world.eim), [StateChangeCause::OTHER_EIM.0]);
    assert_eq!(causes(&other.borrow()), Vec::<i64>::new());

    // What changes no profile is no news.
    at_other(world, &other, "list", OperationKind::ListProfileInfo);
    said.borrow_mut().clear();
    world.round().unwrap();
    assert!(!said.borrow().contains(&told));
}

/// One that is away holds up nobody, and what it has not taken it gets later.
#[test]
fn one_that_is_away_holds_nobody_up() {
    let mut both = both(93);
    let (world, other) = (&mut both.world, both.other.clone());
    let mut wire = world.wire.take().unwrap();
    let away = Rc::new(RefCell::new(true));
    let is_away = away.clone();
    world.wire = Some(lab::Wire(Box::new(move |world, server, request| {
        if server.address == OTHER && *is_away.borrow() {
            return Err("no route".to_string());
        }
        (wire.0)(world, server, request)
    })));
    let ours = world.ask(enable(both.profiles[1])).unwrap();
    world.round().unwrap();
    assert_eq!(operation(world, &ours).state_name(), "confirmed");
    *away.borrow_mut() = false;
    let said = watch(world);
    world.round().unwrap();
    let told = Said::Cause(Some(StateChangeCause::OTHER_EIM.0));
    assert!(said.borrow().contains(&told), "{:?}", said.borrow());
    let theirs = at_other(world, &other, "later", enable(both.profiles[0]));
    assert_eq!(theirs.state_name(), "confirmed", "{theirs:?}");
}
