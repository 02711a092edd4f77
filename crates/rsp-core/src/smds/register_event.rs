//! ES12.RegisterEvent (SGP.22 5.9.1, 3.6.1).

use alloc::string::String;

use super::event::is_text;
use super::{Event, Forward, Forwarded, MAX_EVENTS_PER_EUICC, Refusal, Rejected, Smds};
use crate::binding::es12_json::RegisterEvent;
use crate::{Codes, Context};

/// A registration that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The event. What the root SM-DS is to be told of it is stored with it
    /// before it is sent.
    pub event: Event,
    /// What the root SM-DS is to be told before the caller is answered.
    pub forward: Option<Forward>,
}

impl Smds {
    /// Registers an event that a server with the certificate of `registrant`
    /// announces; `known` are the events of the eUICC. The same call again
    /// succeeds, and so does any that a root SM-DS out of reach has kept from
    /// its end.
    ///
    /// # Errors
    /// If the EventID is in use, or the event cannot be one.
    pub fn register_event(
        &self,
        request: &RegisterEvent,
        registrant: &str,
        known: &[Event],
        cx: &mut Context<'_>,
    ) -> Result<Registration, Rejected> {
        let same_id = known
            .iter()
            .find(|event| event.is_called(&request.event_id));
        if let Some(event) = same_id {
            if !is_same(event, request, registrant) {
                return Err(Refusal::EventInUse.into());
            }
            return Ok(self.registration(event.clone()));
        }
        if !is_text(&request.event_id) || !is_text(&request.rsp_server_address) {
            return Err(Refusal::InvalidEvent.because("no EventID or address"));
        }
        if known.len() >= MAX_EVENTS_PER_EUICC {
            return Err(Refusal::ExecutionError.because("too many events for this eUICC"));
        }
        let forwards = request.forwarding_indicator && self.root.is_some();
        let forwarded = forwards.then(|| Forwarded {
            event_id: random_name(cx),
            call: random_name(cx),
            known: false,
        });
        Ok(self.registration(Event {
            eid: request.eid,
            event_id: request.event_id.clone(),
            rsp_server_address: request.rsp_server_address.clone(),
            registrant: registrant.into(),
            call: request.header.function_call_identifier.clone(),
            forwarded,
            registered: cx.now,
        }))
    }

    fn registration(&self, event: Event) -> Registration {
        let waits = |forwarded: &&Forwarded| !forwarded.known;
        let forwarded = event.forwarded.as_ref().filter(waits);
        let forward = forwarded.and_then(|forwarded| self.forward_registration(&event, forwarded));
        Registration { event, forward }
    }
}

/// Whether the call is one that was executed before, or was cut off.
fn is_same(event: &Event, request: &RegisterEvent, registrant: &str) -> bool {
    let same_call = !event.call.is_empty() && event.call == request.header.function_call_identifier;
    let waits = event.forwarded.as_ref().is_some_and(|at| !at.known);
    event.registrant == registrant
        && event.event_id == request.event_id
        && event.rsp_server_address == request.rsp_server_address
        && (same_call || waits)
}

/// 32 hexadecimal digits.
fn random_name(cx: &mut Context<'_>) -> String {
    use core::fmt::Write;
    let mut name = String::new();
    for octet in cx.random::<16>() {
        let _ = write!(name, "{octet:02X}");
    }
    name
}
