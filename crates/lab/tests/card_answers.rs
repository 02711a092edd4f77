//! Cards that answer rubbish, an unexpected status word or nothing, and cards
//! that are full: the IPA neither hangs nor believes them, the eIM learns only
//! what is so, and with the next good card answer everything goes on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::Cell;
use std::rc::Rc;

use lab::{Algorithm, ChangeAnswer, Fault, World, inspect, sizes};
use rsp_asn1::ids::Iccid;
use rsp_core::eim::{OperationId, OperationKind, OperationState};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};
use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;

/// Answers of a sample that are changed, at equal distances and random ones.
const SPREAD: usize = 40;
const RANDOM: usize = 20;

/// Messages in a round after which an IPA counts as hanging.
const MANY: usize = 5_000;

/// What a card says instead of its answer.
#[derive(Clone, Copy, Debug)]
enum Says {
    Nothing,
    LessThanAStatusWord,
    /// This status word alone.
    Status(u16),
    /// Its answer without the data.
    NoData,
    /// Half of its data.
    HalfTheData,
    /// Random octets and '9000'.
    Rubbish,
    /// Its answer with a changed octet.
    Changed,
}

impl Says {
    const ALL: [Says; 12] = [
        Says::Nothing,
        Says::LessThanAStatusWord,
        Says::Status(0x9000),
        Says::Status(0x6100),
        Says::Status(0x6C10),
        Says::Status(0x6881),
        Says::Status(0x6985),
        Says::Status(0x6F00),
        Says::NoData,
        Says::HalfTheData,
        Says::Rubbish,
        Says::Changed,
    ];

    fn instead_of(self, answer: Vec<u8>, rng: &mut SeededRng) -> Result<Vec<u8>, String> {
        let (data, status) = answer.split_at(answer.len() - 2);
        Ok(match self {
            Says::Nothing => return Err("the card does not answer".to_string()),
            Says::LessThanAStatusWord => vec![0x90],
            Says::Status(status) => status.to_be_bytes().to_vec(),
            Says::NoData => status.to_vec(),
            Says::HalfTheData => [&data[..data.len() / 2], status].concat(),
            Says::Rubbish => {
                let mut rubbish = vec![0; sizes::below(256, rng)];
                rng.fill(&mut rubbish);
                rubbish.extend([0x90, 0x00]);
                rubbish
            }
            Says::Changed => {
                let mut answer = answer;
                let at = sizes::below(answer.len(), rng);
                answer[at] ^= 1 + sizes::below(255, rng) as u8;
                answer
            }
        })
    }
}

/// Changes the answers to some commands, by their number; counts commands.
fn answers(
    mut which: impl FnMut(usize) -> bool + 'static,
    says: Says,
    seed: u64,
) -> (ChangeAnswer, Rc<Cell<usize>>) {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let mut rng = SeededRng::new(seed);
    let change = move |_: &[u8], answer: Vec<u8>| {
        let number = counted.get();
        counted.set(number + 1);
        assert!(number < MANY, "the IPA goes on for ever");
        match which(number) {
            true => says.instead_of(answer, &mut rng),
            false => Ok(answer),
        }
    };
    (Box::new(change), count)
}

fn on_card(world: &mut World, iccid: Iccid) -> Option<bool> {
    let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    let found = profiles.iter().find(|(installed, _)| *installed == iccid);
    found.map(|(_, enabled)| *enabled)
}

/// A world in which a download and an enable are queued.
fn ordered(seed: u64) -> (World, Subscription, [OperationId; 2]) {
    let mut world = World::new(seed).unwrap();
    let subscription = world.subscription(1).unwrap();
    let operations = order(&mut world, &subscription);
    (world, subscription, operations)
}

fn order(world: &mut World, subscription: &Subscription) -> [OperationId; 2] {
    let activation_code = world.order(&profile::template(), subscription).unwrap();
    let iccid = subscription.iccid;
    let rollback = false;
    [
        world.queue(OperationKind::Download { activation_code }),
        world.queue(OperationKind::Enable { iccid, rollback }),
    ]
    .map(Result::unwrap)
}

/// What the eIM believes is so.
#[track_caller]
fn believes_what_is_so(world: &mut World, iccid: Iccid, operations: &[OperationId; 2]) {
    let is = on_card(world, iccid);
    let [download, enable] = operations.each_ref().map(|id| world.operation(id).unwrap());
    if download.state_name() == "confirmed" {
        assert!(is.is_some(), "no profile, but {download:?}");
    }
    if let OperationState::Failed { .. } = download.state {
        assert!(is.is_none(), "a profile, but {download:?}");
    }
    if enable.state_name() == "confirmed" {
        assert_eq!(is, Some(true), "not enabled, but {enable:?}");
    }
}

/// A clean download and enable.
#[track_caller]
fn goes_on(world: &mut World) {
    let subscription = world.subscription(2).unwrap();
    let operations = order(world, &subscription);
    for _ in 0..3 {
        world.round().unwrap();
    }
    for id in &operations {
        let operation = world.operation(id).unwrap();
        assert_eq!(
            operation.state_name(),
            "confirmed",
            "{operation:?} {:?}",
            world.events
        );
    }
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

#[test]
fn one_wrong_answer_of_the_card_ends_a_round_at_most() {
    let seed = sizes::seed("one_wrong_answer_of_the_card_ends_a_round_at_most");
    let (mut world, ..) = ordered(seed);
    let (change, total) = answers(|_| false, Says::Nothing, seed);
    world.fault.answer = Some(change);
    world.round().unwrap();
    let kinds = Says::ALL.len();
    let chosen = sizes::sample(total.get() * kinds, SPREAD, RANDOM, seed);
    println!("{} of {} wrong answers", chosen.len(), total.get() * kinds);
    for one in chosen {
        let (at, says) = (one / kinds, Says::ALL[one % kinds]);
        println!("{says:?} instead of answer {at}");
        let (mut world, subscription, operations) = ordered(seed);
        world.fault.answer = Some(answers(move |number| number == at, says, seed).0);
        world.round().unwrap();
        believes_what_is_so(&mut world, subscription.iccid, &operations);
        world.fault = Fault::default();
        goes_on(&mut world);
    }
}

#[test]
fn a_card_that_answers_nothing_useful_any_more_ends_the_round() {
    let seed = 5;
    for says in Says::ALL {
        for from in [0, 1, 2, 3, 5, 20, 40] {
            let (mut world, subscription, operations) = ordered(seed);
            let (change, _) = answers(move |number| number >= from, says, seed);
            world.fault.answer = Some(change);
            world.round().unwrap();
            world.fault = Fault::default();
            believes_what_is_so(&mut world, subscription.iccid, &operations);
            goes_on(&mut world);
        }
    }
}

#[test]
fn a_response_without_end_is_not_collected() {
    let (mut world, ..) = ordered(6);
    let mut count = 0;
    let more = move |_: &[u8], _: Vec<u8>| {
        count += 1;
        assert!(count < MANY, "the IPA goes on for ever");
        Ok([[0xA5; 256].as_slice(), &[0x61, 0x00]].concat())
    };
    world.fault.answer = Some(Box::new(more));
    world.round().unwrap();
    let failed = |event: &Event| matches!(event, Event::Failed { .. });
    assert!(world.events.iter().any(failed), "{:?}", world.events);
    world.fault = Fault::default();
    goes_on(&mut world);
}

#[test]
fn a_full_card_refuses_says_so_and_keeps_what_it_has() {
    let mut world = World::new(8).unwrap();
    let template = profile::template();
    let mut installed = Vec::new();
    let reason = loop {
        let number = installed.len() as u32 + 1;
        assert!(number < 500, "the card takes everything");
        let subscription = world.subscription(number).unwrap();
        let activation_code = world.order(&template, &subscription).unwrap();
        let download = OperationKind::Download { activation_code };
        let download = world.queue(download).unwrap();
        world.round().unwrap();
        match world.operation(&download).unwrap().state {
            OperationState::Confirmed { .. } => installed.push(subscription.iccid),
            OperationState::Failed { reason } => break reason,
            state => panic!("{state:?}"),
        }
    };
    // What the card says of its memory is enough for the SM-DP+.
    assert!(reason.contains("8.1/4.8"), "{reason}");
    let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
    let iccids: Vec<Iccid> = profiles.iter().map(|(iccid, _)| *iccid).collect();
    assert_eq!(iccids, installed);
    let waiting = inspect::waiting(&mut world.card, &mut world.rng).unwrap();
    assert_eq!(waiting, 0);

    // With room again, the next one fits.
    let iccid = installed[0];
    let delete = world.queue(OperationKind::Delete { iccid }).unwrap();
    world.round().unwrap();
    assert_eq!(world.operation(&delete).unwrap().state_name(), "confirmed");
    let subscription = world.subscription(1000).unwrap();
    let operations = order(&mut world, &subscription);
    world.round().unwrap();
    for id in &operations {
        assert_eq!(world.operation(id).unwrap().state_name(), "confirmed");
    }
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}
