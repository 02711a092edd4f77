//! Sessions of people who signed in.

use std::time::Duration;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::tenant::TenantName;
use super::token::{Digest, SECRET_LENGTH, base62, digest, is_base62};
use super::user::{User, UserId};

/// What a browser or the CLI keeps of a session: `<tenant>.<43 characters>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionToken {
    /// The tenant.
    pub tenant: TenantName,
    /// What the server keeps of it.
    pub digest: Digest,
}

impl SessionToken {
    /// Makes one of 256 random bits: its text, and what is kept.
    pub fn make(tenant: &TenantName, random: &[u8; 32]) -> (Zeroizing<String>, Self) {
        let text = Zeroizing::new(format!("{tenant}.{}", base62(random)));
        let token = SessionToken {
            tenant: tenant.clone(),
            digest: digest(text.as_bytes()),
        };
        (text, token)
    }

    /// Reads its text; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let (tenant, secret) = text.split_once('.')?;
        let tenant = tenant.parse().ok()?;
        is_base62(secret, SECRET_LENGTH).then(|| SessionToken {
            tenant,
            digest: digest(text.as_bytes()),
        })
    }
}

/// By what somebody has proven who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A password alone.
    Password,
    /// A password and a one-time password, or a recovery code.
    PasswordAndTotp,
    /// A passkey, which is possession and knowledge or biometry in one; or a
    /// password and one.
    Passkey,
    /// The organisation's identity provider, which has its own rules.
    SingleSignOn,
}

impl Factor {
    /// Whether it stands for two.
    pub fn is_strong(self) -> bool {
        !matches!(self, Factor::Password)
    }
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// [`User::generation`] when they signed in: another one ends it.
    pub generation: u64,
    /// What they have proven.
    pub factor: Factor,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without being used.
    pub idle: Duration,
    /// At all.
    pub absolute: Duration,
    /// Until the second factor is shown.
    pub second_factor: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        SessionLimits {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
            second_factor: Duration::from_secs(5 * 60),
        }
    }
}

/// What somebody with a session may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Show the second factor, nothing else.
    SecondFactor,
    /// Set a second factor up, nothing else: their role needs one.
    Enrol,
    /// What their role says.
    Open,
}

/// Why a session counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// It was not used for too long.
    #[error("the session was idle for too long")]
    Idle,
    /// It is too old.
    #[error("the session is too old")]
    TooOld,
    /// The second factor did not come.
    #[error("the second factor did not come in time")]
    NoSecondFactor,
    /// The user has another password, another second factor, or is disabled.
    #[error("the user's credentials were changed since")]
    Changed,
}

impl Session {
    /// What is possible with it now.
    ///
    /// `has_second` tells whether the user has a second factor, `needs_second`
    /// whether their role asks for one.
    ///
    /// # Errors
    /// [`Ended`].
    pub fn stage(
        &self,
        user: &User,
        has_second: bool,
        needs_second: bool,
        now: Timestamp,
        limits: &SessionLimits,
    ) -> Result<Stage, Ended> {
        if user.disabled || user.id != self.user || user.generation != self.generation {
            return Err(Ended::Changed);
        }
        if now.since(self.created) >= limits.absolute {
            return Err(Ended::TooOld);
        }
        if now.since(self.seen) >= limits.idle {
            return Err(Ended::Idle);
        }
        if self.factor.is_strong() {
            return Ok(Stage::Open);
        }
        match (has_second, needs_second) {
            (true, _) if now.since(self.created) >= limits.second_factor => {
                Err(Ended::NoSecondFactor)
            }
            (true, _) => Ok(Stage::SecondFactor),
            (false, true) => Ok(Stage::Enrol),
            (false, false) => Ok(Stage::Open),
        }
    }

    /// Whether its last use is so long ago that it is worth storing a new one: a
    /// request need not write.
    pub fn is_to_be_touched(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        now.since(self.seen) >= limits.idle / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::name;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn user() -> User {
        User {
            id: UserId("u".to_string()),
            name: "noc".parse().unwrap(),
            role: "operator".parse().unwrap(),
            disabled: false,
            generation: 3,
            created: at(0),
        }
    }

    fn session(factor: Factor) -> Session {
        Session {
            user: UserId("u".to_string()),
            generation: 3,
            factor,
            created: at(0),
            seen: at(0),
        }
    }

    fn stage(factor: Factor, has: bool, needs: bool, now: u64) -> Result<Stage, Ended> {
        session(factor).stage(&user(), has, needs, at(now), &SessionLimits::default())
    }

    #[test]
    fn tokens_are_read_as_they_were_given() {
        let (text, token) = SessionToken::make(&name("acme"), &[9; 32]);
        assert_eq!(SessionToken::read(&text), Some(token));
        for bad in [
            "",
            ".",
            "acme.",
            "acme.abc",
            &text[1..text.len() - 1],
            &text[..20],
        ] {
            assert_eq!(SessionToken::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_password_alone_opens_only_where_nothing_else_is_asked_for() {
        assert_eq!(stage(Factor::Password, false, false, 1), Ok(Stage::Open));
        assert_eq!(stage(Factor::Password, false, true, 1), Ok(Stage::Enrol));
        for needs in [false, true] {
            let stage = stage(Factor::Password, true, needs, 1);
            assert_eq!(stage, Ok(Stage::SecondFactor));
        }
        for strong in [
            Factor::PasswordAndTotp,
            Factor::Passkey,
            Factor::SingleSignOn,
        ] {
            assert_eq!(stage(strong, true, true, 1), Ok(Stage::Open));
        }
    }

    #[test]
    fn sessions_end() {
        assert_eq!(stage(Factor::Passkey, true, true, 1799), Ok(Stage::Open));
        assert_eq!(stage(Factor::Passkey, true, true, 1800), Err(Ended::Idle));
        let late = stage(Factor::Password, true, true, 300);
        assert_eq!(late, Err(Ended::NoSecondFactor));
        let mut used = session(Factor::Passkey);
        used.seen = at(43_199);
        let limits = SessionLimits::default();
        let stage = |now| used.stage(&user(), true, true, at(now), &limits);
        assert_eq!(stage(43_199), Ok(Stage::Open));
        assert_eq!(stage(43_200), Err(Ended::TooOld));
        assert!(!used.is_to_be_touched(at(43_199), &limits));
        assert!(used.is_to_be_touched(at(43_379), &limits));
    }

    #[test]
    fn sessions_end_with_the_credentials() {
        let limits = SessionLimits::default();
        let session = session(Factor::Passkey);
        let ended = |user: &User| session.stage(user, true, true, at(1), &limits);
        for changed in [
            User {
                generation: 4,
                ..user()
            },
            User {
                disabled: true,
                ..user()
            },
            User {
                id: UserId("v".to_string()),
                ..user()
            },
        ] {
            assert_eq!(ended(&changed), Err(Ended::Changed));
        }
    }
}
