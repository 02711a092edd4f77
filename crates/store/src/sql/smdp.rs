//! Profiles and orders.

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::smdp::{
    KeptPackage, Order, OrderKey, OrderState, ProfileMaterial, ProfileTypeSettings,
};

use super::db::{Db, values};
use super::{SqlStore, announcements, exists, one_row, smdp_progress, smdp_session};
use crate::contract::{Due, StoreError, Versioned};
use crate::engine::{Engine, Value};
use crate::smdp_contract::{
    ProfileStock, SmdpChange, SmdpNotification, SmdpStore, StoredSession, Waiting,
};

impl<E: Engine> SmdpStore for SqlStore<E> {
    fn add_profiles(&self, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
        self.transact(|tx| add_profiles(tx, stock))
    }

    fn profile_type(&self, name: &str) -> Result<Option<ProfileTypeSettings>, StoreError> {
        self.read(|db| profile_type(db, name))
    }

    fn order(&self, iccid: Iccid) -> Result<Option<Versioned<Order>>, StoreError> {
        self.read(|db| read_order(db, "iccid = ?2", values![iccid]))
    }

    fn available(&self, profile_type: &str) -> Result<Option<Versioned<Order>>, StoreError> {
        let condition = "profile_type = ?2 AND state = 'available' ORDER BY iccid LIMIT 1";
        self.read(|db| read_order(db, condition, values![profile_type]))
    }

    fn order_of_call(
        &self,
        operator: &str,
        call: &str,
    ) -> Result<Option<Versioned<Order>>, StoreError> {
        let condition = "requester = ?2 AND call = ?3 ORDER BY ordered DESC LIMIT 1";
        self.read(|db| read_order(db, condition, values![operator, call]))
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
        self.read(|db| smdp_session::read(db, id))
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

    fn due_progress(&self, due: &Due) -> Result<Vec<Waiting>, StoreError> {
        self.take(|tx| smdp_progress::take_due(tx, due))
    }

    fn delay_progress(&self, waiting: &Waiting, due: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| smdp_progress::delay(tx, waiting, due))
    }

    fn drop_progress(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.transact(|tx| smdp_progress::drop_one(tx, waiting))
    }
}

fn commit(tx: &Db<'_>, change: &SmdpChange<'_>) -> Result<(), StoreError> {
    if let Some((id, session)) = change.session {
        smdp_session::commit(tx, id, session)?;
    }
    if let Some(order) = change.order {
        commit_order(tx, &order.value, order.version, change.now)?;
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
    for subscription in stock.subscriptions {
        let order = Order {
            owner: stock.settings.owner.clone(),
            ..Order::available(subscription.iccid, stock.profile_type.to_string())
        };
        let iccid = subscription.iccid.to_string();
        tx.execute(
            "INSERT INTO profile
                 (tenant, iccid, profile_type, state, version, document, subscription)
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)",
            values![
                iccid,
                stock.profile_type,
                order.state.as_str(),
                tx.seal("profile", &iccid, &order)?,
                tx.seal("subscription", &iccid, subscription)?
            ],
        )
        .map_err(exists("a profile with this ICCID"))?;
    }
    Ok(())
}

/// A type is what its first profiles were: orders rely on it.
fn add_profile_type(tx: &Db<'_>, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
    let added_or_same = tx.execute(
        "INSERT INTO profile_type
             (tenant, name, template, template_index, service_provider_name, profile_name,
              profile_class, settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (tenant, name) DO UPDATE SET name = excluded.name
         WHERE profile_type.template_index = excluded.template_index
             AND profile_type.service_provider_name = excluded.service_provider_name
             AND profile_type.profile_name = excluded.profile_name
             AND profile_type.profile_class = excluded.profile_class
             AND profile_type.settings = excluded.settings",
        values![
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

fn profile_type(db: &Db<'_>, name: &str) -> Result<Option<ProfileTypeSettings>, StoreError> {
    let settings = "SELECT settings FROM profile_type WHERE tenant = ?1 AND name = ?2";
    let settings: Option<(String,)> = db.first(settings, values![name])?;
    let read = |(settings,): (String,)| Ok(serde_json::from_str(&settings)?);
    settings.map(read).transpose()
}

fn find_order(db: &Db<'_>, key: &OrderKey) -> Result<Option<Versioned<Order>>, StoreError> {
    match key {
        OrderKey::MatchingId(id) => {
            let index = db.index("matching_id", id.as_bytes());
            read_order(db, "matching_id = ?2", values![index])
        }
        OrderKey::Eid(eid) => {
            let condition = "eid = ?2 AND state IN ('released', 'downloaded')
                 AND matching_id IS NULL ORDER BY ordered LIMIT 1";
            read_order(db, condition, values![eid])
        }
    }
}

fn read_order(
    db: &Db<'_>,
    condition: &str,
    values: Vec<Value<'_>>,
) -> Result<Option<Versioned<Order>>, StoreError> {
    let select =
        format!("SELECT version, document, iccid FROM profile WHERE tenant = ?1 AND {condition}");
    let read = |(version, document, iccid): (i64, Vec<u8>, String)| {
        Ok(Versioned {
            value: db.unseal("profile", &iccid, &document)?,
            version,
        })
    };
    db.first(&select, values)?.map(read).transpose()
}

fn material(db: &Db<'_>, iccid: Iccid) -> Result<ProfileMaterial, StoreError> {
    type Row = (Vec<u8>, Vec<u8>, String, String, i64, String, String);
    let row: Option<Row> = db.first(
        "SELECT p.subscription, t.template, t.service_provider_name, t.profile_name,
                t.profile_class, t.settings, t.name
         FROM profile p JOIN profile_type t ON t.tenant = p.tenant AND t.name = p.profile_type
         WHERE p.tenant = ?1 AND p.iccid = ?2",
        values![iccid],
    )?;
    let (
        subscription,
        template,
        service_provider_name,
        profile_name,
        profile_class,
        settings,
        name,
    ) = row.ok_or(StoreError::Unknown("a profile with this ICCID"))?;
    Ok(ProfileMaterial {
        subscription: db.unseal("subscription", &iccid.to_string(), &subscription)?,
        template: db.unseal_bytes("profile_type", &name, &template)?,
        service_provider_name,
        profile_name,
        profile_class,
        settings: serde_json::from_str(&settings)?,
    })
}

fn commit_order(
    tx: &Db<'_>,
    order: &Order,
    version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Without MatchingID the eUICC is the key; NULL is never a duplicate.
    let matching_id = order.matching_id.as_ref().filter(|id| !id.is_empty());
    let matching_id = matching_id.map(|id| tx.index("matching_id", id.as_bytes()));
    let iccid = order.iccid.to_string();
    // Its place among the orders is when it was made.
    let ordered = (order.state != OrderState::Available).then(|| tx.number(now));
    let changed = tx
        .execute(
            "UPDATE profile SET state = ?2, eid = ?3, matching_id = ?4, document = ?5,
                 requester = ?6, call = ?7, version = version + 1,
                 ordered = CASE WHEN ?2 = 'available' THEN NULL
                     ELSE coalesce(ordered, ?8) END
             WHERE tenant = ?1 AND iccid = ?9 AND version = ?10",
            values![
                order.state.as_str(),
                order.eid,
                matching_id,
                tx.seal("profile", &iccid, order)?,
                order.requester,
                order.call,
                ordered,
                iccid,
                version
            ],
        )
        .map_err(exists("an order with this MatchingID"))?;
    one_row(changed)?;
    if !matches!(order.state, OrderState::Released | OrderState::Downloaded) {
        let delete = "DELETE FROM kept_package WHERE tenant = ?1 AND iccid = ?2";
        tx.execute(delete, values![iccid])?;
    }
    Ok(())
}

fn keep_package(tx: &Db<'_>, kept: &KeptPackage) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO kept_package
             (tenant, iccid, generation, eid, server_ci, euicc_otpk, package)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant, iccid) DO UPDATE SET generation = excluded.generation,
             eid = excluded.eid, server_ci = excluded.server_ci,
             euicc_otpk = excluded.euicc_otpk, package = excluded.package",
        values![
            kept.iccid,
            kept.generation,
            kept.eid,
            kept.server_ci,
            kept.euicc_otpk,
            tx.seal_bytes("kept_package", &kept.iccid.to_string(), &kept.package)?
        ],
    )?;
    Ok(())
}

fn kept_package(db: &Db<'_>, iccid: Iccid) -> Result<Option<KeptPackage>, StoreError> {
    type Row = (String, u32, Vec<u8>, Vec<u8>, Vec<u8>);
    let row: Option<Row> = db.first(
        "SELECT eid, generation, server_ci, euicc_otpk, package
         FROM kept_package WHERE tenant = ?1 AND iccid = ?2",
        values![iccid],
    )?;
    let Some((eid, generation, server_ci, euicc_otpk, package)) = row else {
        return Ok(None);
    };
    let package = db.unseal_bytes("kept_package", &iccid.to_string(), &package)?;
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

fn add_notification(tx: &Db<'_>, notification: &SmdpNotification<'_>) -> Result<(), StoreError> {
    let (eid, seq_number) = (notification.eid, notification.seq_number);
    let kept = tx.execute(
        "INSERT INTO smdp_notification (tenant, eid, seq_number, received, der)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, eid, seq_number) DO NOTHING",
        values![eid, seq_number, notification.received, notification.der],
    )?;
    if kept == 0 {
        let kept: Option<(Vec<u8>,)> = tx.first(
            "SELECT der FROM smdp_notification
             WHERE tenant = ?1 AND eid = ?2 AND seq_number = ?3",
            values![eid, seq_number],
        )?;
        return match kept.is_some_and(|(der,)| der == notification.der) {
            true => Ok(()),
            false => Err(StoreError::Exists("another notification with this number")),
        };
    }
    match notification.progress {
        Some(progress) => smdp_progress::add(tx, progress, notification.received),
        None => Ok(()),
    }
}

fn notifications(db: &Db<'_>, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows: Vec<(Vec<u8>,)> = db.all(
        "SELECT der FROM smdp_notification WHERE tenant = ?1 AND eid = ?2 ORDER BY seq_number",
        values![eid],
    )?;
    Ok(rows.into_iter().map(|(der,)| der).collect())
}
