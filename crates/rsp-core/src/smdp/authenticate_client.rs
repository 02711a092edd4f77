//! ES9+.AuthenticateClient (SGP.22 5.6.3, 3.1.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{SmdpSigned2, StoreMetadataRequest, SubjectKeyIdentifier};
use rsp_asn1::{Asn1, Extensions, Signed, Tag, Writer};
use rsp_crypto::PublicKey;

use super::eligibility::Client;
use super::progress::Passed;
use super::{
    AwaitAuthenticateClient, AwaitGetBoundProfilePackage, Delivery, Order, OrderEnd, Refusal,
    Rejected, Session, Smdp, Step,
};
use crate::binding::es2plus_json::NotificationPoint;
use crate::binding::es9plus_json::{AuthenticateClientOk, AuthenticateClientRequest};
use crate::binding::redacted;
use crate::{Codes, Context};

/// By what the order of a download is found.
#[derive(Clone, PartialEq, Eq)]
pub enum OrderKey {
    /// The MatchingID of an activation code or event.
    MatchingId(String),
    /// No MatchingID: an order bound to this eUICC.
    Eid(Eid),
}

impl fmt::Debug for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderKey::MatchingId(_) => f.write_str("MatchingId([redacted])"),
            OrderKey::Eid(eid) => f.debug_tuple("Eid").field(eid).finish(),
        }
    }
}

/// An eUICC whose chain and signature were verified, on its way to an order.
#[derive(Clone)]
pub struct AuthenticatedClient {
    transaction_id: TransactionId,
    eid: Eid,
    /// CI of the certificates that this server shows.
    server_ci: SubjectKeyIdentifier,
    public_key: PublicKey,
    euicc_signature1: Vec<u8>,
    matching_id: Option<String>,
    said: Client,
}

impl fmt::Debug for AuthenticatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatedClient")
            .field("transaction_id", &self.transaction_id)
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .finish_non_exhaustive()
    }
}

impl AwaitAuthenticateClient {
    /// Verifies the eUICC.
    ///
    /// # Errors
    /// If certificates, signature or challenge are wrong, the eUICC is under
    /// another CI than was asked for, or it answered with an error.
    pub fn authenticate(
        &self,
        request: &AuthenticateClientRequest,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<AuthenticatedClient, Rejected> {
        let euicc = self.verify(request, &smdp.anchors, cx)?;
        Ok(AuthenticatedClient {
            transaction_id: self.transaction_id.clone(),
            eid: euicc.eid,
            server_ci: self.server_ci.clone(),
            public_key: euicc.public_key,
            euicc_signature1: euicc.signature1,
            matching_id: euicc.matching_id,
            said: Client {
                info: euicc.info,
                device: euicc.device,
            },
        })
    }
}

impl AuthenticatedClient {
    /// By what the caller finds the order.
    pub fn order_key(&self) -> OrderKey {
        match &self.matching_id {
            Some(matching_id) => OrderKey::MatchingId(matching_id.clone()),
            None => OrderKey::Eid(self.eid),
        }
    }

    /// Offers the profile of the order, and counts the attempt. A refusal that
    /// ends the order, or that its operator is told of, is the reply of the
    /// step.
    ///
    /// # Errors
    /// If there is no order, or it is for another eUICC or not released.
    pub fn offer(
        self,
        found: Option<Delivery>,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<AuthenticateClientOk>, Rejected> {
        let delivery = found.ok_or(match self.matching_id {
            Some(_) => Refusal::MatchingIdRefused,
            None => Refusal::EidMismatch,
        })?;
        let order = &delivery.order;
        order.check_eligible(self.eid)?;
        if order.is_expired(cx.now) {
            return self.end(delivery.order, OrderEnd::Expired, smdp, cx);
        }
        let limits = smdp.policy.of_type(&delivery.material.settings);
        if order.attempts >= limits.max_attempts {
            return self.end(delivery.order, OrderEnd::Attempts, smdp, cx);
        }
        let fits = delivery.material.check_fits(&self.said);
        let metadata = fits.and_then(|()| {
            let metadata = delivery.material.metadata(&smdp.address);
            metadata.map_err(|error| Refusal::NoEligibleProfile.because(error))
        });
        match metadata {
            Ok(metadata) => self.offered(delivery, metadata, smdp, cx),
            Err(rejected) => {
                let point = NotificationPoint::ELIGIBILITY;
                let refusal = rejected.refusal;
                Ok(Step {
                    progress: self.passed(cx).refused_at(point, refusal, order, smdp),
                    ..Step::refused(Session::Ended, rejected)
                })
            }
        }
    }

    /// The order cannot be downloaded any more.
    fn end(
        &self,
        order: Order,
        why: OrderEnd,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<AuthenticateClientOk>, Rejected> {
        let refusal = match why {
            OrderEnd::Expired => Refusal::OrderExpired,
            _ => Refusal::TooManyAttempts,
        };
        let order = order.ended(why).ok_or(refusal)?;
        let point = NotificationPoint::ELIGIBILITY;
        Ok(Step {
            progress: self.passed(cx).refused_at(point, refusal, &order, smdp),
            order: Some(order),
            ..Step::refused(Session::Ended, refusal.into())
        })
    }

    fn offered(
        &self,
        delivery: Delivery,
        profile_metadata: StoreMetadataRequest,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<AuthenticateClientOk>, Rejected> {
        let order = delivery.order;
        let order = Order {
            attempts: order.attempts.saturating_add(1),
            ..order
        };
        let kept = delivery.kept.filter(|kept| {
            kept.generation == order.generation
                && kept.eid == self.eid
                && kept.server_ci == self.server_ci
        });
        let smdp_signed2 = Signed::new(SmdpSigned2 {
            transaction_id: self.transaction_id.clone(),
            cc_required_flag: order.needs_confirmation(),
            bpp_euicc_otpk: kept.map(|kept| kept.euicc_otpk),
            extensions: Extensions::default(),
        });
        let euicc_signature1 = signature_object(&self.euicc_signature1);
        let set = smdp.identity(&self.server_ci);
        let pb = &set.ok_or(Refusal::BindingFailed)?.pb;
        let signature = pb
            .key
            .sign(&[smdp_signed2.as_bytes(), &euicc_signature1])
            .map_err(|error| Refusal::BindingFailed.because(error))?;
        let point = NotificationPoint::ELIGIBILITY;
        Ok(Step {
            session: Session::AwaitGetBoundProfilePackage(AwaitGetBoundProfilePackage {
                transaction_id: self.transaction_id.clone(),
                eid: self.eid,
                iccid: order.iccid,
                generation: order.generation,
                server_ci: self.server_ci.clone(),
                euicc_key: self.public_key.to_spki_der(),
                smdp_signature2: signature.as_bytes().to_vec(),
            }),
            progress: self.passed(cx).at(point, None, &order, smdp),
            order: Some(order),
            kept: None,
            reply: Ok(AuthenticateClientOk {
                transaction_id: self.transaction_id.clone(),
                profile_metadata,
                smdp_signed2,
                smdp_signature2: signature.as_bytes().to_vec(),
                smdp_certificate: pb.certificate.clone(),
            }),
        })
    }

    fn passed<'a>(&'a self, cx: &Context<'_>) -> Passed<'a> {
        Passed {
            transaction_id: &self.transaction_id,
            eid: self.eid,
            now: cx.now,
        }
    }
}

/// The compact forms are between IPA and eIM: what the eUICC signed is not all
/// in them.
pub(super) fn compact() -> Rejected {
    Refusal::EuiccSignatureInvalid.because("a compact form of ESipa")
}

/// A signature in its data object: chained signatures are over '5F37 40 …'.
pub(super) fn signature_object(signature: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    signature.to_vec().encode_tagged(Tag::new(0x5F37), &mut out);
    out.into_bytes()
}
