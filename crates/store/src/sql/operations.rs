//! Operations on eUICCs.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{Operation, OperationId, OperationState};

use super::db::{Db, values};
use super::{changes, eim, events, ledger};
use crate::contract::{OperationFilter, StoreError};
use crate::engine::ToValue;
use crate::tenant::Tenant;

/// Identifier and document.
type Row = (String, Vec<u8>);

fn read(db: &Db<'_>, (id, document): Row) -> Result<Operation, StoreError> {
    db.unseal("operation", &id, &document)
}

fn read_all(db: &Db<'_>, rows: Vec<Row>) -> Result<Vec<Operation>, StoreError> {
    rows.into_iter().map(|row| read(db, row)).collect()
}

/// Each condition that is asked for, so that an index serves it.
pub(super) fn list(db: &Db<'_>, filter: &OperationFilter) -> Result<Vec<Operation>, StoreError> {
    let eid = filter.eid.map(|eid| eid.to_string());
    let mut query = String::from("SELECT id, document FROM operation WHERE tenant = ?1");
    let mut values = values![];
    let mut condition = |condition: [&str; 2], value| {
        let [before, after] = condition;
        values.push(value);
        query.push_str(&format!(" {before}?{}{after}", values.len()));
    };
    if let Some(eid) = &eid {
        condition(["AND eid = ", ""], eid.to_value());
    }
    if let Some(state) = &filter.state {
        condition(["AND state = ", ""], state.to_value());
    }
    if let Some(after) = &filter.after {
        let before = "AND (created, eid, number) <
            (SELECT created, eid, number FROM operation WHERE tenant = ?1 AND id = ";
        condition([before, ")"], after.0.to_value());
    }
    let order = "ORDER BY created DESC, eid DESC, number DESC LIMIT ";
    condition([order, ""], filter.limit.to_value());
    let rows = db.all(&query, values)?;
    read_all(db, rows)
}

pub(super) fn open(db: &Db<'_>, eid: Eid) -> Result<Vec<Operation>, StoreError> {
    let rows = db.all(
        "SELECT id, document FROM operation
         WHERE tenant = ?1 AND eid = ?2 AND is_open = 1 ORDER BY number",
        values![eid],
    )?;
    read_all(db, rows)
}

pub(super) fn one(db: &Db<'_>, id: &OperationId) -> Result<Option<Operation>, StoreError> {
    let select = "SELECT id, document FROM operation WHERE tenant = ?1 AND id = ?2";
    let row = db.first(select, values![id.0])?;
    row.map(|row| read(db, row)).transpose()
}

/// Those in one state, of all tenants.
pub(super) fn in_state_of_all(
    db: &Db<'_>,
    state: &str,
    limit: usize,
) -> Result<Vec<(Tenant, Operation)>, StoreError> {
    let rows: Vec<(String, String, Vec<u8>)> = db.all(
        "SELECT tenant, id, document FROM operation WHERE ?1 <> '' AND state = ?2
         ORDER BY created DESC LIMIT ?3",
        values![state, limit],
    )?;
    let mut all = Vec::new();
    for (tenant, id, document) in rows {
        // Only names of tenants are put in.
        if let Ok(tenant) = tenant.parse::<Tenant>() {
            let own = Db {
                tenant: &tenant,
                ..*db
            };
            let operation = read(&own, (id, document))?;
            all.push((tenant, operation));
        }
    }
    Ok(all)
}

pub(super) fn euicc_of_transaction(
    db: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Eid>, StoreError> {
    let eid: Option<(String,)> = db.first(
        "SELECT eid FROM operation WHERE tenant = ?1 AND transaction_id = ?2 LIMIT 1",
        values![id],
    )?;
    Ok(eid.and_then(|(eid,)| eid.parse().ok()))
}

pub(super) fn of_transaction(
    db: &Db<'_>,
    id: &TransactionId,
) -> Result<Vec<Operation>, StoreError> {
    let rows = db.all(
        "SELECT id, document FROM operation
         WHERE tenant = ?1 AND transaction_id = ?2 ORDER BY eid, number",
        values![id],
    )?;
    read_all(db, rows)
}

/// Who has operations that wait and are not valid any more.
pub(super) fn expired(db: &Db<'_>, now: Timestamp, limit: usize) -> Result<Vec<Eid>, StoreError> {
    let eids: Vec<(String,)> = db.all(
        "SELECT eid FROM operation WHERE tenant = ?1 AND expires <= ?2 ORDER BY expires LIMIT ?3",
        values![now, limit],
    )?;
    let mut eids: Vec<Eid> = eids.iter().filter_map(|(eid,)| eid.parse().ok()).collect();
    eids.dedup();
    Ok(eids)
}

pub(super) fn add_all(tx: &Db<'_>, operations: &[Operation]) -> Result<(), StoreError> {
    let mut last = None;
    for operation in operations {
        if last != Some(operation.eid) && eim::euicc(tx, operation.eid)?.is_none() {
            return Err(StoreError::Unknown("an eUICC with this EID"));
        }
        if one(tx, &operation.id)?.is_some() {
            return Err(StoreError::Exists("an operation with this identifier"));
        }
        put(tx, operation)?;
        if last != Some(operation.eid) {
            changes::note(tx, operation.eid)?;
        }
        last = Some(operation.eid);
    }
    Ok(())
}

/// Those of one eUICC are numbered in the order in which they were added.
pub(super) fn put(tx: &Db<'_>, operation: &Operation) -> Result<(), StoreError> {
    let document = tx.seal("operation", &operation.id.0, operation)?;
    let transaction = operation.transaction().map(ToString::to_string);
    let waits = operation.state == OperationState::Queued;
    let expires = operation.validity.until.filter(|_| waits);
    let event = events::note_operation(tx, operation)?;
    tx.execute(
        "INSERT INTO operation
             (tenant, eid, number, id, created, is_open, state, transaction_id, document,
              expires, event)
         VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM operation
                          WHERE tenant = ?1 AND eid = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (tenant, eid, id) DO UPDATE SET is_open = excluded.is_open,
             state = excluded.state, transaction_id = excluded.transaction_id,
             document = excluded.document, expires = excluded.expires, event = excluded.event",
        values![
            operation.eid,
            operation.id.0,
            operation.created,
            !operation.is_final(),
            operation.state_name(),
            transaction,
            document,
            expires,
            event
        ],
    )?;
    ledger::follow(tx, operation)
}
