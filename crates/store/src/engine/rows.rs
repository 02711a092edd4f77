//! Rows as tuples of what their columns hold.

use rsp_core::Timestamp;

use super::value::{Column, Value};
use super::{Connection, EngineError};
use crate::contract::StoreError;

/// The columns of a row.
pub type Row = Vec<Column>;

/// What a column may be read as; `None` if it holds something else.
pub trait FromColumn: Sized {
    /// Reads a column.
    fn from_column(column: Column) -> Option<Self>;
}

/// What a row may be read as: a tuple.
pub trait FromRow: Sized {
    /// Reads a row.
    ///
    /// # Errors
    /// [`EngineError::Column`] with the first column, counted from 0, that does
    /// not fit.
    fn from_row(row: Row) -> Result<Self, EngineError>;
}

/// All values of a statement that gives one column.
pub(super) fn all<T: FromColumn>(
    connection: &dyn Connection,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    connection.query(sql, values, &mut |row| {
        let (value,) = FromRow::from_row(row)?;
        all.push(value);
        Ok(())
    })?;
    Ok(all)
}

impl FromColumn for Column {
    fn from_column(column: Column) -> Option<Self> {
        Some(column)
    }
}

impl FromColumn for i64 {
    fn from_column(column: Column) -> Option<Self> {
        match column {
            Column::Integer(integer) => Some(integer),
            _ => None,
        }
    }
}

impl FromColumn for u32 {
    fn from_column(column: Column) -> Option<Self> {
        u32::try_from(i64::from_column(column)?).ok()
    }
}

impl FromColumn for u64 {
    fn from_column(column: Column) -> Option<Self> {
        u64::try_from(i64::from_column(column)?).ok()
    }
}

impl FromColumn for bool {
    fn from_column(column: Column) -> Option<Self> {
        Some(i64::from_column(column)? != 0)
    }
}

impl FromColumn for Timestamp {
    fn from_column(column: Column) -> Option<Self> {
        Some(Timestamp(i64::from_column(column)?.unsigned_abs()))
    }
}

impl FromColumn for String {
    fn from_column(column: Column) -> Option<Self> {
        match column {
            Column::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(column: Column) -> Option<Self> {
        match column {
            Column::Octets(octets) => Some(octets),
            _ => None,
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Column) -> Option<Self> {
        match column {
            Column::Null => Some(None),
            column => T::from_column(column).map(Some),
        }
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)+) => {$(
        impl<$($name: FromColumn),+> FromRow for ($($name,)+) {
            fn from_row(row: Row) -> Result<Self, EngineError> {
                let mut columns = row.into_iter().enumerate();
                let mut count = 0;
                let tuple = ($({
                    let (at, column) = columns.next().ok_or(EngineError::Column(count))?;
                    count += 1;
                    $name::from_column(column).ok_or(EngineError::Column(at))?
                },)+);
                match columns.next() {
                    None => Ok(tuple),
                    Some(_) => Err(EngineError::Column(count)),
                }
            }
        }
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

/// A row of more columns than a tuple has: eight of them, then the others.
impl<A, B, C, D, E, F, G, H, R> FromRow for ((A, B, C, D, E, F, G, H), R)
where
    (A, B, C, D, E, F, G, H): FromRow,
    R: FromRow,
{
    fn from_row(mut row: Row) -> Result<Self, EngineError> {
        let others = row.split_off(row.len().min(8));
        let first = FromRow::from_row(row)?;
        let others = FromRow::from_row(others);
        let others = others.map_err(|error| match error {
            EngineError::Column(at) => EngineError::Column(at + 8),
            error => error,
        })?;
        Ok((first, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whole_or_names_the_column_that_does_not_fit() {
        let row = || {
            vec![
                Column::Integer(1),
                Column::Null,
                Column::Text("a".to_string()),
            ]
        };
        let read = <(bool, Option<i64>, String)>::from_row(row()).unwrap();
        assert_eq!(read, (true, None, "a".to_string()));
        let at = |error| match error {
            EngineError::Column(at) => at,
            other => panic!("{other}"),
        };
        let wrong = <(i64, i64, String)>::from_row(row()).unwrap_err();
        assert_eq!(at(wrong), 1);
        let short = <(i64, Option<i64>)>::from_row(row()).unwrap_err();
        assert_eq!(at(short), 2);
        let long = <(i64, Option<i64>, String, i64)>::from_row(row()).unwrap_err();
        assert_eq!(at(long), 3);
    }
}
