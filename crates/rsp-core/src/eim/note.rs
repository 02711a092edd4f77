//! What an operator should read about a step.

use alloc::string::String;

use rsp_asn1::sgp32::{EuiccPackageErrorCode, StateChangeCause};

use super::{OperationId, Unproven, Unsafe, ZeroTouchStage};

/// Something that happened in a step, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// What came proves nothing and was not taken over.
    #[error("a {what} was not believed: {because}")]
    NotBelieved {
        /// What came.
        what: &'static str,
        /// Why it proves nothing.
        because: Unproven,
    },
    /// What came proves nothing and was taken over all the same.
    #[error("LAB SETTING: an UNVERIFIED {what} was taken over although {because}")]
    TakenUnverified {
        /// What came.
        what: &'static str,
        /// Why it proves nothing.
        because: Unproven,
    },
    /// What a device says in place of its eUICC was taken over, as was allowed.
    #[error("an EMULATED {what} was taken over: the device says so, nobody signed it")]
    TakenEmulated {
        /// What came.
        what: &'static str,
    },
    /// A signed result that answers nothing that is open.
    #[error("a {what} answers no open operation: it was settled before, or is not of this eIM")]
    NothingOpen {
        /// What came.
        what: &'static str,
    },
    /// A function of a download was refused.
    #[error("{function} is not relayed: {because}")]
    NotRelayed {
        /// The function.
        function: &'static str,
        /// Why.
        because: alloc::string::String,
    },
    /// An SM-DS was asked for an eUICC.
    #[error("operation {operation}: {events} events wait at {smds}")]
    EventsFound {
        /// The operation.
        operation: OperationId,
        /// The SM-DS.
        smds: String,
        /// How many.
        events: usize,
    },
    /// The eUICC refused a package.
    #[error("the eUICC refused the package of operation {operation}: {code}")]
    PackageRefused {
        /// The operation.
        operation: OperationId,
        /// The eUICC's reason.
        code: EuiccPackageErrorCode,
    },
    /// The eUICC has seen higher counters than this eIM has sent.
    #[error("the eUICC's counterValue is ahead of this eIM's: the next is {next}")]
    CounterRaised {
        /// What is sent next.
        next: i64,
    },
    /// A list of profiles settled what a lost result had left open.
    #[error("operation {operation} is settled by the eUICC's list of profiles: {state}")]
    Reconciled {
        /// The operation.
        operation: OperationId,
        /// Its new state.
        state: &'static str,
    },
    /// A device asks for a package again and again and gives no result that is
    /// believed.
    #[error(
        "the package of operation {operation} was sent many times in a row: not before a pause again"
    )]
    AskedWithoutPause {
        /// The operation.
        operation: OperationId,
    },
    /// An installation result that came as a notification settled a download
    /// whose own result was lost.
    #[error("operation {operation} is settled by the eUICC's installation result: {state}")]
    SettledByNotification {
        /// The operation.
        operation: OperationId,
        /// Its new state.
        state: &'static str,
    },
    /// A notification that says not which eUICC it is from, and no eUICC's key
    /// verifies it.
    #[error("a {what} was refused: it is of no eUICC that a download or an order names")]
    OfNobody {
        /// What came.
        what: &'static str,
    },
    /// An operation was ordered that may lose the eUICC, by somebody who
    /// insisted.
    #[error("FORCED: operation {operation} ({kind}) was ordered although {because}")]
    Forced {
        /// The operation.
        operation: OperationId,
        /// What it does.
        kind: &'static str,
        /// What speaks against it.
        because: Unsafe,
    },
    /// A device that its factory announced is further.
    #[error("zero-touch: {}{}", .stage.name(), said(.stage))]
    ZeroTouch {
        /// How far it is.
        stage: ZeroTouchStage,
    },
    /// No profile could be chosen for such a device.
    #[error("zero-touch: no profile for the device: {because}")]
    NoProfile {
        /// Why.
        because: String,
    },
    /// The device says that something changed without this eIM.
    #[error("the device reports a change of state: {cause}")]
    StateChanged {
        /// What it names as cause.
        cause: StateChangeCause,
    },
}

/// Why a device goes no further.
fn said(stage: &ZeroTouchStage) -> String {
    match stage {
        ZeroTouchStage::Refused { reason } | ZeroTouchStage::Failed { reason } => {
            alloc::format!(": {reason}")
        }
        _ => String::new(),
    }
}
