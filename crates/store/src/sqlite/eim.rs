//! eUICCs, operations, notifications.

use rsp_asn1::ids::Eid;
use rsp_core::eim::{EuiccRecord, Operation, OperationId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{exists, one_row};
use crate::contract::{EuiccChange, StoreError, Versioned};

pub(super) fn add_euicc(tx: &Connection, record: &EuiccRecord) -> Result<(), StoreError> {
    let document = serde_json::to_string(record)?;
    tx.prepare_cached("INSERT INTO euicc (eid, version, document) VALUES ($1, 1, $2)")?
        .execute(params![record.eid.to_string(), document])
        .map_err(exists("an eUICC with this EID"))?;
    Ok(())
}

pub(super) fn euicc(
    connection: &Connection,
    eid: Eid,
) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
    let row = connection
        .prepare_cached("SELECT version, document FROM euicc WHERE eid = $1")?
        .query_row([eid.to_string()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let read = |(version, document): (i64, String)| {
        Ok(Versioned {
            value: serde_json::from_str(&document)?,
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn open_operations(
    connection: &Connection,
    eid: Eid,
) -> Result<Vec<Operation>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT document FROM operation WHERE eid = $1 AND is_open = 1 ORDER BY number",
    )?;
    let rows = statement.query_map([eid.to_string()], |row| row.get::<_, String>(0))?;
    rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
}

pub(super) fn operation(
    connection: &Connection,
    id: &OperationId,
) -> Result<Option<Operation>, StoreError> {
    let document = connection
        .prepare_cached("SELECT document FROM operation WHERE id = $1")?
        .query_row([&id.0], |row| row.get::<_, String>(0))
        .optional()?;
    let read = |document: String| Ok(serde_json::from_str(&document)?);
    document.map(read).transpose()
}

pub(super) fn add_operation(tx: &Connection, operation: &Operation) -> Result<(), StoreError> {
    if euicc(tx, operation.eid)?.is_none() {
        return Err(StoreError::Unknown("an eUICC with this EID"));
    }
    if self::operation(tx, &operation.id)?.is_some() {
        return Err(StoreError::Exists("an operation with this identifier"));
    }
    put_operation(tx, operation)
}

fn put_operation(tx: &Connection, operation: &Operation) -> Result<(), StoreError> {
    let document = serde_json::to_string(operation)?;
    tx.prepare_cached(
        "INSERT INTO operation (id, eid, is_open, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, document = excluded.document",
    )?
    .execute(params![
        operation.id.0,
        operation.eid.to_string(),
        !operation.is_final(),
        document
    ])?;
    Ok(())
}

pub(super) fn commit(tx: &Connection, change: &EuiccChange<'_>) -> Result<(), StoreError> {
    let eid = change.record.eid.to_string();
    let document = serde_json::to_string(change.record)?;
    let changed = tx
        .prepare_cached(
            "UPDATE euicc SET document = $1, version = version + 1
             WHERE eid = $2 AND version = $3",
        )?
        .execute(params![document, eid, change.version])?;
    one_row(changed)?;
    for operation in change.operations {
        put_operation(tx, operation)?;
    }
    for notification in change.notifications {
        tx.prepare_cached(
            "INSERT INTO notification (eid, seq_number, received, der) VALUES ($1, $2, $3, $4)
             ON CONFLICT (eid, seq_number) DO NOTHING",
        )?
        .execute(params![
            eid,
            notification.seq_number,
            change.now.0 as i64,
            notification.der
        ])?;
    }
    Ok(())
}
