//! Each octet of a bound profile package changed in turn, as it leaves the
//! SM-DP+: whoever meets it, nothing is installed, the failure is reported,
//! and the card goes on as if nothing had been.
//!
//! A sample of the positions, or all of them in a long run.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab::{Algorithm, Fault, World, inspect, sizes};
use rsp_asn1::ids::Iccid;
use rsp_core::binding::es9plus_json::GetBoundProfilePackageRequest;
use rsp_core::binding::json::Function;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::OrderState;
use rsp_crypto::software::SeededRng;

/// Positions of a sample: at equal distances, and random ones.
const SPREAD: usize = 200;
const RANDOM: usize = 60;
/// Every how many positions a clean download follows.
const CLEAN_EVERY: usize = 16;

/// Orders after which a new world begins: the installed profiles fill the card.
const ORDERS: u32 = 250;

/// Whose refusal ended a download, to see that all of them were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RefusedBy {
    /// It signed a ProfileInstallationResult.
    Card,
    /// It cancelled the session.
    Ipa,
}

/// Changes the package in a response of the SM-DP+.
fn change_package(response: &mut HttpResponse, change: impl FnOnce(&mut Vec<u8>)) {
    let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let member = body.get_mut("boundProfilePackage").unwrap();
    let mut package = STANDARD.decode(member.as_str().unwrap()).unwrap();
    change(&mut package);
    *member = STANDARD.encode(package).into();
    response.body = serde_json::to_vec(&body).unwrap();
}

/// A fault that hands every package to `change`.
fn at_the_package(mut change: impl FnMut(&mut Vec<u8>) + 'static) -> Fault {
    let response = move |request: &HttpRequest, response: &mut HttpResponse| {
        if request.path == GetBoundProfilePackageRequest::PATH {
            change_package(response, &mut change);
        }
    };
    Fault {
        response: Some(Box::new(response)),
        ..Fault::default()
    }
}

/// A world that downloads one profile after the other.
struct Bench {
    world: World,
    template: Vec<u8>,
    orders: u32,
}

impl Bench {
    fn new(seed: u64) -> Self {
        Bench {
            world: World::new(seed).unwrap(),
            template: profile::template(),
            orders: 0,
        }
    }

    /// Orders a profile and has it downloaded under a fault.
    fn download(&mut self, fault: Fault) -> (Subscription, OperationState) {
        self.orders += 1;
        let subscription = self.world.subscription(self.orders).unwrap();
        let activation_code = self.world.order(&self.template, &subscription).unwrap();
        let download = OperationKind::Download { activation_code };
        let download = self.world.queue(download).unwrap();
        self.world.fault = fault;
        self.world.events.clear();
        self.world.round().unwrap();
        self.world.fault = Fault::default();
        let state = self.world.operation(&download).unwrap().state;
        (subscription, state)
    }

    /// Length of a package; it is the same for every subscription.
    fn package_length(&mut self) -> usize {
        let length = Rc::new(Cell::new(0));
        let seen = length.clone();
        let (_, state) = self.download(at_the_package(move |package| seen.set(package.len())));
        assert_eq!(state.name(), "confirmed");
        length.get()
    }

    fn profiles(&mut self) -> Vec<(Iccid, bool)> {
        inspect::profiles(&mut self.world.card, &mut self.world.rng).unwrap()
    }

    /// Downloads with one octet changed; gives who refused, or what went
    /// wrong.
    fn refusal(&mut self, position: usize, mask: u8) -> Result<RefusedBy, String> {
        let before = self.profiles();
        let changed = Rc::new(Cell::new(0));
        let seen = changed.clone();
        let fault = at_the_package(move |package| {
            package[position] ^= mask;
            seen.set(seen.get() + 1);
        });
        let (subscription, state) = self.download(fault);
        let expect = |holds: bool, what: &str| match holds {
            true => Ok(()),
            false => Err(format!("{what}; the operation: {state:?}")),
        };
        expect(changed.get() == 1, "the download did not get that far")?;
        let installed = |event: &Event| matches!(event, Event::Installed { .. });
        let installed = self.world.events.iter().any(installed);
        expect(!installed, "the card installed it")?;
        expect(self.profiles() == before, "the card's profiles changed")?;
        let waiting = inspect::waiting(&mut self.world.card, &mut self.world.rng).unwrap();
        expect(waiting == 0, "something was not reported")?;
        let order = self.world.smdp.store().order(subscription.iccid).unwrap();
        let order = order.unwrap().value.state;
        expect(order == OrderState::Error, "the SM-DP+ was not told")?;
        match &state {
            // The card's list shows that nothing came of it.
            OperationState::Failed { reason } if reason.contains("unsigned") => Ok(RefusedBy::Ipa),
            OperationState::Failed { .. } => Ok(RefusedBy::Card),
            state => Err(format!("the eIM was not told: {state:?}")),
        }
    }

    /// A clean download and enable on the same card.
    fn succeeds(&mut self) -> Result<(), String> {
        let (subscription, state) = self.download(Fault::default());
        if state.name() != "confirmed" {
            return Err(format!("then a clean download failed: {state:?}"));
        }
        let enable = OperationKind::Enable {
            iccid: subscription.iccid,
            rollback: false,
        };
        let enable = self.world.queue(enable).unwrap();
        self.world.round().unwrap();
        let state = self.world.operation(&enable).unwrap().state;
        if state.name() != "confirmed" {
            return Err(format!("then an enable failed: {state:?}"));
        }
        let confirmed = self.world.confirm(&subscription, Algorithm::Milenage);
        confirmed.map_err(|error| format!("then the card did not authenticate: {error}"))
    }
}

/// What became of some positions: who refused how often, and what went wrong.
#[derive(Default)]
struct Tally {
    refused: BTreeMap<RefusedBy, usize>,
    wrong: Vec<String>,
}

fn flip_all(positions: &[usize], seed: u64) -> Tally {
    let mut rng = SeededRng::new(seed);
    let mut bench = Bench::new(seed);
    let mut tally = Tally::default();
    for (index, &position) in positions.iter().enumerate() {
        for mask in masks(&mut rng) {
            let refused = bench.refusal(position, mask);
            let failed = refused.is_err();
            match refused {
                Ok(by) => *tally.refused.entry(by).or_default() += 1,
                Err(why) => tally.wrong.push(format!("{position} ^ {mask:02X}: {why}")),
            }
            let last = index + 1 == positions.len();
            if (failed || last || index % CLEAN_EVERY == 0)
                && let Err(why) = bench.succeeds()
            {
                tally.wrong.push(format!("{position} ^ {mask:02X}: {why}"));
            }
            if failed || bench.orders > ORDERS {
                bench = Bench::new(seed.wrapping_add(index as u64));
            }
        }
    }
    tally
}

/// What an octet is changed by: anything; in a long run also its lowest and
/// its highest bit.
fn masks(rng: &mut SeededRng) -> Vec<u8> {
    let any = 1 + sizes::below(255, rng) as u8;
    match sizes::long() {
        true => vec![any, 0x01, 0x80],
        false => vec![any],
    }
}

#[test]
fn every_changed_octet_of_a_package_is_refused() {
    let seed = sizes::seed("every_changed_octet_of_a_package_is_refused");
    let length = Bench::new(seed).package_length();
    let positions = sizes::sample(length, SPREAD, RANDOM, seed);
    println!("{} of {length} positions", positions.len());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = positions.len().div_ceil(workers);
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let workers: Vec<_> = positions
            .chunks(share)
            .map(|positions| scope.spawn(move || flip_all(positions, seed)))
            .collect();
        let done = workers.into_iter().map(|worker| worker.join().unwrap());
        done.collect()
    });
    let wrong: Vec<_> = tallies.iter().flat_map(|tally| &tally.wrong).collect();
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    let refused = |by| {
        tallies
            .iter()
            .filter_map(move |tally| tally.refused.get(&by))
    };
    let (card, ipa): (usize, usize) = (
        refused(RefusedBy::Card).sum(),
        refused(RefusedBy::Ipa).sum(),
    );
    println!("refused by the card: {card}, by the IPA: {ipa}");
    assert!(card > ipa && ipa > 0, "{card} {ipa}");
}
