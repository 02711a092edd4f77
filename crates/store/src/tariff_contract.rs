//! Tariffs: what operators bill for octets.

use fleet::price::Tariff;

use crate::contract::{StoreError, Versioned};

/// A tariff with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTariff {
    /// As profiles of the inventory name it.
    pub name: String,
    /// The tariff.
    pub tariff: Tariff,
}

/// What every engine offers for tariffs.
pub trait TariffStore {
    /// Adds a tariff, or changes the one of this name if it has this version; 0 adds
    /// alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the version is another.
    fn put_tariff(&self, named: &NamedTariff, version: i64) -> Result<(), StoreError>;

    /// A tariff.
    ///
    /// # Errors
    /// If the engine fails.
    fn tariff(&self, name: &str) -> Result<Option<Versioned<Tariff>>, StoreError>;

    /// Tariffs in the order of their names, those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the engine fails.
    fn tariffs(&self, after: Option<&str>, limit: usize) -> Result<Vec<NamedTariff>, StoreError>;

    /// Forgets a tariff that has this version.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none, [`StoreError::Conflict`] if the version
    /// is another.
    fn remove_tariff(&self, name: &str, version: i64) -> Result<(), StoreError>;
}
