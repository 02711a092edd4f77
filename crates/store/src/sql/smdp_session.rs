//! Download sessions.

use rsp_asn1::ids::TransactionId;
use rsp_core::Timestamp;

use super::db::{Db, values};
use super::one_row;
use crate::contract::{StoreError, Versioned};
use crate::smdp_contract::StoredSession;

pub(super) fn read(
    db: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredSession>>, StoreError> {
    type Row = (i64, Vec<u8>, Vec<u8>, Vec<u8>, Timestamp, Timestamp);
    let row: Option<Row> = db.first(
        "SELECT version, document, request_digest, reply, updated, kept_until
         FROM session WHERE tenant = ?1 AND transaction_id = ?2",
        values![id],
    )?;
    let read = |(version, document, request_digest, reply, updated, kept_until): Row| {
        let row = id.to_string();
        Ok(Versioned {
            value: StoredSession {
                session: db.unseal("session", &row, &document)?,
                request_digest,
                reply: db.unseal_bytes("session_reply", &row, &reply)?,
                updated,
                kept_until,
            },
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn commit(
    tx: &Db<'_>,
    id: &TransactionId,
    session: &Versioned<StoredSession>,
) -> Result<(), StoreError> {
    let stored = &session.value;
    if session.version == 0 {
        let old = "DELETE FROM session WHERE tenant = ?1 AND kept_until <= ?2";
        tx.execute(old, values![stored.updated])?;
    }
    let row = id.to_string();
    let changed = tx.execute(
        "INSERT INTO session (tenant, transaction_id, version, updated, kept_until, document,
             request_digest, reply)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (tenant, transaction_id) DO UPDATE SET version = excluded.version,
             updated = excluded.updated, kept_until = excluded.kept_until,
             document = excluded.document, request_digest = excluded.request_digest,
             reply = excluded.reply
         WHERE session.version = excluded.version - 1",
        values![
            row,
            session.version + 1,
            stored.updated,
            stored.kept_until,
            tx.seal("session", &row, &stored.session)?,
            stored.request_digest,
            tx.seal_bytes("session_reply", &row, &stored.reply)?
        ],
    )?;
    one_row(changed)
}
