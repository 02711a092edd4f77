//! ES9+.CancelSession (SGP.22 5.6.5, 3.0.2).

use rsp_asn1::rsp::{CancelSessionReason, CancelSessionResponse};
use rsp_crypto::{PublicKey, Signature};

use super::{AwaitGetBoundProfilePackage, Order, OrderState, Refusal, Session, Smdp, Step};
use crate::Context;
use crate::binding::es9plus_json::CancelSessionRequest;
use crate::binding::json::Empty;

impl AwaitGetBoundProfilePackage {
    /// Ends the session; the reason decides whether the order can be used
    /// again.
    ///
    /// # Errors
    /// If the eUICC's signature is wrong or it cancelled another session.
    pub fn cancel_session(
        &self,
        request: &CancelSessionRequest,
        order: Order,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<Empty>, Refusal> {
        let CancelSessionResponse::Ok(ok) = &request.cancel_session_response else {
            return Err(Refusal::EuiccError);
        };
        let wrong = |_| Refusal::EuiccSignatureInvalid;
        let key = PublicKey::from_spki_der(&self.euicc_key).map_err(wrong)?;
        let signature = Signature::from_slice(&ok.euicc_cancel_session_signature).map_err(wrong)?;
        let signed = &ok.euicc_cancel_session_signed;
        let verified = cx.crypto.verify(&key, &[signed.as_bytes()], &signature);
        verified.map_err(wrong)?;
        if signed.transaction_id != self.transaction_id {
            return Err(Refusal::UnknownTransaction);
        }
        if signed.smdp_oid != smdp.oid {
            return Err(Refusal::WrongSmdpOid);
        }
        let may_retry = matches!(
            signed.reason,
            CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT
        );
        let state = if may_retry {
            order.state
        } else {
            OrderState::Error
        };
        Ok(Step {
            session: Session::Ended,
            order: Some(Order { state, ..order }),
            reply: Empty {},
        })
    }
}
