//! What is to be done on devices, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EimConfigurationData, ListedEim, OperationPrice, Page, Secret};

/// Something to be done on an eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"eid": "89049032000000000000000000000163", "operation": {"kind": "enable", "iccid": "8999970000000000010", "rollback": true}}))]
pub struct NewOperation {
    /// 32 digits.
    pub eid: String,
    /// What; or a list of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationKind>,
    /// What, in this order and in one eUICC Package: what follows a failure is
    /// not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationKind>,
    /// The code that confirms a download. The eIM adds it to downloads that go
    /// through it; a device that downloads by itself cannot be told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_code: Option<Secret>,
    /// Whether it travels in a package of its own. Otherwise what waits for a
    /// device that sleeps is put into one package as far as that changes
    /// nothing of what it does.
    #[serde(default)]
    pub separate: bool,
    /// Whether it is done even if the device may be lost by it: without a
    /// profile that works, or without an eIM. The log says so.
    #[serde(default)]
    pub force: bool,
    /// How long it is worth sending; for ever if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The networks in one of which the device has to be, as MCC and MNC
    /// (`262-01`), for it to be confirmed; any if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_networks: Vec<String>,
}

/// How long an operation is worth sending: until a time, for so many contacts of the
/// device, or whichever ends first. What was never sent expires then; of what was
/// sent it is found out what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Validity {
    /// From then on nothing of it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Contacts of the device in which it may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295_i64)]
    pub contacts: Option<u32>,
}

/// When a device is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Eta {
    /// Most likely.
    pub at: String,
    /// As late as it was in its last contacts.
    pub late: String,
}

/// An activation code of a pool, by its place there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeRef {
    /// The pool.
    pub pool: String,
    /// Its number there.
    pub number: i64,
}

impl NewOperation {
    /// One operation.
    pub fn one(eid: String, operation: OperationKind) -> Self {
        NewOperation {
            eid,
            operation: Some(operation),
            operations: Vec::new(),
            confirmation_code: None,
            separate: false,
            force: false,
            validity: None,
            expected_networks: Vec::new(),
        }
    }
}

/// What was ordered: one operation, or the operations of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Ordered {
    /// One.
    One(Box<Operation>),
    /// Of a list.
    List(Page<Operation>),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperationKind {
    /// Download a profile.
    Download {
        /// `LPA:1$…`.
        activation_code: Secret,
    },
    /// Download a profile of a pool, which gives an activation code; by itself, in
    /// no list.
    DownloadFromPool {
        /// Name of the pool.
        pool: String,
    },
    /// Download what waits for the eUICC at the default SM-DP+ that it names.
    ContactDefaultSmdp,
    /// Ask an SM-DS what waits for the eUICC, and download it.
    ContactSmds {
        /// Host name; the root SM-DS that the eUICC names if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        smds_address: Option<String>,
    },
    /// Enable a profile.
    Enable {
        /// 18 to 20 digits.
        iccid: String,
        /// Whether the device may go back if it finds no network.
        #[serde(default)]
        rollback: bool,
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
    /// List the profiles: all, if nothing is said.
    ListProfileInfo {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<ProfileSearch>,
        /// What of them: concatenated tags, hexadecimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tags: Option<String>,
    },
    /// Read the Rules Authorisation Table.
    GetRat,
    /// Allow the device to enable profiles right after their installation, or
    /// not.
    ConfigureImmediateEnable {
        /// Whether.
        enable: bool,
        /// Only those of the SM-DP+ with this OID.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        smdp_oid: Option<String>,
        /// Only those of the SM-DP+ at this address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        smdp_address: Option<String>,
    },
    /// Make a profile the one that the device falls back to.
    SetFallbackAttribute {
        /// 18 to 20 digits.
        iccid: String,
    },
    /// Have no such profile.
    UnsetFallbackAttribute,
    /// Set the default SM-DP+ address; an empty one removes it.
    SetDefaultDpAddress {
        /// Host name.
        address: String,
    },
    /// Tell the eUICC of another eIM.
    AddEim {
        /// That eIM's, as its `GET /v1/eim-configuration` says.
        configuration: EimConfigurationData,
    },
    /// Change what the eUICC knows of an eIM.
    UpdateEim {
        /// Its `eim_id`, and what is to change.
        configuration: EimConfigurationData,
    },
    /// Have the eUICC forget an eIM.
    DeleteEim {
        /// The eIM.
        eim_id: String,
    },
    /// List the eIMs.
    ListEim,
    /// Ask the IPA for data objects (SGP.32 2.11.1.2).
    GetEuiccData {
        /// Concatenated tags of `IpaEuiccData`, hexadecimal.
        tags: String,
        /// SubjectKeyIdentifier of the CI whose certificates are asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ci: Option<String>,
        /// Only the notification with this number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notification: Option<i64>,
        /// Only the eUICC Package Result with this number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        package_result: Option<i64>,
    },
}

/// Which profiles are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ProfileSearch {
    /// By ICCID, 18 to 20 digits.
    Iccid(String),
    /// By the AID of its ISD-P.
    IsdpAid(String),
    /// By class: 0 is test, 1 provisioning, 2 operational.
    Class(i64),
}

/// An operation and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "019a5f2e7c3b4d5e8f90a1b2c3d4e5f6",
    "eid": "89049032000000000000000000000163",
    "kind": "enable",
    "state": "confirmed",
    "created": "2026-03-01T11:00:00Z",
    "since": "2026-03-01T11:58:04Z",
    "confirmed_by": {"at": "2026-03-01T11:58:04Z", "plmn": "26201"}
}))]
pub struct Operation {
    /// Its identifier.
    pub id: String,
    /// 32 digits.
    pub eid: String,
    /// What is done.
    pub kind: String,
    /// `queued`, `delivered`, `executed`, `confirmed`, `failed`,
    /// `rolled_back`, `cancelled`, `expired` or `outcome_unknown`.
    pub state: String,
    /// When it was queued.
    pub created: String,
    /// When it came into its state.
    pub since: String,
    /// Whether it was settled without proof, by the lab setting or because the
    /// device emulates.
    #[serde(default)]
    pub unverified: bool,
    /// Whether the device says so in place of its eUICC, which signed nothing.
    #[serde(default)]
    pub emulated: bool,
    /// The poll that confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<Poll>,
    /// The operation whose outcome it was made to find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciles: Option<String>,
    /// The operation that waits for what it finds out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// What settled it when its own result was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// Why it failed, or why the outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code with which it failed last, and what follows from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<OperationFailure>,
    /// The profile that was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// The profiles on the eUICC, as it signed the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<Profile>>,
    /// The first operation of the list that it was ordered in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_with: Option<String>,
    /// As it was ordered.
    #[serde(default)]
    pub separate: bool,
    /// As it was ordered.
    #[serde(default)]
    pub force: bool,
    /// As it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// Contacts of the device since it was ordered; counted if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u32>,
    /// As it was ordered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_networks: Vec<String>,
    /// Another network that the device polled from after it was executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
    /// When the device is expected by the rhythm of its contacts, if it waits for
    /// it; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Eta>,
    /// What it costs; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<OperationPrice>,
    /// The activation code that it has of a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRef>,
    /// The Rules Authorisation Table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rat: Option<Vec<RatRule>>,
    /// The token that the eUICC made for the eIM that was added: that eIM has
    /// to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// Whether the eUICC has no eIM left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_eim_deleted: Option<bool>,
    /// The eIMs that the eUICC knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eims: Option<Vec<ListedEim>>,
    /// What the IPA answered, unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub euicc_data: Option<EuiccData>,
}

impl Operation {
    /// Whether nothing more will happen to it.
    pub fn is_final(&self) -> bool {
        matches!(
            self.state.as_str(),
            "confirmed" | "failed" | "rolled_back" | "cancelled" | "expired"
        )
    }
}

/// How an operation failed, by the code of the standards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "code": "catBusy",
    "class": "again",
    "remedy": "wait: the eIM tries again by itself where nothing of it was done",
    "tries": 1,
    "again": "2026-03-01T11:59:04Z"
}))]
pub struct OperationFailure {
    /// Its name in the module of SGP.32 or SGP.22.
    pub code: String,
    /// `again` if it was refused for now: the eIM sends it again at a later contact, a
    /// number of times; `after_change` if something has to be changed first; `never` if
    /// the same cannot succeed.
    pub class: String,
    /// What to do about it.
    pub remedy: String,
    /// How often it was sent.
    #[schema(value_type = u64, maximum = 4_294_967_295_i64)]
    pub tries: u32,
    /// From when on it is sent again, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Poll {
    /// When.
    pub at: String,
    /// The network that the device was registered in, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plmn: Option<String>,
}

/// A profile on an eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// 18 to 20 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// AID of its ISD-P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isdp_aid: Option<String>,
    /// The name that the user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Name of its service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider: Option<String>,
    /// 0 is test, 1 provisioning, 2 operational.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<i64>,
    /// Whether the device falls back to it.
    #[serde(default)]
    pub fallback: bool,
    /// Whether it may be the one that the device falls back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_allowed: Option<bool>,
    /// Whether it is for emergency calls.
    #[serde(default)]
    pub emergency: bool,
    /// Whether its rules forbid to disable it (PPR1).
    #[serde(default)]
    pub ppr1: bool,
    /// Whether its rules forbid to delete it (PPR2).
    #[serde(default)]
    pub ppr2: bool,
}

/// An entry of the Rules Authorisation Table (SGP.22 2.9.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RatRule {
    /// Numbers of the Profile Policy Rules that it authorises.
    pub pprs: Vec<u8>,
    /// For profiles of these operators: MCC and MNC.
    pub operators: Vec<String>,
    /// Whether the user has to consent.
    pub consent_required: bool,
}

/// What an IPA says of itself, its device and its eUICC (SGP.32 2.11.2.2).
/// Objects are DER with their tags, hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct EuiccData {
    /// When it came; of a device only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<String>,
    /// Notifications that were on the eUICC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<usize>,
    /// eUICC Package Results that were on the eUICC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_results: Option<usize>,
    /// Default SM-DP+ address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_smdp_address: Option<String>,
    /// Address of the root SM-DS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_smds_address: Option<String>,
    /// The token that the eUICC has for this eIM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// `EUICCInfo1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_info1: Option<String>,
    /// `EUICCInfo2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_info2: Option<String>,
    /// CERT.EUM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eum_certificate: Option<String>,
    /// CERT.EUICC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_certificate: Option<String>,
    /// `ipaFeatures` that are set, by their names in SGP.32 4.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipa_features: Option<Vec<String>>,
    /// `ipaSupportedProtocols` that are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipa_protocols: Option<Vec<String>>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceInfo>,
}

/// A device (SGP.22 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceInfo {
    /// The first eight digits of its IMEI.
    pub tac: String,
    /// Its IMEI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// `DeviceInfo`.
    pub der: String,
}
