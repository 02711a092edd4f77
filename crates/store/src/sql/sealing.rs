//! Secrets in rows: subscriber keys, MatchingIDs, activation codes and download
//! sessions rest encrypted, each bound to its tenant, table and row.

use rsp_crypto::OsRng;
use rsp_crypto::software::{SealError, Sealer};
use zeroize::Zeroizing;

use crate::contract::StoreError;
use crate::engine::{Connection, EngineError, FromRow, Row, ToValue};
use crate::tenant::Tenant;

/// What is sealed into a new database, to know its key again.
const PROBE: &[u8] = b"simurgh";
const BACKUP_PLACE: [&str; 1] = ["backup"];
const PROBE_PLACE: [&str; 2] = ["sealing", "probe"];

/// The key of a database and where its nonces come from.
#[derive(Debug)]
pub(crate) struct Sealing {
    sealer: Sealer,
    rng: OsRng,
}

impl Sealing {
    pub(crate) fn new(sealer: Sealer) -> Result<Self, StoreError> {
        let rng = OsRng::new().map_err(StoreError::Sealing)?;
        Ok(Sealing { sealer, rng })
    }

    /// Marks a database with the key.
    pub(crate) fn mark(&self, connection: &dyn Connection) -> Result<(), StoreError> {
        let probe = self.seal(&PROBE_PLACE, PROBE)?;
        let values = [probe.to_value()];
        connection.execute("INSERT INTO sealing (probe) VALUES (?1)", &values)?;
        Ok(())
    }

    /// Writes the mark as it is.
    pub(super) fn touch(&self, connection: &dyn Connection) -> Result<(), EngineError> {
        connection.execute("UPDATE sealing SET probe = probe", &[])?;
        Ok(())
    }

    /// Refuses a database that was written with another key.
    pub(crate) fn check(&self, connection: &dyn Connection) -> Result<(), StoreError> {
        let mut found = None;
        connection.query("SELECT probe FROM sealing", &[], &mut |row: Row| {
            let (probe,): (Vec<u8>,) = FromRow::from_row(row)?;
            found = Some(probe);
            Ok(())
        })?;
        let probe = found.ok_or(EngineError::Column(0))?;
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

    /// Where its nonces come from.
    pub(super) fn rng(&self) -> OsRng {
        self.rng
    }

    /// What a backup shows of the key, in base16.
    pub(crate) fn of_backup(&self) -> Result<String, StoreError> {
        let sealed = self.seal(&BACKUP_PLACE, PROBE)?;
        let octets = sealed.iter().map(|octet| format!("{octet:02x}"));
        Ok(octets.collect())
    }

    /// Refuses a backup that was made with another key.
    pub(crate) fn check_backup(&self, shown: &str) -> Result<(), StoreError> {
        let octet = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let octets: Option<Vec<u8>> = shown.as_bytes().chunks(2).map(octet).collect();
        self.open(&BACKUP_PLACE, &octets.unwrap_or_default())
            .map(drop)
    }

    /// The mark that follows another one and these octets in a backup.
    pub(crate) fn backup_mark(&self, before: &[u8; 32], octets: &[u8]) -> [u8; 32] {
        let both = [before.as_slice(), octets].concat();
        self.sealer.index(&BACKUP_PLACE, &both)
    }

    /// Seals octets for a row of a tenant. The default tenant is not named:
    /// databases had no tenants once.
    pub(super) fn seal_row(
        &self,
        tenant: &Tenant,
        [table, row]: [&str; 2],
        secret: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        match tenant.is_default() {
            true => self.seal(&[table, row], secret),
            false => self.seal(&[tenant.as_str(), table, row], secret),
        }
    }

    /// Opens what was sealed for a row of a tenant.
    pub(super) fn open_row(
        &self,
        tenant: &Tenant,
        [table, row]: [&str; 2],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        match tenant.is_default() {
            true => self.open(&[table, row], sealed),
            false => self.open(&[tenant.as_str(), table, row], sealed),
        }
    }

    /// By what a secret of a tenant's table is found.
    pub(super) fn index(&self, tenant: &Tenant, table: &str, secret: &[u8]) -> [u8; 32] {
        match tenant.is_default() {
            true => self.sealer.index(&[table], secret),
            false => self.sealer.index(&[tenant.as_str(), table], secret),
        }
    }
}
