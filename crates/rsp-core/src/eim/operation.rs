//! An operation on one eUICC and its life.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use serde::{Deserialize, Serialize};

use crate::{Context, Timestamp};

/// Identifier of an operation; its text sorts by age.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OperationId {
    /// A new one: milliseconds and randomness, so that it sorts by age and
    /// cannot be guessed.
    pub fn new(cx: &mut Context<'_>) -> Self {
        let mut text = alloc::format!("{:012x}", cx.now.0);
        for octet in cx.random::<10>() {
            let _ = fmt::Write::write_fmt(&mut text, format_args!("{octet:02x}"));
        }
        OperationId(text)
    }
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OperationKind {
    /// Learn the eUICC's certificates (IpaEuiccDataRequest).
    GetCertificates,
    /// Learn which installation results wait on the eUICC
    /// (IpaEuiccDataRequest).
    GetInstallationResults,
    /// Have the IPA download a profile (ProfileDownloadTriggerRequest).
    Download {
        /// `LPA:1$…`: a secret until it is used.
        activation_code: String,
    },
    /// PSMO enable.
    Enable {
        /// The profile.
        iccid: Iccid,
        /// Whether the IPA may return to the profile before it (SGP.32 3.3.2).
        #[serde(default)]
        rollback: bool,
    },
    /// PSMO disable.
    Disable {
        /// The profile.
        iccid: Iccid,
    },
    /// PSMO delete.
    Delete {
        /// The profile.
        iccid: Iccid,
    },
    /// PSMO listProfileInfo.
    ListProfileInfo,
}

impl OperationKind {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            OperationKind::GetCertificates => "get_certificates",
            OperationKind::GetInstallationResults => "get_installation_results",
            OperationKind::Download { .. } => "download",
            OperationKind::Enable { .. } => "enable",
            OperationKind::Disable { .. } => "disable",
            OperationKind::Delete { .. } => "delete",
            OperationKind::ListProfileInfo => "list_profile_info",
        }
    }

    /// Whether it changes the state of a profile that is on the eUICC.
    pub(super) const fn changes_profiles(&self) -> bool {
        matches!(
            self,
            OperationKind::Enable { .. }
                | OperationKind::Disable { .. }
                | OperationKind::Delete { .. }
        )
    }
}

impl fmt::Debug for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            OperationKind::Enable { iccid, .. }
            | OperationKind::Disable { iccid }
            | OperationKind::Delete { iccid } => write!(f, " {iccid}"),
            _ => Ok(()),
        }
    }
}

/// How far an operation is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OperationState {
    /// Waits for the device.
    Queued,
    /// The IPA fetched the package.
    Delivered {
        /// Correlates the result.
        eim_transaction_id: TransactionId,
        /// counterValue of an eUICC Package.
        counter_value: Option<i64>,
        /// The package as sent; sent again until a result comes.
        package: Vec<u8>,
        /// How often it was sent again.
        #[serde(default)]
        repeated: u32,
        /// When it was sent last.
        #[serde(default)]
        sent: Option<Timestamp>,
        /// How often it was sent again without a pause.
        #[serde(default)]
        in_a_row: u32,
    },
    /// A verified result says so.
    Executed {
        /// The result.
        outcome: Outcome,
    },
    /// The device polled again after it.
    Confirmed {
        /// The result.
        outcome: Outcome,
        /// The poll that confirmed it.
        #[serde(default)]
        poll: Option<Poll>,
    },
    /// A verified result says that the enable was executed and that the IPA
    /// went back to the profile before it (SGP.32 3.3.2).
    RolledBack,
    /// Taken back by the operator before anything was sent.
    Cancelled,
    /// A verified result says so.
    Failed {
        /// Why.
        reason: String,
    },
    /// The card has a higher counter than we sent, or the result cannot be
    /// verified: whether it was executed is not known.
    OutcomeUnknown {
        /// Why.
        reason: String,
        /// A result of this transaction still settles it.
        eim_transaction_id: TransactionId,
        /// counterValue of the eUICC Package.
        counter_value: Option<i64>,
        /// How often the eUICC was asked for its profiles because of it.
        #[serde(default)]
        asked: u32,
        /// Whether another package that changes profiles was sent since: a
        /// list of profiles does not tell any more what this one did.
        #[serde(default)]
        overtaken: bool,
    },
}

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// When.
    pub at: Timestamp,
    /// The network that the device was registered in, if it said so; as text,
    /// because a device may send what is no PLMN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r_plmn: Option<String>,
}

impl OperationState {
    /// The names of all states.
    pub const NAMES: [&'static str; 8] = [
        "queued",
        "delivered",
        "executed",
        "confirmed",
        "failed",
        "rolled_back",
        "cancelled",
        "outcome_unknown",
    ];

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            OperationState::Queued => "queued",
            OperationState::Delivered { .. } => "delivered",
            OperationState::Executed { .. } => "executed",
            OperationState::Confirmed { .. } => "confirmed",
            OperationState::RolledBack => "rolled_back",
            OperationState::Cancelled => "cancelled",
            OperationState::Failed { .. } => "failed",
            OperationState::OutcomeUnknown { .. } => "outcome_unknown",
        }
    }

    /// Why it failed, or why the outcome is unknown.
    pub fn reason(&self) -> Option<&str> {
        match self {
            OperationState::Failed { reason } | OperationState::OutcomeUnknown { reason, .. } => {
                Some(reason)
            }
            _ => None,
        }
    }

    /// What a verified result says.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            OperationState::Executed { outcome } | OperationState::Confirmed { outcome, .. } => {
                Some(outcome)
            }
            _ => None,
        }
    }

    /// The poll that confirmed it.
    pub fn poll(&self) -> Option<&Poll> {
        match self {
            OperationState::Confirmed { poll, .. } => poll.as_ref(),
            _ => None,
        }
    }
}

/// Without the package, which may hold an activation code.
impl fmt::Debug for OperationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Some(reason) = self.reason() {
            write!(f, " ({reason})")?;
        }
        match self.outcome() {
            Some(outcome) => write!(f, " ({outcome:?})"),
            None => Ok(()),
        }
    }
}

/// What a verified result says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// A profile was installed.
    Installed {
        /// The profile, if the eUICC named it.
        iccid: Option<Iccid>,
    },
    /// The profiles on the card.
    Profiles {
        /// One entry each.
        profiles: Vec<ListedProfile>,
    },
}

/// An entry of a profile list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedProfile {
    /// The profile.
    pub iccid: Option<Iccid>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its name.
    pub name: Option<String>,
}

/// Something to be done on one eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its identifier.
    pub id: OperationId,
    /// The eUICC.
    pub eid: Eid,
    /// What is to be done.
    #[serde(flatten)]
    pub kind: OperationKind,
    /// How far it is.
    #[serde(flatten)]
    pub state: OperationState,
    /// When it was queued.
    pub created: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// Whether the result that settled it could not be verified, and was taken
    /// because the lab setting says so for this eUICC.
    #[serde(default)]
    pub unverified: bool,
    /// The profile that a download is to bring, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Iccid>,
    /// The operation whose outcome it was made to find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciles: Option<OperationId>,
    /// The list of profiles that settled it when its own result was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<OperationId>,
}

impl Operation {
    /// A new operation.
    pub fn queued(id: OperationId, eid: Eid, kind: OperationKind, now: Timestamp) -> Self {
        Operation {
            id,
            eid,
            kind,
            state: OperationState::Queued,
            created: now,
            since: now,
            unverified: false,
            expects: None,
            reconciles: None,
            settled_by: None,
        }
    }

    /// Transaction and counter of the package, if it was sent and its result
    /// is not known.
    pub fn sent(&self) -> Option<(&TransactionId, Option<i64>)> {
        match &self.state {
            OperationState::Delivered {
                eim_transaction_id,
                counter_value,
                ..
            }
            | OperationState::OutcomeUnknown {
                eim_transaction_id,
                counter_value,
                ..
            } => Some((eim_transaction_id, *counter_value)),
            _ => None,
        }
    }

    /// The operation in another state.
    #[must_use]
    pub(super) fn with(&self, state: OperationState) -> Self {
        Operation {
            state,
            ..self.clone()
        }
    }

    /// A verified success.
    #[must_use]
    pub(super) fn executed(&self, outcome: Outcome) -> Self {
        self.with(OperationState::Executed { outcome })
    }

    /// A verified failure.
    #[must_use]
    pub(super) fn failed(&self, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        self.with(OperationState::Failed { reason })
    }

    /// What happened to a package that was sent is not known. Reading again is
    /// as good as an answer that was lost: what only read has failed.
    #[must_use]
    pub(super) fn outcome_unknown(&self, reason: impl ToString) -> Self {
        let Some((eim_transaction_id, counter_value)) = self.sent() else {
            return self.clone();
        };
        if self.reconciles.is_some() {
            return self.failed(reason);
        }
        let (asked, overtaken) = match self.state {
            OperationState::OutcomeUnknown {
                asked, overtaken, ..
            } => (asked, overtaken),
            _ => (0, false),
        };
        self.with(OperationState::OutcomeUnknown {
            reason: reason.to_string(),
            eim_transaction_id: eim_transaction_id.clone(),
            counter_value,
            asked,
            overtaken,
        })
    }

    /// Taken back, if nothing of it was sent yet: a signed package cannot be
    /// called back.
    #[must_use]
    pub fn cancelled(&self, now: Timestamp) -> Option<Self> {
        let cancelled = Operation {
            since: now,
            ..self.with(OperationState::Cancelled)
        };
        (self.state == OperationState::Queued).then_some(cancelled)
    }

    /// Whether nothing more will happen to it. An unknown outcome is not
    /// final: the result may still come.
    pub fn is_final(&self) -> bool {
        matches!(
            self.state,
            OperationState::Confirmed { .. }
                | OperationState::Failed { .. }
                | OperationState::RolledBack
                | OperationState::Cancelled
        )
    }

    /// Name of its state.
    pub const fn state_name(&self) -> &'static str {
        self.state.name()
    }
}

/// The operation that the result of this transaction and counter answers.
pub(super) fn find<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: Option<i64>,
) -> Option<&'a Operation> {
    let answered = (transaction?, counter);
    let is_answered = |operation: &&Operation| operation.sent() == Some(answered);
    open.iter().find(is_answered)
}

/// The operation whose package has this counter, which no other has.
pub(super) fn counted(open: &[Operation], counter: i64) -> Option<&Operation> {
    let is_counted = |operation: &&Operation| {
        let sent = operation.sent();
        sent.is_some_and(|(_, sent)| sent == Some(counter))
    };
    open.iter().find(is_counted)
}

/// The operation whose transaction an unproven message names.
pub(super) fn named<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
) -> Option<&'a Operation> {
    let named = transaction?;
    let is_named = |operation: &&Operation| operation.sent().is_some_and(|(id, _)| id == named);
    open.iter().find(is_named)
}
