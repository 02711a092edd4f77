//! Imports: rows are put aside as they come, in tables that nobody reads, and become
//! the inventory in one transaction when the last one is there and none is wrong.

use fleet::import::RowError;
use fleet::inventory::Identity;
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;

use super::{Tx, columns, of_tenant, places};
use crate::contract::StoreError;
use crate::device_contract::{ImportedDevice, Switched, record_of};
use crate::engine::{Column, Value};
use crate::sql::db::{Db, values};

/// Rows of one statement: their values stay below what engines take.
const AT_ONCE: usize = 100;

/// Rows of one step of the switch. Where two tables are joined both are held to the
/// step: an engine has not counted yet what this transaction has written, and may
/// compare all of one with all of the other.
const STEP: usize = 1_000;

/// Tables that an import fills, and those that it is switched to.
pub(super) const STAGED: &str =
    "device_stage, device_identity_stage, device_tag_stage, euicc_stage";
pub(super) const SWITCHED: &str = "device, device_identity, device_tag, euicc";

/// Rows that are forgotten in one transaction.
const FORGOTTEN: usize = 20_000;

/// Puts rows aside; gives what is claimed twice.
pub(super) fn stage(
    tx: &Tx<'_>,
    import: &str,
    rows: &[ImportedDevice],
    now: Timestamp,
) -> Result<Vec<RowError>, StoreError> {
    tx.execute(
        "INSERT INTO import (tenant, id, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant, id) DO UPDATE SET at = excluded.at",
        values![import, now],
    )?;
    let mut errors = Vec::new();
    for rows in rows.chunks(AT_ONCE) {
        let mut devices = Vec::new();
        let (mut identities, mut tags) = (Vec::new(), Vec::new());
        for row in rows {
            let mut cells = vec![text(row.device.id.as_str()), number(row.line)];
            cells.extend(columns::of(&row.device)?);
            devices.push(cells);
            identities.extend(row.device.identities().into_iter().map(|one| (row, one)));
            for tag in &row.device.tags {
                tags.push(vec![text(tag.as_str()), text(row.device.id.as_str())]);
            }
        }
        let table = format!(
            "device_stage (tenant, import, id, line, {})",
            columns::names()
        );
        if insert(tx, &table, import, &devices)? < devices.len() as u64 {
            errors.extend(twice(tx, import, rows)?);
        }
        errors.extend(stage_identities(tx, import, &identities)?);
        let table = "device_tag_stage (tenant, import, value, device)";
        insert(tx, table, import, &tags)?;
        stage_euiccs(tx, import, rows)?;
    }
    Ok(errors)
}

fn text(text: &str) -> Column {
    Column::Text(text.to_string())
}

fn number(number: u64) -> Column {
    Column::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Puts rows into a table, many at once; those whose key is there are left out.
fn insert(tx: &Tx<'_>, table: &str, import: &str, rows: &[Vec<Column>]) -> Result<u64, StoreError> {
    let mut added = 0;
    for rows in rows.chunks(AT_ONCE) {
        let mut values = of_tenant();
        values.push(Value::Text(import.into()));
        let mut groups = Vec::new();
        for row in rows {
            groups.push(format!("(?1, ?2, {})", places(values.len() + 1, row.len())));
            values.extend(row.iter().map(Column::as_value));
        }
        let sql = format!(
            "INSERT INTO {table} VALUES {} ON CONFLICT DO NOTHING",
            groups.join(", ")
        );
        added += tx.execute(&sql, values)?;
    }
    Ok(added)
}

/// Rows whose device was there before.
fn twice(tx: &Tx<'_>, import: &str, rows: &[ImportedDevice]) -> Result<Vec<RowError>, StoreError> {
    let select = "SELECT line FROM device_stage WHERE tenant = ?1 AND import = ?2 AND id = ?3";
    let mut errors = Vec::new();
    for row in rows {
        let id = row.device.id.as_str();
        let first: Option<(u64,)> = tx.first(select, values![import, id])?;
        if let Some((first,)) = first
            && first != row.line
        {
            let what = format!("device {id} stands on line {first} already");
            errors.push(error(row.line, "id", what, "leave one of the lines out"));
        }
    }
    Ok(errors)
}

fn error(line: u64, column: &str, what: String, remedy: &str) -> RowError {
    RowError {
        line,
        column: Some(column.to_string()),
        what,
        remedy: remedy.to_string(),
    }
}

fn stage_identities(
    tx: &Tx<'_>,
    import: &str,
    identities: &[(&ImportedDevice, Identity)],
) -> Result<Vec<RowError>, StoreError> {
    let cells = |(row, identity): &(&ImportedDevice, Identity)| {
        let (kind, value) = (identity.kind().name(), identity.value());
        vec![
            text(kind),
            text(&value),
            text(row.device.id.as_str()),
            number(row.line),
        ]
    };
    let rows: Vec<_> = identities.iter().map(cells).collect();
    let table = "device_identity_stage (tenant, import, kind, value, device, line)";
    if insert(tx, table, import, &rows)? == rows.len() as u64 {
        return Ok(Vec::new());
    }
    let select = "SELECT device, line FROM device_identity_stage
         WHERE tenant = ?1 AND import = ?2 AND kind = ?3 AND value = ?4";
    let mut errors = Vec::new();
    for (row, identity) in identities {
        let (kind, value) = (identity.kind().name(), identity.value());
        let first: Option<(String, u64)> = tx.first(select, values![import, kind, value])?;
        if let Some((device, line)) = first
            && line != row.line
        {
            let what = format!(
                "{identity} is of device {device} on line {line}, and cannot be of {}",
                row.device.id
            );
            errors.push(error(row.line, kind, what, "correct one of the lines"));
        }
    }
    Ok(errors)
}

/// Records for the eIM, sealed as they will rest. A counter does not go back behind
/// the one that was sent when the eUICC was known before.
fn stage_euiccs(tx: &Tx<'_>, import: &str, rows: &[ImportedDevice]) -> Result<(), StoreError> {
    let sims = rows.iter().flat_map(|row| &row.device.sims);
    let records: Vec<EuiccRecord> = sims.filter_map(record_of).collect();
    if records.is_empty() {
        return Ok(());
    }
    let eids: Vec<String> = records
        .iter()
        .map(|record| record.eid.to_string())
        .collect();
    let sql = format!(
        "SELECT eid, counter_value FROM euicc_holder WHERE ?1 <> '' AND eid IN ({})",
        places(2, eids.len())
    );
    let mut values = of_tenant();
    values.extend(eids.iter().map(|eid| Value::Text(eid.as_str().into())));
    let sent: Vec<(String, i64)> = tx.all(&sql, values)?;
    let mut cells = Vec::new();
    for (eid, mut record) in eids.iter().zip(records) {
        let sent = sent.iter().find(|(known, _)| known == eid);
        let sent = sent.map_or(0, |(_, counter)| *counter);
        record.counter_value = record.counter_value.max(sent);
        let document = tx.seal("euicc", eid, &record)?;
        let counter = Column::Integer(record.counter_value);
        cells.push(vec![text(eid), counter, Column::Octets(document)]);
    }
    let table = "euicc_stage (tenant, import, eid, counter_value, document)";
    insert(tx, table, import, &cells)?;
    Ok(())
}

/// Makes what was put aside the inventory.
pub(super) fn switch(
    tx: &Tx<'_>,
    import: &str,
    now: Timestamp,
    told: &mut dyn FnMut(u64),
) -> Result<Switched, StoreError> {
    let mut switched = Switched::default();
    // First what devices lose, so that another one of the file may have it.
    steps(tx, import, "device_stage", "id", "", |from, to, _| {
        release(tx, import, from, to)
    })?;
    let mut through = 0;
    steps(tx, import, "device_stage", "id", "", |from, to, count| {
        devices(tx, import, [from, to], now, count, &mut switched)?;
        through += count;
        told(through);
        Ok(())
    })?;
    for kind in ["eid", "iccid", "imsi", "imei"] {
        let of_kind = format!(" AND kind = '{kind}'");
        steps(
            tx,
            import,
            "device_identity_stage",
            "value",
            &of_kind,
            |from, to, _| {
                switched
                    .errors
                    .extend(conflicts(tx, import, kind, from, to)?);
                identities(tx, import, kind, from, to)
            },
        )?;
    }
    steps(
        tx,
        import,
        "device_tag_stage",
        "device",
        "",
        |from, to, _| {
            tx.execute(
                "INSERT INTO device_tag (tenant, value, device)
                 SELECT tenant, value, device FROM device_tag_stage
                 WHERE tenant = ?1 AND import = ?2 AND device > ?3 AND device <= ?4
             ON CONFLICT (tenant, value, device) DO NOTHING",
                values![import, from, to],
            )?;
            Ok(())
        },
    )?;
    steps(tx, import, "euicc_stage", "eid", "", |from, to, _| {
        switched.euiccs += euiccs(tx, import, from, to, &mut switched.errors)?;
        Ok(())
    })?;
    Ok(switched)
}

/// Goes over a table that was put aside, by a column of its key: the values of a step
/// lie behind the first and up to the second one.
fn steps(
    tx: &Tx<'_>,
    import: &str,
    table: &str,
    column: &str,
    further: &str,
    mut step: impl FnMut(&str, &str, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT max({column}), count(*) FROM (SELECT {column} FROM {table}
             WHERE tenant = ?1 AND import = ?2{further} AND {column} > ?3
             ORDER BY {column} LIMIT ?4) AS part"
    );
    let mut from = String::new();
    loop {
        let found: Option<(Option<String>, u64)> = tx.first(&sql, values![import, from, STEP])?;
        let Some((Some(to), count)) = found else {
            return Ok(());
        };
        step(&from, &to, count)?;
        from = to;
    }
}

/// Takes identities and tags from devices that are known and come anew.
fn release(tx: &Tx<'_>, import: &str, from: &str, to: &str) -> Result<(), StoreError> {
    for (table, further) in [("device_identity", " AND learned = 0"), ("device_tag", "")] {
        let delete = format!(
            "DELETE FROM {table} WHERE tenant = ?1{further}
                 AND device > ?3 AND device <= ?4 AND device IN
                 (SELECT s.id FROM device_stage s
                  WHERE s.tenant = ?1 AND s.import = ?2 AND s.id > ?3 AND s.id <= ?4)"
        );
        tx.execute(&delete, values![import, from, to])?;
    }
    Ok(())
}

/// Devices of a step.
fn devices(
    tx: &Tx<'_>,
    import: &str,
    [from, to]: [&str; 2],
    now: Timestamp,
    count: u64,
    switched: &mut Switched,
) -> Result<(), StoreError> {
    let known: Option<(u64, u64)> = tx.first(
        "SELECT count(*), coalesce(sum(CASE WHEN d.document = s.document THEN 1 ELSE 0 END), 0)
         FROM device_stage s JOIN device d ON d.tenant = s.tenant AND d.id = s.id
         WHERE s.tenant = ?1 AND s.import = ?2 AND s.id > ?3 AND s.id <= ?4
             AND d.id > ?3 AND d.id <= ?4",
        values![import, from, to],
    )?;
    let (known, same) = known.unwrap_or_default();
    switched.added += count.saturating_sub(known);
    switched.updated += known.saturating_sub(same);
    switched.unchanged += same;
    let names = columns::names();
    let set: Vec<_> = names
        .split(", ")
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sql = format!(
        "INSERT INTO device (tenant, id, version, created, {names})
             SELECT tenant, id, 1, CAST(?5 AS BIGINT), {names} FROM device_stage
             WHERE tenant = ?1 AND import = ?2 AND id > ?3 AND id <= ?4 ORDER BY id
         ON CONFLICT (tenant, id) DO UPDATE SET version = device.version + 1, {}
             WHERE device.document <> excluded.document",
        set.join(", ")
    );
    tx.execute(&sql, values![import, from, to, now])?;
    Ok(())
}

/// Identities that devices have which are not in the file.
fn conflicts(
    tx: &Tx<'_>,
    import: &str,
    kind: &str,
    from: &str,
    to: &str,
) -> Result<Vec<RowError>, StoreError> {
    let rows: Vec<(String, u64, String, String)> = tx.all(
        "SELECT s.value, s.line, s.device, i.device FROM device_identity_stage s
             JOIN device_identity i
                 ON i.tenant = s.tenant AND i.kind = s.kind AND i.value = s.value
         WHERE s.tenant = ?1 AND s.import = ?2 AND s.kind = ?3 AND s.value > ?4
             AND s.value <= ?5 AND i.value > ?4 AND i.value <= ?5
             AND i.device <> s.device LIMIT 1000",
        values![import, kind, from, to],
    )?;
    let conflict = |(value, line, claimant, holder): (String, u64, String, String)| {
        let name = kind.to_ascii_uppercase();
        let what = format!("{name} {value} is of device {holder}, and cannot be of {claimant}");
        error(
            line,
            kind,
            what,
            "correct the line, or the device that has it",
        )
    };
    Ok(rows.into_iter().map(conflict).collect())
}

fn identities(
    tx: &Tx<'_>,
    import: &str,
    kind: &str,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO device_identity (tenant, kind, value, device, learned)
             SELECT tenant, kind, value, device, 0 FROM device_identity_stage
             WHERE tenant = ?1 AND import = ?2 AND kind = ?3 AND value > ?4 AND value <= ?5
             ORDER BY value
         ON CONFLICT (tenant, kind, value) DO UPDATE SET learned = 0",
        values![import, kind, from, to],
    )?;
    Ok(())
}

/// eUICCs of a step; those that the eIM manages already stay as they are there.
fn euiccs(
    tx: &Tx<'_>,
    import: &str,
    from: &str,
    to: &str,
    errors: &mut Vec<RowError>,
) -> Result<u64, StoreError> {
    let behind: Vec<(String,)> = tx.all(
        "SELECT s.eid FROM euicc_stage s JOIN euicc_holder h ON h.eid = s.eid
         WHERE s.tenant = ?1 AND s.import = ?2 AND s.eid > ?3 AND s.eid <= ?4
             AND h.eid > ?3 AND h.eid <= ?4 AND h.tenant = ''
             AND h.counter_value > s.counter_value LIMIT 1000",
        values![import, from, to],
    )?;
    for (eid,) in behind {
        let what = format!("eUICC {eid} was removed from the eIM meanwhile");
        errors.push(error(0, "eid", what, "import the file again"));
    }
    errors.extend(claim(tx, import, from, to)?);
    if let Some(clock) = tx.connection.shared_clock() {
        tx.execute(
            &format!(
                "INSERT INTO change (tenant, eid, at)
                     SELECT tenant, eid, {clock} FROM euicc_stage
                     WHERE tenant = ?1 AND import = ?2 AND eid > ?3 AND eid <= ?4
                 ON CONFLICT (tenant, eid) DO UPDATE SET at = excluded.at"
            ),
            values![import, from, to],
        )?;
    }
    Ok(tx.execute(
        "INSERT INTO euicc (tenant, eid, version, waits, document)
             SELECT tenant, eid, 1, 0, document FROM euicc_stage
             WHERE tenant = ?1 AND import = ?2 AND eid > ?3 AND eid <= ?4 ORDER BY eid
         ON CONFLICT (tenant, eid) DO NOTHING",
        values![import, from, to],
    )?)
}

/// Makes eUICCs of a step the tenant's; gives those that are another one's.
fn claim(tx: &Tx<'_>, import: &str, from: &str, to: &str) -> Result<Vec<RowError>, StoreError> {
    tx.execute(
        "INSERT INTO euicc_holder (eid, tenant, counter_value)
             SELECT eid, tenant, 0 FROM euicc_stage
             WHERE tenant = ?1 AND import = ?2 AND eid > ?3 AND eid <= ?4 ORDER BY eid
         ON CONFLICT (eid) DO UPDATE SET tenant = excluded.tenant
             WHERE euicc_holder.tenant = ''",
        values![import, from, to],
    )?;
    let elsewhere: Vec<(String, Option<u64>)> = tx.all(
        "SELECT s.eid, i.line FROM euicc_stage s JOIN euicc_holder h ON h.eid = s.eid
             LEFT JOIN device_identity_stage i ON i.tenant = s.tenant AND i.import = s.import
                 AND i.kind = 'eid' AND i.value = s.eid
         WHERE s.tenant = ?1 AND s.import = ?2 AND s.eid > ?3 AND s.eid <= ?4
             AND h.eid > ?3 AND h.eid <= ?4 AND h.tenant <> s.tenant LIMIT 1000",
        values![import, from, to],
    )?;
    let error = |(eid, line): (String, Option<u64>)| {
        let what = format!("eUICC {eid} cannot be added here");
        let remedy = "check the EID; if it is right, ask whoever runs the server";
        error(line.unwrap_or(0), "eid", what, remedy)
    };
    Ok(elsewhere.into_iter().map(error).collect())
}

pub(super) fn staged_euiccs(
    db: &Db<'_>,
    import: &str,
    after: Option<Eid>,
    limit: usize,
) -> Result<Vec<Eid>, StoreError> {
    let after = after.map(|eid| eid.to_string()).unwrap_or_default();
    let select = "SELECT eid FROM euicc_stage
         WHERE tenant = ?1 AND import = ?2 AND eid > ?3 ORDER BY eid LIMIT ?4";
    let rows: Vec<(String,)> = db.all(select, values![import, after, limit])?;
    Ok(rows.iter().filter_map(|(eid,)| eid.parse().ok()).collect())
}

/// Forgets some of what an import put aside; whether there is more.
pub(super) fn drop_some(tx: &Tx<'_>, import: &str) -> Result<bool, StoreError> {
    for (table, column, further) in [
        ("device_stage", "id", ""),
        ("device_identity_stage", "value", " AND kind = 'eid'"),
        ("device_identity_stage", "value", " AND kind = 'iccid'"),
        ("device_identity_stage", "value", " AND kind = 'imsi'"),
        ("device_identity_stage", "value", " AND kind = 'imei'"),
        ("device_tag_stage", "device", ""),
        ("euicc_stage", "eid", ""),
    ] {
        let up_to = format!(
            "SELECT max({column}) FROM (SELECT {column} FROM {table}
                 WHERE tenant = ?1 AND import = ?2{further}
                 ORDER BY {column} LIMIT ?3) AS part"
        );
        let up_to: Option<(Option<String>,)> = tx.first(&up_to, values![import, FORGOTTEN])?;
        if let Some((Some(up_to),)) = up_to {
            let delete = format!(
                "DELETE FROM {table} WHERE tenant = ?1 AND import = ?2{further}
                     AND {column} <= ?3"
            );
            tx.execute(&delete, values![import, up_to])?;
            return Ok(true);
        }
    }
    let delete = "DELETE FROM import WHERE tenant = ?1 AND id = ?2";
    tx.execute(delete, values![import])?;
    Ok(false)
}

pub(super) fn abandoned(db: &Db<'_>, since: Timestamp) -> Result<Vec<String>, StoreError> {
    let select = "SELECT id FROM import WHERE tenant = ?1 AND at < ?2";
    let rows: Vec<(String,)> = db.all(select, values![since])?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
