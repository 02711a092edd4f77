//! What a database must do for the store: run statements with values, as
//! transactions. The statements are one text for all engines (`crate::sql`);
//! what engines do differently is in one file each.

mod postgres;
mod rows;
mod sqlite;
mod value;

pub use postgres::{BadUrl, Postgres, PostgresSettings};
pub use rows::{FromColumn, FromRow, Row};
pub use sqlite::Sqlite;
pub use value::{Column, ToValue, Value};

use std::sync::Arc;

use crate::bell::{Bell, News};
use crate::contract::StoreError;

/// Why a database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A row with this key is there already.
    #[error("there is such a row already")]
    Unique,
    /// Another transaction changed what this one has read; it has to be run again.
    #[error("other transactions were faster, again and again")]
    Overtaken,
    /// Nobody answers, or does not for now.
    #[error(
        "unreachable: {0} (is PostgreSQL running there, and does it accept writes, \
         the user and its password?)"
    )]
    Unreachable(String),
    /// Its disk takes nothing, or fails.
    #[error("its disk fails: {0} (is it full, or read-only?)")]
    Disk(String),
    /// PostgreSQL failed.
    #[error("{0}")]
    Postgres(tokio_postgres::Error),
    /// SQLite failed.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// A column does not hold what this version expects there.
    #[error("column {0} of a row holds something else than it should")]
    Column(usize),
}

/// A connection on which a transaction runs, or which only reads.
///
/// Statements are in the dialect that all engines share: placeholders are `?1`,
/// `?2`…, truth values are 0 and 1.
pub trait Connection {
    /// Runs a statement and gives how many rows it changed.
    ///
    /// # Errors
    /// [`EngineError::Unique`] if a row with the same key is there, or if the
    /// engine fails.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, EngineError>;

    /// Runs a statement that gives rows, and hands them over one by one; `each`
    /// must run no statement itself.
    ///
    /// # Errors
    /// As [`Connection::execute`], and what `each` gives: it then sees no
    /// further row.
    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Runs statements without values, one after the other: what makes tables.
    ///
    /// # Errors
    /// If the engine fails.
    fn batch(&self, sql: &str) -> Result<(), EngineError>;

    /// The number of the schema that the database has; 0 if it is new. It stays
    /// that until the end of a transaction that asked.
    ///
    /// # Errors
    /// If the engine fails.
    fn schema(&self) -> Result<i64, EngineError>;

    /// Keeps other processes from changing the schema before this transaction
    /// ends, and lets statements take as long as they take.
    ///
    /// # Errors
    /// If the engine fails.
    fn lock_schema(&self) -> Result<(), EngineError>;

    /// Puts down which schema the database has.
    ///
    /// # Errors
    /// If the engine fails.
    fn set_schema(&self, schema: i64) -> Result<(), EngineError>;

    /// Has the engine count what is in tables that have grown much, so that the plans
    /// of the next statements are right at once; nothing, where plans do not depend on
    /// it.
    ///
    /// # Errors
    /// If the engine fails.
    fn analyse(&self, tables: &str) -> Result<(), EngineError>;

    /// What is put behind a SELECT whose rows nobody else shall take before this
    /// transaction ends. Nothing, where no other transaction runs meanwhile.
    fn skip_locked(&self) -> &'static str;

    /// The columns of a table, in their order; none if there is no such table.
    ///
    /// # Errors
    /// If the engine fails.
    fn columns(&self, table: &str) -> Result<Vec<String>, StoreError>;

    /// About how many rows a table has; 0 if that is not known.
    ///
    /// # Errors
    /// If the engine fails.
    fn about_rows(&self, table: &str) -> Result<u64, StoreError>;

    /// Who waits for these news is woken once this transaction is committed; nobody
    /// is, where all who wait look often anyhow.
    fn note(&self, news: News);

    /// The database's clock in milliseconds since 1970, as an expression;
    /// `None` if no other process can have this database open.
    fn shared_clock(&self) -> Option<&'static str>;
}

/// A database.
pub trait Engine: Send + Sync + std::fmt::Debug + 'static {
    /// What rings when there are news.
    fn bell(&self) -> Arc<Bell>;

    /// Runs `work`, which only reads.
    ///
    /// # Errors
    /// What `work` gives, or if the engine fails.
    fn read<T>(
        &self,
        work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>;

    /// Runs `work` as one transaction, as if nobody else did anything
    /// meanwhile. It is committed if `work` gives no error, and durable then.
    /// `work` may be run again, from the beginning, on the newer state.
    ///
    /// # Errors
    /// What `work` gives, or if the engine fails: then nothing has changed.
    fn write<T>(
        &self,
        work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>;

    /// As [`Engine::write`], for work that takes rows which nobody else has and is
    /// right whatever else changes meanwhile: with [`Connection::skip_locked`] many
    /// can take some at once, and none waits for another.
    ///
    /// # Errors
    /// As [`Engine::write`].
    fn take<T>(
        &self,
        work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write(work)
    }

    /// Whether there is space for more, where that can be known.
    ///
    /// # Errors
    /// [`EngineError::Disk`] if there is hardly any.
    fn has_room(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Runs `work` once on the state of one moment, whatever others change
    /// meanwhile and however long it takes. It only reads.
    ///
    /// # Errors
    /// What `work` gives, or if the engine fails.
    fn at_one_moment<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F>;

    /// Runs `work` once as a transaction in which nobody else makes or changes the
    /// tables, however long it takes: what fills an empty database. It is
    /// committed if `work` gives no error.
    ///
    /// # Errors
    /// What `work` gives, or if the engine fails: then nothing has changed.
    fn fill<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F>;
}
