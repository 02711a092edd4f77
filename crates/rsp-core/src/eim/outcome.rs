//! What results say.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{PPR1, PPR2, ProfileInfo, ProfilePolicyAuthorisationRule, ProfileState};
use rsp_asn1::sgp32::{EimIdInfo, IpaEuiccData};
use serde::{Deserialize, Serialize};

/// What a verified result says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// A profile was installed.
    Installed {
        /// The profile, if the eUICC named it.
        iccid: Option<Iccid>,
    },
    /// The profiles on the card.
    Profiles {
        /// One entry each.
        profiles: Vec<ListedProfile>,
    },
    /// The Rules Authorisation Table.
    Rat {
        /// One entry each.
        rules: Vec<RatRule>,
    },
    /// An eIM was added.
    EimAdded {
        /// The token that the eUICC made for it, if it was asked to: the other
        /// eIM has to be told.
        association_token: Option<i64>,
    },
    /// An eIM was deleted.
    EimDeleted {
        /// Whether the eUICC has no eIM any more.
        last: bool,
    },
    /// The eIMs that the eUICC knows.
    Eims {
        /// One entry each.
        eims: Vec<ListedEim>,
    },
    /// Data objects of the IPA, which nobody signed.
    EuiccData {
        /// What there was of what was asked for.
        data: EuiccData,
    },
}

/// An entry of a profile list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedProfile {
    /// The profile.
    pub iccid: Option<Iccid>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its name.
    pub name: Option<String>,
    /// AID of its ISD-P.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isdp_aid: Option<Vec<u8>>,
    /// The name that the user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Name of its service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider: Option<String>,
    /// `ProfileClass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<i64>,
    /// Whether it has the Fallback Attribute.
    #[serde(default)]
    pub fallback: bool,
    /// Whether it may have it, if the eUICC says so.
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

impl From<&ProfileInfo> for ListedProfile {
    fn from(info: &ProfileInfo) -> Self {
        let rule = |bit| {
            let rules = info.profile_policy_rules.as_ref();
            rules.is_some_and(|rules| rules.bit(bit))
        };
        ListedProfile {
            iccid: info.iccid,
            enabled: info.profile_state == Some(ProfileState::ENABLED),
            name: info.profile_name.as_ref().map(ToString::to_string),
            isdp_aid: info.isdp_aid.clone(),
            nickname: info.profile_nickname.as_ref().map(ToString::to_string),
            service_provider: info.service_provider_name.as_ref().map(ToString::to_string),
            class: info.profile_class,
            fallback: info.fallback_attribute,
            fallback_allowed: info.fallback_allowed,
            emergency: info.ecall_indication == Some(true),
            ppr1: rule(PPR1),
            ppr2: rule(PPR2),
        }
    }
}

/// An entry of the Rules Authorisation Table (SGP.22 2.9.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatRule {
    /// The Profile Policy Rules that it authorises, by their numbers.
    pub pprs: Vec<u8>,
    /// For profiles of these operators: MCC and MNC, where a letter E stands
    /// for any digit.
    pub operators: Vec<String>,
    /// Whether the user has to consent.
    pub consent_required: bool,
}

/// Bit of `pprFlags`: consentRequired.
const CONSENT_REQUIRED: u8 = 0;

impl From<&ProfilePolicyAuthorisationRule> for RatRule {
    fn from(rule: &ProfilePolicyAuthorisationRule) -> Self {
        let operator = |operator: &rsp_asn1::rsp::OperatorId| operator.mcc_mnc.to_string();
        RatRule {
            pprs: (0..32).filter(|bit| rule.ppr_ids.bit(*bit)).collect(),
            operators: rule.allowed_operators.iter().map(operator).collect(),
            consent_required: rule.ppr_flags.bit(CONSENT_REQUIRED),
        }
    }
}

/// An entry of a list of eIMs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedEim {
    /// Its identifier.
    pub eim_id: String,
    /// `EimIdType`, as its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_type: Option<i64>,
}

impl From<&EimIdInfo> for ListedEim {
    fn from(info: &EimIdInfo) -> Self {
        ListedEim {
            eim_id: info.eim_id.to_string(),
            id_type: info.eim_id_type.map(|kind| kind.0),
        }
    }
}

/// What an IPA answers to an IpaEuiccDataRequest (SGP.32 2.11.2.2). Objects are
/// DER, with their tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EuiccData {
    /// Notifications on the eUICC: how many, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<usize>,
    /// eUICC Package Results on the eUICC: how many, if they were asked for.
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
    pub euicc_info1: Option<Vec<u8>>,
    /// `EUICCInfo2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_info2: Option<Vec<u8>>,
    /// CERT.EUM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eum_certificate: Option<Vec<u8>>,
    /// CERT.EUICC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_certificate: Option<Vec<u8>>,
    /// `IpaCapabilities`, under '30'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipa_capabilities: Option<Vec<u8>>,
    /// `DeviceInfo`, under '30'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_info: Option<Vec<u8>>,
}

impl From<&IpaEuiccData> for EuiccData {
    fn from(data: &IpaEuiccData) -> Self {
        EuiccData {
            notifications: data.notifications_list.as_ref().map(Vec::len),
            package_results: data.euicc_package_result_list.as_ref().map(Vec::len),
            default_smdp_address: data.default_smdp_address.clone(),
            root_smds_address: data.root_smds_address.clone(),
            association_token: data.association_token,
            euicc_info1: data.euicc_info1.as_ref().map(Asn1::to_der),
            euicc_info2: data.euicc_info2.as_ref().map(Asn1::to_der),
            eum_certificate: data.eum_certificate.as_ref().map(Asn1::to_der),
            euicc_certificate: data.euicc_certificate.as_ref().map(Asn1::to_der),
            ipa_capabilities: data.ipa_capabilities.as_ref().map(Asn1::to_der),
            device_info: data.device_info.as_ref().map(Asn1::to_der),
        }
    }
}
