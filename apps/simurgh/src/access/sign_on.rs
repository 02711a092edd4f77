//! Single sign-on at an organisation's identity provider.

use std::net::IpAddr;
use std::time::Duration;

use api::Problem;
use bytes::Bytes;
use fleet::access::{
    Account, Factor, Identity, Provider, RelyingClient, RoleName, SIGN_IN_TIME, SessionToken,
    SignOn, SignOnError, TenantName, User, UserId, UserName,
};
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use rsp_core::pki::TlsTrust;
use rsp_net::Client;
use store::Versioned;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::signatures::AwsLc;
use super::{Access, SignedIn, random};
use crate::door::{internal, problem, stored};
use crate::shell;

/// A provider, as the configuration says.
#[derive(Clone, Debug)]
pub(crate) struct SignOnSettings {
    /// Its URL, as its document says it.
    pub(crate) issuer: String,
    pub(crate) client: RelyingClient,
    /// Whose users sign in there.
    pub(crate) tenant: TenantName,
    /// The role of users who come for the first time; without it an administrator
    /// adds users before they come.
    pub(crate) role: Option<RoleName>,
}

/// A provider that can be asked.
pub(crate) struct SingleSignOn {
    pub(crate) settings: SignOnSettings,
    /// `client_secret`, if it has one.
    pub(crate) secret: Option<Zeroizing<String>>,
    pub(crate) http: Client,
    pub(crate) trust: TlsTrust,
}

/// A sign-in that was begun: where the browser goes, and what it must bring back.
pub(crate) struct Begun {
    pub(crate) address: String,
    pub(crate) handle: Zeroizing<String>,
    pub(crate) lifetime: Duration,
}

fn failed(error: &SignOnError) -> Problem {
    tracing::warn!(%error, "a single sign-on failed");
    let remedy = "sign in again; the server's log says more";
    problem(
        401,
        "not signed in",
        "the identity provider's word was not taken",
        remedy,
    )
}

impl SingleSignOn {
    /// One request to the provider, within what the client allows.
    fn ask(&self, request: Request<Bytes>) -> Result<Bytes, Problem> {
        let unreachable = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "the identity provider");
            let detail = "the identity provider does not answer as it should";
            problem(
                503,
                "not available",
                detail,
                "try again; the server's log says more",
            )
        };
        let asked = self.http.request_raw(&self.trust, request);
        let answer = Handle::current().block_on(asked);
        let answer = answer.map_err(|error| unreachable(&error))?;
        match answer.status().is_success() {
            true => Ok(answer.into_body()),
            false => Err(unreachable(&answer.status())),
        }
    }

    fn get(&self, address: &str) -> Result<Bytes, Problem> {
        let request = Request::get(address).header(ACCEPT, "application/json");
        self.ask(request.body(Bytes::new()).map_err(|_| internal())?)
    }

    fn provider(&self) -> Result<Provider, Problem> {
        let issuer = &self.settings.issuer;
        let document = self.get(&Provider::document_of(issuer))?;
        Provider::read(&document, issuer).map_err(|error| failed(&error))
    }

    /// Exchanges a code for who has signed in.
    fn identity(&self, sign_on: &SignOn, code: &str) -> Result<Identity, Problem> {
        let provider = self.provider()?;
        let client = &self.settings.client;
        let mut request = Request::post(&provider.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(secret) = &self.secret {
            request = request.header(AUTHORIZATION, client.basic(secret).as_str());
        }
        let body = sign_on.token_request(client, code);
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = self.ask(request.body(body).map_err(|_| internal())?)?;
        let keys = self.get(&provider.jwks_uri)?;
        let now = shell::now();
        let believed = sign_on.believe(&provider, client, &answer, &keys, &AwsLc, now);
        believed.map_err(|error| failed(&error))
    }
}

impl Access {
    fn sign_on(&self) -> Result<&SingleSignOn, Problem> {
        self.0.sign_on.as_ref().ok_or_else(|| {
            let remedy = "set [access.single_sign_on] in the configuration";
            problem(
                409,
                "not configured",
                "there is no identity provider",
                remedy,
            )
        })
    }

    /// Begins a sign-in at the provider.
    pub(crate) fn begin_sign_on(&self) -> Result<Begun, Problem> {
        let at = self.sign_on()?;
        let provider = at.provider()?;
        let now = shell::now();
        let sign_on = SignOn::begin(&[random()?, random()?, random()?], now);
        // The handle stays with the browser that began: a sign-in that somebody
        // else began cannot be ended in it.
        let (handle, kept) = SessionToken::make(&at.settings.tenant, &random()?);
        let secret = serde_json::to_vec(&sign_on).map_err(|_| internal())?;
        let secret = Zeroizing::new(secret);
        let store = self.of(&at.settings.tenant)?;
        store
            .put_pending(&kept.digest, &secret, now.after(SIGN_IN_TIME))
            .map_err(stored)?;
        Ok(Begun {
            address: sign_on.address(&provider, &at.settings.client),
            handle,
            lifetime: SIGN_IN_TIME,
        })
    }

    /// The browser came back from the provider.
    pub(crate) fn end_sign_on(
        &self,
        handle: &str,
        state: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<SignedIn, Problem> {
        let at = self.sign_on()?;
        let tenant = &at.settings.tenant;
        let now = shell::now();
        let handle = SessionToken::read(handle).filter(|handle| handle.tenant == *tenant);
        let handle = handle.ok_or_else(|| failed(&SignOnError::State))?;
        let taken = self.of(tenant)?.take_pending(&handle.digest, now);
        let taken = taken.map_err(stored)?;
        let taken = taken.ok_or_else(|| failed(&SignOnError::State))?;
        let sign_on: SignOn = serde_json::from_slice(&taken).map_err(|_| internal())?;
        sign_on
            .returned(state, now)
            .map_err(|error| failed(&error))?;
        let identity = at.identity(&sign_on, code)?;
        let mut account = self.account_of(at, &identity)?;
        if account.value.user.disabled {
            let remedy = "ask an administrator";
            return Err(problem(403, "forbidden", "the user is disabled", remedy));
        }
        if account.value.remember(from) {
            let store = self.of(tenant)?;
            store.change_account(&account).map_err(stored)?;
            let id = &account.value.user.id;
            let again = store.account(id).map_err(stored)?;
            account = again.ok_or_else(internal)?;
        }
        self.open(tenant, account, Factor::SingleSignOn)
    }

    /// Whose identity it is: of a user who came before, of one whom an
    /// administrator added for single sign-on under the verified address, or of a
    /// new one if the configuration has a role for these.
    fn account_of(
        &self,
        at: &SingleSignOn,
        identity: &Identity,
    ) -> Result<Versioned<Account>, Problem> {
        let store = self.of(&at.settings.tenant)?;
        let key = identity.subject.key();
        if let Some(known) = store.account_of_subject(&key).map_err(stored)? {
            return Ok(known);
        }
        let mail = identity.mail.as_deref();
        let mail: Option<UserName> = mail.and_then(|mail| mail.parse().ok());
        let named = mail.as_ref().map(|mail| store.account_named(mail));
        let named = named.transpose().map_err(stored)?.flatten();
        let expected =
            named.filter(|named| named.value.subject.is_none() && !named.value.has_password());
        if let Some(mut account) = expected {
            account.value.subject = Some(identity.subject.clone());
            store.change_account(&account).map_err(stored)?;
        } else {
            let (Some(role), Some(name)) = (&at.settings.role, mail) else {
                let detail = "nobody here is known by this identity";
                let remedy = "have an administrator add a user for single sign-on under its \
                              verified address";
                return Err(problem(403, "forbidden", detail, remedy));
            };
            let mut account = Account::new(User {
                id: UserId::of(&random()?),
                name,
                role: role.clone(),
                disabled: false,
                generation: 0,
                created: shell::now(),
            });
            account.subject = Some(identity.subject.clone());
            store.add_account(&account).map_err(stored)?;
        }
        let found = store.account_of_subject(&key).map_err(stored)?;
        found.ok_or_else(internal)
    }
}
