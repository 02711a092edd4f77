//! Whose an eUICC is: one tenant's at a time, whoever asks at once.

use rsp_asn1::ids::Eid;

use super::db::{Db, values};
use crate::contract::StoreError;
use crate::tenant::Tenant;

/// Makes an eUICC the tenant's; gives the last counter that is known to have been sent
/// to it before.
///
/// # Errors
/// [`StoreError::Elsewhere`] if it is another tenant's.
pub(super) fn claim(tx: &Db<'_>, eid: Eid) -> Result<i64, StoreError> {
    // The row is written, not looked at first: of two who do so at once one waits for
    // the other, and finds it taken.
    let counter: Option<(i64,)> = tx.first(
        "INSERT INTO euicc_holder (eid, tenant, counter_value) VALUES (?2, ?1, 0)
         ON CONFLICT (eid) DO UPDATE SET tenant = excluded.tenant
             WHERE euicc_holder.tenant IN ('', excluded.tenant)
         RETURNING counter_value",
        values![eid],
    )?;
    counter
        .map(|(counter,)| counter)
        .ok_or(StoreError::Elsewhere)
}

/// The tenant has an eUICC no more.
pub(super) fn release(tx: &Db<'_>, eid: Eid, counter_value: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE euicc_holder SET tenant = '', counter_value = ?3
         WHERE eid = ?2 AND tenant = ?1",
        values![eid, counter_value],
    )?;
    Ok(())
}

/// Whose an eUICC is.
pub(super) fn of(db: &Db<'_>, eid: Eid) -> Result<Option<Tenant>, StoreError> {
    let select = "SELECT tenant FROM euicc_holder WHERE eid = ?2 AND ?1 <> ''";
    let found: Option<(String,)> = db.first(select, values![eid])?;
    Ok(found.and_then(|(tenant,)| tenant.parse().ok()))
}
