//! Each role killed at each message, and started again from what it had made
//! durable: the world comes to the same end as one in which nobody dies.
//!
//! A sample of the deaths, or all of them in a long run.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod model;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use lab::{Algorithm, Kill, Moment, Peer, Role, World, sizes};
use rsp_core::eim::{OperationId, OperationKind, OperationState};
use rsp_core::profile::{self, Subscription};

use model::State;

/// Deaths of a sample: at equal distances, and random ones.
const SPREAD: usize = 60;
const RANDOM: usize = 20;

/// Rounds after which an operation must have come to an end.
const ROUNDS: usize = 4;

/// More than an IPA repeats a request: it gives the round up.
const LONG_AWAY: usize = 4;

/// An operator, who asks for one thing after the other, and once more for what
/// was not done.
struct Story {
    world: World,
    subscriptions: [Subscription; 2],
    operations: Vec<OperationId>,
    codes: Vec<String>,
    expected: State,
    /// How often something had to be asked for again.
    repeated: usize,
}

impl Story {
    fn begin(folder: &Path) -> Self {
        let mut world = World::on_disk(41, folder).unwrap();
        let subscriptions = [1, 2].map(|number| world.subscription(number).unwrap());
        let template = profile::template();
        let order = |subscription| world.order(&template, subscription).unwrap();
        Story {
            codes: subscriptions.iter().map(order).collect(),
            world,
            subscriptions,
            operations: Vec::new(),
            expected: State::default(),
            repeated: 0,
        }
    }

    /// One profile is downloaded and enabled, then another one in its place;
    /// the first is deleted. What was not as it must be.
    fn tell(&mut self) -> Result<(), String> {
        for number in 0..2 {
            let iccid = self.subscriptions[number].iccid;
            let activation_code = self.codes[number].clone();
            self.expected.download(iccid);
            self.ask(OperationKind::Download { activation_code })?;
            self.expected.enable(iccid);
            let rollback = false;
            self.ask(OperationKind::Enable { iccid, rollback })?;
        }
        let iccid = self.subscriptions[0].iccid;
        self.expected.delete(iccid);
        self.ask(OperationKind::Delete { iccid })?;
        let subscription = &self.subscriptions[1];
        let confirmed = self.world.confirm(subscription, Algorithm::Milenage);
        confirmed.map_err(|error| error.to_string())
    }

    /// Asks for something, once more if the first answer was that it was not
    /// done, and compares.
    fn ask(&mut self, kind: OperationKind) -> Result<(), String> {
        let before = self.state();
        let mut answers = Vec::new();
        for _ in 0..2 {
            let operation = self.world.queue(kind.clone()).unwrap();
            let answer = self.wait_for(&operation);
            let done = answer.name() == "confirmed";
            answers.push(format!("{answer:?}"));
            if done {
                self.operations.push(operation);
                break;
            }
            let now = self.state();
            if now.profiles != before.profiles {
                let is_download = matches!(kind, OperationKind::Download { .. });
                if is_download && answer.name() == "outcome_unknown" {
                    // The card installed it and died before it could say so:
                    // the operator is told that it is not known, and looks.
                    self.expected.last_is_unknown();
                    self.operations.push(operation);
                    break;
                }
                return Err(format!("{kind:?}: {answers:?}, but it was: {now:?}"));
            }
            self.repeated += 1;
        }
        // What is left is delivered at the next poll.
        self.world.round().unwrap();
        let (actual, expected) = (self.state(), &self.expected);
        match actual == *expected {
            true => Ok(()),
            false => Err(format!(
                "{kind:?}: {answers:?}\n  {actual:?}\n  instead of {expected:?}\n  {:?}",
                self.world.events
            )),
        }
    }

    /// What an operation has come to.
    fn wait_for(&mut self, operation: &OperationId) -> OperationState {
        for _ in 0..ROUNDS {
            self.world.round().unwrap();
            let state = self.world.operation(operation).unwrap().state;
            if matches!(state.name(), "confirmed" | "failed") {
                return state;
            }
        }
        self.world.operation(operation).unwrap().state
    }

    /// What can be seen of the world; what was not ordered yet is no part.
    fn state(&mut self) -> State {
        let ordered = self.expected.ordered();
        State::of(&mut self.world, &self.operations, &ordered)
    }

    /// No activation code brings a second profile.
    fn codes_are_spent(&mut self) -> Result<(), String> {
        let before = self.state();
        for activation_code in self.codes.clone() {
            let again = OperationKind::Download { activation_code };
            let again = self.world.queue(again).unwrap();
            let answer = self.wait_for(&again);
            if matches!(answer.name(), "confirmed" | "executed") {
                return Err("an activation code was good for two downloads".to_string());
            }
        }
        match self.state() == before {
            true => Ok(()),
            false => Err("a spent activation code had an effect".to_string()),
        }
    }
}

/// A folder for the files of one thread.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("simurgh-kills-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every death at the messages of a world in which nobody died.
fn deaths(messages: &[Peer]) -> Vec<Kill> {
    let mut deaths = Vec::new();
    for (message, peer) in messages.iter().enumerate() {
        let mut at = |role, moments: &[Moment], away: &[usize]| {
            for &moment in moments {
                deaths.extend(away.iter().map(|&away| Kill {
                    role,
                    message,
                    moment,
                    away,
                }));
            }
        };
        // Before a message is after the one before it: the IPA and the card do
        // not tell the two apart.
        let heard = [Moment::Unanswered, Moment::Answered];
        let all = [Moment::Before, Moment::Unanswered, Moment::Answered];
        at(Role::Ipa, &heard, &[0]);
        at(Role::Device, &heard, &[0]);
        match peer {
            Peer::Memory => {}
            Peer::Card => at(Role::Card, &heard, &[0]),
            Peer::Eim => at(Role::Eim, &all, &[0, LONG_AWAY]),
            Peer::Smdp => at(Role::Smdp, &all, &[0, LONG_AWAY]),
        }
    }
    deaths
}

/// What went wrong, and how many operations had to be asked for again.
#[derive(Default)]
struct Tally {
    wrong: Vec<String>,
    repeated: BTreeMap<Role, usize>,
}

fn try_deaths(deaths: &[Kill]) -> Tally {
    let mut tally = Tally::default();
    for death in deaths {
        let folder = Folder::new(&format!("{:?}", thread::current().id()));
        let mut story = Story::begin(&folder.0);
        story.world.kill = Some(*death);
        if let Err(why) = story.tell().and_then(|()| story.codes_are_spent()) {
            tally.wrong.push(format!("{death:?}: {why}"));
        }
        *tally.repeated.entry(death.role).or_default() += story.repeated;
    }
    tally
}

#[test]
fn whoever_dies_the_world_comes_to_the_same_end() {
    let seed = sizes::seed("whoever_dies_the_world_comes_to_the_same_end");
    let folder = Folder::new("clean");
    let mut story = Story::begin(&folder.0);
    story.tell().unwrap();
    assert_eq!(story.repeated, 0);
    let deaths = deaths(&story.world.messages);
    story.codes_are_spent().unwrap();

    let chosen = sizes::sample(deaths.len(), SPREAD, RANDOM, seed);
    let chosen: Vec<Kill> = chosen.into_iter().map(|at| deaths[at]).collect();
    println!("{} of {} deaths", chosen.len(), deaths.len());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = chosen.len().div_ceil(workers);
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let workers: Vec<_> = chosen
            .chunks(share)
            .map(|deaths| scope.spawn(move || try_deaths(deaths)))
            .collect();
        let done = workers.into_iter();
        done.map(|worker| worker.join().unwrap()).collect()
    });
    let wrong: Vec<_> = tallies.iter().flat_map(|tally| &tally.wrong).collect();
    for why in &wrong {
        println!("{why}");
    }
    for tally in &tallies {
        println!("asked for again: {:?}", tally.repeated);
    }
    assert!(wrong.is_empty(), "{} wrong", wrong.len());
}
