//! IPA eUICC Data (SGP.32 2.11.1.2, 2.11.2.2).

use alloc::string::String;
use alloc::vec::Vec;

use super::EuiccPackageResult;
use crate::ids::TransactionId;
use crate::rsp::{DeviceInfo, EuiccInfo1, EuiccInfo2, NotificationEvent, PendingNotification};
use crate::{BitString, Certificate};

sequence! {
    /// `IpaEuiccDataRequest` (SGP.32 2.11.1.2).
    pub struct IpaEuiccDataRequest: 0xBF52 {
        /// Concatenated tags of [`IpaEuiccData`] members.
        tag_list: Vec<u8> = 0x5C,
        /// May be truncated.
        euicc_ci_pk_identifier_to_be_used: Option<Vec<u8>>,
        search_criteria_notification: Option<NotificationSearchCriteria> = 0xA1,
        search_criteria_euicc_package_result: Option<EuiccPackageResultSearchCriteria> = 0xA2,
        eim_transaction_id: Option<TransactionId> = 0x83,
    }
}

choice! {
    /// `searchCriteriaNotification` (SGP.32 2.11.1.2).
    pub enum NotificationSearchCriteria {
        SeqNumber(i64) = 0x80,
        ProfileManagementOperation(NotificationEvent) = 0x81,
    }
}

choice! {
    /// `searchCriteriaEuiccPackageResult` (SGP.32 2.11.1.2).
    pub enum EuiccPackageResultSearchCriteria {
        SeqNumber(i64) = 0x80,
    }
}

choice! {
    /// `IpaEuiccDataResponse` (SGP.32 2.11.2.2).
    pub enum IpaEuiccDataResponse: 0xBF52 {
        Ok(IpaEuiccData) = 0xA0,
        Error(IpaEuiccDataResponseError) = 0xA1,
    }
}

sequence! {
    /// `IpaEuiccData` (SGP.32 2.11.2.2).
    pub struct IpaEuiccData {
        notifications_list: Option<Vec<PendingNotification>> = 0xA0,
        default_smdp_address: Option<String> = 0x81,
        euicc_package_result_list: Option<Vec<EuiccPackageResult>> = 0xA2,
        euicc_info1: Option<EuiccInfo1>,
        euicc_info2: Option<EuiccInfo2>,
        root_smds_address: Option<String> = 0x83,
        association_token: Option<i64> = 0x84,
        eum_certificate: Option<Certificate> = 0xA5,
        euicc_certificate: Option<Certificate> = 0xA6,
        eim_transaction_id: Option<TransactionId> = 0x87,
        ipa_capabilities: Option<IpaCapabilities> = 0xA8,
        device_info: Option<DeviceInfo> = 0xA9,
    }
}

impl IpaEuiccData {
    /// With no object at all.
    pub fn empty() -> Self {
        IpaEuiccData {
            notifications_list: None,
            default_smdp_address: None,
            euicc_package_result_list: None,
            euicc_info1: None,
            euicc_info2: None,
            root_smds_address: None,
            association_token: None,
            eum_certificate: None,
            euicc_certificate: None,
            eim_transaction_id: None,
            ipa_capabilities: None,
            device_info: None,
            extensions: crate::Extensions::default(),
        }
    }
}

sequence! {
    /// `IpaEuiccDataResponseError` (SGP.32 2.11.2.2).
    pub struct IpaEuiccDataResponseError {
        eim_transaction_id: Option<TransactionId> = 0x80,
        ipa_euicc_data_error_code: IpaEuiccDataErrorCode,
    }
}

named_integer! {
    /// `IpaEuiccDataErrorCode` (SGP.32 2.11.2.2).
    pub struct IpaEuiccDataErrorCode {
        INCORRECT_TAG_LIST = 1,
        EUICC_CI_PK_ID_NOT_FOUND = 5,
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `IpaCapabilities` (SGP.32 4.1).
    pub struct IpaCapabilities {
        ipa_features: BitString = 0x80,
        ipa_supported_protocols: Option<BitString> = 0x81,
    }
}

/// `ipaFeatures` bit: directRspServerCommunication.
pub const DIRECT_RSP_SERVER_COMMUNICATION: u8 = 0;
/// `ipaSupportedProtocols` bit: ipaRetrieveHttps.
pub const IPA_RETRIEVE_HTTPS: u8 = 0;
