//! Users: people, who sign in.

use std::fmt;
use std::str::FromStr;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::principal::Principal;
use super::role::{Role, RoleName};
use super::tenant::TenantName;
use super::token::base62;

/// The longest name, in characters.
const LONGEST: usize = 128;

/// What a user is called when they sign in, often an address of mail: unique in
/// the tenant, lower case. 1 to 128 characters of a-z, 0-9 and `. _ + - @`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// A text that cannot name a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a user has 1 to 128 characters of a-z, 0-9 and . _ + - @")]
pub struct BadUserName;

impl UserName {
    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UserName {
    type Err = BadUserName;

    /// Capitals become small: people type names as they like.
    fn from_str(name: &str) -> Result<Self, BadUserName> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"._+-@".contains(&octet);
        match (1..=LONGEST).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(UserName(name.to_ascii_lowercase())),
            false => Err(BadUserName),
        }
    }
}

impl TryFrom<String> for UserName {
    type Error = BadUserName;

    fn try_from(name: String) -> Result<Self, BadUserName> {
        name.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> String {
        name.0
    }
}

/// Names a user for ever; another user with the same name has another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub String);

impl UserId {
    /// One of 256 random bits, of which 131 are kept.
    pub fn of(random: &[u8; 32]) -> Self {
        UserId(base62(random).chars().rev().take(22).collect())
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A user, without what they prove it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Names them for ever.
    pub id: UserId,
    /// What they are called.
    pub name: UserName,
    /// Their role.
    pub role: RoleName,
    /// Whether they may not sign in at present.
    pub disabled: bool,
    /// Changes whenever their sessions and keys must end: another password,
    /// disabled, second factor taken away.
    pub generation: u64,
    /// Since when they are known.
    pub created: Timestamp,
}

impl User {
    /// Them as somebody who asks for something.
    pub fn principal(&self, tenant: &TenantName, role: &Role) -> Principal {
        Principal {
            name: format!("user:{}", self.name),
            tenant: tenant.clone(),
            permissions: role.permissions.clone(),
            below: role.below,
        }
    }

    /// Whether they can change who may do what in their tenant.
    pub fn is_active_admin(&self) -> bool {
        !self.disabled && self.role == RoleName::admin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_small() {
        let name: UserName = "Noc.B+1@Example.org".parse().unwrap();
        assert_eq!(name.as_str(), "noc.b+1@example.org");
        for bad in ["", "a b", "ä", "a/b", "a\n", &"a".repeat(129)] {
            assert_eq!(bad.parse::<UserName>(), Err(BadUserName), "{bad:?}");
        }
    }

    #[test]
    fn identifiers_differ_with_the_randomness() {
        assert_ne!(UserId::of(&[1; 32]), UserId::of(&[2; 32]));
        assert_eq!(UserId::of(&[1; 32]).0.len(), 22);
    }
}
