//! ES10b functions that SGP.32 adds or changes (SGP.32 5.9).

use alloc::vec::Vec;

use super::EuiccPackageResult;
use crate::rsp::{NotificationEvent, PendingNotification, SubjectKeyIdentifier};
use crate::{BitString, Certificate, Null};

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
    pub enum RetrieveNotificationsListResponse: 0xBF2B {
        NotificationList(Vec<PendingNotification>) = 0xA0,
        Error(i64) = 0x81,
        EuiccPackageResultList(Vec<EuiccPackageResult>) = 0xA2,
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
