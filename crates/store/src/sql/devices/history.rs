//! What became of the profiles of eUICCs.

use std::collections::{BTreeMap, BTreeSet};

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

/// The eUICC that a profile is on, as far as eUICCs have said: of several, the one
/// that said so last.
pub(super) fn holder(db: &Db<'_>, iccid: Iccid) -> Result<Option<Eid>, StoreError> {
    let select = "SELECT eid, event FROM profile_history
         WHERE tenant = ?1 AND iccid = ?2 ORDER BY at DESC, eid, number DESC";
    let rows: Vec<(String, String)> = db.all(select, values![iccid])?;
    let mut seen = BTreeSet::new();
    let mut latest = rows.iter().filter(|(eid, _)| seen.insert(eid));
    let there = latest.find(|(_, event)| event != ProfileEvent::Deleted.name());
    Ok(there.and_then(|(eid, _)| eid.parse().ok()))
}

/// Puts down what has changed since, in the transaction in which it is learned: the
/// profiles that an eUICC signed to have, or to have installed, become identities of
/// its device.
pub(in crate::sql) fn note(
    tx: &Tx<'_>,
    record: &EuiccRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let profiles = record.known_profiles();
    if record.profiles.is_none() && profiles.is_empty() {
        return Ok(());
    }
    let history = all(tx, record.eid)?;
    let known: BTreeMap<Iccid, ProfileEvent> =
        history.iter().map(|one| (one.iccid, one.event)).collect();
    let state = |enabled: bool| match enabled {
        true => ProfileState::Enabled,
        false => ProfileState::Disabled,
    };
    let now_there = profiles
        .iter()
        .map(|(iccid, enabled)| (*iccid, state(*enabled)));
    let changes = changes(&known, &now_there.collect());
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
