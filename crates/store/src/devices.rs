//! The inventory's side of the eIM.

use std::time::Duration;

use fleet::telemetry::Retention;
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;

use crate::contract::StoreError;
use crate::device_contract::Switched;
use crate::eim::EimHost;

/// EIDs that are read at once.
const AT_ONCE: usize = 10_000;

/// An import with which nobody goes on for so long is given up.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

impl EimHost {
    /// Makes an import a part of the inventory, and its eUICCs a part of the eIM:
    /// polls of them are answered as soon as this returns. What was put aside is
    /// forgotten, whatever became of it.
    ///
    /// # Errors
    /// As [`crate::DeviceStore::switch_devices`].
    pub fn switch_import(
        &self,
        import: &str,
        now: Timestamp,
        told: &mut dyn FnMut(u64),
    ) -> Result<Switched, StoreError> {
        let switched = self.store.switch_devices(import, now, told)?;
        if switched.errors.is_empty() {
            let mut after = None;
            loop {
                let eids = self.store.staged_euiccs(import, after, AT_ONCE)?;
                let Some(last) = eids.last() else {
                    break;
                };
                after = Some(*last);
                let learn = |eid: &Eid| self.index.learn(*eid, self.owner, false);
                eids.iter().for_each(learn);
            }
        }
        self.store.drop_staged(import)?;
        Ok(switched)
    }

    /// Forgets what imports put aside that nobody goes on with, and telemetry that is
    /// too old; to be called now and then, and once by the only process with when it
    /// `started`: no import from before that is under way.
    ///
    /// # Errors
    /// If the store fails.
    pub fn tidy_inventory(
        &self,
        started: Option<Timestamp>,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let since = started.unwrap_or_else(|| now.before(ABANDONED));
        self.store.drop_abandoned(since)?;
        self.store.forget_samples(retention, now)?;
        Ok(())
    }
}
