//! Orders of profiles (SGP.22 3.1.1, 3.1.6, 5.3): one file per function of
//! ES2+, and what a download may do with an order.

mod announcement;
mod cancel_order;
mod confirm_order;
mod download_order;
mod release_profile;
mod state;

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid};
use rsp_crypto::Provider;
use serde::{Deserialize, Serialize};

use super::{Refusal, Rejected};
use crate::Codes;
use crate::Timestamp;
use crate::binding::es2plus_json::FinalProfileStatus;
use crate::binding::redacted;

pub use announcement::Announcement;
pub use state::{OrderEvent, OrderState};

/// A profile in stock and what was ordered of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The profile.
    pub iccid: Iccid,
    /// Its type.
    pub profile_type: String,
    /// The operator whose profile it is; `None`: any operator may order it.
    #[serde(default)]
    pub owner: Option<String>,
    /// The operator who ordered it.
    #[serde(default)]
    pub requester: Option<String>,
    /// `functionCallIdentifier` of the order: a repeated call is known by it.
    #[serde(default)]
    pub call: Option<String>,
    /// How far the order is.
    pub state: OrderState,
    /// How often the profile was ordered: a session of an earlier order has no
    /// say in a later one.
    #[serde(default)]
    pub generation: u32,
    /// The eUICC that it is ordered for.
    pub eid: Option<Eid>,
    /// The MatchingID, once confirmed.
    pub matching_id: Option<String>,
    /// The confirmation code, if one was asked for.
    #[serde(default)]
    pub confirmation: Option<Confirmation>,
    /// The SM-DS that shall be told.
    #[serde(default)]
    pub smds_address: Option<String>,
    /// From when on the order cannot be downloaded any more.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// Downloads that were begun.
    #[serde(default)]
    pub attempts: u32,
    /// The eUICC that the bound package was delivered to.
    #[serde(default)]
    pub delivered_to: Option<Eid>,
    /// Why the order is in [`OrderState::Error`].
    #[serde(default)]
    pub ended: Option<OrderEnd>,
    /// The cancellation that put the profile where it is.
    #[serde(default)]
    pub cancelled: Option<Cancelled>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("iccid", &self.iccid)
            .field("profile_type", &self.profile_type)
            .field("owner", &self.owner)
            .field("requester", &self.requester)
            .field("state", &self.state)
            .field("generation", &self.generation)
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .field("confirmation", &self.confirmation)
            .field("expires", &self.expires)
            .field("attempts", &self.attempts)
            .field("delivered_to", &self.delivered_to)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A confirmation code that the end user must give.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of the code: the code itself is not kept.
    hash: [u8; 32],
    /// Wrong codes so far.
    failures: u32,
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation")
            .field("hash", &format_args!("[redacted]"))
            .field("failures", &self.failures)
            .finish()
    }
}

impl Confirmation {
    /// Of this code, in UTF-8.
    pub(super) fn of(code: &str, crypto: &dyn Provider) -> Self {
        Confirmation {
            hash: crypto.sha256(&[code.as_bytes()]),
            failures: 0,
        }
    }

    /// Whether the code is the same, whatever was tried since.
    fn is_same_code(&self, other: &Confirmation) -> bool {
        self.hash == other.hash
    }

    /// Whether this is the hash of the code in this session:
    /// `SHA-256(SHA-256(code) || transactionId)` (SGP.22 3.1.3).
    fn fits(&self, hash_cc: &[u8; 32], transaction_id: &[u8], crypto: &dyn Provider) -> bool {
        crypto.sha256(&[&self.hash, transaction_id]) == *hash_cc
    }
}

/// Why an order ended without an installed profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEnd {
    /// Its time was over.
    Expired,
    /// It was tried too often.
    Attempts,
    /// Wrong confirmation codes too often.
    ConfirmationCode,
    /// The device cancelled the session for good.
    Cancelled,
    /// The eUICC reported that the installation failed.
    Installation,
}

/// A cancellation, to know the same one again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    eid: Option<Eid>,
    matching_id: Option<String>,
    final_status: FinalProfileStatus,
    requester: Option<String>,
}

/// The MatchingID is as secret as that of the order was.
impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled")
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .field("final_status", &self.final_status)
            .finish_non_exhaustive()
    }
}

impl Order {
    /// A profile that nobody has ordered.
    pub fn available(iccid: Iccid, profile_type: String) -> Self {
        Order {
            iccid,
            profile_type,
            owner: None,
            requester: None,
            call: None,
            state: OrderState::Available,
            generation: 0,
            eid: None,
            matching_id: None,
            confirmation: None,
            smds_address: None,
            expires: None,
            attempts: 0,
            delivered_to: None,
            ended: None,
            cancelled: None,
        }
    }

    /// Whether this operator may see the profile: it is nobody else's, and
    /// nobody else has ordered it.
    pub fn is_visible_to(&self, caller: &str) -> bool {
        let others = |name: &String| name != caller;
        !self.owner.as_ref().is_some_and(others) && !self.requester.as_ref().is_some_and(others)
    }

    fn check_visible(&self, caller: &str) -> Result<(), Refusal> {
        match self.is_visible_to(caller) {
            true => Ok(()),
            false => Err(Refusal::IccidNotAllowed),
        }
    }

    /// After an event; `None` if it cannot happen now.
    pub(super) fn after(self, event: OrderEvent) -> Option<Self> {
        let state = self.state.next(event)?;
        let delivered_to = match state {
            OrderState::Downloaded | OrderState::Installed | OrderState::Error => self.delivered_to,
            _ => None,
        };
        Some(Order {
            state,
            delivered_to,
            ended: None,
            ..self
        })
    }

    /// Ended without an installation.
    pub(super) fn ended(self, why: OrderEnd) -> Option<Self> {
        let ended = self.after(OrderEvent::Failed)?;
        Some(Order {
            ended: Some(why),
            ..ended
        })
    }

    /// Whether this eUICC may download the profile now. One whose package was
    /// delivered may try again: the result of the first attempt never came.
    pub(super) fn check_eligible(&self, eid: Eid) -> Result<(), Rejected> {
        let others = |bound: Eid| bound != eid;
        if self.eid.is_some_and(others) {
            return Err(Refusal::EidMismatch.into());
        }
        match (self.state, self.ended) {
            (OrderState::Released, _) => Ok(()),
            (OrderState::Downloaded, _) => match self.delivered_to.is_some_and(others) {
                true => Err(Refusal::EidMismatch.because("the package went to another eUICC")),
                false => Ok(()),
            },
            (OrderState::Error, Some(OrderEnd::Expired)) => Err(Refusal::OrderExpired.into()),
            (OrderState::Error, Some(OrderEnd::Attempts)) => Err(Refusal::TooManyAttempts.into()),
            (OrderState::Installed, _) => Err(used("the profile is installed")),
            (OrderState::Error, _) => Err(used("the order ended with an error")),
            (OrderState::Unavailable, _) => Err(used("the profile is not available any more")),
            _ => Err(Refusal::NotReleased.into()),
        }
    }

    /// Whether a session of this eUICC about this order may still decide over
    /// it: it is open, or the package was delivered to this eUICC.
    pub(super) fn is_open_to(&self, eid: Eid, generation: u32) -> bool {
        let open = self.state == OrderState::Released || self.is_delivered_to(eid);
        self.generation == generation && open
    }

    /// Whether the package was delivered to this eUICC and its result is
    /// awaited.
    pub(super) fn is_delivered_to(&self, eid: Eid) -> bool {
        self.state == OrderState::Downloaded && self.delivered_to == Some(eid)
    }

    /// Whether the package went to another eUICC since.
    pub(super) fn delivered_to_other(&self, eid: Eid) -> bool {
        self.delivered_to.is_some_and(|other| other != eid)
    }

    /// Whether the order's time is over.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether a confirmation code is asked for.
    pub(super) fn needs_confirmation(&self) -> bool {
        self.confirmation.is_some()
    }

    /// Checks the end user's code. With a wrong one the order counts it, and
    /// ends if it was one too many.
    pub(super) fn check_confirmation(
        &self,
        hash_cc: Option<&[u8; 32]>,
        transaction_id: &[u8],
        limit: u32,
        crypto: &dyn Provider,
    ) -> CodeCheck {
        let Some(asked) = &self.confirmation else {
            return CodeCheck::Passed;
        };
        let Some(given) = hash_cc else {
            return CodeCheck::Missing;
        };
        if asked.fits(given, transaction_id, crypto) {
            return CodeCheck::Passed;
        }
        let failures = asked.failures.saturating_add(1);
        let counted = Order {
            confirmation: Some(Confirmation {
                failures,
                ..asked.clone()
            }),
            ..self.clone()
        };
        if failures < limit {
            return CodeCheck::Wrong(counted);
        }
        match counted.clone().ended(OrderEnd::ConfirmationCode) {
            Some(ended) => CodeCheck::TooOften(ended),
            None => CodeCheck::Wrong(counted),
        }
    }
}

/// How a confirmation code was found.
pub(super) enum CodeCheck {
    /// Right, or none is needed.
    Passed,
    /// One is needed.
    Missing,
    /// Wrong: the order with the failure counted.
    Wrong(Order),
    /// Wrong once too often: the order at its end.
    TooOften(Order),
}

fn used(detail: &'static str) -> Rejected {
    Refusal::MatchingIdRefused.because(detail)
}
