//! The inventory at rest: devices, how they are searched, imports, telemetry.

use fleet::import::RowError;
use fleet::inventory::{Device, DeviceId, Identity, ProfileEvent};
use fleet::query::{Field, Query, Record, Value};
use fleet::telemetry::{Bucket, Level, Retention, Sample};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;

use crate::contract::StoreError;

/// A device as it is kept, and what else is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDevice {
    /// The device.
    pub device: Device,
    /// Grows with each change.
    pub version: i64,
    /// When it came into the inventory; `None` of those that are older than it.
    pub created: Option<Timestamp>,
    /// When it polled last, as far as it was put down.
    pub last_contact: Option<Timestamp>,
    /// Whether the eIM manages one of its eUICCs.
    pub managed: bool,
    /// What it is known by: what people say of it, and profiles that an eUICC of it
    /// signed to have. What another one signed to have since is not among them.
    pub identities: Vec<Identity>,
    /// The last sample of telemetry.
    pub latest: Option<(Timestamp, Sample)>,
}

impl StoredDevice {
    /// What a query sees of it.
    pub fn record(&self) -> Record {
        let mut record = Record::of(&self.device);
        record.forget_identities();
        record.put(Field::Created, self.created.map(Value::Time));
        record.put(Field::LastContact, self.last_contact.map(Value::Time));
        record.put(Field::Managed, Some(Value::Truth(self.managed)));
        for identity in &self.identities {
            record.identity(identity);
        }
        if let Some((at, sample)) = &self.latest {
            record.sample(*at, sample);
        }
        record
    }
}

/// A part of what a search finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicePage {
    /// In the order of their identifiers, as the engine has it.
    pub devices: Vec<StoredDevice>,
    /// Behind which device the search goes on. There may be more as long as there
    /// is one, although this page has few or none: a page looks at a bounded number
    /// of devices.
    pub next: Option<DeviceId>,
}

/// What became of an import when it was switched over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switched {
    /// Devices that are new.
    pub added: u64,
    /// Devices that were known and have changed.
    pub updated: u64,
    /// Devices that were known as they are.
    pub unchanged: u64,
    /// eUICCs that the eIM manages from now on.
    pub euiccs: u64,
    /// Why nothing was switched over.
    pub errors: Vec<RowError>,
}

/// A row of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedDevice {
    /// The line on which it stands.
    pub line: u64,
    /// The device.
    pub device: Device,
}

/// A search that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// Its name.
    pub name: String,
    /// The query, as it was written.
    pub query: String,
    /// When it was saved.
    pub saved: Timestamp,
}

/// Something that happened to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileChange {
    /// The profile.
    pub iccid: Iccid,
    /// What happened.
    pub event: ProfileEvent,
    /// When the eIM learned of it.
    pub at: Timestamp,
}

/// The inventory. Every method is one transaction, durable when it returns, but
/// where it says otherwise.
pub trait DeviceStore {
    /// Adds a device, or changes the one with its identifier if it has this
    /// version; 0 adds alone.
    ///
    /// # Errors
    /// [`StoreError::Identity`] if an identity is of another device,
    /// [`StoreError::Exists`] or [`StoreError::Conflict`] if the version is another.
    fn put_device(&self, device: &Device, version: i64, now: Timestamp) -> Result<(), StoreError>;

    /// A device.
    ///
    /// # Errors
    /// If the engine fails.
    fn device(&self, id: &DeviceId) -> Result<Option<StoredDevice>, StoreError>;

    /// A device by its identifier, or else the one with the eUICC whose EID this is.
    ///
    /// # Errors
    /// If the engine fails.
    fn device_named(&self, name: &DeviceId) -> Result<Option<StoredDevice>, StoreError>;

    /// Forgets a device with its telemetry; its eUICCs stay what they are at the
    /// eIM.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none.
    fn remove_device(&self, id: &DeviceId) -> Result<(), StoreError>;

    /// Devices that a query finds, those behind `after`, `limit` at most.
    ///
    /// # Errors
    /// If the engine fails.
    fn search(
        &self,
        query: &Query,
        after: Option<&DeviceId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DevicePage, StoreError>;

    /// Puts rows of an import aside; nothing of them is seen yet. Gives what two
    /// rows of it claim.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its report says that it takes none
    /// ([`crate::ImportStore`]).
    fn stage_devices(
        &self,
        import: &str,
        rows: &[ImportedDevice],
        now: Timestamp,
    ) -> Result<Vec<RowError>, StoreError>;

    /// Makes all that was put aside part of the inventory, in one transaction, and
    /// its eUICCs part of the eIM; `told` hears how many rows are through. Whoever
    /// polls for the eUICCs has to be told, too: [`crate::EimHost::switch_import`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its report says that it is not to be switched over, or
    /// if the engine fails; nothing is part of the inventory then, nor if there are
    /// [`Switched::errors`].
    fn switch_devices(
        &self,
        import: &str,
        now: Timestamp,
        told: &mut dyn FnMut(u64),
    ) -> Result<Switched, StoreError>;

    /// eUICCs that an import put aside for the eIM, in the order of their EIDs.
    ///
    /// # Errors
    /// If the engine fails.
    fn staged_euiccs(
        &self,
        import: &str,
        after: Option<Eid>,
        limit: usize,
    ) -> Result<Vec<Eid>, StoreError>;

    /// Forgets what an import put aside. Several transactions: called again, it
    /// goes on.
    ///
    /// # Errors
    /// If the engine fails.
    fn drop_staged(&self, import: &str) -> Result<(), StoreError>;

    /// Forgets what imports put aside that nobody has gone on with since then.
    ///
    /// # Errors
    /// If the engine fails.
    fn drop_abandoned(&self, since: Timestamp) -> Result<(), StoreError>;

    /// Saves a search under a name, or another one under the same.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_search(&self, search: &SavedSearch) -> Result<(), StoreError>;

    /// Saved searches in the order of their names.
    ///
    /// # Errors
    /// If the engine fails.
    fn searches(&self, after: Option<&str>, limit: usize) -> Result<Vec<SavedSearch>, StoreError>;

    /// A saved search.
    ///
    /// # Errors
    /// If the engine fails.
    fn saved_search(&self, name: &str) -> Result<Option<SavedSearch>, StoreError>;

    /// Forgets a saved search.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none.
    fn remove_search(&self, name: &str) -> Result<(), StoreError>;

    /// Puts samples of a device down, and into the levels above; one of the same
    /// moment counts once.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such device.
    fn put_samples(&self, id: &DeviceId, samples: &[(Timestamp, Sample)])
    -> Result<(), StoreError>;

    /// Samples of a device as they came, from a time on to another one, the oldest
    /// first.
    ///
    /// # Errors
    /// If the engine fails.
    fn samples(
        &self,
        id: &DeviceId,
        span: std::ops::Range<Timestamp>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, Sample)>, StoreError>;

    /// As [`DeviceStore::samples`], of a level.
    ///
    /// # Errors
    /// If the engine fails.
    fn buckets(
        &self,
        id: &DeviceId,
        level: Level,
        span: std::ops::Range<Timestamp>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, Bucket)>, StoreError>;

    /// Forgets telemetry that is too old.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_samples(&self, retention: &Retention, now: Timestamp) -> Result<u64, StoreError>;

    /// The eUICC that a profile is on, as eUICCs have signed; of several, the one
    /// that said so last.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc_of_profile(&self, iccid: Iccid) -> Result<Option<Eid>, StoreError>;

    /// What happened to the profiles of an eUICC, the oldest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn profile_history(&self, eid: Eid) -> Result<Vec<ProfileChange>, StoreError>;
}

/// The record with which the eIM begins to manage an eUICC of a row.
pub(crate) fn record_of(sim: &fleet::inventory::Sim) -> Option<EuiccRecord> {
    let eim = sim.eim?;
    Some(EuiccRecord {
        emulated: eim.emulated,
        ..EuiccRecord::new(sim.eid?, eim.association_token, eim.counter_value)
    })
}
