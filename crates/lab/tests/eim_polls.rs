//! Polls that are answered from memory: work is never overlooked, and what
//! devices are told survives the process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::World;
use rsp_asn1::Extensions;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageRequest, GetEimPackageResponse,
};
use rsp_core::eim::{
    EuiccRecord, Operation, OperationId, OperationKind, poll_eid_not_found, poll_nothing_pending,
};
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use store::{EimHost, EimReply};

fn poll_of(eid: Eid) -> EsipaMessageFromIpaToEim {
    EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
        eid_value: eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    })
}

fn reply(response: GetEimPackageResponse) -> EimReply {
    EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(response))
}

fn poll(eim: &EimHost, eid: Eid, now: Timestamp, seed: u64) -> EimReply {
    let mut cx = Context {
        now,
        rng: &mut SeededRng::new(seed),
        crypto: &SoftwareProvider,
    };
    eim.handle(&poll_of(eid), &mut cx).unwrap()
}

fn list(eid: Eid, id: String, now: Timestamp) -> Operation {
    Operation::queued(OperationId(id), eid, OperationKind::ListProfileInfo, now)
}

#[test]
fn a_poll_with_nothing_to_do_needs_no_store() {
    let mut world = World::new(1).unwrap();
    let (eid, now) = (world.eid, world.now);
    let message = poll_of(eid);
    assert_eq!(
        world.eim.handle_idle(&message, now),
        Some(reply(poll_nothing_pending()))
    );
    world.queue(OperationKind::ListProfileInfo).unwrap();
    assert_eq!(world.eim.handle_idle(&message, now), None);
    world.round().unwrap();
    // The confirmation of the list was the last thing to be put down.
    assert!(world.eim.handle_idle(&message, world.now).is_some());
    let stranger = poll_of("89049032000000000000000000000000".parse().unwrap());
    let unknown = poll_eid_not_found("89049032000000000000000000000000".parse().unwrap());
    assert_eq!(
        world.eim.handle_idle(&stranger, now),
        Some(reply(unknown.clone()))
    );
    world.eim.remove_euicc(eid).unwrap();
    assert_eq!(world.eim.handle_idle(&message, now), Some(reply(unknown)));
}

#[test]
fn work_that_is_queued_while_devices_poll_is_not_overlooked() {
    const EUICCS: u64 = 100;
    let world = World::new(2).unwrap();
    let now = world.now;
    let eids: Vec<_> = (10..10 + EUICCS)
        .map(|number| world.factory.eid(number).unwrap())
        .collect();
    for eid in &eids {
        let record = EuiccRecord::new(*eid, None, 0);
        world.eim.add_euicc(&record).unwrap();
    }
    let eim = Arc::new(world.eim);
    let queue = {
        let (eim, eids) = (eim.clone(), eids.clone());
        std::thread::spawn(move || {
            for (number, eid) in eids.into_iter().enumerate() {
                let operation = list(eid, format!("{number}"), now);
                eim.add_operation(&operation).unwrap();
            }
        })
    };
    // Each device polls until there is something for it.
    let started = Instant::now();
    let mut waiting = eids;
    let mut seed = 0;
    while !waiting.is_empty() {
        waiting.retain(|eid| {
            seed += 1;
            poll(&eim, *eid, now, seed) == reply(poll_nothing_pending())
        });
        assert!(started.elapsed() < Duration::from_secs(60), "{waiting:?}");
    }
    queue.join().unwrap();
}

#[test]
fn what_is_pending_and_who_polled_survive_the_process() {
    let folder = std::env::temp_dir().join(format!("simurgh-polls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut world = World::on_disk(3, &folder).unwrap();
    let (eid, now) = (world.eid, world.now);
    assert_eq!(world.eim.contact(eid).unwrap(), None);
    poll(&world.eim, eid, now, 1);
    world.eim.save_contacts().unwrap();
    world.queue(OperationKind::ListProfileInfo).unwrap();
    world.restart_eim().unwrap();
    let contact = world.eim.contact(eid).unwrap();
    assert_eq!(contact.map(|contact| contact.last), Some(now));
    assert_eq!(world.eim.handle_idle(&poll_of(eid), now), None);
    world.round().unwrap();
    world.restart_eim().unwrap();
    let first = poll(&world.eim, eid, now, 2);
    assert_eq!(first, reply(poll_nothing_pending()));
    std::fs::remove_dir_all(&folder).unwrap();
}
