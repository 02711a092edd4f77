//! One connection, its prepared statements, and how a thread waits for it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use tokio_postgres::{Client, Statement};

use super::super::rows::{self, Row};
use super::super::value::{ToValue, Value};
use super::super::{Connection, EngineError};
use super::values;
use crate::bell::{News, Noted};
use crate::contract::StoreError;

/// How long an answer is waited for: longer than the server lets a statement run.
const PATIENCE: Duration = Duration::from_secs(20);

/// A statement that takes longer, or a client that does nothing in its transaction
/// for so long, holds others up: then the transaction ends.
const LIMITS: &str = "SET statement_timeout = '10s';
    SET idle_in_transaction_session_timeout = '10s'";

/// Held while the tables are made or changed, which may take its time.
const SCHEMA_LOCK: &str = "SET LOCAL statement_timeout = 0;
    SELECT pg_advisory_xact_lock(7163395468)";

/// Statements that are kept prepared: more than there are of the product's own.
const MOST_STATEMENTS: usize = 512;

/// A connection.
pub(super) struct Session {
    client: Client,
    /// Those that were prepared, by their text.
    statements: Mutex<HashMap<String, Statement>>,
    /// Whether no transaction runs and no answer is on its way.
    at_rest: AtomicBool,
    /// What the transaction that runs has for those who wait.
    noted: Noted,
}

impl Session {
    pub(super) fn new(client: Client) -> Result<Self, EngineError> {
        let session = Session {
            client,
            statements: Mutex::default(),
            at_rest: AtomicBool::new(false),
            noted: Noted::default(),
        };
        session.batch(LIMITS)?;
        Ok(session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Nothing is left of what was done on it.
    pub(super) fn at_rest(&self) {
        self.at_rest.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.at_rest.load(Ordering::Relaxed) && !self.is_closed()
    }

    pub(super) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Somebody takes it.
    pub(super) fn at_work(&self) {
        self.noted.take();
        self.at_rest.store(false, Ordering::Relaxed);
    }

    fn prepared(&self, sql: &str) -> Result<Statement, EngineError> {
        let lock = || {
            self.statements
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(statement) = lock().get(sql) {
            return Ok(statement.clone());
        }
        let statement = wait(self.client.prepare(&values::numbered(sql)))?;
        let mut statements = lock();
        // Searches have a text of their own each.
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_string(), statement.clone());
        Ok(statement)
    }
}

impl Connection for Session {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, EngineError> {
        let statement = self.prepared(sql)?;
        wait(self.client.execute_raw(&statement, values))
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(sql)?;
        let mut rows = pin!(wait(self.client.query_raw(&statement, values))?);
        loop {
            let next = std::future::poll_fn(|cx| rows.as_mut().poll_next(cx));
            match wait(async { next.await.transpose() })? {
                Some(row) => each(values::row(&row)?)?,
                None => return Ok(()),
            }
        }
    }

    fn batch(&self, sql: &str) -> Result<(), EngineError> {
        wait(self.client.batch_execute(&values::in_postgres(sql)))
    }

    fn schema(&self) -> Result<i64, EngineError> {
        let (mut there, mut found) = (false, 0);
        let read = |sql: &str, to: &mut dyn FnMut(i64)| {
            let statement = self.prepared(sql)?;
            let rows = wait(self.client.query(&statement, &[]))?;
            for row in &rows {
                to(row.try_get(0)?);
            }
            Ok::<(), EngineError>(())
        };
        // Not prepared before the table is there.
        let exists = "SELECT count(*) FROM (SELECT to_regclass('schema_version') AS name) AS named
            WHERE name IS NOT NULL";
        read(exists, &mut |count| there = count > 0)?;
        if there {
            read("SELECT version FROM schema_version", &mut |version| {
                found = version;
            })?;
        }
        Ok(found)
    }

    fn lock_schema(&self) -> Result<(), EngineError> {
        self.batch(SCHEMA_LOCK)
    }

    fn set_schema(&self, schema: i64) -> Result<(), EngineError> {
        self.batch(&format!(
            "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);
             DELETE FROM schema_version;
             INSERT INTO schema_version (version) VALUES ({schema})"
        ))
    }

    fn analyse(&self, tables: &str) -> Result<(), EngineError> {
        self.batch(&format!("ANALYZE {tables}"))
    }

    fn skip_locked(&self) -> &'static str {
        " FOR UPDATE SKIP LOCKED"
    }

    fn columns(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let columns = "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = CAST(?1 AS TEXT)
            ORDER BY ordinal_position";
        rows::all(self, columns, &[table.to_value()])
    }

    fn about_rows(&self, table: &str) -> Result<u64, StoreError> {
        let about = "SELECT CAST(greatest(coalesce(reltuples, 0), 0) AS BIGINT) FROM pg_class
            WHERE oid = to_regclass(CAST(?1 AS TEXT))";
        let about: Vec<u64> = rows::all(self, about, &[table.to_value()])?;
        Ok(about.into_iter().next().unwrap_or_default())
    }

    fn note(&self, news: News) {
        self.noted.note(news);
    }

    fn shared_clock(&self) -> Option<&'static str> {
        Some("CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)")
    }
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer, in any thread.
fn wait<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, EngineError> {
    let mut answer = pin!(answer);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let until = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut cx) {
            return Ok(answer?);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let late = "it does not answer any more";
            return Err(EngineError::Unreachable(late.to_string()));
        }
        std::thread::park_timeout(left);
    }
}
