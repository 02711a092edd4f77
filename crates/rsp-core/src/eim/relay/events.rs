//! ESipa.AuthenticateClient and ES11'.AuthenticateClient (SGP.32 3.9.2.2,
//! 5.14.3): the events that an SM-DS has for the eUICC. The IPA is sent to the
//! first; for each other one a download of its own follows.

use alloc::vec::Vec;

use rsp_asn1::Extensions;
use rsp_asn1::sgp32::{
    AuthenticateClientOkDsEsipa, AuthenticateClientResponseEsipa, EsipaMessageFromEimToIpa,
    ProfileDownloadTriggerRequest,
};

use super::{Refused, RelaySession, RelayState, Relayed};
use crate::Context;
use crate::binding::es11::EventEntry;
use crate::binding::esipa::Function;
use crate::binding::{HttpResponse, es9plus_client};
use crate::eim::package::{activation_code, at_event};
use crate::eim::{Eim, Note, Operation, OperationId};
use crate::ipa::ActivationCode;

const FUNCTION: Function = Function::AuthenticateClient;

/// Events that are followed at most: what an SM-DS answers must not keep a
/// device busy for ever.
const MAX_EVENTS: usize = 16;

impl Eim {
    /// Sends the IPA to where the first event leads. That nothing waits leaves
    /// it open how the download ends: what an earlier try did, the eUICC tells.
    ///
    /// # Errors
    /// What the IPA is answered instead.
    pub(super) fn relay_events(
        &self,
        operation: &Operation,
        session: &RelaySession,
        response: &HttpResponse,
        cx: &mut Context<'_>,
    ) -> Result<Relayed, Refused> {
        let found = es9plus_client::events(session.wire, response);
        let found = found.map_err(|error| Refused::of(FUNCTION, error))?;
        if found.transaction_id != session.transaction_id {
            let because = "the answer is of another session";
            return Err(Refused::undefined(FUNCTION, because));
        }
        let note = Note::EventsFound {
            operation: operation.id.clone(),
            smds: session.smdp_address.clone(),
            events: found.event_entries.len(),
        };
        let (operations, trigger) = lead(operation, found.event_entries, cx)?;
        let ok = AuthenticateClientOkDsEsipa {
            transaction_id: found.transaction_id,
            profile_download_trigger: trigger,
            extensions: Extensions::default(),
        };
        let reply = AuthenticateClientResponseEsipa::OkDs(ok);
        Ok(Relayed {
            session: RelaySession {
                state: RelayState::Nothing,
                ..session.clone()
            },
            operations,
            notes: alloc::vec![note],
            reply: EsipaMessageFromEimToIpa::AuthenticateClientResponse(reply),
        })
    }
}

/// The download at its event, those that follow it, and what the IPA is told.
fn lead(
    operation: &Operation,
    entries: Vec<EventEntry>,
    cx: &mut Context<'_>,
) -> Result<(Vec<Operation>, Option<ProfileDownloadTriggerRequest>), Refused> {
    let Some((transaction, _)) = operation.sent() else {
        let because = "the download has ended";
        return Err(Refused::undefined(FUNCTION, because));
    };
    let mut entries: Vec<_> = entries.into_iter().filter(is_event).collect();
    entries.truncate(MAX_EVENTS);
    // Tried again, a download stays with its event: the others have their own.
    let before = operation.event.as_ref();
    let same = entries.iter().position(|entry| Some(entry) == before);
    if entries.is_empty() {
        let unknown = Operation {
            since: cx.now,
            ..operation.outcome_unknown("no event waits at the SM-DS")
        };
        return Ok((alloc::vec![unknown], None));
    }
    let event = entries.swap_remove(same.unwrap_or(0));
    let data = at_event(&event).map_err(|because| Refused::undefined(FUNCTION, because))?;
    let trigger = ProfileDownloadTriggerRequest {
        profile_download_data: Some(data),
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    };
    let others = entries.into_iter().filter(|_| before.is_none());
    let others: Vec<_> = others
        .map(|entry| following(operation, entry, cx))
        .collect();
    let led = Operation {
        event: Some(event),
        ..operation.clone()
    };
    Ok((core::iter::once(led).chain(others).collect(), Some(trigger)))
}

fn following(operation: &Operation, event: EventEntry, cx: &mut Context<'_>) -> Operation {
    let id = OperationId::new(cx);
    Operation {
        event: Some(event),
        confirmation_code: operation.confirmation_code.clone(),
        ..Operation::queued(id, operation.eid, operation.kind.clone(), cx.now)
    }
}

/// Whether an event can be followed: it makes an activation code, which says the
/// same.
fn is_event(entry: &EventEntry) -> bool {
    let code = activation_code(entry);
    let same = |code: ActivationCode| {
        code.smdp_address == entry.rsp_server_address && code.matching_id == entry.event_id
    };
    code.len() <= 255 && code.parse().is_ok_and(same)
}
