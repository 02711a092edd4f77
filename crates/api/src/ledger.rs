//! Activation codes and the pools that they are in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Secret;

/// Where the codes of a pool come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CodeSource {
    /// Somebody brings them; nobody can be asked whether one is still good.
    #[default]
    Imported,
    /// They are ordered at an SM-DP+ by ES2+, which is asked.
    Es2plus {
        /// `own` for the SM-DP+ of this server, or the name of a connector of its
        /// configuration.
        smdp: String,
        /// What is ordered (`profileType`).
        profile_type: String,
    },
}

/// What a profile needs of an eUICC and its device. What is not said is not
/// checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileNeeds {
    /// Free non-volatile memory, in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub memory: Option<u32>,
    /// Octets of its package as it is before it is bound: what a download costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub package_octets: Option<u32>,
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
    /// Radio technologies, with one of which it works: `gsm`, `umts`, `lte`, `lte_m`,
    /// `nb_iot`, `nr`, `redcap` or `satellite`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub technologies: Vec<String>,
    /// Bands, with one of which it works, as 3GPP names them: `B20`, `n78`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<String>,
    /// Whether its SM-DP+ asks for a confirmation code.
    pub confirmation_code: bool,
}

/// Settings of a pool: activation codes that are as good as each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({
    "operator": "Example Telecom",
    "tariff": "meters-5MB",
    "needs": {"memory": 40000, "package_version": 2},
    "low": 500,
    "networks": ["262-01"]
}))]
pub struct PoolSettings {
    /// Where its codes come from.
    pub source: CodeSource,
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
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub low: Option<u32>,
    /// The networks in one of which a device with such a profile is expected, as
    /// MCC and MNC (`262-01`): a download is confirmed from one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
}

/// A pool and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "meters",
    "settings": {"source": {"kind": "imported"}, "needs": {"confirmation_code": false}, "low": 500},
    "stock": {"ordered": 20, "available": 480, "leased": 3, "spent": 9517, "doubtful": 0, "dead": 0},
    "is_low": true,
    "spent_in_30_days": 960,
    "used_up_in_days": 15
}))]
pub struct Pool {
    /// Its name, 1 to 63 characters of a-z, 0-9 and -.
    pub name: String,
    /// Its settings.
    pub settings: PoolSettings,
    /// How many codes it has.
    pub stock: Stock,
    /// Whether fewer are available than `low`.
    pub is_low: bool,
    /// How many were spent in the last 30 days.
    pub spent_in_30_days: u64,
    /// For how many days it lasts if as many are spent as in the last 30; absent if
    /// none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_up_in_days: Option<u64>,
}

/// Codes of a pool, by their states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stock {
    /// Their SM-DP+s were asked for them and have not given them yet.
    #[serde(default)]
    pub ordered: u64,
    /// Nobody has them.
    pub available: u64,
    /// Operations have them.
    pub leased: u64,
    /// Profiles were installed with them.
    pub spent: u64,
    /// A download with them failed: their SM-DP+ has to say whether they are good.
    pub doubtful: u64,
    /// They are no good any more.
    pub dead: u64,
}

/// Codes for a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "pool": "meters",
    "codes": [{"activation_code": "LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815", "iccid": "8999970000000000010"}]
}))]
pub struct NewCodes {
    /// Its name.
    pub pool: String,
    /// At most 10 000.
    pub codes: Vec<NewCode>,
}

/// A code for a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// `LPA:1$…`.
    pub activation_code: Secret,
    /// The profile that it brings, if it is known: 18 to 20 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
}

/// How many codes were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"added": 1, "known": 0}))]
pub struct AddedCodes {
    /// New ones.
    pub added: usize,
    /// Those that were there already, in whichever pool.
    pub known: usize,
}

/// Profiles to be ordered at an SM-DP+ for a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"smdp": "own", "profile_type": "operational", "count": 100}))]
pub struct NewCodeOrder {
    /// Which SM-DP+: `own` for that of this server, or the name of a connector of its
    /// configuration. Absent: the one that the pool's codes come from, or `own`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smdp: Option<String>,
    /// Name of the type there. Absent: the one of which the pool's codes are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_type: Option<String>,
    /// How many.
    #[schema(minimum = 1, maximum = 1000)]
    pub count: u16,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"added": 98, "waiting": 0, "refused": "8.2.5/3.7 no profile of this type is available"}))]
pub struct OrderedCodes {
    /// Codes that are in the pool now.
    pub added: usize,
    /// Codes that are ordered and have not come: the SM-DP+ is asked again.
    #[serde(default)]
    pub waiting: usize,
    /// Why they have not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Why there are not as many as were asked for, with the codes of the GSMA where
    /// the SM-DP+ gave some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// An activation code, without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "pool": "meters",
    "number": 17,
    "state": "spent",
    "since": "2026-03-01T11:58:04Z",
    "eid": "89049032000000000000000000000163",
    "operation": "019a5f2e7c3b4d5e8f90a1b2c3d4e5f6",
    "iccid": "8999970000000000010"
}))]
pub struct ActivationCode {
    /// The pool that it is in.
    pub pool: String,
    /// Its number there.
    pub number: i64,
    /// `ordered`, `available`, `leased`, `spent`, `doubtful` or `dead`.
    pub state: String,
    /// When it came into its state.
    pub since: String,
    /// The eUICC that it was given to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// The operation that it was given to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The profile that it brings, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// The SM-DP+ that is asked for it or about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smdp: Option<String>,
    /// Times in a row that it gave no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub failures: Option<u32>,
    /// What came of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What an operator knows of a code that no operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "dead"}))]
pub struct CodeSettlement {
    /// What it is.
    pub state: SettledCode,
}

/// What a code can be declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettledCode {
    /// It is good: the SM-DP+ says so.
    Available,
    /// It is no good.
    Dead,
}

/// What speaks against a download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "verdict": "refused",
    "findings": [
        {"check": "memory", "verdict": "refused", "because": "31000 octets were free, 40000 are needed"},
        {"check": "stock", "verdict": "passed", "because": "480 are left"}
    ]
}))]
pub struct Preflight {
    /// `refused` if one look says so; otherwise `unknown` if one does; otherwise
    /// `passed`.
    pub verdict: String,
    /// What was looked at.
    pub findings: Vec<Finding>,
}

/// One look at a download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// `memory`, `package_version`, `svn`, `ci`, `ipa`, `radio`, `policy_rules` or
    /// `stock`.
    pub check: String,
    /// `passed`, `refused` or `unknown`.
    pub verdict: String,
    /// Why.
    pub because: String,
}
