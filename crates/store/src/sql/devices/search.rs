//! Searches: page by page, each of which looks at a bounded number of devices.
//!
//! A page begins where the one before ended (no OFFSET), and never counts. What of a
//! query is an equality on a column with an index, or on an identity, says at which
//! devices it looks: all others of the tenant are out of the way. It looks at them in
//! windows that grow, so that a query that finds many is done soon, and one that finds
//! few ends its page after the last window.

use std::collections::HashMap;

use fleet::inventory::{DeviceId, Identity};
use fleet::query::{Check, Comparison, Expr, Field, FieldType, Literal, Query, Test};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;

use super::translate::condition;
use super::{places, read_device, read_id};
use crate::contract::StoreError;
use crate::device_contract::{DevicePage, StoredDevice};
use crate::engine::{Column, Value};
use crate::sql::db::{Db, values};

/// Devices that a page looks at, in windows one after the other.
const WINDOWS: [usize; 3] = [500, 4_000, 16_000];

/// Fields whose columns have an index, those that are likely to say the most first.
const INDEXED: [Field; 6] = [
    Field::Serial,
    Field::Site,
    Field::Owner,
    Field::Model,
    Field::Country,
    Field::Tier,
];

/// What is read of a device in its own row.
const SHOWN: &str = "d.id, d.version, d.created, d.document";

/// The identities of devices, with an EID when its eUICC polled last and whether the eIM
/// manages it: all that a device is shown with is found from here, each once.
const IDENTITIES: &str = "SELECT i.device, i.kind, i.value,
        CASE WHEN i.kind = 'eid' THEN (SELECT c.last FROM contact c
            WHERE c.tenant = i.tenant AND c.eid = i.value) END,
        CASE WHEN i.kind = 'eid' THEN (SELECT 1 FROM euicc e
            WHERE e.tenant = i.tenant AND e.eid = i.value) END
    FROM device_identity i WHERE i.tenant = ?1 AND i.device";

/// At which devices a search looks.
enum Source<'q> {
    /// All of the tenant.
    All,
    /// Those with this value in a column.
    Column(Field, &'q str),
    /// Those with this tag.
    Tag(&'q str),
    /// Those that have one of these identities.
    Identity(Field, Vec<&'q str>),
    /// One of these.
    Ids(Vec<&'q str>),
}

/// Tests all of which hold for what is found.
fn conjuncts(query: &Query) -> impl Iterator<Item = &Test> {
    let all: &[Expr] = match query.condition() {
        Some(Expr::All(all)) => all,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    all.iter().filter_map(|one| match one {
        Expr::Test(test) if !test.negated => Some(test),
        _ => None,
    })
}

fn text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) => Some(text),
        _ => None,
    }
}

/// The values of which a field must be one.
fn wanted(test: &Test) -> Option<Vec<&str>> {
    match &test.check {
        Check::Is(Comparison::Equal, literal) => Some(vec![text(literal)?]),
        Check::In(literals) => literals.iter().map(text).collect(),
        _ => None,
    }
}

fn source(query: &Query) -> Source<'_> {
    let tests: Vec<(&Test, Vec<&str>)> = conjuncts(query)
        .filter_map(|test| Some((test, wanted(test)?)))
        .collect();
    if let Some((_, ids)) = tests.iter().find(|(test, _)| test.field == Field::Id) {
        return Source::Ids(ids.clone());
    }
    let is_identity = |test: &Test| matches!(test.field.kind(), FieldType::Identity(_));
    if let Some((test, values)) = tests.iter().find(|(test, _)| is_identity(test)) {
        return Source::Identity(test.field, values.clone());
    }
    let one = |field: Field| {
        let test = tests
            .iter()
            .find(|(test, values)| test.field == field && values.len() == 1);
        test.and_then(|(_, values)| values.first().copied())
    };
    for field in INDEXED.iter().take(3) {
        if let Some(value) = one(*field) {
            return Source::Column(*field, value);
        }
    }
    if let Some(tag) = one(Field::Tag) {
        return Source::Tag(tag);
    }
    let mut rest = INDEXED.iter().skip(3);
    rest.find_map(|field| one(*field).map(|value| Source::Column(*field, value)))
        .unwrap_or(Source::All)
}

/// A part of what a query finds.
pub(super) fn page(
    db: &Db<'_>,
    query: &Query,
    after: Option<&DeviceId>,
    limit: usize,
    now: Timestamp,
) -> Result<DevicePage, StoreError> {
    let after = after.map(DeviceId::as_str).unwrap_or_default();
    match source(query) {
        Source::Ids(ids) => {
            let known = "SELECT id FROM device WHERE tenant = ?1 AND id > ?2 AND id";
            let ids = few(db, known, "id", &ids, after, limit)?;
            of_ids(db, query, &ids, limit, now)
        }
        Source::Identity(field, values) => {
            let kind = field.name();
            let known = format!(
                "SELECT DISTINCT device FROM device_identity
                 WHERE tenant = ?1 AND device > ?2 AND kind = '{kind}' AND value"
            );
            let ids = few(db, &known, "device", &values, after, limit)?;
            of_ids(db, query, &ids, limit, now)
        }
        Source::All if query.condition().is_none() => list(db, after, limit),
        Source::All => windows(db, query, &Scan::all(), after, limit, now),
        Source::Column(field, value) => {
            let scan = Scan::column(field, value);
            windows(db, query, &scan, after, limit, now)
        }
        Source::Tag(tag) => windows(db, query, &Scan::tag(tag), after, limit, now),
    }
}

/// Identifiers of devices behind `after` with one of these values, `limit` and one
/// more at most.
fn few(
    db: &Db<'_>,
    select: &str,
    order: &str,
    wanted: &[&str],
    after: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let last = wanted.len() + 3;
    let sql = format!(
        "{select} IN ({}) ORDER BY {order} LIMIT ?{last}",
        places(3, wanted.len())
    );
    let mut values = values![after];
    values.extend(wanted.iter().map(|value| Value::Text((*value).into())));
    values.push(Value::Integer(limit as i64 + 1));
    let ids: Vec<(String,)> = db.all(&sql, values)?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Those of these devices that a query finds.
fn of_ids(
    db: &Db<'_>,
    query: &Query,
    ids: &[String],
    limit: usize,
    now: Timestamp,
) -> Result<DevicePage, StoreError> {
    let condition = condition(query.condition(), 3, now);
    let sql = format!(
        "SELECT {SHOWN} FROM device d WHERE d.tenant = ?1 AND d.id = ?2 AND {}",
        condition.sql
    );
    let mut rows = Vec::new();
    for id in ids.iter().take(limit) {
        let mut values = values![id];
        values.extend(condition.values.iter().map(Column::as_value));
        rows.extend(db.first::<Row>(&sql, values)?);
    }
    let mut page = DevicePage {
        devices: stored(db, rows)?,
        next: None,
    };
    if ids.len() > limit
        && let Some(last) = ids.get(limit.saturating_sub(1))
    {
        page.next = Some(read_id(last)?);
    }
    Ok(page)
}

/// What is looked at from one device to the next.
struct Scan {
    /// `FROM … WHERE …` up to the devices between two.
    from: String,
    /// The column by which it goes on.
    id: &'static str,
    /// The value in it, the fourth of the statement.
    value: Option<String>,
}

impl Scan {
    fn all() -> Self {
        Scan {
            from: "FROM device d WHERE d.tenant = ?1".to_string(),
            id: "d.id",
            value: None,
        }
    }

    fn column(field: Field, value: &str) -> Self {
        let name = field.name();
        Scan {
            from: format!("FROM device d WHERE d.tenant = ?1 AND d.{name} = ?4"),
            id: "d.id",
            value: Some(value.to_string()),
        }
    }

    fn tag(value: &str) -> Self {
        let from = "FROM device_tag t JOIN device d ON d.tenant = t.tenant AND d.id = t.device
             WHERE t.tenant = ?1 AND t.value = ?4";
        Scan {
            from: from.to_string(),
            id: "t.device",
            value: Some(value.to_string()),
        }
    }

    /// The last of the next so many devices, and how many they are.
    fn window(&self, db: &Db<'_>, after: &str, size: usize) -> Result<(String, usize), StoreError> {
        let Scan { from, id, value } = self;
        // A tag's devices are counted where the tags are.
        let from = match from.split_once(" JOIN ") {
            Some((from, _)) => format!("{from} WHERE t.tenant = ?1 AND t.value = ?4"),
            None => from.clone(),
        };
        let sql = format!(
            "SELECT coalesce(max(id), ''), count(*) FROM
                 (SELECT {id} AS id {from} AND {id} > ?2 ORDER BY {id} LIMIT ?3) AS part"
        );
        let mut values = values![after, size];
        values.extend(value.as_deref().map(|value| Value::Text(value.into())));
        let found: Option<(String, i64)> = db.first(&sql, values)?;
        let (last, count) = found.unwrap_or_default();
        Ok((last, usize::try_from(count).unwrap_or(0)))
    }
}

/// All devices, which need no windows: each that is looked at is found.
fn list(db: &Db<'_>, after: &str, limit: usize) -> Result<DevicePage, StoreError> {
    let Scan { from, id, .. } = Scan::all();
    let sql = format!("SELECT {SHOWN} {from} AND {id} > ?2 ORDER BY {id} LIMIT ?3");
    let devices = stored(db, db.all(&sql, values![after, limit])?)?;
    let last = devices.last().filter(|_| devices.len() == limit);
    let next = last.map(|last| last.device.id.clone());
    Ok(DevicePage { devices, next })
}

fn windows(
    db: &Db<'_>,
    query: &Query,
    scan: &Scan,
    after: &str,
    limit: usize,
    now: Timestamp,
) -> Result<DevicePage, StoreError> {
    let first = if scan.value.is_some() { 5 } else { 4 };
    let condition = condition(query.condition(), first, now);
    let Scan { from, id, value } = scan;
    let mut page = DevicePage::default();
    let mut after = after.to_string();
    for size in WINDOWS {
        let (last, count) = scan.window(db, &after, size)?;
        if count == 0 {
            return Ok(page);
        }
        let left = limit.saturating_sub(page.devices.len());
        let sql = format!(
            "SELECT {SHOWN} {from} AND {id} > ?2 AND {id} <= ?3 AND {} ORDER BY {id} LIMIT {left}",
            condition.sql
        );
        let mut values = values![after, last];
        values.extend(value.as_deref().map(|value| Value::Text(value.into())));
        values.extend(condition.values.iter().map(Column::as_value));
        page.devices.extend(stored(db, db.all(&sql, values)?)?);
        if page.devices.len() >= limit {
            page.next = page.devices.last().map(|last| last.device.id.clone());
            return Ok(page);
        }
        if count < size {
            return Ok(page);
        }
        after = last;
    }
    page.next = Some(read_id(&after)?);
    Ok(page)
}

/// A device.
pub(super) fn one(db: &Db<'_>, id: &str) -> Result<Option<StoredDevice>, StoreError> {
    let sql = format!("SELECT {SHOWN} FROM device d WHERE d.tenant = ?1 AND d.id = ?2");
    let row = db.first::<Row>(&sql, values![id])?;
    Ok(stored(db, row.into_iter().collect())?.pop())
}

/// A device by its identifier or by an EID, in one statement.
pub(super) fn named(db: &Db<'_>, name: &str) -> Result<Option<StoredDevice>, StoreError> {
    let Ok(eid) = name.parse::<Eid>() else {
        return one(db, name);
    };
    let sql = format!(
        "SELECT {SHOWN} FROM device d WHERE d.tenant = ?1 AND d.id = coalesce(
             (SELECT id FROM device WHERE tenant = ?1 AND id = ?2),
             (SELECT device FROM device_identity
              WHERE tenant = ?1 AND kind = 'eid' AND value = ?3))"
    );
    let row = db.first::<Row>(&sql, values![name, eid])?;
    Ok(stored(db, row.into_iter().collect())?.pop())
}

/// Identifier, version, creation, document.
type Row = (String, i64, Option<Timestamp>, String);

/// Device, kind, value, last contact, whether it is managed.
type IdentityRow = (String, String, String, Option<Timestamp>, Option<i64>);

/// What the identities of a device say of it.
#[derive(Default)]
struct Known {
    identities: Vec<Identity>,
    last_contact: Option<Timestamp>,
    managed: bool,
}

/// What is kept of devices beside their rows, asked for of many at once.
fn stored(db: &Db<'_>, rows: Vec<Row>) -> Result<Vec<StoredDevice>, StoreError> {
    let mut known: HashMap<String, Known> = HashMap::new();
    let mut latest = HashMap::new();
    let ids: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let order = " ORDER BY i.device, i.kind, i.value";
    for row in db.of_these::<IdentityRow>(IDENTITIES, &ids, order)? {
        let (device, kind, value, contact, managed) = row;
        let known = known.entry(device).or_default();
        known.identities.extend(identity(&kind, &value));
        known.last_contact = known.last_contact.max(contact);
        known.managed |= managed.is_some();
    }
    let select = "SELECT device, last_sample, document FROM device_latest
         WHERE tenant = ?1 AND device";
    for (device, at, sample) in db.of_these::<(String, Timestamp, String)>(select, &ids, "")? {
        latest.insert(device, (at, serde_json::from_str(&sample)?));
    }
    let device = |row: Row| {
        let (id, version, created, document) = row;
        let known = known.remove(&id).unwrap_or_default();
        Ok(StoredDevice {
            device: read_device(&document)?,
            version,
            created,
            last_contact: known.last_contact,
            managed: known.managed,
            identities: known.identities,
            latest: latest.remove(&id),
        })
    };
    rows.into_iter().map(device).collect()
}

fn identity(kind: &str, value: &str) -> Option<Identity> {
    match kind {
        "eid" => value.parse().ok().map(Identity::Eid),
        "iccid" => value.parse().ok().map(Identity::Iccid),
        "imsi" => value.parse().ok().map(Identity::Imsi),
        _ => value.parse().ok().map(Identity::Imei),
    }
}
