//! Downloads that are relayed.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::sealing::Db;
use super::{eim, one_row};
use crate::contract::{RelayChange, StoreError, StoredRelay, Versioned};

/// Version, document, digest of the request, reply, and until when it is kept.
type RelayRow = (i64, Vec<u8>, Vec<u8>, Vec<u8>, i64);

pub(super) fn session(
    connection: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredRelay>>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT version, document, request_digest, reply, kept_until
             FROM relay_session WHERE transaction_id = $1",
        )?
        .query_row([id.to_string()], |row| {
            let version: i64 = row.get(0)?;
            Ok((version, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let read = |(version, document, request_digest, reply, kept_until): RelayRow| {
        let row = id.to_string();
        Ok(Versioned {
            value: StoredRelay {
                session: connection.unseal("relay_session", &row, &document)?,
                request_digest,
                reply: connection.unseal_bytes("relay_reply", &row, &reply)?,
                kept_until: Timestamp(kept_until.unsigned_abs()),
            },
            version,
        })
    };
    row.map(read).transpose()
}

/// A session that begins takes the place of one of the same download that has
/// not come to its package.
pub(super) fn commit(tx: &Db<'_>, change: &RelayChange<'_>) -> Result<(), StoreError> {
    let stored = &change.session.value;
    let session = &stored.session;
    let (row, eid) = (session.transaction_id.to_string(), session.eid.to_string());
    if change.session.version == 0 {
        tx.prepare_cached("DELETE FROM relay_session WHERE kept_until <= $1")?
            .execute([change.now.0 as i64])?;
        tx.prepare_cached(
            "DELETE FROM relay_session
             WHERE eid = $1 AND operation = $2 AND awaits_result = 0",
        )?
        .execute(params![eid, session.operation.0])?;
    }
    let document = tx.seal("relay_session", &row, session)?;
    let reply = tx.seal_bytes("relay_reply", &row, &stored.reply)?;
    let changed = tx
        .prepare_cached(
            "INSERT INTO relay_session
                 (transaction_id, eid, operation, awaits_result, version, kept_until, document,
                  request_digest, reply)
             VALUES ($1, $2, $3, $4, $5 + 1, $6, $7, $8, $9)
             ON CONFLICT (transaction_id) DO UPDATE SET version = excluded.version,
                 awaits_result = excluded.awaits_result, kept_until = excluded.kept_until,
                 document = excluded.document, request_digest = excluded.request_digest,
                 reply = excluded.reply
             WHERE relay_session.version = $5 AND relay_session.eid = $2",
        )?
        .execute(params![
            row,
            eid,
            session.operation.0,
            session.awaits_result(),
            change.session.version,
            stored.kept_until.0 as i64,
            document,
            stored.request_digest,
            reply
        ])?;
    one_row(changed)?;
    match &change.euicc {
        Some(change) => eim::commit(tx, change),
        None => Ok(()),
    }
}

pub(super) fn forget(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM relay_session WHERE eid = $1")?
        .execute([eid.to_string()])?;
    Ok(())
}
