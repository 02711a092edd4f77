//! The door: what operators, tools and portals say to the server, and what it
//! answers. JSON over HTTPS with a bearer token.
//!
//! The operations are in the OpenAPI document, `openapi.json`, which is made from
//! the routes of the server and the types here; the feature `client` has a
//! function for each.
//!
//! Lists take `limit` (1 to 1000, 100 if it is absent) and `after` (`next` of
//! the page before); a page that is not the last has a `Link` to the next
//! (RFC 8288). Operations can be asked for by `eid` and `state`.
//!
//! Identifiers are their digits; octets are hexadecimal unless said otherwise;
//! points in time are as in RFC 3339, in UTC. Errors are a [`Problem`].
#![deny(missing_docs)]

mod access;
#[cfg(feature = "client")]
pub mod client;
mod eim;
mod event;
mod inventory;
mod ledger;
mod manifest;
mod operation;
mod price;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use access::{
    ApiKey, ChangePassword, Enrolment, NewApiKey, NewPasskey, NewTenant, NewUser, Passkey,
    PasskeyOptions, Role, RoleSettings, SecondFactor, Session, SessionStage, ShowFactor,
    ShowPasskey, SignIn, SignOnBegun, SignOnEnd, Tenant, TenantResidency, User, UserSettings,
};
pub use eim::{EimConfiguration, EimConfigurationData, ListedEim};
pub use event::{
    Delivery, Event, NewWebhookEndpoint, Replay, WebhookEndpoint, WebhookEndpointSettings,
};
pub use inventory::{
    Association, Import, ImportRow, ImportRows, InventoryDevice, Modem, NewSamples, NewSearch,
    ProfileChange, ProfileHistory, RowError, Sample, SavedSearch, Sim, SimProfile, Span, Summary,
    Telemetry, Usage,
};
pub use ledger::{
    ActivationCode, AddedCodes, CodeSettlement, CodeSource, Finding, NewCode, NewCodeOrder,
    NewCodes, OrderedCodes, Pool, PoolSettings, Preflight, ProfileNeeds, SettledCode, Stock,
};
pub use manifest::{Announced, AnnouncedDevices, Manifest, ManifestDevice, ZeroTouch};
pub use operation::{
    CodeRef, DeviceInfo, Eta, EuiccData, NewOperation, Operation, OperationFailure, OperationKind,
    Ordered, Poll, Profile, ProfileSearch, RatRule, Validity,
};
pub use price::{OperationPrice, Price, PriceLeg, Rounded, Tariff, TariffSettings};

/// Prefix of all paths.
pub const V1: &str = "/v1";

/// A text that no log, error or Debug output shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Entries in the order of the list.
    pub items: Vec<T>,
    /// `after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A device whose eUICC knows this eIM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"eid": "89049032000000000000000000000163", "association_token": 7, "counter_value": 0}))]
pub struct NewDevice {
    /// 32 digits.
    pub eid: String,
    /// The token that the eUICC made, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The counterValue that it was configured with.
    pub counter_value: i64,
    /// As in [`DeviceSettings`].
    #[serde(default)]
    pub empty_response: bool,
    /// As in [`DeviceSettings`].
    #[serde(default)]
    pub emulated: bool,
}

/// What can be set for a device; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"empty_response": true}))]
pub struct DeviceSettings {
    /// Whether its results are answered with an emptyResponse instead of
    /// acknowledgements (SGP.32 5.14.6): some devices expect it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_response: Option<bool>,
    /// Whether the device answers in place of an eUICC that has no functions for
    /// an eIM, such as one for consumer devices. What it says of packages is
    /// then taken although no eUICC signed it, and marked as emulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulated: Option<bool>,
}

/// A device, as the inventory describes it and as the eIM knows its eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "meter-7",
    "managed": true,
    "eid": "89049032000000000000000000000163",
    "association_token": 7,
    "counter_value": 12,
    "certified": true,
    "empty_response": false,
    "emulated": false,
    "iot_euicc": true,
    "accepts_unverified": false,
    "last_contact": "2026-03-01T11:58:04Z",
    "state_changes": [],
    "networks": [{"plmn": "26201", "first": "2026-01-10T08:00:00Z", "last": "2026-03-01T11:58:04Z"}],
    "facts": {"default_smdp_address": "smdp.example.com"}
}))]
pub struct Device {
    /// What it is called in the inventory.
    #[serde(default)]
    pub id: String,
    /// Whether this eIM manages its eUICC; if not, it knows nothing of what is said
    /// of that.
    #[serde(default)]
    pub managed: bool,
    /// How the inventory describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<InventoryDevice>,
    /// Of its eUICC, the first that this eIM manages, 32 digits; empty if it has
    /// none.
    pub eid: String,
    /// The token that the eUICC made, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The last counterValue that was sent.
    pub counter_value: i64,
    /// Whether the eUICC's certificates were verified.
    pub certified: bool,
    /// As in [`DeviceSettings`].
    pub empty_response: bool,
    /// As in [`DeviceSettings`].
    #[serde(default)]
    pub emulated: bool,
    /// Whether EUICCInfo2 is that of an eUICC for IoT; absent if it is not known.
    /// Nobody signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iot_euicc: Option<bool>,
    /// Whether the lab setting takes its results without proof.
    pub accepts_unverified: bool,
    /// When it polled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<String>,
    /// Changes that it reported without having been asked, the last ones.
    pub state_changes: Vec<StateChange>,
    /// Networks that it polled from, the last ones.
    #[serde(default)]
    pub networks: Vec<SeenNetwork>,
    /// What its IPA says of itself, the device and the eUICC: nobody signs it.
    #[serde(default)]
    pub facts: EuiccData,
    /// When the eUICC signed that it has forgotten this eIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissociated: Option<String>,
    /// If its factory announced it: the way to its operational profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_touch: Option<ZeroTouch>,
    /// Its IPA, by how it writes: nobody signs that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipa_build: Option<IpaBuild>,
    /// Where it listens, if it does: packages are brought there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
}

/// A network that a device polled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenNetwork {
    /// MCC and MNC.
    pub plmn: String,
    /// The first poll from it.
    pub first: String,
    /// The last poll from it that was put down: polls with nothing to do are
    /// not.
    pub last: String,
}

/// Asks for a new pre-shared key of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"identity": "meter-0017"}))]
pub struct NewPsk {
    /// The identity under which the device presents it; the EID if there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// A pre-shared key of a device, at the only time at which it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"eid": "89049032000000000000000000000163", "identity": "meter-0017", "key": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}))]
pub struct Psk {
    /// 32 digits.
    pub eid: String,
    /// The identity under which the device presents it.
    pub identity: String,
    /// The key, 32 octets in hexadecimal digits. Secret.
    pub key: String,
}

impl core::fmt::Debug for Psk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Psk")
            .field("eid", &self.eid)
            .field("identity", &self.identity)
            .field("key", &format_args!("[redacted]"))
            .finish()
    }
}

/// A build of an IPA, as far as its messages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IpaBuild {
    /// User-Agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// X-Admin-Protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_protocol: Option<String>,
    /// What it does otherwise than SGP.32 v1.2, by names.
    pub quirks: Vec<String>,
    /// Whether it is taken for one of version 1.0, and asked as such.
    pub v1_0: bool,
}

/// Where a device listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://router-17.example.com:8443", "certificate": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"}))]
pub struct NewListener {
    /// `https://` or `coaps://`, host, and a port if it is not the usual one.
    pub url: String,
    /// The device's certificate for that, or the CA's that issued it, in PEM.
    pub certificate: String,
}

/// A change of state that a device reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateChange {
    /// `stateChangeCause` of SGP.32 5.14.5.
    pub cause: i64,
    /// When it was reported.
    pub at: String,
}

/// The profiles on a device, as its eUICC signed the last list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-03-01T11:58:04Z",
    "profiles": [{"iccid": "8999970000000000010", "enabled": true, "name": "Operational", "class": 2}]
}))]
pub struct DeviceProfiles {
    /// When the list came; absent if there was none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether the list was taken without proof, by the lab setting or because
    /// the device emulates.
    #[serde(default)]
    pub unverified: bool,
    /// Whether the device says it in place of its eUICC, which signed nothing.
    #[serde(default)]
    pub emulated: bool,
    /// Whether something may have changed since that is not in it.
    #[serde(default)]
    pub stale: bool,
    /// One entry each: as they were listed, and as signed results have changed
    /// them since.
    pub profiles: Vec<Profile>,
}

/// Profiles for the stock of the SM-DP+.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "profile_type": "operational",
    "service_provider_name": "Example Telecom",
    "profile_name": "Meters",
    "subscriptions": [{
        "iccid": "8999970000000000010",
        "imsi": "999970000000001",
        "ki": "000102030405060708090A0B0C0D0E0F",
        "opc": "0F0E0D0C0B0A09080706050403020100"
    }]
}))]
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
    /// How profiles of the type are ordered and delivered. A type keeps what
    /// it was made with: other settings are another type.
    #[serde(default)]
    pub settings: ProfileTypeSettings,
    /// One profile each.
    pub subscriptions: Vec<NewSubscription>,
}

/// How the profiles of a type are ordered and delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileTypeSettings {
    /// The operator, as in the server's configuration, who alone may order;
    /// absent: any may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What the profiles are for (`ProfileClass`).
    pub profile_class: ProfileClass,
    /// Whether orders are confirmed only with a confirmation code.
    pub confirmation_code_required: bool,
    /// Wrong confirmation codes with which an order ends, at least 1; absent:
    /// as the server's configuration has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub max_confirmation_failures: Option<u32>,
    /// Downloads of one order that may be begun, at least 1; absent: as the
    /// server's configuration has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub max_attempts: Option<u32>,
    /// Days after its confirmation in which an order can be downloaded, at
    /// least 1; absent: as the server's configuration has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub order_validity_days: Option<u32>,
    /// Whether an order for one eUICC that is confirmed without MatchingID has
    /// none: the eUICC gets it by its EID.
    pub default_order: bool,
    /// Keys that protect the profile elements.
    pub protection: Protection,
    /// Whether a package stays bound to the one-time key of its first
    /// delivery.
    pub bound_once: bool,
    /// Technologies that the device must support: `gsm`, `utran`, `cdma1x`,
    /// `cdma_hrpd`, `cdma_ehrpd`, `eutran_epc`, `contactless`, `nr_epc`,
    /// `nr5gc`, `eutran5gc`.
    pub requires: Vec<String>,
    /// Digits of the MNC in the IMSI, 2 or 3; absent: as EF.AD of the package
    /// says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mnc_length: Option<u8>,
}

/// `ProfileClass` (SGP.22 5.5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileClass {
    /// For tests.
    Test,
    /// To get another profile with.
    Provisioning,
    /// For service.
    #[default]
    Operational,
}

/// Keys that protect the profile elements (SGP.22 2.5.3, 2.5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Those of the session.
    #[default]
    SessionKeys,
    /// Random ones of the package.
    ProfileKeys,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"imported": 1}))]
pub struct Imported {
    /// Profiles.
    pub imported: usize,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "tenant": "default",
    "principal": "administrator",
    "permissions": ["devices:read", "devices:write"]
}))]
pub struct Caller {
    /// Whose things it sees and changes.
    pub tenant: String,
    /// The user, key or machine.
    pub principal: String,
    /// What it may do: a resource, a colon and a verb each.
    pub permissions: Vec<String>,
}

/// Whether the server can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"ready": true, "checks": [{"name": "store", "ok": true}]}))]
pub struct Health {
    /// Whether it can.
    pub ready: bool,
    /// What it needs.
    pub checks: Vec<Check>,
}

/// Something that the server needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is there.
    pub ok: bool,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// An error (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/not-found",
    "title": "not found",
    "status": 404,
    "detail": "there is no device with the EID 89049032000000000000000000000163",
    "remedy": "check the EID, or add the device first"
}))]
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
    /// What undoes an operation for whose cancellation it is too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Box<OperationKind>>,
    /// What speaks against a download that was refused before it was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The member of the body that is meant, as a path: `subscriptions[3].imsi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Subject code of the GSMA (SGP.22 5.2.6.1), where one says it.
    #[serde(
        default,
        rename = "subjectCode",
        skip_serializing_if = "Option::is_none"
    )]
    pub subject_code: Option<String>,
    /// Reason code of the GSMA (SGP.22 5.2.6.2), where one says it.
    #[serde(
        default,
        rename = "reasonCode",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason_code: Option<String>,
    /// When to try again, in seconds; the header Retry-After says the same.
    #[serde(
        default,
        rename = "retryAfter",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_after: Option<u64>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.title, self.detail, self.remedy)
    }
}

impl std::error::Error for Problem {}
