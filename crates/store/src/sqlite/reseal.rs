//! Another key for a database: all that is sealed is sealed anew.

use std::path::Path;

use rsp_core::smdp::Order;
use rsp_crypto::software::Sealer;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::sealing::{Db, Sealing};
use super::{SCHEMA, SqliteStore};
use crate::contract::StoreError;

/// Sealed contents of a table.
struct Column {
    table: &'static str,
    /// Names a row.
    key: &'static str,
    /// What its contents are bound to.
    row: &'static str,
    column: &'static str,
    /// What else they are bound to.
    place: &'static str,
}

const fn column(table: &'static str, key: &'static str, column: &'static str) -> Column {
    Column {
        table,
        key,
        row: key,
        column,
        place: table,
    }
}

/// All that is sealed; `crates/store/tests/sealing.rs` finds what is missing.
const COLUMNS: [Column; 16] = [
    column("euicc", "eid", "document"),
    column("operation", "id", "document"),
    column("profile_type", "name", "template"),
    column("profile", "iccid", "document"),
    Column {
        place: "subscription",
        ..column("profile", "iccid", "subscription")
    },
    column("psk", "identity", "secret"),
    column("kept_package", "iccid", "package"),
    Column {
        row: "operator",
        ..column("progress", "number", "document")
    },
    column("relay_session", "transaction_id", "document"),
    Column {
        place: "relay_reply",
        ..column("relay_session", "transaction_id", "reply")
    },
    column("session", "transaction_id", "document"),
    Column {
        place: "session_reply",
        ..column("session", "transaction_id", "reply")
    },
    Column {
        row: "iccid",
        ..column("announcement", "number", "document")
    },
    column("smds_event", "eid", "document"),
    column("smds_session", "transaction_id", "document"),
    Column {
        place: "smds_session_reply",
        ..column("smds_session", "transaction_id", "reply")
    },
];

impl SqliteStore {
    /// Seals all secrets in a file anew, in one transaction, with another key;
    /// gives how many there were, `None` if the file has that key already. No
    /// other process may use the file meanwhile.
    ///
    /// # Errors
    /// If there is no such file, it is of another version, its key is neither,
    /// or the engine fails. It then has the old key.
    pub fn reseal(path: &Path, old: Sealer, new: Sealer) -> Result<Option<usize>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found != SCHEMA {
            let known = SCHEMA;
            return Err(StoreError::Schema { found, known });
        }
        let (old, new) = (Sealing::new(old)?, Sealing::new(new)?);
        if new.check(&connection).is_ok() {
            return Ok(None);
        }
        old.check(&connection)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = Db {
            connection: &tx,
            sealing: &old,
        };
        let to = Db {
            connection: &tx,
            sealing: &new,
        };
        let mut count = 0;
        for column in &COLUMNS {
            count += column.reseal(&from, &to)?;
        }
        index_anew(&to)?;
        tx.execute("DELETE FROM sealing", [])?;
        new.mark(&tx)?;
        tx.commit()?;
        // What was sealed with the old key is in no page any more.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM;")?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(Some(count))
    }
}

impl Column {
    fn reseal(&self, from: &Db<'_>, to: &Db<'_>) -> Result<usize, StoreError> {
        let Column {
            table,
            key,
            row,
            column,
            place,
        } = self;
        let mut keys = from.prepare(&format!("SELECT {key}, {row} FROM {table}"))?;
        let keys = keys.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let keys: Vec<(Value, String)> = keys.collect::<Result<_, _>>()?;
        let mut select = from.prepare(&format!("SELECT {column} FROM {table} WHERE {key} = ?1"))?;
        let mut update = from.prepare(&format!(
            "UPDATE {table} SET {column} = ?1 WHERE {key} = ?2"
        ))?;
        for (key, row) in &keys {
            let sealed: Vec<u8> = select.query_row([key], |row| row.get(0))?;
            let secret = from.unseal_bytes(place, row, &sealed)?;
            update.execute(params![to.seal_bytes(place, row, &secret)?, key])?;
        }
        Ok(keys.len())
    }
}

/// By what secrets are found follows from the key, too.
fn index_anew(db: &Db<'_>) -> Result<(), StoreError> {
    let named = |table: &str, key: &str, column: &str| {
        let mut select = db.prepare(&format!("SELECT {key}, {column} FROM {table}"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok::<Vec<(String, Vec<u8>)>, StoreError>(rows.collect::<Result<_, _>>()?)
    };
    for (name, template) in named("profile_type", "name", "template")? {
        let template = db.unseal_bytes("profile_type", &name, &template)?;
        db.execute(
            "UPDATE profile_type SET template_index = ?1 WHERE name = ?2",
            params![db.index("profile_type", &template), name],
        )?;
    }
    let with_id = "profile WHERE matching_id IS NOT NULL";
    for (iccid, document) in named(with_id, "iccid", "document")? {
        let order: Order = db.unseal("profile", &iccid, &document)?;
        let id = order.matching_id.unwrap_or_default();
        db.execute(
            "UPDATE profile SET matching_id = ?1 WHERE iccid = ?2",
            params![db.index("matching_id", id.as_bytes()), iccid],
        )?;
    }
    Ok(())
}
