//! ES9+ and ES11 in the ASN.1 binding (SGP.22 5.6, 5.8, 6.6).

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionResponse, EuiccInfo1,
    PendingNotification, PrepareDownloadResponse, ServerSigned1, SmdpSigned2, StoreMetadataRequest,
    SubjectKeyIdentifier,
};
use crate::ids::TransactionId;
use crate::{Certificate, Null, Signed};

choice! {
    /// `RemoteProfileProvisioningRequest`: what a client sends to an SM-DP+ or
    /// SM-DS (SGP.22 6.6.1).
    pub enum RemoteProfileProvisioningRequest: 0xA2 {
        InitiateAuthenticationRequest(InitiateAuthenticationRequest),
        AuthenticateClientRequest(AuthenticateClientRequest),
        GetBoundProfilePackageRequest(GetBoundProfilePackageRequest),
        CancelSessionRequest(CancelSessionRequestEs9),
        HandleNotification(HandleNotification),
    }
}

choice! {
    /// `RemoteProfileProvisioningResponse`. HandleNotification has none
    /// (SGP.22 6.6.1).
    pub enum RemoteProfileProvisioningResponse: 0xA2 {
        InitiateAuthenticationResponse(InitiateAuthenticationResponse),
        AuthenticateClientResponseEs9(AuthenticateClientResponseEs9),
        GetBoundProfilePackageResponse(GetBoundProfilePackageResponse),
        CancelSessionResponse(CancelSessionResponseEs9),
        AuthenticateClientResponseEs11(AuthenticateClientResponseEs11),
    }
}

sequence! {
    /// Request of ES9+.InitiateAuthentication (SGP.22 5.6.1).
    pub struct InitiateAuthenticationRequest: 0xBF39 {
        euicc_challenge: [u8; 16] = 0x81,
        smdp_address: String = 0x83,
        euicc_info1: EuiccInfo1,
    }
}

choice! {
    /// Response of ES9+.InitiateAuthentication (SGP.22 5.6.1).
    pub enum InitiateAuthenticationResponse: 0xBF39 {
        Ok(InitiateAuthenticationOkEs9) = 0xA0,
        Error(InitiateAuthenticationError) = 0x81,
    }
}

named_integer! {
    /// Error of ES9+.InitiateAuthentication (SGP.22 5.6.1).
    pub struct InitiateAuthenticationError {
        INVALID_DP_ADDRESS = 1,
        EUICC_VERSION_NOT_SUPPORTED_BY_DP = 2,
        CI_PK_NOT_SUPPORTED = 3,
    }
}

sequence! {
    /// `InitiateAuthenticationOkEs9` (SGP.22 5.6.1).
    pub struct InitiateAuthenticationOkEs9 {
        transaction_id: TransactionId = 0x80,
        server_signed1: Signed<ServerSigned1>,
        server_signature1: Vec<u8> = 0x5F37,
        euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
        server_certificate: Certificate,
    }
}

sequence! {
    /// Request of ES9+.AuthenticateClient (SGP.22 5.6.3).
    pub struct AuthenticateClientRequest: 0xBF3B {
        transaction_id: TransactionId = 0x80,
        authenticate_server_response: AuthenticateServerResponse,
        /// The MatchingID asks for an activation code (SGP.22 v2.6).
        use_matching_id_for_acr: Option<Null>,
    }
}

choice! {
    /// Response of ES9+.AuthenticateClient (SGP.22 5.6.3).
    pub enum AuthenticateClientResponseEs9: 0xBF3B {
        Ok(AuthenticateClientOk) = 0xA0,
        Error(AuthenticateClientError) = 0x81,
        OkAcr(AuthenticateClientOkAcr) = 0xA2,
    }
}

sequence! {
    /// `AuthenticateClientOk` (SGP.22 5.6.3).
    pub struct AuthenticateClientOk {
        transaction_id: TransactionId = 0x80,
        profile_metadata: StoreMetadataRequest,
        smdp_signed2: Signed<SmdpSigned2>,
        smdp_signature2: Vec<u8> = 0x5F37,
        smdp_certificate: Certificate,
    }
}

sequence! {
    /// `AuthenticateClientOkAcr`: metadata only, for the retrieval of an
    /// activation code (SGP.22 v2.7 5.6.3).
    pub struct AuthenticateClientOkAcr {
        transaction_id: TransactionId = 0x80,
        profile_metadata: StoreMetadataRequest,
    }
}

named_integer! {
    /// Error of ES9+.AuthenticateClient (SGP.22 5.6.3).
    pub struct AuthenticateClientError {
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
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// Request of ES9+.GetBoundProfilePackage (SGP.22 5.6.2).
    pub struct GetBoundProfilePackageRequest: 0xBF3A {
        transaction_id: TransactionId = 0x80,
        prepare_download_response: PrepareDownloadResponse,
    }
}

choice! {
    /// Response of ES9+.GetBoundProfilePackage (SGP.22 5.6.2).
    pub enum GetBoundProfilePackageResponse: 0xBF3A {
        Ok(GetBoundProfilePackageOk) = 0xA0,
        Error(GetBoundProfilePackageError) = 0x81,
    }
}

sequence! {
    /// `GetBoundProfilePackageOk` (SGP.22 5.6.2).
    pub struct GetBoundProfilePackageOk {
        transaction_id: TransactionId = 0x80,
        bound_profile_package: BoundProfilePackage,
    }
}

named_integer! {
    /// Error of ES9+.GetBoundProfilePackage (SGP.22 5.6.2). v2.6 deprecates
    /// downloadOrderExpired here.
    pub struct GetBoundProfilePackageError {
        EUICC_SIGNATURE_INVALID = 1,
        CONFIRMATION_CODE_MISSING = 2,
        CONFIRMATION_CODE_REFUSED = 3,
        CONFIRMATION_CODE_RETRIES_EXCEEDED = 4,
        BPP_REBINDING_REFUSED = 5,
        DOWNLOAD_ORDER_EXPIRED = 6,
        INVALID_TRANSACTION_ID = 95,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// ES9+.HandleNotification (SGP.22 5.6.4). The only member has an automatic
    /// tag; it is also read without.
    pub struct HandleNotification: 0xBF3D {
        pending_notification: PendingNotification = 0xA0 | 0xBF37 | 0x30,
    }
}

sequence! {
    /// Request of ES9+.CancelSession (SGP.22 5.6.5). Tag A1 replaces the 'BF41'
    /// of the response; it is also read with both.
    pub struct CancelSessionRequestEs9: 0xBF41 {
        transaction_id: TransactionId = 0x80,
        cancel_session_response: CancelSessionResponse = 0xA1,
    }
}

choice! {
    /// Response of ES9+.CancelSession (SGP.22 5.6.5).
    pub enum CancelSessionResponseEs9: 0xBF41 {
        Ok(CancelSessionOk) = 0xA0,
        Error(CancelSessionServerError) = 0x81,
    }
}

sequence! {
    /// `CancelSessionOk`: the session has ended.
    pub struct CancelSessionOk {}
}

named_integer! {
    /// Error of ES9+.CancelSession and of its relay at ESipa (SGP.22 5.6.5,
    /// SGP.32 5.14.8).
    pub struct CancelSessionServerError {
        INVALID_TRANSACTION_ID = 1,
        EUICC_SIGNATURE_INVALID = 2,
        UNDEFINED_ERROR = 127,
    }
}

choice! {
    /// Response of ES11.AuthenticateClient (SGP.22 5.8.2). Its request is that
    /// of ES9+.
    pub enum AuthenticateClientResponseEs11: 0xBF40 {
        Ok(AuthenticateClientOkEs11) = 0xA0,
        Error(AuthenticateClientErrorEs11) = 0x81,
    }
}

sequence! {
    /// `AuthenticateClientOkEs11` (SGP.22 5.8.2).
    pub struct AuthenticateClientOkEs11 {
        transaction_id: TransactionId = 0x80,
        event_entries: Vec<EventEntries> = 0xA1,
    }
}

sequence! {
    /// `EventEntries`: an event that waits for this eUICC (SGP.22 5.8.2). The
    /// EventID is a secret until it is used.
    pub struct EventEntries, redacted {
        event_id: String = 0x80,
        rsp_server_address: String = 0x81,
    }
}

named_integer! {
    /// Error of ES11.AuthenticateClient (SGP.22 5.8.2).
    pub struct AuthenticateClientErrorEs11 {
        EUM_CERTIFICATE_INVALID = 1,
        EUM_CERTIFICATE_EXPIRED = 2,
        EUICC_CERTIFICATE_INVALID = 3,
        EUICC_CERTIFICATE_EXPIRED = 4,
        EUICC_SIGNATURE_INVALID = 5,
        EVENT_ID_UNKNOWN = 6,
        INVALID_TRANSACTION_ID = 7,
        UNDEFINED_ERROR = 127,
    }
}
