//! Local profile management, ES10c and the parts of ES10a, ES10b and ES6 that
//! go with it (SGP.22 5.4.1, 5.7.4, 5.7.16 to 5.7.22).

use alloc::string::String;
use alloc::vec::Vec;

use super::{ProfilePolicyAuthorisationRule, VendorSpecificData};
use crate::ids::Iccid;
use crate::{BitString, BoundedString};

choice! {
    /// `profileIdentifier`: a profile by its ISD-P or by its ICCID (SGP.22
    /// 5.7.16).
    pub enum ProfileIdentifier {
        IsdpAid(Vec<u8>) = 0x4F,
        Iccid(Iccid) = 0x5A,
    }
}

sequence! {
    /// Request of ES10c.EnableProfile (SGP.22 5.7.16).
    pub struct EnableProfileRequest: 0xBF31 {
        profile_identifier: ProfileIdentifier = 0xA0,
        refresh_flag: bool = 0x81,
    }
}

sequence! {
    /// Response of ES10c.EnableProfile (SGP.22 5.7.16).
    pub struct EnableProfileResponse: 0xBF31 {
        enable_result: EnableResult = 0x80,
    }
}

named_integer! {
    /// `enableResult` (SGP.22 5.7.16).
    pub struct EnableResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        WRONG_PROFILE_REENABLING = 4,
        CAT_BUSY = 5,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10c.DisableProfile (SGP.22 5.7.17).
    pub struct DisableProfileRequest: 0xBF32 {
        profile_identifier: ProfileIdentifier = 0xA0,
        refresh_flag: bool = 0x81,
    }
}

sequence! {
    /// Response of ES10c.DisableProfile (SGP.22 5.7.17).
    pub struct DisableProfileResponse: 0xBF32 {
        disable_result: DisableResult = 0x80,
    }
}

named_integer! {
    /// `disableResult` (SGP.22 5.7.17).
    pub struct DisableResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_ENABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        CAT_BUSY = 5,
        UNDEFINED_ERROR = 127,
    }
}

choice! {
    /// Request of ES10c.DeleteProfile (SGP.22 5.7.18).
    pub enum DeleteProfileRequest: 0xBF33 {
        IsdpAid(Vec<u8>) = 0x4F,
        Iccid(Iccid) = 0x5A,
    }
}

sequence! {
    /// Response of ES10c.DeleteProfile (SGP.22 5.7.18).
    pub struct DeleteProfileResponse: 0xBF33 {
        delete_result: DeleteResult = 0x80,
    }
}

named_integer! {
    /// `deleteResult` (SGP.22 5.7.18).
    pub struct DeleteResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10c.eUICCMemoryReset (SGP.22 5.7.19).
    pub struct EuiccMemoryResetRequest: 0xBF34 {
        /// Bits [`RESET_OPERATIONAL_PROFILES`] to [`RESET_DEFAULT_SMDP_ADDRESS`].
        reset_options: BitString = 0x82,
    }
}

/// `resetOptions` bit: deleteOperationalProfiles.
pub const RESET_OPERATIONAL_PROFILES: u8 = 0;
/// `resetOptions` bit: deleteFieldLoadedTestProfiles.
pub const RESET_FIELD_LOADED_TEST_PROFILES: u8 = 1;
/// `resetOptions` bit: resetDefaultSmdpAddress.
pub const RESET_DEFAULT_SMDP_ADDRESS: u8 = 2;

sequence! {
    /// Response of ES10c.eUICCMemoryReset (SGP.22 5.7.19).
    pub struct EuiccMemoryResetResponse: 0xBF34 {
        reset_result: ResetResult = 0x80,
    }
}

named_integer! {
    /// `resetResult` (SGP.22 5.7.19, SGP.32 5.9.5).
    pub struct ResetResult {
        OK = 0,
        NOTHING_TO_DELETE = 1,
        CAT_BUSY = 5,
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10c.SetNickname (SGP.22 5.7.21).
    pub struct SetNicknameRequest: 0xBF29 {
        iccid: Iccid,
        profile_nickname: BoundedString<0, 64> = 0x90,
    }
}

sequence! {
    /// Response of ES10c.SetNickname (SGP.22 5.7.21).
    pub struct SetNicknameResponse: 0xBF29 {
        set_nickname_result: SetNicknameResult = 0x80,
    }
}

named_integer! {
    /// `setNicknameResult` (SGP.22 5.7.21).
    pub struct SetNicknameResult {
        OK = 0,
        ICCID_NOT_FOUND = 1,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.GetRAT (SGP.22 5.7.22).
    pub struct GetRatRequest: 0xBF43 {}
}

sequence! {
    /// Response of ES10b.GetRAT (SGP.22 5.7.22).
    pub struct GetRatResponse: 0xBF43 {
        rat: RulesAuthorisationTable = 0xA0,
    }
}

/// `RulesAuthorisationTable` (SGP.22 5.7.22).
pub type RulesAuthorisationTable = Vec<ProfilePolicyAuthorisationRule>;

sequence! {
    /// Request of ES10a.SetDefaultDpAddress (SGP.22 5.7.4). An empty address
    /// removes the one that is set.
    pub struct SetDefaultDpAddressRequest: 0xBF3F {
        default_dp_address: String = 0x80,
    }
}

sequence! {
    /// Response of ES10a.SetDefaultDpAddress (SGP.22 5.7.4).
    pub struct SetDefaultDpAddressResponse: 0xBF3F {
        set_default_dp_address_result: SetDefaultDpAddressResult = 0x80,
    }
}

named_integer! {
    /// `setDefaultDpAddressResult` (SGP.22 5.7.4, SGP.32 5.9.25).
    pub struct SetDefaultDpAddressResult {
        OK = 0,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `UpdateMetadataRequest` of ES6 (SGP.22 5.4.1 with the addition of SGP.32
    /// v1.3).
    pub struct UpdateMetadataRequest: 0xBF2A {
        service_provider_name: Option<BoundedString<0, 32>> = 0x91,
        profile_name: Option<BoundedString<0, 64>> = 0x92,
        icon_type: Option<i64> = 0x93,
        icon: Option<Vec<u8>> = 0x94,
        profile_policy_rules: Option<BitString> = 0x99,
        service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificData>> = 0xBF22,
        fallback_allowed: Option<bool> = 0x9F67,
    }
}

sequence! {
    /// `LpaeActivationRequest` (SGP.22 5.7.1).
    pub struct LpaeActivationRequest: 0xBF42 {
        /// Bit 0 is the LPAe of the Card Application Toolkit, bit 1 that of the
        /// Smartcard Web Server.
        lpae_option: BitString = 0x80,
    }
}

sequence! {
    /// `LpaeActivationResponse` (SGP.22 5.7.1).
    pub struct LpaeActivationResponse: 0xBF42 {
        lpae_activation_result: ActivationResult = 0x80,
    }
}

named_integer! {
    /// `lpaeActivationResult` and `ipaeActivationResult` (SGP.22 5.7.1, SGP.32
    /// 5.9.3).
    pub struct ActivationResult {
        OK = 0,
        NOT_SUPPORTED = 1,
    }
}

sequence! {
    /// `ISDRProprietaryApplicationTemplate` in the answer to SELECT (SGP.22
    /// 5.7.1).
    pub struct IsdrProprietaryApplicationTemplate: 0xE0 {
        svn: super::VersionType = 0x82,
        lpae_support: Option<BitString>,
    }
}

choice! {
    /// `ActivationCodeRetrievalInfo` in the metadata (SGP.22 v2.6). The
    /// activation code is a secret until it is used.
    pub enum ActivationCodeRetrievalInfo, redacted {
        ActivationCodeForProfileRedownload(BoundedString<0, 255>) = 0x81,
        ActivationCodeRetrievalAvailable(bool) = 0x82,
        /// Minutes.
        RetryDelay(i64) = 0x83,
    }
}
