//! A pool: activation codes that are as good as each other.

use serde::{Deserialize, Serialize};

use crate::inventory::Technology;

/// The longest name.
const LONGEST: usize = 63;

/// Where codes come from, and who is asked whether one is still good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// Somebody brings them; nobody can be asked.
    #[default]
    Imported,
    /// They are ordered at an SM-DP+ by ES2+, which is asked.
    Es2plus {
        /// Name of the SM-DP+ in the configuration; `own` is that of this server.
        smdp: String,
        /// What is ordered (`profileType`).
        profile_type: String,
    },
}

/// What a profile needs of an eUICC and its device. What is not said is not
/// checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileNeeds {
    /// Free non-volatile memory, in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Octets of its package as it is before it is bound: what a download costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_octets: Option<u64>,
    /// Major version of its package (TCA SAIP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_version: Option<u8>,
    /// The lowest SVN (SGP.22), as `2.2.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svn: Option<String>,
    /// Hexadecimal key identifiers of the CIs under one of which its SM-DP+ has
    /// certificates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ci: Vec<String>,
    /// Radio technologies, with one of which it works.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub technologies: Vec<String>,
    /// Bands, with one of which it works.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<String>,
    /// Whether its SM-DP+ asks for a confirmation code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub confirmation_code: bool,
}

/// A pool of activation codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// Its name, 1 to 63 characters of a-z, 0-9 and -.
    pub name: String,
    /// Where its codes come from.
    pub source: Source,
    /// Whose network it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The operator's name of what is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    /// What its profiles need.
    pub needs: ProfileNeeds,
    /// With fewer available ones it is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
    /// The networks in one of which a device with such a profile is expected, as
    /// MCC and MNC (`262-01`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
}

/// What is wrong with a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPool {
    /// Its name.
    #[error("the name of a pool has 1 to 63 characters of a-z, 0-9 and -")]
    Name,
    /// `needs.svn`.
    #[error("an SVN is three numbers with points between them, such as 2.2.0")]
    Svn,
    /// `needs.technologies`.
    #[error("a radio technology is one of {}", Technology::NAMES.join(", "))]
    Technology,
    /// `networks`.
    #[error("a network is MCC and MNC with a hyphen between them, such as 262-01")]
    Network,
}

impl Pool {
    /// Whether it can be kept.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), BadPool> {
        let fits =
            |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        if !(1..=LONGEST).contains(&self.name.len()) || !self.name.bytes().all(fits) {
            return Err(BadPool::Name);
        }
        if self
            .needs
            .svn
            .as_deref()
            .is_some_and(|svn| version(svn).is_none())
        {
            return Err(BadPool::Svn);
        }
        let is_known = |text: &String| text.parse::<Technology>().is_ok();
        if !self.needs.technologies.iter().all(is_known) {
            return Err(BadPool::Technology);
        }
        let is_plmn = |text: &String| text.parse::<rsp_asn1::ids::Plmn>().is_ok();
        match self.networks.iter().all(is_plmn) {
            true => Ok(()),
            false => Err(BadPool::Network),
        }
    }
}

/// A version of three numbers.
pub(crate) fn version(text: &str) -> Option<[u8; 3]> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(version)
}
