//! Users and roles, as administrators see them.

use api::Problem;
use fleet::access::{
    Account, Denied, Permission, Permissions, Principal, Role, RoleName, TenantName, User, UserId,
    UserName, check_password,
};
use store::Versioned;
use zeroize::Zeroizing;

use super::{Access, random};
use crate::door::{invalid, problem, stored};
use crate::shell;

/// A user who was made, or got another password: the one-time password, if nobody
/// chose one, is shown once.
pub(crate) struct Made {
    pub(crate) account: Account,
    pub(crate) one_time_password: Option<Zeroizing<String>>,
}

/// By what a new user comes in.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// A password that the administrator chose, and the user changes.
    Password(&'a str),
    /// One that is made, shown once, and changed by the user.
    OneTimePassword,
    /// The identity provider alone.
    SingleSignOn,
}

/// What may be changed of a user by others.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserChange {
    pub(crate) role: Option<RoleName>,
    pub(crate) disabled: Option<bool>,
}

pub(super) fn denied(denied: Denied) -> Problem {
    let remedy = "have it done by somebody who may";
    problem(403, "forbidden", &denied.to_string(), remedy)
}

fn nobody() -> Problem {
    let remedy = "see the list of users";
    problem(404, "not found", "there is no such user", remedy)
}

impl Access {
    /// Whether somebody may do this in a tenant.
    pub(super) fn may(
        &self,
        principal: &Principal,
        permission: Permission,
        tenant: &TenantName,
    ) -> Result<(), Problem> {
        principal
            .may(permission, tenant, &self.tree()?)
            .map_err(denied)
    }

    fn role_to_give(
        &self,
        by: &Principal,
        tenant: &TenantName,
        name: &RoleName,
    ) -> Result<Role, Problem> {
        let role = self.of(tenant)?.role(name).map_err(stored)?;
        let role = role.ok_or_else(|| {
            let remedy = "GET /v1/roles shows those that there are";
            invalid("role", "there is no such role", remedy)
        })?;
        by.may_give_role(&role, tenant, &self.tree()?)
            .map_err(denied)?;
        Ok(role)
    }

    /// Nobody changes who may more than they.
    fn within(&self, by: &Principal, tenant: &TenantName, whom: &Account) -> Result<(), Problem> {
        let role = self.role_of(&*self.of(tenant)?, whom)?;
        by.may_give(&role.permissions).map_err(denied)
    }

    /// A password of the administrator's choice, or a one-time one.
    fn set_password(
        &self,
        account: &mut Account,
        chosen: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, Problem> {
        if let Some(chosen) = chosen {
            check_password(chosen, account.user.name.as_str())
                .map_err(|error| invalid("password", &error.to_string(), "choose another one"))?;
            account.set_password(&self.0.hashing.make(chosen)?, true);
            return Ok(None);
        }
        let id = UserId::of(&random()?);
        let password = Zeroizing::new(id.0);
        account.set_password(&self.0.hashing.make(&password)?, true);
        Ok(Some(password))
    }

    /// Users of a tenant.
    pub(crate) fn users(
        &self,
        tenant: &TenantName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Account>, Problem> {
        self.of(tenant)?.accounts(after, limit).map_err(stored)
    }

    /// One of them.
    pub(crate) fn user(
        &self,
        tenant: &TenantName,
        id: &UserId,
    ) -> Result<Versioned<Account>, Problem> {
        let found = self.of(tenant)?.account(id).map_err(stored)?;
        found.ok_or_else(nobody)
    }

    /// Adds a user.
    pub(crate) fn add_user(
        &self,
        by: &Principal,
        tenant: &TenantName,
        name: &str,
        role: &RoleName,
        proof: Proof<'_>,
    ) -> Result<Made, Problem> {
        let bad = |error: fleet::access::BadUserName| {
            invalid("name", &error.to_string(), "choose another one")
        };
        let name: UserName = name.parse().map_err(bad)?;
        self.role_to_give(by, tenant, role)?;
        let mut account = Account::new(User {
            id: UserId::of(&random()?),
            name,
            role: role.clone(),
            disabled: false,
            generation: 0,
            created: shell::now(),
        });
        let one_time_password = match proof {
            Proof::SingleSignOn => None,
            Proof::Password(chosen) => self.set_password(&mut account, Some(chosen))?,
            Proof::OneTimePassword => self.set_password(&mut account, None)?,
        };
        self.of(tenant)?.add_account(&account).map_err(stored)?;
        Ok(Made {
            account,
            one_time_password,
        })
    }

    /// Changes a user's role, or whether they may sign in.
    pub(crate) fn change_user(
        &self,
        by: &Principal,
        tenant: &TenantName,
        id: &UserId,
        change: &UserChange,
    ) -> Result<Account, Problem> {
        self.may(by, Permission::UsersAdmin, tenant)?;
        let mut account = self.user(tenant, id)?;
        self.within(by, tenant, &account.value)?;
        if let Some(role) = &change.role {
            self.role_to_give(by, tenant, role)?;
            account.value.user.role = role.clone();
        }
        if let Some(disabled) = change.disabled {
            account.value.set_disabled(disabled);
        }
        self.of(tenant)?.change_account(&account).map_err(stored)?;
        Ok(account.value)
    }

    /// Gives a user another password and takes their second factors away: for who
    /// has lost them. All sessions of theirs end.
    pub(crate) fn reset_user(
        &self,
        by: &Principal,
        tenant: &TenantName,
        id: &UserId,
    ) -> Result<Made, Problem> {
        self.may(by, Permission::UsersAdmin, tenant)?;
        let mut account = self.user(tenant, id)?;
        self.within(by, tenant, &account.value)?;
        account.value.reset_second_factors();
        let one_time_password = self.set_password(&mut account.value, None)?;
        self.of(tenant)?.change_account(&account).map_err(stored)?;
        Ok(Made {
            account: account.value,
            one_time_password,
        })
    }

    /// Removes a user; their keys end with that.
    pub(crate) fn remove_user(
        &self,
        by: &Principal,
        tenant: &TenantName,
        id: &UserId,
    ) -> Result<(), Problem> {
        self.may(by, Permission::UsersAdmin, tenant)?;
        let account = self.user(tenant, id)?;
        self.within(by, tenant, &account.value)?;
        self.of(tenant)?.remove_account(id).map_err(stored)
    }

    /// Roles of a tenant, those that all have included, as they are there.
    pub(crate) fn roles(&self, tenant: &TenantName) -> Result<Vec<Role>, Problem> {
        let own = self.of(tenant)?.roles().map_err(stored)?;
        let mut all: std::collections::BTreeMap<RoleName, Role> = Role::built_in()
            .into_iter()
            .map(|role| (role.name.clone(), role))
            .collect();
        all.extend(own.into_iter().map(|role| (role.name.clone(), role)));
        Ok(all.into_values().collect())
    }

    /// Adds a role or changes it.
    pub(crate) fn put_role(
        &self,
        by: &Principal,
        tenant: &TenantName,
        role: &Role,
    ) -> Result<(), Problem> {
        self.may(by, Permission::UsersAdmin, tenant)?;
        let store = self.of(tenant)?;
        if let Some(built_in) = Role::built_in_named(&role.name)
            && built_in.permissions != role.permissions
        {
            let remedy = "make a role with another name";
            return Err(invalid(
                "permissions",
                "those of this role stay as they are",
                remedy,
            ));
        }
        // Neither what it gives now nor what it gave before may be more than one has.
        let before = store.role(&role.name).map_err(stored)?;
        let before = before.map_or_else(Permissions::default, |role| role.permissions);
        by.may_give(&before).map_err(denied)?;
        by.may_give_role(role, tenant, &self.tree()?)
            .map_err(denied)?;
        store.put_role(role).map_err(stored)
    }

    /// Removes a role of the tenant's own, or takes back what was changed of one
    /// that all have.
    pub(crate) fn remove_role(
        &self,
        by: &Principal,
        tenant: &TenantName,
        name: &RoleName,
    ) -> Result<(), Problem> {
        self.may(by, Permission::UsersAdmin, tenant)?;
        let store = self.of(tenant)?;
        if let Some(role) = store.role(name).map_err(stored)? {
            by.may_give(&role.permissions).map_err(denied)?;
        }
        store.remove_role(name).map_err(stored)
    }
}
