//! Tenants, as those above them see them.

use api::Problem;
use fleet::access::{Permission, Principal, RoleName, TenantName};
use store::StoreError;

use super::Access;
use super::users::{Made, Proof};
use crate::door::{problem, stored};

impl Access {
    /// A tenant and those `below` it, with the one above each.
    pub(crate) fn tenants(
        &self,
        top: &TenantName,
        below: bool,
    ) -> Result<Vec<(TenantName, Option<TenantName>)>, Problem> {
        let tree = self.tree()?;
        let seen = tree.subtree(top).filter(|name| below || *name == top);
        // What is above the top is not theirs to see.
        let parent = |name: &TenantName| tree.parent(name).filter(|_| name != top);
        Ok(seen
            .map(|name| (name.clone(), parent(name).cloned()))
            .collect())
    }

    /// Adds a tenant below another one, with its first administrator.
    pub(crate) fn add_tenant(
        &self,
        by: &Principal,
        parent: &TenantName,
        name: &TenantName,
        admin: &str,
    ) -> Result<Made, Problem> {
        self.may(by, Permission::TenantsAdmin, parent)?;
        if !by.below {
            return Err(super::users::denied(fleet::access::Denied::BeyondReach));
        }
        self.top().add_tenant(name, parent).map_err(tree)?;
        let made = self.add_user(by, name, admin, &RoleName::admin(), Proof::OneTimePassword);
        if made.is_err() {
            // A tenant without anybody in it would be of no use.
            self.top().remove_tenant(name).map_err(tree)?;
        }
        made
    }

    /// Removes a tenant with its users, its events and what its eUICCs signed, if it has
    /// neither devices nor activation codes.
    pub(crate) fn remove_tenant(&self, by: &Principal, name: &TenantName) -> Result<(), Problem> {
        self.may(by, Permission::TenantsAdmin, name)?;
        if *name == by.tenant {
            let remedy = "have it removed from the tenant above";
            return Err(problem(
                409,
                "in use",
                "nobody removes their own tenant",
                remedy,
            ));
        }
        self.top().remove_tenant(name).map_err(tree)
    }
}

/// What the tree does not allow, as the caller should see it.
fn tree(error: StoreError) -> Problem {
    match error {
        StoreError::Tenants(error) => {
            let remedy = "GET /v1/tenants shows the tree";
            problem(
                409,
                "not possible in the tree of tenants",
                &error.to_string(),
                remedy,
            )
        }
        StoreError::Exists(_) => {
            let detail = "the tenant has devices, profiles or activation codes";
            problem(409, "in use", detail, "remove these first")
        }
        error => stored(error),
    }
}
