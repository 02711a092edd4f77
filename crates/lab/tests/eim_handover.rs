//! A device goes from one eIM to another and back, and is never without one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use std::cell::RefCell;
use std::rc::Rc;

use eim_support::{operation, world_with_profiles};
use lab::{Wire, World, inspect};
use rsp_asn1::Asn1;
use rsp_core::Context;
use rsp_core::binding::{BindingError, esipa_asn1};
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, Outcome};
use rsp_crypto::software::SoftwareProvider;
use store::EimHost;

const OTHER: &str = "eim.other.example.com";

/// A second eIM, which trusts the same CI; its IPAs reach it beside the first.
fn with_other(world: &mut World) -> Rc<RefCell<EimHost>> {
    let made = World::new(4_711).unwrap();
    let mut other = made.eim;
    other.remove_euicc(made.eid).unwrap();
    let eim = other.eim_mut();
    eim.eim_id = OTHER.try_into().unwrap();
    eim.fqdn = OTHER.to_string();
    eim.anchors = world.eim.eim().anchors.clone();
    let other = Rc::new(RefCell::new(other));
    let served = other.clone();
    world.wire = Some(Wire(Box::new(move |world, server, request| {
        if server.address != OTHER {
            let served = world.serve(&server.address, request);
            return served.map_err(|error| error.to_string());
        }
        let mut cx = Context {
            now: world.now,
            rng: &mut world.rng,
            crypto: &SoftwareProvider,
        };
        if request.path != esipa_asn1::PATH {
            return Ok(BindingError::UnknownPath(request.path.clone()).to_response());
        }
        Ok(match esipa_asn1::decode_request(request) {
            Ok(message) => {
                let reply = served.borrow().handle(&message, &mut cx);
                reply
                    .map_err(|error| error.to_string())?
                    .encode(rsp_core::binding::esipa::EsipaBinding::Asn1)
            }
            Err(error) => esipa_asn1::refuse(request, &error),
        })
    })));
    other
}

/// Ordered at the other eIM; gives how it stands after a round.
fn at_other(
    world: &mut World,
    other: &RefCell<EimHost>,
    id: &str,
    kind: OperationKind,
) -> Operation {
    let id = OperationId(id.to_string());
    let queued = Operation::queued(id.clone(), world.eid, kind, world.now);
    other.borrow().add_operation(&queued).unwrap();
    world.round().unwrap();
    let found = other.borrow().store().operation(&id).unwrap();
    found.unwrap()
}

fn token(operation: &Operation) -> i64 {
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    match operation.state.outcome() {
        Some(Outcome::EimAdded {
            association_token: Some(token),
        }) => *token,
        other => panic!("{other:?}"),
    }
}

fn eims(world: &mut World) -> Vec<String> {
    inspect::eims(&mut world.card, &mut world.rng).unwrap()
}

/// EIM-13, EIM-14, EIM-67 on the card: the new eIM is told of the token that
/// the eUICC made for it, and deletes the old one when it has seen the device.
#[test]
fn there_and_back() {
    let (mut world, _) = world_with_profiles(81, 1);
    let world = &mut world;
    let other = with_other(world);
    let own = world.eim.eim().eim_id.clone();

    let configuration = other.borrow().eim().configuration_data(0).unwrap().to_der();
    let add = world.ask(OperationKind::AddEim { configuration }).unwrap();
    world.round().unwrap();
    let made = token(&operation(world, &add));
    assert_eq!(eims(world), [own.as_str(), OTHER]);

    let record = EuiccRecord::new(world.eid, Some(made), 0);
    other.borrow().add_euicc(&record).unwrap();
    let list = at_other(world, &other, "list", OperationKind::ListEim);
    let Some(Outcome::Eims { eims: listed }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    assert_eq!(listed.len(), 2, "the device polls at the other eIM");

    let delete = OperationKind::DeleteEim {
        eim_id: own.clone(),
    };
    let delete = at_other(world, &other, "delete", delete);
    assert_eq!(delete.state_name(), "confirmed");
    assert_eq!(eims(world), [OTHER]);

    // And back: the old eIM's counter goes on, the token is a new one.
    let counter = |world: &World| {
        let found = world.eim.store().euicc(world.eid).unwrap();
        found.unwrap().value.counter_value
    };
    let before = counter(world);
    let configuration = world.eim.eim().configuration_data(before).unwrap().to_der();
    let add = OperationKind::AddEim { configuration };
    let made = token(&at_other(world, &other, "back", add));
    world.eim.remove_euicc(world.eid).unwrap();
    let record = EuiccRecord::new(world.eid, Some(made), 0);
    world.eim.add_euicc(&record).unwrap();
    let list = world.ask(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    assert_eq!(operation(world, &list).state_name(), "confirmed");
    assert!(counter(world) > before);
    let eim_id = OTHER.try_into().unwrap();
    let delete = world.ask(OperationKind::DeleteEim { eim_id }).unwrap();
    world.round().unwrap();
    assert_eq!(operation(world, &delete).state_name(), "confirmed");
    assert_eq!(eims(world), [own.as_str()]);
}
