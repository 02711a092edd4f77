//! Sessions, and what waits for a browser to come back.

use fleet::access::{Digest, Session};
use rsp_core::Timestamp;
use zeroize::Zeroizing;

use super::super::db::{Db, values};
use super::super::exists;
use super::hex;
use crate::contract::StoreError;

/// Where pending things are sealed for.
const PENDING: &str = "access_pending";

pub(super) fn one(db: &Db<'_>, digest: &Digest) -> Result<Option<Session>, StoreError> {
    let found = "SELECT document FROM access_session WHERE tenant = ?1 AND digest = ?2";
    let found: Option<(String,)> = db.first(found, values![digest.0])?;
    let read = |(document,): (String,)| Ok(serde_json::from_str(&document)?);
    found.map(read).transpose()
}

pub(super) fn add(
    tx: &Db<'_>,
    digest: &Digest,
    session: &Session,
    until: Timestamp,
) -> Result<(), StoreError> {
    let document = serde_json::to_string(session)?;
    tx.execute(
        "INSERT INTO access_session (tenant, digest, owner, ends, document)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        values![digest.0, session.user.0, until, document],
    )?;
    Ok(())
}

pub(super) fn remove(tx: &Db<'_>, digest: &Digest) -> Result<u64, StoreError> {
    let delete = "DELETE FROM access_session WHERE tenant = ?1 AND digest = ?2";
    Ok(tx.execute(delete, values![digest.0])?)
}

pub(super) fn put_pending(
    tx: &Db<'_>,
    of: &Digest,
    secret: &[u8],
    until: Timestamp,
) -> Result<(), StoreError> {
    let row = hex(of);
    let sealed = tx.seal_bytes(PENDING, &row, secret)?;
    let insert = "INSERT INTO access_pending (tenant, digest, ends, secret)
         VALUES (?1, ?2, ?3, ?4)";
    tx.execute(insert, values![row, until, sealed])
        .map_err(exists("something pending"))?;
    Ok(())
}

pub(super) fn take_pending(
    tx: &Db<'_>,
    of: &Digest,
    now: Timestamp,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let row = hex(of);
    let found = "SELECT ends, secret FROM access_pending WHERE tenant = ?1 AND digest = ?2";
    let found: Option<(Timestamp, Vec<u8>)> = tx.first(found, values![row])?;
    let Some((ends, sealed)) = found else {
        return Ok(None);
    };
    let delete = "DELETE FROM access_pending WHERE tenant = ?1 AND digest = ?2";
    tx.execute(delete, values![row])?;
    if ends <= now {
        return Ok(None);
    }
    let secret = tx.unseal_bytes(PENDING, &row, &sealed)?;
    Ok(Some(Zeroizing::new(secret)))
}
