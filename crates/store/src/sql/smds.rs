//! Events and sessions of the SM-DS.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smds::Event;

use super::db::{Db, values};
use super::{SqlStore, one_row};
use crate::contract::{StoreError, Versioned};
use crate::engine::Engine;
use crate::smds_contract::{SmdsStore, StoredSmdsSession};

impl<E: Engine> SmdsStore for SqlStore<E> {
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

fn events(db: &Db<'_>, eid: Eid) -> Result<Versioned<Vec<Event>>, StoreError> {
    let select = "SELECT version, document FROM smds_event WHERE tenant = ?1 AND eid = ?2";
    match db.first::<(i64, Vec<u8>)>(select, values![eid])? {
        None => Ok(Versioned {
            value: Vec::new(),
            version: 0,
        }),
        Some((version, document)) => Ok(Versioned {
            value: db.unseal("smds_event", &eid.to_string(), &document)?,
            version,
        }),
    }
}

fn put_events(tx: &Db<'_>, eid: Eid, events: &Versioned<Vec<Event>>) -> Result<(), StoreError> {
    let document = tx.seal("smds_event", &eid.to_string(), &events.value)?;
    let changed = tx.execute(
        "INSERT INTO smds_event (tenant, eid, version, document) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, eid) DO UPDATE SET version = excluded.version,
             document = excluded.document
         WHERE smds_event.version = excluded.version - 1",
        values![eid, events.version + 1, document],
    )?;
    one_row(changed)
}

fn session(
    db: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredSmdsSession>>, StoreError> {
    type Row = (i64, Vec<u8>, Vec<u8>, Vec<u8>, Timestamp);
    let name = id.to_string();
    let row: Option<Row> = db.first(
        "SELECT version, document, request_digest, reply, updated
         FROM smds_session WHERE tenant = ?1 AND transaction_id = ?2",
        values![name],
    )?;
    let read = |(version, document, request_digest, reply, updated): Row| {
        Ok(Versioned {
            value: StoredSmdsSession {
                session: db.unseal("smds_session", &name, &document)?,
                request_digest,
                reply: db.unseal_bytes("smds_session_reply", &name, &reply)?,
                updated,
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
        let old = "DELETE FROM smds_session WHERE tenant = ?1 AND updated <= ?2";
        tx.execute(old, values![forget])?;
    }
    let name = id.to_string();
    let changed = tx.execute(
        "INSERT INTO smds_session
             (tenant, transaction_id, version, updated, document, request_digest, reply)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant, transaction_id) DO UPDATE SET version = excluded.version,
             updated = excluded.updated, document = excluded.document,
             request_digest = excluded.request_digest, reply = excluded.reply
         WHERE smds_session.version = excluded.version - 1",
        values![
            name,
            session.version + 1,
            stored.updated,
            tx.seal("smds_session", &name, &stored.session)?,
            stored.request_digest,
            tx.seal_bytes("smds_session_reply", &name, &stored.reply)?
        ],
    )?;
    one_row(changed)
}
