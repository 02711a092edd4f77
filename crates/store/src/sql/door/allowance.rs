//! On how many devices something may be ordered: [`Rate`] is the rule.

use std::time::Duration;

use fleet::access::{Exceeded, Rate};
use rsp_core::Timestamp;

use super::super::db::{Db, values};
use crate::contract::StoreError;
use crate::door_contract::TouchRates;

/// The row of all principals together.
const ALL: &str = "";

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn time(now: Timestamp) -> i64 {
    micros(Duration::from_millis(now.0))
}

/// The principal first, whoever asks: nobody waits for somebody who waits for them.
pub(super) fn touch(
    tx: &Db<'_>,
    principal: &str,
    count: u32,
    rates: TouchRates,
    now: Timestamp,
) -> Result<(), StoreError> {
    take(tx, principal, count, rates.principal, now)?;
    take(tx, ALL, count, rates.tenant, now)
}

fn take(
    tx: &Db<'_>,
    principal: &str,
    count: u32,
    rate: Rate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (cost, per, now) = (micros(rate.cost(count)?), micros(rate.per), time(now));
    // What is kept, seen from now: not in the past, and not further away than if all
    // had been taken.
    let known = "CASE WHEN device_allowance.whole_at < ?4 THEN ?4
         WHEN device_allowance.whole_at > ?5 THEN ?5 ELSE device_allowance.whole_at END";
    let sql = format!(
        "INSERT INTO device_allowance (tenant, principal, whole_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant, principal) DO UPDATE SET whole_at = {known} + ?6
             WHERE {known} + ?6 <= ?5"
    );
    let (new, most) = (now + cost, now + per);
    if tx.execute(&sql, values![principal, new, now, most, cost])? == 1 {
        return Ok(());
    }
    let select = "SELECT whole_at FROM device_allowance WHERE tenant = ?1 AND principal = ?2";
    let found: Option<(i64,)> = tx.first(select, values![principal])?;
    let known = found.map_or(now, |(whole_at,)| whole_at.clamp(now, most));
    let wait = u64::try_from(known + cost - most).unwrap_or(1);
    Err(Exceeded::Later(Duration::from_micros(wait)).into())
}

/// If the clock was set back nobody waits until it is where it was.
pub(super) fn bring_near(
    tx: &Db<'_>,
    principal: &str,
    rates: TouchRates,
    now: Timestamp,
) -> Result<(), StoreError> {
    let update = "UPDATE device_allowance SET whole_at = ?3
         WHERE tenant = ?1 AND principal = ?2 AND whole_at > ?3";
    for (principal, rate) in [(principal, rates.principal), (ALL, rates.tenant)] {
        let most = time(now) + micros(rate.per);
        tx.execute(update, values![principal, most])?;
    }
    Ok(())
}

pub(super) fn forget(tx: &Db<'_>, now: Timestamp) -> Result<(), StoreError> {
    let delete = "DELETE FROM device_allowance WHERE tenant = ?1 AND whole_at <= ?2";
    tx.execute(delete, values![time(now)])?;
    Ok(())
}
