//! Profiles, orders, download sessions.

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smdp::{
    KeptPackage, Order, OrderKey, OrderState, ProfileMaterial, ProfileTypeSettings,
};
use rusqlite::{OptionalExtension, Params, params};

use super::sealing::Db;
use super::{SqliteStore, announcements, exists, one_row, smdp_progress};
use crate::contract::{StoreError, Versioned};
use crate::smdp_contract::{
    ProfileStock, SmdpChange, SmdpNotification, SmdpStore, StoredSession, Waiting,
};

impl SmdpStore for SqliteStore {
    fn add_profiles(&self, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
        self.transact(|tx| add_profiles(tx, stock))
    }

    fn profile_type(&self, name: &str) -> Result<Option<ProfileTypeSettings>, StoreError> {
        self.read(|db| profile_type(db, name))
    }

    fn order(&self, iccid: Iccid) -> Result<Option<Versioned<Order>>, StoreError> {
        self.read(|db| read_order(db, "iccid = $1", [iccid.to_string()]))
    }

    fn available(&self, profile_type: &str) -> Result<Option<Versioned<Order>>, StoreError> {
        let condition = "profile_type = $1 AND state = 'available' ORDER BY iccid LIMIT 1";
        self.read(|db| read_order(db, condition, [profile_type]))
    }

    fn order_of_call(
        &self,
        operator: &str,
        call: &str,
    ) -> Result<Option<Versioned<Order>>, StoreError> {
        let condition = "requester = $1 AND call = $2 ORDER BY ordered DESC LIMIT 1";
        self.read(|db| read_order(db, condition, [operator, call]))
    }

    fn find_order(&self, key: &OrderKey) -> Result<Option<Versioned<Order>>, StoreError> {
        self.read(|db| find_order(db, key))
    }

    fn material(&self, iccid: Iccid) -> Result<ProfileMaterial, StoreError> {
        self.read(|db| material(db, iccid))
    }

    fn kept_package(&self, iccid: Iccid) -> Result<Option<KeptPackage>, StoreError> {
        self.read(|db| kept_package(db, iccid))
    }

    fn session(&self, id: &TransactionId) -> Result<Option<Versioned<StoredSession>>, StoreError> {
        self.read(|db| session(db, id))
    }

    fn commit_smdp(&self, change: &SmdpChange<'_>) -> Result<(), StoreError> {
        self.transact(|tx| commit(tx, change))
    }

    fn add_smdp_notification(&self, notification: &SmdpNotification<'_>) -> Result<(), StoreError> {
        self.transact(|tx| add_notification(tx, notification))
    }

    fn smdp_notifications(&self, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|db| notifications(db, eid))
    }

    fn due_progress(&self, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        self.read(|db| smdp_progress::due(db, now))
    }

    fn delay_progress(&self, number: i64, due: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| smdp_progress::delay(tx, number, due))
    }

    fn drop_progress(&self, number: i64) -> Result<(), StoreError> {
        self.transact(|tx| smdp_progress::drop_one(tx, number))
    }
}

fn commit(tx: &Db<'_>, change: &SmdpChange<'_>) -> Result<(), StoreError> {
    if let Some((id, session)) = change.session {
        commit_session(tx, id, session)?;
    }
    if let Some(order) = change.order {
        commit_order(tx, &order.value, order.version)?;
        announcements::follow(tx, &order.value, change.now)?;
    }
    if let Some(kept) = change.kept {
        keep_package(tx, kept)?;
    }
    match change.progress {
        Some(progress) => smdp_progress::add(tx, progress, change.now),
        None => Ok(()),
    }
}

fn add_profiles(tx: &Db<'_>, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
    add_profile_type(tx, stock)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO profile (iccid, profile_type, state, version, document, subscription)
         VALUES ($1, $2, $3, 1, $4, $5)",
    )?;
    for subscription in stock.subscriptions {
        let order = Order {
            owner: stock.settings.owner.clone(),
            ..Order::available(subscription.iccid, stock.profile_type.to_string())
        };
        let iccid = subscription.iccid.to_string();
        insert
            .execute(params![
                iccid,
                stock.profile_type,
                order.state.as_str(),
                tx.seal("profile", &iccid, &order)?,
                tx.seal("subscription", &iccid, subscription)?
            ])
            .map_err(exists("a profile with this ICCID"))?;
    }
    Ok(())
}

/// A type is what its first profiles were: orders rely on it.
fn add_profile_type(tx: &Db<'_>, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
    let added_or_same = tx.execute(
        "INSERT INTO profile_type
             (name, template, template_index, service_provider_name, profile_name,
              profile_class, settings)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name
         WHERE template_index = excluded.template_index
             AND service_provider_name = excluded.service_provider_name
             AND profile_name = excluded.profile_name
             AND profile_class = excluded.profile_class
             AND settings = excluded.settings",
        params![
            stock.profile_type,
            tx.seal_bytes("profile_type", stock.profile_type, stock.template)?,
            tx.index("profile_type", stock.template),
            stock.service_provider_name,
            stock.profile_name,
            stock.profile_class,
            serde_json::to_string(&stock.settings)?
        ],
    )?;
    match added_or_same {
        0 => Err(StoreError::Exists("another profile type with this name")),
        _ => Ok(()),
    }
}

fn profile_type(
    connection: &Db<'_>,
    name: &str,
) -> Result<Option<ProfileTypeSettings>, StoreError> {
    let settings: Option<String> = connection
        .prepare_cached("SELECT settings FROM profile_type WHERE name = $1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    let read = |settings: String| Ok(serde_json::from_str(&settings)?);
    settings.map(read).transpose()
}

fn find_order(connection: &Db<'_>, key: &OrderKey) -> Result<Option<Versioned<Order>>, StoreError> {
    match key {
        OrderKey::MatchingId(id) => {
            let index = connection.index("matching_id", id.as_bytes());
            read_order(connection, "matching_id = $1", [index])
        }
        OrderKey::Eid(eid) => {
            let condition = "eid = $1 AND state IN ('released', 'downloaded')
                 AND matching_id IS NULL ORDER BY ordered LIMIT 1";
            read_order(connection, condition, [eid.to_string()])
        }
    }
}

fn read_order(
    connection: &Db<'_>,
    condition: &str,
    params: impl Params,
) -> Result<Option<Versioned<Order>>, StoreError> {
    let row = connection
        .prepare_cached(&format!(
            "SELECT version, document, iccid FROM profile WHERE {condition}"
        ))?
        .query_row(params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let read = |(version, document, iccid): (i64, Vec<u8>, String)| {
        Ok(Versioned {
            value: connection.unseal("profile", &iccid, &document)?,
            version,
        })
    };
    row.map(read).transpose()
}

fn material(connection: &Db<'_>, iccid: Iccid) -> Result<ProfileMaterial, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT p.subscription, t.template, t.service_provider_name, t.profile_name,
                    t.profile_class, t.settings, t.name
             FROM profile p JOIN profile_type t ON t.name = p.profile_type WHERE p.iccid = $1",
        )?
        .query_row([iccid.to_string()], |row| {
            let sealed: [Vec<u8>; 2] = [row.get(0)?, row.get(1)?];
            let texts: [String; 2] = [row.get(5)?, row.get(6)?];
            Ok((sealed, texts, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let unknown = StoreError::Unknown("a profile with this ICCID");
    let (sealed, texts, service_provider_name, profile_name, profile_class) = row.ok_or(unknown)?;
    let ([subscription, template], [settings, name]) = (sealed, texts);
    Ok(ProfileMaterial {
        subscription: connection.unseal("subscription", &iccid.to_string(), &subscription)?,
        template: connection.unseal_bytes("profile_type", &name, &template)?,
        service_provider_name,
        profile_name,
        profile_class,
        settings: serde_json::from_str(&settings)?,
    })
}

fn commit_order(tx: &Db<'_>, order: &Order, version: i64) -> Result<(), StoreError> {
    // Without MatchingID the eUICC is the key; NULL is never a duplicate.
    let matching_id = order.matching_id.as_ref().filter(|id| !id.is_empty());
    let matching_id = matching_id.map(|id| tx.index("matching_id", id.as_bytes()));
    let iccid = order.iccid.to_string();
    let changed = tx
        .prepare_cached(
            "UPDATE profile SET state = $1, eid = $2, matching_id = $3, document = $4,
                 requester = $5, call = $6, version = version + 1,
                 ordered = CASE WHEN $1 = 'available' THEN NULL ELSE coalesce(ordered,
                     (SELECT coalesce(max(ordered), 0) + 1 FROM profile
                      WHERE ordered IS NOT NULL)) END
             WHERE iccid = $7 AND version = $8",
        )?
        .execute(params![
            order.state.as_str(),
            order.eid.map(|eid| eid.to_string()),
            matching_id,
            tx.seal("profile", &iccid, order)?,
            order.requester,
            order.call,
            iccid,
            version
        ])
        .map_err(exists("an order with this MatchingID"))?;
    one_row(changed)?;
    if !matches!(order.state, OrderState::Released | OrderState::Downloaded) {
        tx.prepare_cached("DELETE FROM kept_package WHERE iccid = $1")?
            .execute([order.iccid.to_string()])?;
    }
    Ok(())
}

fn keep_package(tx: &Db<'_>, kept: &KeptPackage) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO kept_package
             (iccid, generation, eid, server_ci, euicc_otpk, package)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )?
    .execute(params![
        kept.iccid.to_string(),
        kept.generation,
        kept.eid.to_string(),
        kept.server_ci,
        kept.euicc_otpk,
        tx.seal_bytes("kept_package", &kept.iccid.to_string(), &kept.package)?
    ])?;
    Ok(())
}

fn kept_package(connection: &Db<'_>, iccid: Iccid) -> Result<Option<KeptPackage>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT eid, generation, server_ci, euicc_otpk, package
             FROM kept_package WHERE iccid = $1",
        )?
        .query_row([iccid.to_string()], |row| {
            let eid: String = row.get(0)?;
            Ok((eid, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((eid, generation, server_ci, euicc_otpk, package)) = row else {
        return Ok(None);
    };
    let package: Vec<u8> = package;
    let package = connection.unseal_bytes("kept_package", &iccid.to_string(), &package)?;
    // A package for an eUICC that cannot be read is none.
    Ok(eid.parse().ok().map(|eid| KeptPackage {
        iccid,
        generation,
        eid,
        server_ci,
        euicc_otpk,
        package,
    }))
}

fn session(
    connection: &Db<'_>,
    id: &TransactionId,
) -> Result<Option<Versioned<StoredSession>>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT version, document, request_digest, reply, updated, kept_until
             FROM session WHERE transaction_id = $1",
        )?
        .query_row([id.to_string()], |row| {
            let version: i64 = row.get(0)?;
            let document: Vec<u8> = row.get(1)?;
            let times: [i64; 2] = [row.get(4)?, row.get(5)?];
            Ok((version, document, row.get(2)?, row.get(3)?, times))
        })
        .optional()?;
    let read = |(version, document, request_digest, reply, times): SessionRow| {
        let row = id.to_string();
        let [updated, kept_until] = times.map(|time| Timestamp(time.unsigned_abs()));
        Ok(Versioned {
            value: StoredSession {
                session: connection.unseal("session", &row, &document)?,
                request_digest,
                reply: connection.unseal_bytes("session_reply", &row, &reply)?,
                updated,
                kept_until,
            },
            version,
        })
    };
    row.map(read).transpose()
}

/// Version, document, digest of the request, reply, and when it was updated
/// and is of no use any more.
type SessionRow = (i64, Vec<u8>, Vec<u8>, Vec<u8>, [i64; 2]);

fn commit_session(
    tx: &Db<'_>,
    id: &TransactionId,
    session: &Versioned<StoredSession>,
) -> Result<(), StoreError> {
    let stored = &session.value;
    if session.version == 0 {
        tx.prepare_cached("DELETE FROM session WHERE kept_until <= $1")?
            .execute([stored.updated.0 as i64])?;
    }
    let row = id.to_string();
    let document = tx.seal("session", &row, &stored.session)?;
    let reply = tx.seal_bytes("session_reply", &row, &stored.reply)?;
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
            row,
            session.version,
            stored.updated.0 as i64,
            stored.kept_until.0 as i64,
            document,
            stored.request_digest,
            reply
        ])?;
    one_row(changed)
}

fn add_notification(tx: &Db<'_>, notification: &SmdpNotification<'_>) -> Result<(), StoreError> {
    let kept = tx
        .prepare_cached(
            "INSERT INTO smdp_notification (eid, seq_number, received, der)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (eid, seq_number) DO NOTHING",
        )?
        .execute(params![
            notification.eid.to_string(),
            notification.seq_number,
            notification.received.0 as i64,
            notification.der
        ])?;
    if kept == 0 {
        let same: bool = tx
            .prepare_cached(
                "SELECT der = ?3 FROM smdp_notification WHERE eid = ?1 AND seq_number = ?2",
            )?
            .query_row(
                params![
                    notification.eid.to_string(),
                    notification.seq_number,
                    notification.der
                ],
                |row| row.get(0),
            )?;
        return match same {
            true => Ok(()),
            false => Err(StoreError::Exists("another notification with this number")),
        };
    }
    match notification.progress {
        Some(progress) => smdp_progress::add(tx, progress, notification.received),
        None => Ok(()),
    }
}

fn notifications(connection: &Db<'_>, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT der FROM smdp_notification WHERE eid = $1 ORDER BY seq_number")?;
    let rows = select.query_map([eid.to_string()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
