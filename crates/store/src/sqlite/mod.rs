//! The embedded engine: one SQLite file.

mod eim;
mod outbox;
mod smdp;
mod smdp_progress;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId};
use rusqlite::{Connection, OptionalExtension, Params, Transaction, TransactionBehavior};
use serde::de::DeserializeOwned;

use crate::contract::{
    EuiccChange, Forwarding, OperationFilter, Outgoing, Store, StoreError, StoredEvidence,
    Versioned,
};

/// Schema that this version writes.
const SCHEMA: i64 = 2;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens a file, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// If the file cannot be opened or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        protect(path)?;
        Self::prepare(Connection::open(path)?)
    }

    /// A store that lives as long as the process.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        // A counter that was committed must survive a power cut: FULL.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
        )?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => connection.execute_batch(&format!(
                "BEGIN; {} PRAGMA user_version = {SCHEMA}; COMMIT;",
                include_str!("schema.sql")
            ))?,
            SCHEMA => {}
            found => {
                return Err(StoreError::Schema {
                    found,
                    known: SCHEMA,
                });
            }
        }
        Ok(SqliteStore {
            connection: Mutex::new(connection),
        })
    }

    /// The connection. A thread that panicked left no half transaction: it was
    /// rolled back when its guard was dropped.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as one transaction.
    fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

/// Makes the file before the engine does, so that it is never readable by
/// others.
#[cfg(unix)]
fn protect(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map(drop)
}

#[cfg(not(unix))]
fn protect(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A violated uniqueness as [`StoreError::Exists`].
fn exists(what: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Exists(what),
        _ => StoreError::Engine(error),
    }
}

/// Exactly one row must have changed.
fn one_row(changed: usize) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// Reads one document with its version; `query` selects these two columns.
fn versioned<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
    params: impl Params,
) -> Result<Option<Versioned<T>>, StoreError> {
    let row = connection
        .prepare_cached(query)?
        .query_row(params, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let read = |(version, document): (i64, String)| {
        Ok(Versioned {
            value: serde_json::from_str(&document)?,
            version,
        })
    };
    row.map(read).transpose()
}

impl Store for SqliteStore {
    fn add_euicc(&self, record: &EuiccRecord) -> Result<(), StoreError> {
        self.transact(|tx| eim::add_euicc(tx, record))
    }

    fn euicc(&self, eid: Eid) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
        eim::euicc(&self.lock(), eid)
    }

    fn remove_euicc(&self, eid: Eid) -> Result<(), StoreError> {
        self.transact(|tx| eim::remove_euicc(tx, eid))
    }

    fn euiccs(&self, after: Option<Eid>, limit: usize) -> Result<Vec<EuiccRecord>, StoreError> {
        eim::euiccs(&self.lock(), after, limit)
    }

    fn euicc_index(&self) -> Result<Vec<(Eid, bool)>, StoreError> {
        eim::euicc_index(&self.lock())
    }

    fn put_contacts(&self, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError> {
        self.transact(|tx| eim::put_contacts(tx, contacts))
    }

    fn contact(&self, eid: Eid) -> Result<Option<Timestamp>, StoreError> {
        eim::contact(&self.lock(), eid)
    }

    fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, StoreError> {
        eim::operations(&self.lock(), filter)
    }

    fn evidence(&self, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError> {
        outbox::evidence(&self.lock(), eid)
    }

    fn due_notifications(&self, now: Timestamp, limit: usize) -> Result<Vec<Outgoing>, StoreError> {
        outbox::due(&self.lock(), now, limit)
    }

    fn put_forwarding(
        &self,
        number: i64,
        forwarding: Forwarding,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.transact(|tx| outbox::put(tx, number, forwarding, detail))
    }

    fn count_forwarding(&self, state: &str) -> Result<u64, StoreError> {
        outbox::count(&self.lock(), state)
    }

    fn open_operations(&self, eid: Eid) -> Result<Vec<Operation>, StoreError> {
        eim::open_operations(&self.lock(), eid)
    }

    fn add_operation(&self, operation: &Operation) -> Result<(), StoreError> {
        self.transact(|tx| eim::add_operation(tx, operation))
    }

    fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        eim::operation(&self.lock(), id)
    }

    fn euicc_of_transaction(&self, id: &TransactionId) -> Result<Option<Eid>, StoreError> {
        eim::euicc_of_transaction(&self.lock(), id)
    }

    fn commit_euicc(&self, change: &EuiccChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| eim::commit(tx, change))
    }
}
