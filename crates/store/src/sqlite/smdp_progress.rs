//! Messages to operators that wait to be sent.

use rsp_core::Timestamp;
use rsp_core::smdp::Progress;
use rusqlite::params;

use super::sealing::Db;
use crate::contract::StoreError;
use crate::smdp_contract::Waiting;

pub(super) fn add(tx: &Db<'_>, progress: &Progress, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO progress (operator, created, due, attempts, document)
         VALUES ($1, $2, $2, 0, $3)",
    )?
    .execute(params![
        progress.operator,
        now.0 as i64,
        tx.seal("progress", &progress.operator, &progress.message)?
    ])?;
    Ok(())
}

/// Only the oldest message of each operator: they are sent in their order.
pub(super) fn due(connection: &Db<'_>, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT number, operator, created, attempts, document FROM progress
         WHERE number IN (SELECT min(number) FROM progress GROUP BY operator) AND due <= $1
         ORDER BY number",
    )?;
    let rows = select.query_map([now.0 as i64], |row| {
        let created: i64 = row.get(2)?;
        let document: Vec<u8> = row.get(4)?;
        let row: (i64, String, u32) = (row.get(0)?, row.get(1)?, row.get(3)?);
        Ok((row, Timestamp(created.unsigned_abs()), document))
    })?;
    let mut due = Vec::new();
    for row in rows {
        let ((number, operator, attempts), created, document) = row?;
        due.push(Waiting {
            number,
            progress: Progress {
                message: connection.unseal("progress", &operator, &document)?,
                operator,
            },
            created,
            attempts,
        });
    }
    Ok(due)
}

pub(super) fn delay(tx: &Db<'_>, number: i64, due: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE progress SET due = $1, attempts = attempts + 1 WHERE number = $2")?
        .execute(params![due.0 as i64, number])?;
    Ok(())
}

pub(super) fn drop_one(tx: &Db<'_>, number: i64) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM progress WHERE number = $1")?
        .execute([number])?;
    Ok(())
}
