//! SQLite: one file, one connection, one process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql, TransactionBehavior};

use super::rows::Row;
use super::value::{Column, ToValue, Value};
use super::{Connection, Engine, EngineError};
use crate::bell::{Bell, News};
use crate::contract::StoreError;

/// Statements that are kept prepared: more than there are.
const STATEMENTS: usize = 256;

/// Pages are read where the system has them, up to what SQLite was compiled to map at
/// most (`.cargo/config.toml`), and not copied into a cache of 2 MB first: of many
/// devices nearly every lookup would miss it. 64 MiB are kept of pages that are written.
const MEMORY: &str = "PRAGMA mmap_size = 1099511627776; PRAGMA cache_size = -65536;";

/// Octets that must be free beside the file: those of some transactions, as what
/// SQLite has already of its log it writes to again.
const ROOM: u64 = 1 << 20;

/// A SQLite database. It does one thing after the other: so does SQLite, and
/// reads are short.
#[derive(Debug)]
pub struct Sqlite {
    connection: Mutex<rusqlite::Connection>,
    /// Its file, if it has one.
    path: Option<PathBuf>,
    /// Which never rings.
    bell: Arc<Bell>,
}

impl Sqlite {
    /// Opens a file, or makes it, readable by its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        protect(path)?;
        Ok(Self::on(rusqlite::Connection::open(path)?, Some(path)))
    }

    /// Opens a file that is there.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        Ok(Self::on(connection, Some(path)))
    }

    /// Opens a file that is there and that another process may be writing to, for
    /// reading alone.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let engine = Self::open_existing(path)?;
        let set = "PRAGMA query_only = ON; PRAGMA busy_timeout = 60000;";
        engine.lock().execute_batch(set)?;
        Ok(engine)
    }

    /// A database in memory.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::on(rusqlite::Connection::open_in_memory()?, None))
    }

    fn on(connection: rusqlite::Connection, path: Option<&Path>) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Sqlite {
            connection: Mutex::new(connection),
            path: path.map(Path::to_path_buf),
            bell: Arc::default(),
        }
    }

    /// Sets how the file is written, once it is known to be ours.
    pub(crate) fn configure(&self) -> Result<(), StoreError> {
        // A counter that was committed must survive a power cut: FULL.
        self.lock().execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        self.lock().execute_batch(MEMORY)?;
        // Plans do not depend on values: no statement is prepared again for them.
        self.lock()
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(())
    }

    /// Leaves nothing in the file that is no row any more.
    pub(crate) fn vacuum(&self) -> Result<(), StoreError> {
        let connection = self.lock();
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM;")?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(())
    }

    /// The connection. A thread that panicked left no half transaction: it was
    /// rolled back when its guard was dropped.
    fn lock(&self) -> MutexGuard<'_, rusqlite::Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the file before SQLite does, so that it is never readable by others.
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

/// Octets that are free where a file is, if that can be known.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_path: &Path) -> Option<u64> {
    None
}

impl Engine for Sqlite {
    fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    fn read<T>(
        &self,
        mut work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(&*self.lock())
    }

    fn write<T>(
        &self,
        mut work: impl FnMut(&dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&*transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    fn has_room(&self) -> Result<(), EngineError> {
        match self.path.as_deref().and_then(free) {
            Some(octets) if octets < ROOM => {
                Err(EngineError::Disk(format!("{octets} octets are free")))
            }
            _ => Ok(()),
        }
    }

    fn at_one_moment<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F> {
        let mut connection = self.lock();
        let transaction = connection.transaction().map_err(StoreError::from)?;
        work(&*transaction)
    }

    fn fill<T, F: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn Connection) -> Result<T, F>,
    ) -> Result<T, F> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(StoreError::from)?;
        let value = work(&*transaction)?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(value)
    }
}

impl Connection for rusqlite::Connection {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, EngineError> {
        let mut statement = self.prepare_cached(sql)?;
        let changed = statement.execute(rusqlite::params_from_iter(values))?;
        Ok(changed as u64)
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let count = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let columns = (0..count).map(|at| column(row.get_ref(at)?, at));
            each(columns.collect::<Result<Row, EngineError>>()?)?;
        }
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<(), EngineError> {
        Ok(self.execute_batch(sql)?)
    }

    fn schema(&self) -> Result<i64, EngineError> {
        Ok(self.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    fn lock_schema(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn set_schema(&self, schema: i64) -> Result<(), EngineError> {
        Ok(self.pragma_update(None, "user_version", schema)?)
    }

    fn analyse(&self, _tables: &str) -> Result<(), EngineError> {
        Ok(())
    }

    fn skip_locked(&self) -> &'static str {
        ""
    }

    fn columns(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let columns = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";
        super::rows::all(self, columns, &[table.to_value()])
    }

    fn about_rows(&self, table: &str) -> Result<u64, StoreError> {
        let count = format!("SELECT count(*) FROM {table}");
        let count: Vec<u64> = super::rows::all(self, &count, &[])?;
        Ok(count.into_iter().next().unwrap_or_default())
    }

    fn note(&self, _news: News) {}

    fn shared_clock(&self) -> Option<&'static str> {
        None
    }
}

fn column(value: ValueRef<'_>, at: usize) -> Result<Column, EngineError> {
    Ok(match value {
        ValueRef::Null => Column::Null,
        ValueRef::Integer(integer) => Column::Integer(integer),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Column::Text(text.to_string()),
            Err(_) => return Err(EngineError::Column(at)),
        },
        ValueRef::Blob(octets) => Column::Octets(octets.to_vec()),
        ValueRef::Real(_) => return Err(EngineError::Column(at)),
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Octets(octets) => ValueRef::Blob(octets),
        }))
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        let unique = [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE];
        let disk = [
            ErrorCode::DiskFull,
            ErrorCode::SystemIoFailure,
            ErrorCode::ReadOnly,
        ];
        match &error {
            rusqlite::Error::SqliteFailure(code, _)
                if code.code == ErrorCode::ConstraintViolation
                    && unique.contains(&code.extended_code) =>
            {
                EngineError::Unique
            }
            rusqlite::Error::SqliteFailure(code, _) if disk.contains(&code.code) => {
                EngineError::Disk(error.to_string())
            }
            _ => EngineError::Sqlite(error),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Engine(error.into())
    }
}
