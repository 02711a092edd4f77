//! Webhook endpoints: who is told of events, how far they were, and what became of
//! each.

use fleet::events::{Event, WebhookEndpoint};
use rsp_core::Timestamp;

use crate::contract::{Due, StoreError, Versioned};

/// An endpoint and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWebhook {
    /// Its identifier.
    pub id: String,
    /// The endpoint, with the version that a change must name.
    pub endpoint: Versioned<WebhookEndpoint>,
    /// All events up to this number are delivered, or it does not want them.
    pub position: i64,
    /// How often the event is tried that is being delivered.
    pub attempts: u32,
    /// Since when it does not take that one.
    pub failing_since: Option<Timestamp>,
    /// When it is tried again, if it failed.
    pub due: Timestamp,
}

/// An endpoint that somebody tells now, and nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenWebhook {
    /// Its identifier.
    pub id: String,
    /// The endpoint as it was then.
    pub endpoint: WebhookEndpoint,
    /// By what it is known that nobody took it later.
    pub taken: i64,
}

/// The event that an endpoint is told next.
#[derive(Clone, Debug, PartialEq)]
pub struct NextDelivery {
    /// The event.
    pub event: Event,
    /// The replay that it is of.
    pub replay: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when the endpoint does not take it.
    pub failing_since: Option<Timestamp>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub duration: u32,
    /// How the answer begins, or why there is none.
    pub detail: String,
}

/// What follows on an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The endpoint has the event. It stays taken until then.
    Delivered(Timestamp),
    /// It is tried again at this time.
    Again(Timestamp),
    /// The endpoint is told nothing any more, for this reason.
    Disabled(String),
}

/// Events that an endpoint is told once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The number of the first.
    pub first: i64,
    /// The number of the last.
    pub last: i64,
    /// Whether those, too, that its filter does not want.
    pub unfiltered: bool,
    /// When it was asked for.
    pub now: Timestamp,
}

/// What became of an event at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint: String,
    /// Its number; the later, the greater.
    pub number: i64,
    /// The number of the event.
    pub sequence: i64,
    /// The identifier of the event.
    pub event: String,
    /// The type of the event, short.
    pub kind: String,
    /// `delivered`, `retrying` or `given_up`.
    pub state: String,
    /// Whether somebody asked for it once more.
    pub replayed: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// When first.
    pub first: Timestamp,
    /// The last attempt.
    pub last: Attempt,
}

/// Which deliveries are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those of an endpoint.
    pub endpoint: Option<String>,
    /// Those of an event, by its number.
    pub sequence: Option<i64>,
    /// Those in a state.
    pub state: Option<String>,
    /// Those older than this one, by its number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// What every engine offers for webhooks. An endpoint is told one event after the
/// other, by one process at a time: the next one when the one before is delivered.
pub trait WebhookStore: Send + Sync {
    /// Adds an endpoint; it is told what happens from now on.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is one with this identifier.
    fn add_webhook(&self, id: &str, endpoint: &WebhookEndpoint) -> Result<(), StoreError>;

    /// An endpoint.
    ///
    /// # Errors
    /// If the engine fails.
    fn webhook(&self, id: &str) -> Result<Option<StoredWebhook>, StoreError>;

    /// Endpoints in the order of their identifiers, those after `after`.
    ///
    /// # Errors
    /// If the engine fails.
    fn webhooks(&self, after: &str, limit: usize) -> Result<Vec<StoredWebhook>, StoreError>;

    /// Changes an endpoint; who was telling it loses it. One that is not disabled
    /// any more goes on where it was.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or [`StoreError::Conflict`] if it has another
    /// version by now.
    fn change_webhook(
        &self,
        id: &str,
        endpoint: &Versioned<WebhookEndpoint>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets an endpoint and what became of its events.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none.
    fn remove_webhook(&self, id: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Takes endpoints that are to be told something: until `due.again` they are
    /// nobody else's.
    ///
    /// # Errors
    /// If the engine fails.
    fn take_webhooks(&self, due: &Due) -> Result<Vec<TakenWebhook>, StoreError>;

    /// What the endpoint is told next; replays come first. `None` if there is
    /// nothing for now, or if somebody else has taken it: it is not to be told
    /// anything then, and free.
    ///
    /// # Errors
    /// If the engine fails.
    fn next_delivery(
        &self,
        taken: &TakenWebhook,
        now: Timestamp,
    ) -> Result<Option<NextDelivery>, StoreError>;

    /// Puts down what came of an attempt; gives whether the endpoint is still the
    /// caller's.
    ///
    /// # Errors
    /// If the engine fails.
    fn settle_delivery(
        &self,
        taken: &TakenWebhook,
        delivery: &NextDelivery,
        attempt: &Attempt,
        settled: &Settled,
    ) -> Result<bool, StoreError>;

    /// Has events told once more.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such endpoint, or if one of the events
    /// is not kept any more or not there yet; [`StoreError::Exists`] if a hundred
    /// replays of the endpoint wait.
    fn replay(&self, id: &str, replay: &Replay) -> Result<(), StoreError>;

    /// What became of events, the latest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;

    /// Forgets deliveries whose last attempt was before a time; gives how many.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError>;
}
