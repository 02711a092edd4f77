//! What the tables of refusals of all server roles have in common.

use alloc::string::{String, ToString};
use core::fmt;

use crate::binding::StatusCodeData;

/// A refusal of a role: a row of its one table.
pub trait Codes: Copy + fmt::Display {
    /// Subject code and reason code (SGP.22 5.2.6).
    fn codes(self) -> (&'static str, &'static str);

    /// `statusCodeData`.
    fn status_code_data(self) -> StatusCodeData {
        let (subject, reason) = self.codes();
        StatusCodeData {
            subject_code: subject.to_string(),
            reason_code: reason.to_string(),
            subject_identifier: None,
            message: Some(self.to_string()),
        }
    }

    /// The refusal with what exactly was found, for the log alone.
    fn because(self, detail: impl fmt::Display) -> Rejected<Self> {
        Rejected {
            refusal: self,
            detail: Some(detail.to_string()),
        }
    }
}

/// A refusal and, for the log, what exactly was found. The peer sees the
/// refusal alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected<R> {
    /// What the peer is told.
    pub refusal: R,
    /// What was found.
    pub detail: Option<String>,
}

impl<R: Codes> fmt::Display for Rejected<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, reason) = self.refusal.codes();
        write!(f, "{subject}/{reason} {}", self.refusal)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl<R: Codes + fmt::Debug> core::error::Error for Rejected<R> {}

impl<R> From<R> for Rejected<R> {
    fn from(refusal: R) -> Self {
        Rejected {
            refusal,
            detail: None,
        }
    }
}
