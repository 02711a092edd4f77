//! What every engine offers.

use fleet::inventory::IdentityConflict;
use fleet::operations::Rhythm;
use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::relay::RelaySession;
use rsp_core::eim::{EuiccRecord, Evidence, EvidenceKind, Operation, OperationId, Unsafe};
use rsp_crypto::CryptoError;
use rsp_crypto::software::SealError;

use crate::device_contract::DeviceStore;
use crate::engine::EngineError;
use crate::ledger_contract::LedgerStore;
use crate::psk_contract::PskStore;
use crate::smdp_contract::SmdpStore;
use crate::smds_contract::SmdsStore;
use crate::tariff_contract::TariffStore;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else changed it meanwhile: load again.
    #[error("the record was changed meanwhile")]
    Conflict,
    /// There is one with this name already.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// There is none with this name.
    #[error("{0} is not known")]
    Unknown(&'static str),
    /// The eUICC is served for another tenant, which is nobody else's business.
    #[error("an eUICC with this EID cannot be added here")]
    Elsewhere,
    /// A request was claimed by somebody else meanwhile ([`crate::Claimed`]).
    #[error("another server process carries this request out")]
    TakenOver,
    /// The engine failed.
    #[error("database: {0}")]
    Engine(#[from] EngineError),
    /// What is stored cannot be read.
    #[error("stored data: {0}")]
    Corrupt(#[from] serde_json::Error),
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}")]
    Schema {
        /// Schema of the file.
        found: i64,
        /// Newest schema known.
        known: i64,
    },
    /// The file was written with another key than the one given.
    #[error("the database was written with another key: is key_file the right one?")]
    OtherKey,
    /// A secret does not open.
    #[error("a stored secret: {0}")]
    Sealed(SealError),
    /// A secret cannot be sealed.
    #[error("cannot seal a secret: {0}")]
    Sealing(CryptoError),
    /// The operation could lose the eUICC.
    #[error("{0}")]
    Unsafe(#[from] Unsafe),
    /// The tree of tenants does not allow it.
    #[error("{0}")]
    Tenants(fleet::access::TreeError),
    /// Nobody would be left who can change who may do what.
    #[error("{0}")]
    LastAdmin(#[from] fleet::access::LastAdmin),
    /// More is asked for than is allowed.
    #[error("{0}")]
    Exceeded(#[from] fleet::access::Exceeded),
    /// An identity is of another device.
    #[error("{0}")]
    Identity(#[from] IdentityConflict),
    /// A file could not be made or protected.
    #[error("{0}")]
    File(#[from] std::io::Error),
}

/// A value with the version that a change of it must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its version.
    pub version: i64,
}

/// One step of the eIM, to be committed whole.
#[derive(Debug)]
pub struct EuiccChange<'a> {
    /// The record.
    pub record: &'a EuiccRecord,
    /// Version of the record that the step was taken on.
    pub version: i64,
    /// Operations that changed or are new.
    pub operations: &'a [Operation],
    /// Signed objects to keep; those that are to be forwarded go into the
    /// outbox.
    pub evidence: &'a [Evidence],
    /// When.
    pub now: Timestamp,
}

/// A relayed download with its last exchange: a message that comes again gets
/// the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRelay {
    /// The session.
    pub session: RelaySession,
    /// SHA-256 of the IPA's last message.
    pub request_digest: Vec<u8>,
    /// What it was answered, DER; empty if that is of no use any more.
    pub reply: Vec<u8>,
    /// When it is of no use any more.
    pub kept_until: Timestamp,
}

/// One function of a relayed download, to be committed whole.
#[derive(Debug)]
pub struct RelayChange<'a> {
    /// The session with the version that the step was taken on, 0 for a new
    /// one.
    pub session: &'a Versioned<StoredRelay>,
    /// What changes at the eUICC.
    pub euicc: Option<EuiccChange<'a>>,
    /// When.
    pub now: Timestamp,
}

/// Which operations are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Those of one eUICC.
    pub eid: Option<Eid>,
    /// Those in one state, by its name.
    pub state: Option<String>,
    /// Those older than this one.
    pub after: Option<OperationId>,
    /// At most so many.
    pub limit: usize,
}

/// A signed object that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvidence {
    /// Its number among those of the eUICC, in the order of arrival.
    pub number: i64,
    /// What it is.
    pub kind: EvidenceKind,
    /// The operation that it is about.
    pub operation: Option<OperationId>,
    /// Its number on the eUICC.
    pub seq_number: Option<i64>,
    /// Whether its signature was verified.
    pub verified: bool,
    /// When it came.
    pub received: Timestamp,
    /// The object, as in [`Evidence`].
    pub der: Vec<u8>,
}

/// A notification that an SM-DP+ is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number among what the eUICC signed.
    pub number: i64,
    /// The eUICC that signed it.
    pub eid: Eid,
    /// The SM-DP+, as the notification names it.
    pub address: String,
    /// The notification as received, DER.
    pub der: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
}

/// What is asked for of work that waits. What is given is the caller's until
/// `again`: nobody else is given it, unless the caller has not settled it by
/// then. Who is killed keeps no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What is due by then.
    pub now: Timestamp,
    /// When it is due again if it was not settled.
    pub again: Timestamp,
    /// At most so many.
    pub limit: usize,
}

impl Due {
    /// What is due now, and stays due: for who is alone.
    pub fn at(now: Timestamp, limit: usize) -> Self {
        Due {
            now,
            again: now,
            limit,
        }
    }
}

/// When a device polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Last.
    pub last: Timestamp,
    /// In which rhythm.
    pub rhythm: Rhythm,
}

/// How far a notification is on its way to its SM-DP+.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// It is tried at this time.
    Waiting(Timestamp),
    /// The SM-DP+ has it.
    Delivered,
    /// The SM-DP+ does not want it, for a reason that a repetition would not
    /// change.
    Refused,
}

impl Forwarding {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Forwarding::Waiting(_) => "waiting",
            Forwarding::Delivered => "delivered",
            Forwarding::Refused => "refused",
        }
    }
}

/// State of all roles. Every method is one transaction, durable when it
/// returns.
pub trait Store:
    SmdpStore + SmdsStore + PskStore + LedgerStore + DeviceStore + TariffStore + Send + Sync
{
    /// Adds an eUICC. If it was known once, to whomever, its counter does not go back
    /// behind the last one that was sent then.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if its EID is known, [`StoreError::Elsewhere`] if it is
    /// another tenant's.
    fn add_euicc(&self, record: &EuiccRecord) -> Result<(), StoreError>;

    /// Adds an eUICC with what is to be done on it: all or nothing.
    ///
    /// # Errors
    /// As [`Store::add_euicc`] and [`Store::add_operations`].
    fn add_euicc_with(
        &self,
        record: &EuiccRecord,
        operations: &[Operation],
    ) -> Result<(), StoreError>;

    /// The next activation code of a stock of so many, by its place in the
    /// stock; an eUICC that has one is given the same again. `None` if all are
    /// given away.
    ///
    /// # Errors
    /// If the engine fails.
    fn allot_code(&self, stock: &str, codes: usize, eid: Eid) -> Result<Option<usize>, StoreError>;

    /// The record of an eUICC.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc(&self, eid: Eid) -> Result<Option<Versioned<EuiccRecord>>, StoreError>;

    /// Forgets an eUICC and its operations; what it signed is kept, and so is
    /// its counter.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not known.
    fn remove_euicc(&self, eid: Eid) -> Result<(), StoreError>;

    /// eUICCs in the order of their EIDs, those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the engine fails.
    fn euiccs(&self, after: Option<Eid>, limit: usize) -> Result<Vec<EuiccRecord>, StoreError>;

    /// The records of those of these eUICCs that are there, in any order.
    ///
    /// # Errors
    /// If the engine fails.
    fn euiccs_among(&self, eids: &[Eid]) -> Result<Vec<EuiccRecord>, StoreError>;

    /// All eUICCs, and whether there are operations of them that are not
    /// final.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc_index(&self) -> Result<Vec<(Eid, bool)>, StoreError>;

    /// When devices polled last. Those whose eUICC is not known are left out.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_contacts(&self, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError>;

    /// When a device polled last, as far as it was put down.
    ///
    /// # Errors
    /// If the engine fails.
    fn contact(&self, eid: Eid) -> Result<Option<Contact>, StoreError>;

    /// Operations, newest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, StoreError>;

    /// What an eUICC signed, in the order of arrival.
    ///
    /// # Errors
    /// If the engine fails.
    fn evidence(&self, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError>;

    /// Notifications that are to be forwarded by now, the longest waiting
    /// first; they are the caller's until `due.again`.
    ///
    /// # Errors
    /// If the engine fails.
    fn due_notifications(&self, due: &Due) -> Result<Vec<Outgoing>, StoreError>;

    /// How a delivery went. What is still waiting counts one attempt more; what
    /// somebody else delivered meanwhile stays delivered.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such notification.
    fn put_forwarding(
        &self,
        outgoing: &Outgoing,
        forwarding: Forwarding,
        detail: &str,
    ) -> Result<(), StoreError>;

    /// How many notifications are in this state.
    ///
    /// # Errors
    /// If the engine fails.
    fn count_forwarding(&self, state: &str) -> Result<u64, StoreError>;

    /// Operations of an eUICC that are not final, oldest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn open_operations(&self, eid: Eid) -> Result<Vec<Operation>, StoreError>;

    /// Queues an operation.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if the eUICC is not known,
    /// [`StoreError::Exists`] if the identifier is taken.
    fn add_operation(&self, operation: &Operation) -> Result<(), StoreError> {
        self.add_operations(std::slice::from_ref(operation))
    }

    /// Queues operations, in their order: all of them or none.
    ///
    /// # Errors
    /// As [`Store::add_operation`].
    fn add_operations(&self, operations: &[Operation]) -> Result<(), StoreError>;

    /// eUICCs with operations that wait and whose validity ended by now
    /// ([`rsp_core::eim::Validity::until`]), at most so many, those that ended first
    /// at first.
    ///
    /// # Errors
    /// If the engine fails.
    fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Eid>, StoreError>;

    /// An operation.
    ///
    /// # Errors
    /// If the engine fails.
    fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError>;

    /// The eUICC to which a package with this transaction was sent of which
    /// something may still come.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc_of_transaction(&self, id: &TransactionId) -> Result<Option<Eid>, StoreError>;

    /// The operations that were sent with this transaction and of which
    /// something may still come, settled ones included
    /// ([`Operation::transaction`]).
    ///
    /// # Errors
    /// If the engine fails.
    fn operations_of_transaction(&self, id: &TransactionId) -> Result<Vec<Operation>, StoreError>;

    /// A relayed download by its RSP session.
    ///
    /// # Errors
    /// If the engine fails.
    fn relay_session(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Versioned<StoredRelay>>, StoreError>;

    /// Whether a relayed download of any tenant goes on under this RSP session.
    ///
    /// # Errors
    /// If the engine fails.
    fn relay_is_taken(&self, id: &TransactionId, now: Timestamp) -> Result<bool, StoreError>;

    /// Commits a function of a relayed download. One that begins takes the
    /// place of those of the same operation that came to no package.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if session or record have another version by
    /// now.
    fn commit_relay(&self, change: &RelayChange<'_>) -> Result<(), StoreError>;

    /// Commits a step of the eIM.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the record has another version by now.
    fn commit_euicc(&self, change: &EuiccChange<'_>) -> Result<(), StoreError>;
}
