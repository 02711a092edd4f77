//! Databases are opened: brought up to this version, and held against the key.

use std::path::Path;
use std::sync::Arc;

use rsp_crypto::software::Sealer;
use rsp_crypto::{OsRng, Rng};

use super::db::Numbers;
use super::schema::{self, Found};
use super::sealing::Sealing;
use super::{Shared, SqlStore, reseal};
use crate::contract::StoreError;
use crate::engine::{Engine, Postgres, PostgresSettings, Sqlite};
use crate::happened::Counting;
use crate::tenant::Tenant;

/// The store in one SQLite file.
pub type SqliteStore = SqlStore<Sqlite>;

impl SqliteStore {
    /// Opens a file, or makes it, readable by its owner alone. Secrets in it are
    /// sealed with the key given; a file knows its key again. One of an older
    /// version is brought up to this one.
    ///
    /// # Errors
    /// If the file cannot be opened, or was written by a newer version or with
    /// another key. It is then as it was.
    pub fn open(path: &Path, sealer: Sealer) -> Result<Self, StoreError> {
        Self::on_file(Sqlite::open(path)?, sealer)
    }

    /// A store that lives as long as the process.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut key = [0; 32];
        OsRng::new().map_err(StoreError::Sealing)?.fill(&mut key);
        Self::on_file(Sqlite::in_memory()?, Sealer::new(key))
    }

    fn on_file(engine: Sqlite, sealer: Sealer) -> Result<Self, StoreError> {
        // Its numbers meet those of no other process.
        let store = Self::on(engine, sealer, 0)?;
        store.shared.engine.configure()?;
        Ok(store)
    }
}

/// The store in a PostgreSQL database.
pub type PostgresStore = SqlStore<Postgres>;

impl PostgresStore {
    /// Connects to a database. Secrets in it are sealed with the key given; a
    /// database knows its key again. One of an older version is brought up to
    /// this one. Several processes may have it open.
    ///
    /// # Errors
    /// If the database cannot be reached, or was written by a newer version or
    /// with another key. It is then as it was.
    pub fn connect(settings: PostgresSettings, sealer: Sealer) -> Result<Self, StoreError> {
        let mut salt = [0; 4];
        OsRng::new().map_err(StoreError::Sealing)?.fill(&mut salt);
        let salt = u32::from_be_bytes(salt);
        Self::on(Postgres::connect(settings)?, sealer, salt)
    }

    /// As [`SqliteStore::reseal`]. No other process may use the database
    /// meanwhile; what its files still show of the old key is the server's.
    ///
    /// # Errors
    /// As [`SqliteStore::reseal`].
    pub fn reseal(
        settings: PostgresSettings,
        old: Sealer,
        new: Sealer,
    ) -> Result<Option<usize>, StoreError> {
        reseal::reseal(&Postgres::connect(settings)?, old, new)
    }
}

impl<E: Engine> SqlStore<E> {
    /// The default tenant's rows in a database.
    pub(super) fn on(engine: E, sealer: Sealer, salt: u32) -> Result<Self, StoreError> {
        let sealing = Sealing::new(sealer)?;
        prepare(&engine, &sealing)?;
        let shared = Shared {
            engine,
            sealing,
            numbers: Numbers::new(salt),
            counting: Counting::default(),
        };
        Ok(SqlStore {
            shared: Arc::new(shared),
            tenant: Tenant::default(),
        })
    }
}

/// Nothing is written to a database of this version, so that one that is refused
/// stays as it was.
fn prepare(engine: &impl Engine, sealing: &Sealing) -> Result<(), StoreError> {
    let found = engine.read(|connection| {
        let found = schema::look(connection)?;
        match found {
            Found::New => {}
            Found::Older | Found::Current => sealing.check(connection)?,
        }
        Ok(found)
    })?;
    if found == Found::Current {
        return Ok(());
    }
    engine.write(|connection| {
        connection.lock_schema()?;
        // Another process may have been faster.
        match schema::look(connection)? {
            Found::New => {
                schema::bring_up(connection)?;
                sealing.mark(connection)
            }
            Found::Older => schema::bring_up(connection),
            Found::Current => sealing.check(connection),
        }
    })
}
