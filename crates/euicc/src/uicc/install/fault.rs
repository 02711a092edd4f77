//! Why an element is not installed, and what the card says of it.

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::rsp::ErrorReason;
use rsp_asn1::saip::{EuiccResponse, PeStatus, PeStatusCode};
use rsp_asn1::{Asn1, Null};

use super::super::fs::CreateError;

/// A status of an element that ends the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    status: PeStatusCode,
    reason: ErrorReason,
}

/// A refusal with the reason that goes with most of them.
const fn refused(status: PeStatusCode) -> Fault {
    Fault {
        status,
        reason: ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR,
    }
}

impl Fault {
    pub(super) const PE_NOT_SUPPORTED: Fault = refused(PeStatusCode::PE_NOT_SUPPORTED);
    pub(super) const BAD_VALUES: Fault = refused(PeStatusCode::BAD_VALUES);
    /// Not DER, or not where it may stand.
    pub(super) const FORMAT: Fault = refused(PeStatusCode::INVALID_REQUEST_FORMAT);
    pub(super) const PARAMETER: Fault = refused(PeStatusCode::INVALID_PARAMETER);
    pub(super) const RUNTIME: Fault = refused(PeStatusCode::RUNTIME_NOT_SUPPORTED);
    pub(super) const LIBRARY: Fault = refused(PeStatusCode::LIB_NOT_SUPPORTED);
    pub(super) const TEMPLATE: Fault = refused(PeStatusCode::TEMPLATE_NOT_SUPPORTED);
    pub(super) const FEATURE: Fault = refused(PeStatusCode::FEATURE_NOT_SUPPORTED);
    pub(super) const PIN_CODE_MISSING: Fault = refused(PeStatusCode::PIN_CODE_MISSING);
    pub(super) const VERSION: Fault = refused(PeStatusCode::UNSUPPORTED_PROFILE_VERSION);
    pub(super) const MEMORY: Fault = Fault {
        status: PeStatusCode::NOT_ENOUGH_MEMORY,
        reason: ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE,
    };
    /// Two places that must say the same do not.
    pub(super) const MISMATCH: Fault = Fault {
        status: PeStatusCode::BAD_VALUES,
        reason: ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH,
    };

    /// The error with the element that caused it.
    pub(super) fn of(self, identification: Option<i64>) -> super::InstallError {
        let status = status(self.status, identification);
        super::InstallError {
            response: response(vec![status], Some(Null)),
            reason: self.reason,
        }
    }
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Fault {
        match error {
            CreateError::Full => Fault::MEMORY,
            CreateError::Exists => Fault::BAD_VALUES,
        }
    }
}

/// The response of an installation that succeeded; `skipped` are elements that
/// are not supported and need not be.
pub(super) fn success(skipped: &[i64]) -> Vec<u8> {
    let not_supported = |id: &i64| status(PeStatusCode::PE_NOT_SUPPORTED, Some(*id));
    let mut statuses: Vec<PeStatus> = skipped.iter().map(not_supported).collect();
    statuses.push(status(PeStatusCode::OK, None));
    response(statuses, None)
}

fn status(status: PeStatusCode, identification: Option<i64>) -> PeStatus {
    PeStatus {
        status,
        identification,
        additional_information: None,
        offset: None,
        extensions: Default::default(),
    }
}

fn response(pe_status: Vec<PeStatus>, aborted: Option<Null>) -> Vec<u8> {
    let response = EuiccResponse {
        pe_status,
        profile_installation_aborted: aborted,
        status_message: None,
        extensions: Default::default(),
    };
    response.to_der()
}
