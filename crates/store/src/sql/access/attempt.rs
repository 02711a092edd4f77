//! Failures to sign in.

use fleet::access::Attempts;

use super::super::db::{Db, values};
use crate::contract::StoreError;

pub(super) fn of(db: &Db<'_>, subject: &str) -> Result<Attempts, StoreError> {
    let found = "SELECT failures, last FROM access_attempt WHERE tenant = ?1 AND subject = ?2";
    let found: Option<(u32, u64)> = db.first(found, values![subject])?;
    Ok(
        found.map_or_else(Attempts::default, |(failures, last)| Attempts {
            failures,
            last,
        }),
    )
}

pub(super) fn change(
    tx: &Db<'_>,
    subject: &str,
    change: &dyn Fn(Attempts) -> Attempts,
) -> Result<Attempts, StoreError> {
    let changed = change(of(tx, subject)?);
    let delete = "DELETE FROM access_attempt WHERE tenant = ?1 AND subject = ?2";
    tx.execute(delete, values![subject])?;
    if changed != Attempts::default() {
        let last = rsp_core::Timestamp(changed.last);
        tx.execute(
            "INSERT INTO access_attempt (tenant, subject, failures, last)
             VALUES (?1, ?2, ?3, ?4)",
            values![subject, changed.failures, last],
        )?;
    }
    Ok(changed)
}
