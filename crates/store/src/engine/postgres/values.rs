//! What PostgreSQL writes otherwise: placeholders, types, values, errors.

use std::error::Error;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::EngineError;
use super::super::rows::Row;
use super::super::value::{Column, Value};
use crate::contract::StoreError;

type Boxed = Box<dyn Error + Sync + Send>;

/// `?1` as `$1`; no text in a statement has a question mark.
pub(super) fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

/// Tables as PostgreSQL has them.
pub(super) fn in_postgres(sql: &str) -> String {
    sql.replace(") STRICT, WITHOUT ROWID;", ");")
        .replace(") STRICT;", ");")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(integer), &Type::INT8) => integer.to_sql(ty, out),
            (Value::Integer(integer), &Type::INT4) => i32::try_from(*integer)?.to_sql(ty, out),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR) => (&**text).to_sql(ty, out),
            (Value::Octets(octets), &Type::BYTEA) => octets.to_sql(ty, out),
            (other, ty) => Err(format!("{other:?} is not {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Column {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        Ok(match *ty {
            Type::INT8 => Column::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Column::Integer(i64::from(i32::from_sql(ty, raw)?)),
            Type::TEXT | Type::VARCHAR => Column::Text(String::from_sql(ty, raw)?),
            Type::BYTEA => Column::Octets(raw.to_vec()),
            _ => return Err(format!("a column of {ty}").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Column::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row of any columns.
pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, EngineError> {
    let columns = (0..row.len()).map(|at| row.try_get(at));
    Ok(columns.collect::<Result<Row, _>>()?)
}

/// Two transactions met. Tables that somebody else is making are one such
/// meeting.
const OVERTAKEN: [SqlState; 4] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::DUPLICATE_TABLE,
    SqlState::LOCK_NOT_AVAILABLE,
];

/// No space, or an error of the disk.
const DISK: [SqlState; 2] = [SqlState::DISK_FULL, SqlState::IO_ERROR];

/// Classes of SQLSTATE that tell of a server that cannot work: connection, not
/// enough resources, operator intervention; and a server that is only read from.
const UNREACHABLE: [&str; 4] = ["08", "53", "57", "25006"];

impl From<tokio_postgres::Error> for EngineError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(found) = error.as_db_error() else {
            // No answer at all, or none that can be read.
            let because = error.source().map(ToString::to_string);
            return match error.is_closed() || error.source().is_some_and(is_io) {
                true => EngineError::Unreachable(because.unwrap_or_else(|| error.to_string())),
                false => EngineError::Postgres(error),
            };
        };
        let code = found.code();
        if *code == SqlState::UNIQUE_VIOLATION {
            EngineError::Unique
        } else if OVERTAKEN.contains(code) {
            EngineError::Overtaken
        } else if DISK.contains(code) {
            EngineError::Disk(found.message().to_string())
        } else if UNREACHABLE
            .iter()
            .any(|class| code.code().starts_with(class))
        {
            EngineError::Unreachable(found.message().to_string())
        } else {
            EngineError::Postgres(error)
        }
    }
}

fn is_io(error: &(dyn Error + 'static)) -> bool {
    error.is::<std::io::Error>()
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        StoreError::Engine(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_written_as_postgresql_reads_them() {
        assert_eq!(numbered("a = ?1 AND b = ?12"), "a = $1 AND b = $12");
        let table = "CREATE TABLE a (b  INTEGER, c  BLOB) STRICT, WITHOUT ROWID;";
        assert_eq!(in_postgres(table), "CREATE TABLE a (b  BIGINT, c  BYTEA);");
    }
}
