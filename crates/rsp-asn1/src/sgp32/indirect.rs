//! Indirect download: RSP functions that the eIM relays (SGP.32 5.14.1 to
//! 5.14.3, 5.14.8).

use alloc::string::String;
use alloc::vec::Vec;

use super::ProfileDownloadTriggerRequest;
use crate::ids::TransactionId;
use crate::rsp::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionOk, CancelSessionResponse,
    CancelSessionServerError, CtxParams1, EuiccInfo1, PrepareDownloadResponse, ServerSigned1,
    SmdpSigned2, StoreMetadataRequest,
};
use crate::{Certificate, Signed};

sequence! {
    /// Request of ESipa.InitiateAuthentication (SGP.32 5.14.1).
    pub struct InitiateAuthenticationRequestEsipa: 0xBF39 {
        euicc_challenge: [u8; 16] = 0x81,
        smdp_address: Option<String> = 0x83,
        euicc_info1: Option<EuiccInfo1>,
        eim_transaction_id: Option<TransactionId> = 0x82,
    }
}

choice! {
    /// Response of ESipa.InitiateAuthentication (SGP.32 5.14.1).
    pub enum InitiateAuthenticationResponseEsipa: 0xBF39 {
        Ok(InitiateAuthenticationOkEsipa) = 0xA0,
        Error(InitiateAuthenticationErrorEsipa) = 0x81,
    }
}

named_integer! {
    /// `initiateAuthenticationErrorEsipa` (SGP.32 5.14.1).
    pub struct InitiateAuthenticationErrorEsipa {
        INVALID_DP_ADDRESS = 1,
        EUICC_VERSION_NOT_SUPPORTED_BY_DP = 2,
        CI_PK_ID_NOT_SUPPORTED = 3,
        SMDP_ADDRESS_MISMATCH = 50,
        SMDP_OID_MISMATCH = 51,
        INVALID_EIM_TRANSACTION_ID = 52,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `InitiateAuthenticationOkEsipa` (SGP.32 5.14.1). The MatchingID is a
    /// secret until it is used.
    pub struct InitiateAuthenticationOkEsipa, redacted {
        transaction_id: Option<TransactionId> = 0x80,
        server_signed1: Signed<ServerSigned1>,
        server_signature1: Vec<u8> = 0x5F37,
        /// May be truncated.
        euicc_ci_pk_identifier_to_be_used: Vec<u8>,
        server_certificate: Certificate,
        /// For an IPA that makes ctxParams1 and has no activation code.
        matching_id: Option<String>,
        /// For an IPA that lets the eIM make them.
        ctx_params1: Option<CtxParams1> = 0xA2,
    }
}

sequence! {
    /// Request of ESipa.AuthenticateClient (SGP.32 5.14.3).
    pub struct AuthenticateClientRequestEsipa: 0xBF3B {
        transaction_id: TransactionId = 0x80,
        authenticate_server_response: AuthenticateServerResponse,
    }
}

choice! {
    /// Response of ESipa.AuthenticateClient (SGP.32 5.14.3).
    pub enum AuthenticateClientResponseEsipa: 0xBF3B {
        OkDp(AuthenticateClientOkDpEsipa) = 0xA0,
        OkDs(AuthenticateClientOkDsEsipa) = 0xA1,
        Error(AuthenticateClientErrorEsipa) = 0x82,
    }
}

named_integer! {
    /// `authenticateClientErrorEsipa` (SGP.32 5.14.3; downloadOrderExpired is
    /// of v1.3).
    pub struct AuthenticateClientErrorEsipa {
        EUM_CERTIFICATE_INVALID = 1,
        EUM_CERTIFICATE_EXPIRED = 2,
        EUICC_CERTIFICATE_INVALID = 3,
        EUICC_CERTIFICATE_EXPIRED = 4,
        EUICC_SIGNATURE_INVALID = 5,
        MATCHING_ID_REFUSED = 6,
        EID_MISMATCH = 7,
        NO_ELIGIBLE_PROFILE = 8,
        CI_PK_UNKNOWN = 9,
        INVALID_TRANSACTION_ID = 10,
        INSUFFICIENT_MEMORY = 11,
        DOWNLOAD_ORDER_EXPIRED = 18,
        PPR_NOT_ALLOWED = 50,
        EVENT_ID_UNKNOWN = 56,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `AuthenticateClientOkDPEsipa` (SGP.32 5.14.3).
    pub struct AuthenticateClientOkDpEsipa {
        transaction_id: Option<TransactionId> = 0x80,
        /// Absent if the eIM verified it for the IPA.
        profile_metadata: Option<StoreMetadataRequest>,
        smdp_signed2: Signed<SmdpSigned2>,
        smdp_signature2: Vec<u8> = 0x5F37,
        smdp_certificate: Certificate,
        /// Of the confirmation code, if the eIM has it.
        hash_cc: Option<[u8; 32]>,
    }
}

sequence! {
    /// `AuthenticateClientOkDSEsipa` (SGP.32 5.14.3).
    pub struct AuthenticateClientOkDsEsipa {
        transaction_id: TransactionId = 0x80,
        /// What the event asks for; absent if there is none.
        profile_download_trigger: Option<ProfileDownloadTriggerRequest>,
    }
}

sequence! {
    /// Request of ESipa.GetBoundProfilePackage (SGP.32 5.14.2).
    pub struct GetBoundProfilePackageRequestEsipa: 0xBF3A {
        transaction_id: TransactionId = 0x80,
        prepare_download_response: PrepareDownloadResponse,
    }
}

choice! {
    /// Response of ESipa.GetBoundProfilePackage (SGP.32 5.14.2).
    pub enum GetBoundProfilePackageResponseEsipa: 0xBF3A {
        Ok(GetBoundProfilePackageOkEsipa) = 0xA0,
        Error(GetBoundProfilePackageErrorEsipa) = 0x81,
    }
}

named_integer! {
    /// `getBoundProfilePackageErrorEsipa` (SGP.32 5.14.2). v1.3 deprecates
    /// downloadOrderExpired here.
    pub struct GetBoundProfilePackageErrorEsipa {
        EUICC_SIGNATURE_INVALID = 1,
        CONFIRMATION_CODE_MISSING = 2,
        CONFIRMATION_CODE_REFUSED = 3,
        CONFIRMATION_CODE_RETRIES_EXCEEDED = 4,
        BPP_REBINDING_REFUSED = 5,
        DOWNLOAD_ORDER_EXPIRED = 6,
        METADATA_MISMATCH = 50,
        INVALID_TRANSACTION_ID = 95,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `GetBoundProfilePackageOkEsipa` (SGP.32 5.14.2).
    pub struct GetBoundProfilePackageOkEsipa {
        transaction_id: Option<TransactionId> = 0x80,
        bound_profile_package: BoundProfilePackage,
    }
}

sequence! {
    /// Request of ESipa.CancelSession (SGP.32 5.14.8). Tag A1 replaces the
    /// 'BF41' of the response; it is also read with both.
    pub struct CancelSessionRequestEsipa: 0xBF41 {
        transaction_id: TransactionId = 0x80,
        cancel_session_response: CancelSessionResponse = 0xA1,
    }
}

choice! {
    /// Response of ESipa.CancelSession (SGP.32 5.14.8).
    pub enum CancelSessionResponseEsipa: 0xBF41 {
        Ok(CancelSessionOk) = 0xA0,
        Error(CancelSessionServerError) = 0x81,
    }
}
