//! Who asks: programs by their keys, people by their sessions, machines by their
//! certificates.

use std::net::IpAddr;

use api::Problem;
use fleet::access::{
    Digest, Network, Presented as Key, Principal, SessionToken, Stage, TenantName, digest,
};
use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method};
use rsp_asn1::Certificate;
use rsp_core::pki::ParsedCertificate;
use store::StoredKey;

use super::{Access, Known};
use crate::door::{Authenticate, Caller, Presented, internal, problem, stored};
use crate::shell;

/// The tenant on which somebody works who reaches more than their own.
const TENANT: &str = "simurgh-tenant";

/// What guards requests with a cookie: the token that the sign-in gave.
const CSRF: &str = "x-csrf-token";

/// The cookie of a session. Browsers take it from a secure origin alone, for the
/// whole of this host alone.
pub(crate) const SESSION_COOKIE: &str = "__Host-simurgh";

/// The cookie of a sign-in at the identity provider.
pub(crate) const SIGN_ON_COOKIE: &str = "__Host-simurgh-sign-on";

/// How old the last use of a key may be as it is stored.
const STALE: std::time::Duration = std::time::Duration::from_secs(60);

/// Programs, by API keys.
pub(crate) struct Programs(pub(crate) Access);

/// People, by sessions.
pub(crate) struct People(pub(crate) Access);

/// Machines, by client certificates that an API key names.
pub(crate) struct Machines(pub(crate) Access);

fn caller(principal: &Principal) -> Caller {
    Caller {
        tenant: principal.tenant.to_string(),
        principal: principal.name.clone(),
        permissions: principal.permissions.clone(),
        home: principal.tenant.to_string(),
        below: principal.below,
        unfinished: false,
    }
}

fn unknown() -> Problem {
    problem(
        401,
        "unauthorised",
        "no valid token",
        "use a key that is neither revoked nor expired, from a network it may come from",
    )
}

impl Access {
    /// The same caller on the tenant that the request names: their own if it names
    /// none, or one that they reach.
    pub(crate) fn on_tenant(&self, caller: Caller, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Some(named) = headers.get(TENANT) else {
            return Ok(caller);
        };
        let named = named.to_str().unwrap_or_default();
        let out_of_reach = || {
            let remedy = "name your own tenant or one below it, or none";
            problem(403, "forbidden", "the tenant is not within reach", remedy)
        };
        let named: TenantName = named.parse().map_err(|_| out_of_reach())?;
        let home: TenantName = caller.home.parse().map_err(|_| internal())?;
        if named == home {
            return Ok(caller);
        }
        if !caller.below || !self.tree()?.is_below(&named, &home) {
            return Err(out_of_reach());
        }
        Ok(Caller {
            tenant: named.to_string(),
            // The same name in two tenants is two principals.
            principal: format!("{}@{home}", caller.principal),
            ..caller
        })
    }

    /// The principal of a key, if it counts now and from there.
    fn of_key(
        &self,
        tenant: &TenantName,
        digest: &Digest,
        from: IpAddr,
    ) -> Result<Option<Principal>, Problem> {
        let store = self.of(tenant)?;
        let Some(stored_key) = store.api_key_of(digest).map_err(stored)? else {
            return Ok(None);
        };
        let StoredKey { key, seen, .. } = stored_key;
        let now = shell::now();
        if let Err(refused) = key.admits(now, from) {
            tracing::warn!(key = %key.id, %tenant, address = %from, %refused, "not let in");
            return Ok(None);
        }
        let owner = store.account(&key.owner).map_err(stored)?;
        let Some(owner) = owner.filter(|owner| !owner.value.user.disabled) else {
            tracing::warn!(key = %key.id, %tenant, "not let in: its owner is gone or disabled");
            return Ok(None);
        };
        let role = self.role_of(&*store, &owner.value)?;
        if seen.is_none_or(|seen| now.since(seen) >= STALE) {
            store.touch_api_key(&key.id, now).map_err(stored)?;
        }
        let owner = owner.value.user.principal(tenant, &role);
        Ok(Some(key.principal(&owner)))
    }
}

impl Authenticate for Programs {
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem> {
        let Some(text) = presented.bearer().filter(|text| Key::is_meant(text)) else {
            return Ok(None);
        };
        let key = Key::read(text).map_err(|_| unknown())?;
        let from = presented.peer.address.ip();
        let principal = self.0.of_key(&key.tenant, &key.digest, from)?;
        let principal = principal.ok_or_else(unknown)?;
        Ok(Some(caller(&principal)))
    }
}

impl Authenticate for Machines {
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem> {
        let (None, Some(certificate)) = (presented.bearer(), &presented.peer.certificate) else {
            return Ok(None);
        };
        let Some(digest) = digest_of(certificate) else {
            return Ok(None);
        };
        let Some(tenant) = self.0.top().certificate(&digest).map_err(stored)? else {
            return Ok(None);
        };
        let from = presented.peer.address.ip();
        let principal = self.0.of_key(&tenant, &digest, from)?;
        let principal = principal.ok_or_else(unknown)?;
        Ok(Some(caller(&principal)))
    }
}

/// By what a client certificate is known: its public key, so that it can be issued
/// anew.
pub(super) fn digest_of(certificate: &[u8]) -> Option<Digest> {
    let certificate = Certificate::from_bytes(certificate).ok()?;
    let parsed = ParsedCertificate::parse(&certificate).ok()?;
    Some(digest(&parsed.public_key.to_spki_der()))
}

impl Authenticate for People {
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem> {
        let Some((_, known)) = self.0.who(presented)? else {
            return Ok(None);
        };
        let mut caller = caller(&known.principal());
        if !known.is_open() {
            caller.permissions = [].into_iter().collect();
            caller.unfinished = true;
        }
        Ok(Some(caller))
    }
}

impl Known {
    /// Whether all steps of signing in are done.
    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open && !self.account.value.must_change_password
    }
}

impl Access {
    /// Whose session a request shows, as a bearer token or as a cookie.
    pub(crate) fn who(
        &self,
        presented: &Presented,
    ) -> Result<Option<(SessionToken, Known)>, Problem> {
        let (text, by_cookie) = match (presented.bearer(), cookie(&presented.headers)) {
            (Some(bearer), _) => (bearer, false),
            (None, Some(cookie)) => (cookie, true),
            (None, None) => return Ok(None),
        };
        let Some(token) = SessionToken::read(text) else {
            return Ok(None);
        };
        if by_cookie {
            self.no_forgery(presented, text)?;
        }
        let known = self.session(&token, !presented.again)?;
        Ok(known.map(|known| (token, known)))
    }

    /// A browser sends cookies whoever made it send: what changes something must
    /// come from our own pages, and bring what only they know.
    fn no_forgery(&self, presented: &Presented, cookie: &str) -> Result<(), Problem> {
        if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&presented.method) {
            return Ok(());
        }
        let headers = &presented.headers;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let ours = match header(ORIGIN.as_str()) {
            None => true,
            Some(origin) => {
                let host = header(HOST.as_str()).map(|host| format!("https://{host}"));
                let party = self.settings().party.as_ref();
                let named =
                    party.is_some_and(|party| party.origins.iter().any(|own| own == origin));
                named || host.is_some_and(|host| host == origin)
            }
        };
        let site = header("sec-fetch-site").unwrap_or("same-origin");
        let guarded = header(CSRF).is_some_and(|token| {
            digest(token.as_bytes()).is(&digest(cookie_guard(cookie).as_bytes()))
        });
        match ours && guarded && ["same-origin", "none"].contains(&site) {
            true => Ok(()),
            false => Err(problem(
                403,
                "forbidden",
                "a request with a cookie needs X-CSRF-Token, and to come from our own pages",
                "send the csrf_token that GET /v1/session gives, or a bearer token",
            )),
        }
    }
}

/// What a page must bring beside the cookie: it follows from the cookie, which
/// pages of others cannot read.
pub(crate) fn cookie_guard(cookie: &str) -> String {
    let guard = digest(format!("csrf {cookie}").as_bytes());
    guard.0.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The cookie of a session.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    named_cookie(headers, SESSION_COOKIE)
}

/// A cookie (RFC 6265 5.4).
pub(crate) fn named_cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    })
}

/// Networks of a list of texts.
pub(super) fn networks(texts: &[String]) -> Result<Vec<Network>, Problem> {
    let read = |text: &String| {
        text.parse().map_err(|error: fleet::access::BadNetwork| {
            crate::door::invalid("networks", &error.to_string(), "correct it")
        })
    };
    texts.iter().map(read).collect()
}
