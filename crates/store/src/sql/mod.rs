//! The store in SQL: one text for all engines, in the dialect that they share.
//!
//! `?1` is the tenant in every statement; the few that are about all tenants say that
//! it is not empty. Keys begin with it, and with the EID
//! where rows are of one eUICC, so that what belongs together may lie together in
//! a database of many machines; no statement of a device's procedures needs a
//! sequence or a uniqueness over all of them.

mod access;
mod across;
mod announcements;
mod backup;
mod changes;
mod db;
mod deliveries;
mod devices;
mod door;
mod eim;
mod events;
mod exports;
mod holder;
mod ledger;
mod open;
mod operations;
mod outbox;
mod psk;
mod relay;
mod reseal;
mod restored;
mod schema;
mod sealing;
mod smdp;
mod smdp_progress;
mod smdp_session;
mod smds;
mod tariffs;
mod webhooks;

pub use backup::{Restore, Told};
pub use open::{PostgresStore, SqliteStore};

use std::sync::Arc;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId};

use self::db::{Db, Numbers};
pub(crate) use self::sealing::Sealing;
use crate::claim;
use crate::contract::{
    Contact, Due, EuiccChange, Forwarding, OperationFilter, Outgoing, RelayChange, Store,
    StoreError, StoredEvidence, StoredRelay, Versioned,
};
use crate::engine::{Connection, Engine, EngineError};
use crate::happened::{Counting, Done};
use crate::tenant::Tenant;

/// The store in a database: the rows of one tenant.
#[derive(Debug)]
pub struct SqlStore<E> {
    shared: Arc<Shared<E>>,
    tenant: Tenant,
}

/// What the tenants of a database share.
#[derive(Debug)]
struct Shared<E> {
    engine: E,
    sealing: Sealing,
    numbers: Numbers,
    counting: Counting,
}

impl<E: Engine> SqlStore<E> {
    /// The rows of another tenant in the same database.
    pub fn of_tenant(&self, tenant: Tenant) -> Self {
        SqlStore {
            shared: Arc::clone(&self.shared),
            tenant,
        }
    }

    fn counting(&self) -> &Counting {
        &self.shared.counting
    }

    fn db<'a>(&'a self, connection: &'a dyn Connection, done: &'a Done) -> Db<'a> {
        Db {
            connection,
            sealing: &self.shared.sealing,
            numbers: &self.shared.numbers,
            tenant: &self.tenant,
            done,
        }
    }

    /// Runs `work`, which only reads.
    fn read<T>(
        &self,
        mut work: impl FnMut(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let nothing = Done::default();
        let engine = &self.shared.engine;
        engine.read(|connection| work(&self.db(connection, &nothing)))
    }

    /// Runs `work` as one transaction, and tells what it did when it is committed. If
    /// it is a part of a request that is claimed, it notes that, and fails if somebody
    /// else has claimed the request by now ([`crate::Claimed`]).
    fn transact<T>(
        &self,
        mut work: impl FnMut(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Shared {
            engine, counting, ..
        } = &*self.shared;
        let done = counting.done();
        let claim = claim::current().filter(|claim| !claim.is_begun());
        let value = engine.write(|connection| {
            done.again();
            let db = self.db(connection, &done);
            let value = work(&db)?;
            if let Some(claim) = &claim {
                door::begun(&db, claim)?;
            }
            Ok(value)
        })?;
        if let Some(claim) = claim {
            claim.set_begun();
        }
        counting.tell(done);
        Ok(value)
    }

    /// Changes a row to what it is, on disk, and looks whether more would fit.
    pub(crate) fn prove_writable(&self) -> Result<(), StoreError> {
        self.transact(|db| Ok(db.sealing.touch(db.connection)?))?;
        Ok(self.shared.engine.has_room()?)
    }

    /// As [`SqlStore::transact`], for work that takes rows which nobody else has
    /// ([`Engine::take`]), and does nothing that is told.
    fn take<T>(
        &self,
        mut work: impl FnMut(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let nothing = Done::default();
        let engine = &self.shared.engine;
        engine.take(|connection| work(&self.db(connection, &nothing)))
    }
}

/// A violated uniqueness as [`StoreError::Exists`].
fn exists(what: &'static str) -> impl Fn(EngineError) -> StoreError {
    move |error| match error {
        EngineError::Unique => StoreError::Exists(what),
        error => StoreError::Engine(error),
    }
}

/// Exactly one row must have changed.
fn one_row(changed: u64) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

impl<E: Engine> Store for SqlStore<E> {
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
            operations::add_all(tx, operations)
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

    fn euiccs_among(&self, eids: &[Eid]) -> Result<Vec<EuiccRecord>, StoreError> {
        self.read(|db| eim::euiccs_among(db, eids))
    }

    fn euicc_index(&self) -> Result<Vec<(Eid, bool)>, StoreError> {
        self.read(eim::euicc_index)
    }

    fn put_contacts(&self, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError> {
        self.transact(|tx| eim::put_contacts(tx, contacts))
    }

    fn contact(&self, eid: Eid) -> Result<Option<Contact>, StoreError> {
        self.read(|db| eim::contact(db, eid))
    }

    fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| operations::list(db, filter))
    }

    fn evidence(&self, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError> {
        self.read(|db| outbox::evidence(db, eid))
    }

    fn due_notifications(&self, due: &Due) -> Result<Vec<Outgoing>, StoreError> {
        self.take(|tx| outbox::take_due(tx, due))
    }

    fn put_forwarding(
        &self,
        outgoing: &Outgoing,
        forwarding: Forwarding,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.transact(|tx| outbox::put(tx, outgoing, forwarding, detail))
    }

    fn count_forwarding(&self, state: &str) -> Result<u64, StoreError> {
        self.read(|db| outbox::count(db, state))
    }

    fn open_operations(&self, eid: Eid) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| operations::open(db, eid))
    }

    fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Eid>, StoreError> {
        self.read(|db| operations::expired(db, now, limit))
    }

    fn add_operations(&self, operations: &[Operation]) -> Result<(), StoreError> {
        self.transact(|tx| operations::add_all(tx, operations))
    }

    fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        self.read(|db| operations::one(db, id))
    }

    fn euicc_of_transaction(&self, id: &TransactionId) -> Result<Option<Eid>, StoreError> {
        self.read(|db| operations::euicc_of_transaction(db, id))
    }

    fn operations_of_transaction(&self, id: &TransactionId) -> Result<Vec<Operation>, StoreError> {
        self.read(|db| operations::of_transaction(db, id))
    }

    fn relay_session(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Versioned<StoredRelay>>, StoreError> {
        self.read(|db| relay::session(db, id))
    }

    fn relay_is_taken(&self, id: &TransactionId, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|db| relay::is_taken(db, id, now))
    }

    fn commit_relay(&self, change: &RelayChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| relay::commit(tx, change))
    }

    fn commit_euicc(&self, change: &EuiccChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| eim::commit(tx, change))
    }
}

/// `?n, ?n+1, …`, as many as there are.
fn places(from: usize, count: usize) -> String {
    let places: Vec<_> = (from..from + count).map(|at| format!("?{at}")).collect();
    places.join(", ")
}
