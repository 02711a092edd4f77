//! ES2+.ReleaseProfile (SGP.22 5.3.4).

use super::{Order, OrderEvent, OrderState};
use crate::Codes;
use crate::smdp::{Refusal, Rejected};

impl Order {
    /// Releases a confirmed order. Releasing again succeeds.
    ///
    /// # Errors
    /// If the profile is another operator's or its order is not confirmed.
    pub fn release(self, caller: &str) -> Result<Self, Rejected> {
        self.check_visible(caller)?;
        match self.state {
            OrderState::Released => Ok(self),
            OrderState::Confirmed => {
                let state = self.state;
                let released = self.after(OrderEvent::Released);
                released.ok_or(Refusal::WrongOrderState.because(state.as_str()))
            }
            state => Err(Refusal::WrongOrderState.because(state.as_str())),
        }
    }
}
