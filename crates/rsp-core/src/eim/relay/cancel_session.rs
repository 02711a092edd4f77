//! ESipa.CancelSession and ES9+'.CancelSession (SGP.32 5.14.8).

use rsp_asn1::rsp::{
    CancelSessionOk, CancelSessionReason, CancelSessionResponse, CancelSessionServerError as Code,
};
use rsp_asn1::sgp32::{
    CancelSessionRequestEsipa, CancelSessionResponseEsipa, EsipaMessageFromEimToIpa,
};

use super::{Ask, Refused, RelaySession, RelayState, Relayed};
use crate::Context;
use crate::binding::es9plus::Request;
use crate::binding::es9plus_json::CancelSessionRequest;
use crate::binding::esipa::Function;
use crate::binding::{HttpResponse, es9plus_client};
use crate::eim::{Eim, EuiccRecord, Operation};

const FUNCTION: Function = Function::CancelSession;

impl Eim {
    /// Checks that the eUICC is that of the session and asks the SM-DP+.
    ///
    /// # Errors
    /// What the IPA is answered at once.
    pub fn relay_cancel_session(
        &self,
        record: &EuiccRecord,
        session: &RelaySession,
        request: &CancelSessionRequestEsipa,
        cx: &Context<'_>,
    ) -> Result<Ask, Refused> {
        // An SM-DS has no such function.
        if matches!(
            session.state,
            RelayState::Nothing | RelayState::AuthenticateClientAtSmds
        ) {
            return Err(Refused::unknown_transaction(FUNCTION));
        }
        let response = session.whole_cancel_response(&request.cancel_session_response)?;
        if let CancelSessionResponse::Ok(ok) = &response
            && !self.lab.accepts_unverified(session.eid)
        {
            let signed = [ok.euicc_cancel_session_signed.as_bytes()];
            let signature = &ok.euicc_cancel_session_signature;
            let is_own = session.has_signed(&signed, signature, cx)
                || record.verify_cancellation(ok, cx).is_ok();
            if !is_own {
                let because = "the eUICC of the session did not sign this";
                return Err(Refused::new(
                    FUNCTION,
                    Code::EUICC_SIGNATURE_INVALID.0,
                    because,
                ));
            }
        }
        let message = Request::CancelSession(CancelSessionRequest {
            transaction_id: session.transaction_id.clone(),
            cancel_session_response: response,
        });
        Ask::new(self, &session.smdp_address, session.wire, FUNCTION, message)
    }

    /// Ends the session, and the download, unless the eUICC says that it is
    /// only put off.
    ///
    /// # Errors
    /// What the IPA is answered instead.
    pub fn relay_cancelled(
        &self,
        record: &EuiccRecord,
        operation: &Operation,
        session: &RelaySession,
        ask: &Ask,
        response: &HttpResponse,
        cx: &Context<'_>,
    ) -> Result<Relayed, Refused> {
        let cancelled = es9plus_client::cancelled(session.wire, response);
        cancelled.map_err(|error| Refused::of(FUNCTION, error))?;
        let mut ended = None;
        if let Request::CancelSession(request) = &ask.message
            && let CancelSessionResponse::Ok(ok) = &request.cancel_session_response
            && let Ok(cancelled) = record.believe_cancellation(ok, self, cx)
            && operation.sent().is_some()
        {
            let reason = cancelled.reason;
            let put_off = [CancelSessionReason::POSTPONED, CancelSessionReason::TIMEOUT];
            if !put_off.contains(&reason) {
                let failed =
                    operation.failed(alloc::format!("the download was cancelled: {reason}"));
                ended = Some(Operation {
                    unverified: cancelled.unproven().is_some(),
                    since: cx.now,
                    ..failed
                });
            }
        }
        let ok = CancelSessionOk {
            extensions: Default::default(),
        };
        let reply = CancelSessionResponseEsipa::Ok(ok);
        Ok(Relayed {
            session: RelaySession {
                state: RelayState::Nothing,
                ..session.clone()
            },
            operations: ended.into_iter().collect(),
            notes: alloc::vec::Vec::new(),
            reply: EsipaMessageFromEimToIpa::CancelSessionResponse(reply),
        })
    }
}
