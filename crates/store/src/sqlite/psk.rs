//! Pre-shared keys of devices.

use rsp_asn1::ids::Eid;
use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use super::SqliteStore;
use crate::contract::StoreError;
use crate::psk_contract::PskStore;

impl PskStore for SqliteStore {
    fn put_psk(&self, eid: Eid, identity: &str, key: &[u8]) -> Result<(), StoreError> {
        self.transact(|tx| {
            let eid = eid.to_string();
            let known = tx
                .query_row("SELECT 1 FROM euicc WHERE eid = $1", [&eid], |_| Ok(()))
                .optional()?;
            known.ok_or(StoreError::Unknown("an eUICC with this EID"))?;
            let other = tx
                .query_row(
                    "SELECT 1 FROM psk WHERE identity = $1 AND eid <> $2",
                    [identity, &eid],
                    |_| Ok(()),
                )
                .optional()?;
            if other.is_some() {
                return Err(StoreError::Exists("a key with this identity"));
            }
            let sealed = tx.seal_bytes("psk", identity, key)?;
            tx.execute("DELETE FROM psk WHERE eid = $1", [&eid])?;
            tx.execute(
                "INSERT INTO psk (identity, eid, secret) VALUES ($1, $2, $3)",
                params![identity, eid, sealed],
            )?;
            Ok(())
        })
    }

    fn psk(&self, identity: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read(|db| {
            let sealed: Option<Vec<u8>> = db
                .prepare_cached("SELECT secret FROM psk WHERE identity = $1")?
                .query_row([identity], |row| row.get(0))
                .optional()?;
            let opened = sealed.map(|sealed| db.unseal_bytes("psk", identity, &sealed));
            Ok(opened.transpose()?.map(Zeroizing::new))
        })
    }

    fn psk_identity(&self, eid: Eid) -> Result<Option<String>, StoreError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT identity FROM psk WHERE eid = $1")?
                .query_row([eid.to_string()], |row| row.get(0))
                .optional()?;
            Ok(found)
        })
    }

    fn euicc_of_psk(&self, identity: &str) -> Result<Option<Eid>, StoreError> {
        self.read(|db| {
            let found: Option<String> = db
                .prepare_cached("SELECT eid FROM psk WHERE identity = $1")?
                .query_row([identity], |row| row.get(0))
                .optional()?;
            Ok(found.and_then(|eid| eid.parse().ok()))
        })
    }

    fn remove_psk(&self, eid: Eid) -> Result<(), StoreError> {
        self.transact(|tx| {
            let removed = tx.execute("DELETE FROM psk WHERE eid = $1", [eid.to_string()])?;
            match removed {
                0 => Err(StoreError::Unknown("a key of this device")),
                _ => Ok(()),
            }
        })
    }
}
