//! How far a tenant's events went to where all of them go, a broker for example.

use super::db::{Db, values};
use super::{SqlStore, events};
use crate::contract::{Due, StoreError};
use crate::engine::Engine;
use crate::events_contract::{Export, ExportStore};
use crate::tenant::Tenant;

impl<E: Engine> ExportStore for SqlStore<E> {
    fn take_export(
        &self,
        sink: &str,
        holder: &str,
        due: &Due,
    ) -> Result<Option<Export>, StoreError> {
        self.transact(|tx| take(tx, sink, holder, due))
    }

    fn settle_export(
        &self,
        sink: &str,
        holder: &str,
        position: i64,
        due: &Due,
    ) -> Result<bool, StoreError> {
        let settle = "UPDATE event_export SET position = ?4, until = ?5
            WHERE tenant = ?1 AND sink = ?2 AND holder = ?3 AND position <= ?4";
        self.transact(|tx| {
            let values = values![sink, holder, position, due.again];
            Ok(tx.execute(settle, values)? == 1)
        })
    }
}

impl<E: Engine> SqlStore<E> {
    /// Tenants with events that have not gone there, and how many about.
    pub(crate) fn tenants_to_export(&self, sink: &str) -> Result<Vec<(Tenant, i64)>, StoreError> {
        let waiting = "SELECT event_counter.tenant, last - coalesce(position, forgotten)
            FROM event_counter LEFT JOIN event_export
                ON event_export.tenant = event_counter.tenant AND sink = ?2
            WHERE ?1 <> '' AND last > coalesce(position, 0)";
        let waiting: Vec<(String, i64)> = self.read(|db| db.all(waiting, values![sink]))?;
        let named = |(name, lag): (String, i64)| Some((name.parse().ok()?, lag));
        Ok(waiting.into_iter().filter_map(named).collect())
    }
}

/// All that is kept goes there the first time.
fn take(tx: &Db<'_>, sink: &str, holder: &str, due: &Due) -> Result<Option<Export>, StoreError> {
    tx.execute(
        "INSERT INTO event_export (tenant, sink, position, holder, until)
         VALUES (?1, ?2, 0, '', 0) ON CONFLICT (tenant, sink) DO NOTHING",
        values![sink],
    )?;
    let claimed: Option<(i64,)> = tx.first(
        "UPDATE event_export SET holder = ?3, until = ?4
         WHERE tenant = ?1 AND sink = ?2 AND (holder = ?3 OR until <= ?5) RETURNING position",
        values![sink, holder, due.again, due.now],
    )?;
    let Some((position,)) = claimed else {
        return Ok(None);
    };
    let (last, forgotten) = events::bounds(tx)?;
    let after = position.max(forgotten);
    let events = events::between(tx, [after, last], &[], due.limit)?;
    let whole = events.len() < due.limit;
    let through = events.last().map(|event| event.sequence);
    Ok(Some(Export {
        through: through.filter(|_| !whole).unwrap_or(last),
        // The first time nothing was promised.
        missed: if position > 0 { after - position } else { 0 },
        events,
    }))
}
