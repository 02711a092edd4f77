//! PostgreSQL 15 and what speaks like it: many connections, many processes.
//!
//! Transactions are SERIALIZABLE: each is as if it were alone, as on SQLite. Where
//! the server finds that two were not, one of them is run again, here and nowhere
//! else.

mod listen;
mod pool;
mod session;
mod settings;
mod tls;
mod values;

pub use settings::{BadUrl, PostgresSettings};

use std::sync::Arc;
use std::time::Duration;

use self::pool::{Pool, Taken};
use super::{Connection, Engine, EngineError};
use crate::bell::Bell;
use crate::contract::StoreError;

/// How often a transaction is tried that meets others.
const ATTEMPTS: u32 = 24;

/// The pause before the second attempt; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

const ALONE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
const TAKING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Whoever takes or brings the rows may be slow.
const AT_ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
const FILLING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// A PostgreSQL database.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Connects.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] if nobody answers or does so in vain.
    pub(crate) fn connect(settings: PostgresSettings) -> Result<Self, StoreError> {
        let pool = Pool::new(settings)?;
        drop(pool.take()?);
        pool.listen();
        Ok(Postgres { pool })
    }

    /// A connection that answers: those that rested may be dead by now.
    fn begin(&self, begin: &str) -> Result<Taken<'_>, EngineError> {
        loop {
            let taken = self.pool.take()?;
            match taken.session.batch(begin) {
                Ok(()) => return Ok(taken),
                Err(EngineError::Unreachable(_)) if taken.rested => self.pool.forget_rested(),
                Err(error) => return Err(error),
            }
        }
    }

    fn attempt<T, F: From<StoreError>>(
        &self,
        begin: &str,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F> {
        let taken = self.begin(begin).map_err(StoreError::from)?;
        match work(&*taken.session) {
            Ok(value) => {
                // If the connection is lost here nobody knows whether it was
                // committed: the caller is told that it failed, and finds by the
                // versions what is true when it is tried again.
                taken.session.batch("COMMIT").map_err(StoreError::from)?;
                self.pool.bell().committed(taken.session.noted());
                taken.session.at_rest();
                Ok(value)
            }
            Err(error) => {
                if taken.session.batch("ROLLBACK").is_ok() {
                    taken.session.at_rest();
                }
                Err(error)
            }
        }
    }

    fn again_and_again<T>(
        &self,
        begin: &str,
        mut work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(begin, &mut work) {
                // Two gave a row the same number: the later one takes the next.
                Err(StoreError::Engine(EngineError::Overtaken | EngineError::Unique)) => {
                    std::thread::sleep(pause.mul_f64(jitter()));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
        self.attempt(begin, &mut work)
    }
}

impl Engine for Postgres {
    fn bell(&self) -> Arc<Bell> {
        self.pool.bell().clone()
    }

    fn read<T>(
        &self,
        mut work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        loop {
            let taken = self.pool.take()?;
            let done = work(&*taken.session);
            if !matches!(&done, Err(StoreError::Engine(EngineError::Unreachable(_)))) {
                taken.session.at_rest();
                return done;
            }
            if !taken.rested {
                return done;
            }
            self.pool.forget_rested();
        }
    }

    fn write<T>(
        &self,
        work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.again_and_again(ALONE, work)
    }

    fn take<T>(
        &self,
        work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.again_and_again(TAKING, work)
    }

    fn at_one_moment<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F> {
        self.attempt(AT_ONE_MOMENT, work)
    }

    fn fill<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F> {
        self.attempt(FILLING, |connection| {
            connection.lock_schema().map_err(StoreError::from)?;
            work(connection)
        })
    }
}

/// Between a half and one and a half, so that two do not meet again and again.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    // Each `RandomState` has other keys.
    let random = RandomState::new().hash_one(0_u8);
    0.5 + (random >> 11) as f64 / (1_u64 << 53) as f64
}
