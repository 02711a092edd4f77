//! ES9+.CancelSession (SGP.22 5.6.5, 3.0.2).

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{CancelSessionReason, CancelSessionResponse, CancelSessionResponseOk};
use rsp_crypto::{PublicKey, Signature};

use super::{Order, OrderState, Refusal, Session, Smdp, Step};
use crate::Context;
use crate::binding::es9plus_json::CancelSessionRequest;
use crate::binding::json::Empty;

/// What a cancellation is measured against.
struct Cancellable<'a> {
    transaction_id: &'a TransactionId,
    eid: Eid,
    euicc_key: &'a [u8],
}

impl Session {
    /// Ends the session, before or after the package was delivered. The reason
    /// decides whether the order can be used again; an order that has gone on
    /// without this session stays as it is.
    ///
    /// # Errors
    /// If the eUICC is not known yet, its signature is wrong, or it cancelled
    /// another session.
    pub fn cancel_session(
        &self,
        request: &CancelSessionRequest,
        order: Order,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<Empty>, Refusal> {
        let session = self.cancellable().ok_or(Refusal::UnknownTransaction)?;
        let CancelSessionResponse::Ok(ok) = &request.cancel_session_response else {
            return Err(Refusal::EuiccError);
        };
        session.verify(ok, cx)?;
        let signed = &ok.euicc_cancel_session_signed;
        if signed.transaction_id != *session.transaction_id {
            return Err(Refusal::UnknownTransaction);
        }
        if signed.smdp_oid != smdp.oid {
            return Err(Refusal::WrongSmdpOid);
        }
        let ends_order = !may_retry(signed.reason) && order.is_open_to(session.eid);
        Ok(Step {
            session: Session::Ended,
            order: ends_order.then_some(Order {
                state: OrderState::Error,
                ..order
            }),
            reply: Empty {},
        })
    }

    fn cancellable(&self) -> Option<Cancellable<'_>> {
        match self {
            Session::AwaitAuthenticateClient(_) | Session::Ended => None,
            Session::AwaitGetBoundProfilePackage(state) => Some(Cancellable {
                transaction_id: &state.transaction_id,
                eid: state.eid,
                euicc_key: &state.euicc_key,
            }),
            Session::AwaitInstallationResult(state) => Some(Cancellable {
                transaction_id: &state.transaction_id,
                eid: state.eid,
                euicc_key: &state.euicc_key,
            }),
        }
    }
}

impl Cancellable<'_> {
    fn verify(&self, ok: &CancelSessionResponseOk, cx: &Context<'_>) -> Result<(), Refusal> {
        let wrong = |_| Refusal::EuiccSignatureInvalid;
        let key = PublicKey::from_spki_der(self.euicc_key).map_err(wrong)?;
        let signature = Signature::from_slice(&ok.euicc_cancel_session_signature).map_err(wrong)?;
        let signed = ok.euicc_cancel_session_signed.as_bytes();
        let verified = cx.crypto.verify(&key, &[signed], &signature);
        verified.map_err(wrong)
    }
}

/// Whether the reason leaves the order as it was.
fn may_retry(reason: CancelSessionReason) -> bool {
    matches!(
        reason,
        CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT
    )
}
