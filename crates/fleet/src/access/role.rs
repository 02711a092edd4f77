//! Roles: named sets of permissions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::permission::{Permission, Permissions};

/// The longest name, in characters.
const LONGEST: usize = 63;

/// The name of a role: 1 to 63 characters of a-z, 0-9 and -.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

/// A text that cannot name a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a role has 1 to 63 characters of a-z, 0-9 and -")]
pub struct BadRoleName;

impl RoleName {
    /// The role that may do everything in its tenant.
    pub fn admin() -> Self {
        RoleName("admin".to_string())
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RoleName {
    type Err = BadRoleName;

    fn from_str(name: &str) -> Result<Self, BadRoleName> {
        let fits = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=LONGEST).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(RoleName(name.to_string())),
            false => Err(BadRoleName),
        }
    }
}

impl TryFrom<String> for RoleName {
    type Error = BadRoleName;

    fn try_from(name: String) -> Result<Self, BadRoleName> {
        name.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> String {
        name.0
    }
}

/// What somebody who has it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, unique in its tenant.
    pub name: RoleName,
    /// What may be done.
    pub permissions: Permissions,
    /// Whether that is so in the tenants below, too.
    pub below: bool,
    /// Whether a second factor is needed; without one, one may only be set up.
    pub mfa_required: bool,
}

impl Role {
    /// The roles that each tenant has from the beginning. Of them only
    /// [`Role::below`] and [`Role::mfa_required`] can be changed.
    pub fn built_in() -> [Role; 5] {
        let role = |name: &str, permissions, below| Role {
            name: RoleName(name.to_string()),
            permissions,
            below,
            mfa_required: false,
        };
        [
            role("viewer", viewer(), false),
            role("operator", operator(), false),
            role("approver", approver(), false),
            role("admin", Permissions::all(), true),
            role("auditor", auditor(), true),
        ]
    }

    /// One of the roles that are there from the beginning.
    pub fn built_in_named(name: &RoleName) -> Option<Role> {
        Self::built_in().into_iter().find(|role| role.name == *name)
    }
}

/// Sees the fleet and changes nothing.
fn viewer() -> Permissions {
    [
        Permission::DevicesRead,
        Permission::ProfilesRead,
        Permission::ActivationCodesRead,
        Permission::OperationsRead,
        Permission::TelemetryRead,
        Permission::SearchesRead,
        Permission::EventsRead,
    ]
    .into_iter()
    .collect()
}

/// Runs the fleet; cannot force, nor approve, nor change who may do what.
fn operator() -> Permissions {
    let more = [
        Permission::DevicesWrite,
        Permission::ProfilesWrite,
        Permission::ActivationCodesWrite,
        Permission::OperationsWrite,
        Permission::TelemetryWrite,
        Permission::SearchesWrite,
        Permission::WebhooksRead,
        Permission::WebhooksWrite,
        Permission::SettingsRead,
    ];
    viewer().iter().chain(more).collect()
}

/// Consents to what others ask for, and does nothing else: who asks and who
/// consents are two.
fn approver() -> Permissions {
    let more = [Permission::ApprovalsWrite, Permission::AuditRead];
    viewer().iter().chain(more).collect()
}

/// Sees everything, those below included.
fn auditor() -> Permissions {
    let reads = |permission: &&Permission| permission.as_str().ends_with(":read");
    Permission::ALL.iter().filter(reads).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Role::built_in_named(&name.parse().unwrap()).unwrap()
    }

    #[test]
    fn readers_change_nothing() {
        for name in ["viewer", "auditor"] {
            let permissions = role(name).permissions;
            assert!(!permissions.is_empty());
            for permission in permissions.iter() {
                assert!(
                    permission.as_str().ends_with(":read"),
                    "{name} {permission}"
                );
            }
        }
    }

    #[test]
    fn who_runs_the_fleet_neither_approves_nor_forces_nor_makes_users() {
        let operator = role("operator").permissions;
        for permission in [
            Permission::ApprovalsWrite,
            Permission::OperationsForce,
            Permission::UsersAdmin,
            Permission::ApiKeysAdmin,
            Permission::TenantsAdmin,
            Permission::SettingsWrite,
        ] {
            assert!(!operator.contains(permission), "{permission}");
        }
        assert!(
            !role("approver")
                .permissions
                .contains(Permission::OperationsWrite)
        );
    }

    #[test]
    fn the_admin_has_all() {
        assert_eq!(role("admin").permissions, Permissions::all());
        assert_eq!(RoleName::admin(), role("admin").name);
        assert_eq!(Role::built_in_named(&"custom".parse().unwrap()), None);
    }
}
