//! Who may come in: sessions, users, roles, API keys, tenants.

mod keys;
mod passkeys;
mod roles;
mod session;
mod sign_on;
mod tenants;
mod users;

use std::net::IpAddr;

use api::{Problem, SecondFactor, Secret, SessionStage};
use axum::extract::FromRequestParts;
use axum::response::Response;
use fleet::access::{Account, Principal, SessionToken, Stage, TenantName};
use http::header::{HeaderName, HeaderValue, SET_COOKIE};
use http::request::Parts;

use super::answer::{respond, utc};
use super::authorise::{Call, asked_by};
use super::caller::{Caller, Presented};
use super::idempotency;
use super::problem::{Refusal, internal, problem};
use super::routes::Routes;
use crate::access::{Access, Known, SignedIn, cookie_guard};
use crate::shell;

pub(super) fn routes() -> Routes {
    Routes::new()
        .and(session::routes())
        .and(passkeys::routes())
        .and(sign_on::routes())
        .and(users::routes())
        .and(roles::routes())
        .and(keys::routes())
        .and(tenants::routes())
}

/// Recovery codes, if there are new ones.
type Codes = Option<Vec<Secret>>;

/// Somebody who is not known yet and wants to be.
pub(crate) struct Stranger {
    pub(crate) access: Access,
    pub(crate) presented: Presented,
}

/// Somebody who has begun to sign in, or has signed in.
pub(crate) struct Begun {
    pub(crate) access: Access,
    pub(crate) token: SessionToken,
    pub(crate) known: Known,
    pub(crate) from: IpAddr,
    by_cookie: bool,
}

/// Work that blocks.
async fn blocking<T, F>(work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Problem> + Send + 'static,
{
    let work = idempotency::carried(work);
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|error| {
        tracing::error!(%error, "a handler ended early");
        Err(internal())
    })
}

impl FromRequestParts<()> for Stranger {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &()) -> Result<Self, Refusal> {
        let (door, presented) = asked_by(&parts.extensions, &parts.headers, &parts.method)?;
        let from = presented.peer.address.ip();
        door.limiter().stranger(from, shell::now())?;
        Ok(Stranger {
            access: door.access().clone(),
            presented,
        })
    }
}

impl FromRequestParts<()> for Begun {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &()) -> Result<Self, Refusal> {
        let (door, presented) = asked_by(&parts.extensions, &parts.headers, &parts.method)?;
        let access = door.access().clone();
        let (by_cookie, from) = (presented.bearer().is_none(), presented.peer.address.ip());
        let asked = access.clone();
        let who = blocking(move || asked.who(&presented)).await?;
        let Some((token, known)) = who else {
            let detail = "this is about a session, and there is none";
            let remedy = "sign in with POST /v1/session";
            return Err(problem(409, "no session", detail, remedy).into());
        };
        Ok(Begun {
            access,
            token,
            known,
            from,
            by_cookie,
        })
    }
}

impl Begun {
    /// Goes on with the session, which has another token then; `work` is done on a
    /// thread that may block.
    async fn go_on<F>(self, work: F) -> Result<Response, Refusal>
    where
        F: FnOnce(&Access, &SessionToken, Known, IpAddr) -> Result<(SignedIn, Codes), Problem>
            + Send
            + 'static,
    {
        let Begun {
            access,
            token,
            known,
            from,
            ..
        } = self;
        let asked = access.clone();
        let (opened, codes) = blocking(move || work(&asked, &token, known, from)).await?;
        signed_in(&access, &opened, codes)
    }
}

impl Call {
    /// Who asks, where the users of the tenant are kept.
    fn access(&self) -> Access {
        self.door.access().clone()
    }

    /// Who asks, as the rules know them.
    fn principal(&self) -> Result<Principal, Problem> {
        principal(&self.caller)
    }

    /// On whose things.
    fn tenant(&self) -> Result<TenantName, Problem> {
        self.caller.tenant.parse().map_err(|_| internal())
    }
}

fn principal(caller: &Caller) -> Result<Principal, Problem> {
    Ok(Principal {
        name: caller.principal.clone(),
        tenant: caller.home.parse().map_err(|_| internal())?,
        permissions: caller.permissions.clone(),
        below: caller.below,
    })
}

fn stage(known: &Known) -> SessionStage {
    match known.stage {
        Stage::SecondFactor => SessionStage::SecondFactor,
        Stage::Enrol => SessionStage::Enrol,
        Stage::Open if known.account.value.must_change_password => SessionStage::ChangePassword,
        Stage::Open => SessionStage::Open,
    }
}

fn second_factors(account: &Account) -> Vec<SecondFactor> {
    let has = [
        (account.has_totp(), SecondFactor::Totp),
        (!account.passkeys.is_empty(), SecondFactor::Passkey),
        (account.recovery_left() > 0, SecondFactor::RecoveryCode),
    ];
    let has = has.into_iter().filter(|(has, _)| *has);
    has.map(|(_, factor)| factor).collect()
}

fn shown(access: &Access, known: &Known) -> api::Session {
    let user = &known.account.value.user;
    let permissions = match known.is_open() {
        true => known.role.permissions.iter().collect(),
        false => Vec::new(),
    };
    api::Session {
        stage: stage(known),
        tenant: known.tenant.to_string(),
        user: user.name.to_string(),
        role: user.role.to_string(),
        permissions: permissions.iter().map(ToString::to_string).collect(),
        second_factors: second_factors(&known.account.value),
        recovery_codes_left: known.account.value.recovery_left(),
        expires: utc(access.end_of(&known.session)),
        token: None,
        csrf_token: None,
        recovery_codes: None,
    }
}

/// A session that begins, or goes on with another token: in the body and as a
/// cookie.
fn signed_in(
    access: &Access,
    signed_in: &SignedIn,
    recovery_codes: Codes,
) -> Result<Response, Refusal> {
    let token = signed_in.token.as_str();
    let session = api::Session {
        token: Some(Secret(token.to_string())),
        csrf_token: Some(Secret(cookie_guard(token))),
        recovery_codes,
        ..shown(access, &signed_in.known)
    };
    let mut response = respond(200, "application/json", &session);
    let seconds = access.lifetime().as_secs();
    let cookie = cookie(crate::access::SESSION_COOKIE, token, seconds)?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    secret(&mut response);
    Ok(response)
}

/// What nobody on the way may keep.
fn secret(response: &mut Response) {
    let headers = response.headers_mut();
    let name = HeaderName::from_static("cache-control");
    headers.insert(name, HeaderValue::from_static("no-store"));
}

/// For this host alone, over TLS alone, not for scripts, not from other sites.
fn cookie(name: &str, value: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut cookie = HeaderValue::try_from(text).map_err(|_| internal())?;
    cookie.set_sensitive(true);
    Ok(cookie)
}
