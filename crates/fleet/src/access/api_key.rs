//! API keys: what programs show instead of signing in.

use std::fmt;
use std::net::IpAddr;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::network::Network;
use super::permission::Permissions;
use super::principal::Principal;
use super::tenant::TenantName;
use super::token::{CHECKSUM_LENGTH, Digest, SECRET_LENGTH};
use super::token::{base62, checksum, digest, is_base62};
use super::user::UserId;

/// What every key begins with, so that scanners of code and logs find it:
/// `sim_<tenant>_<43 characters of secret><6 of checksum>`.
const PREFIX: &str = "sim_";

/// Names a key; it is no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiKeyId(pub String);

impl ApiKeyId {
    /// One of 256 random bits.
    pub fn of(random: &[u8; 32]) -> Self {
        ApiKeyId(base62(random).chars().rev().take(22).collect())
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A key as somebody shows it: whose tenant's it says it is, and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The tenant.
    pub tenant: TenantName,
    /// What is kept of it.
    pub digest: Digest,
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no API key: they begin with sim_, and are copied whole")]
pub struct BadApiKey;

impl Presented {
    /// Makes a key of 256 random bits: its text, to be shown once, and what is
    /// kept.
    pub fn make(tenant: &TenantName, random: &[u8; 32]) -> (Zeroizing<String>, Self) {
        let mut text = Zeroizing::new(format!("{PREFIX}{tenant}_{}", base62(random)));
        let sum = checksum(&text);
        text.push_str(&sum);
        let presented = Presented {
            tenant: tenant.clone(),
            digest: digest(text.as_bytes()),
        };
        (text, presented)
    }

    /// Whether a text claims to be a key.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// [`BadApiKey`] if it has another form, or a typing error.
    pub fn read(text: &str) -> Result<Self, BadApiKey> {
        let rest = text.strip_prefix(PREFIX).ok_or(BadApiKey)?;
        let (tenant, tail) = rest.split_once('_').ok_or(BadApiKey)?;
        if !is_base62(tail, SECRET_LENGTH + CHECKSUM_LENGTH) {
            return Err(BadApiKey);
        }
        let (all, sum) = text
            .split_at_checked(text.len() - CHECKSUM_LENGTH)
            .ok_or(BadApiKey)?;
        match checksum(all) == sum {
            true => Ok(Presented {
                tenant: tenant.parse().map_err(|_| BadApiKey)?,
                digest: digest(text.as_bytes()),
            }),
            false => Err(BadApiKey),
        }
    }
}

/// A key, without the key. One may also be known by a client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// Who made it: it never may more than they may now.
    pub owner: UserId,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether it reaches the tenants below, if its owner does.
    pub below: bool,
    /// From where it may come; from everywhere if there is none.
    pub networks: Vec<Network>,
    /// Since when it is there.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked: Option<Timestamp>,
}

/// Why a key is not taken. The caller is told only that it is not; the log says
/// which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Somebody ended it.
    #[error("the key was revoked")]
    Revoked,
    /// It has ended.
    #[error("the key has expired")]
    Expired,
    /// It is bound to other networks.
    #[error("the key may not come from this network")]
    Network,
}

impl ApiKey {
    /// Whether it is taken now, from this address.
    ///
    /// # Errors
    /// [`KeyRefused`].
    pub fn admits(&self, now: Timestamp, from: IpAddr) -> Result<(), KeyRefused> {
        if self.revoked.is_some() {
            return Err(KeyRefused::Revoked);
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(KeyRefused::Expired);
        }
        match self.networks.is_empty() || self.networks.iter().any(|net| net.contains(from)) {
            true => Ok(()),
            false => Err(KeyRefused::Network),
        }
    }

    /// Who comes with it: what it was made for, as far as its owner still may it.
    pub fn principal(&self, owner: &Principal) -> Principal {
        Principal {
            name: format!("api-key:{}", self.id),
            tenant: owner.tenant.clone(),
            permissions: self.permissions.and(&owner.permissions),
            below: self.below && owner.below,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::Permission;
    use crate::access::testing::name;

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId::of(&[1; 32]),
            name: "erp".to_string(),
            owner: UserId("u".to_string()),
            permissions: Permissions::all(),
            below: true,
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            created: Timestamp::from_secs(1),
            expires: Some(Timestamp::from_secs(100)),
            revoked: None,
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_shown() {
        let (text, kept) = Presented::make(&name("acme-2"), &[0xA5; 32]);
        assert!(text.starts_with("sim_acme-2_"), "{text:?}");
        assert_eq!(text.len(), "sim_acme-2_".len() + 49);
        assert_eq!(Presented::read(&text), Ok(kept.clone()));
        assert!(!format!("{kept:?}").contains(&text[11..30]));
        let (other, _) = Presented::make(&name("acme-2"), &[0xA6; 32]);
        assert_ne!(*other, *text);
    }

    /// Each change of one character, and of the tenant, is found.
    #[test]
    fn a_typing_error_is_no_key() {
        let (text, _) = Presented::make(&name("acme"), &[0x5A; 32]);
        for at in 0..text.len() {
            let mut wrong = text.to_string().into_bytes();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(Presented::read(&wrong), Err(BadApiKey), "{at}");
        }
        for bad in [
            "",
            "sim_",
            "sim__",
            &text[..text.len() - 1],
            &format!("{}a", *text),
        ] {
            assert_eq!(Presented::read(bad), Err(BadApiKey), "{bad}");
        }
    }

    #[test]
    fn a_key_ends_and_stays_in_its_networks() {
        let at = Timestamp::from_secs(99);
        let inside = "192.0.2.9".parse().unwrap();
        let outside = "198.51.100.1".parse().unwrap();
        assert_eq!(key().admits(at, inside), Ok(()));
        assert_eq!(key().admits(at, outside), Err(KeyRefused::Network));
        let late = Timestamp::from_secs(100);
        assert_eq!(key().admits(late, inside), Err(KeyRefused::Expired));
        let revoked = ApiKey {
            revoked: Some(at),
            ..key()
        };
        assert_eq!(revoked.admits(at, inside), Err(KeyRefused::Revoked));
        let everywhere = ApiKey {
            networks: Vec::new(),
            ..key()
        };
        assert_eq!(everywhere.admits(at, outside), Ok(()));
    }

    #[test]
    fn a_key_falls_with_its_owner() {
        let owner = Principal {
            name: "user:noc".to_string(),
            tenant: name("acme"),
            permissions: [Permission::DevicesRead].into_iter().collect(),
            below: false,
        };
        let principal = key().principal(&owner);
        assert_eq!(principal.permissions, owner.permissions);
        assert!(!principal.below);
        assert_eq!(principal.tenant, owner.tenant);
    }
}
