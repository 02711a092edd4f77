//! How far imports are, for all processes on a database, and what became of them.

use std::time::Duration;

use fleet::import::RowError;
use rsp_core::Timestamp;

use crate::contract::StoreError;

/// How long an import that is switched over is not heard of before it counts as
/// interrupted.
pub const SWITCH_HEARD: Duration = Duration::from_secs(30);

/// How long a report is known after its import was begun, and longer if rows of it are
/// put aside.
pub const REPORTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Errors that a report names one by one.
pub const MOST_ERRORS: usize = 1000;

/// How far an import is.
///
/// Its rows become the inventory in one transaction, which also puts down that it is
/// [`ImportState::Done`], if it is still [`ImportState::Switching`]. So whoever carries it
/// out, and however many take each other for dead, one of them does, or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// It takes rows.
    Receiving,
    /// It is being switched over.
    Switching,
    /// Whoever switched it over is not heard of any more; it can be switched over again.
    Interrupted,
    /// Its rows were forgotten, because nobody went on with it.
    GivenUp,
    /// Something in it is wrong.
    Refused,
    /// It could not be switched over.
    Failed,
    /// It is in the inventory.
    Done,
}

/// What is known of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// How far it is.
    pub state: ImportState,
    /// Rows that have come.
    pub rows: u64,
    /// Rows that are switched over, as far as that was put down.
    pub through: u64,
    /// Devices that are new.
    pub added: u64,
    /// Devices that were known and have changed.
    pub updated: u64,
    /// Devices that were known as they are.
    pub unchanged: u64,
    /// eUICCs that the eIM manages from now on.
    pub euiccs: u64,
    /// How many rows are wrong.
    pub wrong: u64,
    /// What is wrong with the first [`MOST_ERRORS`] of them.
    pub errors: Vec<RowError>,
}

/// Reports of a tenant's imports. Of an import that has one,
/// [`crate::DeviceStore::stage_devices`] and [`crate::DeviceStore::switch_devices`] put
/// down in it what they do, and give [`StoreError::Conflict`] if it is not at that.
pub trait ImportStore: Send + Sync {
    /// Begins an import.
    ///
    /// # Errors
    /// [`StoreError::Exceeded`] if `most` are under way.
    fn begin_import(&self, id: &str, most: u32, now: Timestamp) -> Result<(), StoreError>;

    /// What is known of an import.
    ///
    /// # Errors
    /// If the engine fails.
    fn import(&self, id: &str, now: Timestamp) -> Result<Option<ImportReport>, StoreError>;

    /// Rows came that are wrong.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the import takes no rows.
    fn refuse_rows(&self, id: &str, errors: &[RowError]) -> Result<(), StoreError>;

    /// From here on it takes no rows. It is to be switched over, or is
    /// [`ImportState::Refused`].
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none, [`StoreError::Conflict`] if it cannot be
    /// switched over, or somebody does that.
    fn begin_switch(&self, id: &str, now: Timestamp) -> Result<ImportState, StoreError>;

    /// Says that an import is still being switched over, and how many rows are through.
    /// Nothing, where no other process can have the database open.
    ///
    /// # Errors
    /// If the engine fails.
    fn heard_of_switch(&self, id: &str, through: u64, now: Timestamp) -> Result<(), StoreError>;

    /// It could not be switched over.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not at that.
    fn switch_failed(&self, id: &str) -> Result<(), StoreError>;

    /// Forgets an import: what it put aside, and its report.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_import(&self, id: &str) -> Result<(), StoreError>;

    /// Forgets reports that are too old.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_reports(&self, now: Timestamp) -> Result<(), StoreError>;
}
