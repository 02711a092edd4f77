//! Profile metadata and the profile list (SGP.22 5.5.3, 5.7.15; SGP.32 5.9.14).

use alloc::string::String;
use alloc::vec::Vec;

use super::{DpProprietaryData, NotificationEvent};
use crate::ids::{Iccid, Plmn};
use crate::{Any, Asn1, BitString, BoundedString, DecodeError, Oid, Tag, Tagged, Tlv};

/// `ProfileClass` numbers (SGP.22 5.5.3).
pub const PROFILE_CLASS_TEST: i64 = 0;
/// Provisioning profile.
pub const PROFILE_CLASS_PROVISIONING: i64 = 1;
/// Operational profile, the default.
pub const PROFILE_CLASS_OPERATIONAL: i64 = 2;

/// `PprIds` bit: PPR1, disabling is not allowed.
pub const PPR1: u8 = 1;
/// `PprIds` bit: PPR2, deletion is not allowed.
pub const PPR2: u8 = 2;

named_integer! {
    /// `ProfileState` (SGP.22 5.7.15).
    pub struct ProfileState {
        DISABLED = 0,
        ENABLED = 1,
    }
}

sequence! {
    /// `StoreMetadataRequest` (SGP.22 5.5.3 with the additions of SGP.32).
    pub struct StoreMetadataRequest: 0xBF25 {
        iccid: Iccid,
        service_provider_name: BoundedString<0, 32> = 0x91,
        profile_name: BoundedString<0, 64> = 0x92,
        icon_type: Option<i64> = 0x93,
        icon: Option<Vec<u8>> = 0x94,
        profile_class: i64 = 0x95 => PROFILE_CLASS_OPERATIONAL,
        notification_configuration_info: Option<Vec<NotificationConfigurationInformation>> = 0xB6,
        profile_owner: Option<OperatorId> = 0xB7,
        profile_policy_rules: Option<BitString> = 0x99,
        service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificData>> = 0xBF22,
        service_specific_data_not_stored_in_euicc: Option<Vec<VendorSpecificData>> = 0xBF23,
        ecall_indication: Option<bool> = 0x9F7B,
        fallback_allowed: Option<bool> = 0x9F67,
        /// SGP.32 v1.3.
        iot_specific_metadata: Option<IotSpecificMetadata> = 0xBF64,
    }
}

sequence! {
    /// `iotSpecificMetadata` and `iotSpecificProfileInfo` (SGP.32 v1.3): nothing
    /// is defined in it yet.
    pub struct IotSpecificMetadata {}
}

sequence! {
    /// `NotificationConfigurationInformation` (SGP.22 5.5.3).
    pub struct NotificationConfigurationInformation {
        profile_management_operation: NotificationEvent = 0x80,
        notification_address: String = 0x81,
    }
}

sequence! {
    /// `OperatorId` (SGP.22 5.5.3).
    pub struct OperatorId {
        mcc_mnc: Plmn = 0x80,
        gid1: Option<Vec<u8>> = 0x81,
        gid2: Option<Vec<u8>> = 0x82,
    }
}

sequence! {
    /// `ProfilePolicyAuthorisationRule`, one entry of the Rules Authorisation
    /// Table (SGP.22 5.7.22).
    pub struct ProfilePolicyAuthorisationRule {
        ppr_ids: BitString = 0x80,
        allowed_operators: Vec<OperatorId> = 0xA1,
        /// Bit 0 is consentRequired.
        ppr_flags: BitString = 0x82,
    }
}

sequence! {
    /// One entry of `VendorSpecificExtension` (SGP.22 5.5.3).
    pub struct VendorSpecificData {
        vendor_oid: Oid = 0x80,
        /// Elements whose type is the vendor's; one, as the module has it.
        vendor_specific_data: Option<Vec<Any>> = 0xA1,
    }
}

sequence! {
    /// Request of ES10c.GetProfilesInfo (SGP.22 5.7.15).
    pub struct ProfileInfoListRequest: 0xBF2D {
        search_criteria: Option<ProfileSearchCriteria> = 0xA0,
        /// Concatenated tags.
        tag_list: Option<Vec<u8>> = 0x5C,
        /// Tags of SGP.32, concatenated (SGP.22 v2.7).
        iot_specific_tag_list: Option<Vec<u8>> = 0x5D,
    }
}

choice! {
    /// `searchCriteria` of GetProfilesInfo (SGP.22 5.7.15).
    pub enum ProfileSearchCriteria {
        IsdpAid(Vec<u8>) = 0x4F,
        Iccid(Iccid) = 0x5A,
        ProfileClass(i64) = 0x95,
    }
}

choice! {
    /// Response of ES10c.GetProfilesInfo (SGP.32 5.9.14).
    pub enum ProfileInfoListResponse: 0xBF2D or bare_profile_list {
        Ok(Vec<ProfileInfo>) = 0xA0,
        Error(ProfileInfoListError) = 0x81,
    }
}

/// The list without its tag A0 (`BF2D {E3 ..}`, empty too) or with its '30',
/// and the error under its universal tag.
fn bare_profile_list(tlv: &Tlv<'_>) -> Result<Option<ProfileInfoListResponse>, DecodeError> {
    if tlv.value.is_empty() {
        return Ok(Some(ProfileInfoListResponse::Ok(Vec::new())));
    }
    let first = tlv.reader().tlv()?;
    Ok(Some(match first.tag {
        ProfileInfo::TAG => ProfileInfoListResponse::Ok(Vec::decode_value(tlv)?),
        Tag::SEQUENCE => ProfileInfoListResponse::Ok(Vec::decode_value(&first)?),
        Tag::INTEGER => ProfileInfoListResponse::Error(ProfileInfoListError::decode_tlv(&first)?),
        _ => return Ok(None),
    }))
}

named_integer! {
    /// `ProfileInfoListError` (SGP.32 2.11.2.1).
    pub struct ProfileInfoListError {
        INCORRECT_INPUT_VALUES = 1,
        PROFILE_CHANGE_ONGOING = 11,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `ProfileInfo` (SGP.32 2.11.2.1). Cards answer in the order of the tag
    /// list as well.
    pub struct ProfileInfo: 0xE3, unordered {
        iccid: Option<Iccid>,
        isdp_aid: Option<Vec<u8>> = 0x4F,
        profile_state: Option<ProfileState> = 0x9F70,
        profile_nickname: Option<BoundedString<0, 64>> = 0x90,
        service_provider_name: Option<BoundedString<0, 32>> = 0x91,
        profile_name: Option<BoundedString<0, 64>> = 0x92,
        icon_type: Option<i64> = 0x93,
        icon: Option<Vec<u8>> = 0x94,
        profile_class: Option<i64> = 0x95,
        notification_configuration_info: Option<Vec<NotificationConfigurationInformation>> = 0xB6,
        profile_owner: Option<OperatorId> = 0xB7,
        dp_proprietary_data: Option<DpProprietaryData> = 0xB8,
        profile_policy_rules: Option<BitString> = 0x99,
        service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificData>> = 0xBF22,
        ecall_indication: Option<bool> = 0x9F7B,
        fallback_attribute: bool = 0x9F26 => false,
        fallback_allowed: Option<bool> = 0x9F67,
        /// SGP.32 v1.3.
        iot_specific_profile_info: Option<IotSpecificMetadata> = 0xBF64,
    }
}

impl ProfileInfo {
    /// With no data object at all.
    pub fn empty() -> Self {
        ProfileInfo {
            iccid: None,
            isdp_aid: None,
            profile_state: None,
            profile_nickname: None,
            service_provider_name: None,
            profile_name: None,
            icon_type: None,
            icon: None,
            profile_class: None,
            notification_configuration_info: None,
            profile_owner: None,
            dp_proprietary_data: None,
            profile_policy_rules: None,
            service_specific_data_stored_in_euicc: None,
            ecall_indication: None,
            fallback_attribute: false,
            fallback_allowed: None,
            iot_specific_profile_info: None,
            extensions: crate::Extensions::default(),
        }
    }
}
