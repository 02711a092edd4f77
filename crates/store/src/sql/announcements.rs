//! Events of the SM-DP+ at SM-DSs: what they are still to be told.

use rsp_asn1::ids::Iccid;
use rsp_core::Timestamp;
use rsp_core::smdp::Order;

use super::SqlStore;
use super::db::{Db, values};
use crate::contract::{Due, StoreError};
use crate::engine::{Engine, Value};
use crate::smds_contract::{AnnouncedEvent, AnnouncementStore, EventStage};

const STAGES: [EventStage; 3] = [
    EventStage::Register,
    EventStage::Registered,
    EventStage::Delete,
];

impl<E: Engine> AnnouncementStore for SqlStore<E> {
    fn due_announcements(&self, due: &Due) -> Result<Vec<AnnouncedEvent>, StoreError> {
        self.take(|tx| take_due(tx, due))
    }

    fn announcements(&self, iccid: Iccid) -> Result<Vec<AnnouncedEvent>, StoreError> {
        let condition = "iccid = ?2 ORDER BY number";
        self.read(|db| read(db, condition, values![iccid]))
    }

    fn announced(&self, event: &AnnouncedEvent) -> Result<(), StoreError> {
        self.transact(|tx| announced(tx, event))
    }

    fn delay_announcement(&self, event: &AnnouncedEvent, due: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| {
            tx.execute(
                "UPDATE announcement SET due = ?4, attempts = attempts + 1
                 WHERE tenant = ?1 AND iccid = ?2 AND number = ?3",
                values![event.announcement.iccid, event.number, due],
            )?;
            Ok(())
        })
    }
}

fn take_due(tx: &Db<'_>, due: &Due) -> Result<Vec<AnnouncedEvent>, StoreError> {
    withdraw_expired(tx, due.now)?;
    let lock = tx.connection.skip_locked();
    let condition = format!("due <= ?2 AND stage <> 'registered' ORDER BY due LIMIT ?3{lock}");
    let events = read(tx, &condition, values![due.now, due.limit])?;
    for event in events.iter().filter(|_| due.again > due.now) {
        tx.execute(
            "UPDATE announcement SET due = ?4 WHERE tenant = ?1 AND iccid = ?2 AND number = ?3",
            values![event.announcement.iccid, event.number, due.again],
        )?;
    }
    Ok(events)
}

/// Follows an order: what its SM-DS is to know, and what no SM-DS is to know any
/// more.
pub(super) fn follow(tx: &Db<'_>, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let iccid = order.iccid.to_string();
    let announcement = order.announcement();
    let current = announcement.as_ref().map(|_| order.generation);
    tx.execute(
        "UPDATE announcement SET stage = 'delete', due = ?2, attempts = 0
         WHERE tenant = ?1 AND iccid = ?3 AND generation IS DISTINCT FROM ?4
             AND stage <> 'delete'",
        values![now, iccid, current],
    )?;
    let Some(announcement) = announcement else {
        return Ok(());
    };
    tx.execute(
        "INSERT INTO announcement (tenant, iccid, generation, number, stage, due, attempts,
             created, expires, document)
         VALUES (?1, ?2, ?3, ?4, 'register', ?5, 0, ?5, ?6, ?7)
         ON CONFLICT (tenant, iccid, generation) DO NOTHING",
        values![
            iccid,
            order.generation,
            tx.number(now),
            now,
            announcement.expires,
            tx.seal("announcement", &iccid, &announcement)?
        ],
    )?;
    Ok(())
}

/// Nobody can download an order that has expired.
fn withdraw_expired(tx: &Db<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE announcement SET stage = 'delete', due = ?2, attempts = 0
         WHERE tenant = ?1 AND stage <> 'delete' AND expires <= ?2",
        values![now],
    )?;
    Ok(())
}

fn announced(tx: &Db<'_>, event: &AnnouncedEvent) -> Result<(), StoreError> {
    let (statement, stage) = match event.stage {
        EventStage::Delete => (
            "DELETE FROM announcement
             WHERE tenant = ?1 AND iccid = ?2 AND number = ?3 AND stage = ?4",
            EventStage::Delete,
        ),
        EventStage::Register | EventStage::Registered => (
            "UPDATE announcement SET stage = 'registered', attempts = 0
             WHERE tenant = ?1 AND iccid = ?2 AND number = ?3 AND stage = ?4",
            EventStage::Register,
        ),
    };
    let iccid = event.announcement.iccid;
    tx.execute(statement, values![iccid, event.number, stage.name()])?;
    Ok(())
}

fn read(
    db: &Db<'_>,
    condition: &str,
    values: Vec<Value<'_>>,
) -> Result<Vec<AnnouncedEvent>, StoreError> {
    type Row = (i64, String, String, u32, Timestamp, Vec<u8>);
    let select = format!(
        "SELECT number, iccid, stage, attempts, created, document
         FROM announcement WHERE tenant = ?1 AND {condition}"
    );
    let mut all = Vec::new();
    for row in db.all::<Row>(&select, values)? {
        let (number, iccid, stage, attempts, created, document) = row;
        // A stage of a newer version is its business.
        let Some(stage) = STAGES.into_iter().find(|known| known.name() == stage) else {
            continue;
        };
        all.push(AnnouncedEvent {
            number,
            announcement: db.unseal("announcement", &iccid, &document)?,
            stage,
            attempts,
            created,
        });
    }
    Ok(all)
}
