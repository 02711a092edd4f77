//! ES15: what an alternative SM-DS tells the root SM-DS (SGP.22 3.6.1, 3.6.3).

use alloc::string::{String, ToString};

use rsp_asn1::ids::Eid;

use super::{Event, Forwarded, Refusal, Rejected, Smds};
use crate::Codes;
use crate::binding::es2plus_json::RequestHeader;
use crate::binding::es12_json::{self, DeleteEvent, RegisterEvent};
use crate::binding::{BindingError, HttpRequest, HttpResponse};

/// A message to the root SM-DS. Its answer decides how the function that it
/// comes from ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The root SM-DS: host name, with a port if it is not 443.
    pub address: String,
    /// The message.
    pub request: HttpRequest,
    /// Whether it registers an event there; otherwise it deletes one.
    pub registers: bool,
    /// The eUICC of the event.
    pub eid: Eid,
    /// The EventID here.
    event_id: String,
}

impl Forward {
    /// Whether it is about this event.
    pub fn is_about(&self, event: &Event) -> bool {
        self.eid == event.eid && self.event_id == event.event_id
    }

    /// What the root SM-DS answered, or why there is no answer.
    ///
    /// # Errors
    /// If it refused, or was out of reach. Out of reach it may have executed
    /// the function all the same.
    pub fn outcome(&self, answer: Result<HttpResponse, String>) -> Result<(), Rejected> {
        let response = answer.map_err(|error| Refusal::RootInaccessible.because(error))?;
        match es12_json::executed(self.registers, &response) {
            Err(BindingError::Status { status, .. }) if status >= 500 => {
                Err(Refusal::RootInaccessible.because(status))
            }
            Err(error) => Err(Refusal::ExecutionError.because(error)),
            Ok(()) => Ok(()),
        }
    }
}

impl Smds {
    pub(super) fn forward_registration(&self, event: &Event, at: &Forwarded) -> Option<Forward> {
        let message = RegisterEvent {
            header: self.header(at.call.clone()),
            eid: event.eid,
            rsp_server_address: self.address.clone(),
            event_id: at.event_id.clone(),
            forwarding_indicator: false,
        };
        self.forward(event, true, es12_json::encode_es15(&message))
    }

    pub(super) fn forward_deletion(&self, event: &Event, at: &Forwarded) -> Option<Forward> {
        let message = DeleteEvent {
            header: self.header(at.call.clone()),
            eid: event.eid,
            event_id: at.event_id.clone(),
        };
        self.forward(event, false, es12_json::encode_es15(&message))
    }

    /// `None` without a root SM-DS: it was one when the event was registered.
    fn forward(
        &self,
        event: &Event,
        registers: bool,
        request: Result<HttpRequest, BindingError>,
    ) -> Option<Forward> {
        Some(Forward {
            address: self.root.clone()?,
            request: request.ok()?,
            registers,
            eid: event.eid,
            event_id: event.event_id.clone(),
        })
    }

    fn header(&self, function_call_identifier: String) -> RequestHeader {
        RequestHeader {
            function_requester_identifier: self.oid.to_string(),
            function_call_identifier,
        }
    }
}
