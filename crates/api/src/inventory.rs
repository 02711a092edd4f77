//! The inventory: devices as people and files describe them, imports, searches and
//! telemetry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device in the inventory. Names of values are those of the page on searching.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "meter-7",
    "model": "RUT956",
    "tier": "production_critical",
    "country": "DE",
    "tags": ["pilot"],
    "poll_interval": 3600,
    "modems": [{"imei": "490154203237518", "technologies": ["lte"]}],
    "sims": [{"kind": "euicc", "eid": "89049032000000000000000000000163", "standards": ["sgp32"]}]
}))]
pub struct InventoryDevice {
    /// 1 to 64 characters of A-Z, a-z, 0-9 and `. _ : -`.
    pub id: String,
    /// Serial number of its maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `safety_critical`, `production_critical` or `non_critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Two letters of ISO 3166-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Whoever answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Groups that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How often it is expected to poll, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub poll_interval: Option<u32>,
    /// Its modems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modems: Vec<Modem>,
    /// Its SIMs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sims: Vec<Sim>,
}

/// A modem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Modem {
    /// 15 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Version of its firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// `gsm`, `umts`, `lte`, `lte_m`, `nb_iot`, `nr`, `redcap`, `satellite`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub technologies: Vec<String>,
    /// As 3GPP names them: `B20`, `n78`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<String>,
}

/// A SIM: an eUICC or a classic one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sim {
    /// `euicc`, `sim` or `multi_imsi`.
    pub kind: String,
    /// 32 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// `mff2`, `2ff`, `3ff`, `4ff` or `isim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_factor: Option<String>,
    /// `consumer`, `industrial` or `automotive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Service state: `inventory`, `test`, `active`, `standby`, `suspended` or
    /// `retired`; absent in a request is `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `sgp02`, `sgp22`, `sgp32`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standards: Vec<String>,
    /// `ipad` or `ipae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipa: Option<String>,
    /// Free memory for profiles, in octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub free_memory: Option<u32>,
    /// Newest version of profile packages that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_version: Option<String>,
    /// CI keys that it trusts, hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ci_keys: Vec<String>,
    /// Version of its firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// What is on it; of a classic SIM its one subscription.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<SimProfile>,
    /// If this eIM is to manage it; only imports take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eim: Option<Association>,
}

/// How an eUICC was told of this eIM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Association {
    /// The token that the eUICC made, if it made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The counterValue that it was configured with.
    pub counter_value: i64,
    /// As in [`DeviceSettings`](crate::DeviceSettings).
    pub emulated: bool,
}

/// A profile, or the subscription of a classic SIM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimProfile {
    /// 18 to 20 digits.
    pub iccid: String,
    /// 6 to 15 digits each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imsis: Vec<String>,
    /// Whose network it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// By which tariff it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    /// What it costs in a month: `1.5 EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// The country in which its traffic leaves the operator's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<String>,
    /// `enabled` or `disabled`, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether it connects a device for the first time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bootstrap: bool,
    /// Whether the eUICC falls back to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
}

/// Rows of an import, at most 2000.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rows": [{"line": 2, "device": {"id": "meter-7", "country": "DE"}}]}))]
pub struct ImportRows {
    /// In any order.
    #[schema(max_items = 2000)]
    pub rows: Vec<ImportRow>,
}

/// A row of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// The line on which it stands, for the report.
    pub line: u64,
    /// The device; one that is known is changed to this.
    pub device: InventoryDevice,
}

/// How far an import is, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "019a2f6e", "state": "done", "rows": 3, "through": 3, "added": 2, "updated": 0,
    "unchanged": 1, "euiccs": 2, "wrong": 0, "errors": []
}))]
pub struct Import {
    /// Its identifier.
    pub id: String,
    /// `receiving`; `switching`; `done`; `refused`, if something in it is wrong, or
    /// `failed`: nothing of it is in the inventory then; or `interrupted`, if the server
    /// process that switched it over is not heard of any more: switch it over again.
    pub state: String,
    /// Why it is interrupted, or has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Rows that have come.
    pub rows: u64,
    /// Rows that are switched over.
    pub through: u64,
    /// Devices that are new.
    pub added: u64,
    /// Devices that were known and have changed.
    pub updated: u64,
    /// Devices that were known as they are.
    pub unchanged: u64,
    /// eUICCs that this eIM manages from now on.
    pub euiccs: u64,
    /// How many rows are wrong.
    pub wrong: u64,
    /// What is wrong with them, the first thousand.
    pub errors: Vec<RowError>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The column or member, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// A search that is to have a name, or to have another query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "tier = safety_critical and last_contact > 2d"}))]
pub struct NewSearch {
    /// A query.
    pub query: String,
}

/// A search that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "silent", "query": "tier = safety_critical and last_contact > 2d",
    "saved": "2026-03-01T12:00:00Z"
}))]
pub struct SavedSearch {
    /// 1 to 64 characters of A-Z, a-z, 0-9 and `. _ : -`.
    pub name: String,
    /// The query.
    pub query: String,
    /// When it was saved.
    pub saved: String,
}

/// What a device measured at one time; what it did not measure is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "at": "2026-03-01T12:00:00Z", "rsrp": -101, "network": "26201", "rat": "lte",
    "registration": "home", "tunnel": "up",
    "usage": [{"iccid": "89490000000000000017", "up": 1200, "down": 5400}]
}))]
pub struct Sample {
    /// When.
    pub at: String,
    /// Power of the reference signal in dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsrp: Option<i32>,
    /// Its quality in dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsrq: Option<i32>,
    /// Signal to noise and interference in dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinr: Option<i32>,
    /// Received power in dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rssi: Option<i32>,
    /// The cell's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<u64>,
    /// MCC and MNC of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The radio technology in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rat: Option<String>,
    /// `not_registered`, `home`, `searching`, `denied` or `roaming`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// `up` or `down`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// Networks on the SIM's list of forbidden ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Vec<String>>,
    /// What was carried since the sample before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
}

/// What was carried over a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The profile.
    pub iccid: String,
    /// Octets from the device.
    pub up: u64,
    /// Octets to the device.
    pub down: u64,
}

/// Samples of a device, at most 1000.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"samples": [{"at": "2026-03-01T12:00:00Z", "rsrp": -101}]}))]
pub struct NewSamples {
    /// One of the same moment counts once.
    #[schema(max_items = 1000)]
    pub samples: Vec<Sample>,
}

/// Telemetry of a device, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "level": "hour", "samples": [],
    "spans": [{"start": "2026-03-01T12:00:00Z", "measures":
        {"rsrp": {"min": -110, "max": -90, "average": -101, "sum": -1212, "count": 12, "last": -99}}}]
}))]
pub struct Telemetry {
    /// `raw`, `5m`, `hour` or `day`.
    pub level: String,
    /// Of `raw`: samples as they came.
    pub samples: Vec<Sample>,
    /// Of the others: spans of time as one.
    pub spans: Vec<Span>,
    /// `from` of what follows; absent if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A span of time as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// When it begins.
    pub start: String,
    /// `rsrp`, `rsrq`, `sinr`, `rssi`, `registered`, `tunnel_up`, `forbidden`, `up`,
    /// `down`.
    pub measures: BTreeMap<String, Summary>,
}

/// A measure over a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The lowest value.
    pub min: i64,
    /// The highest value.
    pub max: i64,
    /// The average, rounded towards zero.
    pub average: i64,
    /// All values together: what was carried, of `up` and `down`.
    pub sum: i64,
    /// How many values.
    pub count: u64,
    /// The latest value.
    pub last: i64,
}

/// What happened to the profiles of a device, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"changes": [{
    "eid": "89049032000000000000000000000163", "iccid": "89490000000000000017",
    "event": "enabled", "at": "2026-03-01T12:00:00Z"
}]}))]
pub struct ProfileHistory {
    /// One entry each.
    pub changes: Vec<ProfileChange>,
}

/// Something that happened to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileChange {
    /// The eUICC.
    pub eid: String,
    /// The profile.
    pub iccid: String,
    /// `enabled`, `disabled` or `deleted`.
    pub event: String,
    /// When the eIM learned of it.
    pub at: String,
}
