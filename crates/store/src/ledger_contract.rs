//! The ledger of activation codes.

use fleet::ledger::{CodeOrder, CodeState, Pool, Stock};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_core::eim::{CodeRef, Operation, OperationId};

use crate::contract::{Due, StoreError};

/// A code that comes into a pool.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCode {
    /// `LPA:1$…`: a secret until it is used.
    pub code: String,
    /// The profile that it brings, if it is known.
    pub iccid: Option<Iccid>,
}

impl std::fmt::Debug for NewCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCode")
            .field("iccid", &self.iccid)
            .finish_non_exhaustive()
    }
}

/// What is known of a code, without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCode {
    /// Which.
    pub at: CodeRef,
    /// How far it is.
    pub state: CodeState,
    /// When it came into its state.
    pub since: Timestamp,
    /// Who has or had it.
    pub eid: Option<Eid>,
    /// The operation that has or had it.
    pub operation: Option<OperationId>,
    /// The profile that it brings, if it is known.
    pub iccid: Option<Iccid>,
    /// What its SM-DP+ is asked for it, if it is.
    pub order: Option<CodeOrder>,
}

/// Makes the operation that a code is leased to.
pub type WithCode<'a> = dyn FnMut(&CodeRef, &NewCode) -> Operation + 'a;

/// What every engine offers for the ledger. What becomes of a leased code when its
/// operation goes on is in the same transaction as that
/// ([`fleet::ledger::after`]).
pub trait LedgerStore {
    /// Adds a pool, or changes its settings.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_pool(&self, pool: &Pool) -> Result<(), StoreError>;

    /// All pools, by their names.
    ///
    /// # Errors
    /// If the engine fails.
    fn pools(&self) -> Result<Vec<Pool>, StoreError>;

    /// A pool.
    ///
    /// # Errors
    /// If the engine fails.
    fn pool(&self, name: &str) -> Result<Option<Pool>, StoreError>;

    /// Adds codes to a pool, all or none, those that are known already left out;
    /// gives how many were new.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such pool.
    fn add_codes(&self, pool: &str, codes: &[NewCode], now: Timestamp)
    -> Result<usize, StoreError>;

    /// Leases the next code to an operation and queues that: both or neither.
    /// `None` if no code is left.
    ///
    /// # Errors
    /// As [`crate::Store::add_operation`].
    fn order_with_code(
        &self,
        pool: &str,
        make: &mut WithCode<'_>,
    ) -> Result<Option<Operation>, StoreError>;

    /// How many codes a pool has in each state.
    ///
    /// # Errors
    /// If the engine fails.
    fn stock(&self, pool: &str) -> Result<Stock, StoreError>;

    /// How many codes of a pool were used since.
    ///
    /// # Errors
    /// If the engine fails.
    fn codes_spent(&self, pool: &str, since: Timestamp) -> Result<u64, StoreError>;

    /// Codes of a pool by their numbers, those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the engine fails.
    fn codes(
        &self,
        pool: &str,
        state: Option<CodeState>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<KnownCode>, StoreError>;

    /// Puts down that a code is ordered, before its SM-DP+ is asked; if nobody goes on
    /// with it until `due`, [`LedgerStore::due_codes`] gives it.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such pool.
    fn begin_order(
        &self,
        pool: &str,
        order: &CodeOrder,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<CodeRef, StoreError>;

    /// Puts down how far the order of a code is, and when its SM-DP+ is asked again:
    /// never without `due`, then somebody has to settle it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not as `before` any more, or the code neither
    /// ordered nor doubtful.
    fn put_order(
        &self,
        at: &CodeRef,
        before: Option<&CodeOrder>,
        order: &CodeOrder,
        due: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Forgets a code that is ordered: its SM-DP+ gives none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not ordered.
    fn drop_order(&self, at: &CodeRef) -> Result<(), StoreError>;

    /// Ordered and doubtful codes for or about which their SM-DP+ is to be asked by
    /// now; they are the caller's until `due.again`. One that is ordered has the call
    /// in the place of its code.
    ///
    /// # Errors
    /// If the engine fails.
    fn due_codes(&self, due: &Due) -> Result<Vec<(KnownCode, NewCode)>, StoreError>;

    /// What is said of a code that is doubtful, or that an operator takes out or
    /// puts back. One that is ordered can be declared dead.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if an operation has it, or a profile was installed
    /// with it.
    fn settle_code(&self, at: &CodeRef, state: CodeState, now: Timestamp)
    -> Result<(), StoreError>;

    /// Puts a code where one was ordered, or in the place of a doubtful one: the SM-DP+
    /// took that back, and its profile was ordered anew.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is neither any more, [`StoreError::Exists`] if
    /// the code is in the ledger already.
    fn renew_code(&self, at: &CodeRef, code: &NewCode, now: Timestamp) -> Result<(), StoreError>;
}
