//! Profiles, orders, download sessions.

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smdp::{Order, OrderKey, ProfileMaterial};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{exists, one_row, versioned};
use crate::contract::{ProfileStock, SmdpNotification, StoreError, StoredSession, Versioned};

pub(super) fn add_profiles(tx: &Connection, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
    add_profile_type(tx, stock)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO profile (iccid, profile_type, state, version, document, subscription)
         VALUES ($1, $2, $3, 1, $4, $5)",
    )?;
    for subscription in stock.subscriptions {
        let order = Order::available(subscription.iccid, stock.profile_type.to_string());
        insert
            .execute(params![
                subscription.iccid.to_string(),
                stock.profile_type,
                order.state.as_str(),
                serde_json::to_string(&order)?,
                serde_json::to_string(subscription)?
            ])
            .map_err(exists("a profile with this ICCID"))?;
    }
    Ok(())
}

/// A type is what its first profiles were: orders rely on it.
fn add_profile_type(tx: &Connection, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
    let added_or_same = tx.execute(
        "INSERT INTO profile_type
             (name, template, service_provider_name, profile_name, profile_class)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name
         WHERE template = excluded.template
             AND service_provider_name = excluded.service_provider_name
             AND profile_name = excluded.profile_name
             AND profile_class = excluded.profile_class",
        params![
            stock.profile_type,
            stock.template,
            stock.service_provider_name,
            stock.profile_name,
            stock.profile_class
        ],
    )?;
    match added_or_same {
        0 => Err(StoreError::Exists("another profile type with this name")),
        _ => Ok(()),
    }
}

pub(super) fn order(
    connection: &Connection,
    iccid: Iccid,
) -> Result<Option<Versioned<Order>>, StoreError> {
    read_order(connection, "iccid = $1", [iccid.to_string()])
}

pub(super) fn available(
    connection: &Connection,
    profile_type: &str,
) -> Result<Option<Versioned<Order>>, StoreError> {
    let condition = "profile_type = $1 AND state = 'available' ORDER BY iccid LIMIT 1";
    read_order(connection, condition, [profile_type])
}

pub(super) fn find_order(
    connection: &Connection,
    key: &OrderKey,
) -> Result<Option<Versioned<Order>>, StoreError> {
    match key {
        OrderKey::MatchingId(id) => read_order(connection, "matching_id = $1", [id]),
        OrderKey::Eid(eid) => {
            let condition = "eid = $1 AND state IN ('released', 'downloaded')
                 AND matching_id IS NULL ORDER BY ordered LIMIT 1";
            read_order(connection, condition, [eid.to_string()])
        }
    }
}

fn read_order(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Option<Versioned<Order>>, StoreError> {
    let query = format!("SELECT version, document FROM profile WHERE {condition}");
    versioned(connection, &query, params)
}

pub(super) fn material(
    connection: &Connection,
    iccid: Iccid,
) -> Result<ProfileMaterial, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT p.subscription, t.template, t.service_provider_name, t.profile_name,
                    t.profile_class
             FROM profile p JOIN profile_type t ON t.name = p.profile_type WHERE p.iccid = $1",
        )?
        .query_row([iccid.to_string()], |row| {
            let subscription: String = row.get(0)?;
            Ok((
                subscription,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .optional()?;
    let unknown = StoreError::Unknown("a profile with this ICCID");
    let (subscription, template, service_provider_name, profile_name, profile_class) =
        row.ok_or(unknown)?;
    Ok(ProfileMaterial {
        subscription: serde_json::from_str(&subscription)?,
        template,
        service_provider_name,
        profile_name,
        profile_class,
    })
}

pub(super) fn commit_order(tx: &Connection, order: &Order, version: i64) -> Result<(), StoreError> {
    // Without MatchingID the eUICC is the key; NULL is never a duplicate.
    let matching_id = order.matching_id.as_ref().filter(|id| !id.is_empty());
    let changed = tx
        .prepare_cached(
            "UPDATE profile SET state = $1, eid = $2, matching_id = $3, document = $4,
                 version = version + 1,
                 ordered = CASE WHEN $1 = 'available' THEN NULL ELSE coalesce(ordered,
                     (SELECT coalesce(max(ordered), 0) + 1 FROM profile
                      WHERE ordered IS NOT NULL)) END
             WHERE iccid = $5 AND version = $6",
        )?
        .execute(params![
            order.state.as_str(),
            order.eid.map(|eid| eid.to_string()),
            matching_id,
            serde_json::to_string(order)?,
            order.iccid.to_string(),
            version
        ])
        .map_err(exists("an order with this MatchingID"))?;
    one_row(changed)
}

pub(super) fn session(
    connection: &Connection,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredSession>>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT version, document, request_digest, reply, updated, kept_until
             FROM session WHERE transaction_id = $1",
        )?
        .query_row([id.to_string()], |row| {
            let version: i64 = row.get(0)?;
            let document: String = row.get(1)?;
            let times: [i64; 2] = [row.get(4)?, row.get(5)?];
            Ok((version, document, row.get(2)?, row.get(3)?, times))
        })
        .optional()?;
    let read = |(version, document, request_digest, reply, times): (_, String, _, _, [i64; 2])| {
        let [updated, kept_until] = times.map(|time| Timestamp(time.unsigned_abs()));
        Ok(Versioned {
            value: StoredSession {
                session: serde_json::from_str(&document)?,
                request_digest,
                reply,
                updated,
                kept_until,
            },
            version,
        })
    };
    row.map(read).transpose()
}

pub(super) fn commit_session(
    tx: &Connection,
    id: &TransactionId,
    session: &Versioned<StoredSession>,
) -> Result<(), StoreError> {
    let stored = &session.value;
    if session.version == 0 {
        tx.prepare_cached("DELETE FROM session WHERE kept_until <= $1")?
            .execute([stored.updated.0 as i64])?;
    }
    let document = serde_json::to_string(&stored.session)?;
    let changed = tx
        .prepare_cached(
            "INSERT INTO session
                 (transaction_id, version, updated, kept_until, document, request_digest, reply)
             VALUES ($1, $2 + 1, $3, $4, $5, $6, $7)
             ON CONFLICT (transaction_id) DO UPDATE SET version = excluded.version,
                 updated = excluded.updated, kept_until = excluded.kept_until,
                 document = excluded.document, request_digest = excluded.request_digest,
                 reply = excluded.reply
             WHERE session.version = $2",
        )?
        .execute(params![
            id.to_string(),
            session.version,
            stored.updated.0 as i64,
            stored.kept_until.0 as i64,
            document,
            stored.request_digest,
            stored.reply
        ])?;
    one_row(changed)
}

pub(super) fn add_notification(
    tx: &Connection,
    notification: &SmdpNotification<'_>,
) -> Result<(), StoreError> {
    let kept = tx
        .prepare_cached(
            "INSERT INTO smdp_notification (eid, seq_number, received, der)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (eid, seq_number) DO UPDATE SET seq_number = excluded.seq_number
             WHERE der = excluded.der",
        )?
        .execute(params![
            notification.eid.to_string(),
            notification.seq_number,
            notification.received.0 as i64,
            notification.der
        ])?;
    match kept {
        0 => Err(StoreError::Exists("another notification with this number")),
        _ => Ok(()),
    }
}

pub(super) fn notifications(connection: &Connection, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT der FROM smdp_notification WHERE eid = $1 ORDER BY seq_number")?;
    let rows = select.query_map([eid.to_string()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
