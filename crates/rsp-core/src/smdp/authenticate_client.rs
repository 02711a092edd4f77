//! ES9+.AuthenticateClient (SGP.22 5.6.3, 3.1.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerResponse, CtxParams1, SmdpSigned2,
    SubjectKeyIdentifier,
};
use rsp_asn1::{Asn1, Extensions, Signed, Tag, Writer};
use rsp_crypto::{PublicKey, Signature};

use super::{
    AwaitAuthenticateClient, AwaitGetBoundProfilePackage, Order, ProfileMaterial, Refusal, Session,
    Smdp, Step,
};
use crate::Context;
use crate::binding::es9plus_json::{AuthenticateClientOk, AuthenticateClientRequest};
use crate::binding::redacted;
use crate::pki::verify_euicc_chain;

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
    public_key: PublicKey,
    euicc_signature1: Vec<u8>,
    matching_id: Option<String>,
    server_ci: SubjectKeyIdentifier,
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
    ) -> Result<AuthenticatedClient, Refusal> {
        if request.transaction_id != self.transaction_id {
            return Err(Refusal::UnknownTransaction);
        }
        let AuthenticateServerResponse::Ok(ok) = &request.authenticate_server_response else {
            return Err(Refusal::EuiccError);
        };
        let euicc = verify_euicc_chain(
            &ok.eum_certificate,
            &ok.euicc_certificate,
            &smdp.anchors,
            cx.now,
            cx.crypto,
        )?;
        if euicc.ci_key_identifier != self.ci_key_identifier {
            return Err(Refusal::UnknownCi);
        }
        self.verify_signature(ok, &euicc.public_key, cx)?;
        let CtxParams1::CommonAuthentication(params) = &ok.euicc_signed1.ctx_params1;
        Ok(AuthenticatedClient {
            transaction_id: self.transaction_id.clone(),
            eid: euicc.eid,
            public_key: euicc.public_key,
            euicc_signature1: ok.euicc_signature1.clone(),
            matching_id: params.matching_id.clone().filter(|id| !id.is_empty()),
            server_ci: self.server_ci.clone(),
        })
    }

    fn verify_signature(
        &self,
        ok: &AuthenticateResponseOk,
        key: &PublicKey,
        cx: &Context<'_>,
    ) -> Result<(), Refusal> {
        let wrong = |_| Refusal::EuiccSignatureInvalid;
        let signature = Signature::from_slice(&ok.euicc_signature1).map_err(wrong)?;
        let signed = ok.euicc_signed1.as_bytes();
        cx.crypto
            .verify(key, &[signed], &signature)
            .map_err(wrong)?;
        if ok.euicc_signed1.server_challenge != self.server_challenge {
            return Err(Refusal::EuiccSignatureInvalid);
        }
        if ok.euicc_signed1.transaction_id != self.transaction_id {
            return Err(Refusal::UnknownTransaction);
        }
        Ok(())
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

    /// Offers the profile of the order.
    ///
    /// # Errors
    /// If there is no order, it is for another eUICC or not released.
    pub fn offer(
        self,
        order: Option<(Order, ProfileMaterial)>,
        smdp: &Smdp,
    ) -> Result<Step<AuthenticateClientOk>, Refusal> {
        let (order, material) = order.ok_or(match self.matching_id {
            Some(_) => Refusal::MatchingIdRefused,
            None => Refusal::EidMismatch,
        })?;
        order.check_eligible(self.eid)?;
        let metadata = material.metadata(&smdp.address);
        let metadata = metadata.map_err(|_| Refusal::NoEligibleProfile)?;

        let smdp_signed2 = Signed::new(SmdpSigned2 {
            transaction_id: self.transaction_id.clone(),
            cc_required_flag: false,
            bpp_euicc_otpk: None,
            extensions: Extensions::default(),
        });
        let euicc_signature1 = signature_object(&self.euicc_signature1);
        let pb = &smdp
            .identity(&self.server_ci)
            .ok_or(Refusal::BindingFailed)?
            .pb;
        let signature = pb
            .key
            .sign(&[smdp_signed2.as_bytes(), &euicc_signature1])
            .map_err(|_| Refusal::BindingFailed)?;
        Ok(Step {
            session: Session::AwaitGetBoundProfilePackage(AwaitGetBoundProfilePackage {
                transaction_id: self.transaction_id.clone(),
                eid: self.eid,
                iccid: order.iccid,
                euicc_key: self.public_key.to_spki_der(),
                smdp_signature2: signature.as_bytes().to_vec(),
                server_ci: self.server_ci,
            }),
            order: None,
            reply: AuthenticateClientOk {
                transaction_id: self.transaction_id,
                profile_metadata: metadata,
                smdp_signed2,
                smdp_signature2: signature.as_bytes().to_vec(),
                smdp_certificate: pb.certificate.clone(),
            },
        })
    }
}

/// A signature in its data object: chained signatures are over '5F37 40 …'.
pub(super) fn signature_object(signature: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    signature.to_vec().encode_tagged(Tag::new(0x5F37), &mut out);
    out.into_bytes()
}
