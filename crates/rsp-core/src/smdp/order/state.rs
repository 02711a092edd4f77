//! States of a profile at the SM-DP+ and what leads from one to another
//! (SGP.22 3.1.6): one table.

use serde::{Deserialize, Serialize};

/// State of a profile at the SM-DP+ (SGP.22 3.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// In stock.
    Available,
    /// Ordered for any eUICC.
    Allocated,
    /// Ordered for one eUICC.
    Linked,
    /// Confirmed, not yet released.
    Confirmed,
    /// May be downloaded.
    Released,
    /// The bound package was delivered.
    Downloaded,
    /// The eUICC reported success.
    Installed,
    /// The download failed for good, or the order ended without one.
    Error,
    /// Taken out of stock by the operator.
    Unavailable,
}

/// What happens to a profile at the SM-DP+.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// ES2+.DownloadOrder without an EID.
    Ordered,
    /// ES2+.DownloadOrder with an EID.
    OrderedForEid,
    /// ES2+.ConfirmOrder without the release flag.
    Confirmed,
    /// ES2+.ConfirmOrder with the release flag, or ES2+.ReleaseProfile.
    Released,
    /// The bound package was delivered.
    Delivered,
    /// The session was cancelled for now: `postponed` or `timeout`.
    Postponed,
    /// The installation or the session failed for good, or the order ended.
    Failed,
    /// The eUICC proved that the profile is installed.
    Installed,
    /// ES2+.CancelOrder with the final status `Available`.
    CancelledAvailable,
    /// ES2+.CancelOrder with the final status `Unavailable`.
    CancelledUnavailable,
}

impl OrderState {
    /// Every state.
    pub const ALL: [OrderState; 9] = [
        OrderState::Available,
        OrderState::Allocated,
        OrderState::Linked,
        OrderState::Confirmed,
        OrderState::Released,
        OrderState::Downloaded,
        OrderState::Installed,
        OrderState::Error,
        OrderState::Unavailable,
    ];

    /// The state that an event leads to; `None` if it cannot happen in this
    /// one. A result that comes late still lifts an error: what the eUICC
    /// proves is so.
    pub const fn next(self, event: OrderEvent) -> Option<Self> {
        use OrderEvent as On;
        use OrderState as In;
        let next = match (self, event) {
            (In::Available, On::Ordered) => In::Allocated,
            (In::Available, On::OrderedForEid) => In::Linked,
            (In::Allocated | In::Linked, On::Confirmed) => In::Confirmed,
            (In::Allocated | In::Linked | In::Confirmed, On::Released) => In::Released,
            (In::Released | In::Downloaded, On::Delivered) => In::Downloaded,
            (In::Released | In::Downloaded, On::Postponed) => In::Released,
            (In::Released | In::Downloaded, On::Failed) => In::Error,
            (In::Released | In::Downloaded | In::Error, On::Installed) => In::Installed,
            (
                In::Allocated | In::Linked | In::Confirmed | In::Released | In::Error,
                On::CancelledAvailable,
            ) => In::Available,
            (
                In::Allocated | In::Linked | In::Confirmed | In::Released | In::Error,
                On::CancelledUnavailable,
            ) => In::Unavailable,
            _ => return None,
        };
        Some(next)
    }

    /// The state as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            OrderState::Available => "available",
            OrderState::Allocated => "allocated",
            OrderState::Linked => "linked",
            OrderState::Confirmed => "confirmed",
            OrderState::Released => "released",
            OrderState::Downloaded => "downloaded",
            OrderState::Installed => "installed",
            OrderState::Error => "error",
            OrderState::Unavailable => "unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table a second time, as the notes print it: rows are states,
    /// columns events, in the order of their declarations.
    const TABLE: [(OrderState, [&str; 10]); 9] = {
        use OrderState::*;
        [
            (
                Available,
                ["allocated", "linked", "", "", "", "", "", "", "", ""],
            ),
            (
                Allocated,
                [
                    "",
                    "",
                    "confirmed",
                    "released",
                    "",
                    "",
                    "",
                    "",
                    "available",
                    "unavailable",
                ],
            ),
            (
                Linked,
                [
                    "",
                    "",
                    "confirmed",
                    "released",
                    "",
                    "",
                    "",
                    "",
                    "available",
                    "unavailable",
                ],
            ),
            (
                Confirmed,
                [
                    "",
                    "",
                    "",
                    "released",
                    "",
                    "",
                    "",
                    "",
                    "available",
                    "unavailable",
                ],
            ),
            (
                Released,
                [
                    "",
                    "",
                    "",
                    "",
                    "downloaded",
                    "released",
                    "error",
                    "installed",
                    "available",
                    "unavailable",
                ],
            ),
            (
                Downloaded,
                [
                    "",
                    "",
                    "",
                    "",
                    "downloaded",
                    "released",
                    "error",
                    "installed",
                    "",
                    "",
                ],
            ),
            (Installed, [""; 10]),
            (
                Error,
                [
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "installed",
                    "available",
                    "unavailable",
                ],
            ),
            (Unavailable, [""; 10]),
        ]
    };

    const EVENTS: [OrderEvent; 10] = [
        OrderEvent::Ordered,
        OrderEvent::OrderedForEid,
        OrderEvent::Confirmed,
        OrderEvent::Released,
        OrderEvent::Delivered,
        OrderEvent::Postponed,
        OrderEvent::Failed,
        OrderEvent::Installed,
        OrderEvent::CancelledAvailable,
        OrderEvent::CancelledUnavailable,
    ];

    #[test]
    fn every_state_and_event() {
        for (at, (state, row)) in TABLE.iter().enumerate() {
            assert_eq!(OrderState::ALL[at], *state);
            for (event, expected) in EVENTS.iter().zip(row) {
                let next = state.next(*event).map_or("", OrderState::as_str);
                assert_eq!(next, *expected, "{state:?} {event:?}");
            }
        }
    }
}
