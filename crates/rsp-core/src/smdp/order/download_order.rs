//! ES2+.DownloadOrder (SGP.22 5.3.1).

use alloc::string::String;

use super::{Order, OrderEvent, OrderState};
use crate::Codes;
use crate::binding::es2plus_json::DownloadOrder;
use crate::smdp::{Refusal, Rejected};

impl Order {
    /// Orders the profile. The same order again succeeds.
    ///
    /// # Errors
    /// If the profile is another operator's, taken, or of another type.
    pub fn download_order(self, request: &DownloadOrder, caller: &str) -> Result<Self, Rejected> {
        self.check_visible(caller)?;
        let other_type = |wanted: &String| *wanted != self.profile_type;
        if request.profile_type.as_ref().is_some_and(other_type) {
            return Err(Refusal::ProfileTypeMismatch.into());
        }
        if self.is_same_order(request) {
            return Ok(self);
        }
        let event = match request.eid {
            Some(_) => OrderEvent::OrderedForEid,
            None => OrderEvent::Ordered,
        };
        let state = self.state.next(event);
        let state = state.ok_or(Refusal::ProfileUnavailable.because(self.state.as_str()))?;
        let call = request.header.function_call_identifier.clone();
        Ok(Order {
            owner: self.owner,
            requester: Some(caller.into()),
            call: Some(call).filter(|call| !call.is_empty()),
            state,
            generation: self.generation.wrapping_add(1),
            eid: request.eid,
            ..Order::available(self.iccid, self.profile_type)
        })
    }

    /// Whether this is what was ordered, and nothing happened since.
    pub fn is_same_order(&self, request: &DownloadOrder) -> bool {
        let ordered = matches!(self.state, OrderState::Allocated | OrderState::Linked);
        ordered && self.eid == request.eid
    }
}
