//! Telemetry at rest.

use fleet::inventory::Profile;
use fleet::query::{Field, Record};
use fleet::telemetry::{Bucket, Level, Retention, Sample, Usage};
use rsp_core::Timestamp;
use serde::de::DeserializeOwned;

use super::Tx;
use super::columns::column;
use super::read_device;
use crate::contract::StoreError;
use crate::engine::Column;
use crate::happened::{Carried, Happened, Sampled};
use crate::sql::db::{Db, values};

pub(super) fn put(
    tx: &Tx<'_>,
    device: &str,
    samples: &[(Timestamp, Sample)],
) -> Result<(), StoreError> {
    let known = "SELECT document FROM device WHERE tenant = ?1 AND id = ?2";
    let known: Option<(String,)> = tx.first(known, values![device])?;
    let (document,) = known.ok_or(StoreError::Unknown("a device with this identifier"))?;
    let counts = tx.done.is_heard() && samples.iter().any(|(_, sample)| !sample.usage.is_empty());
    let profiles = match counts {
        true => profiles(&document)?,
        false => Vec::new(),
    };
    for (at, sample) in samples {
        let document = serde_json::to_string(sample)?;
        let added = tx.execute(
            "INSERT INTO device_sample (tenant, device, level, at, document)
                 VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, device, level, at) DO NOTHING",
            values![device, Level::Raw.name(), at, document],
        )?;
        if added == 0 {
            continue;
        }
        for level in Level::SUMMED {
            add(tx, device, level, *at, sample)?;
        }
        put_latest(tx, device, *at, sample, &document)?;
        tx.done.put(Happened::Sample(sampled(sample, &profiles)));
    }
    Ok(())
}

/// The profiles of a device, and whose they are.
fn profiles(document: &str) -> Result<Vec<Profile>, StoreError> {
    let sims = read_device(document)?.sims.into_iter();
    Ok(sims.flat_map(|sim| sim.profiles).collect())
}

/// What is counted of a sample.
fn sampled(sample: &Sample, profiles: &[Profile]) -> Sampled {
    let carried = |usage: &Usage| {
        let of = profiles.iter().find(|profile| profile.iccid == usage.iccid);
        Carried {
            operator: of.and_then(|profile| Some(profile.operator.as_ref()?.to_string())),
            up: usage.up,
            down: usage.down,
        }
    };
    Sampled {
        forbidden: sample.forbidden.as_ref().map(Vec::len),
        tunnel: sample.tunnel,
        usage: sample.usage.iter().map(carried).collect(),
    }
}

/// Makes a sample a part of its span.
fn add(
    tx: &Tx<'_>,
    device: &str,
    level: Level,
    at: Timestamp,
    sample: &Sample,
) -> Result<(), StoreError> {
    let start = level.start(at);
    let select = "SELECT document FROM device_sample
         WHERE tenant = ?1 AND device = ?2 AND level = ?3 AND at = ?4";
    let known: Option<(String,)> = tx.first(select, values![device, level.name(), start])?;
    let known: Bucket = match known {
        Some((document,)) => serde_json::from_str(&document)?,
        None => Bucket::default(),
    };
    let document = serde_json::to_string(&known.and(Bucket::of(sample, at)))?;
    tx.execute(
        "INSERT INTO device_sample (tenant, device, level, at, document)
             VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, device, level, at) DO UPDATE SET document = excluded.document",
        values![device, level.name(), start, document],
    )?;
    Ok(())
}

fn put_latest(
    tx: &Tx<'_>,
    device: &str,
    at: Timestamp,
    sample: &Sample,
    document: &str,
) -> Result<(), StoreError> {
    let mut record = Record::default();
    record.sample(at, sample);
    let value = |field| record.values(field).first().map_or(Column::Null, column);
    tx.execute(
        "INSERT INTO device_latest (tenant, device, last_sample, rsrp, rsrq, sinr, network, rat,
             registration, tunnel, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (tenant, device) DO UPDATE SET last_sample = excluded.last_sample,
             rsrp = excluded.rsrp, rsrq = excluded.rsrq, sinr = excluded.sinr,
             network = excluded.network, rat = excluded.rat,
             registration = excluded.registration, tunnel = excluded.tunnel,
             document = excluded.document
         WHERE device_latest.last_sample < excluded.last_sample",
        values![
            device,
            at,
            value(Field::Rsrp),
            value(Field::Rsrq),
            value(Field::Sinr),
            value(Field::Network),
            value(Field::Rat),
            value(Field::Registration),
            value(Field::Tunnel),
            document
        ],
    )?;
    Ok(())
}

pub(super) fn read<T: DeserializeOwned>(
    db: &Db<'_>,
    device: &str,
    level: Level,
    span: &std::ops::Range<Timestamp>,
    limit: usize,
) -> Result<Vec<(Timestamp, T)>, StoreError> {
    let select = "SELECT at, document FROM device_sample
         WHERE tenant = ?1 AND device = ?2 AND level = ?3 AND at >= ?4 AND at < ?5
         ORDER BY at LIMIT ?6";
    let level = level.name();
    let values = values![device, level, span.start, span.end, limit];
    let rows: Vec<(Timestamp, String)> = db.all(select, values)?;
    let read = |(at, document): (Timestamp, String)| Ok((at, serde_json::from_str(&document)?));
    rows.into_iter().map(read).collect()
}

pub(super) fn forget(
    tx: &Tx<'_>,
    retention: &Retention,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for level in Level::ALL {
        let oldest = retention.oldest(*level, now);
        forgotten += tx.execute(
            "DELETE FROM device_sample WHERE tenant = ?1 AND level = ?2 AND at < ?3",
            values![level.name(), oldest],
        )?;
    }
    Ok(forgotten)
}
