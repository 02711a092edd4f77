//! The request that a thread carries out, if it has a key: each transaction of the
//! thread puts down, in itself, that something of it was done.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::tenant::Tenant;

/// A request's key, and who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// On whose things.
    pub tenant: Tenant,
    /// Who: each has keys of their own.
    pub principal: String,
    /// The key itself, as they chose it.
    pub name: String,
}

/// The right to carry a request out, which nobody else has as long as it is held.
#[derive(Debug)]
pub struct Claim {
    pub(crate) key: RequestKey,
    /// Tells it from another claim of the same key.
    pub(crate) holder: i64,
    /// Whether it was committed that something was done.
    begun: AtomicBool,
}

impl Claim {
    pub(crate) fn new(key: RequestKey, holder: i64) -> Self {
        Claim {
            key,
            holder,
            begun: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) fn set_begun(&self) {
        self.begun.store(true, Ordering::Release);
    }
}

thread_local! {
    static CLAIM: RefCell<Option<Arc<Claim>>> = const { RefCell::new(None) };
}

/// Puts back what it was before, even if the work ends by a panic.
struct Before(Option<Arc<Claim>>);

impl Drop for Before {
    fn drop(&mut self) {
        CLAIM.set(self.0.take());
    }
}

/// Does `work` as a part of a request: what it commits on this thread is committed
/// together with the note that the request was begun, or not at all.
///
/// # Errors
/// Of the work's stores: [`crate::StoreError::TakenOver`] if somebody else carries the
/// request out by now.
pub fn claimed<T>(claim: Option<Arc<Claim>>, work: impl FnOnce() -> T) -> T {
    let _before = Before(CLAIM.replace(claim));
    work()
}

/// Of which request this thread does a part.
pub(crate) fn current() -> Option<Arc<Claim>> {
    CLAIM.with_borrow(Clone::clone)
}
