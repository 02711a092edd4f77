//! ES2+.CancelOrder (SGP.22 5.3.3).

use alloc::string::String;

use super::{Cancelled, Order, OrderEvent, OrderState};
use crate::Codes;
use crate::binding::es2plus_json::{CancelOrder, FinalProfileStatus};
use crate::smdp::{Refusal, Rejected};

impl Order {
    /// Takes the order back: the profile is in stock again or out of use. The
    /// same cancellation again succeeds.
    ///
    /// # Errors
    /// If the profile is another operator's, not ordered, or on an eUICC, or
    /// the EID or MatchingID is not that of the order.
    pub fn cancel_order(self, request: &CancelOrder, caller: &str) -> Result<Self, Rejected> {
        self.check_visible(caller)?;
        let cancelled = Cancelled {
            eid: request.eid,
            matching_id: given(&request.matching_id),
            final_status: request.final_profile_status_indicator,
            requester: Some(caller.into()),
        };
        if self.cancelled.as_ref() == Some(&cancelled) {
            return Ok(self);
        }
        let event = match request.final_profile_status_indicator {
            FinalProfileStatus::Available => OrderEvent::CancelledAvailable,
            FinalProfileStatus::Unavailable => OrderEvent::CancelledUnavailable,
        };
        let state = self.state.next(event);
        let state = state.ok_or_else(|| self.not_cancellable())?;
        self.check_cancels(request)?;
        Ok(Order {
            owner: self.owner,
            state,
            generation: self.generation,
            cancelled: Some(cancelled),
            ..Order::available(self.iccid, self.profile_type)
        })
    }

    /// Whether the request names the order: its EID if it is bound to one, and
    /// its MatchingID where one is given.
    fn check_cancels(&self, request: &CancelOrder) -> Result<(), Refusal> {
        match (self.eid, request.eid) {
            (Some(_), None) => return Err(Refusal::EidMissing),
            (bound, Some(given)) if bound != Some(given) => return Err(Refusal::IccidOfOtherEid),
            _ => {}
        }
        let asked = given(&request.matching_id);
        match asked.is_some() && asked != given(&self.matching_id) {
            true => Err(Refusal::MatchingIdMismatch),
            false => Ok(()),
        }
    }

    fn not_cancellable(&self) -> Rejected {
        let refusal = match self.state {
            // It may be on an eUICC: it cannot be given to another.
            OrderState::Downloaded | OrderState::Installed => Refusal::ProfileUnavailable,
            _ => Refusal::WrongOrderState,
        };
        refusal.because(self.state.as_str())
    }
}

/// Empty and absent mean the same.
fn given(matching_id: &Option<String>) -> Option<String> {
    matching_id.clone().filter(|id| !id.is_empty())
}
