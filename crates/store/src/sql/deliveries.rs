//! What an endpoint is told next, and what became of it.

use fleet::events::{Event, WebhookEndpoint};
use rsp_core::Timestamp;

use super::db::{Db, values};
use super::{events, webhooks};
use crate::contract::StoreError;
use crate::engine::ToValue;
use crate::webhook_contract::{
    Attempt, Delivery, DeliveryFilter, NextDelivery, Settled, TakenWebhook,
};

/// Events that are looked at in one transaction for one that is wanted.
const LOOKED_AT: usize = 10_000;

/// Events that are read at once.
const BATCH: usize = 500;

/// How far an endpoint is.
struct Place {
    position: i64,
    attempts: u32,
    failing_since: Option<Timestamp>,
    delivery: Option<i64>,
}

/// How far it is, if the caller still has it.
fn place(tx: &Db<'_>, taken: &TakenWebhook) -> Result<Option<Place>, StoreError> {
    let row: Option<(i64, u32, Option<Timestamp>, Option<i64>)> = tx.first(
        "SELECT position, attempts, failing_since, delivery FROM webhook_endpoint
         WHERE tenant = ?1 AND id = ?2 AND taken = ?3 AND enabled = 1",
        values![taken.id, taken.taken],
    )?;
    Ok(
        row.map(|(position, attempts, failing_since, delivery)| Place {
            position,
            attempts,
            failing_since,
            delivery,
        }),
    )
}

pub(super) fn next(
    tx: &Db<'_>,
    taken: &TakenWebhook,
    now: Timestamp,
) -> Result<Option<NextDelivery>, StoreError> {
    let Some(place) = place(tx, taken)? else {
        return Ok(None);
    };
    let delivery = |event, replay| NextDelivery {
        event,
        replay,
        attempts: place.attempts,
        failing_since: place.failing_since,
    };
    if let Some((event, replay)) = next_of_replays(tx, taken)? {
        return Ok(Some(delivery(event, Some(replay))));
    }
    let (last, _) = events::bounds(tx)?;
    let found = find(tx, [place.position, last], Some(&taken.endpoint))?;
    let (position, event) = match found {
        Found::Event(event) => (event.sequence - 1, Some(event)),
        Found::None { upto } => (upto, None),
    };
    if position > place.position {
        tx.execute(
            "UPDATE webhook_endpoint SET position = ?3 WHERE tenant = ?1 AND id = ?2",
            values![taken.id, position],
        )?;
    }
    if event.is_none() {
        let free = "UPDATE webhook_endpoint SET due = ?3 WHERE tenant = ?1 AND id = ?2";
        tx.execute(free, values![taken.id, now])?;
    }
    Ok(event.map(|event| delivery(event, None)))
}

/// The next event of the first replay that has one.
fn next_of_replays(tx: &Db<'_>, taken: &TakenWebhook) -> Result<Option<(Event, i64)>, StoreError> {
    let first = "SELECT number, next, last, unfiltered FROM webhook_replay
        WHERE tenant = ?1 AND endpoint = ?2 ORDER BY number LIMIT 1";
    loop {
        let row: Option<(i64, i64, i64, bool)> = tx.first(first, values![taken.id])?;
        let Some((number, next, last, unfiltered)) = row else {
            return Ok(None);
        };
        let filter = (!unfiltered).then_some(&taken.endpoint);
        match find(tx, [next - 1, last], filter)? {
            Found::Event(event) => return Ok(Some((event, number))),
            Found::None { upto } => advance(tx, taken, number, upto + 1)?,
        }
    }
}

/// A replay goes on with an event, or has come to its end.
fn advance(tx: &Db<'_>, taken: &TakenWebhook, number: i64, next: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_replay SET next = ?4
         WHERE tenant = ?1 AND endpoint = ?2 AND number = ?3",
        values![taken.id, number, next],
    )?;
    tx.execute(
        "DELETE FROM webhook_replay
         WHERE tenant = ?1 AND endpoint = ?2 AND number = ?3 AND next > last",
        values![taken.id, number],
    )?;
    Ok(())
}

enum Found {
    Event(Event),
    /// There is none up to this number.
    None {
        upto: i64,
    },
}

/// The first event behind a number, up to another one, that an endpoint wants.
fn find(
    tx: &Db<'_>,
    [mut after, last]: [i64; 2],
    endpoint: Option<&WebhookEndpoint>,
) -> Result<Found, StoreError> {
    let kinds = endpoint.map(|endpoint| endpoint.filter.kinds());
    let wants = |event: &Event| endpoint.is_none_or(|endpoint| endpoint.filter.wants(&event.event));
    for _ in 0..LOOKED_AT / BATCH {
        // Where every event is wanted the first one is.
        let batch = match kinds.as_ref().is_none_or(Vec::is_empty) && after < last {
            true if endpoint.is_none_or(|endpoint| endpoint.filter.subjects().next().is_none()) => {
                1
            }
            _ => BATCH,
        };
        let kinds = kinds.as_deref().unwrap_or_default();
        let found = events::between(tx, [after, last], kinds, batch)?;
        let whole = found.len() < batch;
        for event in found {
            after = event.sequence;
            if wants(&event) {
                return Ok(Found::Event(event));
            }
        }
        if whole {
            return Ok(Found::None {
                upto: last.max(after),
            });
        }
    }
    Ok(Found::None { upto: after })
}

pub(super) fn settle(
    tx: &Db<'_>,
    taken: &TakenWebhook,
    delivery: &NextDelivery,
    attempt: &Attempt,
    settled: &Settled,
) -> Result<bool, StoreError> {
    let Some(place) = place(tx, taken)? else {
        return Ok(false);
    };
    let state = match settled {
        Settled::Delivered(_) => "delivered",
        Settled::Again(_) => "retrying",
        Settled::Disabled(_) => "given_up",
    };
    let number = place.delivery.unwrap_or_else(|| tx.number(attempt.at));
    log(tx, taken, delivery, attempt, (number, state))?;
    match settled {
        Settled::Disabled(reason) => {
            webhooks::disable(tx, &taken.id, reason, attempt.at)?;
            return Ok(false);
        }
        Settled::Again(again) => {
            let since = place.failing_since.unwrap_or(attempt.at);
            tx.execute(
                "UPDATE webhook_endpoint SET attempts = attempts + 1, failing_since = ?3,
                     delivery = ?4, due = ?5 WHERE tenant = ?1 AND id = ?2",
                values![taken.id, since, number, again],
            )?;
            return Ok(false);
        }
        Settled::Delivered(until) => {
            tx.execute(
                "UPDATE webhook_endpoint SET attempts = 0, failing_since = NULL,
                     delivery = NULL, due = ?3 WHERE tenant = ?1 AND id = ?2",
                values![taken.id, until],
            )?;
        }
    }
    let sequence = delivery.event.sequence;
    match delivery.replay {
        Some(number) => advance(tx, taken, number, sequence + 1)?,
        None => {
            let set = "UPDATE webhook_endpoint SET position = ?3 WHERE tenant = ?1 AND id = ?2";
            tx.execute(set, values![taken.id, sequence])?;
        }
    }
    Ok(true)
}

fn log(
    tx: &Db<'_>,
    taken: &TakenWebhook,
    delivery: &NextDelivery,
    attempt: &Attempt,
    (number, state): (i64, &str),
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO webhook_delivery (tenant, endpoint, number, sequence, event, type,
             state, replayed, attempts, first, last, status, duration, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9, ?10, ?11, ?12)
         ON CONFLICT (tenant, endpoint, number) DO UPDATE SET state = excluded.state,
             attempts = webhook_delivery.attempts + 1, last = excluded.last,
             status = excluded.status, duration = excluded.duration, detail = excluded.detail",
        values![
            taken.id,
            number,
            delivery.event.sequence,
            delivery.event.id(),
            delivery.event.event.kind.short(),
            state,
            delivery.replay.is_some(),
            attempt.at,
            attempt.status.map(u32::from),
            attempt.duration,
            attempt.detail
        ],
    )?;
    Ok(())
}

pub(super) fn list(db: &Db<'_>, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
    let mut query = String::from(
        "SELECT endpoint, number, sequence, event, type, state, replayed, attempts, first, last,
             status, duration, detail FROM webhook_delivery WHERE tenant = ?1",
    );
    let mut values = values![];
    let mut condition = |condition: &str, value| {
        values.push(value);
        query.push_str(&format!(" {condition}?{}", values.len()));
    };
    if let Some(endpoint) = &filter.endpoint {
        condition("AND endpoint = ", endpoint.to_value());
    }
    if let Some(sequence) = &filter.sequence {
        condition("AND sequence = ", sequence.to_value());
    }
    if let Some(state) = &filter.state {
        condition("AND state = ", state.to_value());
    }
    if let Some(before) = &filter.before {
        condition("AND number < ", before.to_value());
    }
    condition("ORDER BY number DESC LIMIT ", filter.limit.to_value());
    type Row = (
        (String, i64, i64, String, String, String, bool, u32),
        (Timestamp, Timestamp, Option<u32>, u32, String),
    );
    let mut all = Vec::new();
    db.each(&query, values, |(whose, how): Row| {
        let (endpoint, number, sequence, event, kind, state, replayed, attempts) = whose;
        let (first, at, status, duration, detail) = how;
        all.push(Delivery {
            endpoint,
            number,
            sequence,
            event,
            kind,
            state,
            replayed,
            attempts,
            first,
            last: Attempt {
                at,
                status: status.and_then(|status| u16::try_from(status).ok()),
                duration,
                detail,
            },
        });
        Ok(())
    })?;
    Ok(all)
}
