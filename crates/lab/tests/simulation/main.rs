//! Many devices through all that can go wrong: what the servers say in the end
//! is what the cards did. The judge is `lab::simulation::checker`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod mutations;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use lab::WorldError;
use lab::simulation::{self, Faults, Plan, Verdict, shrink};
use lab::sizes;

/// Worlds, each with servers of its own.
const SEEDS: u64 = 20;

/// Runs a world.
fn run(plan: &Plan) -> Result<Verdict, WorldError> {
    simulation::run(plan, &|store| store, &mut |_| {})
}

/// Runs as many worlds as there are seeds, side by side; each that contradicts
/// its cards tells a short story.
fn all_seeds(first: u64, devices: usize, operations: usize) {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(0);
    let work = || {
        let mut stories = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= SEEDS {
                return stories;
            }
            let plan = Plan::new(first.wrapping_add(number), devices, operations);
            let began = Instant::now();
            let verdict = run(&plan).unwrap();
            let (seed, took) = (plan.seed, began.elapsed());
            println!("seed {seed}: {} in {took:?}", verdict.totals);
            assert_eq!(verdict.totals.operations, devices * operations);
            for contradiction in &verdict.contradictions {
                println!("seed {seed}: {contradiction}");
            }
            if !verdict.contradictions.is_empty() {
                let shrunk = shrink(&plan, verdict, &mut |plan| run(plan));
                stories.push(shrunk.unwrap().to_string());
            }
        }
    };
    let stories: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let stories = workers.into_iter().map(|worker| worker.join().unwrap());
        stories.flatten().collect()
    });
    assert!(stories.is_empty(), "{}", stories.join("\n"));
}

/// Of five exchanges one is lost, one repeated and one late; everybody dies now
/// and then. 50 operations on each of 50 devices, and always the same worlds,
/// unless `SIMURGH_SEED` says otherwise: the search for new ones is that of the
/// long runs.
#[test]
fn what_servers_say_is_what_cards_did() {
    let name = "what_servers_say_is_what_cards_did";
    let given = std::env::var_os("SIMURGH_SEED").map(|_| sizes::seed(name));
    all_seeds(given.unwrap_or(1000), 50, 50);
}

/// A million operations: a thousand on each of a thousand devices, 50 of them
/// in one world.
#[test]
#[ignore = "takes hours"]
fn what_servers_say_of_a_million_operations_is_what_cards_did() {
    let seed = sizes::seed("what_servers_say_of_a_million_operations_is_what_cards_did");
    all_seeds(seed, 50, 1000);
}

/// Where nothing goes wrong, everybody is content, and nothing is refused for
/// having come twice.
#[test]
fn a_world_without_faults_has_nothing_to_explain() {
    let plan = Plan {
        faults: Faults::NONE,
        ..Plan::new(1, 3, 40)
    };
    let verdict = run(&plan).unwrap();
    println!("{}", verdict.totals);
    assert_eq!(verdict.contradictions, []);
    assert_eq!(verdict.totals.refused, 0);
    assert!(verdict.totals.done > 60);
}

/// A failure can be told again: the same seed does the same.
#[test]
fn the_same_seed_does_the_same_again() {
    let plan = Plan::new(7, 4, 20);
    let (once, twice) = (run(&plan).unwrap(), run(&plan).unwrap());
    assert_eq!(once.totals, twice.totals);
    assert_ne!(run(&Plan::new(8, 4, 20)).unwrap().totals, once.totals);
}
