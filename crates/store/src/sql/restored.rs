//! What becomes of a state that may be older than what happened since: no counter is
//! given out again, and what became of open operations is found out
//! (`rsp_core::eim::Restored`).

use rsp_asn1::ids::Eid;
use rsp_core::eim::{EuiccRecord, raise, raised};
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::SoftwareProvider;

use super::db::{Db, Numbers, values};
use super::sealing::Sealing;
use super::{eim, operations};
use crate::backup::{BackupTable, Restoration};
use crate::contract::{StoreError, Versioned};
use crate::engine::{Column, Connection, EngineError, FromColumn, FromRow, Row};
use crate::happened::Done;
use crate::tenant::Tenant;

/// How far the numbers of events go on for each step of a counter: who pulled events
/// that the backup has not goes on with what is new, and sees the leap.
const EVENTS: i64 = 1_000;

/// A restoration in its transaction.
pub(super) struct Restoring<'a> {
    connection: &'a dyn Connection,
    sealing: &'a Sealing,
    numbers: &'a Numbers,
    now: Timestamp,
    raise: i64,
    /// What is taken over from a backup is not counted.
    unheard: Done,
}

impl<'a> Restoring<'a> {
    /// Of a state of a time, now.
    pub(super) fn new(
        connection: &'a dyn Connection,
        sealing: &'a Sealing,
        numbers: &'a Numbers,
        made: Timestamp,
        now: Timestamp,
    ) -> Self {
        Restoring {
            connection,
            sealing,
            numbers,
            now,
            raise: raise(made, now),
            unheard: Done::default(),
        }
    }

    fn db<'b>(&'b self, tenant: &'b Tenant) -> Db<'b> {
        Db {
            connection: self.connection,
            sealing: self.sealing,
            numbers: self.numbers,
            tenant,
            done: &self.unheard,
        }
    }

    /// Rows as they are put into a table. Whoever was signed in signs in again:
    /// sessions may have been ended since.
    pub(super) fn rows(&self, table: &BackupTable, rows: &mut Vec<Row>) -> Result<(), StoreError> {
        match table.name.as_str() {
            "access_session" | "access_pending" => rows.clear(),
            "euicc" => {
                let [tenant, eid, document] = places(table, ["tenant", "eid", "document"])?;
                for row in rows {
                    let tenant = text(row, tenant)?;
                    let tenant = tenant.parse().map_err(|_| EngineError::Column(0))?;
                    let (db, eid) = (self.db(&tenant), text(row, eid)?);
                    let column = row.get_mut(document).ok_or(EngineError::Column(document))?;
                    let sealed = Vec::from_column(column.clone());
                    let sealed = sealed.ok_or(EngineError::Column(document))?;
                    let record: EuiccRecord = db.unseal("euicc", &eid, &sealed)?;
                    let record = record.restored(self.raise);
                    *column = Column::Octets(db.seal("euicc", &eid, &record)?);
                }
            }
            "euicc_holder" => {
                let [counter] = places(table, ["counter_value"])?;
                let on = |counter| raised(counter, self.raise);
                change(rows, counter, on)?;
            }
            "event_counter" => {
                let [last] = places(table, ["last"])?;
                let on = self.raise.saturating_mul(EVENTS);
                change(rows, last, |last: i64| last.saturating_add(on))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What is done when all rows are there.
    pub(super) fn operations(&self) -> Result<Restoration, StoreError> {
        let mut doubtful = 0;
        let mut busy: Vec<(String, String)> = Vec::new();
        let open = "SELECT DISTINCT tenant, eid FROM operation WHERE is_open = 1";
        self.connection.query(open, &[], &mut |row| {
            busy.push(FromRow::from_row(row)?);
            Ok(())
        })?;
        for (tenant, eid) in busy {
            let tenant = tenant.parse().map_err(|_| EngineError::Column(0))?;
            let eid = eid.parse().map_err(|_| EngineError::Column(1))?;
            doubtful += self.doubt(&self.db(&tenant), eid)?;
        }
        Ok(Restoration {
            raised: self.raise,
            doubtful,
        })
    }

    /// The open operations of an eUICC.
    fn doubt(&self, db: &Db<'_>, eid: Eid) -> Result<u64, StoreError> {
        let Some(Versioned { value: record, .. }) = eim::euicc(db, eid)? else {
            return Ok(0);
        };
        let seen = "SELECT max(seq_number) FROM evidence
            WHERE tenant = ?1 AND eid = ?2 AND verified = 1";
        let seen: Option<(Option<i64>,)> = db.first(seen, values![eid])?;
        let seen = seen.and_then(|(seen,)| seen);
        let mut rng = self.sealing.rng();
        let mut cx = Context {
            now: self.now,
            rng: &mut rng,
            crypto: &SoftwareProvider,
        };
        let mut doubtful = 0;
        for operation in operations::open(db, eid)? {
            if let Some(operation) = operation.restored(&record, seen, &mut cx) {
                operations::put(db, &operation)?;
                doubtful += 1;
            }
        }
        Ok(doubtful)
    }
}

/// Where columns are in the rows of a table.
fn places<const N: usize>(
    table: &BackupTable,
    names: [&str; N],
) -> Result<[usize; N], EngineError> {
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = table.columns.iter().position(|column| column == name);
        *place = found.ok_or(EngineError::Column(0))?;
    }
    Ok(places)
}

fn text(row: &Row, at: usize) -> Result<String, EngineError> {
    let column = row.get(at).cloned().and_then(String::from_column);
    column.ok_or(EngineError::Column(at))
}

fn change(rows: &mut Vec<Row>, at: usize, change: impl Fn(i64) -> i64) -> Result<(), EngineError> {
    for row in rows {
        let column = row.get_mut(at).ok_or(EngineError::Column(at))?;
        let value = i64::from_column(column.clone()).ok_or(EngineError::Column(at))?;
        *column = Column::Integer(change(value));
    }
    Ok(())
}
