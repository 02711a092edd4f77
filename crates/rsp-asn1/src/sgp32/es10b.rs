//! ES10b functions that SGP.32 adds or changes (SGP.32 5.9).

use alloc::vec::Vec;

use super::EuiccPackageResult;
use crate::rsp::{
    ActivationResult, NotificationEvent, PendingNotification, ResetResult, SubjectKeyIdentifier,
};
use crate::{BitString, Certificate, DecodeError, Null, Tlv};

/// `PendingNotificationList` (SGP.32 2.11.2.2).
pub type PendingNotificationList = Vec<PendingNotification>;

/// `EuiccPackageResultList` (SGP.32 2.11.2.2).
pub type EuiccPackageResultList = Vec<EuiccPackageResult>;

sequence! {
    /// Request of ES10b.GetCerts (SGP.32 5.9.10).
    pub struct GetCertsRequest: 0xBF56 {
        euicc_ci_pk_id: Option<SubjectKeyIdentifier> = 0x80,
    }
}

choice! {
    /// Response of ES10b.GetCerts (SGP.32 5.9.10).
    pub enum GetCertsResponse: 0xBF56 {
        Certs(Certs) = 0xA0,
        Error(GetCertsError) = 0x81,
    }
}

sequence! {
    /// `certs` of GetCerts.
    pub struct Certs {
        eum_certificate: Certificate = 0xA5,
        euicc_certificate: Certificate = 0xA6,
    }
}

named_integer! {
    /// `getCertsError` (SGP.32 5.9.10).
    pub struct GetCertsError {
        INVALID_CI_PK_ID = 1,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.RetrieveNotificationsList (SGP.32 5.9.11).
    pub struct RetrieveNotificationsListRequest: 0xBF2B {
        search_criteria: Option<NotificationsSearchCriteria> = 0xA0,
    }
}

choice! {
    /// `searchCriteria` of RetrieveNotificationsList.
    pub enum NotificationsSearchCriteria {
        SeqNumber(i64) = 0x80,
        ProfileManagementOperation(NotificationEvent) = 0x81,
        EuiccPackageResults(Null) = 0x82,
    }
}

choice! {
    /// Response of ES10b.RetrieveNotificationsList (SGP.32 5.9.11).
    pub enum RetrieveNotificationsListResponse: 0xBF2B or no_notifications {
        NotificationList(PendingNotificationList) = 0xA0,
        Error(i64) = 0x81,
        EuiccPackageResultList(EuiccPackageResultList) = 0xA2,
    }
}

/// Some cards leave the empty list out (`BF2B 00`).
fn no_notifications(
    tlv: &Tlv<'_>,
) -> Result<Option<RetrieveNotificationsListResponse>, DecodeError> {
    Ok(tlv
        .value
        .is_empty()
        .then(|| RetrieveNotificationsListResponse::NotificationList(Vec::new())))
}

sequence! {
    /// Request of ES10b.eUICCMemoryReset (SGP.32 5.9.5).
    pub struct EuiccMemoryResetRequest: 0xBF64 {
        /// The bits of SGP.22, and [`RESET_PRE_LOADED_TEST_PROFILES`] to
        /// [`RESET_IMMEDIATE_ENABLE_CONFIG`].
        reset_options: BitString = 0x82,
    }
}

/// `resetOptions` bit: deletePreLoadedTestProfiles.
pub const RESET_PRE_LOADED_TEST_PROFILES: u8 = 3;
/// `resetOptions` bit: deleteProvisioningProfiles.
pub const RESET_PROVISIONING_PROFILES: u8 = 4;
/// `resetOptions` bit: resetEimConfigData.
pub const RESET_EIM_CONFIG_DATA: u8 = 5;
/// `resetOptions` bit: resetImmediateEnableConfig.
pub const RESET_IMMEDIATE_ENABLE_CONFIG: u8 = 6;

sequence! {
    /// Response of ES10b.eUICCMemoryReset (SGP.32 5.9.5).
    pub struct EuiccMemoryResetResponse: 0xBF64 {
        reset_result: ResetResult = 0x80,
        /// Present if [`RESET_EIM_CONFIG_DATA`] was asked for.
        reset_eim_result: Option<ResetEimResult> = 0x81,
        /// Present if [`RESET_IMMEDIATE_ENABLE_CONFIG`] was asked for.
        reset_immediate_enable_config_result: Option<ResetImmediateEnableConfigResult> = 0x82,
    }
}

named_integer! {
    /// `resetEimResult` (SGP.32 5.9.5).
    pub struct ResetEimResult {
        OK = 0,
        NOTHING_TO_DELETE = 1,
        EIM_RESET_NOT_SUPPORTED = 2,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `resetImmediateEnableConfigResult` (SGP.32 5.9.5).
    pub struct ResetImmediateEnableConfigResult {
        OK = 0,
        RESET_IEC_NOT_SUPPORTED = 1,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.GetConnectivityParameters (SGP.32 5.9.24).
    pub struct GetConnectivityParametersRequest: 0xBF5F {}
}

choice! {
    /// Response of ES10b.GetConnectivityParameters (SGP.32 5.9.24).
    pub enum GetConnectivityParametersResponse: 0xBF5F {
        Ok(ConnectivityParameters) = 0xA0,
        Error(ConnectivityParametersError) = 0x81,
    }
}

sequence! {
    /// `ConnectivityParameters` of the enabled profile (SGP.32 5.9.24).
    pub struct ConnectivityParameters {
        /// For HTTP and CoAP, as the profile has them.
        http_params: Option<Vec<u8>> = 0x81,
    }
}

named_integer! {
    /// `ConnectivityParametersError` (SGP.32 5.9.24).
    pub struct ConnectivityParametersError {
        PARAMETERS_NOT_AVAILABLE = 1,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `IpaeActivationRequest` (SGP.32 5.9.3).
    pub struct IpaeActivationRequest: 0xBF42 {
        /// Bit 0 is activateIpae.
        ipae_option: BitString = 0x80,
    }
}

sequence! {
    /// `IpaeActivationResponse` (SGP.32 5.9.3).
    pub struct IpaeActivationResponse: 0xBF42 {
        ipae_activation_result: ActivationResult = 0x80,
    }
}

sequence! {
    /// `ISDRProprietaryApplicationTemplateIoT` (SGP.32 5.9.1).
    pub struct IsdrProprietaryApplicationTemplateIot: 0xE1 {
        euicc_configuration: BitString = 0x80,
    }
}

/// `euiccConfiguration` bit: IPAe supported.
pub const IPAE_SUPPORTED: u8 = 0;
/// `euiccConfiguration` bit: the eUICC has an enabled profile.
pub const ENABLED_PROFILE: u8 = 1;
