//! Modems, SIMs and the profiles on them.

use std::collections::BTreeSet;

use rsp_asn1::ids::{Eid, Iccid, Imei, Imsi};
use serde::{Deserialize, Serialize};

use super::money::Money;
use super::names::named;
use super::state::ServiceState;
use super::{Country, Text};

named! {
    /// Radio technology.
    Technology, "radio technology";
    /// GSM, GPRS, EDGE.
    Gsm = "gsm",
    /// UMTS.
    Umts = "umts",
    /// LTE.
    Lte = "lte",
    /// LTE-M.
    LteM = "lte_m",
    /// NB-IoT.
    NbIot = "nb_iot",
    /// 5G New Radio.
    Nr = "nr",
    /// 5G with reduced capability.
    RedCap = "redcap",
    /// By satellite (NTN).
    Satellite = "satellite",
}

named! {
    /// What kind of SIM it is.
    SimKind, "kind of SIM";
    /// An eUICC.
    Euicc = "euicc",
    /// A SIM with one subscription for ever.
    Sim = "sim",
    /// A SIM with several IMSIs and an applet that chooses.
    MultiImsi = "multi_imsi",
}

named! {
    /// Form of a UICC (ETSI TS 102 221, TS 102 671).
    FormFactor, "form factor";
    /// Soldered.
    Mff2 = "mff2",
    /// Mini-SIM.
    TwoFf = "2ff",
    /// Micro-SIM.
    ThreeFf = "3ff",
    /// Nano-SIM.
    FourFf = "4ff",
    /// A part of another chip (iUICC).
    Isim = "isim",
}

named! {
    /// What environment it is made for.
    Grade, "grade";
    /// Consumer devices.
    Consumer = "consumer",
    /// Industry: temperature, endurance, retention.
    Industrial = "industrial",
    /// Vehicles.
    Automotive = "automotive",
}

named! {
    /// By which standard an eUICC is managed.
    Standard, "standard";
    /// M2M.
    Sgp02 = "sgp02",
    /// Consumer devices.
    Sgp22 = "sgp22",
    /// IoT.
    Sgp32 = "sgp32",
}

named! {
    /// Where the IPA is.
    IpaPlace, "place of an IPA";
    /// In the device.
    Ipad = "ipad",
    /// In the eUICC.
    Ipae = "ipae",
}

named! {
    /// State of a profile on its eUICC (SGP.22 `ProfileState`).
    ProfileState, "profile state";
    /// Used.
    Enabled = "enabled",
    /// Not used.
    Disabled = "disabled",
}

/// A modem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Modem {
    /// IMEI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<Imei>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Text>,
    /// Version of its firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Text>,
    /// What it speaks.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub technologies: BTreeSet<Technology>,
    /// Where it speaks, as 3GPP names bands: `B20`, `n78`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub bands: BTreeSet<Text>,
}

/// A SIM of a device: an eUICC, or a classic one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sim {
    /// What it is.
    pub kind: SimKind,
    /// EID, of an eUICC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<Eid>,
    /// Form factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_factor: Option<FormFactor>,
    /// Grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// Service state.
    #[serde(default = "in_service")]
    pub state: ServiceState,
    /// By what it can be managed, of an eUICC.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub standards: BTreeSet<Standard>,
    /// Where its IPA is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipa: Option<IpaPlace>,
    /// Free memory for profiles, in octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_memory: Option<u32>,
    /// Newest version of profile packages that it takes: `3.3.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_version: Option<Text>,
    /// Identifiers of the CI keys that it trusts, hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ci_keys: BTreeSet<Text>,
    /// Version of its firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Text>,
    /// What is on it; of a classic SIM its one subscription.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
    /// If this eIM is to manage it: how it knows this eIM. Read by imports; it is
    /// state of the eIM from then on and is not kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eim: Option<Association>,
}

fn in_service() -> ServiceState {
    ServiceState::Active
}

impl Sim {
    /// One of which nothing else is known, in service.
    pub fn new(kind: SimKind) -> Self {
        Sim {
            kind,
            eid: None,
            form_factor: None,
            grade: None,
            state: in_service(),
            standards: BTreeSet::new(),
            ipa: None,
            free_memory: None,
            package_version: None,
            ci_keys: BTreeSet::new(),
            firmware: None,
            profiles: Vec::new(),
            eim: None,
        }
    }

    /// An eUICC.
    pub fn euicc(eid: Eid) -> Self {
        Sim {
            eid: Some(eid),
            ..Sim::new(SimKind::Euicc)
        }
    }
}

/// How an eUICC was told of this eIM (SGP.32 3.1, 5.9.16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Association {
    /// The token that the eUICC made, if it made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_token: Option<i64>,
    /// The counterValue that it was configured with.
    pub counter_value: i64,
    /// Whether the device answers in place of an eUICC without functions for an
    /// eIM.
    #[serde(skip_serializing_if = "is_false")]
    pub emulated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A profile, or the subscription of a classic SIM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// ICCID.
    pub iccid: Iccid,
    /// IMSIs: several of a multi-IMSI profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imsis: Vec<Imsi>,
    /// Whose network it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Text>,
    /// By which tariff it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Text>,
    /// What it costs in a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Where its traffic leaves the operator's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<Country>,
    /// Whether it is enabled, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ProfileState>,
    /// Whether it connects a device for the first time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bootstrap: bool,
    /// Whether the eUICC falls back to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallback: bool,
}

impl Profile {
    /// One of which nothing else is known.
    pub fn new(iccid: Iccid) -> Self {
        Profile {
            iccid,
            imsis: Vec::new(),
            operator: None,
            tariff: None,
            cost: None,
            residency: None,
            state: None,
            bootstrap: false,
            fallback: false,
        }
    }
}
