//! ESipa.AuthenticateClient and ES9+'.AuthenticateClient (SGP.32 5.14.3).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::AuthenticateServerResponse;
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa as Code, AuthenticateClientOkDpEsipa,
    AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa, EsipaMessageFromEimToIpa,
};

use super::{Ask, Offered, Refused, RelaySession, RelayState, Relayed};
use crate::Context;
use crate::binding::es9plus::Request;
use crate::binding::es9plus_json::AuthenticateClientRequest;
use crate::binding::esipa::Function;
use crate::binding::{HttpResponse, es9plus_client};
use crate::eim::{Eim, EuiccRecord, Operation};
use crate::pki::ParsedCertificate;

const FUNCTION: Function = Function::AuthenticateClient;

impl Eim {
    /// Checks that the eUICC is that of the session and asks the server.
    ///
    /// # Errors
    /// What the IPA is answered at once.
    pub fn relay_authenticate_client(
        &self,
        record: &EuiccRecord,
        session: &RelaySession,
        request: &AuthenticateClientRequestEsipa,
    ) -> Result<Ask, Refused> {
        if !matches!(
            session.state,
            RelayState::AuthenticateClient | RelayState::AuthenticateClientAtSmds
        ) {
            return Err(Refused::unknown_transaction(FUNCTION));
        }
        let response =
            session.whole_authenticate_response(record, &request.authenticate_server_response)?;
        if let AuthenticateServerResponse::Ok(ok) = &response
            && !self.lab.accepts_unverified(session.eid)
        {
            let certificate = ParsedCertificate::parse(&ok.euicc_certificate).ok();
            let eid = certificate.and_then(|certificate| certificate.eid());
            if eid != Some(session.eid) {
                let because = "the certificate is that of another eUICC";
                return Err(Refused::new(FUNCTION, Code::EID_MISMATCH.0, because));
            }
        }
        let message = Request::AuthenticateClient(AuthenticateClientRequest {
            transaction_id: session.transaction_id.clone(),
            authenticate_server_response: response,
        });
        Ask::new(self, &session.smdp_address, session.wire, FUNCTION, message)
    }

    /// Takes down what the SM-DP+ offers, and checks it for the IPA; or the events
    /// that the SM-DS has.
    ///
    /// # Errors
    /// What the IPA is answered instead.
    pub fn relay_authenticated(
        &self,
        record: &EuiccRecord,
        operation: &Operation,
        session: &RelaySession,
        ask: &Ask,
        response: &HttpResponse,
        cx: &mut Context<'_>,
    ) -> Result<Relayed, Refused> {
        if session.state == RelayState::AuthenticateClientAtSmds {
            return self.relay_events(operation, session, response, cx);
        }
        let offered = es9plus_client::authenticated(session.wire, response);
        let offered = offered.map_err(|error| Refused::of(FUNCTION, error))?;
        if offered.transaction_id != session.transaction_id {
            return Err(Refused::undefined(
                FUNCTION,
                "the answer is of another session",
            ));
        }
        let features = record.facts.ipa_features();
        // There is nobody to consent, and no rule here that allows it.
        if features.eim_metadata && offered.profile_metadata.profile_policy_rules.is_some() {
            let because = "the profile has policy rules";
            return Err(Refused::new(FUNCTION, Code::PPR_NOT_ALLOWED.0, because));
        }
        let code = operation.confirmation_code.as_ref();
        let hash_cc = code.filter(|_| offered.smdp_signed2.cc_required_flag);
        let hash_cc = hash_cc.map(|code| hash_cc_of(code.as_str(), &session.transaction_id, cx));
        let state = RelayState::GetBoundProfilePackage(Offered {
            profile_metadata: offered.profile_metadata.to_der(),
            smdp_signed2: offered.smdp_signed2.as_bytes().to_vec(),
            smdp_signature2: offered.smdp_signature2.clone(),
            hash_cc,
        });
        let ok = AuthenticateClientOkDpEsipa {
            transaction_id: (!features.minimize).then_some(offered.transaction_id),
            profile_metadata: Some(offered.profile_metadata).filter(|_| !features.eim_metadata),
            smdp_signed2: offered.smdp_signed2,
            smdp_signature2: offered.smdp_signature2,
            smdp_certificate: offered.smdp_certificate,
            hash_cc,
            extensions: Default::default(),
        };
        let reply = AuthenticateClientResponseEsipa::OkDp(ok);
        Ok(Relayed {
            session: RelaySession {
                euicc_key: key_of(&ask.message),
                state,
                ..session.clone()
            },
            operations: Vec::new(),
            notes: Vec::new(),
            reply: EsipaMessageFromEimToIpa::AuthenticateClientResponse(reply),
        })
    }
}

/// The eUICC's key in what the SM-DP+ has just verified.
fn key_of(message: &Request) -> Option<Vec<u8>> {
    let Request::AuthenticateClient(request) = message else {
        return None;
    };
    let AuthenticateServerResponse::Ok(ok) = &request.authenticate_server_response else {
        return None;
    };
    let certificate = ParsedCertificate::parse(&ok.euicc_certificate).ok()?;
    Some(certificate.public_key.to_spki_der())
}

/// `hashCc` (SGP.22 3.1.3): SHA-256 of the code's SHA-256 and the transaction.
pub(super) fn hash_cc_of(code: &str, transaction_id: &TransactionId, cx: &Context<'_>) -> [u8; 32] {
    let code = cx.crypto.sha256(&[code.as_bytes()]);
    cx.crypto.sha256(&[&code, transaction_id.as_bytes()])
}
