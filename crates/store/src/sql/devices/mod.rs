//! The inventory in SQL.

mod columns;
mod history;
mod import;
mod progress;
mod search;
mod telemetry;
mod translate;
mod write;

pub(super) use history::note as note_profiles;
pub(super) use write::around as add_around;

use fleet::import::RowError;
use fleet::inventory::{Device, DeviceId};
use fleet::query::Query;
use fleet::telemetry::{Bucket, Level, Retention, Sample};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;

use super::db::{Db, values};
use super::{SqlStore, places};
use crate::contract::StoreError;
use crate::device_contract::{
    DevicePage, DeviceStore, ImportedDevice, ProfileChange, SavedSearch, StoredDevice, Switched,
};
use crate::engine::Engine;

impl<E: Engine> DeviceStore for SqlStore<E> {
    fn put_device(&self, device: &Device, version: i64, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| write::put(tx, device, version, now))
    }

    fn device(&self, id: &DeviceId) -> Result<Option<StoredDevice>, StoreError> {
        self.read(|db| search::one(db, id.as_str()))
    }

    fn device_named(&self, name: &DeviceId) -> Result<Option<StoredDevice>, StoreError> {
        self.read(|db| search::named(db, name.as_str()))
    }

    fn remove_device(&self, id: &DeviceId) -> Result<(), StoreError> {
        self.transact(|tx| write::remove(tx, id))
    }

    fn search(
        &self,
        query: &Query,
        after: Option<&DeviceId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DevicePage, StoreError> {
        self.read(|db| search::page(db, query, after, limit, now))
    }

    fn stage_devices(
        &self,
        import: &str,
        rows: &[ImportedDevice],
        now: Timestamp,
    ) -> Result<Vec<RowError>, StoreError> {
        self.transact(|tx| {
            let stage = || import::stage(tx, import, rows, now);
            progress::receive(tx, import, rows.len(), stage)
        })
    }

    fn switch_devices(
        &self,
        import: &str,
        now: Timestamp,
        told: &mut dyn FnMut(u64),
    ) -> Result<Switched, StoreError> {
        let mut refused = Switched::default();
        self.read(|db| Ok(db.connection.analyse(import::STAGED)?))?;
        let switched = self.transact(|tx| {
            let switch = || import::switch(tx, import, now, told);
            let switched = progress::switch(tx, import, switch)?;
            match switched.errors.is_empty() {
                true => Ok(switched),
                false => {
                    refused = switched;
                    // What was switched over so far is taken back.
                    Err(StoreError::Conflict)
                }
            }
        });
        match switched {
            Err(StoreError::Conflict) if !refused.errors.is_empty() => {
                self.transact(|tx| progress::not_switched(tx, import, &refused.errors))?;
                Ok(Switched {
                    errors: refused.errors,
                    ..Switched::default()
                })
            }
            Err(error) => Err(error),
            Ok(switched) => {
                // It is done, and found in time anyhow.
                let _ = self.read(|db| Ok(db.connection.analyse(import::SWITCHED)?));
                Ok(switched)
            }
        }
    }

    fn staged_euiccs(
        &self,
        import: &str,
        after: Option<Eid>,
        limit: usize,
    ) -> Result<Vec<Eid>, StoreError> {
        self.read(|db| import::staged_euiccs(db, import, after, limit))
    }

    fn drop_staged(&self, import: &str) -> Result<(), StoreError> {
        while self.transact(|tx| import::drop_some(tx, import))? {}
        Ok(())
    }

    fn drop_abandoned(&self, since: Timestamp) -> Result<(), StoreError> {
        for import in self.read(|db| import::abandoned(db, since))? {
            self.drop_staged(&import)?;
        }
        Ok(())
    }

    fn put_search(&self, search: &SavedSearch) -> Result<(), StoreError> {
        self.transact(|tx| {
            tx.execute(
                "INSERT INTO saved_search (tenant, name, query, saved) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tenant, name) DO UPDATE
                     SET query = excluded.query, saved = excluded.saved",
                values![search.name, search.query, search.saved],
            )?;
            Ok(())
        })
    }

    fn searches(&self, after: Option<&str>, limit: usize) -> Result<Vec<SavedSearch>, StoreError> {
        let select = "SELECT name, query, saved FROM saved_search
             WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
        self.read(|db| {
            let rows = db.all(select, values![after.unwrap_or_default(), limit])?;
            Ok(rows.into_iter().map(saved).collect())
        })
    }

    fn saved_search(&self, name: &str) -> Result<Option<SavedSearch>, StoreError> {
        let select = "SELECT name, query, saved FROM saved_search WHERE tenant = ?1 AND name = ?2";
        self.read(|db| Ok(db.first(select, values![name])?.map(saved)))
    }

    fn remove_search(&self, name: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM saved_search WHERE tenant = ?1 AND name = ?2";
        self.transact(|tx| match tx.execute(delete, values![name])? {
            0 => Err(StoreError::Unknown("a search with this name")),
            _ => Ok(()),
        })
    }

    fn put_samples(
        &self,
        id: &DeviceId,
        samples: &[(Timestamp, Sample)],
    ) -> Result<(), StoreError> {
        self.transact(|tx| telemetry::put(tx, id.as_str(), samples))
    }

    fn samples(
        &self,
        id: &DeviceId,
        span: std::ops::Range<Timestamp>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, Sample)>, StoreError> {
        self.read(|db| telemetry::read(db, id.as_str(), Level::Raw, &span, limit))
    }

    fn buckets(
        &self,
        id: &DeviceId,
        level: Level,
        span: std::ops::Range<Timestamp>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, Bucket)>, StoreError> {
        self.read(|db| telemetry::read(db, id.as_str(), level, &span, limit))
    }

    fn forget_samples(&self, retention: &Retention, now: Timestamp) -> Result<u64, StoreError> {
        self.transact(|tx| telemetry::forget(tx, retention, now))
    }

    fn euicc_of_profile(&self, iccid: Iccid) -> Result<Option<Eid>, StoreError> {
        self.read(|db| history::holder(db, iccid))
    }

    fn profile_history(&self, eid: Eid) -> Result<Vec<ProfileChange>, StoreError> {
        self.read(|db| history::all(db, eid))
    }
}

fn saved((name, query, saved): (String, String, Timestamp)) -> SavedSearch {
    SavedSearch { name, query, saved }
}

/// A device as it was written.
fn read_device(document: &str) -> Result<Device, StoreError> {
    Ok(serde_json::from_str(document)?)
}

/// An identifier that was written as one.
fn read_id(id: &str) -> Result<DeviceId, StoreError> {
    let wrong = |_| crate::engine::EngineError::Column(0);
    Ok(id.parse().map_err(wrong)?)
}

/// The tenant's place in a list of values that is put together.
fn of_tenant() -> Vec<crate::engine::Value<'static>> {
    values![]
}

type Tx<'a> = Db<'a>;
