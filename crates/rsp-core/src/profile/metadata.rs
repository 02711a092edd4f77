//! Profile metadata of an order (SGP.22 5.5.3).

use alloc::string::ToString;
use alloc::vec::Vec;

use rsp_asn1::ids::{Iccid, Imsi, Plmn};
use rsp_asn1::rsp::{
    NOTIFICATION_DELETE, NOTIFICATION_DISABLE, NOTIFICATION_ENABLE,
    NotificationConfigurationInformation, OperatorId, StoreMetadataRequest,
};
use rsp_asn1::{BitString, ErrorKind, Extensions};

use super::ProfileError;

/// Digits of the mobile network code (3GPP TS 23.003 2.2): the IMSI alone does
/// not tell.
///
/// Serialised as the number 2 or 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum MncLength {
    /// Two digits, as in most of the world.
    #[default]
    Two,
    /// Three digits, as in North America.
    Three,
}

impl TryFrom<u8> for MncLength {
    type Error = &'static str;

    fn try_from(digits: u8) -> Result<Self, Self::Error> {
        match digits {
            2 => Ok(MncLength::Two),
            3 => Ok(MncLength::Three),
            _ => Err("an MNC has 2 or 3 digits"),
        }
    }
}

impl From<MncLength> for u8 {
    fn from(length: MncLength) -> u8 {
        match length {
            MncLength::Two => 2,
            MncLength::Three => 3,
        }
    }
}

impl MncLength {
    /// What the fourth octet of EF.AD says, `None` if it does not (3GPP TS
    /// 31.102 4.2.18).
    pub fn from_ef_ad(contents: &[u8]) -> Option<Self> {
        let octet = contents.get(3)?;
        MncLength::try_from(octet & 0x0F).ok()
    }

    /// The PLMN that an IMSI begins with.
    pub fn plmn(self, imsi: &Imsi) -> Option<Plmn> {
        let digits = match self {
            MncLength::Two => 5,
            MncLength::Three => 6,
        };
        imsi.as_str().get(..digits)?.parse().ok()
    }
}

/// What an order says of a profile beyond its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataOrder<'a> {
    /// ICCID of the profile.
    pub iccid: Iccid,
    /// IMSI of the profile; its first digits name the profile owner.
    pub imsi: &'a Imsi,
    /// Where the MNC ends in the IMSI.
    pub mnc_length: MncLength,
    /// At most 32 characters.
    pub service_provider_name: &'a str,
    /// At most 64 characters.
    pub profile_name: &'a str,
    /// Host name of the SM-DP+ that wants to be notified.
    pub smdp_address: &'a str,
    /// `PROFILE_CLASS_OPERATIONAL` or another one of [`rsp_asn1::rsp`].
    pub profile_class: i64,
}

/// The metadata of an order (SGP.22 5.5.3): notifications of enabling,
/// disabling and deletion go to the SM-DP+ (that of the installation always
/// does). No icon and no policy rule: set those in the result where wanted.
///
/// # Errors
/// If a name is too long, or the address is empty or not of a host name's
/// characters.
pub fn metadata(order: &MetadataOrder<'_>) -> Result<StoreMetadataRequest, ProfileError> {
    let invalid = |field| move |reason| ProfileError::Metadata { field, reason };
    let owner = order.mnc_length.plmn(order.imsi);
    let owner = owner.ok_or(ErrorKind::Value("it begins with no MCC and MNC"));
    Ok(StoreMetadataRequest {
        iccid: order.iccid,
        service_provider_name: order
            .service_provider_name
            .try_into()
            .map_err(invalid("service_provider_name"))?,
        profile_name: order
            .profile_name
            .try_into()
            .map_err(invalid("profile_name"))?,
        icon_type: None,
        icon: None,
        profile_class: order.profile_class,
        notification_configuration_info: Some(
            notifications(order.smdp_address).map_err(invalid("smdp_address"))?,
        ),
        profile_owner: Some(OperatorId {
            mcc_mnc: owner.map_err(invalid("imsi"))?,
            gid1: None,
            gid2: None,
            extensions: Extensions::default(),
        }),
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        ecall_indication: None,
        fallback_allowed: None,
        iot_specific_metadata: None,
        extensions: Extensions::default(),
    })
}

/// One entry an event: a NotificationEvent is one event wherever it occurs.
fn notifications(address: &str) -> Result<Vec<NotificationConfigurationInformation>, ErrorKind> {
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if address.is_empty() || address.len() > 255 || !address.chars().all(host) {
        return Err(ErrorKind::Value("no host name of 1 to 255 characters"));
    }
    let events = [
        NOTIFICATION_ENABLE,
        NOTIFICATION_DISABLE,
        NOTIFICATION_DELETE,
    ];
    Ok(events
        .into_iter()
        .map(|event| NotificationConfigurationInformation {
            profile_management_operation: BitString::of(&[event]),
            notification_address: address.to_string(),
            extensions: Extensions::default(),
        })
        .collect())
}
