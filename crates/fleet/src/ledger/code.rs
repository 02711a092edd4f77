//! One activation code and its life.

use std::fmt;
use std::str::FromStr;

use rsp_core::eim::{Operation, OperationState};

pub use rsp_core::eim::CodeRef;

/// How far an activation code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeState {
    /// Its SM-DP+ was asked for it, and has not given it yet.
    Ordered,
    /// Nobody has it.
    Available,
    /// An operation has it.
    Leased,
    /// A profile was installed with it.
    Spent,
    /// A download with it failed: its SM-DP+ has to say whether it is still good.
    Doubtful,
    /// It is no good any more.
    Dead,
}

impl CodeState {
    /// All of them.
    pub const ALL: [CodeState; 6] = [
        CodeState::Ordered,
        CodeState::Available,
        CodeState::Leased,
        CodeState::Spent,
        CodeState::Doubtful,
        CodeState::Dead,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            CodeState::Ordered => "ordered",
            CodeState::Available => "available",
            CodeState::Leased => "leased",
            CodeState::Spent => "spent",
            CodeState::Doubtful => "doubtful",
            CodeState::Dead => "dead",
        }
    }
}

impl fmt::Display for CodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CodeState {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = CodeState::ALL
            .into_iter()
            .find(|state| state.name() == name);
        found.ok_or("an activation code is ordered, available, leased, spent, doubtful or dead")
    }
}

/// What becomes of the code that an operation has.
///
/// As long as something may still come of the operation, the code is its own. It
/// goes back by itself only if nothing of the operation ever left: after anything
/// else the SM-DP+ is asked.
pub fn after(operation: &Operation) -> CodeState {
    match operation.state {
        OperationState::Queued
        | OperationState::Delivered { .. }
        | OperationState::OutcomeUnknown { .. } => CodeState::Leased,
        OperationState::Executed { .. }
        | OperationState::Confirmed { .. }
        | OperationState::RolledBack => CodeState::Spent,
        OperationState::Cancelled | OperationState::Expired => CodeState::Available,
        OperationState::Failed { .. } => match operation.transaction() {
            Some(_) => CodeState::Doubtful,
            None => CodeState::Available,
        },
    }
}
