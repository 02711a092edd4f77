//! Who may come in: tenants, roles, accounts, keys, sessions, and what holds
//! guessers back. All but the tree of tenants and the certificates are of one
//! tenant.

use fleet::access::{
    Account, ApiKey, ApiKeyId, Attempts, Digest, Residency, Role, RoleName, Session, TenantName,
    Tenants, UserId, UserName,
};
use rsp_core::Timestamp;
use zeroize::Zeroizing;

use crate::contract::{StoreError, Versioned};

/// A key as it is kept, with when it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub key: ApiKey,
    /// By what it is found: SHA-256 of its text, or of a client certificate's
    /// public key.
    pub digest: Digest,
    /// When it was last used; a request need not write it.
    pub seen: Option<Timestamp>,
}

/// What every engine offers for access.
pub trait AccessStore: Send + Sync {
    /// The tree of tenants with where their data may rest, which the default tenant
    /// keeps.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants(&self) -> Result<Tenants, StoreError>;

    /// Adds a tenant below another one, with where its data may rest.
    ///
    /// # Errors
    /// [`StoreError::Tenants`] if the tree does not allow it.
    fn add_tenant(
        &self,
        name: &TenantName,
        parent: &TenantName,
        residency: &Residency,
    ) -> Result<(), StoreError>;

    /// Says anew where the data of a tenant, and of those below it, may rest. Whether
    /// they do, the caller has looked at.
    ///
    /// # Errors
    /// [`StoreError::Tenants`] if there is no such tenant.
    fn restrict_tenant(&self, name: &TenantName, residency: &Residency) -> Result<(), StoreError>;

    /// Removes a tenant with all that is its own, if it has nobody below it and
    /// neither devices nor profiles nor activation codes.
    ///
    /// # Errors
    /// [`StoreError::Tenants`] if the tree does not allow it,
    /// [`StoreError::Exists`] if something of it is left.
    fn remove_tenant(&self, name: &TenantName) -> Result<(), StoreError>;

    /// The tenant and the key of a client certificate, by the digest of its
    /// public key; the default tenant keeps them all.
    ///
    /// # Errors
    /// If the engine fails.
    fn certificate(&self, digest: &Digest) -> Result<Option<TenantName>, StoreError>;

    /// Puts down that a certificate is of a key of that tenant.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if it is of another one.
    fn add_certificate(&self, digest: &Digest, tenant: &TenantName) -> Result<(), StoreError>;

    /// Forgets a certificate.
    ///
    /// # Errors
    /// If the engine fails.
    fn remove_certificate(&self, digest: &Digest) -> Result<(), StoreError>;

    /// Roles of the tenant's own, and what was changed of those that all have.
    ///
    /// # Errors
    /// If the engine fails.
    fn roles(&self) -> Result<Vec<Role>, StoreError>;

    /// One of [`AccessStore::roles`], or else one that all have.
    ///
    /// # Errors
    /// If the engine fails.
    fn role(&self, name: &RoleName) -> Result<Option<Role>, StoreError>;

    /// Adds a role, or changes it.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_role(&self, role: &Role) -> Result<(), StoreError>;

    /// Removes a role of the tenant's own, that nobody has.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none, [`StoreError::Exists`] if
    /// somebody has it.
    fn remove_role(&self, name: &RoleName) -> Result<(), StoreError>;

    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the name is taken, or the identity at a
    /// provider.
    fn add_account(&self, account: &Account) -> Result<(), StoreError>;

    /// Accounts in the order of their names, after the one that is named.
    ///
    /// # Errors
    /// If the engine fails.
    fn accounts(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<Account>, StoreError>;

    /// An account.
    ///
    /// # Errors
    /// If the engine fails.
    fn account(&self, id: &UserId) -> Result<Option<Versioned<Account>>, StoreError>;

    /// An account by the user's name.
    ///
    /// # Errors
    /// If the engine fails.
    fn account_named(&self, name: &UserName) -> Result<Option<Versioned<Account>>, StoreError>;

    /// An account by who the user is at a provider
    /// ([`fleet::access::Subject::key`]).
    ///
    /// # Errors
    /// If the engine fails.
    fn account_of_subject(&self, key: &str) -> Result<Option<Versioned<Account>>, StoreError>;

    /// Changes an account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody else did,
    /// [`StoreError::LastAdmin`] if nobody would be left who could.
    fn change_account(&self, account: &Versioned<Account>) -> Result<(), StoreError>;

    /// Removes an account with its sessions; its keys are revoked by that.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], [`StoreError::LastAdmin`].
    fn remove_account(&self, id: &UserId) -> Result<(), StoreError>;

    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if it is there.
    fn add_api_key(&self, key: &StoredKey) -> Result<(), StoreError>;

    /// Keys in the order of their identifiers, after the one that is named.
    ///
    /// # Errors
    /// If the engine fails.
    fn api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError>;

    /// A key by what is kept of it.
    ///
    /// # Errors
    /// If the engine fails.
    fn api_key_of(&self, digest: &Digest) -> Result<Option<StoredKey>, StoreError>;

    /// Ends a key at this time, if it has not ended; gives it.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is none.
    fn revoke_api_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<StoredKey, StoreError>;

    /// Puts down that a key was used.
    ///
    /// # Errors
    /// If the engine fails.
    fn touch_api_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError>;

    /// A session.
    ///
    /// # Errors
    /// If the engine fails.
    fn web_session(&self, digest: &Digest) -> Result<Option<Session>, StoreError>;

    /// Adds a session, or changes it; it may be forgotten after `until`.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_web_session(
        &self,
        digest: &Digest,
        session: &Session,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Puts a session in the place of another one, in one step.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if the other is not there any more.
    fn exchange_web_session(
        &self,
        old: &Digest,
        new: &Digest,
        session: &Session,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a session.
    ///
    /// # Errors
    /// If the engine fails.
    fn remove_web_session(&self, digest: &Digest) -> Result<(), StoreError>;

    /// Failures of an address, an account or a pair.
    ///
    /// # Errors
    /// If the engine fails.
    fn attempts(&self, of: &str) -> Result<Attempts, StoreError>;

    /// Changes failures in one step; gives what they are then.
    ///
    /// # Errors
    /// If the engine fails.
    fn change_attempts(
        &self,
        of: &str,
        change: &dyn Fn(Attempts) -> Attempts,
    ) -> Result<Attempts, StoreError>;

    /// Keeps something secret for a while, until it is taken once: a challenge,
    /// a sign-in at a provider.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if something is kept there.
    fn put_pending(&self, of: &Digest, secret: &[u8], until: Timestamp) -> Result<(), StoreError>;

    /// Takes what is kept, if it is not too late.
    ///
    /// # Errors
    /// If the engine fails.
    fn take_pending(
        &self,
        of: &Digest,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Forgets sessions, pending things and failures that count no more, of the
    /// tenant; failures older than `failures`.
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_access(&self, now: Timestamp, failures: Timestamp) -> Result<(), StoreError>;
}
