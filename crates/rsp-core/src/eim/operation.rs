//! An operation on one eUICC and its life.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use serde::{Deserialize, Serialize};

use super::{Estimate, OperationKind, Outcome, Restored, Traffic, Tried, Validity};
use crate::binding::es11::EventEntry;
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

/// A confirmation code: a secret, like the activation code that it belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfirmationCode(pub String);

impl ConfirmationCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConfirmationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// An activation code of a ledger, by its place there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeRef {
    /// The pool that it is from.
    pub pool: String,
    /// Its number there.
    pub number: i64,
}

/// A package by which an operation was settled, for now: its IPA may still take
/// an enable back (SGP.32 3.3.2), and whoever repeats a trigger on its way may
/// have a download succeed after a list that did not show its profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledIn {
    /// eimTransactionId.
    pub eim_transaction_id: TransactionId,
    /// counterValue of an eUICC Package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_value: Option<i64>,
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
        /// Its place in the package, from 0.
        #[serde(default)]
        place: usize,
    },
    /// A verified result says so.
    Executed {
        /// The result.
        outcome: Outcome,
    },
    /// The device polled again after it, from where it was to be.
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
    /// Its validity ended before anything was sent.
    Expired,
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
        /// Its place in the package, from 0.
        #[serde(default)]
        place: usize,
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
    pub const NAMES: [&'static str; 9] = [
        "queued",
        "delivered",
        "executed",
        "confirmed",
        "failed",
        "rolled_back",
        "cancelled",
        "expired",
        "outcome_unknown",
    ];

    /// The names of those that are not final ([`Operation::is_final`]).
    pub const OPEN: [&'static str; 4] = ["queued", "delivered", "executed", "outcome_unknown"];

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            OperationState::Queued => "queued",
            OperationState::Delivered { .. } => "delivered",
            OperationState::Executed { .. } => "executed",
            OperationState::Confirmed { .. } => "confirmed",
            OperationState::RolledBack => "rolled_back",
            OperationState::Cancelled => "cancelled",
            OperationState::Expired => "expired",
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
    /// because the lab setting says so for this eUICC, or because its device
    /// emulates.
    #[serde(default)]
    pub unverified: bool,
    /// Whether that result is the device's word, in place of the eUICC's.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub emulated: bool,
    /// The profile that a download is to bring, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Iccid>,
    /// The code that confirms a download which the eIM relays (SGP.32 5.14.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_code: Option<ConfirmationCode>,
    /// The activation code of a ledger that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRef>,
    /// The event that an SM-DS has for the eUICC, to which the eIM sends the
    /// download (SGP.32 3.9.2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventEntry>,
    /// The operation whose outcome it was made to find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciles: Option<OperationId>,
    /// The operation that waits for what it finds out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<OperationId>,
    /// What settled it when its own result was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<OperationId>,
    /// The package that it was settled in, if something that the eUICC signs
    /// about it may still come that makes it untrue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_in: Option<SettledIn>,
    /// For a download of which it is not known what it is to bring: profiles
    /// that the eUICC had when it was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Iccid>,
    /// The first operation of the list that it was ordered in: they travel in
    /// one package, and what follows a failure is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_with: Option<OperationId>,
    /// Whether it is never put into a package with others than those it was
    /// ordered with.
    #[serde(default)]
    pub separate: bool,
    /// Whether it is done even if the eUICC may be lost by it.
    #[serde(default)]
    pub forced: bool,
    /// How long it is worth sending.
    #[serde(default, skip_serializing_if = "Validity::is_unlimited")]
    pub validity: Validity,
    /// The networks in one of which the device has to be for it to be confirmed,
    /// as texts of MCC and MNC (`262-01`); any if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_networks: Vec<String>,
    /// The code with which it failed last, and when it is sent again if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// Another network that the device polled from after it was executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
    /// If the eIM was restored while it was open, and it is not known what became of
    /// it: what the backup knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What was expected to be moved for it when it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// What was moved for it.
    #[serde(default, skip_serializing_if = "Traffic::is_empty")]
    pub traffic: Traffic,
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
            emulated: false,
            expects: None,
            confirmation_code: None,
            code: None,
            event: None,
            reconciles: None,
            checks: None,
            settled_by: None,
            settled_in: None,
            before: Vec::new(),
            ordered_with: None,
            separate: false,
            forced: false,
            validity: Validity::default(),
            expected_networks: Vec::new(),
            seen_in: None,
            tried: None,
            restored: None,
            estimate: None,
            traffic: Traffic::default(),
        }
    }

    /// Whether the eIM asks it for its own sake, about another operation.
    pub(super) const fn is_a_question(&self) -> bool {
        self.reconciles.is_some() || self.checks.is_some()
    }

    /// Whether both were ordered in one list.
    pub fn is_ordered_with(&self, other: &Operation) -> bool {
        self.ordered_with.is_some() && self.ordered_with == other.ordered_with
    }

    /// Its place in the package that was sent.
    pub fn place(&self) -> usize {
        match self.state {
            OperationState::Delivered { place, .. }
            | OperationState::OutcomeUnknown { place, .. } => place,
            _ => 0,
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

    /// A verified result says that nothing of it was done: it waits again.
    #[must_use]
    pub(super) fn queued_again(&self) -> Self {
        self.with(OperationState::Queued)
    }

    /// A verified success.
    #[must_use]
    pub(super) fn executed(&self, outcome: Outcome) -> Self {
        // A rollback, or what further events led to.
        let more_may_come = matches!(
            self.kind,
            OperationKind::Enable { rollback: true, .. } | OperationKind::ContactSmds { .. }
        );
        Operation {
            settled_in: self.settled_in(more_may_come),
            ..self.with(OperationState::Executed { outcome })
        }
    }

    /// A verified failure.
    #[must_use]
    pub(super) fn failed(&self, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        let may_succeed = self.kind.downloads();
        Operation {
            settled_in: self.settled_in(may_succeed),
            ..self.with(OperationState::Failed { reason })
        }
    }

    fn settled_in(&self, for_now: bool) -> Option<SettledIn> {
        let (eim_transaction_id, counter_value) = self.sent().filter(|_| for_now)?;
        Some(SettledIn {
            eim_transaction_id: eim_transaction_id.clone(),
            counter_value,
        })
    }

    /// The transaction by which a result may name it.
    pub fn transaction(&self) -> Option<&TransactionId> {
        let settled = self.settled_in.as_ref();
        let sent = self.sent().map(|(transaction, _)| transaction);
        sent.or(settled.map(|settled| &settled.eim_transaction_id))
    }

    /// What happened to a package that was sent is not known. A question of the
    /// eIM's own that no counter orders has failed: whoever needs the answer
    /// asks again.
    #[must_use]
    pub(super) fn outcome_unknown(&self, reason: impl ToString) -> Self {
        let Some((eim_transaction_id, counter_value)) = self.sent() else {
            return self.clone();
        };
        if self.is_a_question() && counter_value.is_none() {
            return self.failed(reason);
        }
        let (asked, overtaken) = match self.state {
            OperationState::OutcomeUnknown {
                asked, overtaken, ..
            } => (asked, overtaken),
            _ => (0, false),
        };
        let place = self.place();
        self.with(OperationState::OutcomeUnknown {
            reason: reason.to_string(),
            eim_transaction_id: eim_transaction_id.clone(),
            counter_value,
            place,
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
                | OperationState::Expired
        )
    }

    /// Whether it is known what became of it, and that it is done or will not be.
    pub(super) fn is_settled(&self) -> bool {
        self.is_final() || matches!(self.state, OperationState::Executed { .. })
    }

    /// Name of its state.
    pub const fn state_name(&self) -> &'static str {
        self.state.name()
    }
}

/// The operations that the result of this transaction and counter answers, in
/// the order of the package.
pub(super) fn find<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: Option<i64>,
) -> Vec<&'a Operation> {
    let Some(transaction) = transaction else {
        return Vec::new();
    };
    let answered = (transaction, counter);
    in_order(open, |sent| sent == answered)
}

/// The one operation that the result of this transaction answers, of a message
/// that is no eUICC Package.
pub(super) fn find_one<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
) -> Option<&'a Operation> {
    find(open, transaction, None).into_iter().next()
}

/// The operations whose package has this counter, which no other has.
pub(super) fn counted(open: &[Operation], counter: i64) -> Vec<&Operation> {
    in_order(open, |(_, sent)| sent == Some(counter))
}

/// The operations that were settled in this package, for now.
pub(super) fn settled_in<'a>(
    known: &'a [Operation],
    transaction: Option<&TransactionId>,
    counter: Option<i64>,
) -> impl Iterator<Item = &'a Operation> {
    known.iter().filter(move |operation| {
        operation.settled_in.as_ref().is_some_and(|settled| {
            let same = Some(&settled.eim_transaction_id) == transaction;
            (same || (transaction.is_none() && counter.is_some()))
                && settled.counter_value == counter
        })
    })
}

/// The operations whose transaction an unproven message names.
pub(super) fn named<'a>(
    open: &'a [Operation],
    transaction: Option<&TransactionId>,
) -> Vec<&'a Operation> {
    let Some(named) = transaction else {
        return Vec::new();
    };
    in_order(open, |(id, _)| id == named)
}

fn in_order(
    open: &[Operation],
    is_meant: impl Fn((&TransactionId, Option<i64>)) -> bool,
) -> Vec<&Operation> {
    let is_meant = |operation: &&Operation| operation.sent().is_some_and(&is_meant);
    let mut found: Vec<_> = open.iter().filter(is_meant).collect();
    found.sort_by_key(|operation| operation.place());
    found
}
