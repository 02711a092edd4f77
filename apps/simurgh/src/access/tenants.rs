//! Tenants, as those above them see them.

use api::Problem;
use fleet::access::{Denied, Permission, Principal, Residency, RoleName, TenantName};
use store::StoreError;

use super::Access;
use super::users::{Made, Proof, denied};
use crate::Failure;
use crate::door::{problem, stored};

/// A tenant as somebody sees it.
pub(crate) struct Seen {
    pub(crate) name: TenantName,
    /// The one above, if it is theirs to see.
    pub(crate) parent: Option<TenantName>,
    pub(crate) residency: Residency,
}

impl Access {
    /// A tenant and those `below` it.
    pub(crate) fn tenants(&self, top: &TenantName, below: bool) -> Result<Vec<Seen>, Problem> {
        let tree = self.tree()?;
        let seen = tree.subtree(top).filter(|name| below || *name == top);
        // What is above the top is not theirs to see.
        let parent = |name: &TenantName| tree.parent(name).filter(|_| name != top);
        let seen = seen.map(|name| Seen {
            name: name.clone(),
            parent: parent(name).cloned(),
            residency: tree.residency(name),
        });
        Ok(seen.collect())
    }

    /// Whether what is kept of each tenant may rest where this server has it.
    pub(super) fn check_residency(&self) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new("[residency]", error);
        let tree = self.top().tenants().map_err(|error| failed(&error))?;
        let checked = tree.may_rest(&self.settings().places);
        checked.map_err(|misplaced| failed(&format!("{misplaced}: {ELSEWHERE}")))
    }

    /// Where what is kept of a tenant must rest, with what is said of those above it.
    pub(crate) fn residency(&self, name: &TenantName) -> Result<Residency, Problem> {
        Ok(self.tree()?.residency(name))
    }

    fn may_rest(&self, name: &TenantName, residency: &Residency) -> Result<(), Problem> {
        let checked = residency.check(name, &self.settings().places);
        checked.map_err(|why| problem(409, "misplaced", &why.to_string(), ELSEWHERE))
    }

    /// Says anew where what is kept of a tenant, and of those below it, must rest: it
    /// has to be there already. Who is of that tenant may leave countries out alone, as
    /// long as nobody above says otherwise.
    pub(crate) fn restrict_tenant(
        &self,
        by: &Principal,
        name: &TenantName,
        residency: &Residency,
    ) -> Result<(), Problem> {
        self.may(by, Permission::TenantsAdmin, name)?;
        let tree = self.tree()?;
        let is_own = by.tenant == *name && tree.parent(name).is_some();
        if is_own && !residency.is_within(&tree.residency(name)) {
            return Err(denied(Denied::BeyondReach));
        }
        self.may_rest(name, residency)?;
        let restricted = self.top().restrict_tenant(name, residency);
        restricted.map_err(refused)
    }

    /// Adds a tenant below another one, with its first administrator.
    pub(crate) fn add_tenant(
        &self,
        by: &Principal,
        parent: &TenantName,
        name: &TenantName,
        (admin, residency): (&str, &Residency),
    ) -> Result<Made, Problem> {
        self.may(by, Permission::TenantsAdmin, parent)?;
        if !by.below {
            return Err(denied(Denied::BeyondReach));
        }
        self.may_rest(name, residency)?;
        let added = self.top().add_tenant(name, parent, residency);
        added.map_err(refused)?;
        let made = self.add_user(by, name, admin, &RoleName::admin(), Proof::OneTimePassword);
        if made.is_err() {
            // A tenant without anybody in it would be of no use.
            self.top().remove_tenant(name).map_err(refused)?;
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
        self.top().remove_tenant(name).map_err(refused)
    }
}

/// What helps against [`fleet::access::Misplaced`].
const ELSEWHERE: &str =
    "serve it where its data may rest, or say in [residency] of simurgh.toml where this is";

/// What the tree does not allow, as the caller should see it.
fn refused(error: StoreError) -> Problem {
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
