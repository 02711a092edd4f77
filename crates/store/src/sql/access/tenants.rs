//! The tree of tenants with where their data may rest, and whose certificates are
//! whose: rows of the default tenant.

use fleet::access::{Digest, Residency, TenantName, Tenants, TreeError};
use fleet::inventory::Country;

use super::super::db::{Db, values};
use crate::contract::StoreError;
use crate::tenant::Tenant;

/// What keeps a tenant from being removed.
const HOLDS: [&str; 4] = [
    "SELECT 1 FROM euicc WHERE tenant = ?1 LIMIT 1",
    "SELECT 1 FROM device WHERE tenant = ?1 LIMIT 1",
    "SELECT 1 FROM activation_code WHERE tenant = ?1 LIMIT 1",
    "SELECT 1 FROM profile WHERE tenant = ?1 LIMIT 1",
];

/// What else there is of a tenant: a later one of the same name must find nothing of
/// it. What refers to another table comes before that.
const REST: [&str; 34] = [
    "access_account",
    "access_attempt",
    "access_key",
    "access_pending",
    "access_role",
    "access_session",
    "code",
    "code_pool",
    "contact",
    "device_allowance",
    "device_identity",
    "device_identity_stage",
    "device_latest",
    "device_sample",
    "device_stage",
    "device_tag",
    "device_tag_stage",
    "euicc_stage",
    "event",
    "event_counter",
    "event_waiting",
    "import",
    "import_report",
    "outbox",
    "evidence",
    "profile_history",
    "psk",
    "relay_session",
    "request_key",
    "saved_search",
    "tariff",
    "webhook_delivery",
    "webhook_endpoint",
    "webhook_replay",
];

const UNRESTRICT: &str = "DELETE FROM access_residency WHERE tenant = ?1 AND name = ?2";

/// Tenants with the one above each, and those of whom it is said where their data may
/// rest.
const TREE: &str = "SELECT name, parent, NULL FROM access_tenant WHERE tenant = ?1
    UNION ALL SELECT name, NULL, countries FROM access_residency WHERE tenant = ?1";

pub(super) fn tree(db: &Db<'_>) -> Result<Tenants, StoreError> {
    let read = |name: &str| {
        let bad = |_| StoreError::Unknown("the tenant of a row");
        name.parse::<TenantName>().map_err(bad)
    };
    let (mut parents, mut residencies) = (Vec::new(), Vec::new());
    type Row = (String, Option<String>, Option<String>);
    for (name, parent, countries) in db.all::<Row>(TREE, values![])? {
        let name = read(&name)?;
        match (parent, countries) {
            (Some(parent), _) => parents.push((name, read(&parent)?)),
            (None, countries) => residencies.push((name, countries.unwrap_or_default())),
        }
    }
    let mut tree = Tenants::read(parents).map_err(StoreError::Tenants)?;
    for (name, countries) in residencies {
        let countries = countries.split(' ').map(str::parse);
        let countries: Result<Vec<Country>, _> = countries.collect();
        let bad = |_| StoreError::Unknown("a residency of a tenant");
        let residency = Residency::within(countries.map_err(bad)?);
        // One that was removed at the same time is nobody's any more.
        let _ = tree.restrict(&name, residency);
    }
    Ok(tree)
}

pub(super) fn add(
    tx: &Db<'_>,
    name: &TenantName,
    parent: &TenantName,
    residency: &Residency,
) -> Result<(), StoreError> {
    tree(tx)?
        .add(name.clone(), parent.clone())
        .map_err(StoreError::Tenants)?;
    let insert = "INSERT INTO access_tenant (tenant, name, parent) VALUES (?1, ?2, ?3)";
    tx.execute(insert, values![name.as_str(), parent.as_str()])?;
    restrict(tx, name, residency)
}

pub(super) fn restrict(
    tx: &Db<'_>,
    name: &TenantName,
    residency: &Residency,
) -> Result<(), StoreError> {
    if !tree(tx)?.contains(name) {
        return Err(StoreError::Tenants(TreeError::Unknown(name.clone())));
    }
    tx.execute(UNRESTRICT, values![name.as_str()])?;
    if let Some(countries) = residency.countries() {
        let codes: Vec<&str> = countries.iter().map(Country::code).collect();
        let insert = "INSERT INTO access_residency (tenant, name, countries) VALUES (?1, ?2, ?3)";
        tx.execute(insert, values![name.as_str(), codes.join(" ")])?;
    }
    Ok(())
}

pub(super) fn remove(tx: &Db<'_>, name: &TenantName) -> Result<(), StoreError> {
    tree(tx)?.remove(name).map_err(StoreError::Tenants)?;
    let bad = |_| StoreError::Tenants(TreeError::Unknown(name.clone()));
    let tenant: Tenant = name.as_str().parse().map_err(bad)?;
    let own = Db {
        tenant: &tenant,
        ..*tx
    };
    for holds in HOLDS {
        if own.first::<(i64,)>(holds, values![])?.is_some() {
            return Err(StoreError::Exists("something of this tenant"));
        }
    }
    for table in REST {
        let delete = format!("DELETE FROM {table} WHERE tenant = ?1");
        own.execute(&delete, values![])?;
    }
    let certificates = "DELETE FROM access_certificate WHERE tenant = ?1 AND holder = ?2";
    tx.execute(certificates, values![name.as_str()])?;
    tx.execute(UNRESTRICT, values![name.as_str()])?;
    let delete = "DELETE FROM access_tenant WHERE tenant = ?1 AND name = ?2";
    tx.execute(delete, values![name.as_str()])?;
    Ok(())
}

pub(super) fn of_certificate(
    db: &Db<'_>,
    digest: &Digest,
) -> Result<Option<TenantName>, StoreError> {
    let holder = "SELECT holder FROM access_certificate WHERE tenant = ?1 AND digest = ?2";
    let holder: Option<(String,)> = db.first(holder, values![digest.0])?;
    Ok(holder.and_then(|(holder,)| holder.parse().ok()))
}

pub(super) fn add_certificate(
    tx: &Db<'_>,
    digest: &Digest,
    tenant: &TenantName,
) -> Result<(), StoreError> {
    if of_certificate(tx, digest)?.is_some() {
        return Err(StoreError::Exists("a key for this certificate"));
    }
    let insert = "INSERT INTO access_certificate (tenant, digest, holder) VALUES (?1, ?2, ?3)";
    tx.execute(insert, values![digest.0, tenant.as_str()])?;
    Ok(())
}
