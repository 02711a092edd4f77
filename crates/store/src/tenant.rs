//! Whose rows they are.

use std::fmt;
use std::str::FromStr;

/// The longest name.
const LONGEST: usize = 63;

/// A tenant of a database: each sees its own rows alone. There is one as long
/// as nobody asks for another, the default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant(String);

/// A text that cannot name a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a tenant has 1 to 63 characters of a-z, 0-9 and -")]
pub struct BadTenant;

impl Tenant {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Tenant::default()
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Tenant("default".to_string())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tenant {
    type Err = BadTenant;

    fn from_str(name: &str) -> Result<Self, BadTenant> {
        let fits =
            |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        match (1..=LONGEST).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(Tenant(name.to_string())),
            false => Err(BadTenant),
        }
    }
}
