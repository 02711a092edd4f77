//! Devices that a factory announces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a factory's manifest, at most 1000 devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"devices": [{"eid": "89049032000000000000000000000163", "imei": "490154203237518", "serial": "M-1", "model": "X1"}]}))]
pub struct Manifest {
    /// One entry each.
    pub devices: Vec<ManifestDevice>,
}

/// A device as its factory made it. Members that are not named here are kept as
/// they are, for rules to match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestDevice {
    /// EID of its eUICC, 32 digits.
    pub eid: String,
    /// The token that the eUICC answered to AddInitialEim, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The counterValue that it was configured with.
    #[serde(default)]
    pub counter_value: i64,
    /// As in [`DeviceSettings`](crate::DeviceSettings).
    #[serde(default)]
    pub emulated: bool,
    /// IMEI; then only a device with it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The profile that connects it for the first time; then only an eUICC with
    /// it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_iccid: Option<String>,
    /// Whatever else is known.
    #[serde(flatten)]
    pub fields: BTreeMap<String, String>,
}

/// What became of a manifest, entry by entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"devices": [{"eid": "89049032000000000000000000000163", "result": "added"}]}))]
pub struct AnnouncedDevices {
    /// In the order of the manifest.
    pub devices: Vec<Announced>,
}

/// What became of one entry: it is added whole, or nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Announced {
    /// As it was given.
    pub eid: String,
    /// `added`; `known`, if the same entry was added before; or `refused`.
    pub result: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The way of a device to its operational profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZeroTouch {
    /// `awaited`, `identified`, `downloading`, `enabling`, `done`; `refused` if
    /// it is not the device that was announced, `failed` if a person has to
    /// look.
    pub stage: String,
    /// Why it was refused, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule that chose its profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Its profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// IMEI in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Serial number in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}
