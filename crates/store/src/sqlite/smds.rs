//! Events and sessions of the SM-DS.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smds::Event;
use rusqlite::{OptionalExtension, params};

use super::sealing::Db;
use super::{SqliteStore, one_row};
use crate::contract::{StoreError, Versioned};
use crate::smds_contract::{SmdsStore, StoredSmdsSession};

impl SmdsStore for SqliteStore {
    fn smds_events(&self, eid: Eid) -> Result<Versioned<Vec<Event>>, StoreError> {
        self.read(|db| events(db, eid))
    }

    fn put_smds_events(&self, eid: Eid, events: &Versioned<Vec<Event>>) -> Result<(), StoreError> {
        self.transact(|tx| put_events(tx, eid, events))
    }

    fn smds_session(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Versioned<StoredSmdsSession>>, StoreError> {
        self.read(|db| session(db, id))
    }

    fn put_smds_session(
        &self,
        id: &TransactionId,
        session: &Versioned<StoredSmdsSession>,
        forget: Timestamp,
    ) -> Result<(), StoreError> {
        self.transact(|tx| put_session(tx, id, session, forget))
    }
}

fn events(connection: &Db<'_>, eid: Eid) -> Result<Versioned<Vec<Event>>, StoreError> {
    let eid = eid.to_string();
    let row: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT version, document FROM smds_event WHERE eid = $1")?
        .query_row([&eid], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match row {
        None => Ok(Versioned {
            value: Vec::new(),
            version: 0,
        }),
        Some((version, document)) => Ok(Versioned {
            value: connection.unseal("smds_event", &eid, &document)?,
            version,
        }),
    }
}

fn put_events(tx: &Db<'_>, eid: Eid, events: &Versioned<Vec<Event>>) -> Result<(), StoreError> {
    let eid = eid.to_string();
    let changed = tx
        .prepare_cached(
            "INSERT INTO smds_event (eid, version, document) VALUES ($1, $2 + 1, $3)
             ON CONFLICT (eid) DO UPDATE SET version = excluded.version,
                 document = excluded.document
             WHERE smds_event.version = $2",
        )?
        .execute(params![
            eid,
            events.version,
            tx.seal("smds_event", &eid, &events.value)?
        ])?;
    one_row(changed)
}

fn session(
    connection: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredSmdsSession>>, StoreError> {
    type Row = (i64, Vec<u8>, Vec<u8>, Vec<u8>, i64);
    let name = id.to_string();
    let row: Option<Row> = connection
        .prepare_cached(
            "SELECT version, document, request_digest, reply, updated
             FROM smds_session WHERE transaction_id = $1",
        )?
        .query_row([&name], |row| {
            let octets = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, octets.0, octets.1, octets.2, row.get(4)?))
        })
        .optional()?;
    let read = |(version, document, request_digest, reply, updated): Row| {
        Ok(Versioned {
            value: StoredSmdsSession {
                session: connection.unseal("smds_session", &name, &document)?,
                request_digest,
                reply: connection.unseal_bytes("smds_session_reply", &name, &reply)?,
                updated: Timestamp(updated.unsigned_abs()),
            },
            version,
        })
    };
    row.map(read).transpose()
}

fn put_session(
    tx: &Db<'_>,
    id: &TransactionId,
    session: &Versioned<StoredSmdsSession>,
    forget: Timestamp,
) -> Result<(), StoreError> {
    let stored = &session.value;
    if session.version == 0 {
        tx.prepare_cached("DELETE FROM smds_session WHERE updated <= $1")?
            .execute([forget.0 as i64])?;
    }
    let name = id.to_string();
    let changed = tx
        .prepare_cached(
            "INSERT INTO smds_session
                 (transaction_id, version, updated, document, request_digest, reply)
             VALUES ($1, $2 + 1, $3, $4, $5, $6)
             ON CONFLICT (transaction_id) DO UPDATE SET version = excluded.version,
                 updated = excluded.updated, document = excluded.document,
                 request_digest = excluded.request_digest, reply = excluded.reply
             WHERE smds_session.version = $2",
        )?
        .execute(params![
            name,
            session.version,
            stored.updated.0 as i64,
            tx.seal("smds_session", &name, &stored.session)?,
            stored.request_digest,
            tx.seal_bytes("smds_session_reply", &name, &stored.reply)?
        ])?;
    one_row(changed)
}
