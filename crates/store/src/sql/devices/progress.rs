//! How far imports are: [`ImportState`] is the rule.

use fleet::access::Exceeded;
use fleet::import::RowError;
use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::SqlStore;
use super::super::db::{Db, values};
use crate::contract::StoreError;
use crate::device_contract::{DeviceStore, Switched};
use crate::engine::Engine;
use crate::import_contract::{
    ImportReport, ImportState, ImportStore, MOST_ERRORS, REPORTS_KEPT, SWITCH_HEARD,
};

/// What a report says beside its state.
#[derive(Default, Serialize, Deserialize)]
struct Document {
    rows: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    euiccs: u64,
    wrong: u64,
    errors: Vec<RowError>,
}

impl Document {
    fn refuse(&mut self, errors: &[RowError]) {
        self.wrong += errors.len() as u64;
        let room = MOST_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(errors.iter().take(room).cloned());
    }
}

/// A report as it is kept.
struct Kept {
    state: String,
    document: Document,
    /// When the import was heard of, and how many rows are through; `None` if nothing is
    /// put aside of it.
    heard: Option<(Timestamp, u64)>,
}

impl Kept {
    fn state(&self, now: Timestamp) -> ImportState {
        match (self.state.as_str(), self.heard) {
            ("receiving" | "switching", None) => ImportState::GivenUp,
            ("receiving", _) => ImportState::Receiving,
            ("switching", Some((at, _))) if at.after(SWITCH_HEARD) <= now => {
                ImportState::Interrupted
            }
            ("switching", _) => ImportState::Switching,
            ("refused", _) => ImportState::Refused,
            ("done", _) => ImportState::Done,
            _ => ImportState::Failed,
        }
    }
}

fn find(db: &Db<'_>, id: &str) -> Result<Option<Kept>, StoreError> {
    let select = "SELECT r.state, r.document, i.at, i.through FROM import_report r
             LEFT JOIN import i ON i.tenant = r.tenant AND i.id = r.id
         WHERE r.tenant = ?1 AND r.id = ?2";
    type Found = (String, String, Option<Timestamp>, Option<u64>);
    let found: Option<Found> = db.first(select, values![id])?;
    let Some((state, document, at, through)) = found else {
        return Ok(None);
    };
    Ok(Some(Kept {
        state,
        document: serde_json::from_str(&document)?,
        heard: at.map(|at| (at, through.unwrap_or_default())),
    }))
}

fn put(tx: &Db<'_>, id: &str, state: &str, document: &Document) -> Result<(), StoreError> {
    let document = serde_json::to_string(document)?;
    let update = "UPDATE import_report SET state = ?3, document = ?4
         WHERE tenant = ?1 AND id = ?2";
    tx.execute(update, values![id, state, document])?;
    Ok(())
}

/// A report that is in this state; `None` if nobody asked for one.
fn in_state(tx: &Db<'_>, id: &str, state: &str) -> Result<Option<Kept>, StoreError> {
    let Some(kept) = find(tx, id)? else {
        return Ok(None);
    };
    match kept.state == state && kept.heard.is_some() {
        true => Ok(Some(kept)),
        false => Err(StoreError::Conflict),
    }
}

/// Rows are put aside in this transaction by `stage`, which gives what is wrong.
pub(super) fn receive(
    tx: &Db<'_>,
    id: &str,
    rows: usize,
    stage: impl FnOnce() -> Result<Vec<RowError>, StoreError>,
) -> Result<Vec<RowError>, StoreError> {
    let kept = in_state(tx, id, "receiving")?;
    let errors = stage()?;
    if let Some(Kept { mut document, .. }) = kept {
        document.rows += rows as u64;
        document.refuse(&errors);
        put(tx, id, "receiving", &document)?;
    }
    Ok(errors)
}

/// All is switched over in this transaction by `switch`.
pub(super) fn switch(
    tx: &Db<'_>,
    id: &str,
    switch: impl FnOnce() -> Result<Switched, StoreError>,
) -> Result<Switched, StoreError> {
    let kept = in_state(tx, id, "switching")?;
    let switched = switch()?;
    if let Some(Kept { mut document, .. }) = kept {
        document.added = switched.added;
        document.updated = switched.updated;
        document.unchanged = switched.unchanged;
        document.euiccs = switched.euiccs;
        put(tx, id, "done", &document)?;
    }
    Ok(switched)
}

/// It is refused if something is wrong, and has failed otherwise.
pub(super) fn not_switched(tx: &Db<'_>, id: &str, errors: &[RowError]) -> Result<(), StoreError> {
    let Some(mut kept) = find(tx, id)? else {
        return Ok(());
    };
    if kept.state != "switching" {
        return Err(StoreError::Conflict);
    }
    kept.document.refuse(errors);
    let state = match errors {
        [] => "failed",
        _ => "refused",
    };
    put(tx, id, state, &kept.document)
}

fn begin(tx: &Db<'_>, id: &str, most: u32, now: Timestamp) -> Result<(), StoreError> {
    let under_way = "SELECT count(*) FROM import_report r
             JOIN import i ON i.tenant = r.tenant AND i.id = r.id
         WHERE r.tenant = ?1 AND r.state IN ('receiving', 'switching')";
    let under_way: Option<(u32,)> = tx.first(under_way, values![])?;
    if under_way.is_some_and(|(count,)| count >= most) {
        return Err(Exceeded::Never(most).into());
    }
    let aside = "INSERT INTO import (tenant, id, at) VALUES (?1, ?2, ?3)";
    tx.execute(aside, values![id, now])?;
    let document = serde_json::to_string(&Document::default())?;
    tx.execute(
        "INSERT INTO import_report (tenant, id, at, state, document)
         VALUES (?1, ?2, ?3, 'receiving', ?4)",
        values![id, now, document],
    )?;
    Ok(())
}

fn begin_switch(tx: &Db<'_>, id: &str, now: Timestamp) -> Result<ImportState, StoreError> {
    let kept = find(tx, id)?.ok_or(StoreError::Unknown("this import"))?;
    let state = match kept.state(now) {
        ImportState::Receiving if kept.document.wrong > 0 => ImportState::Refused,
        ImportState::Receiving | ImportState::Interrupted => ImportState::Switching,
        _ => return Err(StoreError::Conflict),
    };
    let name = match state {
        ImportState::Refused => "refused",
        _ => "switching",
    };
    put(tx, id, name, &kept.document)?;
    let heard = "UPDATE import SET at = ?3, through = 0 WHERE tenant = ?1 AND id = ?2";
    tx.execute(heard, values![id, now])?;
    Ok(state)
}

impl<E: Engine> ImportStore for SqlStore<E> {
    fn begin_import(&self, id: &str, most: u32, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| begin(tx, id, most, now))
    }

    fn import(&self, id: &str, now: Timestamp) -> Result<Option<ImportReport>, StoreError> {
        let kept = self.read(|db| find(db, id))?;
        Ok(kept.map(|kept| {
            let state = kept.state(now);
            let through = kept.heard.map_or(0, |(_, through)| through);
            let Document {
                rows,
                added,
                updated,
                unchanged,
                euiccs,
                wrong,
                errors,
            } = kept.document;
            ImportReport {
                state,
                rows,
                through: match state {
                    ImportState::Done => rows,
                    _ => through,
                },
                added,
                updated,
                unchanged,
                euiccs,
                wrong,
                errors,
            }
        }))
    }

    fn refuse_rows(&self, id: &str, errors: &[RowError]) -> Result<(), StoreError> {
        let refused = self.transact(|tx| receive(tx, id, errors.len(), || Ok(errors.to_vec())));
        refused.map(drop)
    }

    fn begin_switch(&self, id: &str, now: Timestamp) -> Result<ImportState, StoreError> {
        self.transact(|tx| begin_switch(tx, id, now))
    }

    fn heard_of_switch(&self, id: &str, through: u64, now: Timestamp) -> Result<(), StoreError> {
        if self.read(|db| Ok(db.connection.shared_clock().is_none()))? {
            return Ok(());
        }
        let through = i64::try_from(through).unwrap_or(i64::MAX);
        let heard = "UPDATE import SET at = ?3, through = ?4 WHERE tenant = ?1 AND id = ?2";
        self.transact(|tx| {
            tx.execute(heard, values![id, now, through])?;
            Ok(())
        })
    }

    fn switch_failed(&self, id: &str) -> Result<(), StoreError> {
        self.transact(|tx| not_switched(tx, id, &[]))
    }

    fn forget_import(&self, id: &str) -> Result<(), StoreError> {
        // First nobody goes on with it: who does must find all of its rows, or none.
        self.transact(|tx| match find(tx, id)? {
            Some(kept) => put(tx, id, "failed", &kept.document),
            None => Ok(()),
        })?;
        self.drop_staged(id)?;
        let delete = "DELETE FROM import_report WHERE tenant = ?1 AND id = ?2";
        self.transact(|tx| {
            tx.execute(delete, values![id])?;
            Ok(())
        })
    }

    fn forget_reports(&self, now: Timestamp) -> Result<(), StoreError> {
        let delete = "DELETE FROM import_report WHERE tenant = ?1 AND at <= ?2
             AND id NOT IN (SELECT id FROM import WHERE tenant = ?1)";
        self.transact(|tx| {
            tx.execute(delete, values![now.before(REPORTS_KEPT)])?;
            Ok(())
        })
    }
}
