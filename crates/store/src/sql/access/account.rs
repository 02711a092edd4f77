//! Users with their credentials, and roles.

use fleet::access::{Account, Role, RoleName, UserId, UserName, admins_left};

use super::super::db::{Db, values};
use super::super::{exists, one_row};
use crate::contract::{StoreError, Versioned};

/// Where accounts are sealed for.
const TABLE: &str = "access_account";

/// By what an account is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Id,
    Name,
    Subject,
}

pub(super) fn roles(db: &Db<'_>) -> Result<Vec<Role>, StoreError> {
    let all = "SELECT document FROM access_role WHERE tenant = ?1 ORDER BY name";
    let all: Vec<(String,)> = db.all(all, values![])?;
    let read = |(document,): (String,)| Ok(serde_json::from_str(&document)?);
    all.into_iter().map(read).collect()
}

pub(super) fn role(db: &Db<'_>, name: &RoleName) -> Result<Option<Role>, StoreError> {
    let own = "SELECT document FROM access_role WHERE tenant = ?1 AND name = ?2";
    let own: Option<(String,)> = db.first(own, values![name.as_str()])?;
    match own {
        None => Ok(Role::built_in_named(name)),
        Some((document,)) => Ok(Some(serde_json::from_str(&document)?)),
    }
}

pub(super) fn put_role(tx: &Db<'_>, role: &Role) -> Result<(), StoreError> {
    let name = role.name.as_str();
    let document = serde_json::to_string(role)?;
    let delete = "DELETE FROM access_role WHERE tenant = ?1 AND name = ?2";
    tx.execute(delete, values![name])?;
    let insert = "INSERT INTO access_role (tenant, name, document) VALUES (?1, ?2, ?3)";
    tx.execute(insert, values![name, document])?;
    Ok(())
}

pub(super) fn remove_role(tx: &Db<'_>, name: &RoleName) -> Result<(), StoreError> {
    let built_in = Role::built_in_named(name).is_some();
    let had = "SELECT 1 FROM access_account WHERE tenant = ?1 AND role = ?2 LIMIT 1";
    if !built_in && tx.first::<(i64,)>(had, values![name.as_str()])?.is_some() {
        return Err(StoreError::Exists("a user with this role"));
    }
    let delete = "DELETE FROM access_role WHERE tenant = ?1 AND name = ?2";
    match tx.execute(delete, values![name.as_str()])? {
        0 => Err(StoreError::Unknown("a role with this name")),
        _ => Ok(()),
    }
}

pub(super) fn add(tx: &Db<'_>, account: &Account) -> Result<(), StoreError> {
    let user = &account.user;
    if by(tx, Column::Name, user.name.as_str())?.is_some() {
        return Err(StoreError::Exists("a user with this name"));
    }
    let subject = account.subject.as_ref().map(|subject| subject.key());
    let sealed = tx.seal(TABLE, &user.id.0, account)?;
    tx.execute(
        "INSERT INTO access_account
            (tenant, id, version, name, role, is_admin, subject, document)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7)",
        values![
            user.id.0,
            user.name.as_str(),
            user.role.as_str(),
            user.is_active_admin(),
            subject,
            sealed
        ],
    )
    .map_err(exists("a user with this identity"))?;
    Ok(())
}

pub(super) fn by(
    db: &Db<'_>,
    column: Column,
    value: &str,
) -> Result<Option<Versioned<Account>>, StoreError> {
    let statement = match column {
        Column::Id => {
            "SELECT id, version, document FROM access_account WHERE tenant = ?1 AND id = ?2"
        }
        Column::Name => {
            "SELECT id, version, document FROM access_account WHERE tenant = ?1 AND name = ?2"
        }
        Column::Subject => {
            "SELECT id, version, document FROM access_account WHERE tenant = ?1 AND subject = ?2"
        }
    };
    let found: Option<(String, i64, Vec<u8>)> = db.first(statement, values![value])?;
    let open = |(id, version, sealed): (String, i64, Vec<u8>)| {
        let value = db.unseal(TABLE, &id, &sealed)?;
        Ok(Versioned { value, version })
    };
    found.map(open).transpose()
}

pub(super) fn list(
    db: &Db<'_>,
    after: Option<&UserName>,
    limit: usize,
) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or("", UserName::as_str);
    let rows: Vec<(String, Vec<u8>)> = db.all(
        "SELECT id, document FROM access_account
         WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
        values![after, limit],
    )?;
    let open = |(id, sealed): (String, Vec<u8>)| db.unseal(TABLE, &id, &sealed);
    rows.into_iter().map(open).collect()
}

/// How many active admins there are besides this user.
fn other_admins(tx: &Db<'_>, id: &UserId) -> Result<usize, StoreError> {
    let others = "SELECT id FROM access_account
         WHERE tenant = ?1 AND is_admin = 1 AND id <> ?2 LIMIT 1";
    let others: Vec<(String,)> = tx.all(others, values![id.0])?;
    Ok(others.len())
}

pub(super) fn change(tx: &Db<'_>, changed: &Versioned<Account>) -> Result<(), StoreError> {
    let account = &changed.value;
    let user = &account.user;
    let before = by(tx, Column::Id, &user.id.0)?.ok_or(StoreError::Unknown("this user"))?;
    let (was, stays) = (before.value.user.is_active_admin(), user.is_active_admin());
    if was && !stays {
        admins_left(was, stays, other_admins(tx, &user.id)?)?;
    }
    let subject = account.subject.as_ref().map(|subject| subject.key());
    let sealed = tx.seal(TABLE, &user.id.0, account)?;
    let changed = tx
        .execute(
            "UPDATE access_account SET version = version + 1, role = ?4, is_admin = ?5,
                subject = ?6, document = ?7
             WHERE tenant = ?1 AND id = ?2 AND version = ?3",
            values![
                user.id.0,
                changed.version,
                user.role.as_str(),
                stays,
                subject,
                sealed
            ],
        )
        .map_err(exists("a user with this identity"))?;
    one_row(changed)
}

pub(super) fn remove(tx: &Db<'_>, id: &UserId) -> Result<(), StoreError> {
    let before = by(tx, Column::Id, &id.0)?.ok_or(StoreError::Unknown("this user"))?;
    if before.value.user.is_active_admin() {
        admins_left(true, false, other_admins(tx, id)?)?;
    }
    let sessions = "DELETE FROM access_session WHERE tenant = ?1 AND owner = ?2";
    tx.execute(sessions, values![id.0])?;
    let delete = "DELETE FROM access_account WHERE tenant = ?1 AND id = ?2";
    tx.execute(delete, values![id.0])?;
    Ok(())
}
