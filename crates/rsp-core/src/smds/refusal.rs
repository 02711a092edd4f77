//! Refusals of the SM-DS and their subject and reason codes (SGP.22 5.2.6, 5.8,
//! 5.9): one table, exhaustive.

use crate::Codes;
use crate::authentication::{ClientFault, ClientRefused, InitiationRefused};
use crate::binding::StatusCodeData;

/// Why the SM-DS refuses a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another address than that of this SM-DS.
    #[error("smdpAddress is not the address of this SM-DS")]
    InvalidSmdsAddress,
    /// The eUICC cannot sign under a CI that this SM-DS trusts.
    #[error("no CI key that the eUICC signs under is supported")]
    UnsupportedCi,
    /// The eUICC is too old.
    #[error("the eUICC supports no version of SGP.22 that this SM-DS supports")]
    UnsupportedVersion,
    /// The eUICC cannot verify the certificates of this SM-DS.
    #[error("no CERT.DSauth under a CI key that the eUICC verifies with")]
    NoCertificateForCi,
    /// No such session, or it awaits nothing more.
    #[error("transactionId is unknown, or the session has ended")]
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
    /// There is no such event for this eUICC or of this server.
    #[error("EventID is unknown")]
    UnknownEvent,
    /// ES12: there is an event with this EventID.
    #[error("EventID is in use")]
    EventInUse,
    /// ES12: what is announced cannot be an event.
    #[error("EventID or address is not one")]
    InvalidEvent,
    /// ES12: the root SM-DS refused, or this one cannot take more.
    #[error("the event could not be processed")]
    ExecutionError,
    /// ES12: the root SM-DS is out of reach.
    #[error("the root SM-DS cannot be reached")]
    RootInaccessible,
    /// ES12: the caller is no known server.
    #[error("the function requester is not known")]
    UnknownRequester,
    /// ES12: the caller takes another server's identifier.
    #[error("functionRequesterIdentifier is not that of the caller's certificate")]
    OtherRequester,
}

/// A refusal with its cause for the log.
pub type Rejected = crate::Rejected<Refusal>;

impl Codes for Refusal {
    fn codes(self) -> (&'static str, &'static str) {
        match self {
            Refusal::InvalidSmdsAddress => ("8.9.1", "3.8"),
            Refusal::UnsupportedCi => ("8.9.2", "3.1"),
            Refusal::UnsupportedVersion => ("8.9.3", "3.1"),
            Refusal::NoCertificateForCi => ("8.9.4", "3.7"),
            Refusal::UnknownTransaction => ("8.10.1", "3.9"),
            Refusal::EumCertificateInvalid => ("8.1.2", "6.1"),
            Refusal::EumCertificateExpired => ("8.1.2", "6.3"),
            Refusal::EuiccCertificateInvalid => ("8.1.3", "6.1"),
            Refusal::EuiccCertificateExpired => ("8.1.3", "6.3"),
            Refusal::EidOutsideRange => ("8.1.4", "6.1"),
            Refusal::UnknownCi => ("8.11.1", "3.9"),
            Refusal::EuiccSignatureInvalid => ("8.1", "6.1"),
            Refusal::EuiccError => ("8.1", "4.2"),
            Refusal::UnknownEvent => ("8.9.5", "3.9"),
            Refusal::EventInUse => ("8.9.5", "3.3"),
            Refusal::InvalidEvent => ("8.9.5", "2.1"),
            Refusal::ExecutionError => ("8.9", "4.2"),
            Refusal::RootInaccessible => ("8.9", "5.1"),
            Refusal::UnknownRequester | Refusal::OtherRequester => ("1.1", "1.2"),
        }
    }
}

impl From<Refusal> for StatusCodeData {
    fn from(refusal: Refusal) -> Self {
        refusal.status_code_data()
    }
}

impl From<InitiationRefused> for Refusal {
    fn from(refused: InitiationRefused) -> Self {
        match refused {
            InitiationRefused::Address => Refusal::InvalidSmdsAddress,
            InitiationRefused::UnsupportedVersion => Refusal::UnsupportedVersion,
            InitiationRefused::NoCertificateForCi => Refusal::NoCertificateForCi,
            InitiationRefused::UnsupportedCi => Refusal::UnsupportedCi,
            InitiationRefused::Key => Refusal::ExecutionError,
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
