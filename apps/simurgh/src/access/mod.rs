//! Who may come in: the rules of `fleet::access` on the store, with the server's
//! clock and randomness. Everything here blocks, and is called where it may.

mod callers;
mod hashing;
mod keys;
mod passkeys;
mod second_factor;
mod settings;
mod sign_in;
mod sign_on;
mod signatures;
mod tenants;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use api::Problem;
use fleet::access::{
    Account, Place, Principal, RelyingParty, Role, Session, SessionLimits, Stage, TenantName,
    Tenants, UserId,
};
use rsp_core::Timestamp;
use rsp_crypto::{OsRng, Rng};
use store::{AccessStore, Database, Tenant, Versioned};

use crate::door::{internal, problem, stored};
use crate::shell;

pub(crate) use callers::{
    Machines, People, Programs, SESSION_COOKIE, SIGN_ON_COOKIE, cookie, cookie_guard, named_cookie,
};
pub(crate) use keys::NewKey;
pub(crate) use passkeys::{Challenge, Registration};
pub(crate) use second_factor::Shown;
pub(crate) use settings::{AccessSettings, tidy};
pub(crate) use sign_in::SignedIn;
use sign_on::{SignOnSettings, SingleSignOn};
pub(crate) use tenants::Seen as SeenTenant;
pub(crate) use users::{Made, Proof, UserChange};

use hashing::Hashing;

/// What is set of access.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long sessions live.
    pub(crate) sessions: SessionLimits,
    /// For passkeys; without it there are none.
    pub(crate) party: Option<RelyingParty>,
    /// What authenticator apps call this server.
    pub(crate) issuer: String,
    /// Where what is kept of tenants is.
    pub(crate) places: Vec<Place>,
}

/// Who may come in.
#[derive(Clone)]
pub(crate) struct Access(Arc<Inside>);

struct Inside {
    database: Arc<dyn Database>,
    settings: Settings,
    hashing: Hashing,
    sign_on: Option<SingleSignOn>,
    /// The default tenant's, which keeps the tree and counts failures.
    top: Arc<dyn AccessStore>,
}

/// Somebody with a session, however far they are.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) tenant: TenantName,
    pub(crate) account: Versioned<Account>,
    pub(crate) role: Role,
    pub(crate) session: Session,
    pub(crate) stage: Stage,
}

impl Access {
    pub(crate) fn new(
        database: Arc<dyn Database>,
        settings: Settings,
        sign_on: Option<SingleSignOn>,
    ) -> Self {
        let top = database.access(Tenant::default());
        Access(Arc::new(Inside {
            database,
            settings,
            hashing: Hashing::default(),
            sign_on,
            top,
        }))
    }

    fn top(&self) -> &dyn AccessStore {
        &*self.0.top
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What a tenant keeps, whether there is such a tenant or not.
    fn of(&self, tenant: &TenantName) -> Result<Arc<dyn AccessStore>, Problem> {
        let tenant: Tenant = tenant.as_str().parse().map_err(|_| internal())?;
        Ok(self.0.database.access(tenant))
    }

    fn tree(&self) -> Result<Tenants, Problem> {
        self.top().tenants().map_err(stored)
    }

    /// The role of somebody; one that is not there any more allows nothing.
    fn role_of(&self, store: &dyn AccessStore, account: &Account) -> Result<Role, Problem> {
        let name = &account.user.role;
        let role = store.role(name).map_err(stored)?;
        Ok(role.unwrap_or_else(|| Role {
            name: name.clone(),
            permissions: [].into_iter().collect(),
            below: false,
            mfa_required: true,
        }))
    }

    /// When a session ends in any case.
    pub(crate) fn end_of(&self, session: &Session) -> Timestamp {
        session_end(session, &self.settings().sessions)
    }

    /// How long a session lives at most.
    pub(crate) fn lifetime(&self) -> std::time::Duration {
        self.settings().sessions.absolute
    }

    /// The user that a caller is, if they are one of this tenant.
    pub(crate) fn user_of(
        &self,
        by: &Principal,
        tenant: &TenantName,
    ) -> Result<Option<UserId>, Problem> {
        let name = by.name.strip_prefix("user:");
        let name = name.filter(|_| by.tenant == *tenant);
        let Some(name) = name.and_then(|name| name.parse().ok()) else {
            return Ok(None);
        };
        let found = self.of(tenant)?.account_named(&name).map_err(stored)?;
        Ok(found.map(|found| found.value.user.id))
    }

    /// Forgets what counts no more, in all tenants.
    pub(crate) fn tidy(&self) -> Result<(), Problem> {
        let now = shell::now();
        let old = now.before(fleet::access::LockOut::ACCOUNT.memory);
        let (tree, top) = (self.tree()?, TenantName::default());
        for tenant in tree.subtree(&top) {
            self.of(tenant)?.forget_access(now, old).map_err(stored)?;
            let tenant = tenant.as_str().parse().map_err(|_| internal())?;
            let database = &self.0.database;
            database.door(tenant).forget_at_door(now).map_err(stored)?;
        }
        Ok(())
    }
}

impl Known {
    /// Them as somebody who asks for something.
    pub(crate) fn principal(&self) -> Principal {
        self.account.value.user.principal(&self.tenant, &self.role)
    }
}

/// Fresh random octets.
fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut octets = [0; N];
    OsRng::new().map_err(|_| internal())?.fill(&mut octets);
    Ok(octets)
}

/// What failures of an address are counted under: of IPv6, a network of 64 bits is
/// one, which is what one customer has.
fn counted(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => format!("address:{:x}", address.to_bits() >> 64),
    }
}

/// How long a session can be of use at most.
fn session_end(session: &Session, limits: &SessionLimits) -> Timestamp {
    session.created.after(limits.absolute)
}

/// Somebody asks for what only a further step of signing in gives.
fn too_early(stage: Stage) -> Problem {
    let (detail, remedy) = match stage {
        Stage::SecondFactor => (
            "the second factor has not been shown",
            "show it: POST /v1/session/totp or /v1/session/passkey",
        ),
        Stage::Enrol => (
            "the role needs a second factor, and there is none",
            "set one up: POST /v1/session/totp/enrolment",
        ),
        Stage::Open => ("this step is done", "go on"),
    };
    problem(403, "not signed in whole", detail, remedy)
}
