//! What became of the profiles of eUICCs.

use std::collections::BTreeMap;

use fleet::inventory::{ProfileEvent, ProfileState, changes};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;

use super::{Tx, write};
use crate::contract::StoreError;
use crate::device_contract::ProfileChange;
use crate::sql::db::{Db, values};

pub(super) fn all(db: &Db<'_>, eid: Eid) -> Result<Vec<ProfileChange>, StoreError> {
    let select = "SELECT iccid, event, at FROM profile_history
         WHERE tenant = ?1 AND eid = ?2 ORDER BY number";
    let rows: Vec<(String, String, Timestamp)> = db.all(select, values![eid])?;
    let read = |(iccid, event, at): (String, String, Timestamp)| {
        Some(ProfileChange {
            iccid: serde_json::from_value(iccid.into()).ok()?,
            event: event.parse().ok()?,
            at,
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Puts down what has changed since, in the transaction in which it is learned: the
/// profiles that an eUICC signed to have become identities of its device.
pub(in crate::sql) fn note(
    tx: &Tx<'_>,
    record: &EuiccRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(list) = &record.profiles else {
        return Ok(());
    };
    let history = all(tx, record.eid)?;
    let known: BTreeMap<Iccid, ProfileEvent> =
        history.iter().map(|one| (one.iccid, one.event)).collect();
    let listed = list.profiles.iter().filter_map(|profile| {
        let state = match profile.enabled {
            true => ProfileState::Enabled,
            false => ProfileState::Disabled,
        };
        Some((profile.iccid?, state))
    });
    let changes = changes(&known, &listed.collect());
    if changes.is_empty() {
        return Ok(());
    }
    let device = write::holder(tx, "eid", &record.eid.to_string())?;
    for (number, (iccid, event)) in (history.len() as i64 + 1..).zip(changes) {
        tx.execute(
            "INSERT INTO profile_history (tenant, eid, number, iccid, event, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            values![record.eid, number, iccid, event.name(), now],
        )?;
        let Some(device) = &device else {
            continue;
        };
        match event {
            ProfileEvent::Deleted => tx.execute(
                "DELETE FROM device_identity WHERE tenant = ?1 AND kind = 'iccid'
                     AND value = ?2 AND device = ?3 AND learned = 1",
                values![iccid, device.as_str()],
            )?,
            // What a card signs outweighs what people say of another device.
            _ => tx.execute(
                "INSERT INTO device_identity (tenant, kind, value, device, learned)
                     VALUES (?1, 'iccid', ?2, ?3, 1)
                 ON CONFLICT (tenant, kind, value) DO UPDATE
                     SET device = excluded.device, learned = 1
                     WHERE device_identity.device <> excluded.device",
                values![iccid, device.as_str()],
            )?,
        };
    }
    Ok(())
}
