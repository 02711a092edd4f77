//! Events: noted, numbered, read.

use fleet::events::{Event, EventType, NewEvent, of_operation};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::Operation;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::db::{Db, values};
use super::{SqlStore, webhooks};
use crate::actor::actor;
use crate::bell::News;
use crate::contract::{Due, StoreError};
use crate::engine::{Engine, ToValue, Value};
use crate::events_contract::{EventPage, EventQuery, EventStore};
use crate::happened::{Happened, Moved};
use crate::tenant::Tenant;

/// Rows that one page looks at, at most, of those that a subject is to be found in.
const LOOKED_AT: usize = 5_000;

/// The time of what is noted by who is not told the time.
const NOT_KNOWN: Timestamp = Timestamp(0);

/// What no column has.
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    data: Json,
}

impl<E: Engine> EventStore for SqlStore<E> {
    fn note_events(&self, events: &[NewEvent]) -> Result<(), StoreError> {
        self.transact(|tx| {
            let noted = events.iter().map(|event| note(tx, event));
            noted.collect()
        })
    }

    fn number_events(&self, holder: &str, due: &Due) -> Result<u64, StoreError> {
        // Nothing is written as long as nothing waits.
        match self.read(|db| upto(db, due.limit))? {
            None => Ok(0),
            Some(_) => self.transact(|tx| number(tx, holder, due)),
        }
    }

    fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        self.read(|db| page(db, query))
    }

    fn forget_events(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.transact(|tx| forget(tx, before, limit))
    }
}

/// What is asked of all tenants at once.
impl<E: Engine> SqlStore<E> {
    pub(crate) fn tenants_to_number(&self) -> Result<Vec<Tenant>, StoreError> {
        let waiting = "SELECT DISTINCT tenant FROM event_waiting WHERE ?1 <> ''";
        self.read(|db| tenants(db, waiting, values![]))
    }

    pub(crate) fn tenants_to_tell(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError> {
        let due = format!(
            "SELECT DISTINCT tenant FROM webhook_endpoint WHERE ?1 <> '' AND {}",
            webhooks::WAITS
        );
        self.read(|db| tenants(db, &due, values![now]))
    }

    pub(crate) fn tenants_with_events(&self) -> Result<Vec<Tenant>, StoreError> {
        let all = "SELECT tenant FROM event_counter WHERE ?1 <> ''";
        self.read(|db| tenants(db, all, values![]))
    }
}

/// The tenants that a statement gives; names that are none are nobody's.
pub(super) fn tenants(
    db: &Db<'_>,
    query: &str,
    values: Vec<Value<'_>>,
) -> Result<Vec<Tenant>, StoreError> {
    let names: Vec<(String,)> = db.all(query, values)?;
    let tenants = names.iter().filter_map(|(name,)| name.parse().ok());
    Ok(tenants.collect())
}

/// Notes what happened to no eUICC.
pub(super) fn note(tx: &Db<'_>, event: &NewEvent) -> Result<(), StoreError> {
    insert(tx, "", tx.number(event.time), event).map(drop)
}

/// Notes what happened to a device; its time is when it is numbered, which is at
/// once.
pub(super) fn note_device(tx: &Db<'_>, kind: EventType, eid: Eid) -> Result<(), StoreError> {
    let event = NewEvent {
        data: json!({"eid": eid.to_string()}),
        ..NewEvent::new(kind, format!("devices/{eid}"), NOT_KNOWN)
    };
    insert(tx, &eid.to_string(), tx.number(NOT_KNOWN), &event).map(drop)
}

/// Notes the state of an operation, if it is another one; gives the number that is
/// to be kept with the operation, so that its next event has a greater one even if
/// another process with another clock notes it.
pub(super) fn note_operation(
    tx: &Db<'_>,
    operation: &Operation,
) -> Result<Option<i64>, StoreError> {
    let before: Option<(String, Option<i64>, Vec<u8>)> = tx.first(
        "SELECT state, event, document FROM operation
         WHERE tenant = ?1 AND eid = ?2 AND id = ?3",
        values![operation.eid, operation.id.0],
    )?;
    let (state, last, document) = before.unwrap_or_default();
    let event = of_operation(operation).filter(|_| state != operation.state_name());
    let Some(event) = event else {
        return Ok(last);
    };
    if tx.done.is_heard() {
        tx.done.put(moved(tx, operation, &document)?);
    }
    let after = last.map_or(0, |last| last.saturating_add(1));
    let number = tx.number(event.time).max(after);
    insert(tx, &operation.eid.to_string(), number, &event).map(Some)
}

/// What is told of an operation in another state than it was, by its document then,
/// which is empty if it is new.
fn moved(tx: &Db<'_>, operation: &Operation, before: &[u8]) -> Result<Happened, StoreError> {
    let left = match before {
        [] => None,
        before => {
            let before: Operation = tx.unseal("operation", &operation.id.0, before)?;
            Some((before.state_name(), before.since))
        }
    };
    Ok(Happened::Operation(Moved {
        kind: operation.kind.name(),
        left,
        state: operation.state_name(),
        since: operation.since,
        created: operation.created,
    }))
}

/// Gives the number that it got: a later one, if somebody else on the database has
/// given that one to an event of the same eUICC.
fn insert(tx: &Db<'_>, eid: &str, mut number: i64, event: &NewEvent) -> Result<i64, StoreError> {
    let document = serde_json::to_vec(&Document {
        actor: event.actor.clone().or_else(actor),
        correlation_id: event.correlation_id.clone(),
        data: event.data.clone(),
    })?;
    let (kind, subject) = (event.kind.short(), &event.subject);
    let insert = "INSERT INTO event_waiting (tenant, eid, number, type, subject, time, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant, eid, number) DO NOTHING";
    loop {
        let values = values![eid, number, kind, subject, event.time, document];
        if tx.execute(insert, values)? == 1 {
            tx.connection.note(News::Event);
            return Ok(number);
        }
        number = number.saturating_add(1);
    }
}

/// The number of the last one of a batch of what waits.
fn upto(db: &Db<'_>, limit: usize) -> Result<Option<i64>, StoreError> {
    let upto: Option<(Option<i64>,)> = db.first(
        "SELECT max(number) FROM (SELECT number FROM event_waiting WHERE tenant = ?1
             ORDER BY number LIMIT ?2) AS batch",
        values![limit],
    )?;
    Ok(upto.and_then(|(upto,)| upto))
}

/// Whoever numbers changes the counter, so of two at once one is run again.
fn number(tx: &Db<'_>, holder: &str, due: &Due) -> Result<u64, StoreError> {
    tx.execute(
        "INSERT INTO event_counter (tenant, last, forgotten, holder, until)
         VALUES (?1, 0, 0, '', 0) ON CONFLICT (tenant) DO NOTHING",
        values![],
    )?;
    let claimed: Option<(i64,)> = tx.first(
        "UPDATE event_counter SET holder = ?2, until = ?3
         WHERE tenant = ?1 AND (holder = ?2 OR until <= ?4) RETURNING last",
        values![holder, due.again, due.now],
    )?;
    let (Some((last,)), Some(upto)) = (claimed, upto(tx, due.limit)?) else {
        return Ok(0);
    };
    let numbered = tx.execute(
        "INSERT INTO event (tenant, sequence, type, subject, time, document)
         SELECT tenant, CAST(?2 AS BIGINT) + row_number() OVER (ORDER BY number, eid),
             type, subject, CASE WHEN time = 0 THEN CAST(?4 AS BIGINT) ELSE time END, document
         FROM event_waiting WHERE tenant = ?1 AND number <= ?3",
        values![last, upto, due.now],
    )?;
    tx.execute(
        "DELETE FROM event_waiting WHERE tenant = ?1 AND number <= ?2",
        values![upto],
    )?;
    let count = i64::try_from(numbered).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE event_counter SET last = last + ?2 WHERE tenant = ?1",
        values![count],
    )?;
    tx.connection.note(News::Numbered);
    Ok(numbered)
}

/// The last number that was given, and the last one that is forgotten.
pub(super) fn bounds(db: &Db<'_>) -> Result<(i64, i64), StoreError> {
    let bounds = "SELECT last, forgotten FROM event_counter WHERE tenant = ?1";
    Ok(db.first(bounds, values![])?.unwrap_or_default())
}

fn page(db: &Db<'_>, query: &EventQuery) -> Result<EventPage, StoreError> {
    let (last, _) = bounds(db)?;
    let (mut through, mut looked_at) = (query.after.max(0), 0);
    let mut events = Vec::new();
    while through < last && events.len() < query.limit && looked_at < LOOKED_AT {
        let few = (query.limit - events.len()).clamp(100, 1_000);
        let found = between(db, [through, last], &query.filter.kinds(), few)?;
        let whole = found.len() < few;
        looked_at += found.len();
        for event in found {
            if events.len() == query.limit {
                break;
            }
            through = event.sequence;
            events.extend(query.filter.wants(&event.event).then_some(event));
        }
        if whole && events.len() < query.limit {
            through = last;
        }
    }
    // What was forgotten meanwhile counts, too.
    let (_, forgotten) = bounds(db)?;
    Ok(EventPage {
        events,
        through,
        last,
        forgotten,
    })
}

/// Events with numbers above the first and up to the second, of some types, or of
/// all if none is named.
pub(super) fn between(
    db: &Db<'_>,
    [after, last]: [i64; 2],
    kinds: &[EventType],
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut values = values![after, last, limit];
    let mut query = String::from(
        "SELECT sequence, type, subject, time, document FROM event
         WHERE tenant = ?1 AND sequence > ?2 AND sequence <= ?3",
    );
    if !kinds.is_empty() {
        let first = values.len() + 1;
        let places = (first..first + kinds.len()).map(|place| format!("?{place}"));
        let places: Vec<String> = places.collect();
        query.push_str(&format!(" AND type IN ({})", places.join(", ")));
        values.extend(kinds.iter().map(|kind| kind.short().to_value()));
    }
    query.push_str(" ORDER BY sequence LIMIT ?4");
    type Row = (i64, String, String, Timestamp, Vec<u8>);
    let mut events = Vec::new();
    db.each(&query, values, |row: Row| {
        events.push(event(db, row)?);
        Ok(())
    })?;
    Ok(events)
}

fn event(
    db: &Db<'_>,
    (sequence, kind, subject, time, document): (i64, String, String, Timestamp, Vec<u8>),
) -> Result<Event, StoreError> {
    let unknown = |_| StoreError::Unknown("the type of a stored event");
    let Document {
        actor,
        correlation_id,
        data,
    } = serde_json::from_slice(&document)?;
    Ok(Event {
        tenant: db.tenant.to_string(),
        sequence,
        event: NewEvent {
            kind: kind.parse().map_err(unknown)?,
            subject,
            time,
            actor,
            correlation_id,
            data,
        },
    })
}

fn forget(tx: &Db<'_>, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
    let (last, forgotten) = bounds(tx)?;
    let kept = "SELECT sequence FROM event WHERE tenant = ?1 AND time >= ?2
        ORDER BY sequence LIMIT 1";
    let kept: Option<(i64,)> = tx.first(kept, values![before])?;
    let awaited = "SELECT min(position) FROM webhook_endpoint WHERE tenant = ?1 AND enabled = 1";
    let awaited: Option<(Option<i64>,)> = tx.first(awaited, values![])?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let upto = kept
        .map_or(last, |(kept,)| kept - 1)
        .min(awaited.and_then(|(awaited,)| awaited).unwrap_or(last))
        .min(forgotten.saturating_add(limit));
    if upto <= forgotten {
        return Ok(0);
    }
    let delete = "DELETE FROM event WHERE tenant = ?1 AND sequence <= ?2";
    let deleted = tx.execute(delete, values![upto])?;
    tx.execute(
        "UPDATE event_counter SET forgotten = ?2 WHERE tenant = ?1",
        values![upto],
    )?;
    Ok(deleted)
}
