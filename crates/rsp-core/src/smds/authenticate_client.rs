//! ES11.AuthenticateClient (SGP.22 5.8.2, 3.6.2): the events of an eUICC.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, TransactionId};

use super::{Event, Refusal, Rejected, Session, Smds};
use crate::binding::es9plus_json::AuthenticateClientRequest;
use crate::binding::es11::{AuthenticateClientOk, EventEntry};
use crate::binding::redacted;
use crate::{Codes, Context};

/// An eUICC whose chain and signature were verified, on its way to its events.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticatedClient {
    transaction_id: TransactionId,
    eid: Eid,
    event_id: Option<String>,
}

impl fmt::Debug for AuthenticatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatedClient")
            .field("transaction_id", &self.transaction_id)
            .field("eid", &self.eid)
            .field("event_id", &redacted(&self.event_id))
            .finish()
    }
}

impl Session {
    /// Verifies the eUICC.
    ///
    /// # Errors
    /// If the session awaits nothing more; if certificates, signature or
    /// challenge are wrong, the eUICC is under another CI than was asked for,
    /// or it answered with an error.
    pub fn authenticate(
        &self,
        request: &AuthenticateClientRequest,
        smds: &Smds,
        cx: &Context<'_>,
    ) -> Result<AuthenticatedClient, Rejected> {
        let Session::AwaitAuthenticateClient(state) = self else {
            return Err(Refusal::UnknownTransaction.because("the session has ended"));
        };
        let euicc = state.verify(request, &smds.anchors, cx)?;
        Ok(AuthenticatedClient {
            transaction_id: state.transaction_id.clone(),
            eid: euicc.eid,
            event_id: euicc.matching_id,
        })
    }
}

impl AuthenticatedClient {
    /// The eUICC.
    pub fn eid(&self) -> Eid {
        self.eid
    }

    /// Answers with the events of the eUICC: with the one that it asks for, or
    /// with all. The session is over.
    ///
    /// # Errors
    /// If it asks for one that there is not.
    pub fn answer(self, events: &[Event]) -> Result<(Session, AuthenticateClientOk), Rejected> {
        let asked = self.event_id.as_deref();
        let meant = |event: &&Event| asked.is_none_or(|id| event.is_called(id));
        let event_entries: Vec<_> = events.iter().filter(meant).map(entry).collect();
        if asked.is_some() && event_entries.is_empty() {
            return Err(Refusal::UnknownEvent.into());
        }
        let reply = AuthenticateClientOk {
            transaction_id: self.transaction_id,
            event_entries,
        };
        Ok((Session::Ended, reply))
    }
}

fn entry(event: &Event) -> EventEntry {
    EventEntry {
        event_id: event.event_id.clone(),
        rsp_server_address: event.rsp_server_address.clone(),
    }
}
