//! What operations cost, and what operators bill.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The price of an operation, before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "estimated": {
        "contacts": 1, "exchanges": 2, "octets": 3307, "from_device": 184, "to_device": 303,
        "overhead": 2820, "money": ["0.00017 EUR"], "energy_mj": 3646, "together": 1,
        "legs": [{
            "iccid": "8999970000000000010", "transport": "https", "contacts": 1, "exchanges": 2,
            "from_device": 184, "to_device": 303, "overhead": 2820,
            "tariff": "iot-5", "billed": 4000, "amount": "0.0002 EUR"
        }],
        "assumed": ["nothing is lost and nothing is sent twice"]
    },
    "actual": {
        "contacts": 1, "exchanges": 2, "octets": 3311, "from_device": 187, "to_device": 304,
        "overhead": 2820, "together": 1,
        "legs": [{
            "transport": "https", "contacts": 1, "exchanges": 2,
            "from_device": 187, "to_device": 304, "overhead": 2820
        }],
        "unknown": ["money: it is not known which profile carries it"]
    }
}))]
pub struct OperationPrice {
    /// As it was expected when it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<Price>,
    /// What the eIM has counted so far, if it sent anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Price>,
}

/// What is moved for an operation, and what that costs. What is not known is absent and
/// named in `unknown`; it is never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "contacts": 1, "exchanges": 2, "octets": 3307, "from_device": 184, "to_device": 303,
    "overhead": 2820, "money": ["0.0002 EUR"], "energy_mj": 3646, "together": 1,
    "legs": [{
        "iccid": "8999970000000000010", "transport": "https", "contacts": 1, "exchanges": 2,
        "from_device": 184, "to_device": 303, "overhead": 2820,
        "tariff": "iot-5", "billed": 4000, "amount": "0.0002 EUR"
    }],
    "assumed": ["nothing is lost and nothing is sent twice"]
}))]
pub struct Price {
    /// Contacts of the device.
    pub contacts: u64,
    /// Requests with their responses.
    pub exchanges: u64,
    /// All octets; absent if a part of them is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets: Option<u64>,
    /// Octets of bodies from the device, as far as they are known.
    pub from_device: u64,
    /// Octets of bodies to the device, as far as they are known.
    pub to_device: u64,
    /// Octets around those bodies, by assumption.
    pub overhead: u64,
    /// What it costs beyond the included volumes, an amount for each currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Vec<String>>,
    /// What the radio of the device takes, in millijoules, by a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_mj: Option<u64>,
    /// Operations that share its package, itself included.
    pub together: u64,
    /// By the profiles that carry it.
    pub legs: Vec<PriceLeg>,
    /// What is not known, and therefore in no number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// What the numbers assume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}

/// What one profile carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PriceLeg {
    /// The profile, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// `https`, `coaps` or `mqtt`.
    pub transport: String,
    /// Contacts of the device.
    pub contacts: u64,
    /// Requests with their responses.
    pub exchanges: u64,
    /// Octets of bodies from the device.
    pub from_device: u64,
    /// Octets of bodies to the device.
    pub to_device: u64,
    /// Octets around those bodies, by assumption.
    pub overhead: u64,
    /// By what it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    /// Octets that are billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed: Option<u64>,
    /// Whether fewer may be billed, as it is not known how they were spread over
    /// sessions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub billed_at_most: bool,
    /// What that costs beyond the included volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Octets in a month that are paid already: as long as some are left, it costs a
    /// part of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<u64>,
}

/// What an operator bills for octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "per_megabyte": "0.05 EUR", "included": 5_000_000, "step": 1000, "rounded": "session"
}))]
pub struct TariffSettings {
    /// What a megabyte (1 000 000 octets) costs beyond the included volume: a number
    /// with six decimals at most, and a currency (ISO 4217).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_megabyte: Option<String>,
    /// Octets in a month that are paid with the basic fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    pub included: Option<u64>,
    /// Octets up to whole multiples of which is rounded.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000_i64)]
    pub step: u64,
    /// When that is: at the end of each session, or of each day.
    #[serde(default)]
    pub rounded: Rounded,
}

const fn one() -> u64 {
    1
}

/// When octets are rounded up to the step in which they are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounded {
    /// At the end of each session.
    #[default]
    Session,
    /// At the end of each day.
    Day,
}

/// A tariff, as profiles of the inventory name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "iot-5",
    "settings": {
        "per_megabyte": "0.05 EUR", "included": 5_000_000, "step": 1000, "rounded": "session"
    }
}))]
pub struct Tariff {
    /// Its name, 1 to 128 characters.
    pub name: String,
    /// What it costs.
    pub settings: TariffSettings,
}
