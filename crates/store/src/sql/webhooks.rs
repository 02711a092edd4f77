//! Webhook endpoints and how far they are.

use fleet::events::{Disabled, EventType, NewEvent, WebhookEndpoint};
use rsp_core::Timestamp;
use serde_json::json;

use super::db::{Db, values};
use super::{SqlStore, deliveries, events, exists, one_row};
use crate::contract::{Due, StoreError, Versioned};
use crate::engine::Engine;
use crate::webhook_contract::{
    Attempt, Delivery, DeliveryFilter, NextDelivery, Replay, Settled, StoredWebhook, TakenWebhook,
    WebhookStore,
};

const TABLE: &str = "webhook_endpoint";

/// Replays of one endpoint that may wait.
const REPLAYS: i64 = 100;

impl<E: Engine> WebhookStore for SqlStore<E> {
    fn add_webhook(&self, id: &str, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        self.transact(|tx| add(tx, id, endpoint))
    }

    fn webhook(&self, id: &str) -> Result<Option<StoredWebhook>, StoreError> {
        self.read(|db| one(db, id))
    }

    fn webhooks(&self, after: &str, limit: usize) -> Result<Vec<StoredWebhook>, StoreError> {
        self.read(|db| list(db, after, limit))
    }

    fn change_webhook(
        &self,
        id: &str,
        endpoint: &Versioned<WebhookEndpoint>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.transact(|tx| change(tx, id, endpoint, now))
    }

    fn remove_webhook(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| remove(tx, id, now))
    }

    fn take_webhooks(&self, due: &Due) -> Result<Vec<TakenWebhook>, StoreError> {
        // Nothing is written as long as nobody is to be told anything.
        match self.read(|db| waiting(db, due, ""))?.is_empty() {
            true => Ok(Vec::new()),
            false => self.transact(|tx| take(tx, due)),
        }
    }

    fn next_delivery(
        &self,
        taken: &TakenWebhook,
        now: Timestamp,
    ) -> Result<Option<NextDelivery>, StoreError> {
        self.transact(|tx| deliveries::next(tx, taken, now))
    }

    fn settle_delivery(
        &self,
        taken: &TakenWebhook,
        delivery: &NextDelivery,
        attempt: &Attempt,
        settled: &Settled,
    ) -> Result<bool, StoreError> {
        self.transact(|tx| deliveries::settle(tx, taken, delivery, attempt, settled))
    }

    fn replay(&self, id: &str, replay: &Replay) -> Result<(), StoreError> {
        self.transact(|tx| again(tx, id, replay))
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read(|db| deliveries::list(db, filter))
    }

    fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.transact(|tx| {
            // Of what is being tried the last attempt was an hour ago at most.
            let delete = "DELETE FROM webhook_delivery
                WHERE tenant = ?1 AND last < ?2 AND state <> 'retrying'";
            Ok(tx.execute(delete, values![before])?)
        })
    }
}

/// An event about an endpoint; its URL may hold a secret.
fn told(tx: &Db<'_>, kind: EventType, id: &str, now: Timestamp) -> Result<(), StoreError> {
    let event = NewEvent {
        data: json!({"endpoint": id}),
        ..NewEvent::new(kind, format!("webhook-endpoints/{id}"), now)
    };
    events::note(tx, &event)
}

fn add(tx: &Db<'_>, id: &str, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
    let (position, _) = events::bounds(tx)?;
    let document = tx.seal(TABLE, id, endpoint)?;
    tx.execute(
        "INSERT INTO webhook_endpoint
             (tenant, id, version, document, enabled, position, attempts, due, taken)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, 0, 0, 0)",
        values![id, document, endpoint.disabled.is_none(), position],
    )
    .map_err(exists("a webhook endpoint with this identifier"))?;
    told(tx, EventType::WebhookAdded, id, endpoint.created)
}

type Row = (String, i64, Vec<u8>, i64, u32, Option<Timestamp>, Timestamp);

const COLUMNS: &str = "id, version, document, position, attempts, failing_since, due";

fn stored(db: &Db<'_>, row: Row) -> Result<StoredWebhook, StoreError> {
    let (id, version, document, position, attempts, failing_since, due) = row;
    let value = db.unseal(TABLE, &id, &document)?;
    Ok(StoredWebhook {
        id,
        endpoint: Versioned { value, version },
        position,
        attempts,
        failing_since,
        due,
    })
}

fn one(db: &Db<'_>, id: &str) -> Result<Option<StoredWebhook>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM webhook_endpoint WHERE tenant = ?1 AND id = ?2");
    let row: Option<Row> = db.first(&select, values![id])?;
    row.map(|row| stored(db, row)).transpose()
}

fn list(db: &Db<'_>, after: &str, limit: usize) -> Result<Vec<StoredWebhook>, StoreError> {
    let select = format!(
        "SELECT {COLUMNS} FROM webhook_endpoint WHERE tenant = ?1 AND id > ?2
         ORDER BY id LIMIT ?3"
    );
    let rows: Vec<Row> = db.all(&select, values![after, limit])?;
    rows.into_iter().map(|row| stored(db, row)).collect()
}

fn change(
    tx: &Db<'_>,
    id: &str,
    endpoint: &Versioned<WebhookEndpoint>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if one(tx, id)?.is_none() {
        return Err(StoreError::Unknown(
            "a webhook endpoint with this identifier",
        ));
    }
    let document = tx.seal(TABLE, id, &endpoint.value)?;
    // It is tried anew, and for another day.
    let changed = tx.execute(
        "UPDATE webhook_endpoint SET document = ?3, enabled = ?4, version = version + 1,
             attempts = 0, failing_since = NULL, due = 0, taken = taken + 1
         WHERE tenant = ?1 AND id = ?2 AND version = ?5",
        values![
            id,
            document,
            endpoint.value.disabled.is_none(),
            endpoint.version
        ],
    )?;
    one_row(changed)?;
    told(tx, EventType::WebhookChanged, id, now)
}

fn remove(tx: &Db<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    let delete = "DELETE FROM webhook_endpoint WHERE tenant = ?1 AND id = ?2";
    if tx.execute(delete, values![id])? == 0 {
        return Err(StoreError::Unknown(
            "a webhook endpoint with this identifier",
        ));
    }
    for table in ["webhook_replay", "webhook_delivery"] {
        let delete = format!("DELETE FROM {table} WHERE tenant = ?1 AND endpoint = ?2");
        tx.execute(&delete, values![id])?;
    }
    told(tx, EventType::WebhookRemoved, id, now)
}

/// Of an endpoint that is to be told something at the time `?2`.
pub(super) const WAITS: &str = "enabled = 1 AND due <= ?2
    AND (position < (SELECT last FROM event_counter
            WHERE event_counter.tenant = webhook_endpoint.tenant)
        OR EXISTS (SELECT 1 FROM webhook_replay
            WHERE webhook_replay.tenant = webhook_endpoint.tenant
                AND webhook_replay.endpoint = webhook_endpoint.id))";

/// Who is to be told something now.
fn waiting(db: &Db<'_>, due: &Due, lock: &str) -> Result<Vec<(String,)>, StoreError> {
    db.all(
        &format!(
            "SELECT id FROM webhook_endpoint WHERE tenant = ?1 AND {WAITS}
             ORDER BY due LIMIT ?3{lock}"
        ),
        values![due.now, due.limit],
    )
}

fn take(tx: &Db<'_>, due: &Due) -> Result<Vec<TakenWebhook>, StoreError> {
    let mut all = Vec::new();
    for (id,) in waiting(tx, due, tx.connection.skip_locked())? {
        let row: Option<(Vec<u8>, i64)> = tx.first(
            "UPDATE webhook_endpoint SET due = ?3, taken = taken + 1
             WHERE tenant = ?1 AND id = ?2 RETURNING document, taken",
            values![id, due.again],
        )?;
        if let Some((document, taken)) = row {
            let endpoint = tx.unseal(TABLE, &id, &document)?;
            all.push(TakenWebhook {
                id,
                endpoint,
                taken,
            });
        }
    }
    Ok(all)
}

fn again(tx: &Db<'_>, id: &str, replay: &Replay) -> Result<(), StoreError> {
    if one(tx, id)?.is_none() {
        return Err(StoreError::Unknown(
            "a webhook endpoint with this identifier",
        ));
    }
    let (last, forgotten) = events::bounds(tx)?;
    if replay.first <= forgotten || replay.last > last || replay.last < replay.first {
        return Err(StoreError::Unknown("one of these events"));
    }
    let count = "SELECT count(*) FROM webhook_replay WHERE tenant = ?1 AND endpoint = ?2";
    let count: Option<(i64,)> = tx.first(count, values![id])?;
    if count.is_some_and(|(count,)| count >= REPLAYS) {
        return Err(StoreError::Exists("a hundredth replay of this endpoint"));
    }
    tx.execute(
        "INSERT INTO webhook_replay (tenant, endpoint, number, next, last, unfiltered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![
            id,
            tx.number(replay.now),
            replay.first,
            replay.last,
            replay.unfiltered
        ],
    )?;
    Ok(())
}

/// The endpoint is told nothing any more.
pub(super) fn disable(
    tx: &Db<'_>,
    id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(StoredWebhook { mut endpoint, .. }) = one(tx, id)? else {
        return Ok(());
    };
    endpoint.value.disabled = Some(Disabled {
        since: now,
        reason: reason.to_string(),
    });
    let document = tx.seal(TABLE, id, &endpoint.value)?;
    tx.execute(
        "UPDATE webhook_endpoint SET document = ?3, enabled = 0, version = version + 1,
             attempts = 0, failing_since = NULL, delivery = NULL, due = 0
         WHERE tenant = ?1 AND id = ?2",
        values![id, document],
    )?;
    let event = NewEvent {
        data: json!({"endpoint": id, "reason": reason}),
        ..NewEvent::new(
            EventType::WebhookDisabled,
            format!("webhook-endpoints/{id}"),
            now,
        )
    };
    events::note(tx, &event)
}
