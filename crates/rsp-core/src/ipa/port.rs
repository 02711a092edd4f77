//! How a procedure asks for something and waits for the answer.
//!
//! Procedures are written as `async` functions: a card command, an HTTP request
//! and a pause are `await`ed, so that a procedure reads from top to bottom and
//! the compiler makes the state machine. There is no runtime: [`super::Ipa`]
//! polls the procedure once per input.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::task::Poll;
use core::time::Duration;

use rsp_asn1::ids::Plmn;

use super::{Action, DeviceEvent, Event, Server};
use crate::Timestamp;
use crate::binding::{HttpRequest, HttpResponse};

/// What came back.
pub(super) enum Answer {
    Apdu(Result<Vec<u8>, String>),
    Http(Result<HttpResponse, String>),
    Reset(Result<(), String>),
    Persisted(Result<(), String>),
}

/// Which kind of answer a procedure waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Apdu,
    Http,
    Reset,
    Persisted,
}

/// What driver and procedure share.
pub(super) struct Shared {
    pub(super) now: Timestamp,
    pub(super) action: Option<Action>,
    asked: Option<Asked>,
    answer: Option<Answer>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) woken: bool,
    pub(super) events: VecDeque<Event>,
    /// What the device has told and no round has taken over yet.
    device_events: VecDeque<DeviceEvent>,
    registered: Option<Plmn>,
    chance: u64,
}

/// Device events kept at most; beyond, the oldest gives way.
const MAX_DEVICE_EVENTS: usize = 16;

const SOMETHING_ELSE: &str = "the host answered something else";

impl Shared {
    /// Keeps what the device tells until a round takes it over.
    pub(super) fn told(&mut self, event: DeviceEvent) {
        if let DeviceEvent::Registered(network) = event {
            self.registered = network;
            return;
        }
        if self.device_events.len() >= MAX_DEVICE_EVENTS {
            self.device_events.pop_front();
        }
        self.device_events.push_back(event);
        self.woken = true;
    }

    /// Takes the answer to what was asked. Any other is late or comes twice
    /// and is ignored: nothing is asked, or another kind of thing, or the host
    /// has not even fetched the question.
    pub(super) fn answered(&mut self, answer: Answer) {
        let of = match &answer {
            Answer::Apdu(_) => Asked::Apdu,
            Answer::Http(_) => Asked::Http,
            Answer::Reset(_) => Asked::Reset,
            Answer::Persisted(_) => Asked::Persisted,
        };
        if self.asked == Some(of) && self.action.is_none() {
            self.asked = None;
            self.answer = Some(answer);
        }
    }
}

/// The procedure's end of it.
#[derive(Clone)]
pub(super) struct Port(pub(super) Rc<RefCell<Shared>>);

impl Port {
    pub(super) fn new(now: Timestamp, seed: u64) -> Self {
        Port(Rc::new(RefCell::new(Shared {
            now,
            action: None,
            asked: None,
            answer: None,
            wake_at: None,
            woken: false,
            events: VecDeque::new(),
            device_events: VecDeque::new(),
            registered: None,
            chance: seed,
        })))
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    /// What the device has told first of what is not done yet.
    pub(super) fn device_event(&self) -> Option<DeviceEvent> {
        self.0.borrow().device_events.front().copied()
    }

    /// It is done.
    pub(super) fn device_event_done(&self) {
        self.0.borrow_mut().device_events.pop_front();
    }

    /// The network that the modem is registered in.
    pub(super) fn registered(&self) -> Option<Plmn> {
        self.0.borrow().registered
    }

    /// Tells the host what is going on.
    pub(super) fn event(&self, event: Event) {
        self.0.borrow_mut().events.push_back(event);
    }

    /// One command to the card.
    pub(super) async fn apdu(&self, command: Vec<u8>) -> Result<Vec<u8>, String> {
        match self.ask(Asked::Apdu, Action::Apdu(command)).await {
            Answer::Apdu(response) => response,
            _ => Err(String::from(SOMETHING_ELSE)),
        }
    }

    /// One request to a server.
    pub(super) async fn http(
        &self,
        server: Server,
        request: HttpRequest,
    ) -> Result<HttpResponse, String> {
        let action = Action::Http { server, request };
        match self.ask(Asked::Http, action).await {
            Answer::Http(response) => response,
            _ => Err(String::from(SOMETHING_ELSE)),
        }
    }

    /// Resets the card; no channel is open afterwards.
    pub(super) async fn reset_card(&self) -> Result<(), String> {
        match self.ask(Asked::Reset, Action::ResetCard).await {
            Answer::Reset(result) => result,
            _ => Err(String::from(SOMETHING_ELSE)),
        }
    }

    /// Has the memory saved; it is durable when this returns.
    pub(super) async fn persist(&self, memory: Vec<u8>) -> Result<(), String> {
        match self.ask(Asked::Persisted, Action::Persist(memory)).await {
            Answer::Persisted(result) => result,
            _ => Err(String::from(SOMETHING_ELSE)),
        }
    }

    /// A number that nobody can foretell who does not know the seed
    /// (SplitMix64): good enough to keep devices apart, for nothing else.
    pub(super) fn chance(&self) -> u64 {
        let mut shared = self.0.borrow_mut();
        shared.chance = shared.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (shared.chance ^ (shared.chance >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn ask(&self, asked: Asked, action: Action) -> impl Future<Output = Answer> + '_ {
        {
            let mut shared = self.0.borrow_mut();
            shared.action = Some(action);
            shared.asked = Some(asked);
            shared.answer = None;
        }
        poll_fn(|_| match self.0.borrow_mut().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
    }

    /// Waits, or until somebody wakes the IPA.
    pub(super) async fn pause(&self, duration: Duration) {
        let until = self.0.borrow().now.after(duration);
        self.0.borrow_mut().wake_at = Some(until);
        poll_fn(|_| {
            let mut shared = self.0.borrow_mut();
            if shared.woken || shared.now >= until {
                shared.woken = false;
                shared.wake_at = None;
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}
