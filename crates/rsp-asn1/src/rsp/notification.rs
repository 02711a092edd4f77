//! Installation results and notifications (SGP.22 2.5.6, 3.5, 5.7.9 to 5.7.11).

use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::{Iccid, TransactionId};
use crate::sgp32::{CompactOtherSignedNotification, CompactProfileInstallationResult};
use crate::{BitString, Certificate, DecodeError, Oid, Signed, Tlv};

/// `NotificationEvent`: exactly one bit (SGP.22 5.7.9).
pub type NotificationEvent = BitString;

/// Bit of [`NotificationEvent`]: notificationInstall.
pub const NOTIFICATION_INSTALL: u8 = 0;
/// Bit of [`NotificationEvent`]: notificationEnable.
pub const NOTIFICATION_ENABLE: u8 = 1;
/// Bit of [`NotificationEvent`]: notificationDisable.
pub const NOTIFICATION_DISABLE: u8 = 2;
/// Bit of [`NotificationEvent`]: notificationDelete.
pub const NOTIFICATION_DELETE: u8 = 3;

sequence! {
    /// `NotificationMetadata` (SGP.22 5.7.9).
    pub struct NotificationMetadata: 0xBF2F {
        seq_number: i64 = 0x80,
        profile_management_operation: NotificationEvent = 0x81,
        notification_address: String,
        iccid: Option<Iccid>,
    }
}

choice! {
    /// `PendingNotification` (SGP.22 5.7.10, SGP.32 5.14.7).
    pub enum PendingNotification {
        ProfileInstallationResult(Signed<ProfileInstallationResult>),
        Other(Signed<OtherSignedNotification>),
        /// Between IPA and eIM only.
        CompactProfileInstallationResult(CompactProfileInstallationResult) = 0xA0,
        /// Between IPA and eIM only.
        CompactOther(CompactOtherSignedNotification) = 0xA1,
    }
}

impl PendingNotification {
    /// Its number on the eUICC, whichever kind it is.
    pub fn seq_number(&self) -> i64 {
        match self {
            Self::CompactProfileInstallationResult(result) => {
                result.compact_profile_installation_result_data.seq_number
            }
            other => other.metadata().map_or(0, |metadata| metadata.seq_number),
        }
    }

    /// The metadata; a compact installation result has none.
    pub fn metadata(&self) -> Option<&NotificationMetadata> {
        match self {
            Self::ProfileInstallationResult(result) => Some(
                &result
                    .profile_installation_result_data
                    .notification_metadata,
            ),
            Self::Other(notification) => Some(&notification.tbs_other_notification),
            Self::CompactOther(notification) => Some(&notification.tbs_other_notification),
            Self::CompactProfileInstallationResult(_) => None,
        }
    }
}

sequence! {
    /// `ProfileInstallationResult` (SGP.22 2.5.6).
    pub struct ProfileInstallationResult: 0xBF37 {
        profile_installation_result_data: Signed<ProfileInstallationResultData>,
        euicc_sign_pir: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `ProfileInstallationResultData` (SGP.22 2.5.6).
    pub struct ProfileInstallationResultData: 0xBF27 {
        transaction_id: TransactionId = 0x80,
        notification_metadata: NotificationMetadata,
        smdp_oid: Oid,
        final_result: FinalResult = 0xA2,
    }
}

choice! {
    /// `finalResult` of a ProfileInstallationResult (SGP.22 2.5.6).
    pub enum FinalResult {
        Success(SuccessResult) = 0xA0,
        Error(ErrorResult) = 0xA1,
    }
}

sequence! {
    /// `SuccessResult` (SGP.22 2.5.6).
    pub struct SuccessResult {
        /// AID of the ISD-P.
        aid: Vec<u8> = 0x4F,
        /// `EUICCResponse` objects of the profile package specification.
        sima_response: Vec<u8>,
    }
}

sequence! {
    /// `ErrorResult` (SGP.22 2.5.6).
    pub struct ErrorResult {
        bpp_command_id: BppCommandId = 0x80,
        error_reason: ErrorReason = 0x81,
        sima_response: Option<Vec<u8>> = 0x82,
    }
}

named_integer! {
    /// `BppCommandId` (SGP.22 2.5.6).
    pub struct BppCommandId {
        INITIALISE_SECURE_CHANNEL = 0,
        CONFIGURE_ISDP = 1,
        STORE_METADATA = 2,
        STORE_METADATA2 = 3,
        REPLACE_SESSION_KEYS = 4,
        LOAD_PROFILE_ELEMENTS = 5,
    }
}

named_integer! {
    /// `ErrorReason` (SGP.22 2.5.6).
    pub struct ErrorReason {
        INCORRECT_INPUT_VALUES = 1,
        INVALID_SIGNATURE = 2,
        INVALID_TRANSACTION_ID = 3,
        UNSUPPORTED_CRT_VALUES = 4,
        UNSUPPORTED_REMOTE_OPERATION_TYPE = 5,
        UNSUPPORTED_PROFILE_CLASS = 6,
        SCP03T_STRUCTURE_ERROR = 7,
        SCP03T_SECURITY_ERROR = 8,
        INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC = 9,
        INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE = 10,
        INSTALL_FAILED_DUE_TO_INTERRUPTION = 11,
        INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR = 12,
        INSTALL_FAILED_DUE_TO_DATA_MISMATCH = 13,
        TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY = 14,
        PPR_NOT_ALLOWED = 15,
        INSTALL_FAILED_DUE_TO_INSUFFICIENT_MINIMUM_SECURITY_LEVEL = 31,
        INSTALL_FAILED_DUE_TO_SERVER_ADDRESS_ABSENT_IN_EUICC_ALLOW_LIST = 32,
        INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR = 127,
    }
}

sequence! {
    /// `OtherSignedNotification` (SGP.22 5.7.10).
    pub struct OtherSignedNotification {
        tbs_other_notification: Signed<NotificationMetadata>,
        euicc_notification_signature: Vec<u8> = 0x5F37,
        euicc_certificate: Certificate,
        eum_certificate: Certificate,
    }
}

sequence! {
    /// Request of ES10b.RemoveNotificationFromList (SGP.22 5.7.11).
    pub struct NotificationSentRequest: 0xBF30 {
        seq_number: i64 = 0x80,
    }
}

sequence! {
    /// Response of ES10b.RemoveNotificationFromList (SGP.22 5.7.11).
    pub struct NotificationSentResponse: 0xBF30 {
        delete_notification_status: DeleteNotificationStatus = 0x80,
    }
}

named_integer! {
    /// Result of ES10b.RemoveNotificationFromList (SGP.22 5.7.11).
    pub struct DeleteNotificationStatus {
        OK = 0,
        NOTHING_TO_DELETE = 1,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.ListNotification (SGP.22 5.7.9).
    pub struct ListNotificationRequest: 0xBF28 {
        profile_management_operation: Option<NotificationEvent> = 0x81,
    }
}

choice! {
    /// Response of ES10b.ListNotification (SGP.22 5.7.9).
    pub enum ListNotificationResponse: 0xBF28 or no_metadata {
        Ok(Vec<NotificationMetadata>) = 0xA0,
        Error(i64) = 0x81,
    }
}

/// Some cards leave the empty list out (`BF28 00`).
fn no_metadata(tlv: &Tlv<'_>) -> Result<Option<ListNotificationResponse>, DecodeError> {
    Ok(tlv
        .value
        .is_empty()
        .then(|| ListNotificationResponse::Ok(Vec::new())))
}
