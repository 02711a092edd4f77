//! The SM-DP+ on a store: ES9+ in [`es9plus`], ES2+ in [`es2plus`].

mod es2plus;
mod es9plus;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rsp_asn1::ids::Iccid;
use rsp_core::binding::BindingError;
use rsp_core::smdp::{Delivery, Order, Progress, Refusal, Rejected, Smdp, Unverified};

use crate::contract::{StoreError, Versioned};
use crate::smdp_contract::SmdpStore;

/// Why a function gave no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Rejected(#[from] Rejected),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Binding(#[from] BindingError),
    #[error("{0}")]
    Unverified(#[from] Unverified),
    #[error("not executed: the eUICC sent another notification with this number")]
    NumberInUse,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Rejected(refusal.into())
    }
}

/// Is told of every request that is not executed: its path, and why.
pub type RefusalObserver = Box<dyn Fn(&str, &str) + Send + Sync>;

/// An SM-DP+ with its state.
pub struct SmdpHost {
    smdp: Smdp,
    store: Arc<dyn SmdpStore>,
    informed: BTreeSet<String>,
    observer: Option<RefusalObserver>,
}

impl fmt::Debug for SmdpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmdpHost")
            .field("smdp", &self.smdp)
            .finish_non_exhaustive()
    }
}

impl SmdpHost {
    /// An SM-DP+ on a store.
    pub fn new(smdp: Smdp, store: Arc<dyn SmdpStore>) -> Self {
        SmdpHost {
            smdp,
            store,
            informed: BTreeSet::new(),
            observer: None,
        }
    }

    /// Operators who are told of their downloads; messages to others are not
    /// made.
    #[must_use]
    pub fn informing(mut self, operators: impl IntoIterator<Item = String>) -> Self {
        self.informed = operators.into_iter().collect();
        self
    }

    /// With somebody who writes down what is refused and why.
    #[must_use]
    pub fn observed_by(mut self, observer: RefusalObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The SM-DP+.
    pub fn smdp(&self) -> &Smdp {
        &self.smdp
    }

    /// The store.
    pub fn store(&self) -> &dyn SmdpStore {
        &*self.store
    }

    fn observe(&self, path: &str, cause: &dyn fmt::Display) {
        if let Some(observer) = &self.observer {
            observer(path, &cause.to_string());
        }
    }

    fn ordered(&self, iccid: Iccid) -> Result<Versioned<Order>, Failure> {
        Ok(self.store.order(iccid)?.ok_or(Refusal::UnknownIccid)?)
    }

    /// What is delivered for an order.
    fn delivery(&self, order: Order) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            material: self.store.material(order.iccid)?,
            kept: self.store.kept_package(order.iccid)?,
            order,
        })
    }

    /// The message, if its operator wants any.
    fn to_informed(&self, progress: Option<Progress>) -> Option<Progress> {
        progress.filter(|progress| self.informed.contains(&progress.operator))
    }
}

/// How often a step is taken on a state that others change meanwhile.
const ATTEMPTS: usize = 5;

/// Takes a step, again on the new state if somebody else changed it meanwhile.
fn retried<T>(mut step: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    for _ in 1..ATTEMPTS {
        match step() {
            Err(Failure::Store(StoreError::Conflict)) => {}
            taken => return taken,
        }
    }
    step()
}
