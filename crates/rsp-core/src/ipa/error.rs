//! Why a procedure ended early.

use alloc::string::String;

use rsp_asn1::DecodeError;

use crate::binding::BindingError;

/// Why a procedure ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IpaError {
    /// The card cannot be reached.
    #[error("the card cannot be reached: {0}")]
    Card(String),
    /// The card answered something that is not even a response, so that it is
    /// not known where it stands.
    #[error("the card {0}")]
    CardConfused(&'static str),
    /// The card answered an unexpected status word.
    #[error("the card answered {status:04X} to {command}")]
    StatusWord {
        /// SW1 SW2.
        status: u16,
        /// What was asked.
        command: &'static str,
    },
    /// The card answered something that is no such response.
    #[error("the card's answer to {command}: {error}")]
    CardAnswer {
        /// What was asked.
        command: &'static str,
        /// What is wrong.
        error: DecodeError,
    },
    /// The card refused a function.
    #[error("the card refused {command}: {code}")]
    CardRefused {
        /// What was asked.
        command: &'static str,
        /// Its error code.
        code: i64,
    },
    /// A server cannot be reached.
    #[error("{address} cannot be reached: {error}")]
    Unreachable {
        /// Which.
        address: String,
        /// Why.
        error: String,
    },
    /// A server refused or answered something unexpected.
    #[error("{address}: {error}")]
    Server {
        /// Which.
        address: String,
        /// What.
        error: BindingError,
    },
    /// The eIM refused a function that it relays.
    #[error("the eIM refused {function}: {code}")]
    EimRefused {
        /// Which.
        function: &'static str,
        /// Its error code (SGP.32 5.14).
        code: i64,
    },
    /// The profile has policy rules that nothing here allows.
    #[error("the profile has policy rules")]
    Policy,
    /// A server answered something that contradicts what it is.
    #[error("{0}")]
    Protocol(&'static str),
    /// The eUICC is one for consumer devices.
    #[error(
        "the eUICC has no functions for an eIM ({0}): it is one for consumer devices, and the configuration does not allow to stand in for it (card.emulate)"
    )]
    NoIotEuicc(alloc::boxed::Box<IpaError>),
    /// What is kept in place of the eUICC cannot be used.
    #[error("the eIM configuration kept for the eUICC {0}")]
    Emulation(&'static str),
    /// An eIM of the device's configuration cannot be associated.
    #[error("the eIM {eim_id} of the device's configuration: {reason}")]
    InitialEim {
        /// Which.
        eim_id: String,
        /// Why.
        reason: String,
    },
    /// What is about to be done cannot be noted first, so it is not done.
    #[error("the memory cannot be saved: {0}")]
    Memory(String),
}

/// SW1 SW2: conditions of use not satisfied.
const CONDITIONS_NOT_SATISFIED: u16 = 0x6985;

impl IpaError {
    /// Whether a later attempt may well succeed: a server was out of reach or
    /// overloaded, or this device was in trouble.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            IpaError::Unreachable { .. } | IpaError::Memory(_) => true,
            IpaError::Server {
                error: BindingError::Status { status, .. },
                ..
            } => matches!(status, 429 | 500..=599),
            _ => self.needs_reset(),
        }
    }

    /// Whether a server says that what it was sent is at fault: it will say so
    /// again.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            IpaError::Server {
                error: BindingError::Status {
                    status: 400 | 413 | 415 | 422,
                    ..
                },
                ..
            }
        )
    }

    /// Whether the card has to be reset: it says nothing, or nothing that
    /// makes sense, or it is one of those that refuse every function from a
    /// switch of profiles until they are reset.
    pub(super) fn needs_reset(&self) -> bool {
        matches!(
            self,
            IpaError::Card(_)
                | IpaError::CardConfused(_)
                | IpaError::StatusWord {
                    status: CONDITIONS_NOT_SATISFIED,
                    ..
                }
        )
    }
}
