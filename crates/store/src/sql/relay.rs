//! Downloads that are relayed.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;

use super::db::{Db, values};
use super::{eim, one_row};
use crate::contract::{RelayChange, StoreError, StoredRelay, Versioned};

/// Version, document, digest of the request, reply, and until when it is kept.
type RelayRow = (i64, Vec<u8>, Vec<u8>, Vec<u8>, Timestamp);

pub(super) fn session(
    db: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredRelay>>, StoreError> {
    let row: Option<RelayRow> = db.first(
        "SELECT version, document, request_digest, reply, kept_until
         FROM relay_session WHERE tenant = ?1 AND transaction_id = ?2",
        values![id],
    )?;
    let read = |(version, document, request_digest, reply, kept_until): RelayRow| {
        let row = id.to_string();
        Ok(Versioned {
            value: StoredRelay {
                session: db.unseal("relay_session", &row, &document)?,
                request_digest,
                reply: db.unseal_bytes("relay_reply", &row, &reply)?,
                kept_until,
            },
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn is_taken(
    db: &Db<'_>,
    id: &TransactionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let select = "SELECT 1 FROM relay_session
         WHERE ?1 <> '' AND transaction_id = ?2 AND kept_until > ?3 LIMIT 1";
    Ok(db.first::<(i64,)>(select, values![id, now])?.is_some())
}

/// A session that begins takes the place of one of the same download that has
/// not come to its package.
pub(super) fn commit(tx: &Db<'_>, change: &RelayChange<'_>) -> Result<(), StoreError> {
    let stored = &change.session.value;
    let session = &stored.session;
    let (row, eid) = (session.transaction_id.to_string(), session.eid.to_string());
    if change.session.version == 0 {
        let old = "DELETE FROM relay_session WHERE tenant = ?1 AND kept_until <= ?2";
        tx.execute(old, values![change.now])?;
        tx.execute(
            "DELETE FROM relay_session
             WHERE tenant = ?1 AND eid = ?2 AND operation = ?3 AND awaits_result = 0",
            values![eid, session.operation.0],
        )?;
    }
    let document = tx.seal("relay_session", &row, session)?;
    let reply = tx.seal_bytes("relay_reply", &row, &stored.reply)?;
    let changed = tx.execute(
        "INSERT INTO relay_session
             (tenant, transaction_id, eid, operation, awaits_result, version, kept_until,
              document, request_digest, reply)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (tenant, transaction_id) DO UPDATE SET version = excluded.version,
             awaits_result = excluded.awaits_result, kept_until = excluded.kept_until,
             document = excluded.document, request_digest = excluded.request_digest,
             reply = excluded.reply
         WHERE relay_session.version = excluded.version - 1
             AND relay_session.eid = excluded.eid",
        values![
            row,
            eid,
            session.operation.0,
            session.awaits_result(),
            change.session.version + 1,
            stored.kept_until,
            document,
            stored.request_digest,
            reply
        ],
    )?;
    one_row(changed)?;
    match &change.euicc {
        Some(change) => eim::commit(tx, change),
        None => Ok(()),
    }
}

pub(super) fn forget(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    let delete = "DELETE FROM relay_session WHERE tenant = ?1 AND eid = ?2";
    tx.execute(delete, values![eid])?;
    Ok(())
}
