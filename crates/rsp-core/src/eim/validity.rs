//! How long an operation is worth sending, and which poll confirms it.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Operation, OperationState, Poll};
use crate::Timestamp;

/// Polls within this time of the first are one contact: a device polls again
/// after each package.
const CONTACT: Duration = Duration::from_secs(60);

/// Why nobody knows what became of it.
const ENDED: &str = "its validity ended before a result came";

/// How long an operation is worth sending: until a time, for so many contacts, or
/// whichever ends first. Without either it is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validity {
    /// From then on nothing of it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Contacts of the device in which it may be sent: what a device that polls
    /// once in a week can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u32>,
    /// Contacts since it was ordered.
    pub met: u32,
    /// When the last of them began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_met: Option<Timestamp>,
}

impl Validity {
    /// Whether it is for ever.
    pub const fn is_unlimited(&self) -> bool {
        self.until.is_none() && self.contacts.is_none()
    }

    /// Whether both end by the same limits.
    pub(super) fn ends_with(&self, other: &Validity) -> bool {
        (self.until, self.contacts) == (other.until, other.contacts)
    }

    /// Whether it has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
            || self.contacts.is_some_and(|contacts| self.met > contacts)
    }

    /// The device polls.
    fn meet(&mut self, now: Timestamp) {
        let same = |last: Timestamp| now.since(last) < CONTACT;
        if self.contacts.is_some() && !self.last_met.is_some_and(same) {
            self.met = self.met.saturating_add(1);
            self.last_met = Some(now);
        }
    }
}

impl Operation {
    /// The operation if it waits and its validity has ended.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Option<Self> {
        let waits = self.state == OperationState::Queued;
        (waits && self.validity.has_ended(now)).then(|| Operation {
            since: now,
            ..self.with(OperationState::Expired)
        })
    }

    /// By this poll, if it was executed and the device is where it was to be. A poll
    /// from elsewhere is remembered.
    fn confirmed_by(&mut self, poll: &Poll) {
        let OperationState::Executed { outcome } = &self.state else {
            return;
        };
        let expected = &self.expected_networks;
        let here = poll.r_plmn.as_ref();
        if expected.is_empty() || here.is_some_and(|plmn| expected.contains(plmn)) {
            self.state = OperationState::Confirmed {
                outcome: outcome.clone(),
                poll: Some(poll.clone()),
            };
        } else if here.is_some() && self.seen_in.as_ref() != here {
            self.seen_in.clone_from(&poll.r_plmn);
        }
    }
}

/// What a poll alone makes of open operations: contacts are counted, what was
/// executed is confirmed, what waits and is not valid any more expires, and of what
/// was sent and is not valid any more it has to be found out what became of it.
/// A package is sent as long as one operation in it is valid.
pub(super) fn polled(open: &[Operation], poll: &Poll) -> Vec<Operation> {
    let now = poll.at;
    let mut polled = open.to_vec();
    for operation in &mut polled {
        operation.validity.meet(now);
        operation.confirmed_by(poll);
        if let Some(expired) = operation.expired(now) {
            *operation = expired;
        }
    }
    let lasting: Vec<_> = polled
        .iter()
        .filter(|o| !o.validity.has_ended(now))
        .collect();
    let lasting: Vec<_> = lasting
        .iter()
        .filter_map(|o| o.transaction().cloned())
        .collect();
    for operation in &mut polled {
        let sent = matches!(operation.state, OperationState::Delivered { .. });
        let lasts = operation
            .transaction()
            .is_some_and(|id| lasting.contains(id));
        if sent && !lasts {
            *operation = operation.outcome_unknown(ENDED);
        }
    }
    polled
}
