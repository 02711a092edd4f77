//! API keys. What is kept of them is no secret.

use fleet::access::{ApiKeyId, Digest};
use rsp_core::Timestamp;

use super::super::db::{Db, values};
use super::super::exists;
use crate::access_contract::StoredKey;
use crate::contract::StoreError;

type Row = (Vec<u8>, Option<Timestamp>, String);

fn read((digest, seen, document): Row) -> Result<StoredKey, StoreError> {
    let digest = <[u8; 32]>::try_from(digest);
    Ok(StoredKey {
        key: serde_json::from_str(&document)?,
        digest: Digest(digest.map_err(|_| StoreError::Unknown("the digest of a key"))?),
        seen,
    })
}

pub(super) fn add(tx: &Db<'_>, stored: &StoredKey) -> Result<(), StoreError> {
    let document = serde_json::to_string(&stored.key)?;
    tx.execute(
        "INSERT INTO access_key (tenant, id, digest, seen, document)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        values![stored.key.id.0, stored.digest.0, stored.seen, document],
    )
    .map_err(exists("this key"))?;
    Ok(())
}

pub(super) fn list(
    db: &Db<'_>,
    after: Option<&ApiKeyId>,
    limit: usize,
) -> Result<Vec<StoredKey>, StoreError> {
    let after = after.map_or("", |id| id.0.as_str());
    let rows: Vec<Row> = db.all(
        "SELECT digest, seen, document FROM access_key
         WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        values![after, limit],
    )?;
    rows.into_iter().map(read).collect()
}

pub(super) fn of_digest(db: &Db<'_>, digest: &Digest) -> Result<Option<StoredKey>, StoreError> {
    let found = "SELECT digest, seen, document FROM access_key WHERE tenant = ?1 AND digest = ?2";
    let found: Option<Row> = db.first(found, values![digest.0])?;
    found.map(read).transpose()
}

pub(super) fn revoke(tx: &Db<'_>, id: &ApiKeyId, now: Timestamp) -> Result<StoredKey, StoreError> {
    let found = "SELECT digest, seen, document FROM access_key WHERE tenant = ?1 AND id = ?2";
    let found: Option<Row> = tx.first(found, values![id.0])?;
    let mut stored = read(found.ok_or(StoreError::Unknown("a key with this identifier"))?)?;
    stored.key.revoked.get_or_insert(now);
    let document = serde_json::to_string(&stored.key)?;
    let update = "UPDATE access_key SET document = ?3 WHERE tenant = ?1 AND id = ?2";
    tx.execute(update, values![id.0, document])?;
    Ok(stored)
}

pub(super) fn touch(tx: &Db<'_>, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
    let update = "UPDATE access_key SET seen = ?3 WHERE tenant = ?1 AND id = ?2";
    tx.execute(update, values![id.0, now])?;
    Ok(())
}
