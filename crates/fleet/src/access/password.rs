//! Passwords: which are taken, and what is kept of them (argon2id, RFC 9106).

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::token::same;

/// Memory of one hash, in KiB: 19 MiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// What a stored hash may cost at most, in KiB and passes.
const MOST: (u32, u32) = (256 * 1024, 16);

const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short.
    #[error("a password has at least 12 characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most 256 octets")]
    TooLong,
    /// It is, or nearly is, the user's name.
    #[error("a password must not be made of the user's name")]
    Name,
    /// A few characters over and over.
    #[error("a password has at least five different characters")]
    Monotonous,
}

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// There is not enough memory.
    #[error("a password cannot be hashed")]
    Failed,
    /// A stored hash cannot be read.
    #[error("a stored password hash cannot be read")]
    Unreadable,
}

/// Whether a password may be one: long rather than contorted (NIST SP 800-63B).
///
/// # Errors
/// [`BadPassword`].
pub fn check_password(password: &str, user: &str) -> Result<(), BadPassword> {
    if password.len() > LONGEST {
        return Err(BadPassword::TooLong);
    }
    if password.chars().count() < SHORTEST {
        return Err(BadPassword::TooShort);
    }
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    if different.len() < 5 {
        return Err(BadPassword::Monotonous);
    }
    let (small, user) = (password.to_lowercase(), user.to_lowercase());
    let (mail_name, _) = user.split_once('@').unwrap_or((&user, ""));
    let left = |name: &str| match name.len() {
        0..4 => small.chars().count(),
        _ => small.replace(name, "").chars().count(),
    };
    match left(&user) < 8 || left(mail_name) < 8 {
        true => Err(BadPassword::Name),
        false => Ok(()),
    }
}

/// What is kept of a password: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: [u8; 32],
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

impl PasswordHash {
    /// Hashes a password. It takes 19 MiB of memory and some 25 ms, on purpose:
    /// keep it away from where others wait.
    ///
    /// # Errors
    /// [`HashError::Failed`] without that memory.
    pub fn make(password: &str, salt: [u8; 16]) -> Result<Self, HashError> {
        let mut made = PasswordHash {
            salt: salt.to_vec(),
            ..Self::nobodys()
        };
        made.hash = *made.hash_of(password)?;
        Ok(made)
    }

    /// The hash of no password: to be verified where a user does not exist, so
    /// that it takes as long as if they did.
    pub fn nobodys() -> Self {
        PasswordHash {
            memory: MEMORY,
            passes: PASSES,
            lanes: LANES,
            salt: vec![0; 16],
            hash: [0; 32],
        }
    }

    /// Whether this is the password; as costly as [`PasswordHash::make`].
    ///
    /// # Errors
    /// [`HashError::Failed`] without enough memory.
    pub fn verify(&self, password: &str) -> Result<bool, HashError> {
        if password.len() > LONGEST {
            // As costly, and the same answer.
            self.hash_of("")?;
            return Ok(false);
        }
        Ok(same(&*self.hash_of(password)?, &self.hash))
    }

    /// Whether hashes are made otherwise now: make it anew when the password is
    /// next seen.
    pub fn is_outdated(&self) -> bool {
        (self.memory, self.passes, self.lanes) != (MEMORY, PASSES, LANES)
    }

    fn hash_of(&self, password: &str) -> Result<Zeroizing<[u8; 32]>, HashError> {
        let params = Params::new(self.memory, self.passes, self.lanes, Some(32));
        let params = params.map_err(|_| HashError::Failed)?;
        let mut hash = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &self.salt, &mut *hash)
            .map_err(|_| HashError::Failed)?;
        Ok(hash)
    }

    /// It as text, for the store alone.
    pub fn to_text(&self) -> String {
        format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.memory,
            self.passes,
            self.lanes,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(self.hash),
        )
    }

    /// Reads what [`PasswordHash::to_text`] wrote.
    ///
    /// # Errors
    /// [`HashError::Unreadable`], also if it would cost more than can be.
    pub fn from_text(text: &str) -> Result<Self, HashError> {
        Self::read(text).ok_or(HashError::Unreadable)
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, text) = text.split_once(",t=")?;
        let (passes, text) = text.split_once(",p=")?;
        let (lanes, text) = text.split_once('$')?;
        let (salt, hash) = text.split_once('$')?;
        let read = PasswordHash {
            memory: memory.parse().ok()?,
            passes: passes.parse().ok()?,
            lanes: lanes.parse().ok()?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            hash: STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?,
        };
        let fits = read.memory <= MOST.0 && read.passes <= MOST.1 && read.salt.len() >= 8;
        fits.then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "correct horse battery";

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hash = PasswordHash::make(GOOD, [7; 16]).unwrap();
        let stored = PasswordHash::from_text(&hash.to_text()).unwrap();
        assert_eq!(stored, hash);
        assert!(stored.verify(GOOD).unwrap());
        assert!(!stored.verify("correct horse batterz").unwrap());
        assert!(!stored.verify("").unwrap());
        assert!(!stored.verify(&"a".repeat(10_000)).unwrap());
        assert!(!stored.is_outdated());
        assert!(!PasswordHash::nobodys().verify(GOOD).unwrap());
        let other_salt = PasswordHash::make(GOOD, [8; 16]).unwrap();
        assert_ne!(other_salt.hash, hash.hash);
    }

    /// Made by the reference implementation's command (Debian's argon2):
    /// `printf password | argon2 somesalt -id -t 2 -k 256 -p 1 -l 32 -e`.
    #[test]
    fn hashes_are_those_of_others() {
        let theirs = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
                      nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let theirs = PasswordHash::from_text(theirs).unwrap();
        assert!(theirs.verify("password").unwrap());
        assert!(theirs.is_outdated());
    }

    #[test]
    fn stored_hashes_are_read_or_refused() {
        let good = PasswordHash::nobodys().to_text();
        for bad in [
            "",
            "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA",
            &good.replace("m=19456", "m=99999999"),
            &good.replace("t=2", "t=99"),
            &good.replace("t=2", "t=-2"),
            &good[..good.len() - 2],
        ] {
            assert_eq!(PasswordHash::from_text(bad), Err(HashError::Unreadable));
        }
        assert_eq!(format!("{:?}", PasswordHash::nobodys()).len(), 24);
    }

    #[test]
    fn short_and_lazy_passwords_are_not_taken() {
        let check = |password: &str| check_password(password, "noc.north@example.org");
        assert_eq!(check(GOOD), Ok(()));
        assert_eq!(check("elevenchars"), Err(BadPassword::TooShort));
        assert_eq!(check("aaaaaaaaaaaaaaa"), Err(BadPassword::Monotonous));
        assert_eq!(check(&"ab3d5".repeat(60)), Err(BadPassword::TooLong));
        assert_eq!(check("Noc.North2026"), Err(BadPassword::Name));
        assert_eq!(check("noc.north@example.org1"), Err(BadPassword::Name));
        assert_eq!(check("noc.north likes horses"), Ok(()));
        assert_eq!(check_password("a good long password", "a"), Ok(()));
    }
}
