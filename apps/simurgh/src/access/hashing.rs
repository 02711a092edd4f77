//! Hashing passwords: a few at a time, since each takes 19 MiB and 25 ms.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use api::Problem;
use fleet::access::PasswordHash;

use super::random;
use crate::door::{internal, problem};

/// At the same time.
const MOST: usize = 4;

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct Hashing {
    running: Mutex<usize>,
    freed: Condvar,
}

/// A turn.
struct Turn<'a>(&'a Hashing);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

impl Hashing {
    fn turn(&self) -> Result<Turn<'_>, Problem> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |running: &mut usize| *running >= MOST;
        let waited = self.freed.wait_timeout_while(running, PATIENCE, full);
        let (mut running, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && *running >= MOST {
            let detail = "too many people are signing in";
            return Err(problem(
                503,
                "not available",
                detail,
                "try again in a moment",
            ));
        }
        *running += 1;
        drop(running);
        Ok(Turn(self))
    }

    pub(super) fn make(&self, password: &str) -> Result<PasswordHash, Problem> {
        let _turn = self.turn()?;
        PasswordHash::make(password, random()?).map_err(|_| internal())
    }

    pub(super) fn verify(&self, hash: &PasswordHash, password: &str) -> Result<bool, Problem> {
        let _turn = self.turn()?;
        hash.verify(password).map_err(|_| internal())
    }
}
