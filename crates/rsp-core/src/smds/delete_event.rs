//! ES12.DeleteEvent (SGP.22 5.9.2, 3.6.3).

use super::{Event, Forward, Refusal, Rejected, Smds};
use crate::Codes;
use crate::binding::es12_json::DeleteEvent;

/// A deletion that is to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The event.
    pub event: Event,
    /// What the root SM-DS is to be told first.
    pub forward: Option<Forward>,
}

impl Smds {
    /// Deletes an event of a server; `known` are the events of the eUICC.
    ///
    /// # Errors
    /// If this server has registered no such event.
    pub fn delete_event(
        &self,
        request: &DeleteEvent,
        registrant: &str,
        known: &[Event],
    ) -> Result<Deletion, Rejected> {
        let named = known.iter().find(|one| one.event_id == request.event_id);
        let event = named.ok_or(Refusal::UnknownEvent)?;
        if event.registrant != registrant {
            // That there is one is not the caller's business.
            return Err(Refusal::UnknownEvent.because("another server's event"));
        }
        let forwarded = event.forwarded.as_ref();
        Ok(Deletion {
            event: event.clone(),
            forward: forwarded.and_then(|at| self.forward_deletion(event, at)),
        })
    }
}
