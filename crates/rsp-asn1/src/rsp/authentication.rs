//! Common mutual authentication (SGP.22 3.0.1, 5.7.7, 5.7.13).

use alloc::string::String;
use alloc::vec::Vec;

use super::{DeviceInfo, EuiccInfo2, SubjectKeyIdentifier};
use crate::ids::TransactionId;
use crate::sgp32::{CompactAuthenticateResponseOk, CompactCancelSessionResponseOk};
use crate::{Certificate, Oid, Signed};

sequence! {
    /// Request of ES10b.GetEUICCChallenge (SGP.22 5.7.7).
    pub struct GetEuiccChallengeRequest: 0xBF2E {}
}

sequence! {
    /// Response of ES10b.GetEUICCChallenge (SGP.22 5.7.7).
    pub struct GetEuiccChallengeResponse: 0xBF2E {
        euicc_challenge: [u8; 16] = 0x80,
    }
}

sequence! {
    /// Request of ES10b.AuthenticateServer (SGP.22 5.7.13).
    pub struct AuthenticateServerRequest: 0xBF38 {
        server_signed1: Signed<ServerSigned1>,
        server_signature1: Vec<u8> = 0x5F37,
        euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
        server_certificate: Certificate,
        ctx_params1: CtxParams1,
    }
}

sequence! {
    /// `ServerSigned1` (SGP.22 5.6.1).
    pub struct ServerSigned1 {
        transaction_id: TransactionId = 0x80,
        euicc_challenge: [u8; 16] = 0x81,
        server_address: String = 0x83,
        server_challenge: [u8; 16] = 0x84,
    }
}

choice! {
    /// `CtxParams1` (SGP.22 5.7.13).
    pub enum CtxParams1 {
        CommonAuthentication(CtxParamsForCommonAuthentication) = 0xA0,
    }
}

sequence! {
    /// `CtxParamsForCommonAuthentication` (SGP.22 5.7.13). The MatchingID is a
    /// secret until it is used.
    pub struct CtxParamsForCommonAuthentication, redacted {
        matching_id: Option<String> = 0x80,
        device_info: DeviceInfo = 0xA1,
    }
}

choice! {
    /// Response of ES10b.AuthenticateServer (SGP.22 5.7.13, SGP.32 5.14.3).
    pub enum AuthenticateServerResponse: 0xBF38 {
        Ok(AuthenticateResponseOk) = 0xA0,
        Error(AuthenticateResponseError) = 0xA1,
        /// Between IPA and eIM only.
        CompactOk(CompactAuthenticateResponseOk) = 0xA2,
    }
}

sequence! {
    /// `AuthenticateResponseOk` (SGP.22 5.7.13).
    pub struct AuthenticateResponseOk {
        euicc_signed1: Signed<EuiccSigned1>,
        euicc_signature1: Vec<u8> = 0x5F37,
        euicc_certificate: Certificate,
        eum_certificate: Certificate,
    }
}

sequence! {
    /// `EuiccSigned1` (SGP.32 5.7.13).
    pub struct EuiccSigned1 {
        transaction_id: TransactionId = 0x80,
        server_address: String = 0x83,
        server_challenge: [u8; 16] = 0x84,
        euicc_info2: EuiccInfo2,
        ctx_params1: CtxParams1,
    }
}

sequence! {
    /// `AuthenticateResponseError` (SGP.22 5.7.13).
    pub struct AuthenticateResponseError {
        transaction_id: TransactionId = 0x80,
        authenticate_error_code: AuthenticateErrorCode,
    }
}

named_integer! {
    /// `AuthenticateErrorCode` (SGP.22 5.7.13).
    pub struct AuthenticateErrorCode {
        INVALID_CERTIFICATE = 1,
        INVALID_SIGNATURE = 2,
        UNSUPPORTED_CURVE = 3,
        NO_SESSION_CONTEXT = 4,
        INVALID_OID = 5,
        EUICC_CHALLENGE_MISMATCH = 6,
        CI_PK_UNKNOWN = 7,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES10b.CancelSession (SGP.22 5.7.14).
    pub struct CancelSessionRequest: 0xBF41 {
        transaction_id: TransactionId = 0x80,
        reason: CancelSessionReason = 0x81,
    }
}

named_integer! {
    /// `CancelSessionReason` (SGP.22 5.7.14).
    pub struct CancelSessionReason {
        END_USER_REJECTION = 0,
        POSTPONED = 1,
        TIMEOUT = 2,
        PPR_NOT_ALLOWED = 3,
        METADATA_MISMATCH = 4,
        LOAD_BPP_EXECUTION_ERROR = 5,
        UNDEFINED_REASON = 127,
    }
}

choice! {
    /// Response of ES10b.CancelSession (SGP.22 5.7.14, SGP.32 5.14.8).
    pub enum CancelSessionResponse: 0xBF41 {
        Ok(CancelSessionResponseOk) = 0xA0,
        Error(CancelSessionError) = 0x81,
        /// Between IPA and eIM only.
        CompactOk(CompactCancelSessionResponseOk) = 0xA2,
    }
}

named_integer! {
    /// Error of ES10b.CancelSession (SGP.22 5.7.14).
    pub struct CancelSessionError {
        INVALID_TRANSACTION_ID = 5,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `CancelSessionResponseOk` (SGP.22 5.7.14).
    pub struct CancelSessionResponseOk {
        euicc_cancel_session_signed: Signed<EuiccCancelSessionSigned>,
        euicc_cancel_session_signature: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `EuiccCancelSessionSigned` (SGP.22 5.7.14).
    pub struct EuiccCancelSessionSigned {
        transaction_id: TransactionId = 0x80,
        smdp_oid: Oid = 0x81,
        reason: CancelSessionReason = 0x82,
    }
}
