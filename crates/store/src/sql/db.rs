//! A tenant's view of a connection: statements name the tenant by themselves,
//! and what is secret is sealed for its row.

use std::sync::atomic::{AtomicI64, Ordering};

use rsp_core::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sealing::Sealing;
use crate::contract::StoreError;
use crate::engine::{Connection, EngineError, FromRow, Row, ToValue, Value};
use crate::happened::Done;
use crate::tenant::Tenant;

/// The values of a statement, from `?2` on: `?1` is the tenant.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$crate::engine::Value::Null, $($crate::engine::ToValue::to_value(&$value)),*]
    };
}
pub(crate) use values;

/// Values that are asked for at once.
const AT_ONCE: usize = 100;

/// A connection on which one tenant's rows are seen.
#[derive(Clone, Copy)]
pub(crate) struct Db<'a> {
    pub(super) connection: &'a dyn Connection,
    pub(super) sealing: &'a Sealing,
    pub(super) numbers: &'a Numbers,
    pub(super) tenant: &'a Tenant,
    pub(super) done: &'a Done,
}

impl<'a> Db<'a> {
    fn with_tenant<'v>(&'v self, mut values: Vec<Value<'v>>) -> Vec<Value<'v>> {
        if let Some(first) = values.first_mut() {
            *first = self.tenant.as_str().to_value();
        }
        values
    }

    /// Runs a statement; gives how many rows it changed.
    pub(super) fn execute(&self, sql: &str, values: Vec<Value<'_>>) -> Result<u64, EngineError> {
        self.connection.execute(sql, &self.with_tenant(values))
    }

    /// Runs a statement and hands over what it gives.
    pub(super) fn each<T: FromRow>(
        &self,
        sql: &str,
        values: Vec<Value<'_>>,
        mut each: impl FnMut(T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut read = |row: Row| each(T::from_row(row)?);
        self.connection
            .query(sql, &self.with_tenant(values), &mut read)
    }

    /// All rows of a statement.
    pub(super) fn all<T: FromRow>(
        &self,
        sql: &str,
        values: Vec<Value<'_>>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(sql, values, |row| {
            all.push(row);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row of a statement.
    pub(super) fn first<T: FromRow>(
        &self,
        sql: &str,
        values: Vec<Value<'_>>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, values)?.into_iter().next())
    }

    /// Rows in whose last named column is one of these: `select … AND column`, completed
    /// here. Few are filled up to one of three counts with the last of them, so that
    /// there are few statements; `order` is that of at most [`AT_ONCE`] together.
    pub(super) fn of_these<T: FromRow>(
        &self,
        select: &str,
        these: &[&str],
        order: &str,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        for part in these.chunks(AT_ONCE) {
            let mut counts = [1, 10, AT_ONCE].into_iter();
            let count = counts.find(|count| *count >= part.len());
            let count = count.unwrap_or(AT_ONCE);
            let sql = format!("{select} IN ({}){order}", super::places(2, count));
            let mut values = values![];
            let filled = part.iter().chain(std::iter::repeat_n(
                part.last().unwrap_or(&""),
                count - part.len(),
            ));
            values.extend(filled.map(|one| Value::Text((*one).into())));
            all.extend(self.all::<T>(&sql, values)?);
        }
        Ok(all)
    }

    /// A number greater than all that this process gave before; those of all
    /// processes together are nearly in the order of their times.
    pub(super) fn number(&self, now: Timestamp) -> i64 {
        self.numbers.next(now)
    }

    /// A document, sealed for its table and row.
    pub(super) fn seal<T: Serialize>(
        &self,
        table: &str,
        row: &str,
        document: &T,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_bytes(table, row, &serde_json::to_vec(document)?)
    }

    /// A document that was sealed for this table and row.
    pub(super) fn unseal<T: DeserializeOwned>(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let document = self.sealing.open_row(self.tenant, [table, row], sealed)?;
        Ok(serde_json::from_slice(&document)?)
    }

    /// As [`Db::seal`], of octets.
    pub(super) fn seal_bytes(
        &self,
        table: &str,
        row: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        self.sealing.seal_row(self.tenant, [table, row], secret)
    }

    /// As [`Db::unseal`], of octets.
    pub(super) fn unseal_bytes(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let opened = self.sealing.open_row(self.tenant, [table, row], sealed)?;
        Ok(opened.to_vec())
    }

    /// By what a secret of a table is found.
    pub(super) fn index(&self, table: &str, secret: &[u8]) -> [u8; 32] {
        self.sealing.index(self.tenant, table, secret)
    }
}

/// Numbers for rows that have an order, without a counter that all would have to
/// share: the time in milliseconds, and 20 bits below it.
#[derive(Debug)]
pub(crate) struct Numbers {
    last: AtomicI64,
    /// What this process adds to a time.
    salt: i64,
}

const BELOW: u32 = 20;

impl Numbers {
    /// With the same salt numbers are the same again.
    pub(super) fn new(salt: u32) -> Self {
        Numbers {
            last: AtomicI64::new(0),
            salt: i64::from(salt) & ((1 << BELOW) - 1),
        }
    }

    fn next(&self, now: Timestamp) -> i64 {
        let time = i64::try_from(now.0).unwrap_or(i64::MAX).min(1 << 42);
        let at = (time << BELOW) | self.salt;
        let after = |last: i64| at.max(last.saturating_add(1));
        let update = |last| Some(after(last));
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.last.fetch_update(set, get, update) {
            Ok(last) | Err(last) => after(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_whatever_the_clock_does() {
        let numbers = Numbers::new(u32::MAX);
        let times = [5, 5, 7, 6, u64::MAX, 8];
        let given: Vec<i64> = times
            .iter()
            .map(|at| numbers.next(Timestamp(*at)))
            .collect();
        assert!(given.is_sorted_by(|one, next| one < next), "{given:?}");
        assert_eq!(given.first().map(|first| first >> BELOW), Some(5));
        assert_eq!(given.get(2).map(|third| third >> BELOW), Some(7));
    }
}
