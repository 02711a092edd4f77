//! What is still known of an eUICC when the eIM's state is that of a backup: what
//! was sent to it since, and what became of it, nobody knows.
//!
//! An operation that waited may have been executed, and one that was sent may have
//! been followed by others. Each is looked for on the eUICC, like one whose result
//! was lost. That its effect is not there says that it was not executed only if
//! nothing was: the sequence numbers of an eUICC's signed results and notifications
//! have no gap, so the first one after the backup tells.

use core::time::Duration;

use rsp_asn1::ids::TransactionId;
use serde::{Deserialize, Serialize};

use super::{EuiccRecord, MAX_COUNTER_VALUE, Operation, OperationState, profiles};
use crate::{Context, Timestamp};

/// How far the counter goes on for each day, begun or whole, since the backup: a
/// package every 84 seconds. If more were sent, the eUICC refuses one, and the
/// counter goes on as it does then.
const RAISE: i64 = 1024;
const DAY: Duration = Duration::from_secs(86_400);

/// The furthest that it goes on: the eUICC counts up to 8 388 607.
const MOST: i64 = 64 * RAISE;

/// Why nobody knows what became of an operation.
const BECAUSE: &str =
    "the eIM was restored from a backup that is older than what may have happened";

/// What was known of an operation in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Whether it had been sent.
    pub sent: bool,
    /// The highest sequence number of what the eUICC had signed and the eIM had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<i64>,
}

/// How far counters go on in a state of this age.
pub fn raise(made: Timestamp, now: Timestamp) -> i64 {
    let days = now.since(made).as_secs() / DAY.as_secs() + 1;
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    days.saturating_mul(RAISE).min(MOST)
}

/// A counter that is that far on.
pub fn raised(counter_value: i64, raise: i64) -> i64 {
    let most = (MAX_COUNTER_VALUE - 1).max(counter_value);
    counter_value.saturating_add(raise).min(most)
}

impl EuiccRecord {
    /// The record as a backup had it, so that no counter is given out again and no
    /// list of profiles is believed that may be old.
    #[must_use]
    pub fn restored(mut self, raise: i64) -> Self {
        self.counter_value = raised(self.counter_value, raise);
        if let Some(list) = &mut self.profiles {
            list.stale = true;
        }
        self
    }
}

impl Operation {
    /// The operation as a backup had it, of the eUICC with this record, which is
    /// restored already; `seen` as in [`Restored::seen`]. `None` if it stays as it is:
    /// it is settled, or only reads what may be read twice.
    pub fn restored(
        &self,
        record: &EuiccRecord,
        seen: Option<i64>,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let repeats = self.kind.only_reads() || profiles::who_tells(self).is_none();
        let state = match &self.state {
            OperationState::Queued if !repeats && !self.is_a_question() => {
                OperationState::OutcomeUnknown {
                    reason: BECAUSE.into(),
                    // Of no package: only what is asked for settles it.
                    eim_transaction_id: TransactionId::from_bytes(&cx.random::<16>()).ok()?,
                    counter_value: Some(record.counter_value),
                    place: 0,
                    asked: 0,
                    overtaken: false,
                }
            }
            OperationState::Delivered { counter_value, .. }
                if counter_value.is_some() || self.kind.downloads() =>
            {
                self.outcome_unknown(BECAUSE).state
            }
            OperationState::OutcomeUnknown { .. } => self.state.clone(),
            _ => return None,
        };
        let sent = self.state != OperationState::Queued;
        let before = match sent {
            true => self.before.clone(),
            false => profiles::before(record, self),
        };
        Some(Operation {
            before,
            since: cx.now,
            restored: Some(Restored { sent, seen }),
            ..self.with(state)
        })
    }

    /// What the answer of the eUICC to a question makes of it, given what that makes
    /// of one whose result was lost; `number` is the sequence number of the answer.
    pub(super) fn judged_after_restoring(
        &self,
        judged: Option<Operation>,
        number: i64,
    ) -> Option<Operation> {
        let Some(restored) = self.restored else {
            return judged;
        };
        let first = restored.seen.map_or(0, |seen| seen.saturating_add(1));
        if number == first {
            // Nothing was executed since: it waits as it did.
            return match restored.sent {
                false => Some(Operation {
                    restored: None,
                    ..self.queued_again()
                }),
                true => judged,
            };
        }
        let judged = judged?;
        if !matches!(judged.state, OperationState::Failed { .. }) {
            return Some(judged);
        }
        // Its effect is not there: perhaps not any more.
        let mut unknown = self.clone();
        if let OperationState::OutcomeUnknown {
            reason, overtaken, ..
        } = &mut unknown.state
        {
            *overtaken = true;
            *reason = alloc::format!(
                "{BECAUSE}: {}; it may have been executed and undone since",
                judged.state.reason().unwrap_or_default()
            );
        }
        Some(unknown)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn counters_go_on_by_the_age_of_the_backup_and_never_back() {
        let day = |days: u64| Timestamp(days * 86_400_000);
        assert_eq!(raise(day(3), day(3)), 1024);
        // A clock that went back makes it no older.
        assert_eq!(raise(day(3), day(1)), 1024);
        assert_eq!(raise(day(3), day(10)), 8 * 1024);
        assert_eq!(raise(day(0), day(1000)), 64 * 1024);
        assert_eq!(raised(5, 1024), 1029);
        assert_eq!(raised(MAX_COUNTER_VALUE - 5, 1024), MAX_COUNTER_VALUE - 1);
        assert_eq!(raised(MAX_COUNTER_VALUE, 1024), MAX_COUNTER_VALUE);
    }
}
