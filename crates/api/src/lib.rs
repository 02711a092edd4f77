//! The door: what operators, tools and portals say to the server, and what it
//! answers. JSON over HTTPS with a bearer token.
//!
//! | method and path | request | response |
//! |---|---|---|
//! | `GET /v1/eim-configuration` | | [`EimConfiguration`] |
//! | `POST /v1/euiccs` | [`NewEuicc`] | 201 |
//! | `POST /v1/profiles` | [`NewProfiles`] | 201, [`Imported`] |
//! | `POST /v1/operations` | [`NewOperation`] | 201, [`Operation`] |
//! | `GET /v1/operations/{id}` | | [`Operation`] |
//!
//! Identifiers are their digits; octets are hexadecimal unless said otherwise.
//! Errors are a [`Problem`].
#![deny(missing_docs)]

use std::fmt;

use serde::{Deserialize, Serialize};

/// Prefix of all paths.
pub const V1: &str = "/v1";

/// A text that no log, error or Debug output shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a factory puts on an eUICC with AddInitialEim (SGP.32 5.9.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EimConfiguration {
    /// `EimConfigurationData` in DER.
    pub eim_configuration_data: String,
    /// The counterValue in it; packages begin with the next one.
    pub counter_value: i64,
}

/// An eUICC that knows this eIM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEuicc {
    /// 32 digits.
    pub eid: String,
    /// The token that the eUICC made, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The counterValue that it was configured with.
    pub counter_value: i64,
}

/// Profiles for the stock of the SM-DP+.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProfiles {
    /// Name of the type, as in ES2+.
    pub profile_type: String,
    /// SAIP package that is personalised; absent is the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// At most 32 characters, shown on the device.
    pub service_provider_name: String,
    /// At most 64 characters, shown on the device.
    pub profile_name: String,
    /// One profile each.
    pub subscriptions: Vec<NewSubscription>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// 18 to 20 digits.
    pub iccid: String,
    /// 6 to 15 digits.
    pub imsi: String,
    /// K, 16 octets.
    pub ki: Secret,
    /// OPc, 16 octets.
    pub opc: Secret,
    /// Keys of the security domain: encryption, authentication, key
    /// encryption, 16 octets each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd_keys: Option<[Secret; 3]>,
}

/// How many profiles were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Profiles.
    pub imported: usize,
}

/// Something to be done on an eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOperation {
    /// 32 digits.
    pub eid: String,
    /// What.
    pub operation: OperationKind,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperationKind {
    /// Download a profile.
    Download {
        /// `LPA:1$…`.
        activation_code: Secret,
    },
    /// Enable a profile.
    Enable {
        /// 18 to 20 digits.
        iccid: String,
    },
    /// Disable a profile.
    Disable {
        /// 18 to 20 digits.
        iccid: String,
    },
    /// Delete a profile.
    Delete {
        /// 18 to 20 digits.
        iccid: String,
    },
    /// List the profiles.
    ListProfileInfo,
}

/// An operation and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its identifier.
    pub id: String,
    /// 32 digits.
    pub eid: String,
    /// What is done.
    pub kind: String,
    /// `queued`, `delivered`, `executed`, `confirmed`, `failed` or
    /// `outcome_unknown`.
    pub state: String,
    /// Why it failed, or why the outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The profile that was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// The profiles on the eUICC, as it signed the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<Profile>>,
}

/// A profile on an eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// 18 to 20 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An error (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which kind, as a relative reference.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short summary.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong here.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.title, self.detail, self.remedy)
    }
}

impl std::error::Error for Problem {}
