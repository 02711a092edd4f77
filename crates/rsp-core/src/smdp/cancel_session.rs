//! ES9+.CancelSession (SGP.22 5.6.5, 3.0.2).

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{CancelSessionReason, CancelSessionResponse, CancelSessionResponseOk};
use rsp_crypto::{PublicKey, Signature};

use super::authenticate_client::compact;
use super::progress::{Passed, cancellation_point, cancelled};
use super::{Order, OrderEnd, OrderEvent, Refusal, Rejected, Session, Smdp, Step};
use crate::binding::es9plus_json::CancelSessionRequest;
use crate::binding::json::Empty;
use crate::{Codes, Context};

/// What a cancellation is measured against.
struct Cancellable<'a> {
    transaction_id: &'a TransactionId,
    eid: Eid,
    generation: u32,
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
    ) -> Result<Step<Empty>, Rejected> {
        let session = self.cancellable();
        let session =
            session.ok_or(Refusal::UnknownTransaction.because("nothing to cancel yet"))?;
        let ok = match &request.cancel_session_response {
            CancelSessionResponse::Ok(ok) => ok,
            CancelSessionResponse::CompactOk(_) => return Err(compact()),
            CancelSessionResponse::Error(error) => {
                let detail = alloc::format!("CancelSession failed: {error}");
                return Err(Refusal::EuiccError.because(detail));
            }
        };
        session.verify(ok, cx)?;
        let signed = &ok.euicc_cancel_session_signed;
        if signed.transaction_id != *session.transaction_id {
            return Err(Refusal::UnknownTransaction.because("in euiccCancelSessionSigned"));
        }
        if signed.smdp_oid != smdp.oid {
            let detail = alloc::format!("{} in place of {}", signed.smdp_oid, smdp.oid);
            return Err(Refusal::WrongSmdpOid.because(detail));
        }
        let mut step = Step::done(Session::Ended, Empty {});
        if let Some(order) = session.cancelled_order(order, signed.reason) {
            let passed = Passed {
                transaction_id: session.transaction_id,
                eid: session.eid,
                now: cx.now,
            };
            let point = cancellation_point(signed.reason);
            step.progress = passed.at(point, Some(cancelled(signed.reason)), &order, smdp);
            step.order = Some(order);
        }
        Ok(step)
    }

    fn cancellable(&self) -> Option<Cancellable<'_>> {
        match self {
            Session::AwaitAuthenticateClient(_) | Session::Ended => None,
            Session::AwaitGetBoundProfilePackage(state) => Some(Cancellable {
                transaction_id: &state.transaction_id,
                eid: state.eid,
                generation: state.generation,
                euicc_key: &state.euicc_key,
            }),
            Session::AwaitInstallationResult(state) => Some(Cancellable {
                transaction_id: &state.transaction_id,
                eid: state.eid,
                generation: state.generation,
                euicc_key: &state.euicc_key,
            }),
        }
    }
}

impl Cancellable<'_> {
    fn verify(&self, ok: &CancelSessionResponseOk, cx: &Context<'_>) -> Result<(), Rejected> {
        let wrong = |error| Refusal::EuiccSignatureInvalid.because(error);
        let key = PublicKey::from_spki_der(self.euicc_key).map_err(wrong)?;
        let signature = Signature::from_slice(&ok.euicc_cancel_session_signature).map_err(wrong)?;
        let signed = ok.euicc_cancel_session_signed.as_bytes();
        let verified = cx.crypto.verify(&key, &[signed], &signature);
        verified.map_err(wrong)
    }

    /// The order after the cancellation; `None` if this session has no say in
    /// it any more.
    fn cancelled_order(&self, order: Order, reason: CancelSessionReason) -> Option<Order> {
        if !order.is_open_to(self.eid, self.generation) {
            return None;
        }
        match reason {
            CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT => {
                order.after(OrderEvent::Postponed)
            }
            _ => order.ended(OrderEnd::Cancelled),
        }
    }
}
