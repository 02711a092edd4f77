//! A user with what they prove it by.

use std::net::IpAddr;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::passkey::Passkey;
use super::password::PasswordHash;
use super::recovery::RecoveryCodes;
use super::totp::{TotpSecret, TotpStep};
use super::user::User;

/// Addresses from which a user signed in that are remembered.
const ADDRESSES: usize = 8;

/// Passkeys that a user may have.
pub const MOST_PASSKEYS: usize = 16;

/// A user with their credentials. It is stored sealed, and never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub user: User,
    password: Option<String>,
    /// Whether the password is to be changed before anything else.
    #[serde(default)]
    pub must_change_password: bool,
    totp: Option<Totp>,
    #[serde(default)]
    recovery: RecoveryCodes,
    /// Their passkeys.
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
    /// Who they are at the organisation's identity provider.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// From where they signed in lately, the last first.
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

/// Somebody at an identity provider (OpenID Connect Core 2, `iss` and `sub`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The provider's URL.
    pub issuer: String,
    /// Who, there.
    pub subject: String,
}

impl Subject {
    /// Both as one text, by which an account is found.
    pub fn key(&self) -> String {
        format!("{} {}", self.issuer, self.subject)
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Totp {
    secret: Vec<u8>,
    /// The last step whose code was used.
    last: Option<u64>,
    /// Whether a code was shown once: before, it counts for nothing.
    confirmed: bool,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Of somebody who cannot sign in yet.
    pub fn new(user: User) -> Self {
        Account {
            user,
            password: None,
            must_change_password: false,
            totp: None,
            recovery: RecoveryCodes::default(),
            passkeys: Vec::new(),
            subject: None,
            addresses: Vec::new(),
        }
    }

    /// The hash of the password; [`PasswordHash::nobodys`] if there is none, so
    /// that looking takes as long.
    pub fn password(&self) -> PasswordHash {
        let stored = self.password.as_deref().map(PasswordHash::from_text);
        stored
            .and_then(Result::ok)
            .unwrap_or_else(PasswordHash::nobodys)
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Another password: sessions end.
    pub fn set_password(&mut self, hash: &PasswordHash, must_change: bool) {
        self.password = Some(hash.to_text());
        self.must_change_password = must_change;
        self.end_sessions();
    }

    /// The same password, hashed as hashes are made now.
    pub fn rehash(&mut self, hash: &PasswordHash) {
        self.password = Some(hash.to_text());
    }

    /// Ends what was opened until now.
    pub fn end_sessions(&mut self) {
        self.user.generation = self.user.generation.saturating_add(1);
    }

    /// Disables or enables the user.
    pub fn set_disabled(&mut self, disabled: bool) {
        if disabled && !self.user.disabled {
            self.end_sessions();
        }
        self.user.disabled = disabled;
    }

    /// Whether a password alone does not open.
    pub fn has_second_factor(&self) -> bool {
        self.has_totp() || !self.passkeys.is_empty()
    }

    /// Whether an authenticator app is set up.
    pub fn has_totp(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.confirmed)
    }

    /// Begins to set up an app; it counts when [`Account::confirm_totp`] has seen
    /// a code. Gives `false` if one is set up.
    pub fn begin_totp(&mut self, secret: &TotpSecret) -> bool {
        if self.has_totp() {
            return false;
        }
        self.totp = Some(Totp {
            secret: secret.as_octets().to_vec(),
            last: None,
            confirmed: false,
        });
        true
    }

    /// Whether the app that is being set up shows this code: it counts from now
    /// on.
    pub fn confirm_totp(&mut self, code: &str, now: Timestamp) -> bool {
        if self.has_totp() || !self.show(code, now) {
            return false;
        }
        if let Some(totp) = &mut self.totp {
            totp.confirmed = true;
        }
        true
    }

    /// Whether the app shows this code, which counts no more then: store the
    /// account before anybody is let in.
    pub fn show_totp(&mut self, code: &str, now: Timestamp) -> bool {
        self.has_totp() && self.show(code, now)
    }

    fn show(&mut self, code: &str, now: Timestamp) -> bool {
        let Some(totp) = &mut self.totp else {
            return false;
        };
        let secret = TotpSecret::from_octets(&totp.secret);
        let last = totp.last.map(TotpStep);
        let Some(step) = secret.and_then(|secret| secret.accepts(code, now, last)) else {
            return false;
        };
        totp.last = Some(step.0);
        true
    }

    /// Other recovery codes.
    pub fn set_recovery(&mut self, codes: RecoveryCodes) {
        self.recovery = codes;
    }

    /// How many recovery codes are left.
    pub fn recovery_left(&self) -> usize {
        self.recovery.left()
    }

    /// Whether this is a recovery code, which counts no more then.
    pub fn use_recovery(&mut self, code: &str) -> bool {
        let left = self.recovery.used(code);
        let known = left.is_some();
        if let Some(left) = left {
            self.recovery = left;
        }
        known
    }

    /// Takes all second factors away: for who has lost them. Sessions end.
    pub fn reset_second_factors(&mut self) {
        self.totp = None;
        self.passkeys.clear();
        self.recovery = RecoveryCodes::default();
        self.end_sessions();
    }

    /// Puts a passkey in the place of the one with the same identifier.
    pub fn update_passkey(&mut self, passkey: Passkey) {
        for known in &mut self.passkeys {
            if known.id == passkey.id {
                *known = passkey.clone();
            }
        }
    }

    /// Whether the user signed in from there lately.
    pub fn knows(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address.to_canonical())
    }

    /// Remembers from where the user signed in; `false` if it was the last.
    pub fn remember(&mut self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.addresses.first() == Some(&address) {
            return false;
        }
        self.addresses.retain(|known| *known != address);
        self.addresses.insert(0, address);
        self.addresses.truncate(ADDRESSES);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{RECOVERY_CODES, UserId};

    fn account() -> Account {
        Account::new(User {
            id: UserId("u".to_string()),
            name: "noc".parse().unwrap(),
            role: "operator".parse().unwrap(),
            disabled: false,
            generation: 0,
            created: Timestamp(0),
        })
    }

    /// RFC 6238, appendix B: at 59 s it is 287082.
    #[test]
    fn an_app_counts_when_it_has_shown_a_code() {
        let mut account = account();
        assert!(account.begin_totp(&TotpSecret::new(b"12345678901234567890")));
        let now = Timestamp::from_secs(59);
        assert!(!account.has_second_factor());
        assert!(!account.show_totp("287082", now));
        assert!(!account.confirm_totp("000000", now));
        assert!(account.confirm_totp("287082", now));
        assert!(account.has_second_factor());
        // The same code again is somebody who looked over the shoulder.
        assert!(!account.show_totp("287082", now));
        // What is set up is not exchanged without being taken away.
        assert!(!account.begin_totp(&TotpSecret::new(&[1; 20])));
        account.reset_second_factors();
        assert!(!account.has_second_factor());
        assert_eq!(account.user.generation, 1);
    }

    #[test]
    fn what_ends_sessions_changes_the_generation() {
        let mut account = account();
        let hash = PasswordHash::nobodys();
        account.rehash(&hash);
        assert_eq!(account.user.generation, 0);
        account.set_password(&hash, true);
        assert_eq!(account.user.generation, 1);
        account.set_disabled(true);
        account.set_disabled(true);
        assert_eq!(account.user.generation, 2);
        account.set_disabled(false);
        assert_eq!(account.user.generation, 2);
    }

    #[test]
    fn a_recovery_code_counts_once() {
        let (codes, kept) = RecoveryCodes::make(&[[3; 10]; RECOVERY_CODES]);
        let mut account = account();
        account.set_recovery(kept);
        assert!(account.use_recovery(&codes[0]));
        assert!(!account.use_recovery(&codes[0]));
    }

    #[test]
    fn a_few_addresses_are_remembered() {
        let mut account = account();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for last in 0..12 {
            assert!(account.remember(address(last)));
            assert!(!account.remember(address(last)));
        }
        assert!(account.knows(address(4)) && !account.knows(address(3)));
        assert!(account.knows("::ffff:192.0.2.4".parse().unwrap()));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut account = account();
        account.set_password(&PasswordHash::nobodys(), false);
        let shown = format!("{account:?}");
        assert!(
            shown.contains("noc") && !shown.contains("argon2"),
            "{shown}"
        );
    }
}
