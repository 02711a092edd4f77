//! What the servers on one database must know of each other at the door: which requests
//! were carried out, and on how many devices something was ordered.

use std::sync::Arc;
use std::time::Duration;

use fleet::access::Rate;
use rsp_core::Timestamp;

use crate::claim::{Claim, RequestKey};
use crate::contract::StoreError;

/// An answer as it was given. It may have a secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Status of HTTP.
    pub status: u16,
    /// Headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// Its octets.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for KeptAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptAnswer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What becomes of a request with a key.
///
/// This is the whole rule. A key is for one request, told by its digest, for
/// [`ANSWERS_KEPT`]. Who claims it first carries the request out, and says so again
/// before [`CLAIM_HELD`] is over, as long as that takes. Each transaction of the work
/// puts down in itself that the request is begun, and is taken back whole if somebody
/// else has claimed it meanwhile. So of who is not heard of any more it is known whether
/// anything was done: if not, the next who asks carries the request out; if so, nobody
/// does, and the answer is lost. No clock decides about that; a wrong one only lets
/// somebody be told too early, or too late, that nobody is at work.
#[derive(Debug)]
pub enum Claimed {
    /// It is the caller's to carry out.
    New(Arc<Claim>),
    /// Somebody else carries it out.
    Running,
    /// The key is another request's.
    Otherwise,
    /// It was carried out.
    Answered(KeptAnswer),
    /// Something of it was done by somebody who is not heard of any more, or could not
    /// end it.
    Lost,
}

/// How long a claim is held without being heard of.
pub const CLAIM_HELD: Duration = Duration::from_secs(30);

/// How long a key and its answer are known.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Keys that are known of a tenant, and octets of their answers in all: with more, the
/// oldest go, each time that [`DoorStore::forget_at_door`] is called.
pub const MOST_ANSWERS: u64 = 100_000;
/// As [`MOST_ANSWERS`].
pub const MOST_ANSWERED: u64 = 64 << 20;

/// On how many devices somebody may order something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouchRates {
    /// One principal.
    pub principal: Rate,
    /// All principals of a tenant.
    pub tenant: Rate,
}

/// What the door keeps of a tenant.
pub trait DoorStore: Send + Sync {
    /// Claims a request by its key; `request` is the digest of what is asked.
    ///
    /// # Errors
    /// If the engine fails.
    fn claim(
        &self,
        key: &RequestKey,
        request: &[u8; 32],
        now: Timestamp,
    ) -> Result<Claimed, StoreError>;

    /// Says that a claim is still held.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] if it is not.
    fn hold(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps the answer of a request that was carried out.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] if somebody else has claimed it.
    fn keep_answer(
        &self,
        claim: &Claim,
        request: &[u8; 32],
        answer: &KeptAnswer,
    ) -> Result<(), StoreError>;

    /// Gives a claim up: if nothing was done the key can be used anew, otherwise the
    /// request is [`Claimed::Lost`].
    ///
    /// # Errors
    /// If the engine fails.
    fn give_up(&self, claim: &Claim) -> Result<(), StoreError>;

    /// Something is ordered on so many devices more: counts for the principal and for
    /// the tenant, or for neither. A clock that goes back gives nothing, and takes no
    /// more than everything away. The clocks of processes must agree: one that is off by
    /// a part of the time gives that part too much, or too little.
    ///
    /// # Errors
    /// [`StoreError::Exceeded`] if it is too many.
    fn touch_devices(
        &self,
        principal: &str,
        count: u32,
        rates: TouchRates,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets keys that are too old, or too many, and who may order on all devices
    /// again.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_at_door(&self, now: Timestamp) -> Result<(), StoreError>;
}
