//! Many devices through all that can go wrong, on a fake clock, from a seed.
//!
//! One eIM, one SM-DP+ and any number of devices, each the product's IPA with
//! a software eUICC. An operator keeps queueing operations, good ones and bad
//! ones. The network loses messages, repeats them and has them overtake each
//! other; servers, IPAs and cards die and start again from what they made
//! durable; devices vanish for a year. In the end the link is good again, and
//! two polls later everything that servers say must be true of the cards: the
//! [`checker`] judges, by what the cards say they did.
//!
//! Everything that befalls a device comes from the seed and the number of the
//! device alone: a device can be taken out of a simulation and does much the
//! same by itself, which is how [`shrink`] makes a failure small.

mod backend;
pub mod checker;
mod device_maker;
mod dice;
mod faults;
mod history;
pub mod layer;
mod lingering;
mod link;
mod operator;
mod shrink;
mod subject;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::{Timestamp, profile};
use store::Store;

use crate::rest::Likeness;
use crate::world::{START, WorldError};
use backend::{Backend, Fate, Server};
use checker::{Contradiction, History};
pub use faults::Faults;
use link::{Exchange, TIMEOUT};
pub use shrink::{Shrunk, shrink};
use subject::{POLL_INTERVAL, Subject, Want};

/// How a simulation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// Devices.
    pub devices: usize,
    /// Operations on each.
    pub operations: usize,
    /// The only device that there is, by its number; all if absent.
    pub only: Option<usize>,
    /// How often what goes wrong.
    pub faults: Faults,
}

impl Plan {
    /// With everything that goes wrong.
    pub const fn new(seed: u64, devices: usize, operations: usize) -> Self {
        Plan {
            seed,
            devices,
            operations,
            only: None,
            faults: Faults::MANY,
        }
    }
}

/// What came of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must not be.
    pub contradictions: Vec<Contradiction>,
    /// How much happened.
    pub totals: Totals,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Operations that were queued.
    pub operations: usize,
    /// Those that the eIM says were done.
    pub done: usize,
    /// Packages that cards executed.
    pub packages: usize,
    /// Packages that cards refused as a whole.
    pub refused: usize,
    /// Profiles that cards installed.
    pub installed: usize,
    /// Returns to the profile before.
    pub rolled_back: usize,
    /// Polls.
    pub polls: usize,
    /// Exchanges with servers.
    pub exchanges: usize,
    /// Deaths of the eIM.
    pub eim_deaths: usize,
    /// Deaths of the SM-DP+.
    pub smdp_deaths: usize,
    /// Deaths of IPAs, their cards having power.
    pub ipa_deaths: usize,
    /// Deaths of whole devices.
    pub device_deaths: usize,
    /// Commands at which a card lost power, was reset or did not answer.
    pub card_faults: usize,
    /// Results that were lost on their way.
    pub lost_results: usize,
    /// Operations of which nobody knew at the end of a contact what became of them;
    /// counted where results alone are lost.
    pub unknown: usize,
    /// For how many contacts at most.
    pub longest_unknown: usize,
    /// Days that passed.
    pub days: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} operations, {} done; {} packages executed, {} refused; {} profiles installed, \
             {} returns; {} polls, {} exchanges, {} days; deaths: eIM {}, SM-DP+ {}, IPA {}, \
             device {}; {} faults of cards",
            self.operations,
            self.done,
            self.packages,
            self.refused,
            self.installed,
            self.rolled_back,
            self.polls,
            self.exchanges,
            self.days,
            self.eim_deaths,
            self.smdp_deaths,
            self.ipa_deaths,
            self.device_deaths,
            self.card_faults,
        )
    }
}

/// What happens next.
enum Event {
    /// The device is due, if nothing else has happened to it since.
    Wake { epoch: u64 },
    /// A request arrives at a server; what happens there, and when the response
    /// arrives.
    Request {
        number: u64,
        server: Server,
        request: Arc<HttpRequest>,
        fate: Fate,
        back: Option<Duration>,
    },
    /// A response arrives.
    Response {
        number: u64,
        path: String,
        response: HttpResponse,
    },
    /// The IPA gives a request up.
    Timeout { number: u64 },
    /// The operator thinks of the device.
    Operator,
}

/// A simulation under way.
struct Simulation {
    faults: Faults,
    now: Timestamp,
    /// What is to come: when, in which order, on which device.
    coming: BTreeMap<(Timestamp, u64), (usize, Event)>,
    next: u64,
    backend: Backend,
    subjects: Vec<Subject>,
    like: Option<Likeness>,
    template: Vec<u8>,
    exchanges: usize,
}

/// Runs a simulation; `wrap` may put something between the eIM and its store,
/// and `progress` hears how many operations were queued.
///
/// # Errors
/// If the world itself fails: a store, the making of a card.
pub fn run(
    plan: &Plan,
    wrap: &dyn Fn(Arc<dyn Store>) -> Arc<dyn Store>,
    progress: &mut dyn FnMut(usize),
) -> Result<Verdict, WorldError> {
    let mut simulation = Simulation::new(plan, wrap)?;
    simulation.storm(progress)?;
    let unresolved = simulation.calm()?;
    let (histories, totals) = simulation.histories(unresolved)?;
    let judged = histories.iter().flat_map(checker::judge);
    Ok(Verdict {
        contradictions: judged.collect(),
        totals,
    })
}

/// What is said of it and what is true, before anybody judges.
///
/// # Errors
/// As [`run`].
pub fn histories(plan: &Plan) -> Result<Vec<History>, WorldError> {
    let mut simulation = Simulation::new(plan, &|store| store)?;
    simulation.storm(&mut |_| {})?;
    let unresolved = simulation.calm()?;
    Ok(simulation.histories(unresolved)?.0)
}

impl Simulation {
    fn new(plan: &Plan, wrap: backend::Wrap<'_>) -> Result<Self, WorldError> {
        let mut simulation = Simulation {
            faults: plan.faults,
            now: START,
            coming: BTreeMap::new(),
            next: 0,
            backend: Backend::new(plan.seed, wrap)?,
            subjects: Vec::new(),
            like: None,
            template: profile::template(),
            exchanges: 0,
        };
        let wanted = |number: &usize| plan.only.is_none_or(|only| only == *number);
        for number in (0..plan.devices).filter(wanted) {
            let at = simulation.subjects.len();
            let mut subject = simulation.make_device(plan, number)?;
            let first = START.after(subject.dice.up_to(POLL_INTERVAL));
            simulation.subjects.push(subject);
            simulation.plan(START, at, Event::Operator);
            simulation.plan(first, at, Event::Wake { epoch: 0 });
        }
        Ok(simulation)
    }

    fn plan(&mut self, when: Timestamp, device: usize, event: Event) {
        self.next += 1;
        self.coming.insert((when, self.next), (device, event));
    }

    /// As long as operators think of something, and a while longer.
    fn storm(&mut self, progress: &mut dyn FnMut(usize)) -> Result<(), WorldError> {
        let mut end = None;
        while let Some(((when, _), (device, event))) = self.coming.pop_first() {
            if end.is_some_and(|end| when > end) {
                // Whoever was gone for a year comes back to what is left of it.
                let first = self.subjects.iter_mut().filter_map(|s| s.gone.take()).min();
                let Some(back) = first else {
                    break;
                };
                self.plan(when, device, event);
                self.sleep_until(back);
                end = Some(back.after(POLL_INTERVAL * 12));
                continue;
            }
            self.now = when;
            let thought = matches!(event, Event::Operator);
            self.happen(device, event)?;
            if thought {
                let queued = self.subjects.iter().map(|subject| subject.queued);
                progress(queued.sum());
                let left: usize = self.subjects.iter().map(|subject| subject.left).sum();
                if left == 0 {
                    end = Some(self.now.after(POLL_INTERVAL * 12));
                } else if let Some(back) = self.awaited() {
                    self.sleep_until(back);
                }
            }
        }
        Ok(())
    }

    /// When the first device comes back of those that operators wait for, if
    /// they wait for all that they still have orders for.
    fn awaited(&self) -> Option<Timestamp> {
        let ordered = self.subjects.iter().filter(|subject| subject.left > 0);
        let awaited: Option<Vec<_>> = ordered.map(|subject| subject.awaited).collect();
        awaited?.into_iter().min()
    }

    /// Time passes in which nobody does anything: what is to come before then
    /// comes as much later.
    fn sleep_until(&mut self, then: Timestamp) {
        let pause = then.since(self.now);
        for ((when, number), coming) in std::mem::take(&mut self.coming) {
            let when = match when < then {
                true => when.after(pause),
                false => when,
            };
            self.coming.insert((when, number), coming);
        }
    }

    fn happen(&mut self, device: usize, event: Event) -> Result<(), WorldError> {
        let now = self.now;
        let Some(subject) = self.subjects.get_mut(device) else {
            return Ok(());
        };
        match event {
            Event::Operator => {
                operator::act(subject, &mut self.backend, &self.template, now)?;
                if subject.left > 0 {
                    let pause = subject.dice.up_to(POLL_INTERVAL * 4);
                    // For a device that does not answer not all is ordered.
                    let gone = subject.gone.filter(|back| *back > now);
                    subject.awaited = gone.filter(|_| subject.dice.below(8) == 0);
                    let next = subject.awaited.unwrap_or(now).after(pause);
                    self.plan(next, device, Event::Operator);
                }
            }
            Event::Wake { epoch } if epoch == subject.epoch => {
                subject.wake(now)?;
                self.go_on(device)?;
            }
            Event::Wake { .. } => {}
            Event::Request {
                number,
                server,
                request,
                fate,
                back,
            } => {
                let eid = subject.eid;
                let response = self.backend.serve(server, eid, &request, now, fate)?;
                if let (Some(response), Some(back)) = (response, back) {
                    let path = request.path.clone();
                    let arrived = Event::Response {
                        number,
                        path,
                        response,
                    };
                    self.plan(now.after(back), device, arrived);
                }
            }
            Event::Response {
                number,
                path,
                response,
            } => {
                if self.answered(device, number, &path, response) {
                    self.go_on(device)?;
                }
            }
            Event::Timeout { number } => {
                if subject
                    .asked
                    .as_ref()
                    .is_some_and(|(asked, _)| *asked == number)
                {
                    subject.answer(Err("no answer".to_string()), now);
                    self.go_on(device)?;
                }
            }
        }
        Ok(())
    }

    /// A response arrives: to a request that the IPA still waits for, or to
    /// none. An old one may take its place.
    fn answered(&mut self, device: usize, number: u64, path: &str, response: HttpResponse) -> bool {
        let (now, faults) = (self.now, self.faults);
        let Some(subject) = self.subjects.get_mut(device) else {
            return false;
        };
        let waits = subject
            .asked
            .as_ref()
            .is_some_and(|(asked, _)| *asked == number);
        // Without a body nothing says what an answer is an answer to.
        let fits = |old: &&(String, HttpResponse)| old.0 == path && !old.1.body.is_empty();
        let replaced = !response.body.is_empty();
        let old = subject.old_answers.iter().filter(fits);
        let old: Vec<_> = old.map(|(_, response)| response.clone()).collect();
        if subject.old_answers.len() >= 32 {
            subject.old_answers.remove(0);
        }
        let kept = (path.to_string(), response.clone());
        subject.old_answers.push(kept);
        if !waits {
            return false;
        }
        let response = match subject.dice.in_a_million(faults.old) && replaced {
            true => subject.dice.one_of(&old).cloned().unwrap_or(response),
            false => response,
        };
        subject.answer(Ok(response), now);
        true
    }

    /// Lets a device act, and plans what comes of it.
    fn go_on(&mut self, device: usize) -> Result<(), WorldError> {
        let (now, faults) = (self.now, self.faults);
        let Some(subject) = self.subjects.get_mut(device) else {
            return Ok(());
        };
        match subject.act(now, &faults)? {
            Want::Request(server, request) => self.ask(device, server, request),
            Want::Wait(until) => {
                let epoch = subject.epoch;
                self.plan(until, device, Event::Wake { epoch });
            }
            Want::Idle(until) => {
                subject.polls += 1;
                let epoch = subject.epoch;
                let vanishes = subject.vanishes > 0 && subject.dice.in_a_million(faults.vanishes);
                if vanishes || subject.dice.in_a_million(faults.rests) {
                    subject.rest(&mut self.like);
                }
                let year = Duration::from_secs(365 * 86_400);
                let until = match vanishes {
                    true => {
                        subject.vanishes -= 1;
                        subject.gone = Some(until.after(year));
                        until.after(year)
                    }
                    false => until,
                };
                self.plan(until, device, Event::Wake { epoch });
                if faults == Faults::LOST_RESULTS {
                    self.count_unknown(device)?;
                }
            }
        }
        Ok(())
    }

    /// A request leaves.
    fn ask(&mut self, device: usize, server: Server, request: HttpRequest) {
        let (now, faults) = (self.now, self.faults);
        let number = self.next;
        self.exchanges += 1;
        let Some(subject) = self.subjects.get_mut(device) else {
            return;
        };
        subject.asked = Some((number, request.path.clone()));
        let is_result = link::is_result(&request);
        let mut exchange = Exchange::throw(&mut subject.dice, &faults, is_result);
        subject.lost_results += usize::from(is_result && exchange.is_lost());
        if subject.dice.in_a_million(faults.outage) {
            subject.no_link = now.after(subject.dice.up_to(POLL_INTERVAL));
        }
        if now < subject.no_link {
            exchange.arrivals.clear();
        }
        let request = Arc::new(request);
        let mut coming = Vec::new();
        for (at, arrival) in exchange.arrivals.iter().enumerate() {
            let dice = &mut subject.dice;
            let dies = dice.in_a_million(faults.server_dies);
            let before = dies && dice.below(2) == 0;
            let fate = Fate {
                dies_before: before,
                dies_after: dies && !before,
                full: server == Server::Eim && dice.in_a_million(faults.disk_full),
                away: dice.up_to(Duration::from_secs(1800)),
            };
            let back = match at {
                0 => exchange.back,
                _ => Some(dice.up_to(TIMEOUT)),
            };
            let request = Arc::clone(&request);
            let event = Event::Request {
                number,
                server,
                request,
                fate,
                back,
            };
            coming.push((now.after(*arrival), event));
        }
        for (when, event) in coming {
            self.plan(when, device, event);
        }
        self.plan(now.after(TIMEOUT), device, Event::Timeout { number });
    }
}
