//! Activation codes of a pool on their way through eIM, card and SM-DP+: none is
//! spent on what cannot succeed, and none is lost by what did not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use fleet::inventory::Modem;
use fleet::ledger::{CodeState, Pool, ProfileNeeds, Stock};
use fleet::operations::{Check, Verdict};
use lab::World;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::ProfileInfo;
use rsp_core::Context;
use rsp_core::binding::{HttpRequest, es2plus_json, json};
use rsp_core::eim::{EuiccDataQuery, EuiccRecord, ListedProfile, Operation, OperationKind};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use store::{Due, FromPool, NewCode, Ordered};

const POOL: &str = "meters";

/// A world with a pool of one code; its subscription.
fn with_pool(seed: u64, needs: ProfileNeeds) -> (World, Subscription) {
    let mut world = World::new(seed).unwrap();
    let subscription = world.subscription(1).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    let pool = Pool {
        name: POOL.to_string(),
        needs,
        ..Pool::default()
    };
    world.eim.store().put_pool(&pool).unwrap();
    let codes = [NewCode {
        code,
        iccid: Some(subscription.iccid),
    }];
    let now = world.now;
    world.eim.store().add_codes(POOL, &codes, now).unwrap();
    // What the eUICC says of itself.
    let facts = OperationKind::GetEuiccData(EuiccDataQuery {
        tags: vec![0xBF, 0x22],
        ..EuiccDataQuery::default()
    });
    world.queue(facts).unwrap();
    world.round().unwrap();
    (world, subscription)
}

fn order(world: &mut World) -> Ordered {
    let wanted = FromPool::new(POOL, world.eid);
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    world.eim.order_from_pool(&wanted, &mut cx).unwrap()
}

fn queued(world: &mut World) -> Operation {
    match order(world) {
        Ordered::Queued(operation) => *operation,
        other => panic!("{other:?}"),
    }
}

fn stock(world: &World) -> Stock {
    world.eim.store().stock(POOL).unwrap()
}

#[test]
fn a_profile_that_does_not_fit_costs_no_code() {
    let needs = ProfileNeeds {
        memory: Some(1 << 40),
        package_version: Some(2),
        ..ProfileNeeds::default()
    };
    let (mut world, _) = with_pool(81, needs);
    let Ordered::Refused(findings) = order(&mut world) else {
        panic!("it does not fit");
    };
    let of = |check| findings.iter().find(|finding| finding.check == check);
    assert_eq!(of(Check::Memory).unwrap().verdict, Verdict::Refused);
    assert_eq!(of(Check::PackageVersion).unwrap().verdict, Verdict::Passed);
    assert_eq!(stock(&world).available, 1);
    assert!(
        world
            .eim
            .store()
            .open_operations(world.eid)
            .unwrap()
            .is_empty()
    );
}

/// What the inventory says of the modems counts, and a profile that has to stay enabled
/// is named.
#[test]
fn a_profile_that_the_radio_cannot_use_costs_no_code() {
    let needs = ProfileNeeds {
        technologies: vec!["nb_iot".to_string()],
        bands: vec!["B20".to_string(), "B8".to_string()],
        ..ProfileNeeds::default()
    };
    let (mut world, _) = with_pool(83, needs);
    let found = |world: &World| {
        let store = world.eim.store();
        let record = store.euicc(world.eid).unwrap().unwrap().value;
        let pool = store.pool(POOL).unwrap().unwrap();
        let findings = world.eim.preflight(&record, &pool, None).unwrap();
        let verdicts = findings
            .iter()
            .map(|finding| (finding.check, finding.verdict));
        verdicts.collect::<Vec<_>>()
    };
    let radio = |verdict| (Check::Radio, verdict);
    assert_eq!(found(&world), [radio(Verdict::Unknown); 2]);

    let stored = world
        .eim
        .store()
        .device_named(&world.eid.into())
        .unwrap()
        .unwrap();
    let with = |world: &World, version: i64, modems: &[(&str, &str)]| {
        let mut device = stored.device.clone();
        device.modems = modems
            .iter()
            .map(|(technology, band)| Modem {
                technologies: technology.parse().into_iter().collect(),
                bands: band.parse().into_iter().collect(),
                ..Modem::default()
            })
            .collect();
        world
            .eim
            .store()
            .put_device(&device, version, world.now)
            .unwrap();
    };
    with(&world, stored.version, &[("lte", "B20")]);
    assert_eq!(
        found(&world),
        [radio(Verdict::Refused), radio(Verdict::Passed)]
    );
    assert!(matches!(order(&mut world), Ordered::Refused(_)));
    assert_eq!(stock(&world).available, 1);
    // A second modem of which not all is known may do it.
    with(&world, stored.version + 1, &[("lte", "B3"), ("", "B7")]);
    assert_eq!(
        found(&world),
        [radio(Verdict::Unknown), radio(Verdict::Refused)]
    );
    with(
        &world,
        stored.version + 2,
        &[("lte", "B3"), ("nb_iot", "b8")],
    );
    assert_eq!(found(&world), [radio(Verdict::Passed); 2]);
}

/// A profile that has to stay enabled is named before another one is bought.
#[test]
fn a_rule_that_forbids_the_switch_is_seen_before() {
    let (mut world, _) = with_pool(84, ProfileNeeds::default());
    world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let store = world.eim.store();
    let mut record = store.euicc(world.eid).unwrap().unwrap().value;
    let pool = store.pool(POOL).unwrap().unwrap();
    let rule = |record: &EuiccRecord| {
        let findings = world.eim.preflight(record, &pool, None).unwrap();
        let mut rules = findings.into_iter();
        rules.find(|finding| finding.check == Check::PolicyRules)
    };
    assert_eq!(rule(&record).unwrap().verdict, Verdict::Passed);
    let list = record.profiles.as_mut().unwrap();
    list.profiles.push(ListedProfile {
        enabled: true,
        ppr1: true,
        ..ListedProfile::from(&ProfileInfo::empty())
    });
    let found = rule(&record).unwrap();
    assert_eq!(found.verdict, Verdict::Unknown);
    assert!(found.because.contains("PPR1"), "{found:?}");
    record.profiles.as_mut().unwrap().stale = true;
    assert_eq!(rule(&record), None);
}

#[test]
fn a_code_brings_its_profile_once() {
    let needs = ProfileNeeds {
        memory: Some(20_000),
        svn: Some("2.0.0".to_string()),
        ..ProfileNeeds::default()
    };
    let (mut world, subscription) = with_pool(82, needs);
    let download = queued(&mut world);
    assert_eq!(download.expects, Some(subscription.iccid));
    assert_eq!(stock(&world).leased, 1);
    assert!(matches!(order(&mut world), Ordered::NoCode));
    world.round().unwrap();
    let done = world.operation(&download.id).unwrap();
    assert_eq!(done.state_name(), "confirmed", "{done:?}");
    assert_eq!(stock(&world).spent, 1);
}

fn es2plus<F: json::Function>(world: &mut World, message: &F) -> F::Ok {
    let request = json::encode_request(message, None).unwrap();
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    let response = world.smdp.es2plus(&request, "operator", &mut cx).unwrap();
    json::decode_response::<F>(&response).unwrap()
}

fn header(call: &str) -> es2plus_json::RequestHeader {
    es2plus_json::RequestHeader {
        function_requester_identifier: "operator".to_string(),
        function_call_identifier: call.to_string(),
    }
}

/// Has the SM-DP+ take an order back, and orders its profile anew.
fn order_anew(world: &mut World, iccid: Iccid, old: &str) -> NewCode {
    let cancel = es2plus_json::CancelOrder {
        header: header("cancel"),
        iccid,
        eid: None,
        matching_id: old.rsplit('$').next().map(str::to_string),
        final_profile_status_indicator: es2plus_json::FinalProfileStatus::Available,
    };
    es2plus(world, &cancel);
    let again = es2plus_json::DownloadOrder {
        header: header("again"),
        eid: None,
        iccid: Some(iccid),
        profile_type: None,
    };
    es2plus(world, &again);
    let confirm = es2plus_json::ConfirmOrder {
        header: header("confirm"),
        iccid,
        eid: None,
        matching_id: None,
        confirmation_code: None,
        smds_address: None,
        release_flag: true,
    };
    let confirmed = es2plus(world, &confirm);
    NewCode {
        code: format!("LPA:1$smdp.example.com${}", confirmed.matching_id),
        iccid: Some(iccid),
    }
}

/// The device dies before it has a bound package. The SM-DP+ takes the order back,
/// which it would not if it had delivered one, and the profile is ordered anew.
#[test]
fn a_download_that_is_killed_gives_its_code_back() {
    let (mut world, subscription) = with_pool(83, ProfileNeeds::default());
    let download = queued(&mut world);
    world.fault.request = Some(Box::new(|request: &mut HttpRequest| {
        if request.path.ends_with("getBoundProfilePackage") {
            request.path = "/nowhere".to_string();
        }
    }));
    world.round().unwrap();
    world.memory = None;
    world.power_cut();
    world.fault = Default::default();
    world.round().unwrap();
    let failed = world.operation(&download.id).unwrap();
    assert_eq!(failed.state_name(), "failed", "{failed:?}");
    let due = Due::at(failed.since, 9);
    let doubtful = world.eim.store().due_codes(&due).unwrap();
    let [(known, old)] = doubtful.as_slice() else {
        panic!("{doubtful:?}");
    };
    let iccid = subscription.iccid;
    let renewed = order_anew(&mut world, iccid, &old.code);
    assert_ne!(renewed.code, old.code);
    let now = world.now;
    world
        .eim
        .store()
        .renew_code(&known.at, &renewed, now)
        .unwrap();
    assert_eq!(stock(&world).available, 1);
    let download = queued(&mut world);
    world.round().unwrap();
    let done = world.operation(&download.id).unwrap();
    assert_eq!(done.state_name(), "confirmed", "{done:?}");
    let spent = world.eim.store().codes(POOL, Some(CodeState::Spent), 0, 9);
    assert_eq!(spent.unwrap()[0].operation, Some(download.id));
}
