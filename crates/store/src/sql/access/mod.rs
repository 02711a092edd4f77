//! Who may come in.

mod account;
mod attempt;
mod key;
mod session;
mod tenants;

use fleet::access::{
    Account, ApiKeyId, Attempts, Digest, Residency, Role, RoleName, Session, TenantName, Tenants,
    UserId, UserName,
};
use rsp_core::Timestamp;
use zeroize::Zeroizing;

use super::SqlStore;
use super::db::{Db, values};
use crate::access_contract::{AccessStore, StoredKey};
use crate::contract::{StoreError, Versioned};
use crate::engine::Engine;
use crate::tenant::Tenant;

impl<E: Engine> SqlStore<E> {
    /// The rows of the default tenant, whoever's this is.
    fn top(&self) -> SqlStore<E> {
        self.of_tenant(Tenant::default())
    }
}

impl<E: Engine> AccessStore for SqlStore<E> {
    fn tenants(&self) -> Result<Tenants, StoreError> {
        self.top().read(tenants::tree)
    }

    fn add_tenant(
        &self,
        name: &TenantName,
        parent: &TenantName,
        residency: &Residency,
    ) -> Result<(), StoreError> {
        self.top()
            .transact(|tx| tenants::add(tx, name, parent, residency))
    }

    fn restrict_tenant(&self, name: &TenantName, residency: &Residency) -> Result<(), StoreError> {
        self.top()
            .transact(|tx| tenants::restrict(tx, name, residency))
    }

    fn remove_tenant(&self, name: &TenantName) -> Result<(), StoreError> {
        self.top().transact(|tx| tenants::remove(tx, name))
    }

    fn certificate(&self, digest: &Digest) -> Result<Option<TenantName>, StoreError> {
        self.top().read(|db| tenants::of_certificate(db, digest))
    }

    fn add_certificate(&self, digest: &Digest, tenant: &TenantName) -> Result<(), StoreError> {
        self.top()
            .transact(|tx| tenants::add_certificate(tx, digest, tenant))
    }

    fn remove_certificate(&self, digest: &Digest) -> Result<(), StoreError> {
        let delete = "DELETE FROM access_certificate WHERE tenant = ?1 AND digest = ?2";
        self.top().transact(|tx| {
            tx.execute(delete, values![digest.0])?;
            Ok(())
        })
    }

    fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.read(account::roles)
    }

    fn role(&self, name: &RoleName) -> Result<Option<Role>, StoreError> {
        self.read(|db| account::role(db, name))
    }

    fn put_role(&self, role: &Role) -> Result<(), StoreError> {
        self.transact(|tx| account::put_role(tx, role))
    }

    fn remove_role(&self, name: &RoleName) -> Result<(), StoreError> {
        self.transact(|tx| account::remove_role(tx, name))
    }

    fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        self.transact(|tx| account::add(tx, account))
    }

    fn accounts(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<Account>, StoreError> {
        self.read(|db| account::list(db, after, limit))
    }

    fn account(&self, id: &UserId) -> Result<Option<Versioned<Account>>, StoreError> {
        self.read(|db| account::by(db, account::Column::Id, &id.0))
    }

    fn account_named(&self, name: &UserName) -> Result<Option<Versioned<Account>>, StoreError> {
        self.read(|db| account::by(db, account::Column::Name, name.as_str()))
    }

    fn account_of_subject(&self, key: &str) -> Result<Option<Versioned<Account>>, StoreError> {
        self.read(|db| account::by(db, account::Column::Subject, key))
    }

    fn change_account(&self, account: &Versioned<Account>) -> Result<(), StoreError> {
        self.transact(|tx| account::change(tx, account))
    }

    fn remove_account(&self, id: &UserId) -> Result<(), StoreError> {
        self.transact(|tx| account::remove(tx, id))
    }

    fn add_api_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        self.transact(|tx| key::add(tx, key))
    }

    fn api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.read(|db| key::list(db, after, limit))
    }

    fn api_key_of(&self, digest: &Digest) -> Result<Option<StoredKey>, StoreError> {
        self.read(|db| key::of_digest(db, digest))
    }

    fn revoke_api_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<StoredKey, StoreError> {
        self.transact(|tx| key::revoke(tx, id, now))
    }

    fn touch_api_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| key::touch(tx, id, now))
    }

    fn web_session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        self.read(|db| session::one(db, digest))
    }

    fn put_web_session(
        &self,
        digest: &Digest,
        session: &Session,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.transact(|tx| {
            session::remove(tx, digest)?;
            session::add(tx, digest, session, until)
        })
    }

    fn exchange_web_session(
        &self,
        old: &Digest,
        new: &Digest,
        session: &Session,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.transact(|tx| match session::remove(tx, old)? {
            0 => Err(StoreError::Unknown("this session")),
            _ => session::add(tx, new, session, until),
        })
    }

    fn remove_web_session(&self, digest: &Digest) -> Result<(), StoreError> {
        self.transact(|tx| session::remove(tx, digest).map(drop))
    }

    fn attempts(&self, of: &str) -> Result<Attempts, StoreError> {
        self.read(|db| attempt::of(db, of))
    }

    fn change_attempts(
        &self,
        of: &str,
        change: &dyn Fn(Attempts) -> Attempts,
    ) -> Result<Attempts, StoreError> {
        self.transact(|tx| attempt::change(tx, of, change))
    }

    fn put_pending(&self, of: &Digest, secret: &[u8], until: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| session::put_pending(tx, of, secret, until))
    }

    fn take_pending(
        &self,
        of: &Digest,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.transact(|tx| session::take_pending(tx, of, now))
    }

    fn forget_access(&self, now: Timestamp, failures: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| forget(tx, now, failures))
    }
}

fn forget(tx: &Db<'_>, now: Timestamp, failures: Timestamp) -> Result<(), StoreError> {
    for (statement, before) in [
        (
            "DELETE FROM access_session WHERE tenant = ?1 AND ends <= ?2",
            now,
        ),
        (
            "DELETE FROM access_pending WHERE tenant = ?1 AND ends <= ?2",
            now,
        ),
        (
            "DELETE FROM access_attempt WHERE tenant = ?1 AND last <= ?2",
            failures,
        ),
    ] {
        tx.execute(statement, values![before])?;
    }
    Ok(())
}

/// A digest as text, where it names a row to which something is sealed.
fn hex(digest: &Digest) -> String {
    digest
        .0
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
