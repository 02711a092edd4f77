//! The embedded engine: one SQLite file.

mod announcements;
mod eim;
mod outbox;
mod psk;
mod relay;
mod reseal;
mod sealing;
mod smdp;
mod smdp_progress;
mod smds;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId};
use rsp_crypto::software::Sealer;
use rsp_crypto::{OsRng, Rng};
use rusqlite::{Connection, TransactionBehavior};

use self::sealing::{Db, Sealing};
use crate::contract::{
    EuiccChange, Forwarding, OperationFilter, Outgoing, RelayChange, Store, StoreError,
    StoredEvidence, StoredRelay, Versioned,
};

/// Schema that this version writes.
const SCHEMA: i64 = 6;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    sealing: Sealing,
}

impl SqliteStore {
    /// Opens a file, or makes it, readable by its owner alone. Secrets in it are
    /// sealed with the key given; a file knows its key again.
    ///
    /// # Errors
    /// If the file cannot be opened, or was written by a newer version or with
    /// another key. It is then as it was.
    pub fn open(path: &Path, sealer: Sealer) -> Result<Self, StoreError> {
        protect(path)?;
        Self::prepare(Connection::open(path)?, sealer)
    }

    /// A store that lives as long as the process.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut key = [0; 32];
        OsRng::new().map_err(StoreError::Sealing)?.fill(&mut key);
        Self::prepare(Connection::open_in_memory()?, Sealer::new(key))
    }

    fn prepare(mut connection: Connection, sealer: Sealer) -> Result<Self, StoreError> {
        let sealing = Sealing::new(sealer)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => {
                let tx = connection.transaction()?;
                tx.execute_batch(include_str!("schema.sql"))?;
                sealing.mark(&tx)?;
                tx.execute_batch(&format!("PRAGMA user_version = {SCHEMA};"))?;
                tx.commit()?;
            }
            SCHEMA => sealing.check(&connection)?,
            found => {
                return Err(StoreError::Schema {
                    found,
                    known: SCHEMA,
                });
            }
        }
        // A counter that was committed must survive a power cut: FULL.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
        )?;
        Ok(SqliteStore {
            connection: Mutex::new(connection),
            sealing,
        })
    }

    /// The connection. A thread that panicked left no half transaction: it was
    /// rolled back when its guard was dropped.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`, which only reads.
    fn read<T>(
        &self,
        work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(&Db {
            connection: &self.lock(),
            sealing: &self.sealing,
        })
    }

    /// Runs `work` as one transaction.
    fn transact<T>(
        &self,
        work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&Db {
            connection: &transaction,
            sealing: &self.sealing,
        })?;
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

impl Store for SqliteStore {
    fn add_euicc(&self, record: &EuiccRecord) -> Result<(), StoreError> {
        self.transact(|tx| eim::add_euicc(tx, record))
    }

    fn add_euicc_with(
        &self,
        record: &EuiccRecord,
        operations: &[Operation],
    ) -> Result<(), StoreError> {
        self.transact(|tx| {
            eim::add_euicc(tx, record)?;
            let mut operations = operations.iter();
            operations.try_for_each(|operation| eim::add_operation(tx, operation))
        })
    }

    fn allot_code(&self, stock: &str, codes: usize, eid: Eid) -> Result<Option<usize>, StoreError> {
        self.transact(|tx| eim::allot_code(tx, stock, codes, eid))
    }

    fn euicc(&self, eid: Eid) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
        self.read(|db| eim::euicc(db, eid))
    }

    fn remove_euicc(&self, eid: Eid) -> Result<(), StoreError> {
        self.transact(|tx| {
            relay::forget(tx, eid)?;
            eim::remove_euicc(tx, eid)
        })
    }

    fn euiccs(&self, after: Option<Eid>, limit: usize) -> Result<Vec<EuiccRecord>, StoreError> {
        self.read(|db| eim::euiccs(db, after, limit))
    }

    fn euicc_index(&self) -> Result<Vec<(Eid, bool)>, StoreError> {
        self.read(eim::euicc_index)
    }

    fn put_contacts(&self, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError> {
        self.transact(|tx| eim::put_contacts(tx, contacts))
    }

    fn contact(&self, eid: Eid) -> Result<Option<Timestamp>, StoreError> {
        self.read(|db| eim::contact(db, eid))
    }

    fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| eim::operations(db, filter))
    }

    fn evidence(&self, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError> {
        self.read(|db| outbox::evidence(db, eid))
    }

    fn due_notifications(&self, now: Timestamp, limit: usize) -> Result<Vec<Outgoing>, StoreError> {
        self.read(|db| outbox::due(db, now, limit))
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
        self.read(|db| outbox::count(db, state))
    }

    fn open_operations(&self, eid: Eid) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| eim::open_operations(db, eid))
    }

    fn add_operations(&self, operations: &[Operation]) -> Result<(), StoreError> {
        self.transact(|tx| {
            let mut operations = operations.iter();
            operations.try_for_each(|operation| eim::add_operation(tx, operation))
        })
    }

    fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        self.read(|db| eim::operation(db, id))
    }

    fn euicc_of_transaction(&self, id: &TransactionId) -> Result<Option<Eid>, StoreError> {
        self.read(|db| eim::euicc_of_transaction(db, id))
    }

    fn operations_of_transaction(&self, id: &TransactionId) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| eim::operations_of_transaction(db, id))
    }

    fn relay_session(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Versioned<StoredRelay>>, StoreError> {
        self.read(|db| relay::session(db, id))
    }

    fn commit_relay(&self, change: &RelayChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| relay::commit(tx, change))
    }

    fn commit_euicc(&self, change: &EuiccChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| eim::commit(tx, change))
    }
}
