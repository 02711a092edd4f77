//! ES9+.HandleNotification (SGP.22 5.6.4).

use alloc::format;
use alloc::string::ToString;

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{
    ErrorReason, ErrorResult, FinalResult, OtherSignedNotification, ProfileInstallationResult,
};
use rsp_crypto::{PublicKey, Signature};

use super::progress::{Passed, notified};
use super::{AwaitInstallationResult, Order, OrderEnd, OrderEvent, Progress, Session, Smdp, Step};
use crate::binding::StatusCodeData;
use crate::binding::json::Empty;
use crate::pki::verify_euicc_chain;
use crate::{Context, Timestamp};

/// A notification whose signature cannot be verified: nothing is changed, and
/// the eUICC keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not executed: the signature of the notification cannot be verified")]
pub struct Unverified;

impl AwaitInstallationResult {
    /// Takes the installation result over. An order that has gone on without
    /// this session stays as it is; an error never undoes an installation, and
    /// a success is believed however late it comes.
    ///
    /// # Errors
    /// If the eUICC did not sign it in this session.
    pub fn installation_result(
        &self,
        result: &ProfileInstallationResult,
        order: Order,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<Empty>, Unverified> {
        let data = &result.profile_installation_result_data;
        let key = PublicKey::from_spki_der(&self.euicc_key).map_err(|_| Unverified)?;
        let signed = is_signed_by(&key, data.as_bytes(), &result.euicc_sign_pir, cx);
        if !signed || data.transaction_id != self.transaction_id {
            return Err(Unverified);
        }
        let failure = match &data.final_result {
            FinalResult::Success(_) => None,
            FinalResult::Error(error) => Some(installation_failed(error)),
        };
        let mut step = Step::done(Session::Ended, Empty {});
        if let Some(order) = self.settled(order, &data.final_result) {
            let passed = Passed {
                transaction_id: &self.transaction_id,
                eid: self.eid,
                now: cx.now,
            };
            step.progress = passed.installed(result, failure, &order, smdp);
            step.order = Some(order);
        }
        Ok(step)
    }

    /// The order after the result; `None` if it has gone on without this
    /// session.
    fn settled(&self, order: Order, result: &FinalResult) -> Option<Order> {
        if order.generation != self.generation || order.delivered_to_other(self.eid) {
            return None;
        }
        match result {
            FinalResult::Success(_) => Some(Order {
                delivered_to: Some(self.eid),
                ..order.after(OrderEvent::Installed)?
            }),
            FinalResult::Error(_) if !order.is_delivered_to(self.eid) => None,
            FinalResult::Error(error) if is_passing(error) => order.after(OrderEvent::Postponed),
            FinalResult::Error(_) => order.ended(OrderEnd::Installation),
        }
    }
}

/// Whether nothing but the circumstances was wrong, as when the eUICC lost
/// power: the eUICC has nothing of the profile, and may try again.
fn is_passing(error: &ErrorResult) -> bool {
    error.error_reason == ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION
}

/// A failed installation as a status (SGP.22 5.3.5).
fn installation_failed(error: &ErrorResult) -> StatusCodeData {
    let (command, reason) = (error.bpp_command_id, error.error_reason);
    StatusCodeData {
        subject_code: "8.2".to_string(),
        reason_code: "4.2".to_string(),
        subject_identifier: None,
        message: Some(format!("{command}: {reason}")),
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

    /// What the operator is told of a notification that was verified to be of
    /// this eUICC; `None` if it is not about the profile of this order there.
    pub fn other_progress(
        &self,
        notification: &OtherSignedNotification,
        eid: Eid,
        order: &Order,
        now: Timestamp,
    ) -> Option<Progress> {
        let metadata = &notification.tbs_other_notification;
        notified(metadata, eid, now, order, self)
    }
}

fn is_signed_by(key: &PublicKey, signed: &[u8], signature: &[u8], cx: &Context<'_>) -> bool {
    Signature::from_slice(signature)
        .and_then(|signature| cx.crypto.verify(key, &[signed], &signature))
        .is_ok()
}
