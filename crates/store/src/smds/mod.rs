//! The SM-DS on a store: ES11 in [`es11`], ES12 in [`es12`].

mod es11;
mod es12;

use std::fmt;
use std::sync::Arc;

use rsp_core::binding::BindingError;
use rsp_core::smds::{Refusal, Rejected, Smds};

use crate::contract::StoreError;
use crate::smdp::RefusalObserver;
use crate::smds_contract::SmdsStore;

pub use es12::Es12;

/// Why a function gave no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Rejected(#[from] Rejected),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Binding(#[from] BindingError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Rejected(refusal.into())
    }
}

/// An SM-DS with its state.
pub struct SmdsHost {
    smds: Smds,
    store: Arc<dyn SmdsStore>,
    observer: Option<RefusalObserver>,
}

impl fmt::Debug for SmdsHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmdsHost")
            .field("smds", &self.smds)
            .finish_non_exhaustive()
    }
}

impl SmdsHost {
    /// An SM-DS on a store.
    pub fn new(smds: Smds, store: Arc<dyn SmdsStore>) -> Self {
        SmdsHost {
            smds,
            store,
            observer: None,
        }
    }

    /// With somebody who writes down what is refused and why.
    #[must_use]
    pub fn observed_by(mut self, observer: RefusalObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The SM-DS.
    pub fn smds(&self) -> &Smds {
        &self.smds
    }

    /// The store.
    pub fn store(&self) -> &dyn SmdsStore {
        &*self.store
    }

    fn observe(&self, path: &str, cause: &dyn fmt::Display) {
        if let Some(observer) = &self.observer {
            observer(path, &cause.to_string());
        }
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
