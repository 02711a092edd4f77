//! Which events there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much an event wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As intended.
    Info,
    /// Not as intended; nothing is lost yet.
    Warning,
    /// Somebody has to do something.
    Error,
}

impl Severity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! event_types {
    ($($name:ident = $text:literal, $severity:ident, $what:literal;)+) => {
        /// What an event tells. Its text is `noun.verb`; in an event it is
        /// `io.simurgh.<noun>.<verb>.v1`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum EventType {
            $(#[doc = $what] $name,)+
        }

        impl EventType {
            /// All that there are.
            pub const ALL: &'static [EventType] = &[$(EventType::$name,)+];

            /// `noun.verb`.
            pub const fn short(self) -> &'static str {
                match self {
                    $(EventType::$name => $text,)+
                }
            }

            /// The `type` of a CloudEvent.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(EventType::$name => concat!("io.simurgh.", $text, ".v1"),)+
                }
            }

            /// How much it wants to be looked at.
            pub const fn severity(self) -> Severity {
                match self {
                    $(EventType::$name => Severity::$severity,)+
                }
            }

            /// When it is told, as a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(EventType::$name => $what,)+
                }
            }
        }
    };
}

event_types! {
    OperationQueued = "operation.queued", Info,
        "An operation waits for its device, for the first time or again.";
    OperationDelivered = "operation.delivered", Info,
        "The device fetched the package of an operation.";
    OperationExecuted = "operation.executed", Info,
        "A verified result says that the eUICC did it.";
    OperationConfirmed = "operation.confirmed", Info,
        "The device polled again after it, from where it was to be.";
    OperationFailed = "operation.failed", Error,
        "A verified result says that it was not done, and why.";
    OperationRolledBack = "operation.rolled_back", Warning,
        "The device went back to the profile before.";
    OperationCancelled = "operation.cancelled", Info,
        "Somebody took it back before anything was sent.";
    OperationExpired = "operation.expired", Warning,
        "Its validity ended before anything was sent.";
    OperationOutcomeUnknown = "operation.outcome_unknown", Warning,
        "Whether it was done is not known yet; the eIM finds out.";
    DeviceAdded = "device.added", Info,
        "A device came into the fleet.";
    DeviceChanged = "device.changed", Info,
        "What is known of a device was changed.";
    DeviceRemoved = "device.removed", Info,
        "A device was taken out of the fleet.";
    WebhookAdded = "webhook.added", Info,
        "A webhook endpoint was added.";
    WebhookChanged = "webhook.changed", Info,
        "A webhook endpoint was changed, or has a new secret.";
    WebhookRemoved = "webhook.removed", Info,
        "A webhook endpoint was removed.";
    WebhookDisabled = "webhook.disabled", Error,
        "A webhook endpoint failed for a day, or does not want any more: it is not told any more.";
    WebhookTested = "webhook.tested", Info,
        "Sent to one webhook endpoint alone because somebody asked for it; it has no number.";
}

/// A text that is no type of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of an event; they are written as operation.failed")]
pub struct BadEventType(pub String);

impl EventType {
    /// The event that tells of a state of an operation, by its name.
    pub fn of_operation(state: &str) -> Option<Self> {
        let of_state = |kind: &&EventType| {
            let verb = kind.short().strip_prefix("operation.");
            verb == Some(state)
        };
        Self::ALL.iter().find(of_state).copied()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Long or short.
impl FromStr for EventType {
    type Err = BadEventType;

    fn from_str(text: &str) -> Result<Self, BadEventType> {
        let mut all = Self::ALL.iter();
        let found = all.find(|kind| kind.as_str() == text || kind.short() == text);
        found
            .copied()
            .ok_or_else(|| BadEventType(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_is_written_long_and_short() {
        for kind in EventType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(kind.short().parse(), Ok(*kind));
        }
        assert!("operation.*".parse::<EventType>().is_err());
    }

    #[test]
    fn each_state_of_an_operation_is_told() {
        for state in rsp_core::eim::OperationState::NAMES {
            let kind = EventType::of_operation(state).unwrap();
            assert_eq!(kind.short(), format!("operation.{state}"));
        }
        assert_eq!(EventType::of_operation("added"), None);
    }

    #[test]
    fn the_page_for_integrators_has_each_as_it_is() {
        let page = include_str!("../../../../docs/events.md");
        // Of three columns: parameters and headers have two.
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| `") && line.split('|').count() == 5);
        let rows: Vec<&str> = rows.collect();
        let row = |kind: &EventType| {
            let (short, severity) = (kind.short(), kind.severity().name());
            format!("| `{short}` | {severity} | {} |", kind.meaning())
        };
        let expected: Vec<String> = EventType::ALL.iter().map(row).collect();
        assert_eq!(rows, expected);
    }
}
