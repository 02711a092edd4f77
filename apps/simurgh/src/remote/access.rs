//! `simurgh user`, `role`, `api-key` and `tenant`: who may come in.

use api::client::{self, ListApiKeysQuery, ListUsersQuery};
use api::{
    ApiKey, NewApiKey, NewTenant, NewUser, Role, RoleSettings, SecondFactor, Secret, Tenant,
    TenantResidency, User, UserSettings,
};
use clap::{Args, Subcommand};

use super::output::Shown;
use super::{Listing, Remote};
use crate::{Failure, files};

/// Users.
///
/// A user signs in with `simurgh login`. The first password is a one-time one: it is
/// shown here once, and changed by the user.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    List {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        listing: Listing,
    },
    /// Add a user, whose role allows no more than you may yourself
    Add {
        #[command(flatten)]
        remote: Remote,
        /// What they sign in with, for example their address of mail
        name: String,
        /// viewer, operator, approver, admin, auditor, or a role of your own
        #[arg(long, default_value = "viewer")]
        role: String,
        /// They come by the identity provider alone, with the name as their verified
        /// address
        #[arg(long)]
        single_sign_on: bool,
    },
    /// Change a user's role, or whether they may sign in
    Set {
        #[command(flatten)]
        remote: Remote,
        /// Identifier, as the list shows it
        #[arg(value_name = "USER-ID")]
        id: String,
        /// Another role
        #[arg(long)]
        role: Option<String>,
        /// Whether they may not sign in
        #[arg(long, value_name = "true|false")]
        disabled: Option<bool>,
    },
    /// For who has lost password or second factor: take both away, show a one-time
    /// password
    Reset {
        #[command(flatten)]
        remote: Remote,
        /// Identifier, as the list shows it
        #[arg(value_name = "USER-ID")]
        id: String,
    },
    /// Remove a user; their sessions and API keys end
    Remove {
        #[command(flatten)]
        remote: Remote,
        /// Identifier, as the list shows it
        #[arg(value_name = "USER-ID")]
        id: String,
    },
}

/// Roles: what users may do.
#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List roles with their permissions
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Add a role, or change one: of viewer, operator, approver, admin and auditor only
    /// --below and --mfa
    Set {
        #[command(flatten)]
        remote: Remote,
        /// Its name: a-z, 0-9 and -
        name: String,
        /// What it allows, for example devices:read; may be repeated
        #[arg(long = "permission", value_name = "NOUN:VERB")]
        permissions: Vec<String>,
        /// In the tenants below, too
        #[arg(long)]
        below: bool,
        /// Users of this role need a second factor; without one, they can only set one up
        #[arg(long)]
        mfa: bool,
    },
    /// Remove a role that nobody has
    Remove {
        #[command(flatten)]
        remote: Remote,
        /// Its name
        name: String,
    },
}

/// API keys: what programs show instead of signing in.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// List API keys, without the keys
    List {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        listing: Listing,
    },
    /// Make an API key; it is shown once
    Add(Box<AddKey>),
    /// End an API key
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Identifier, as the list shows it
        #[arg(value_name = "KEY-ID")]
        id: String,
    },
}

/// What a key is to be.
#[derive(Debug, Args)]
pub(crate) struct AddKey {
    #[command(flatten)]
    remote: Remote,
    /// What people call it
    name: String,
    /// What it is for, for example devices:read; may be repeated
    #[arg(long = "permission", value_name = "NOUN:VERB", required = true)]
    permissions: Vec<String>,
    /// Identifier of the user who answers for it; you, if you are a user
    #[arg(long, value_name = "USER-ID")]
    owner: Option<String>,
    /// From where it may come, for example 192.0.2.0/24; may be repeated
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// In how many days it ends
    #[arg(long)]
    days: Option<u32>,
    /// In the tenants below, too
    #[arg(long)]
    below: bool,
    /// A client certificate in PEM that stands for it, in place of a text
    #[arg(long, value_name = "FILE")]
    certificate: Option<std::path::PathBuf>,
}

/// Tenants: each sees its own users and devices alone; who is above may act below, if
/// the role says so.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// List your tenant and those below it
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Add a tenant below yours, with its first administrator
    Add {
        #[command(flatten)]
        remote: Remote,
        /// Its name: a-z, 0-9 and -
        name: String,
        /// What its first administrator signs in with
        #[arg(long)]
        admin: String,
        /// Countries in which its data must rest (ISO 3166-1, separated by commas) [default:
        /// any]
        #[arg(long, value_name = "COUNTRIES", value_delimiter = ',')]
        residency: Vec<String>,
    },
    /// Say where the data of a tenant and of those below it must rest
    ///
    /// Refused where this server's data are not: [residency] of simurgh.toml says where
    /// they are.
    Residency {
        #[command(flatten)]
        remote: Remote,
        /// Its name
        name: String,
        /// Countries (ISO 3166-1), such as DE AT
        #[arg(required_unless_present = "anywhere", value_delimiter = ',')]
        countries: Vec<String>,
        /// In any country
        #[arg(long, conflicts_with = "countries")]
        anywhere: bool,
    },
    /// Remove a tenant with its users and its events, if it has neither devices nor
    /// activation codes
    Remove {
        #[command(flatten)]
        remote: Remote,
        /// Its name
        name: String,
    },
}

fn yes(flag: bool) -> String {
    let text = if flag { "yes" } else { "no" };
    text.to_string()
}

fn secret(secret: &Option<Secret>) -> String {
    secret
        .as_ref()
        .map(|secret| secret.0.clone())
        .unwrap_or_default()
}

impl Shown for User {
    const TITLES: &'static [&'static str] = &[
        "ID",
        "NAME",
        "ROLE",
        "DISABLED",
        "SECOND FACTORS",
        "ONE-TIME PASSWORD",
    ];

    fn cells(&self) -> Vec<String> {
        let factor = |factor: &SecondFactor| match factor {
            SecondFactor::Totp => "totp",
            SecondFactor::Passkey => "passkey",
            SecondFactor::RecoveryCode => "recovery-code",
        };
        let factors: Vec<_> = self.second_factors.iter().map(factor).collect();
        vec![
            self.id.clone(),
            self.name.clone(),
            self.role.clone(),
            yes(self.disabled),
            factors.join(","),
            secret(&self.one_time_password),
        ]
    }
}

impl Shown for Role {
    const TITLES: &'static [&'static str] =
        &["NAME", "BUILT-IN", "BELOW", "SECOND FACTOR", "PERMISSIONS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            yes(self.built_in),
            yes(self.below),
            if self.mfa_required { "needed" } else { "" }.to_string(),
            self.permissions.join(","),
        ]
    }
}

impl Shown for ApiKey {
    const TITLES: &'static [&'static str] = &[
        "ID",
        "NAME",
        "OWNER",
        "PERMISSIONS",
        "NETWORKS",
        "EXPIRES",
        "REVOKED",
        "LAST USED",
        "KEY",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.owner.clone(),
            self.permissions.join(","),
            self.networks.join(","),
            self.expires.clone().unwrap_or_default(),
            self.revoked.clone().unwrap_or_default(),
            self.last_used.clone().unwrap_or_default(),
            secret(&self.key),
        ]
    }
}

impl Shown for TenantResidency {
    const TITLES: &'static [&'static str] = &["RESTS IN"];

    fn cells(&self) -> Vec<String> {
        let anywhere = self.residency.is_empty().then(|| "any country".to_string());
        vec![anywhere.unwrap_or_else(|| self.residency.join(", "))]
    }
}

impl Shown for Tenant {
    const TITLES: &'static [&'static str] =
        &["NAME", "ABOVE", "RESTS IN", "ADMIN", "ONE-TIME PASSWORD"];

    fn cells(&self) -> Vec<String> {
        let admin = self.admin.as_ref();
        vec![
            self.name.clone(),
            self.parent.clone().unwrap_or_default(),
            self.residency.join(", "),
            admin.map(|admin| admin.name.clone()).unwrap_or_default(),
            admin
                .map(|admin| secret(&admin.one_time_password))
                .unwrap_or_default(),
        ]
    }
}

impl UserCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            UserCommand::List { remote, listing } => {
                let api = remote.api()?;
                let query = ListUsersQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                };
                api.output.page(&api.ask(client::list_users(&query))?)
            }
            UserCommand::Add {
                remote,
                name,
                role,
                single_sign_on,
            } => {
                let api = remote.api()?;
                let new = NewUser {
                    name,
                    role,
                    password: None,
                    single_sign_on,
                };
                api.output.one(&api.tell(client::add_user(&new))?)
            }
            UserCommand::Set {
                remote,
                id,
                role,
                disabled,
            } => {
                let api = remote.api()?;
                let settings = UserSettings { role, disabled };
                api.output.one(&api.tell(client::set_user(&id, &settings))?)
            }
            UserCommand::Reset { remote, id } => {
                let api = remote.api()?;
                api.output.one(&api.ask(client::reset_user(&id))?)
            }
            UserCommand::Remove { remote, id } => remote.api()?.ask(client::remove_user(&id)),
        }
    }
}

impl RoleCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            RoleCommand::List { remote } => {
                let api = remote.api()?;
                api.output.page(&api.ask(client::list_roles())?)
            }
            RoleCommand::Set {
                remote,
                name,
                permissions,
                below,
                mfa,
            } => {
                let api = remote.api()?;
                let settings = RoleSettings {
                    permissions: Some(permissions).filter(|given| !given.is_empty()),
                    below,
                    mfa_required: mfa,
                };
                api.output
                    .one(&api.tell(client::put_role(&name, &settings))?)
            }
            RoleCommand::Remove { remote, name } => remote.api()?.ask(client::remove_role(&name)),
        }
    }
}

impl ApiKeyCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            ApiKeyCommand::List { remote, listing } => {
                let api = remote.api()?;
                let query = ListApiKeysQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                };
                api.output.page(&api.ask(client::list_api_keys(&query))?)
            }
            ApiKeyCommand::Add(add) => add.run(),
            ApiKeyCommand::Revoke { remote, id } => {
                let api = remote.api()?;
                api.output.one(&api.ask(client::revoke_api_key(&id))?)
            }
        }
    }
}

impl AddKey {
    fn run(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let certificate = self.certificate.as_deref().map(files::read).transpose()?;
        let new = NewApiKey {
            name: self.name,
            permissions: self.permissions,
            owner: self.owner,
            below: self.below,
            networks: self.networks,
            days: self.days,
            certificate,
        };
        api.output.one(&api.tell(client::add_api_key(&new))?)
    }
}

impl TenantCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            TenantCommand::List { remote } => {
                let api = remote.api()?;
                api.output.page(&api.ask(client::list_tenants())?)
            }
            TenantCommand::Add {
                remote,
                name,
                admin,
                residency,
            } => {
                let api = remote.api()?;
                let new = NewTenant {
                    name,
                    admin,
                    residency,
                };
                api.output.one(&api.tell(client::add_tenant(&new))?)
            }
            TenantCommand::Residency {
                remote,
                name,
                countries,
                anywhere: _,
            } => {
                let api = remote.api()?;
                let wanted = TenantResidency {
                    residency: countries,
                };
                let set = client::set_tenant_residency(&name, &wanted);
                api.output.one(&api.tell(set)?)
            }
            TenantCommand::Remove { remote, name } => {
                remote.api()?.ask(client::remove_tenant(&name))
            }
        }
    }
}
