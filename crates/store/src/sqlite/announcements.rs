//! Events of the SM-DP+ at SM-DSs: what they are still to be told.

use rsp_asn1::ids::Iccid;
use rsp_core::Timestamp;
use rsp_core::smdp::Order;
use rusqlite::{Params, params};

use super::SqliteStore;
use super::sealing::Db;
use crate::contract::StoreError;
use crate::smds_contract::{AnnouncedEvent, AnnouncementStore, EventStage};

const STAGES: [EventStage; 3] = [
    EventStage::Register,
    EventStage::Registered,
    EventStage::Delete,
];

impl AnnouncementStore for SqliteStore {
    fn due_announcements(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<AnnouncedEvent>, StoreError> {
        self.transact(|tx| {
            withdraw_expired(tx, now)?;
            let condition = "due <= $1 AND stage <> 'registered' ORDER BY due LIMIT $2";
            read(tx, condition, params![now.0 as i64, limit as i64])
        })
    }

    fn announcements(&self, iccid: Iccid) -> Result<Vec<AnnouncedEvent>, StoreError> {
        let condition = "iccid = $1 ORDER BY number";
        self.read(|db| read(db, condition, [iccid.to_string()]))
    }

    fn announced(&self, event: &AnnouncedEvent) -> Result<(), StoreError> {
        self.transact(|tx| announced(tx, event))
    }

    fn delay_announcement(&self, number: i64, due: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| {
            tx.prepare_cached(
                "UPDATE announcement SET due = $1, attempts = attempts + 1 WHERE number = $2",
            )?
            .execute(params![due.0 as i64, number])?;
            Ok(())
        })
    }
}

/// Follows an order: what its SM-DS is to know, and what no SM-DS is to know any
/// more.
pub(super) fn follow(tx: &Db<'_>, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let iccid = order.iccid.to_string();
    let announcement = order.announcement();
    let current = announcement.as_ref().map(|_| order.generation);
    tx.prepare_cached(
        "UPDATE announcement SET stage = 'delete', due = $1, attempts = 0
         WHERE iccid = $2 AND generation IS NOT $3 AND stage <> 'delete'",
    )?
    .execute(params![now.0 as i64, iccid, current])?;
    let Some(announcement) = announcement else {
        return Ok(());
    };
    tx.prepare_cached(
        "INSERT INTO announcement
             (iccid, generation, stage, due, attempts, created, expires, document)
         VALUES ($1, $2, 'register', $3, 0, $3, $4, $5)
         ON CONFLICT (iccid, generation) DO NOTHING",
    )?
    .execute(params![
        iccid,
        order.generation,
        now.0 as i64,
        announcement.expires.map(|expires| expires.0 as i64),
        tx.seal("announcement", &iccid, &announcement)?
    ])?;
    Ok(())
}

/// Nobody can download an order that has expired.
fn withdraw_expired(tx: &Db<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE announcement SET stage = 'delete', due = $1, attempts = 0
         WHERE stage <> 'delete' AND expires <= $1",
    )?
    .execute([now.0 as i64])?;
    Ok(())
}

fn announced(tx: &Db<'_>, event: &AnnouncedEvent) -> Result<(), StoreError> {
    let (statement, stage) = match event.stage {
        EventStage::Delete => (
            "DELETE FROM announcement WHERE number = $1 AND stage = $2",
            EventStage::Delete,
        ),
        EventStage::Register | EventStage::Registered => (
            "UPDATE announcement SET stage = 'registered', attempts = 0
             WHERE number = $1 AND stage = $2",
            EventStage::Register,
        ),
    };
    tx.prepare_cached(statement)?
        .execute(params![event.number, stage.name()])?;
    Ok(())
}

fn read(
    connection: &Db<'_>,
    condition: &str,
    params: impl Params,
) -> Result<Vec<AnnouncedEvent>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT number, iccid, stage, attempts, created, document
         FROM announcement WHERE {condition}"
    ))?;
    let rows = select.query_map(params, |row| {
        let names: (String, String) = (row.get(1)?, row.get(2)?);
        let document: Vec<u8> = row.get(5)?;
        let created: i64 = row.get(4)?;
        Ok((row.get(0)?, names, row.get(3)?, created, document))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (number, (iccid, stage), attempts, created, document) = row?;
        // A stage of a newer version is its business.
        let Some(stage) = STAGES.into_iter().find(|known| known.name() == stage) else {
            continue;
        };
        all.push(AnnouncedEvent {
            number,
            announcement: connection.unseal("announcement", &iccid, &document)?,
            stage,
            attempts,
            created: Timestamp(created.unsigned_abs()),
        });
    }
    Ok(all)
}
