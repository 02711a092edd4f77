//! Which tables a database has: made when it is new, and brought up to this
//! version step by step, each step whole.

use crate::contract::StoreError;
use crate::engine::Connection;

/// Schema that this version writes.
pub(super) const SCHEMA: i64 = 9;

/// The oldest schema that is brought up.
const OLDEST: i64 = 6;

/// What a new database begins with.
const FIRST: i64 = 7;
const TABLES_7: &str = include_str!("7.sql");

/// What schema 8 adds, by what it is for.
const ADDED_8: &[&str] = &[
    include_str!("8-access.sql"),
    include_str!("8-devices.sql"),
    include_str!("8-events.sql"),
    include_str!("8-ledger.sql"),
    include_str!("8-operations.sql"),
    include_str!("8-tenants.sql"),
];

/// What schema 9 adds.
const ADDED_9: &[&str] = &[
    include_str!("9-door.sql"),
    include_str!("9-price.sql"),
    include_str!("9-residency.sql"),
];

/// From a schema to the next one; 0 is a database with nothing in it.
fn step(from: i64) -> Option<(&'static [&'static str], i64)> {
    match from {
        0 => Some((&[TABLES_7], FIRST)),
        6 => Some((
            &[
                include_str!("6-to-7-before.sql"),
                TABLES_7,
                include_str!("6-to-7-after.sql"),
            ],
            7,
        )),
        7 => Some((ADDED_8, 8)),
        8 => Some((ADDED_9, 9)),
        _ => None,
    }
}

/// The tables of this version, those first that others refer to.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    let added = || [ADDED_8, ADDED_9].into_iter().flatten().copied();
    let parts = move || std::iter::once(TABLES_7).chain(added());
    let named = |line: &'static str, before: &str, behind: &str| {
        line.strip_prefix(before)?.strip_suffix(behind)
    };
    let dropped = move |name: &str| {
        let mut lines = parts().flat_map(str::lines);
        lines.any(|line| named(line, "DROP TABLE ", ";") == Some(name))
    };
    let made = parts().flat_map(str::lines);
    let made = made.filter_map(move |line| named(line, "CREATE TABLE ", " ("));
    made.filter(move |name| !dropped(name))
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
        let (parts, next) = step(found).ok_or(StoreError::Schema { found, known })?;
        for part in parts {
            connection.batch(part)?;
        }
        found = next;
        connection.set_schema(found)?;
    }
    Ok(())
}
