//! Refusals of the SM-DP+ and their subject and reason codes (SGP.22 5.2.6,
//! 5.3, 5.6): one table, exhaustive.

use crate::Codes;
use crate::authentication::{ClientFault, ClientRefused, InitiationRefused};
use crate::binding::StatusCodeData;

/// Why the SM-DP+ refuses a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another address than that of this SM-DP+.
    #[error("smdpAddress is not the address of this SM-DP+")]
    InvalidSmdpAddress,
    /// The eUICC is too old.
    #[error("the eUICC supports no version of SGP.22 that this SM-DP+ supports")]
    UnsupportedVersion,
    /// The eUICC cannot verify the certificates of this SM-DP+.
    #[error("no CERT.DPauth under a CI key that the eUICC verifies with")]
    NoCertificateForCi,
    /// The eUICC cannot sign under a CI that this SM-DP+ trusts.
    #[error("no CI key that the eUICC signs under is supported")]
    UnsupportedCi,
    /// No such session, or it awaits another message.
    #[error("transactionId is unknown, or the session awaits another function")]
    UnknownTransaction,
    /// CERT.EUM does not verify.
    #[error("CERT.EUM is invalid")]
    EumCertificateInvalid,
    /// CERT.EUM has expired.
    #[error("CERT.EUM has expired")]
    EumCertificateExpired,
    /// CERT.EUICC does not verify.
    #[error("CERT.EUICC is invalid")]
    EuiccCertificateInvalid,
    /// CERT.EUICC has expired.
    #[error("CERT.EUICC has expired")]
    EuiccCertificateExpired,
    /// The EID is outside what the EUM may issue.
    #[error("the EID is outside the range of CERT.EUM")]
    EidOutsideRange,
    /// CERT.EUM is under no CI that was offered.
    #[error("the CI of CERT.EUM is unknown")]
    UnknownCi,
    /// A signature of the eUICC does not fit.
    #[error("the eUICC's signature or the server challenge is wrong")]
    EuiccSignatureInvalid,
    /// The eUICC answered with an error.
    #[error("the eUICC answered with an error")]
    EuiccError,
    /// The order is for another eUICC.
    #[error("the order is for another EID")]
    EidMismatch,
    /// No order has this MatchingID.
    #[error("MatchingID is refused")]
    MatchingIdRefused,
    /// The profile is not released for download.
    #[error("the profile is not released")]
    NotReleased,
    /// The profile cannot be delivered to this eUICC.
    #[error("no eligible profile for this eUICC")]
    NoEligibleProfile,
    /// The eUICC has too little memory.
    #[error("the eUICC has too little memory for the profile")]
    InsufficientMemory,
    /// The order's time is over.
    #[error("the download order has expired")]
    OrderExpired,
    /// The order was tried too often.
    #[error("the download was attempted too often")]
    TooManyAttempts,
    /// No confirmation code was given.
    #[error("a confirmation code is needed")]
    ConfirmationCodeMissing,
    /// Another confirmation code.
    #[error("the confirmation code is wrong")]
    ConfirmationCodeRefused,
    /// Another confirmation code once too often.
    #[error("the confirmation code was wrong too often")]
    ConfirmationCodeRetries,
    /// The package is bound to another one-time key and stays so.
    #[error("the package cannot be bound to another key of the eUICC")]
    RebindingRefused,
    /// The profile cannot be bound.
    #[error("the profile cannot be bound")]
    BindingFailed,
    /// The SM-DP+ OID in a cancellation is another.
    #[error("the SM-DP+ OID is not that of this SM-DP+")]
    WrongSmdpOid,
    /// ES2+: no such profile.
    #[error("ICCID is unknown")]
    UnknownIccid,
    /// ES2+: the profile is taken.
    #[error("the profile is not available")]
    ProfileUnavailable,
    /// ES2+: no profile of this type is left.
    #[error("no profile of this type is available")]
    NoProfileOfType,
    /// ES2+: neither ICCID nor profile type.
    #[error("iccid or profileType is mandatory")]
    IccidMissing,
    /// ES2+: another EID than in the order.
    #[error("the order is for another EID")]
    OrderedForOtherEid,
    /// ES2+: an empty MatchingID needs an EID.
    #[error("an order without MatchingID needs an EID")]
    EidMissing,
    /// ES2+: the MatchingID belongs to another order.
    #[error("MatchingID is in use")]
    MatchingIdInUse,
    /// ES2+: the MatchingID fits no activation code.
    #[error("MatchingID has characters that an activation code cannot carry")]
    MatchingIdInvalid,
    /// ES2+: the order has another MatchingID.
    #[error("the order has another MatchingID")]
    MatchingIdMismatch,
    /// ES2+: the profile is another operator's.
    #[error("the profile is not the caller's")]
    IccidNotAllowed,
    /// ES2+: the profiles of this type are another operator's.
    #[error("the profile type is not the caller's")]
    ProfileTypeNotAllowed,
    /// ES2+: the profile is of another type.
    #[error("the profile is of another type")]
    ProfileTypeMismatch,
    /// ES2+: nobody has brought such profiles.
    #[error("profileType is unknown")]
    UnknownProfileType,
    /// ES2+: the profile is ordered for another eUICC.
    #[error("the ICCID is ordered for another EID")]
    IccidOfOtherEid,
    /// ES2+: the SM-DS cannot be reached. A warning if it may be later: the
    /// order stands, and the event is registered then.
    #[error("the SM-DS cannot be reached")]
    SmdsInaccessible,
    /// ES2+, a warning: the order stands, the SM-DS did not take the event.
    #[error("the SM-DS did not take the event")]
    SmdsRefused,
    /// ES2+: the profile is in a state that does not allow it.
    #[error("the state of the order does not allow this")]
    WrongOrderState,
    /// ES2+: the caller is not a known operator.
    #[error("the function requester is not known")]
    UnknownRequester,
    /// ES2+: the caller takes another operator's identifier.
    #[error("functionRequesterIdentifier is not one of the caller's certificate")]
    OtherRequester,
    /// The body is not JSON, and was not said to be.
    #[error("Content-Type is not application/json")]
    InvalidContentType,
    /// The request is of another protocol or major version.
    #[error("X-Admin-Protocol is not gsma/rsp/v2")]
    InvalidAdminProtocol,
    /// A mandatory member of the request is missing.
    #[error("a mandatory parameter is missing")]
    MissingParameter,
}

impl Refusal {
    /// Subject code and reason code.
    pub const fn codes(self) -> (&'static str, &'static str) {
        match self {
            Refusal::InvalidSmdpAddress => ("8.8.1", "3.8"),
            Refusal::UnsupportedVersion => ("8.8.3", "3.1"),
            Refusal::NoCertificateForCi => ("8.8.4", "3.7"),
            Refusal::UnsupportedCi => ("8.8.2", "3.1"),
            Refusal::UnknownTransaction => ("8.10.1", "3.9"),
            Refusal::EumCertificateInvalid => ("8.1.2", "6.1"),
            Refusal::EumCertificateExpired => ("8.1.2", "6.3"),
            Refusal::EuiccCertificateInvalid => ("8.1.3", "6.1"),
            Refusal::EuiccCertificateExpired => ("8.1.3", "6.3"),
            Refusal::EidOutsideRange => ("8.1.4", "6.1"),
            Refusal::UnknownCi => ("8.11.1", "3.9"),
            Refusal::EuiccSignatureInvalid => ("8.1", "6.1"),
            Refusal::EuiccError => ("8.1", "4.2"),
            Refusal::EidMismatch => ("8.1.1", "3.8"),
            Refusal::MatchingIdRefused => ("8.2.6", "3.8"),
            Refusal::NotReleased => ("8.2", "1.2"),
            Refusal::NoEligibleProfile => ("8.2.5", "4.3"),
            Refusal::InsufficientMemory => ("8.1", "4.8"),
            Refusal::OrderExpired => ("8.8.5", "4.10"),
            Refusal::TooManyAttempts => ("8.8.5", "6.4"),
            Refusal::ConfirmationCodeMissing => ("8.2.7", "2.2"),
            Refusal::ConfirmationCodeRefused => ("8.2.7", "3.8"),
            Refusal::ConfirmationCodeRetries => ("8.2.7", "6.4"),
            Refusal::RebindingRefused | Refusal::BindingFailed => ("8.2", "3.7"),
            Refusal::WrongSmdpOid => ("8.8", "3.10"),
            Refusal::UnknownIccid => ("8.2.1", "3.9"),
            Refusal::ProfileUnavailable => ("8.2.1", "3.3"),
            Refusal::NoProfileOfType => ("8.2.5", "3.7"),
            Refusal::IccidMissing => ("8.2.1", "2.2"),
            Refusal::OrderedForOtherEid => ("8.1.1", "3.10"),
            Refusal::EidMissing => ("8.1.1", "2.2"),
            Refusal::MatchingIdInUse => ("8.2.6", "3.3"),
            Refusal::MatchingIdInvalid => ("8.2.6", "2.1"),
            Refusal::MatchingIdMismatch => ("8.2.6", "3.10"),
            Refusal::IccidNotAllowed => ("8.2.1", "1.2"),
            Refusal::ProfileTypeNotAllowed => ("8.2.5", "1.2"),
            Refusal::ProfileTypeMismatch => ("8.2.5", "3.8"),
            Refusal::UnknownProfileType => ("8.2.5", "3.9"),
            Refusal::IccidOfOtherEid => ("8.2.1", "3.10"),
            Refusal::SmdsInaccessible => ("8.9", "5.1"),
            Refusal::SmdsRefused => ("8.9", "4.2"),
            Refusal::WrongOrderState => ("8.2.1", "3.5"),
            Refusal::UnknownRequester | Refusal::OtherRequester => ("1.1", "1.2"),
            Refusal::InvalidContentType => ("1.2.1", "2.1"),
            Refusal::InvalidAdminProtocol => ("1.2.2", "2.1"),
            Refusal::MissingParameter => ("1.3.1", "2.2"),
        }
    }
}

impl Codes for Refusal {
    fn codes(self) -> (&'static str, &'static str) {
        Refusal::codes(self)
    }
}

/// A refusal with its cause for the log.
pub type Rejected = crate::Rejected<Refusal>;

impl From<Refusal> for StatusCodeData {
    fn from(refusal: Refusal) -> Self {
        refusal.status_code_data()
    }
}

impl From<InitiationRefused> for Refusal {
    fn from(refused: InitiationRefused) -> Self {
        match refused {
            InitiationRefused::Address => Refusal::InvalidSmdpAddress,
            InitiationRefused::UnsupportedVersion => Refusal::UnsupportedVersion,
            InitiationRefused::NoCertificateForCi => Refusal::NoCertificateForCi,
            InitiationRefused::UnsupportedCi => Refusal::UnsupportedCi,
            InitiationRefused::Key => Refusal::BindingFailed,
        }
    }
}

impl From<ClientRefused> for Rejected {
    fn from(refused: ClientRefused) -> Self {
        let refusal = match refused.fault() {
            ClientFault::Transaction => Refusal::UnknownTransaction,
            ClientFault::Signature => Refusal::EuiccSignatureInvalid,
            ClientFault::Euicc => Refusal::EuiccError,
            ClientFault::UnknownCi => Refusal::UnknownCi,
            ClientFault::EumInvalid => Refusal::EumCertificateInvalid,
            ClientFault::EumExpired => Refusal::EumCertificateExpired,
            ClientFault::EuiccInvalid => Refusal::EuiccCertificateInvalid,
            ClientFault::EuiccExpired => Refusal::EuiccCertificateExpired,
            ClientFault::EidRange => Refusal::EidOutsideRange,
        };
        refusal.because(refused)
    }
}
