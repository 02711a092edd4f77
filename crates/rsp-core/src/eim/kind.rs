//! What can be done on an eUICC.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::EimId;
use rsp_asn1::{Oid, Tag};
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OperationKind {
    /// Learn the eUICC's certificates (IpaEuiccDataRequest).
    GetCertificates,
    /// Learn which installation results wait on the eUICC
    /// (IpaEuiccDataRequest).
    GetInstallationResults,
    /// Ask the IPA for data objects (IpaEuiccDataRequest, SGP.32 2.11.1.2).
    GetEuiccData(EuiccDataQuery),
    /// Have the IPA download a profile (ProfileDownloadTriggerRequest).
    Download {
        /// `LPA:1$…`: a secret until it is used.
        activation_code: String,
    },
    /// Have the IPA download what waits for its eUICC at the default SM-DP+
    /// that the eUICC names (contactDefaultSmdp).
    ContactDefaultSmdp,
    /// Have the IPA ask an SM-DS for events of its eUICC and download what they
    /// lead to (contactSmds, SGP.32 3.9.2).
    ContactSmds {
        /// The SM-DS; the root SM-DS that the eUICC names if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        smds_address: Option<String>,
    },
    /// PSMO enable.
    Enable {
        /// The profile.
        iccid: Iccid,
        /// Whether the IPA may return to the profile before it (SGP.32 3.3.2).
        #[serde(default)]
        rollback: bool,
    },
    /// PSMO disable.
    Disable {
        /// The profile.
        iccid: Iccid,
    },
    /// PSMO delete.
    Delete {
        /// The profile.
        iccid: Iccid,
    },
    /// PSMO listProfileInfo, of all profiles, with the tags that the eUICC
    /// chooses.
    ListProfileInfo,
    /// PSMO listProfileInfo with criteria or tags. What it answers is no
    /// picture of the whole eUICC.
    ListSomeProfileInfo(ProfileQuery),
    /// PSMO getRAT.
    GetRat,
    /// PSMO configureImmediateEnable.
    ConfigureImmediateEnable(ImmediateEnable),
    /// PSMO setFallbackAttribute.
    SetFallbackAttribute {
        /// The profile.
        iccid: Iccid,
    },
    /// PSMO unsetFallbackAttribute.
    UnsetFallbackAttribute,
    /// PSMO setDefaultDpAddress.
    SetDefaultDpAddress {
        /// Host name; empty removes the one that is set.
        address: String,
    },
    /// eCO addEim.
    AddEim {
        /// `EimConfigurationData`, DER.
        configuration: Vec<u8>,
    },
    /// eCO updateEim.
    UpdateEim {
        /// `EimConfigurationData`, DER; what is absent stays.
        configuration: Vec<u8>,
    },
    /// eCO deleteEim.
    DeleteEim {
        /// The eIM.
        eim_id: EimId,
    },
    /// eCO listEim.
    ListEim,
}

/// Which profiles are listed, and what of them (SGP.32 2.11.1.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileQuery {
    /// Which; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<ProfileSearch>,
    /// Concatenated tags of `ProfileInfo`; those of the standard if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<u8>>,
}

/// `searchCriteria` of listProfileInfo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileSearch {
    /// By ICCID.
    Iccid(Iccid),
    /// By the AID of its ISD-P.
    IsdpAid(Vec<u8>),
    /// By `ProfileClass`.
    Class(i64),
}

/// The PSMO configureImmediateEnable (SGP.32 3.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImmediateEnable {
    /// Whether profiles may be enabled right after their installation.
    pub enable: bool,
    /// Only those of the SM-DP+ with this OID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smdp_oid: Option<Oid>,
    /// Only those of the SM-DP+ at this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smdp_address: Option<String>,
}

/// What the IPA is asked for (SGP.32 2.11.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EuiccDataQuery {
    /// Concatenated tags of `IpaEuiccData`.
    pub tags: Vec<u8>,
    /// The CI whose certificates are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<SubjectKeyIdentifier>,
    /// Only the notification with this sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<i64>,
    /// Only the eUICC Package Result with this sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_result: Option<i64>,
}

/// Why a list of tags is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagListError {
    /// No whole tags, or none.
    #[error("no list of tags")]
    Malformed,
    /// Not a member of `IpaEuiccData`.
    #[error(
        "{0} is no object that an IPA can be asked for: A0 81 A2 BF20 BF22 83 84 A5 A6 A8 A9 are (and 80 88 BF2B of v1.0)"
    )]
    NotAllowed(Tag),
}

/// Members of `IpaEuiccData` that can be asked for; the last three are how v1.0
/// named some of them.
const DATA_TAGS: [u32; 14] = [
    0xA0, 0x81, 0xA2, 0xBF20, 0xBF22, 0x83, 0x84, 0xA5, 0xA6, 0xA8, 0xA9, 0x80, 0x88, 0xBF2B,
];

impl EuiccDataQuery {
    /// Whether every tag can be asked for: the EID and the list of profiles
    /// cannot (SGP.32 2.11.1.2).
    ///
    /// # Errors
    /// The first that cannot, or that these are no tags.
    pub fn check(&self) -> Result<(), TagListError> {
        let tags = tags(&self.tags).ok_or(TagListError::Malformed)?;
        match tags.iter().find(|tag| !DATA_TAGS.contains(&tag.get())) {
            Some(tag) => Err(TagListError::NotAllowed(*tag)),
            None if tags.is_empty() => Err(TagListError::Malformed),
            None => Ok(()),
        }
    }
}

/// Concatenated tags, one by one; `None` if the last is not whole or one is
/// longer than any of the standards.
fn tags(list: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let (mut tag, mut open) = (0u32, false);
    for octet in list {
        open = match open {
            true => octet & 0x80 != 0,
            false => octet & 0x1F == 0x1F,
        };
        if tag > 0xFF_FFFF {
            return None;
        }
        tag = tag << 8 | u32::from(*octet);
        if !open {
            tags.push(Tag::new(core::mem::take(&mut tag)));
        }
    }
    (!open).then_some(tags)
}

/// How an operation travels to the eUICC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Travel {
    /// In a list of PSMOs.
    Psmo,
    /// In a list of eCOs.
    Eco,
    /// As a message of its own.
    Alone,
}

impl OperationKind {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            OperationKind::GetCertificates => "get_certificates",
            OperationKind::GetInstallationResults => "get_installation_results",
            OperationKind::GetEuiccData(_) => "get_euicc_data",
            OperationKind::Download { .. } => "download",
            OperationKind::ContactDefaultSmdp => "contact_default_smdp",
            OperationKind::ContactSmds { .. } => "contact_smds",
            OperationKind::Enable { .. } => "enable",
            OperationKind::Disable { .. } => "disable",
            OperationKind::Delete { .. } => "delete",
            OperationKind::ListProfileInfo | OperationKind::ListSomeProfileInfo(_) => {
                "list_profile_info"
            }
            OperationKind::GetRat => "get_rat",
            OperationKind::ConfigureImmediateEnable(_) => "configure_immediate_enable",
            OperationKind::SetFallbackAttribute { .. } => "set_fallback_attribute",
            OperationKind::UnsetFallbackAttribute => "unset_fallback_attribute",
            OperationKind::SetDefaultDpAddress { .. } => "set_default_dp_address",
            OperationKind::AddEim { .. } => "add_eim",
            OperationKind::UpdateEim { .. } => "update_eim",
            OperationKind::DeleteEim { .. } => "delete_eim",
            OperationKind::ListEim => "list_eim",
        }
    }

    /// How it travels.
    pub(super) const fn travel(&self) -> Travel {
        match self {
            OperationKind::GetCertificates
            | OperationKind::GetInstallationResults
            | OperationKind::GetEuiccData(_)
            | OperationKind::Download { .. }
            | OperationKind::ContactDefaultSmdp
            | OperationKind::ContactSmds { .. } => Travel::Alone,
            OperationKind::AddEim { .. }
            | OperationKind::UpdateEim { .. }
            | OperationKind::DeleteEim { .. }
            | OperationKind::ListEim => Travel::Eco,
            _ => Travel::Psmo,
        }
    }

    /// Whether the IPA is to download, from wherever (SGP.32 2.11.1.3).
    pub const fn downloads(&self) -> bool {
        matches!(
            self,
            OperationKind::Download { .. }
                | OperationKind::ContactDefaultSmdp
                | OperationKind::ContactSmds { .. }
        )
    }

    /// Whether it changes the state of a profile that is on the eUICC.
    pub(super) const fn changes_profiles(&self) -> bool {
        matches!(
            self,
            OperationKind::Enable { .. }
                | OperationKind::Disable { .. }
                | OperationKind::Delete { .. }
        )
    }

    /// Whether it only reads: doing it twice is as good as once.
    pub(super) const fn only_reads(&self) -> bool {
        matches!(
            self,
            OperationKind::GetCertificates
                | OperationKind::GetInstallationResults
                | OperationKind::GetEuiccData(_)
                | OperationKind::ListProfileInfo
                | OperationKind::ListSomeProfileInfo(_)
                | OperationKind::GetRat
                | OperationKind::ListEim
        )
    }

    /// Whether it sets a value that nothing signed can be asked for: what it
    /// makes is the same the second time.
    pub(super) const fn sets_a_value(&self) -> bool {
        matches!(
            self,
            OperationKind::ConfigureImmediateEnable(_)
                | OperationKind::SetDefaultDpAddress { .. }
                | OperationKind::UpdateEim { .. }
        )
    }

    /// Whether the eUICC forgets this eIM by it.
    pub(super) fn forgets(&self, own: &EimId) -> bool {
        matches!(self, OperationKind::DeleteEim { eim_id } if eim_id == own)
    }

    /// Whether it changes what another of its kind of list would show of an
    /// earlier one. What only read can be read at any time.
    pub(super) const fn overtakes(&self, earlier: &OperationKind) -> bool {
        match self.travel() {
            _ if earlier.only_reads() => false,
            Travel::Eco => matches!(earlier.travel(), Travel::Eco) && !self.only_reads(),
            _ if matches!(
                self,
                OperationKind::SetFallbackAttribute { .. } | OperationKind::UnsetFallbackAttribute
            ) =>
            {
                matches!(
                    earlier,
                    OperationKind::SetFallbackAttribute { .. }
                        | OperationKind::UnsetFallbackAttribute
                )
            }
            _ => self.changes_profiles() && !matches!(earlier.travel(), Travel::Eco),
        }
    }
}

impl fmt::Debug for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            OperationKind::Enable { iccid, .. }
            | OperationKind::Disable { iccid }
            | OperationKind::SetFallbackAttribute { iccid }
            | OperationKind::Delete { iccid } => write!(f, " {iccid}"),
            OperationKind::DeleteEim { eim_id } => write!(f, " {eim_id}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(tags: &[u8]) -> Result<(), TagListError> {
        let tags = tags.to_vec();
        let query = EuiccDataQuery {
            tags,
            ..EuiccDataQuery::default()
        };
        query.check()
    }

    /// EIM-17, EIM-66: names of v1.0 may be asked for; the EID and the list of
    /// profiles may not.
    #[test]
    fn tags_that_an_ipa_can_be_asked_for() {
        let of_v1_0 = [
            0x80, 0xBF, 0x20, 0xBF, 0x22, 0x83, 0x84, 0xA5, 0xA6, 0x88, 0xA9, 0xBF, 0x2B,
        ];
        assert_eq!(query(&of_v1_0), Ok(()));
        assert_eq!(query(&[0xA5, 0xA6]), Ok(()));
        for (refused, tag) in [
            (&[0x5A][..], 0x5A),
            (&[0xA5, 0xBF, 0x2D], 0xBF2D),
            (&[0x87], 0x87),
        ] {
            let tag = Tag::new(tag);
            assert_eq!(query(refused), Err(TagListError::NotAllowed(tag)));
        }
        for malformed in [&[][..], &[0xBF], &[0xA5, 0xBF, 0xA0]] {
            assert_eq!(query(malformed), Err(TagListError::Malformed));
        }
    }
}
