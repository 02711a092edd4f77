//! Messages to operators that wait to be sent.

use rsp_core::Timestamp;
use rsp_core::smdp::Progress;

use super::db::{Db, values};
use crate::contract::{Due, StoreError};
use crate::smdp_contract::Waiting;

/// After all that wait for the operator, whatever the clock did meanwhile.
pub(super) fn add(tx: &Db<'_>, progress: &Progress, now: Timestamp) -> Result<(), StoreError> {
    let last = "SELECT max(number) FROM progress WHERE tenant = ?1 AND operator = ?2";
    let last: Option<(Option<i64>,)> = tx.first(last, values![progress.operator])?;
    let after = last
        .and_then(|(last,)| last)
        .map_or(0, |last| last.saturating_add(1));
    tx.execute(
        "INSERT INTO progress (tenant, operator, number, created, due, attempts, document)
         VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5)",
        values![
            progress.operator,
            tx.number(now).max(after),
            now,
            tx.seal("progress", &progress.operator, &progress.message)?
        ],
    )?;
    Ok(())
}

/// Only the oldest message of each operator: they are sent in their order.
pub(super) fn take_due(tx: &Db<'_>, due: &Due) -> Result<Vec<Waiting>, StoreError> {
    type Row = (i64, String, Timestamp, u32, Vec<u8>);
    let lock = tx.connection.skip_locked();
    let rows: Vec<Row> = tx.all(
        &format!(
            "SELECT number, operator, created, attempts, document FROM progress
             WHERE tenant = ?1 AND due <= ?2 AND number =
                 (SELECT min(number) FROM progress AS older
                  WHERE older.tenant = progress.tenant AND older.operator = progress.operator)
             ORDER BY number LIMIT ?3{lock}"
        ),
        values![due.now, due.limit],
    )?;
    let mut all = Vec::new();
    for (number, operator, created, attempts, document) in rows {
        if due.again > due.now {
            tx.execute(
                "UPDATE progress SET due = ?4 WHERE tenant = ?1 AND operator = ?2 AND number = ?3",
                values![operator, number, due.again],
            )?;
        }
        all.push(Waiting {
            number,
            progress: Progress {
                message: tx.unseal("progress", &operator, &document)?,
                operator,
            },
            created,
            attempts,
        });
    }
    Ok(all)
}

pub(super) fn delay(tx: &Db<'_>, waiting: &Waiting, due: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE progress SET due = ?4, attempts = attempts + 1
         WHERE tenant = ?1 AND operator = ?2 AND number = ?3",
        values![waiting.progress.operator, waiting.number, due],
    )?;
    Ok(())
}

pub(super) fn drop_one(tx: &Db<'_>, waiting: &Waiting) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM progress WHERE tenant = ?1 AND operator = ?2 AND number = ?3",
        values![waiting.progress.operator, waiting.number],
    )?;
    Ok(())
}
