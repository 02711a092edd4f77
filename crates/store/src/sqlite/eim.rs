//! eUICCs, operations, contacts.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId};
use rusqlite::{OptionalExtension, Row, params};

use super::sealing::Db;
use super::{exists, one_row, outbox};
use crate::contract::{EuiccChange, OperationFilter, StoreError, Versioned};

pub(super) fn add_euicc(tx: &Db<'_>, record: &EuiccRecord) -> Result<(), StoreError> {
    let sent: Option<i64> = tx
        .prepare_cached("SELECT counter_value FROM euicc_removed WHERE eid = $1")?
        .query_row([record.eid.to_string()], |row| row.get(0))
        .optional()?;
    let record = &EuiccRecord {
        counter_value: record.counter_value.max(sent.unwrap_or(0)),
        ..record.clone()
    };
    let eid = record.eid.to_string();
    let document = tx.seal("euicc", &eid, record)?;
    tx.prepare_cached("INSERT INTO euicc (eid, version, waits, document) VALUES ($1, 1, $2, $3)")?
        .execute(params![eid, record.waits_for_profile(), document])
        .map_err(exists("an eUICC with this EID"))?;
    Ok(())
}

/// Codes are given away in their order.
pub(super) fn allot_code(
    tx: &Db<'_>,
    stock: &str,
    codes: usize,
    eid: Eid,
) -> Result<Option<usize>, StoreError> {
    let eid = eid.to_string();
    let given: Option<i64> = tx
        .prepare_cached("SELECT place FROM code WHERE stock = $1 AND eid = $2")?
        .query_row(params![stock, eid], |row| row.get(0))
        .optional()?;
    if let Some(given) = given {
        return Ok(usize::try_from(given).ok());
    }
    let next: i64 = tx
        .prepare_cached("SELECT coalesce(max(place) + 1, 0) FROM code WHERE stock = $1")?
        .query_row([stock], |row| row.get(0))?;
    let Some(place) = usize::try_from(next).ok().filter(|place| *place < codes) else {
        return Ok(None);
    };
    tx.prepare_cached("INSERT INTO code (stock, place, eid) VALUES ($1, $2, $3)")?
        .execute(params![stock, next, eid])?;
    Ok(Some(place))
}

pub(super) fn euicc(
    connection: &Db<'_>,
    eid: Eid,
) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
    let row = connection
        .prepare_cached("SELECT version, document FROM euicc WHERE eid = $1")?
        .query_row([eid.to_string()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    let read = |(version, document): (i64, Vec<u8>)| {
        Ok(Versioned {
            value: connection.unseal("euicc", &eid.to_string(), &document)?,
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn remove_euicc(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    let Some(Versioned { value, .. }) = euicc(tx, eid)? else {
        return Err(StoreError::Unknown("an eUICC with this EID"));
    };
    let eid = eid.to_string();
    tx.prepare_cached(
        "INSERT INTO euicc_removed (eid, counter_value) VALUES ($1, $2)
         ON CONFLICT (eid) DO UPDATE SET counter_value = excluded.counter_value",
    )?
    .execute(params![eid, value.counter_value])?;
    for table in ["operation", "contact", "psk", "euicc"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE eid = $1"))?
            .execute([&eid])?;
    }
    Ok(())
}

pub(super) fn euiccs(
    connection: &Db<'_>,
    after: Option<Eid>,
    limit: usize,
) -> Result<Vec<EuiccRecord>, StoreError> {
    let after = after.map(|eid| eid.to_string()).unwrap_or_default();
    let mut statement = connection
        .prepare_cached("SELECT eid, document FROM euicc WHERE eid > $1 ORDER BY eid LIMIT $2")?;
    let rows = statement.query_map(params![after, limit as i64], id_and_document)?;
    rows.map(|row| {
        let (eid, document) = row?;
        connection.unseal("euicc", &eid, &document)
    })
    .collect()
}

pub(super) fn euicc_index(connection: &Db<'_>) -> Result<Vec<(Eid, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT eid, waits OR EXISTS (SELECT 1 FROM operation
                             WHERE operation.eid = euicc.eid AND is_open = 1) FROM euicc",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    let mut index = Vec::new();
    for row in rows {
        let (eid, open) = row?;
        // Only whole EIDs are put in.
        if let Ok(eid) = eid.parse() {
            index.push((eid, open));
        }
    }
    Ok(index)
}

pub(super) fn put_contacts(tx: &Db<'_>, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO contact (eid, last) SELECT $1, $2 WHERE EXISTS
             (SELECT 1 FROM euicc WHERE eid = $1)
         ON CONFLICT (eid) DO UPDATE SET last = max(last, excluded.last)",
    )?;
    for (eid, last) in contacts {
        statement.execute(params![eid.to_string(), last.0 as i64])?;
    }
    Ok(())
}

pub(super) fn contact(connection: &Db<'_>, eid: Eid) -> Result<Option<Timestamp>, StoreError> {
    let last = connection
        .prepare_cached("SELECT last FROM contact WHERE eid = $1")?
        .query_row([eid.to_string()], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(last.map(|last| Timestamp(last as u64)))
}

/// Each condition that is asked for, so that an index serves it.
pub(super) fn operations(
    connection: &Db<'_>,
    filter: &OperationFilter,
) -> Result<Vec<Operation>, StoreError> {
    let eid = filter.eid.map(|eid| eid.to_string());
    let after = filter.after.as_ref().map(|id| id.0.clone());
    let conditions = [
        (" AND eid = ?", eid),
        (" AND state = ?", filter.state.clone()),
        (
            " AND number < (SELECT number FROM operation WHERE id = ?)",
            after,
        ),
    ];
    let mut query = String::from("SELECT id, document FROM operation WHERE 1");
    let mut values = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            query.push_str(condition);
            values.push(value);
        }
    }
    query.push_str(" ORDER BY number DESC LIMIT ?");
    let limit = (filter.limit as i64).to_string();
    values.push(limit);
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), id_and_document)?;
    rows.map(|row| read_operation(connection, row?)).collect()
}

fn id_and_document(row: &Row<'_>) -> rusqlite::Result<(String, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn read_operation(db: &Db<'_>, (id, document): (String, Vec<u8>)) -> Result<Operation, StoreError> {
    db.unseal("operation", &id, &document)
}

pub(super) fn open_operations(connection: &Db<'_>, eid: Eid) -> Result<Vec<Operation>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, document FROM operation WHERE eid = $1 AND is_open = 1 ORDER BY number",
    )?;
    let rows = statement.query_map([eid.to_string()], id_and_document)?;
    rows.map(|row| read_operation(connection, row?)).collect()
}

pub(super) fn operation(
    connection: &Db<'_>,
    id: &OperationId,
) -> Result<Option<Operation>, StoreError> {
    let row = connection
        .prepare_cached("SELECT id, document FROM operation WHERE id = $1")?
        .query_row([&id.0], id_and_document)
        .optional()?;
    row.map(|row| read_operation(connection, row)).transpose()
}

pub(super) fn euicc_of_transaction(
    connection: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Eid>, StoreError> {
    let eid = connection
        .prepare_cached("SELECT eid FROM operation WHERE transaction_id = $1 LIMIT 1")?
        .query_row([id.to_string()], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(eid.and_then(|eid| eid.parse().ok()))
}

pub(super) fn operations_of_transaction(
    connection: &Db<'_>,
    id: &TransactionId,
) -> Result<Vec<Operation>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, document FROM operation WHERE transaction_id = $1 ORDER BY number",
    )?;
    let rows = statement.query_map([id.to_string()], id_and_document)?;
    rows.map(|row| read_operation(connection, row?)).collect()
}

pub(super) fn add_operation(tx: &Db<'_>, operation: &Operation) -> Result<(), StoreError> {
    if euicc(tx, operation.eid)?.is_none() {
        return Err(StoreError::Unknown("an eUICC with this EID"));
    }
    if self::operation(tx, &operation.id)?.is_some() {
        return Err(StoreError::Exists("an operation with this identifier"));
    }
    put_operation(tx, operation)
}

fn put_operation(tx: &Db<'_>, operation: &Operation) -> Result<(), StoreError> {
    let document = tx.seal("operation", &operation.id.0, operation)?;
    tx.prepare_cached(
        "INSERT INTO operation (id, eid, is_open, state, transaction_id, document)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, state = excluded.state,
             transaction_id = excluded.transaction_id, document = excluded.document",
    )?
    .execute(params![
        operation.id.0,
        operation.eid.to_string(),
        !operation.is_final(),
        operation.state_name(),
        operation.transaction().map(ToString::to_string),
        document
    ])?;
    Ok(())
}

pub(super) fn commit(tx: &Db<'_>, change: &EuiccChange<'_>) -> Result<(), StoreError> {
    let eid = change.record.eid.to_string();
    let document = tx.seal("euicc", &eid, change.record)?;
    let changed = tx
        .prepare_cached(
            "UPDATE euicc SET document = $1, waits = $2, version = version + 1
             WHERE eid = $3 AND version = $4",
        )?
        .execute(params![
            document,
            change.record.waits_for_profile(),
            eid,
            change.version
        ])?;
    one_row(changed)?;
    for operation in change.operations {
        put_operation(tx, operation)?;
    }
    for evidence in change.evidence {
        outbox::add(tx, change.record.eid, evidence, change.now)?;
    }
    Ok(())
}
