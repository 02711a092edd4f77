//! ES9+.HandleNotification (SGP.22 5.6.4).

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{FinalResult, OtherSignedNotification, ProfileInstallationResult};
use rsp_crypto::{PublicKey, Signature};

use super::{AwaitInstallationResult, Order, OrderState, Session, Smdp, Step};
use crate::Context;
use crate::binding::json::Empty;
use crate::pki::verify_euicc_chain;

/// A notification whose signature cannot be verified: nothing is changed, and
/// the eUICC keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not executed: the signature of the notification cannot be verified")]
pub struct Unverified;

impl AwaitInstallationResult {
    /// Takes the installation result over. An order that has gone on without
    /// this session stays as it is; an error never undoes an installation.
    ///
    /// # Errors
    /// If the eUICC did not sign it in this session.
    pub fn installation_result(
        &self,
        result: &ProfileInstallationResult,
        order: Order,
        cx: &Context<'_>,
    ) -> Result<Step<Empty>, Unverified> {
        let data = &result.profile_installation_result_data;
        let key = PublicKey::from_spki_der(&self.euicc_key).map_err(|_| Unverified)?;
        let signed = is_signed_by(&key, data.as_bytes(), &result.euicc_sign_pir, cx);
        if !signed || data.transaction_id != self.transaction_id {
            return Err(Unverified);
        }
        let state = match data.final_result {
            FinalResult::Success(_) => OrderState::Installed,
            FinalResult::Error(_) => OrderState::Error,
        };
        let awaited = order.is_delivered_to(self.eid);
        Ok(Step {
            session: Session::Ended,
            order: awaited.then_some(Order { state, ..order }),
            reply: Empty {},
        })
    }
}

impl Smdp {
    /// Verifies a notification of another kind, enable, disable or delete;
    /// gives the eUICC that it is from.
    ///
    /// # Errors
    /// If certificates or signature do not fit.
    pub fn other_notification(
        &self,
        notification: &OtherSignedNotification,
        cx: &Context<'_>,
    ) -> Result<Eid, Unverified> {
        let eum = &notification.eum_certificate;
        let euicc = &notification.euicc_certificate;
        let euicc = verify_euicc_chain(eum, euicc, &self.anchors, cx.now, cx.crypto)
            .map_err(|_| Unverified)?;
        let signed = notification.tbs_other_notification.as_bytes();
        let signature = &notification.euicc_notification_signature;
        match is_signed_by(&euicc.public_key, signed, signature, cx) {
            true => Ok(euicc.eid),
            false => Err(Unverified),
        }
    }
}

fn is_signed_by(key: &PublicKey, signed: &[u8], signature: &[u8], cx: &Context<'_>) -> bool {
    Signature::from_slice(signature)
        .and_then(|signature| cx.crypto.verify(key, &[signed], &signature))
        .is_ok()
}
