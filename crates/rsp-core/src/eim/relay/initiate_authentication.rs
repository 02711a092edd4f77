//! ESipa.InitiateAuthentication and ES9+'.InitiateAuthentication (SGP.32
//! 5.14.1).

use alloc::string::String;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{CtxParams1, CtxParamsForCommonAuthentication};
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, InitiateAuthenticationErrorEsipa as Code,
    InitiateAuthenticationOkEsipa, InitiateAuthenticationRequestEsipa,
    InitiateAuthenticationResponseEsipa,
};

use super::target::Target;
use super::{Ask, Refused, RelaySession, RelayState, Relayed};
use crate::binding::es9plus::Request;
use crate::binding::es9plus_json::{InitiateAuthenticationOk, InitiateAuthenticationRequest};
use crate::binding::esipa::Function;
use crate::binding::{HttpResponse, es9plus_client};
use crate::eim::{Eim, EuiccRecord, Operation};
use crate::pki::ParsedCertificate;

const FUNCTION: Function = Function::InitiateAuthentication;

fn refused(code: Code, because: &str) -> Refused {
    Refused::new(FUNCTION, code.0, because)
}

impl Eim {
    /// Checks the request of an IPA for a download and asks the SM-DP+ or SM-DS.
    ///
    /// # Errors
    /// What the IPA is answered at once.
    pub fn relay_initiate_authentication(
        &self,
        record: &EuiccRecord,
        operation: &Operation,
        request: &InitiateAuthenticationRequestEsipa,
    ) -> Result<Ask, Refused> {
        let undefined = |because: &'static str| Refused::undefined(FUNCTION, because);
        let target = Target::of(record, operation, request.smdp_address.as_deref())?;
        let address = target.address.as_str();
        let known = || record.facts.euicc_info1();
        let euicc_info1 = request.euicc_info1.clone().or_else(known);
        let message = Request::InitiateAuthentication(InitiateAuthenticationRequest {
            euicc_challenge: request.euicc_challenge,
            euicc_info1: euicc_info1.ok_or_else(|| undefined("euiccInfo1 is not known"))?,
            smdp_address: address.into(),
        });
        Ask::new(self, address, self.relay.wire, FUNCTION, message)
    }

    /// Checks the server's answer against the order, and begins a session.
    ///
    /// # Errors
    /// What the IPA is answered instead.
    pub fn relay_initiated(
        &self,
        record: &EuiccRecord,
        operation: &Operation,
        ask: &Ask,
        response: &HttpResponse,
    ) -> Result<Relayed, Refused> {
        let answer = es9plus_client::initiated(ask.wire, response);
        let answer = answer.map_err(|error| Refused::of(FUNCTION, error))?;
        let undefined = |because: &'static str| Refused::undefined(FUNCTION, because);
        let target = Target::of(record, operation, Some(&ask.server.address))?;
        let certificate = ParsedCertificate::parse(&answer.server_certificate)
            .map_err(|_| undefined("the server's certificate is malformed"))?;
        check(&answer, ask)?;
        let is_smds = target.is_smds(&certificate)?;
        let matching_id = target.matching_id;
        let features = record.facts.ipa_features();
        let ctx_params1 = match features.eim_ctx_params1 {
            true => Some(ctx_params1(record, matching_id.clone())?),
            false => None,
        };
        // An IPA that has the activation code has the MatchingID.
        let lacks = ctx_params1.is_none() && features.eim_download_data;
        let session = RelaySession {
            transaction_id: answer.transaction_id.clone(),
            eid: record.eid,
            operation: operation.id.clone(),
            smdp_address: ask.server.address.clone(),
            wire: ask.wire,
            smdp_oid: certificate.registered_id,
            server_signed1: answer.server_signed1.as_bytes().to_vec(),
            ctx_params1: ctx_params1.as_ref().map(Asn1::to_der),
            euicc_key: None,
            state: match is_smds {
                true => RelayState::AuthenticateClientAtSmds,
                false => RelayState::AuthenticateClient,
            },
        };
        let reply = InitiateAuthenticationOkEsipa {
            transaction_id: (!features.minimize).then_some(answer.transaction_id),
            server_signed1: answer.server_signed1,
            server_signature1: answer.server_signature1,
            euicc_ci_pk_identifier_to_be_used: answer.euicc_ci_pk_id_to_be_used,
            server_certificate: answer.server_certificate,
            matching_id: matching_id.filter(|_| lacks),
            ctx_params1,
            extensions: Default::default(),
        };
        let reply = InitiateAuthenticationResponseEsipa::Ok(reply);
        Ok(Relayed {
            session,
            operations: alloc::vec::Vec::new(),
            notes: alloc::vec::Vec::new(),
            reply: EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(reply),
        })
    }
}

/// Whether the SM-DP+ signed what was asked, and as the one that was meant.
fn check(answer: &InitiateAuthenticationOk, ask: &Ask) -> Result<(), Refused> {
    let signed = &answer.server_signed1;
    if !signed
        .server_address
        .eq_ignore_ascii_case(&ask.server.address)
    {
        let because = "the server signed another address than that of the order";
        return Err(refused(Code::SMDP_ADDRESS_MISMATCH, because));
    }
    if signed.transaction_id != answer.transaction_id {
        return Err(Refused::undefined(
            FUNCTION,
            "two transactions in one answer",
        ));
    }
    match &ask.message {
        Request::InitiateAuthentication(asked)
            if asked.euicc_challenge == signed.euicc_challenge =>
        {
            Ok(())
        }
        _ => Err(Refused::undefined(
            FUNCTION,
            "the SM-DP+ signed another challenge",
        )),
    }
}

/// ctxParams1 for an IPA that has them made (SGP.32 4.1).
fn ctx_params1(record: &EuiccRecord, matching_id: Option<String>) -> Result<CtxParams1, Refused> {
    let because = "the device's info for ctxParams1 is not known";
    let device_info = record.facts.device_info();
    let params = CtxParamsForCommonAuthentication {
        matching_id,
        device_info: device_info.ok_or_else(|| Refused::undefined(FUNCTION, because))?,
        extensions: Default::default(),
    };
    Ok(CtxParams1::CommonAuthentication(params))
}
