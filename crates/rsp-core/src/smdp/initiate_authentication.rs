//! ES9+.InitiateAuthentication (SGP.22 5.6.1, 3.0.1 steps 3 to 7).

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::ServerSigned1;
use rsp_asn1::{Extensions, Signed};

use super::{AwaitAuthenticateClient, LOWEST_SVN, Refusal, Session, Smdp};
use crate::Context;
use crate::binding::es9plus_json::{InitiateAuthenticationOk, InitiateAuthenticationRequest};

/// A new session and its first reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The session.
    pub session: Session,
    /// The reply.
    pub reply: InitiateAuthenticationOk,
}

impl Smdp {
    /// Opens a session.
    ///
    /// # Errors
    /// If the address is another, or eUICC and SM-DP+ have no version or CI in
    /// common.
    pub fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
        cx: &mut Context<'_>,
    ) -> Result<Started, Refusal> {
        if !request.smdp_address.eq_ignore_ascii_case(&self.address) {
            return Err(Refusal::InvalidSmdpAddress);
        }
        let info = &request.euicc_info1;
        if info.svn < LOWEST_SVN {
            return Err(Refusal::UnsupportedVersion);
        }
        let (set, euicc_ci_pk_id_to_be_used) = self.choose(info)?;

        let transaction_id = TransactionId::from_bytes(&cx.random::<16>())
            .map_err(|_| Refusal::UnknownTransaction)?;
        let server_challenge = cx.random();
        let server_signed1 = Signed::new(ServerSigned1 {
            transaction_id: transaction_id.clone(),
            euicc_challenge: request.euicc_challenge,
            server_address: self.address.clone(),
            server_challenge,
            extensions: Extensions::default(),
        });
        let signature = set.auth.key.sign(&[server_signed1.as_bytes()]);
        let signature = signature.map_err(|_| Refusal::BindingFailed)?;
        Ok(Started {
            session: Session::AwaitAuthenticateClient(AwaitAuthenticateClient {
                transaction_id: transaction_id.clone(),
                server_challenge,
                ci_key_identifier: euicc_ci_pk_id_to_be_used.clone(),
                server_ci: set.ci.clone(),
            }),
            reply: InitiateAuthenticationOk {
                transaction_id,
                server_signed1,
                server_signature1: signature.as_bytes().to_vec(),
                euicc_ci_pk_id_to_be_used,
                server_certificate: set.auth.certificate.clone(),
            },
        })
    }
}
