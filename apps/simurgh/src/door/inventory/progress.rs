//! How far imports are that this process carries out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Import, Problem, RowError};
use rsp_core::Timestamp;
use rsp_crypto::Rng;

use super::super::problem::{internal, problem};
use crate::shell;

/// Imports that are remembered, those that are at their end included.
const MOST: usize = 100;

/// Errors that a report names one by one.
const MOST_ERRORS: usize = 1000;

/// What nobody has gone on with for so long is given up, in milliseconds.
pub(super) const PATIENCE: u64 = 60 * 60 * 1000;

/// An import and when it went on last.
pub(super) type Shared = Arc<Mutex<Running>>;

/// An import.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) import: Import,
    touched: Timestamp,
    /// Requests that bring rows at the moment.
    pub(super) filling: u32,
}

/// Imports by their identifiers.
#[derive(Debug, Default)]
pub(in crate::door) struct Imports(Mutex<BTreeMap<String, Shared>>);

/// Nothing in it is half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Something came.
    pub(super) fn touch(&mut self) {
        self.touched = shell::now();
    }

    /// Something is wrong with a row.
    pub(super) fn refuse(&mut self, error: fleet::import::RowError) {
        self.import.wrong += 1;
        if self.import.errors.len() < MOST_ERRORS {
            self.import.errors.push(RowError {
                line: error.line,
                column: error.column,
                what: error.what,
                remedy: error.remedy,
            });
        }
    }

    fn is_given_up(&self) -> bool {
        let waits = self.import.state == "receiving";
        waits && shell::now().0.saturating_sub(self.touched.0) > PATIENCE
    }
}

impl Imports {
    /// A new one.
    pub(super) fn begin(&self) -> Result<(String, Shared), Problem> {
        let mut random = [0; 8];
        let mut rng = shell::random().map_err(|_| internal())?;
        rng.fill(&mut random);
        let id: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        // In the order of time.
        let id = format!("{:011x}{id}", shell::now().0);
        let shared = Arc::new(Mutex::new(Running {
            import: Import {
                id: id.clone(),
                state: "receiving".to_string(),
                ..Import::default()
            },
            touched: shell::now(),
            filling: 0,
        }));
        let mut imports = lock(&self.0);
        if imports.len() >= MOST {
            imports.retain(|_, one| {
                let one = lock(one);
                !one.is_given_up()
                    && ["receiving", "switching"].contains(&one.import.state.as_str())
            });
        }
        if imports.len() >= MOST {
            let detail = "too many imports are being sent";
            return Err(problem(409, "busy", detail, "finish or forget one of them"));
        }
        imports.insert(id.clone(), shared.clone());
        Ok((id, shared))
    }

    /// One that is known.
    pub(super) fn get(&self, id: &str) -> Result<Shared, Problem> {
        let found = lock(&self.0).get(id).cloned();
        found.ok_or_else(|| {
            let detail = "there is no such import at this server process";
            problem(404, "not found", detail, "begin another one")
        })
    }

    /// It is forgotten.
    pub(super) fn forget(&self, id: &str) {
        lock(&self.0).remove(id);
    }
}
