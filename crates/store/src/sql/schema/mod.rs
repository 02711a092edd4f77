//! Which tables a database has: made when it is new, and brought up to this
//! version step by step, each step whole.

use crate::contract::StoreError;
use crate::engine::Connection;

/// Schema that this version writes.
pub(super) const SCHEMA: i64 = 7;

/// The oldest schema that is brought up; 0 is a database with nothing in it.
const OLDEST: i64 = 6;

/// What this version makes in a new database.
const NEW: &str = include_str!("7.sql");

/// From a schema to the next one.
fn step(from: i64) -> Option<[&'static str; 3]> {
    match from {
        0 => Some(["", NEW, ""]),
        6 => Some([
            include_str!("6-to-7-before.sql"),
            NEW,
            include_str!("6-to-7-after.sql"),
        ]),
        _ => None,
    }
}

/// Whether a database has the schema of this version, may get it, or is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    New,
    Older,
    Current,
}

/// What a database has.
///
/// # Errors
/// [`StoreError::Schema`] if that is of a newer version, or too old.
pub(super) fn look(connection: &dyn Connection) -> Result<Found, StoreError> {
    match connection.schema()? {
        0 => Ok(Found::New),
        SCHEMA => Ok(Found::Current),
        found if (OLDEST..SCHEMA).contains(&found) => Ok(Found::Older),
        found => Err(StoreError::Schema {
            found,
            known: SCHEMA,
        }),
    }
}

/// Makes the tables, or brings them up, in the transaction that is running.
pub(super) fn bring_up(connection: &dyn Connection) -> Result<(), StoreError> {
    let mut found = connection.schema()?;
    while found != SCHEMA {
        let known = SCHEMA;
        let statements = step(found).ok_or(StoreError::Schema { found, known })?;
        for statements in statements {
            connection.batch(statements)?;
        }
        found = if found == 0 { SCHEMA } else { found + 1 };
        connection.set_schema(found)?;
    }
    Ok(())
}
