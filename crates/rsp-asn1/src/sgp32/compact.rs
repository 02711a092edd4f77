//! Compact forms between an IPA that minimises bytes and its eIM, which
//! completes them before a server sees them (SGP.32 5.14, 6.1).

use alloc::vec::Vec;

use crate::ids::{Eid, TransactionId};
use crate::rsp::{
    CancelSessionReason, CtxParams1, ErrorResult, EuiccSigned1, NotificationMetadata,
};
use crate::{Certificate, Signed};

sequence! {
    /// `CompactAuthenticateResponseOk` (SGP.32 5.14.3).
    pub struct CompactAuthenticateResponseOk {
        signed_data: CompactSignedData,
        euicc_signature1: Vec<u8> = 0x5F37,
        euicc_certificate: Option<Certificate> = 0xA1,
        eum_certificate: Option<Certificate> = 0xA2,
    }
}

choice! {
    /// `signedData` of a CompactAuthenticateResponseOk.
    pub enum CompactSignedData {
        EuiccSigned1(Signed<EuiccSigned1>),
        CompactEuiccSigned1(CompactEuiccSigned1) = 0xA0,
    }
}

sequence! {
    /// `CompactEuiccSigned1` (SGP.32 5.14.3).
    pub struct CompactEuiccSigned1 {
        /// As in `EUICCInfo2`.
        ext_card_resource: Vec<u8> = 0x84,
        /// Absent if the eIM made them.
        ctx_params1: Option<CtxParams1> = 0xA2,
    }
}

sequence! {
    /// `CompactPrepareDownloadResponseOk` (SGP.32 5.14.2).
    pub struct CompactPrepareDownloadResponseOk {
        compact_euicc_signed2: CompactEuiccSigned2,
        euicc_signature2: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `CompactEuiccSigned2` (SGP.32 5.14.2).
    pub struct CompactEuiccSigned2 {
        /// Absent if the eUICC took bppEuiccOtpk.
        euicc_otpk: Option<Vec<u8>> = 0x5F49,
        /// Absent if it came from the eIM.
        hash_cc: Option<[u8; 32]>,
    }
}

sequence! {
    /// `CompactCancelSessionResponseOk` (SGP.32 5.14.8).
    pub struct CompactCancelSessionResponseOk {
        compact_euicc_cancel_session_signed: CompactEuiccCancelSessionSigned,
        euicc_cancel_session_signature: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `CompactEuiccCancelSessionSigned` (SGP.32 5.14.8).
    pub struct CompactEuiccCancelSessionSigned {
        reason: Option<CancelSessionReason> = 0x80,
    }
}

sequence! {
    /// `CompactProfileInstallationResult` (SGP.32 5.14.7).
    pub struct CompactProfileInstallationResult {
        compact_profile_installation_result_data: CompactProfileInstallationResultData = 0xA0,
        euicc_sign_pir: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `CompactProfileInstallationResultData` (SGP.32 5.14.7).
    pub struct CompactProfileInstallationResultData {
        transaction_id: TransactionId = 0x80,
        seq_number: i64,
        iccid_present: bool => true,
        compact_final_result: CompactFinalResult = 0xA2,
    }
}

choice! {
    /// `compactFinalResult` (SGP.32 5.14.7).
    pub enum CompactFinalResult {
        Success(CompactSuccessResult) = 0xA0,
        Error(ErrorResult) = 0xA1,
    }
}

sequence! {
    /// `CompactSuccessResult` (SGP.32 5.14.7).
    pub struct CompactSuccessResult {
        /// Octets 14 and 15 of the AID of the ISD-P.
        compact_aid: [u8; 2] = 0x4F,
        /// Absent if it is [`SIMA_RESPONSE_OK`].
        sima_response: Option<Vec<u8>>,
    }
}

/// The `EUICCResponse` that says "ok" and nothing else: a compact result leaves
/// it out.
pub const SIMA_RESPONSE_OK: [u8; 9] = [0x30, 0x07, 0xA0, 0x05, 0x30, 0x03, 0x80, 0x01, 0x00];

sequence! {
    /// `CompactOtherSignedNotification`: without certificates (SGP.32 5.14.7).
    pub struct CompactOtherSignedNotification {
        eid_value: Option<Eid>,
        tbs_other_notification: Signed<NotificationMetadata>,
        euicc_notification_signature: Vec<u8> = 0x5F37,
        /// Which certificate belongs to the signature (SGP.32 v1.3).
        euicc_ci_pk_identifier_to_be_used: Option<Vec<u8>>,
    }
}
