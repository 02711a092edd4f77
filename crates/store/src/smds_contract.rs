//! What every engine offers to the SM-DS, and to an SM-DP+ that has events
//! there.

use std::fmt;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smdp::Announcement;
use rsp_core::smds::{Event, Session};

use crate::contract::{Due, StoreError, Versioned};

/// A session of an SM-DS with its last exchange, for repeated requests.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSmdsSession {
    /// The state.
    pub session: Session,
    /// Digest of the last request that was answered.
    pub request_digest: Vec<u8>,
    /// The answer.
    pub reply: Vec<u8>,
    /// When the last step was taken.
    pub updated: Timestamp,
}

/// The answer has EventIDs: only its length is shown.
impl fmt::Debug for StoredSmdsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSmdsSession")
            .field("session", &self.session)
            .field("reply", &format_args!("[{} octets]", self.reply.len()))
            .field("updated", &self.updated)
            .finish_non_exhaustive()
    }
}

/// State of the SM-DS. Every method is one transaction, durable when it
/// returns.
pub trait SmdsStore: Send + Sync {
    /// The events of an eUICC, in the order of their registration. Version 0:
    /// there were never any.
    ///
    /// # Errors
    /// If the engine fails.
    fn smds_events(&self, eid: Eid) -> Result<Versioned<Vec<Event>>, StoreError>;

    /// Replaces the events of an eUICC.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if they have another version by now.
    fn put_smds_events(&self, eid: Eid, events: &Versioned<Vec<Event>>) -> Result<(), StoreError>;

    /// A session.
    ///
    /// # Errors
    /// If the engine fails.
    fn smds_session(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Versioned<StoredSmdsSession>>, StoreError>;

    /// Stores a session. Version 0 is a new one; making one deletes those that
    /// had no step since `forget`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another version by now.
    fn put_smds_session(
        &self,
        id: &TransactionId,
        session: &Versioned<StoredSmdsSession>,
        forget: Timestamp,
    ) -> Result<(), StoreError>;
}

/// How far an event of the SM-DP+ is at its SM-DS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStage {
    /// It is to be registered.
    Register,
    /// The SM-DS has it.
    Registered,
    /// It is to be deleted.
    Delete,
}

impl EventStage {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            EventStage::Register => "register",
            EventStage::Registered => "registered",
            EventStage::Delete => "delete",
        }
    }
}

/// An event of the SM-DP+ at its SM-DS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedEvent {
    /// Its number in the store.
    pub number: i64,
    /// What the SM-DS is to know.
    pub announcement: Announcement,
    /// How far it is.
    pub stage: EventStage,
    /// How often the SM-DS was told in vain.
    pub attempts: u32,
    /// When the order was released.
    pub created: Timestamp,
}

/// Events of the SM-DP+: an order that is released with an SM-DS has one from
/// then on, and one that ends has it deleted, in the transaction of the order.
pub trait AnnouncementStore: Send + Sync {
    /// Events of which an SM-DS is to be told by now: also those that are
    /// registered and whose order has expired. They are the caller's until
    /// `due.again`.
    ///
    /// # Errors
    /// If the engine fails.
    fn due_announcements(&self, due: &Due) -> Result<Vec<AnnouncedEvent>, StoreError>;

    /// The events of a profile, the oldest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn announcements(&self, iccid: Iccid) -> Result<Vec<AnnouncedEvent>, StoreError>;

    /// The SM-DS has done what `event` says; one that is deleted is forgotten.
    /// Nothing changes if something else is to be done by now.
    ///
    /// # Errors
    /// If the engine fails.
    fn announced(&self, event: &AnnouncedEvent) -> Result<(), StoreError>;

    /// The SM-DS was told in vain: it is told again at `due`.
    ///
    /// # Errors
    /// If the engine fails.
    fn delay_announcement(&self, event: &AnnouncedEvent, due: Timestamp) -> Result<(), StoreError>;
}
