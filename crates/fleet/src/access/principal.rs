//! Who asks, and whether they may.

use super::permission::{Permission, Permissions};
use super::role::Role;
use super::tenant::{TenantName, Tenants};

/// Somebody who is known: what they may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What events and the audit trail call them: `user:noc`, `api-key:erp`.
    pub name: String,
    /// Whose they are.
    pub tenant: TenantName,
    /// What they may do.
    pub permissions: Permissions,
    /// Whether that is so in the tenants below theirs, too.
    pub below: bool,
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The tenant is not theirs, nor one below it that they reach. Whether there
    /// is such a tenant is not said.
    #[error("the tenant {0} is not within reach")]
    Tenant(TenantName),
    /// Their role or key has not this permission.
    #[error("the permission {0} is needed")]
    Permission(Permission),
    /// They would give what they have not.
    #[error("nobody gives what they have not: {0}")]
    Beyond(Permission),
    /// They would give reach that they have not.
    #[error("nobody gives reach into other tenants without having it")]
    BeyondReach,
}

impl Principal {
    /// Whether they reach a tenant: their own, or one below it if their role says
    /// so; never one above or beside.
    pub fn reaches(&self, tenant: &TenantName, tenants: &Tenants) -> bool {
        *tenant == self.tenant || self.below && tenants.is_below(tenant, &self.tenant)
    }

    /// Whether they may do this in that tenant.
    ///
    /// # Errors
    /// [`Denied`], the tenant first: what is in it is not to be guessed from the
    /// answer.
    pub fn may(
        &self,
        permission: Permission,
        tenant: &TenantName,
        tenants: &Tenants,
    ) -> Result<(), Denied> {
        if !self.reaches(tenant, tenants) {
            return Err(Denied::Tenant(tenant.clone()));
        }
        match self.permissions.contains(permission) {
            true => Ok(()),
            false => Err(Denied::Permission(permission)),
        }
    }

    /// Whether they may give these permissions to somebody, or take them from
    /// somebody: they must have all of them.
    ///
    /// # Errors
    /// [`Denied::Beyond`] with one that they have not.
    pub fn may_give(&self, permissions: &Permissions) -> Result<(), Denied> {
        match permissions.beyond(&self.permissions) {
            None => Ok(()),
            Some(permission) => Err(Denied::Beyond(permission)),
        }
    }

    /// Whether they may give a role to somebody of `tenant`. Reach below that
    /// tenant can be given by who has reach below their own.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn may_give_role(
        &self,
        role: &Role,
        tenant: &TenantName,
        tenants: &Tenants,
    ) -> Result<(), Denied> {
        self.may(Permission::UsersAdmin, tenant, tenants)?;
        self.may_give(&role.permissions)?;
        match role.below && !self.below {
            true => Err(Denied::BeyondReach),
            false => Ok(()),
        }
    }
}

/// The last one who can change who may do what cannot be taken from a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the last admin of a tenant stays one: make another user an admin first")]
pub struct LastAdmin;

/// Whether a user may cease to be an active admin, of whom `others` remain.
///
/// # Errors
/// [`LastAdmin`] if nobody would be left.
pub fn admins_left(was: bool, stays: bool, others: usize) -> Result<(), LastAdmin> {
    match was && !stays && others == 0 {
        true => Err(LastAdmin),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::{Dice, name};

    fn principal(tenant: &TenantName, below: bool) -> Principal {
        Principal {
            name: "user:noc".to_string(),
            tenant: tenant.clone(),
            permissions: [Permission::DevicesRead].into_iter().collect(),
            below,
        }
    }

    /// In random trees nobody reaches outside of their subtree, and without the
    /// role's consent nobody leaves their tenant.
    #[test]
    fn nobody_reaches_outside_of_their_subtree() {
        for seed in 0..50 {
            let mut dice = Dice::new(seed);
            let tree = dice.tree(20);
            let all: Vec<_> = tree.subtree(&name("default")).cloned().collect();
            for own in &all {
                let below = dice.below(2) == 0;
                let principal = principal(own, below);
                for target in &all {
                    let may = principal.may(Permission::DevicesRead, target, &tree);
                    let inside = target == own || below && tree.is_below(target, own);
                    assert_eq!(may.is_ok(), inside, "seed {seed}: {own} to {target}");
                    let other = principal.may(Permission::DevicesWrite, target, &tree);
                    assert!(other.is_err(), "seed {seed}: {own} to {target}");
                }
            }
        }
    }

    #[test]
    fn a_tenant_that_is_not_there_answers_as_one_out_of_reach() {
        let tree = Dice::new(1).tree(3);
        let principal = principal(&name("t1"), true);
        let denied = |tenant: &str| principal.may(Permission::DevicesRead, &name(tenant), &tree);
        assert_eq!(denied("nobody"), Err(Denied::Tenant(name("nobody"))));
        assert_eq!(denied("default"), Err(Denied::Tenant(name("default"))));
    }

    /// Random roles: what is given is within what the giver has.
    #[test]
    fn nobody_gives_more_than_they_have() {
        let mut dice = Dice::new(7);
        let tree = dice.tree(5);
        let mut given = 0;
        for round in 0..2000 {
            // Often nearly all, so that some succeed.
            let few = dice.below(12);
            let mut some = |often: u64| -> Permissions {
                let all = Permission::ALL.iter().copied();
                all.filter(|_| dice.below(12) < often).collect()
            };
            let mut giver = principal(&name("default"), round % 2 == 0);
            giver.permissions = some(12 - few / 4);
            let role = Role {
                name: "custom".parse().unwrap(),
                permissions: some(few / 4),
                below: round % 3 == 0,
                mfa_required: false,
            };
            if giver.may_give_role(&role, &name("t1"), &tree).is_ok() {
                given += 1;
                assert!(giver.below, "round {round}: t1 is not the giver's own");
                assert!(role.permissions.is_within(&giver.permissions));
                assert!(giver.permissions.contains(Permission::UsersAdmin));
            }
        }
        assert!(given > 10, "{given}");
    }

    #[test]
    fn reach_is_not_given_by_who_has_none() {
        let tree = Tenants::default();
        let mut giver = principal(&name("default"), false);
        giver.permissions = Permissions::all();
        let admin = Role::built_in_named(&"admin".parse().unwrap()).unwrap();
        let refused = giver.may_give_role(&admin, &name("default"), &tree);
        assert_eq!(refused, Err(Denied::BeyondReach));
        let near = Role {
            below: false,
            ..admin
        };
        giver.may_give_role(&near, &name("default"), &tree).unwrap();
    }

    #[test]
    fn an_admin_is_left() {
        assert_eq!(admins_left(true, false, 0), Err(LastAdmin));
        assert_eq!(admins_left(true, false, 1), Ok(()));
        assert_eq!(admins_left(true, true, 0), Ok(()));
        assert_eq!(admins_left(false, false, 0), Ok(()));
    }
}
