//! What other processes on the database must hear of: for which eUICCs there is
//! new work. Nothing is put down where no other process can be.

use rsp_asn1::ids::Eid;

use super::db::{Db, values};
use crate::bell::News;
use crate::contract::StoreError;
use crate::database::Changes;

/// An eUICC was added or forgotten, or has work that it may not have had.
pub(super) fn note(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    let Some(clock) = tx.connection.shared_clock() else {
        return Ok(());
    };
    tx.execute(
        &format!(
            "INSERT INTO change (tenant, eid, at) VALUES (?1, ?2, {clock})
             ON CONFLICT (tenant, eid) DO UPDATE SET at = excluded.at"
        ),
        values![eid],
    )?;
    tx.connection.note(News::Work);
    Ok(())
}

/// After so long nobody asks any more, in milliseconds.
const KEPT: i64 = 60 * 60 * 1000;

/// What was noted since then, of all tenants.
pub(super) fn since(db: &Db<'_>, since: Option<i64>) -> Result<Option<Changes>, StoreError> {
    let Some(clock) = db.connection.shared_clock() else {
        return Ok(None);
    };
    let now: Option<(String, i64)> =
        db.first(&format!("SELECT CAST(?1 AS TEXT), {clock}"), values![])?;
    let until = now.map_or(0, |(_, now)| now);
    let mut euiccs = Vec::new();
    if let Some(since) = since {
        let changed = "SELECT change.tenant, change.eid, CASE
                 WHEN euicc.eid IS NULL THEN NULL
                 WHEN waits = 1 OR EXISTS
                     (SELECT 1 FROM operation WHERE operation.tenant = euicc.tenant
                          AND operation.eid = euicc.eid AND is_open = 1) THEN 1
                 ELSE 0 END
             FROM change LEFT JOIN euicc
                 ON euicc.tenant = change.tenant AND euicc.eid = change.eid
             WHERE ?1 <> '' AND change.at >= ?2";
        db.each(
            changed,
            values![since],
            |(tenant, eid, work): (String, String, Option<bool>)| {
                // Only whole EIDs and names of tenants are put in.
                if let (Ok(tenant), Ok(eid)) = (tenant.parse(), eid.parse()) {
                    euiccs.push((tenant, eid, work));
                }
                Ok(())
            },
        )?;
    }
    Ok(Some(Changes { until, euiccs }))
}

/// Forgets what everybody has heard of.
pub(super) fn forget(tx: &Db<'_>, now: i64) -> Result<(), StoreError> {
    let delete = "DELETE FROM change WHERE ?1 <> '' AND at < ?2";
    tx.execute(delete, values![now - KEPT])?;
    Ok(())
}
