//! API keys, as those who make them see them.

use std::time::Duration;

use api::Problem;
use fleet::access::{
    ApiKey, ApiKeyId, Permission, Permissions, Presented, Principal, TenantName, UserId,
};
use store::StoredKey;
use zeroize::Zeroizing;

use super::callers::{digest_of, networks};
use super::users::denied;
use super::{Access, random};
use crate::door::{invalid, problem, stored};
use crate::shell;

/// What a key is to be.
#[derive(Debug)]
pub(crate) struct NewKey<'a> {
    pub(crate) name: &'a str,
    /// Whose it is; the caller's own if there is nobody.
    pub(crate) owner: UserId,
    pub(crate) permissions: Permissions,
    pub(crate) below: bool,
    pub(crate) networks: &'a [String],
    pub(crate) lifetime: Option<Duration>,
    /// DER of a client certificate that is to stand for it, in place of a text.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Access {
    /// Makes a key; its text is shown once. One that a certificate stands for has
    /// none.
    pub(crate) fn add_key(
        &self,
        by: &Principal,
        tenant: &TenantName,
        new: NewKey<'_>,
    ) -> Result<(StoredKey, Option<Zeroizing<String>>), Problem> {
        self.may(by, Permission::ApiKeysAdmin, tenant)?;
        by.may_give(&new.permissions).map_err(denied)?;
        if new.permissions.is_empty() {
            let remedy = "name what it is for: devices:read";
            return Err(invalid(
                "permissions",
                "a key without any does nothing",
                remedy,
            ));
        }
        if new.below && !by.below {
            return Err(denied(fleet::access::Denied::BeyondReach));
        }
        let owner = self.user(tenant, &new.owner)?;
        let store = self.of(tenant)?;
        let role = self.role_of(&*store, &owner.value)?;
        if let Some(permission) = new.permissions.beyond(&role.permissions) {
            let detail = format!("its owner has not the permission {permission}");
            return Err(invalid(
                "permissions",
                &detail,
                "leave it out, or take another owner",
            ));
        }
        let name = new.name.trim();
        if !(1..=64).contains(&name.chars().count()) {
            return Err(invalid("name", "not of 1 to 64 characters", "shorten it"));
        }
        let now = shell::now();
        let key = ApiKey {
            id: ApiKeyId::of(&random()?),
            name: name.to_string(),
            owner: new.owner,
            permissions: new.permissions,
            below: new.below,
            networks: networks(new.networks)?,
            created: now,
            expires: new.lifetime.map(|lifetime| now.after(lifetime)),
            revoked: None,
        };
        self.keep_key(tenant, key, new.certificate.as_deref())
    }

    fn keep_key(
        &self,
        tenant: &TenantName,
        key: ApiKey,
        certificate: Option<&[u8]>,
    ) -> Result<(StoredKey, Option<Zeroizing<String>>), Problem> {
        let store = self.of(tenant)?;
        let (digest, text) = match certificate {
            None => {
                let (text, presented) = Presented::make(tenant, &random()?);
                (presented.digest, Some(text))
            }
            Some(certificate) => {
                let digest = digest_of(certificate).ok_or_else(|| {
                    let remedy = "give one certificate in PEM with an EC key";
                    invalid("certificate", "it cannot be read", remedy)
                })?;
                store.add_certificate(&digest, tenant).map_err(stored)?;
                (digest, None)
            }
        };
        let kept = StoredKey {
            key,
            digest,
            seen: None,
        };
        store.add_api_key(&kept).map_err(stored)?;
        Ok((kept, text))
    }

    /// Keys of a tenant.
    pub(crate) fn keys(
        &self,
        tenant: &TenantName,
        after: Option<&ApiKeyId>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, Problem> {
        self.of(tenant)?.api_keys(after, limit).map_err(stored)
    }

    /// Ends a key.
    pub(crate) fn revoke_key(
        &self,
        by: &Principal,
        tenant: &TenantName,
        id: &ApiKeyId,
    ) -> Result<StoredKey, Problem> {
        self.may(by, Permission::ApiKeysAdmin, tenant)?;
        let store = self.of(tenant)?;
        let revoked = store.revoke_api_key(id, shell::now());
        let revoked = revoked.map_err(|error| match error {
            store::StoreError::Unknown(_) => {
                let remedy = "see the list of keys";
                problem(404, "not found", "there is no such key", remedy)
            }
            error => stored(error),
        })?;
        store.remove_certificate(&revoked.digest).map_err(stored)?;
        Ok(revoked)
    }
}
