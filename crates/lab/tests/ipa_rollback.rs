//! ProfileRollback (SGP.32 3.3.2): a profile over which the eIM is out of reach
//! is left again, if the eIM allowed it, and only then.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod eim_support;

use std::cell::Cell;
use std::rc::Rc;

use lab::{Algorithm, World, inspect};
use rsp_core::eim::{OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::profile::{self, Subscription};

/// A path at which no server answers.
const NOWHERE: &str = "/nowhere";

/// How the network of the new profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// There until the switch, and again when the card has gone back.
    Dead,
    /// Found after so many requests.
    Slow(u32),
    /// There; the eIM answers 503.
    Overloaded,
    /// It carries what the device says, and no answer.
    Mute,
}

/// Two profiles on the card, the first of them enabled.
struct Two {
    world: World,
    subscriptions: [Subscription; 2],
    /// How often the card was told to go back.
    rollbacks: Rc<Cell<u32>>,
    /// Whether a profile was switched and the card has not gone back.
    switched: Rc<Cell<bool>>,
}

impl Two {
    fn new() -> Self {
        let mut world = World::new(17).unwrap();
        let subscriptions = [1, 2].map(|number| world.subscription(number).unwrap());
        for subscription in &subscriptions {
            let activation_code = world.order(&profile::template(), subscription).unwrap();
            let download = OperationKind::Download { activation_code };
            world.queue(download).unwrap();
        }
        let iccid = subscriptions[0].iccid;
        let rollback = false;
        let kind = OperationKind::Enable { iccid, rollback };
        let enable = world.queue(kind).unwrap();
        world.round().unwrap();
        assert_eq!(world.operation(&enable).unwrap().state_name(), "confirmed");
        world.events.clear();
        Two {
            world,
            subscriptions,
            rollbacks: Rc::default(),
            switched: Rc::default(),
        }
    }

    /// Queues the switch to the second profile, whose network is this.
    fn switch(&mut self, rollback: bool, network: Network) -> OperationId {
        let (rollbacks, switched) = (self.rollbacks.clone(), self.switched.clone());
        self.world.fault.answer = Some(Box::new(move |command, answer| {
            match command.get(5..7) {
                Some([0xBF, 0x51]) => switched.set(true),
                Some([0xBF, 0x58]) => {
                    rollbacks.set(rollbacks.get() + 1);
                    switched.set(false);
                }
                _ => {}
            }
            Ok(answer)
        }));
        let (switched, mut requests) = (self.switched.clone(), 0);
        self.world.fault.request = Some(Box::new(move |request| {
            requests += u32::from(switched.get());
            let is_there = match network {
                Network::Dead | Network::Overloaded => !switched.get(),
                Network::Mute => true,
                Network::Slow(needed) => requests > needed || !switched.get(),
            };
            if !is_there {
                request.path = NOWHERE.to_string();
            }
        }));
        match network {
            Network::Mute => {
                let switched = self.switched.clone();
                self.world.fault.lose = Some(Box::new(move |_, _| switched.get()));
            }
            Network::Overloaded => {
                self.world.fault.response = Some(Box::new(|request, response| {
                    if request.path == NOWHERE {
                        response.status = 503;
                    }
                }));
            }
            _ => self.world.fault.lose = Some(Box::new(|request, _| request.path == NOWHERE)),
        }
        let iccid = self.subscriptions[1].iccid;
        let kind = OperationKind::Enable { iccid, rollback };
        self.world.queue(kind).unwrap()
    }

    fn state(&self, id: &OperationId) -> &'static str {
        self.world.operation(id).unwrap().state_name()
    }

    /// Which profile the card and the network say is enabled.
    #[track_caller]
    fn expect_enabled(&mut self, first: bool) {
        let profiles = inspect::profiles(&mut self.world.card, &mut self.world.rng).unwrap();
        let [one, two] = &self.subscriptions;
        assert_eq!(profiles, [(one.iccid, first), (two.iccid, !first)]);
        let enabled = if first { one } else { two }.clone();
        self.world.confirm(&enabled, Algorithm::Milenage).unwrap();
    }

    fn saw(&self, wanted: &Event) -> bool {
        self.world.events.contains(wanted)
    }
}

/// IPA-04: ProfileRollback, and the result that it makes.
#[test]
fn a_profile_without_network_is_left_and_the_eim_learns_it() {
    let mut two = Two::new();
    let enable = two.switch(true, Network::Dead);
    let began = two.world.now;
    two.world.round().unwrap();
    assert_eq!(two.state(&enable), "rolled_back", "{:?}", two.world.events);
    assert_eq!(two.rollbacks.get(), 1);
    assert!(two.saw(&Event::RolledBack));
    let tried = two.world.now.since(began);
    assert!(tried >= two.world.ipa_config.rollback_after, "{tried:?}");
    two.expect_enabled(true);
    let waiting = inspect::waiting(&mut two.world.card, &mut two.world.rng).unwrap();
    assert_eq!(waiting, 0, "all is delivered");
}

#[test]
fn a_network_that_is_slow_or_an_eim_that_is_overloaded_is_no_reason() {
    for network in [Network::Slow(12), Network::Overloaded] {
        let mut two = Two::new();
        let enable = two.switch(true, network);
        two.world.round().unwrap();
        two.world.fault = Default::default();
        two.world.round().unwrap();
        assert_eq!(two.state(&enable), "confirmed", "{network:?}");
        assert_eq!(two.rollbacks.get(), 0);
        two.expect_enabled(false);
    }
}

#[test]
fn what_the_eim_did_not_allow_is_not_taken_back() {
    let mut two = Two::new();
    let enable = two.switch(false, Network::Dead);
    two.world.round().unwrap();
    assert_eq!((two.state(&enable), two.rollbacks.get()), ("delivered", 0));
    two.world.fault = Default::default();
    two.world.round().unwrap();
    assert_eq!(two.state(&enable), "confirmed");
    two.expect_enabled(false);
}

#[test]
fn an_ipa_that_lost_power_in_between_remembers_that_it_may_go_back() {
    let mut two = Two::new();
    let enable = two.switch(true, Network::Dead);
    two.world
        .ipa
        .handle(rsp_core::ipa::Input::Wake, two.world.now);
    while !two.saw(&Event::PackageProcessed) {
        assert!(two.world.step().unwrap());
    }
    two.world.power_cut();
    assert_eq!(two.rollbacks.get(), 0);
    two.world.round().unwrap();
    assert_eq!(two.state(&enable), "rolled_back", "{:?}", two.world.events);
    two.expect_enabled(true);
}

/// IPA-55 of the catalogue: the first result is tried on.
#[test]
fn a_card_that_does_not_go_back_has_its_first_result_delivered() {
    let mut two = Two::new();
    let enable = two.switch(true, Network::Dead);
    let mut seen = two.world.fault.answer.take().unwrap();
    // rollbackNotAllowed, and the switch that the card did not make.
    two.world.fault.command = Some(Box::new(|command| {
        if command.get(5..7) == Some(&[0xBF, 0x58]) {
            command[5] = 0xBF;
            command[6] = 0x7F;
        }
    }));
    two.world.fault.answer = Some(Box::new(move |command, answer| {
        if command.get(5..7) == Some(&[0xBF, 0x7F]) {
            return Ok(vec![0xBF, 0x58, 0x03, 0x02, 0x01, 0x01, 0x90, 0x00]);
        }
        seen(command, answer)
    }));
    two.world.round().unwrap();
    assert_eq!(two.state(&enable), "delivered");
    let reason = "rollbackNotAllowed(1)".to_string();
    assert!(
        two.saw(&Event::RollbackRefused { reason }),
        "{:?}",
        two.world.events
    );

    two.world.fault = Default::default();
    two.world.round().unwrap();
    assert_eq!(two.state(&enable), "confirmed");
    two.expect_enabled(false);
}

/// The eIM has the result of the enable when the IPA goes back, and maybe a
/// poll after it that was late on its way.
#[test]
fn an_enable_whose_acknowledgement_was_lost_is_taken_back_all_the_same() {
    for late_poll in [false, true] {
        let mut two = Two::new();
        let enable = two.switch(true, Network::Mute);
        two.world
            .ipa
            .handle(rsp_core::ipa::Input::Wake, two.world.now);
        while two.state(&enable) != "executed" {
            assert!(two.world.step().unwrap());
        }
        if late_poll {
            eim_support::poll(&mut two.world);
            assert_eq!(two.state(&enable), "confirmed");
        }
        while two.world.step().unwrap() {}
        assert_eq!(two.rollbacks.get(), 1);
        assert_eq!(two.state(&enable), "rolled_back", "{:?}", two.world.events);
        two.expect_enabled(true);
        let evidence = two.world.eim.store().evidence(two.world.eid).unwrap();
        let of_it = evidence
            .iter()
            .filter(|e| e.operation == Some(enable.clone()));
        assert_eq!(of_it.count(), 2, "both are kept");
    }
}
