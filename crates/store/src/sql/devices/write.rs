//! Devices one at a time.

use fleet::inventory::{Device, DeviceId, IdentityConflict};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;

use super::{Tx, columns, places, read_id};
use crate::contract::StoreError;
use crate::engine::Column;
use crate::sql::db::{Db, values};
use crate::sql::one_row;

/// Which device has this identity.
pub(super) fn holder(db: &Db<'_>, kind: &str, value: &str) -> Result<Option<DeviceId>, StoreError> {
    let select =
        "SELECT device FROM device_identity WHERE tenant = ?1 AND kind = ?2 AND value = ?3";
    let found: Option<(String,)> = db.first(select, values![kind, value])?;
    found.map(|(device,)| read_id(&device)).transpose()
}

pub(super) fn put(
    tx: &Tx<'_>,
    device: &Device,
    version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = device.id.as_str();
    let known = "SELECT version FROM device WHERE tenant = ?1 AND id = ?2";
    let known: Option<(i64,)> = tx.first(known, values![id])?;
    match (known, version) {
        (None, 0) => insert(tx, device, now)?,
        (None, _) => return Err(StoreError::Unknown("a device with this identifier")),
        (Some(_), 0) => return Err(StoreError::Exists("a device with this identifier")),
        (Some((known,)), version) if known != version => return Err(StoreError::Conflict),
        (Some(_), version) => update(tx, device, version)?,
    }
    bind(tx, device)
}

fn insert(tx: &Tx<'_>, device: &Device, now: Timestamp) -> Result<(), StoreError> {
    let columns = columns::of(device)?;
    let sql = format!(
        "INSERT INTO device (tenant, id, version, created, {}) VALUES (?1, ?2, 1, ?3, {})",
        columns::names(),
        places(4, columns.len())
    );
    let id = device.id.as_str();
    let mut values = values![id, now];
    values.extend(columns.iter().map(Column::as_value));
    tx.execute(&sql, values)?;
    Ok(())
}

fn update(tx: &Tx<'_>, device: &Device, version: i64) -> Result<(), StoreError> {
    let columns = columns::of(device)?;
    let names = columns::names();
    let set: Vec<_> = names
        .split(", ")
        .zip(4..)
        .map(|(name, place)| format!("{name} = ?{place}"))
        .collect();
    let sql = format!(
        "UPDATE device SET version = version + 1, {}
         WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        set.join(", ")
    );
    let id = device.id.as_str();
    let mut values = values![id, version];
    values.extend(columns.iter().map(Column::as_value));
    one_row(tx.execute(&sql, values)?)
}

/// Gives a device its identities and tags, and no others but those that were
/// learned.
fn bind(tx: &Tx<'_>, device: &Device) -> Result<(), StoreError> {
    let id = device.id.as_str();
    let delete = "DELETE FROM device_identity WHERE tenant = ?1 AND device = ?2 AND learned = 0";
    tx.execute(delete, values![id])?;
    for identity in device.identities() {
        let (kind, value) = (identity.kind().name(), identity.value());
        if let Some(holder) = holder(tx, kind, &value)?
            && holder != device.id
        {
            return Err(StoreError::Identity(IdentityConflict {
                identity: identity.to_string(),
                holder,
                claimant: device.id.clone(),
            }));
        }
        tx.execute(
            "INSERT INTO device_identity (tenant, kind, value, device, learned)
                 VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT (tenant, kind, value) DO UPDATE SET learned = 0",
            values![kind, value, id],
        )?;
    }
    let delete = "DELETE FROM device_tag WHERE tenant = ?1 AND device = ?2";
    tx.execute(delete, values![id])?;
    for tag in &device.tags {
        tx.execute(
            "INSERT INTO device_tag (tenant, value, device) VALUES (?1, ?2, ?3)",
            values![tag.as_str(), id],
        )?;
    }
    Ok(())
}

pub(super) fn remove(tx: &Tx<'_>, id: &DeviceId) -> Result<(), StoreError> {
    let id = id.as_str();
    for table in [
        "device_identity",
        "device_tag",
        "device_sample",
        "device_latest",
    ] {
        let delete = format!("DELETE FROM {table} WHERE tenant = ?1 AND device = ?2");
        tx.execute(&delete, values![id])?;
    }
    let delete = "DELETE FROM device WHERE tenant = ?1 AND id = ?2";
    match tx.execute(delete, values![id])? {
        0 => Err(StoreError::Unknown("a device with this identifier")),
        _ => Ok(()),
    }
}

/// The device around an eUICC that the eIM is to manage, if no device has it.
pub(in crate::sql) fn around(tx: &Tx<'_>, eid: Eid) -> Result<(), StoreError> {
    if holder(tx, "eid", &eid.to_string())?.is_some() {
        return Ok(());
    }
    let device = Device::around(eid);
    let there = "SELECT version FROM device WHERE tenant = ?1 AND id = ?2";
    let there: Option<(i64,)> = tx.first(there, values![device.id.as_str()])?;
    if there.is_some() {
        return Ok(());
    }
    let columns = columns::of(&device)?;
    let sql = format!(
        "INSERT INTO device (tenant, id, version, {}) VALUES (?1, ?2, 1, {})",
        columns::names(),
        places(3, columns.len())
    );
    let id = device.id.as_str();
    let mut values = values![id];
    values.extend(columns.iter().map(Column::as_value));
    tx.execute(&sql, values)?;
    bind(tx, &device)
}
