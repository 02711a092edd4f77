//! Profile download trigger (SGP.32 2.11.1.3, 2.11.2.3).

use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::TransactionId;
use crate::rsp::ProfileInstallationResult;
use crate::{BoundedString, Null, Signed};

sequence! {
    /// `ProfileDownloadTriggerRequest` (SGP.32 2.11.1.3). An activation code is
    /// a secret until it is used.
    pub struct ProfileDownloadTriggerRequest: 0xBF54, redacted {
        profile_download_data: Option<ProfileDownloadData> = 0xA0,
        eim_transaction_id: Option<TransactionId> = 0x82,
    }
}

choice! {
    /// `ProfileDownloadData` (SGP.32 2.11.1.3). An activation code is a secret
    /// until it is used.
    pub enum ProfileDownloadData, redacted {
        ActivationCode(BoundedString<0, 255>) = 0x80,
        ContactDefaultSmdp(Null) = 0x81,
        ContactSmds(ContactSmds) = 0xA2,
    }
}

sequence! {
    /// `contactSmds` (SGP.32 2.11.1.3).
    pub struct ContactSmds {
        smds_address: Option<String> = 0x80 | 0x0C,
    }
}

sequence! {
    /// `ProfileDownloadTriggerResult` (SGP.32 2.11.2.3).
    pub struct ProfileDownloadTriggerResult: 0xBF54 {
        eim_transaction_id: Option<TransactionId> = 0x82,
        profile_download_trigger_result_data: ProfileDownloadTriggerResultData,
    }
}

choice! {
    /// `profileDownloadTriggerResultData` (SGP.32 2.11.2.3).
    pub enum ProfileDownloadTriggerResultData {
        ProfileInstallationResult(Signed<ProfileInstallationResult>),
        ProfileDownloadError(ProfileDownloadError),
    }
}

sequence! {
    /// `profileDownloadError` (SGP.32 2.11.2.3).
    pub struct ProfileDownloadError {
        profile_download_error_reason: ProfileDownloadErrorReason = 0x80,
        /// What the RSP server or the eUICC answered.
        error_response: Option<Vec<u8>>,
    }
}

named_integer! {
    /// `profileDownloadErrorReason` (SGP.32 2.11.2.3).
    pub struct ProfileDownloadErrorReason {
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}
