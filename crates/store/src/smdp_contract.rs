//! What every engine offers to the SM-DP+.

use std::fmt;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::profile::Subscription;
use rsp_core::smdp::{
    KeptPackage, Order, OrderKey, ProfileMaterial, ProfileTypeSettings, Progress, Session,
};

use crate::contract::{Due, StoreError, Versioned};
use crate::smds_contract::AnnouncementStore;

/// A profile type and subscriptions of it.
#[derive(Debug)]
pub struct ProfileStock<'a> {
    /// Name of the type, as in ES2+.
    pub profile_type: &'a str,
    /// SAIP package that is personalised.
    pub template: &'a [u8],
    /// Shown on the device.
    pub service_provider_name: &'a str,
    /// Shown on the device.
    pub profile_name: &'a str,
    /// `ProfileClass`.
    pub profile_class: i64,
    /// How profiles of the type are delivered, and whose they are.
    pub settings: ProfileTypeSettings,
    /// One profile each.
    pub subscriptions: &'a [Subscription],
}

/// A download session with the last exchange, for repeated requests.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The state.
    pub session: Session,
    /// Digest of the last request that was answered; empty if no request shall
    /// be answered again.
    pub request_digest: Vec<u8>,
    /// The answer.
    pub reply: Vec<u8>,
    /// When the last step was taken.
    pub updated: Timestamp,
    /// When nobody needs the session any more.
    pub kept_until: Timestamp,
}

/// The answer is as secret as a message is: only its length is shown.
impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("session", &self.session)
            .field("request_digest", &self.request_digest)
            .field("reply", &format_args!("[{} octets]", self.reply.len()))
            .field("updated", &self.updated)
            .field("kept_until", &self.kept_until)
            .finish()
    }
}

/// A notification that the SM-DP+ keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmdpNotification<'a> {
    /// The eUICC that signed it.
    pub eid: Eid,
    /// Its `seqNumber`.
    pub seq_number: i64,
    /// The notification as received, DER.
    pub der: &'a [u8],
    /// When it came.
    pub received: Timestamp,
    /// What its operator is to be told, once.
    pub progress: Option<&'a Progress>,
}

/// One step of the SM-DP+, to be committed whole.
#[derive(Clone, Copy, Debug)]
pub struct SmdpChange<'a> {
    /// The session, if it is a step of one. Version 0 is a new one; making one
    /// deletes those that nobody needs any more.
    pub session: Option<(&'a TransactionId, &'a Versioned<StoredSession>)>,
    /// The order, if it changed. When it is open no more, nothing is kept for
    /// a retry. Its event at an SM-DS follows it.
    pub order: Option<&'a Versioned<Order>>,
    /// The package to keep for a retry.
    pub kept: Option<&'a KeptPackage>,
    /// What its operator is to be told.
    pub progress: Option<&'a Progress>,
    /// When.
    pub now: Timestamp,
}

impl<'a> SmdpChange<'a> {
    /// Only an order changes.
    pub fn of_order(order: &'a Versioned<Order>, now: Timestamp) -> Self {
        SmdpChange {
            order: Some(order),
            ..SmdpChange::at(now)
        }
    }

    /// Nothing changes yet.
    pub fn at(now: Timestamp) -> Self {
        SmdpChange {
            session: None,
            order: None,
            kept: None,
            progress: None,
            now,
        }
    }
}

/// A message to an operator that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number: messages to one operator are sent in this order.
    pub number: i64,
    /// The message.
    pub progress: Progress,
    /// When it was made.
    pub created: Timestamp,
    /// How often it was sent in vain.
    pub attempts: u32,
}

/// State of the SM-DP+. Every method is one transaction, durable when it
/// returns.
pub trait SmdpStore: AnnouncementStore + Send + Sync {
    /// Puts profiles into stock; a type that exists gets more of them.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if an ICCID is known, or the type with another
    /// template, other names or settings; nothing is added then.
    fn add_profiles(&self, stock: &ProfileStock<'_>) -> Result<(), StoreError>;

    /// The settings of a profile type.
    ///
    /// # Errors
    /// If the engine fails.
    fn profile_type(&self, name: &str) -> Result<Option<ProfileTypeSettings>, StoreError>;

    /// The order of a profile.
    ///
    /// # Errors
    /// If the engine fails.
    fn order(&self, iccid: Iccid) -> Result<Option<Versioned<Order>>, StoreError>;

    /// A profile of this type that nobody has ordered.
    ///
    /// # Errors
    /// If the engine fails.
    fn available(&self, profile_type: &str) -> Result<Option<Versioned<Order>>, StoreError>;

    /// The newest order that an operator made by this call.
    ///
    /// # Errors
    /// If the engine fails.
    fn order_of_call(
        &self,
        operator: &str,
        call: &str,
    ) -> Result<Option<Versioned<Order>>, StoreError>;

    /// The order that a download is for: that with the MatchingID, or the
    /// oldest without MatchingID that this eUICC may download.
    ///
    /// # Errors
    /// If the engine fails.
    fn find_order(&self, key: &OrderKey) -> Result<Option<Versioned<Order>>, StoreError>;

    /// What is delivered for an order.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such profile.
    fn material(&self, iccid: Iccid) -> Result<ProfileMaterial, StoreError>;

    /// The package that is kept for a retry.
    ///
    /// # Errors
    /// If the engine fails.
    fn kept_package(&self, iccid: Iccid) -> Result<Option<KeptPackage>, StoreError>;

    /// A download session.
    ///
    /// # Errors
    /// If the engine fails.
    fn session(&self, id: &TransactionId) -> Result<Option<Versioned<StoredSession>>, StoreError>;

    /// Commits a step.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if session or order have another version by
    /// now, [`StoreError::Exists`] if the MatchingID is that of another order.
    fn commit_smdp(&self, change: &SmdpChange<'_>) -> Result<(), StoreError>;

    /// Keeps a notification of an eUICC; the same one again is kept already.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the eUICC sent another with this number.
    fn add_smdp_notification(&self, notification: &SmdpNotification<'_>) -> Result<(), StoreError>;

    /// The notifications kept of an eUICC, DER, in the order of `seqNumber`.
    ///
    /// # Errors
    /// If the engine fails.
    fn smdp_notifications(&self, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError>;

    /// The oldest message to each operator, where it is due; they are the
    /// caller's until `due.again`.
    ///
    /// # Errors
    /// If the engine fails.
    fn due_progress(&self, due: &Due) -> Result<Vec<Waiting>, StoreError>;

    /// The message was sent in vain: it is due again later.
    ///
    /// # Errors
    /// If the engine fails.
    fn delay_progress(&self, waiting: &Waiting, due: Timestamp) -> Result<(), StoreError>;

    /// The message was taken, or is given up.
    ///
    /// # Errors
    /// If the engine fails.
    fn drop_progress(&self, waiting: &Waiting) -> Result<(), StoreError>;
}
