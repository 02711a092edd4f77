//! ES10b functions that switch profiles without an eIM's order (SGP.32 5.9.15
//! to 5.9.17, 5.9.20 to 5.9.23).
//!
//! `refreshFlag` has its automatic tag '80'; it is also read under its
//! universal one, which cards and IPAs in use have.

use alloc::string::String;

use super::EuiccPackageResult;
use crate::{DecodeError, Extensions, Null, Oid, Tlv};

sequence! {
    /// Request of ES10b.ImmediateEnable (SGP.32 5.9.15). Without the
    /// flag (`BF5A 00`) no REFRESH is asked for.
    pub struct ImmediateEnableRequest: 0xBF5A or without_flag {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

fn without_flag(tlv: &Tlv<'_>) -> Result<Option<ImmediateEnableRequest>, DecodeError> {
    Ok(tlv.value.is_empty().then(|| ImmediateEnableRequest {
        refresh_flag: false,
        extensions: Extensions::default(),
    }))
}

sequence! {
    /// Response of ES10b.ImmediateEnable (SGP.32 5.9.15).
    pub struct ImmediateEnableResponse: 0xBF5A {
        immediate_enable_result: ImmediateEnableResult = 0x80 | 0x02,
    }
}

named_integer! {
    /// `immediateEnableResult` (SGP.32 5.9.15).
    pub struct ImmediateEnableResult {
        OK = 0,
        IMMEDIATE_ENABLE_NOT_AVAILABLE = 1,
        NO_SESSION_CONTEXT = 4,
        CAT_BUSY = 5,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.ProfileRollback (SGP.32 5.9.16).
    pub struct ProfileRollbackRequest: 0xBF58 {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

sequence! {
    /// Response of ES10b.ProfileRollback (SGP.32 5.9.16).
    pub struct ProfileRollbackResponse: 0xBF58 {
        cmd_result: ProfileRollbackCmdResult | 0x80,
        /// Present if the rollback was done.
        euicc_package_result: Option<EuiccPackageResult>,
    }
}

named_integer! {
    /// `cmdResult` of ProfileRollback (SGP.32 5.9.16).
    pub struct ProfileRollbackCmdResult {
        OK = 0,
        ROLLBACK_NOT_ALLOWED = 1,
        CAT_BUSY = 5,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.ConfigureImmediateProfileEnabling (SGP.32 5.9.17).
    pub struct ConfigureImmediateProfileEnablingRequest: 0xBF59 {
        immediate_enable_flag: Option<Null> = 0x80,
        default_smdp_oid: Option<Oid> = 0x81,
        default_smdp_address: Option<String> = 0x82,
    }
}

sequence! {
    /// Response of ES10b.ConfigureImmediateProfileEnabling (SGP.32 5.9.17).
    pub struct ConfigureImmediateProfileEnablingResponse: 0xBF59 {
        config_immediate_enable_result: ConfigImmediateEnableResult = 0x80,
    }
}

named_integer! {
    /// `configImmediateEnableResult` (SGP.32 5.9.17).
    pub struct ConfigImmediateEnableResult {
        OK = 0,
        INSUFFICIENT_MEMORY = 1,
        ASSOCIATED_EIM_ALREADY_EXISTS = 2,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.ExecuteFallbackMechanism (SGP.32 5.9.20).
    pub struct ExecuteFallbackMechanismRequest: 0xBF5D {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

sequence! {
    /// Response of ES10b.ExecuteFallbackMechanism (SGP.32 5.9.20).
    pub struct ExecuteFallbackMechanismResponse: 0xBF5D {
        execute_fallback_mechanism_result: ExecuteFallbackMechanismResult = 0x80 | 0x02,
    }
}

named_integer! {
    /// `executeFallbackMechanismResult` (SGP.32 5.9.20).
    pub struct ExecuteFallbackMechanismResult {
        OK = 0,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        CAT_BUSY = 5,
        FALLBACK_NOT_AVAILABLE = 6,
        COMMAND_ERROR = 7,
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.ReturnFromFallback (SGP.32 5.9.21).
    pub struct ReturnFromFallbackRequest: 0xBF5E {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

sequence! {
    /// Response of ES10b.ReturnFromFallback (SGP.32 5.9.21).
    pub struct ReturnFromFallbackResponse: 0xBF5E {
        return_from_fallback_result: ReturnFromFallbackResult = 0x80 | 0x02,
    }
}

named_integer! {
    /// `returnFromFallbackResult` (SGP.32 5.9.21).
    pub struct ReturnFromFallbackResult {
        OK = 0,
        CAT_BUSY = 5,
        FALLBACK_NOT_AVAILABLE = 6,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.EnableEmergencyProfile (SGP.32 5.9.22).
    pub struct EnableEmergencyProfileRequest: 0xBF5B {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

sequence! {
    /// Response of ES10b.EnableEmergencyProfile (SGP.32 5.9.22).
    pub struct EnableEmergencyProfileResponse: 0xBF5B {
        enable_emergency_profile_result: EnableEmergencyProfileResult = 0x80 | 0x02,
    }
}

named_integer! {
    /// `enableEmergencyProfileResult` (SGP.32 5.9.22).
    pub struct EnableEmergencyProfileResult {
        OK = 0,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        CAT_BUSY = 5,
        ECALL_NOT_AVAILABLE = 8,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.DisableEmergencyProfile (SGP.32 5.9.23).
    pub struct DisableEmergencyProfileRequest: 0xBF5C {
        refresh_flag: bool = 0x80 | 0x01,
    }
}

sequence! {
    /// Response of ES10b.DisableEmergencyProfile (SGP.32 5.9.23).
    pub struct DisableEmergencyProfileResponse: 0xBF5C {
        disable_emergency_profile_result: DisableEmergencyProfileResult = 0x80 | 0x02,
    }
}

named_integer! {
    /// `disableEmergencyProfileResult` (SGP.32 5.9.23; ecallNotAvailable is of
    /// v1.3).
    pub struct DisableEmergencyProfileResult {
        OK = 0,
        PROFILE_NOT_IN_ENABLED_STATE = 2,
        CAT_BUSY = 5,
        ECALL_NOT_AVAILABLE = 8,
        UNDEFINED_ERROR = 127,
    }
}
