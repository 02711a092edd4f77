//! eUICCs and their devices' contacts.

use fleet::events::EventType;
use fleet::operations::Rhythm;
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;

use super::db::{Db, values};
use super::{changes, devices, events, exists, holder, one_row, operations, outbox};
use crate::contract::{Contact, EuiccChange, StoreError, Versioned};
use crate::tenant::Tenant;

pub(super) fn add_euicc(tx: &Db<'_>, record: &EuiccRecord) -> Result<(), StoreError> {
    let sent = holder::claim(tx, record.eid)?;
    let record = &EuiccRecord {
        counter_value: record.counter_value.max(sent),
        ..record.clone()
    };
    let eid = record.eid.to_string();
    let document = tx.seal("euicc", &eid, record)?;
    tx.execute(
        "INSERT INTO euicc (tenant, eid, version, waits, document) VALUES (?1, ?2, 1, ?3, ?4)",
        values![eid, record.waits_for_profile(), document],
    )
    .map_err(exists("an eUICC with this EID"))?;
    devices::add_around(tx, record.eid)?;
    events::note_device(tx, EventType::DeviceAdded, record.eid)?;
    changes::note(tx, record.eid)
}

/// Codes are given away in their order.
pub(super) fn allot_code(
    tx: &Db<'_>,
    stock: &str,
    codes: usize,
    eid: Eid,
) -> Result<Option<usize>, StoreError> {
    let given = "SELECT place FROM code WHERE tenant = ?1 AND stock = ?2 AND eid = ?3";
    if let Some((given,)) = tx.first::<(i64,)>(given, values![stock, eid])? {
        return Ok(usize::try_from(given).ok());
    }
    let next = "SELECT coalesce(max(place) + 1, 0) FROM code WHERE tenant = ?1 AND stock = ?2";
    let next: Option<(i64,)> = tx.first(next, values![stock])?;
    let next = next.map_or(0, |(next,)| next);
    let Some(place) = usize::try_from(next).ok().filter(|place| *place < codes) else {
        return Ok(None);
    };
    tx.execute(
        "INSERT INTO code (tenant, stock, place, eid) VALUES (?1, ?2, ?3, ?4)",
        values![stock, next, eid],
    )?;
    Ok(Some(place))
}

pub(super) fn euicc(db: &Db<'_>, eid: Eid) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
    let row: Option<(i64, Vec<u8>)> = db.first(
        "SELECT version, document FROM euicc WHERE tenant = ?1 AND eid = ?2",
        values![eid],
    )?;
    let read = |(version, document): (i64, Vec<u8>)| {
        Ok(Versioned {
            value: db.unseal("euicc", &eid.to_string(), &document)?,
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn remove_euicc(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    let Some(Versioned { value, .. }) = euicc(tx, eid)? else {
        return Err(StoreError::Unknown("an eUICC with this EID"));
    };
    holder::release(tx, eid, value.counter_value)?;
    for table in ["operation", "contact", "psk", "euicc"] {
        let delete = format!("DELETE FROM {table} WHERE tenant = ?1 AND eid = ?2");
        tx.execute(&delete, values![eid])?;
    }
    events::note_device(tx, EventType::DeviceRemoved, eid)?;
    changes::note(tx, eid)
}

pub(super) fn euiccs(
    db: &Db<'_>,
    after: Option<Eid>,
    limit: usize,
) -> Result<Vec<EuiccRecord>, StoreError> {
    let after = after.map(|eid| eid.to_string()).unwrap_or_default();
    let rows: Vec<(String, Vec<u8>)> = db.all(
        "SELECT eid, document FROM euicc WHERE tenant = ?1 AND eid > ?2 ORDER BY eid LIMIT ?3",
        values![after, limit],
    )?;
    let read = |(eid, document): (String, Vec<u8>)| db.unseal("euicc", &eid, &document);
    rows.into_iter().map(read).collect()
}

/// The records of those of these that are there, in any order.
pub(super) fn euiccs_among(db: &Db<'_>, eids: &[Eid]) -> Result<Vec<EuiccRecord>, StoreError> {
    let eids: Vec<String> = eids.iter().map(Eid::to_string).collect();
    let eids: Vec<&str> = eids.iter().map(String::as_str).collect();
    let select = "SELECT eid, document FROM euicc WHERE tenant = ?1 AND eid";
    let rows = db.of_these::<(String, Vec<u8>)>(select, &eids, "")?;
    let read = |(eid, document): (String, Vec<u8>)| db.unseal("euicc", &eid, &document);
    rows.into_iter().map(read).collect()
}

/// What the index knows of an eUICC.
const INDEXED: &str = "SELECT tenant, eid, CASE WHEN waits = 1 OR EXISTS
         (SELECT 1 FROM operation WHERE operation.tenant = euicc.tenant
              AND operation.eid = euicc.eid AND is_open = 1)
         THEN 1 ELSE 0 END
     FROM euicc WHERE";

pub(super) fn euicc_index(db: &Db<'_>) -> Result<Vec<(Eid, bool)>, StoreError> {
    let mut index = Vec::new();
    let own = format!("{INDEXED} tenant = ?1");
    db.each(&own, values![], |(_, eid, busy): (String, String, bool)| {
        // Only whole EIDs are put in.
        index.extend(eid.parse().ok().map(|eid| (eid, busy)));
        Ok(())
    })?;
    Ok(index)
}

/// The same of all tenants.
pub(super) fn index_of_all(
    db: &Db<'_>,
    found: &mut dyn FnMut(&Tenant, Eid, bool),
) -> Result<(), StoreError> {
    let all = format!("{INDEXED} ?1 <> ''");
    // Those of one tenant come one after the other, mostly.
    let mut of = Tenant::default();
    db.each(
        &all,
        values![],
        |(tenant, eid, busy): (String, String, bool)| {
            if tenant != of.as_str()
                && let Ok(other) = tenant.parse()
            {
                of = other;
            }
            if let Some(eid) = eid.parse().ok().filter(|_| tenant == of.as_str()) {
                found(&of, eid, busy);
            }
            Ok(())
        },
    )
}

/// Each contact is put down with the pause since the one before.
pub(super) fn put_contacts(tx: &Db<'_>, contacts: &[(Eid, Timestamp)]) -> Result<(), StoreError> {
    for (eid, last) in contacts {
        let before = contact(tx, *eid)?;
        if before.is_some_and(|before| before.last >= *last) {
            continue;
        }
        let rhythm = before.map(|before| before.rhythm.after(last.since(before.last)));
        let rhythm = rhythm.unwrap_or_default().to_bytes();
        tx.execute(
            "INSERT INTO contact (tenant, eid, last, rhythm)
                 SELECT tenant, eid, CAST(?3 AS BIGINT), ?4 FROM euicc
                 WHERE tenant = ?1 AND eid = ?2
             ON CONFLICT (tenant, eid) DO UPDATE
                 SET last = excluded.last, rhythm = excluded.rhythm",
            values![eid, last, rhythm],
        )?;
    }
    Ok(())
}

pub(super) fn contact(db: &Db<'_>, eid: Eid) -> Result<Option<Contact>, StoreError> {
    let select = "SELECT last, rhythm FROM contact WHERE tenant = ?1 AND eid = ?2";
    let row: Option<(Timestamp, Option<Vec<u8>>)> = db.first(select, values![eid])?;
    Ok(row.map(|(last, rhythm)| Contact {
        last,
        rhythm: Rhythm::from_bytes(&rhythm.unwrap_or_default()),
    }))
}

pub(super) fn commit(tx: &Db<'_>, change: &EuiccChange<'_>) -> Result<(), StoreError> {
    let eid = change.record.eid.to_string();
    let document = tx.seal("euicc", &eid, change.record)?;
    let waits = change.record.waits_for_profile();
    let changed = tx.execute(
        "UPDATE euicc SET document = ?2, waits = ?3, version = version + 1
         WHERE tenant = ?1 AND eid = ?4 AND version = ?5",
        values![document, waits, eid, change.version],
    )?;
    one_row(changed)?;
    for operation in change.operations {
        operations::put(tx, operation)?;
    }
    for evidence in change.evidence {
        outbox::add(tx, change.record.eid, evidence, change.now)?;
    }
    devices::note_profiles(tx, change.record, change.now)?;
    let open = change.operations.iter().any(|open| !open.is_final());
    match waits || open {
        true => changes::note(tx, change.record.eid),
        false => Ok(()),
    }
}
