//! What may be done: scopes of the form `noun:verb`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// One thing that may be done. Its text is a noun of the API and a verb.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum Permission {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Permission {
            /// All that there are, in the order of their declaration.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)+];

            /// Its text, as [`FromStr`] reads it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Permission::$name => $text,)+
                }
            }
        }
    };
}

permissions! {
    /// See devices, their eUICCs, their profiles and their history.
    DevicesRead = "devices:read",
    /// Add, change, import and forget devices; give them keys.
    DevicesWrite = "devices:write",
    /// See what is in stock: profile types, profiles, orders.
    ProfilesRead = "profiles:read",
    /// Add to the stock, order from it.
    ProfilesWrite = "profiles:write",
    /// See activation codes' states, never the codes.
    ActivationCodesRead = "activation-codes:read",
    /// Add, lease and order activation codes.
    ActivationCodesWrite = "activation-codes:write",
    /// See operations.
    OperationsRead = "operations:read",
    /// Order operations on devices and cancel them.
    OperationsWrite = "operations:write",
    /// Order what could lose a device (`force`).
    OperationsForce = "operations:force",
    /// Give a tenant's consent to what somebody else asked for.
    ApprovalsWrite = "approvals:write",
    /// See telemetry.
    TelemetryRead = "telemetry:read",
    /// Bring telemetry.
    TelemetryWrite = "telemetry:write",
    /// See saved searches of the tenant.
    SearchesRead = "searches:read",
    /// Save and forget searches.
    SearchesWrite = "searches:write",
    /// Read the feed of events.
    EventsRead = "events:read",
    /// See webhook endpoints and their deliveries.
    WebhooksRead = "webhooks:read",
    /// Add, change and remove webhook endpoints; send again.
    WebhooksWrite = "webhooks:write",
    /// Read the audit trail.
    AuditRead = "audit:read",
    /// See what the server is set to, and its metrics.
    SettingsRead = "settings:read",
    /// Change settings of a tenant.
    SettingsWrite = "settings:write",
    /// See users and roles.
    UsersRead = "users:read",
    /// Add, change and remove users and roles.
    UsersAdmin = "users:admin",
    /// See API keys, without the keys.
    ApiKeysRead = "api-keys:read",
    /// Make and revoke API keys for everybody.
    ApiKeysAdmin = "api-keys:admin",
    /// See the tenants below one's own.
    TenantsRead = "tenants:read",
    /// Add, change and remove tenants below one's own.
    TenantsAdmin = "tenants:admin",
}

/// A text that is no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no permission; they are written noun:verb, as devices:read")]
pub struct BadPermission(pub String);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = BadPermission;

    fn from_str(text: &str) -> Result<Self, BadPermission> {
        let mut all = Self::ALL.iter();
        let found = all.find(|permission| permission.as_str() == text);
        // A long text is not carried around in an error.
        found
            .copied()
            .ok_or_else(|| BadPermission(text.chars().take(64).collect()))
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> String {
        permission.as_str().to_string()
    }
}

impl TryFrom<String> for Permission {
    type Error = BadPermission;

    fn try_from(text: String) -> Result<Self, BadPermission> {
        text.parse()
    }
}

/// A set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// All that there are.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether it has this one.
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Whether all of these are in `other`, too.
    pub fn is_within(&self, other: &Permissions) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Permissions) -> Self {
        self.0.intersection(&other.0).copied().collect()
    }

    /// The first of these that `other` has not.
    pub fn beyond(&self, other: &Permissions) -> Option<Permission> {
        self.0.difference(&other.0).next().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one, in the order of [`Permission::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Permissions(permissions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_is_written_and_no_text_names_two() {
        let mut texts = BTreeSet::new();
        for permission in Permission::ALL {
            let text = permission.to_string();
            assert_eq!(text.parse(), Ok(*permission));
            assert!(text.split_once(':').is_some(), "{text}");
            assert!(texts.insert(text));
        }
        assert!("devices:*".parse::<Permission>().is_err());
        assert!("DEVICES:READ".parse::<Permission>().is_err());
    }

    #[test]
    fn sets_are_compared_by_what_is_in_them() {
        let few: Permissions = [Permission::DevicesRead].into_iter().collect();
        assert!(few.is_within(&Permissions::all()));
        let beyond = Permissions::all().beyond(&few);
        assert_eq!(beyond, Some(Permission::DevicesWrite));
        assert_eq!(few.and(&Permissions::all()), few);
        assert_eq!(few.beyond(&Permissions::all()), None);
    }
}
