//! Pre-shared keys of devices.

use rsp_asn1::ids::Eid;
use zeroize::Zeroizing;

use super::SqlStore;
use super::db::{Db, values};
use crate::contract::StoreError;
use crate::engine::Engine;
use crate::psk_contract::{HeldPsk, PskStore};

impl<E: Engine> PskStore for SqlStore<E> {
    fn put_psk(&self, eid: Eid, identity: &str, key: &[u8]) -> Result<(), StoreError> {
        self.transact(|tx| put(tx, eid, identity, key))
    }

    fn psk(&self, identity: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read(|db| {
            let sealed = "SELECT secret FROM psk WHERE tenant = ?1 AND identity = ?2";
            let sealed: Option<(Vec<u8>,)> = db.first(sealed, values![identity])?;
            let opened = sealed.map(|(sealed,)| db.unseal_bytes("psk", identity, &sealed));
            Ok(opened.transpose()?.map(Zeroizing::new))
        })
    }

    fn psk_identity(&self, eid: Eid) -> Result<Option<String>, StoreError> {
        self.read(|db| {
            let found = "SELECT identity FROM psk WHERE tenant = ?1 AND eid = ?2";
            let found: Option<(String,)> = db.first(found, values![eid])?;
            Ok(found.map(|(identity,)| identity))
        })
    }

    fn euicc_of_psk(&self, identity: &str) -> Result<Option<Eid>, StoreError> {
        self.read(|db| {
            let found = "SELECT eid FROM psk WHERE tenant = ?1 AND identity = ?2";
            let found: Option<(String,)> = db.first(found, values![identity])?;
            Ok(found.and_then(|(eid,)| eid.parse().ok()))
        })
    }

    fn remove_psk(&self, eid: Eid) -> Result<(), StoreError> {
        self.transact(|tx| match forget(tx, eid)? {
            0 => Err(StoreError::Unknown("a key of this device")),
            _ => Ok(()),
        })
    }
}

/// The tenant, the device and the key of an identity, whosever it is.
pub(super) fn of_all(db: &Db<'_>, identity: &str) -> Result<Option<HeldPsk>, StoreError> {
    let select = "SELECT tenant, eid, secret FROM psk WHERE ?1 <> '' AND identity = ?2";
    let found: Option<(String, String, Vec<u8>)> = db.first(select, values![identity])?;
    let Some((tenant, eid, sealed)) = found else {
        return Ok(None);
    };
    // Only whole EIDs and names of tenants are put in.
    let (Ok(tenant), Ok(eid)) = (tenant.parse(), eid.parse()) else {
        return Ok(None);
    };
    let own = Db {
        tenant: &tenant,
        ..*db
    };
    let key = own.unseal_bytes("psk", identity, &sealed)?;
    Ok(Some(HeldPsk {
        tenant,
        eid,
        key: Zeroizing::new(key),
    }))
}

fn put(tx: &Db<'_>, eid: Eid, identity: &str, key: &[u8]) -> Result<(), StoreError> {
    let known = "SELECT version FROM euicc WHERE tenant = ?1 AND eid = ?2";
    let known: Option<(i64,)> = tx.first(known, values![eid])?;
    known.ok_or(StoreError::Unknown("an eUICC with this EID"))?;
    // All tenants have one listener, which knows a device by its identity alone.
    let other = "SELECT eid FROM psk WHERE ?1 <> '' AND identity = ?2 AND eid <> ?3";
    if tx
        .first::<(String,)>(other, values![identity, eid])?
        .is_some()
    {
        return Err(StoreError::Exists("a key with this identity"));
    }
    let sealed = tx.seal_bytes("psk", identity, key)?;
    forget(tx, eid)?;
    tx.execute(
        "INSERT INTO psk (tenant, identity, eid, secret) VALUES (?1, ?2, ?3, ?4)",
        values![identity, eid, sealed],
    )?;
    Ok(())
}

fn forget(tx: &Db<'_>, eid: Eid) -> Result<u64, StoreError> {
    let delete = "DELETE FROM psk WHERE tenant = ?1 AND eid = ?2";
    Ok(tx.execute(delete, values![eid])?)
}
