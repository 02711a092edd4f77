//! What is known of the device around an eUICC: where it listens, and how its
//! IPA writes.

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::transfer::Listener;
use rsp_core::eim::{EuiccRecord, IpaBuild};

use crate::contract::StoreError;
use crate::eim::EimHost;

impl EimHost {
    /// Puts down what a message shows of its device's IPA, if it is new.
    ///
    /// # Errors
    /// If the store fails.
    pub fn saw_build(&self, eid: Eid, seen: &IpaBuild, now: Timestamp) -> Result<(), StoreError> {
        let Some(known) = self.store().euicc(eid)? else {
            return Ok(());
        };
        let before = known.value.facts.build.unwrap_or_default();
        if before.with(seen) == before {
            return Ok(());
        }
        self.change_record(eid, now, |mut record| {
            let before = record.facts.build.take().unwrap_or_default();
            record.facts.build = Some(before.with(seen));
            Ok((record, Vec::new()))
        })
    }

    /// Says where the device of an eUICC listens, or that it does not.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not known, or if the store fails.
    pub fn set_listener(
        &self,
        eid: Eid,
        listener: Option<&Listener>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_record(eid, now, |record| {
            let record = EuiccRecord {
                listener: listener.cloned(),
                ..record
            };
            Ok((record, Vec::new()))
        })
    }
}
