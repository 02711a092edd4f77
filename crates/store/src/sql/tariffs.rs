//! Tariffs.

use fleet::price::Tariff;

use super::db::{Db, values};
use super::{SqlStore, one_row};
use crate::contract::{StoreError, Versioned};
use crate::engine::Engine;
use crate::tariff_contract::{NamedTariff, TariffStore};

impl<E: Engine> TariffStore for SqlStore<E> {
    fn put_tariff(&self, named: &NamedTariff, version: i64) -> Result<(), StoreError> {
        self.transact(|tx| {
            let document = serde_json::to_string(&named.tariff)?;
            let put = match version {
                0 => {
                    "INSERT INTO tariff (tenant, name, version, document)
                         VALUES (?1, ?2, CAST(?3 AS BIGINT) + 1, ?4)
                     ON CONFLICT (tenant, name) DO NOTHING"
                }
                _ => {
                    "UPDATE tariff SET version = version + 1, document = ?4
                     WHERE tenant = ?1 AND name = ?2 AND version = ?3"
                }
            };
            one_row(tx.execute(put, values![named.name, version, document])?)
        })
    }

    fn tariff(&self, name: &str) -> Result<Option<Versioned<Tariff>>, StoreError> {
        self.read(|db| one(db, name))
    }

    fn tariffs(&self, after: Option<&str>, limit: usize) -> Result<Vec<NamedTariff>, StoreError> {
        let select = "SELECT name, document FROM tariff
             WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
        self.read(|db| {
            let rows: Vec<(String, String)> =
                db.all(select, values![after.unwrap_or_default(), limit])?;
            let read = |(name, document): (String, String)| {
                let tariff = serde_json::from_str(&document)?;
                Ok(NamedTariff { name, tariff })
            };
            rows.into_iter().map(read).collect()
        })
    }

    fn remove_tariff(&self, name: &str, version: i64) -> Result<(), StoreError> {
        let delete = "DELETE FROM tariff WHERE tenant = ?1 AND name = ?2 AND version = ?3";
        self.transact(|tx| match tx.execute(delete, values![name, version])? {
            0 if one(tx, name)?.is_none() => Err(StoreError::Unknown("a tariff with this name")),
            deleted => one_row(deleted),
        })
    }
}

fn one(db: &Db<'_>, name: &str) -> Result<Option<Versioned<Tariff>>, StoreError> {
    let select = "SELECT version, document FROM tariff WHERE tenant = ?1 AND name = ?2";
    let row: Option<(i64, String)> = db.first(select, values![name])?;
    let read = |(version, document): (i64, String)| {
        let value = serde_json::from_str(&document)?;
        Ok(Versioned { value, version })
    };
    row.map(read).transpose()
}
