//! Secrets in rows: subscriber keys, MatchingIDs, activation codes and download
//! sessions rest encrypted, each bound to its table and row.

use std::ops::Deref;

use rsp_crypto::OsRng;
use rsp_crypto::software::{SealError, Sealer};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::contract::StoreError;

/// What is sealed into a new database, to know its key again.
const PROBE: &[u8] = b"simurgh";
const PROBE_PLACE: [&str; 2] = ["sealing", "probe"];

/// The key of a database and where its nonces come from.
#[derive(Debug)]
pub(super) struct Sealing {
    sealer: Sealer,
    rng: OsRng,
}

impl Sealing {
    pub(super) fn new(sealer: Sealer) -> Result<Self, StoreError> {
        let rng = OsRng::new().map_err(StoreError::Sealing)?;
        Ok(Sealing { sealer, rng })
    }

    /// Marks a new database with the key.
    pub(super) fn mark(&self, connection: &Connection) -> Result<(), StoreError> {
        let probe = self.seal(&PROBE_PLACE, PROBE)?;
        connection.execute("INSERT INTO sealing (probe) VALUES ($1)", [probe])?;
        Ok(())
    }

    /// Refuses a database that was written with another key.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), StoreError> {
        let probe: Vec<u8> =
            connection.query_row("SELECT probe FROM sealing", [], |row| row.get(0))?;
        self.open(&PROBE_PLACE, &probe).map(drop)
    }

    fn seal(&self, place: &[&str], secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut rng = self.rng;
        let sealed = self.sealer.seal(place, secret, &mut rng);
        sealed.map_err(StoreError::Sealing)
    }

    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.sealer
            .open(place, sealed)
            .map_err(|error| match error {
                SealError::OtherKey => StoreError::OtherKey,
                error => StoreError::Sealed(error),
            })
    }
}

/// A connection, and what opens the secrets behind it.
#[derive(Clone, Copy)]
pub(super) struct Db<'a> {
    pub(super) connection: &'a Connection,
    pub(super) sealing: &'a Sealing,
}

impl Deref for Db<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Db<'_> {
    /// A document, sealed for its table and row.
    pub(super) fn seal<T: Serialize>(
        &self,
        table: &str,
        row: &str,
        document: &T,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_bytes(table, row, &serde_json::to_vec(document)?)
    }

    /// A document that was sealed for this table and row.
    pub(super) fn unseal<T: DeserializeOwned>(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let document = self.sealing.open(&[table, row], sealed)?;
        Ok(serde_json::from_slice(&document)?)
    }

    /// As [`Db::seal`], of octets.
    pub(super) fn seal_bytes(
        &self,
        table: &str,
        row: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        self.sealing.seal(&[table, row], secret)
    }

    /// As [`Db::unseal`], of octets.
    pub(super) fn unseal_bytes(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        Ok(self.sealing.open(&[table, row], sealed)?.to_vec())
    }

    /// By what a secret of a table is found.
    pub(super) fn index(&self, table: &str, secret: &[u8]) -> [u8; 32] {
        self.sealing.sealer.index(&[table], secret)
    }
}
