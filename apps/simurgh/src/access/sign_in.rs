//! Signing in with a name and a password, and what a session is worth.

use std::net::IpAddr;

use api::Problem;
use fleet::access::{
    Account, Attempts, Factor, LockOut, PasswordHash, Session, SessionToken, TenantName, UserName,
    Wait, check_password,
};
use store::{StoreError, Versioned};
use zeroize::Zeroizing;

use super::{Access, Known, counted, random, session_end};
use crate::door::{invalid, problem, stored};
use crate::shell;

/// A session that was opened, or went on: its token is shown once.
pub(crate) struct SignedIn {
    pub(crate) token: Zeroizing<String>,
    pub(crate) known: Known,
}

/// The same whatever is wrong: nobody learns which names there are.
fn refused() -> Problem {
    problem(
        401,
        "not signed in",
        "the name, the tenant, or what proves them is wrong",
        "try again; after a few failures there are delays, which end",
    )
}

pub(super) fn wait(wait: Wait) -> Problem {
    let seconds = wait.0.as_secs().max(1);
    let detail = "there were too many failures";
    let remedy = format!("try again in {seconds} s");
    Problem {
        retry_after: Some(seconds),
        ..problem(429, "too many failures", detail, &remedy)
    }
}

/// Counters of failures that an attempt meets: the address's, and the account's or
/// that of both.
pub(super) struct Counters {
    address: String,
    account: String,
}

impl Access {
    /// The counters for somebody who comes from there; the account's own user is
    /// not held back for what strangers do.
    pub(super) fn counters(
        &self,
        tenant: &TenantName,
        user: &UserName,
        known: bool,
        from: IpAddr,
    ) -> Counters {
        let address = counted(from);
        let account = match known {
            true => format!("pair:{tenant}/{user} {address}"),
            false => format!("account:{tenant}/{user}"),
        };
        Counters { address, account }
    }

    /// Whether an attempt is looked at now.
    pub(super) fn admits(&self, counters: &Counters) -> Result<(), Problem> {
        let now = shell::now();
        let admits = |rule: LockOut, of: &str| {
            let attempts = self.top().attempts(of).map_err(stored)?;
            rule.admits(&attempts, now).map_err(wait)
        };
        admits(LockOut::ADDRESS, &counters.address)?;
        admits(LockOut::ACCOUNT, &counters.account)
    }

    /// One failure more; it is on disk before the answer leaves.
    pub(super) fn failed(&self, counters: &Counters) -> Result<(), Problem> {
        let now = shell::now();
        for (rule, of) in [
            (LockOut::ADDRESS, &counters.address),
            (LockOut::ACCOUNT, &counters.account),
        ] {
            let more = |attempts: Attempts| rule.failed(&attempts, now);
            self.top().change_attempts(of, &more).map_err(stored)?;
        }
        Ok(())
    }

    pub(super) fn succeeded(&self, counters: &Counters) -> Result<(), Problem> {
        let of = &counters.account;
        if self.top().attempts(of).map_err(stored)? != Attempts::default() {
            let none = |_| Attempts::default();
            self.top().change_attempts(of, &none).map_err(stored)?;
        }
        Ok(())
    }

    /// Opens a session with a password. If there is a second factor, it is to be
    /// shown next.
    pub(crate) fn sign_in(
        &self,
        tenant: &str,
        user: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<SignedIn, Problem> {
        let (Ok(tenant), Ok(user)) = (tenant.parse::<TenantName>(), user.parse::<UserName>())
        else {
            return Err(refused());
        };
        let store = self.of(&tenant)?;
        let found = store.account_named(&user).map_err(stored)?;
        let known = found.as_ref().is_some_and(|found| found.value.knows(from));
        let counters = self.counters(&tenant, &user, known, from);
        self.admits(&counters)?;
        let hash = found.as_ref().map(|found| found.value.password());
        let hash = hash.unwrap_or_else(PasswordHash::nobodys);
        let right = self.0.hashing.verify(&hash, password)?;
        let account = found.filter(|found| right && !found.value.user.disabled);
        let Some(account) = account else {
            self.failed(&counters)?;
            tracing::warn!(%tenant, address = %from, "a sign-in failed");
            return Err(refused());
        };
        self.succeeded(&counters)?;
        let account = self.after_password(&tenant, account, &hash, password, from)?;
        self.open(&tenant, account, Factor::Password)
    }

    /// Keeps a hash as hashes are made now, and the address of who needs nothing
    /// more. Whether that works does not matter for the sign-in.
    fn after_password(
        &self,
        tenant: &TenantName,
        mut account: Versioned<Account>,
        hash: &PasswordHash,
        password: &str,
        from: IpAddr,
    ) -> Result<Versioned<Account>, Problem> {
        let mut changed = false;
        if hash.is_outdated() {
            account.value.rehash(&self.0.hashing.make(password)?);
            changed = true;
        }
        if !account.value.has_second_factor() {
            changed |= account.value.remember(from);
        }
        match changed {
            true => self.keep(tenant, account),
            false => Ok(account),
        }
    }

    /// Stores what changed beside the point, unless somebody else was faster.
    fn keep(
        &self,
        tenant: &TenantName,
        account: Versioned<Account>,
    ) -> Result<Versioned<Account>, Problem> {
        let store = self.of(tenant)?;
        match store.change_account(&account) {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(stored(error)),
        }
        let now = store.account(&account.value.user.id).map_err(stored)?;
        now.ok_or_else(refused)
    }

    /// A new session.
    pub(super) fn open(
        &self,
        tenant: &TenantName,
        account: Versioned<Account>,
        factor: Factor,
    ) -> Result<SignedIn, Problem> {
        let now = shell::now();
        let session = Session {
            user: account.value.user.id.clone(),
            generation: account.value.user.generation,
            factor,
            created: now,
            seen: now,
        };
        let (token, kept) = SessionToken::make(tenant, &random()?);
        let until = session_end(&session, &self.settings().sessions);
        let store = self.of(tenant)?;
        store
            .put_web_session(&kept.digest, &session, until)
            .map_err(stored)?;
        let known = self.known(tenant.clone(), account, session)?;
        Ok(SignedIn { token, known })
    }

    /// What a session is worth now.
    fn known(
        &self,
        tenant: TenantName,
        account: Versioned<Account>,
        session: Session,
    ) -> Result<Known, Problem> {
        let store = self.of(&tenant)?;
        let role = self.role_of(&*store, &account.value)?;
        let stage = session.stage(
            &account.value.user,
            account.value.has_second_factor(),
            role.mfa_required,
            shell::now(),
            &self.settings().sessions,
        );
        let stage = stage.map_err(|ended| {
            let remedy = "sign in again";
            problem(401, "session ended", &ended.to_string(), remedy)
        })?;
        Ok(Known {
            tenant,
            account,
            role,
            session,
            stage,
        })
    }

    /// Whose session it is, and what it is worth; `None` if there is none. `at_work`:
    /// somebody does something with it, so that it is not idle.
    pub(crate) fn session(
        &self,
        token: &SessionToken,
        at_work: bool,
    ) -> Result<Option<Known>, Problem> {
        let store = self.of(&token.tenant)?;
        let Some(session) = store.web_session(&token.digest).map_err(stored)? else {
            return Ok(None);
        };
        let Some(account) = store.account(&session.user).map_err(stored)? else {
            return Ok(None);
        };
        let known = self.known(token.tenant.clone(), account, session)?;
        let limits = &self.settings().sessions;
        let now = shell::now();
        if at_work && known.session.is_to_be_touched(now, limits) {
            let seen = Session {
                seen: now,
                ..known.session.clone()
            };
            let until = session_end(&seen, limits);
            let of = &token.digest;
            match store.exchange_web_session(of, of, &seen, until) {
                Ok(()) => {}
                // It was ended this moment.
                Err(StoreError::Unknown(_)) => return Ok(None),
                Err(error) => return Err(stored(error)),
            }
        }
        Ok(Some(known))
    }

    /// Ends a session.
    pub(crate) fn sign_out(&self, token: &SessionToken) -> Result<(), Problem> {
        let store = self.of(&token.tenant)?;
        store.remove_web_session(&token.digest).map_err(stored)
    }

    /// Goes on with a session that has proven more: it gets another token, so
    /// that one which somebody saw before is worth nothing.
    pub(super) fn strengthen(
        &self,
        token: &SessionToken,
        known: Known,
        factor: Factor,
    ) -> Result<SignedIn, Problem> {
        let session = Session {
            factor,
            generation: known.account.value.user.generation,
            seen: shell::now(),
            ..known.session
        };
        let (text, kept) = SessionToken::make(&known.tenant, &random()?);
        let until = session_end(&session, &self.settings().sessions);
        let store = self.of(&known.tenant)?;
        store
            .exchange_web_session(&token.digest, &kept.digest, &session, until)
            .map_err(stored)?;
        let account = store.account(&session.user).map_err(stored)?;
        let account = account.ok_or_else(refused)?;
        let known = self.known(known.tenant, account, session)?;
        Ok(SignedIn { token: text, known })
    }

    /// Another password of one's own: other sessions end, this one goes on.
    pub(crate) fn change_password(
        &self,
        token: &SessionToken,
        mut known: Known,
        old: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<SignedIn, Problem> {
        if known.stage == fleet::access::Stage::SecondFactor {
            return Err(super::too_early(known.stage));
        }
        let user = known.account.value.user.name.clone();
        let counters = self.counters(&known.tenant, &user, true, from);
        self.admits(&counters)?;
        let account = &mut known.account.value;
        if !self.0.hashing.verify(&account.password(), old)? {
            self.failed(&counters)?;
            return Err(refused());
        }
        let bad = |error: fleet::access::BadPassword| {
            invalid("new", &error.to_string(), "choose another one, a long one")
        };
        check_password(new, user.as_str()).map_err(bad)?;
        account.set_password(&self.0.hashing.make(new)?, false);
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        let factor = known.session.factor;
        self.strengthen(token, known, factor)
    }
}
