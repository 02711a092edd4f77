//! ES9+.HandleNotification (SGP.22 5.6.4).

use rsp_asn1::rsp::{FinalResult, PendingNotification, ProfileInstallationResult};
use rsp_crypto::{PublicKey, Signature};

use super::{AwaitInstallationResult, Order, OrderState, Session, Smdp, Step};
use crate::Context;
use crate::pki::verify_euicc_chain;

/// What a notification turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The eUICC's signature was verified.
    Verified,
    /// The signature is wrong: nothing was changed.
    Unverified,
}

impl AwaitInstallationResult {
    /// Takes the installation result over.
    ///
    /// A result with a wrong signature changes nothing; there is no error
    /// answer to a notification.
    pub fn installation_result(
        &self,
        result: &ProfileInstallationResult,
        order: Order,
        cx: &Context<'_>,
    ) -> Step<Received> {
        let data = &result.profile_installation_result_data;
        let unchanged = Step {
            session: Session::AwaitInstallationResult(self.clone()),
            order: None,
            reply: Received::Unverified,
        };
        let Ok(key) = PublicKey::from_spki_der(&self.euicc_key) else {
            return unchanged;
        };
        let signed = data.as_bytes();
        if data.transaction_id != self.transaction_id
            || !is_signed_by(&key, signed, &result.euicc_sign_pir, cx)
        {
            return unchanged;
        }
        let state = match data.final_result {
            FinalResult::Success(_) => OrderState::Installed,
            FinalResult::Error(_) => OrderState::Error,
        };
        Step {
            session: Session::Ended,
            order: Some(Order { state, ..order }),
            reply: Received::Verified,
        }
    }
}

impl Smdp {
    /// Verifies a notification of another kind: enable, disable or delete.
    pub fn other_notification(
        &self,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Received {
        let PendingNotification::Other(other) = notification else {
            return Received::Unverified;
        };
        let (eum, euicc) = (&other.eum_certificate, &other.euicc_certificate);
        let chain = verify_euicc_chain(eum, euicc, &self.anchors, cx.now, cx.crypto);
        let signed = other.tbs_other_notification.as_bytes();
        let signature = &other.euicc_notification_signature;
        match chain {
            Ok(euicc) if is_signed_by(&euicc.public_key, signed, signature, cx) => {
                Received::Verified
            }
            _ => Received::Unverified,
        }
    }
}

fn is_signed_by(key: &PublicKey, signed: &[u8], signature: &[u8], cx: &Context<'_>) -> bool {
    Signature::from_slice(signature)
        .and_then(|signature| cx.crypto.verify(key, &[signed], &signature))
        .is_ok()
}
