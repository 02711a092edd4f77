//! Another key for a database: all that is sealed is sealed anew.

use std::path::Path;

use rsp_core::smdp::Order;
use rsp_crypto::software::Sealer;

use super::open::SqliteStore;
use super::schema::{self, Found, SCHEMA};
use super::sealing::Sealing;
use crate::contract::StoreError;
use crate::engine::{Column, Connection, Engine, FromColumn, FromRow, Row, Sqlite, ToValue, Value};
use crate::tenant::Tenant;

/// Sealed contents of a table.
struct Sealed {
    table: &'static str,
    /// Names a row, beside its tenant.
    key: &'static [&'static str],
    /// What its contents are bound to.
    row: &'static str,
    column: &'static str,
    /// What else they are bound to.
    place: &'static str,
}

/// Bound to the only column of the key.
const fn sealed(
    table: &'static str,
    key: &'static [&'static str; 1],
    column: &'static str,
) -> Sealed {
    let [row] = key;
    Sealed {
        table,
        key,
        row,
        column,
        place: table,
    }
}

/// All that is sealed; `crates/store/tests/sealing.rs` finds what is missing.
const ALL: &[Sealed] = &[
    sealed("access_account", &["id"], "document"),
    sealed("access_pending", &["digest"], "secret"),
    sealed("euicc", &["eid"], "document"),
    Sealed {
        key: &["import", "eid"],
        place: "euicc",
        ..sealed("euicc_stage", &["eid"], "document")
    },
    Sealed {
        key: &["eid", "number"],
        ..sealed("operation", &["id"], "document")
    },
    sealed("profile_type", &["name"], "template"),
    sealed("profile", &["iccid"], "document"),
    Sealed {
        place: "subscription",
        ..sealed("profile", &["iccid"], "subscription")
    },
    sealed("psk", &["identity"], "secret"),
    Sealed {
        table: "activation_code",
        key: &["pool", "number"],
        row: "pool || '/' || number",
        column: "code",
        place: "activation_code",
    },
    sealed("kept_package", &["iccid"], "package"),
    Sealed {
        key: &["operator", "number"],
        ..sealed("progress", &["operator"], "document")
    },
    Sealed {
        table: "request_key",
        key: &["principal", "name"],
        row: "principal || ' ' || name",
        column: "document",
        place: "request_key",
    },
    sealed("relay_session", &["transaction_id"], "document"),
    Sealed {
        place: "relay_reply",
        ..sealed("relay_session", &["transaction_id"], "reply")
    },
    sealed("session", &["transaction_id"], "document"),
    Sealed {
        place: "session_reply",
        ..sealed("session", &["transaction_id"], "reply")
    },
    Sealed {
        key: &["iccid", "generation"],
        ..sealed("announcement", &["iccid"], "document")
    },
    sealed("smds_event", &["eid"], "document"),
    sealed("smds_session", &["transaction_id"], "document"),
    Sealed {
        place: "smds_session_reply",
        ..sealed("smds_session", &["transaction_id"], "reply")
    },
    sealed("webhook_endpoint", &["id"], "document"),
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
        let engine = Sqlite::open_existing(path)?;
        let count = reseal(&engine, old, new)?;
        if count.is_some() {
            // What was sealed with the old key is in no page any more.
            engine.vacuum()?;
        }
        Ok(count)
    }
}

/// Seals all secrets in a database anew, in one transaction.
pub(super) fn reseal(
    engine: &impl Engine,
    old: Sealer,
    new: Sealer,
) -> Result<Option<usize>, StoreError> {
    let (old, new) = (Sealing::new(old)?, Sealing::new(new)?);
    engine.write(|connection| {
        if schema::look(connection)? != Found::Current {
            let (found, known) = (connection.schema()?, SCHEMA);
            return Err(StoreError::Schema { found, known });
        }
        if new.check(connection).is_ok() {
            return Ok(None);
        }
        old.check(connection)?;
        let keys = Keys {
            connection,
            old: &old,
            new: &new,
        };
        let mut count = 0;
        for sealed in ALL {
            count += keys.reseal(sealed)?;
        }
        keys.index_anew()?;
        connection.execute("DELETE FROM sealing", &[])?;
        new.mark(connection)?;
        Ok(Some(count))
    })
}

/// A database between two keys.
struct Keys<'a> {
    connection: &'a dyn Connection,
    old: &'a Sealing,
    new: &'a Sealing,
}

impl Keys<'_> {
    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.connection.query(sql, values, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Keys are read first, contents one by one: these may be many octets.
    fn reseal(&self, sealed: &Sealed) -> Result<usize, StoreError> {
        let Sealed {
            table,
            key,
            row,
            column,
            place,
        } = sealed;
        let keys = self.rows(
            &format!("SELECT {row}, tenant, {} FROM {table}", key.join(", ")),
            &[],
        )?;
        let named = |first: usize| {
            let names = ["tenant"].into_iter().chain(key.iter().copied());
            let named = names
                .zip(first..)
                .map(|(name, at)| format!("{name} = ?{at}"));
            named.collect::<Vec<_>>().join(" AND ")
        };
        let select = format!("SELECT {column} FROM {table} WHERE {}", named(1));
        let update = format!("UPDATE {table} SET {column} = ?1 WHERE {}", named(2));
        for found in &keys {
            let [row, key @ ..] = found.as_slice() else {
                continue;
            };
            let row = text(row)?;
            let tenant: Tenant = tenant(key.first())?;
            let mut values: Vec<Value<'_>> = key.iter().map(Column::as_value).collect();
            let contents = self.rows(&select, &values)?;
            let (contents,): (Vec<u8>,) = one(contents)?;
            let secret = self.old.open_row(&tenant, [place, &row], &contents)?;
            let anew = self.new.seal_row(&tenant, [place, &row], &secret)?;
            values.insert(0, anew.to_value());
            self.connection.execute(&update, &values)?;
        }
        Ok(keys.len())
    }

    /// By what secrets are found follows from the key, too.
    fn index_anew(&self) -> Result<(), StoreError> {
        for found in self.rows("SELECT tenant, name, template FROM profile_type", &[])? {
            let (of, name, template): (String, String, Vec<u8>) = FromRow::from_row(found)?;
            let of = named_tenant(&of)?;
            let template = self.new.open_row(&of, ["profile_type", &name], &template)?;
            let index = self.new.index(&of, "profile_type", &template);
            let update = "UPDATE profile_type SET template_index = ?1
                 WHERE tenant = ?2 AND name = ?3";
            let values = [index.to_value(), of.as_str().to_value(), name.to_value()];
            self.connection.execute(update, &values)?;
        }
        let codes = "SELECT tenant, pool, number, code FROM activation_code";
        for found in self.rows(codes, &[])? {
            let (of, pool, number, code): (String, String, i64, Vec<u8>) =
                FromRow::from_row(found)?;
            let of = named_tenant(&of)?;
            let row = format!("{pool}/{number}");
            let code = self.new.open_row(&of, ["activation_code", &row], &code)?;
            let index = self.new.index(&of, "activation_code", &code);
            let update = "UPDATE activation_code SET digest = ?1
                 WHERE tenant = ?2 AND pool = ?3 AND number = ?4";
            let of = of.as_str().to_value();
            let values = [index.to_value(), of, pool.to_value(), number.to_value()];
            self.connection.execute(update, &values)?;
        }
        let with_id = "SELECT tenant, iccid, document FROM profile WHERE matching_id IS NOT NULL";
        for found in self.rows(with_id, &[])? {
            let (of, iccid, document): (String, String, Vec<u8>) = FromRow::from_row(found)?;
            let of = named_tenant(&of)?;
            let document = self.new.open_row(&of, ["profile", &iccid], &document)?;
            let order: Order = serde_json::from_slice(&document)?;
            let id = order.matching_id.unwrap_or_default();
            let index = self.new.index(&of, "matching_id", id.as_bytes());
            let update = "UPDATE profile SET matching_id = ?1 WHERE tenant = ?2 AND iccid = ?3";
            let values = [index.to_value(), of.as_str().to_value(), iccid.to_value()];
            self.connection.execute(update, &values)?;
        }
        Ok(())
    }
}

fn one<T: FromRow>(rows: Vec<Row>) -> Result<T, StoreError> {
    let row = rows.into_iter().next();
    let row = row.ok_or(StoreError::Unknown("a row that was just there"))?;
    Ok(T::from_row(row)?)
}

fn text(column: &Column) -> Result<String, StoreError> {
    let text = String::from_column(column.clone());
    text.ok_or(StoreError::Unknown("the name of a row"))
}

fn tenant(column: Option<&Column>) -> Result<Tenant, StoreError> {
    named_tenant(&text(column.unwrap_or(&Column::Null))?)
}

fn named_tenant(name: &str) -> Result<Tenant, StoreError> {
    let bad = |_| StoreError::Unknown("the tenant of a row");
    name.parse().map_err(bad)
}
