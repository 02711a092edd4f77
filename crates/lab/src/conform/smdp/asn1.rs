//! The ASN.1 binding of ES9+ (/gsma/rsp2/asn1), and whole flows.

use rsp_asn1::rsp::{
    AuthenticateClientRequest, AuthenticateClientResponseEs9, AuthenticateServerResponse,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse, RemoteProfileProvisioningRequest,
    RemoteProfileProvisioningResponse,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_crypto::Rng;

use super::authenticate::Offered;
use super::bench::{Bench, Order};
use super::euicc::Euicc;
use super::http::headers;
use super::initiate::Started;
use super::package::opened;
use crate::conform::HttpMessage;
use crate::conform::case::{Case, Check, Stop, case, ensure, fail, same};
use crate::conform::der::{Leaf, shown, tlv, verify};

pub(super) const CASES: &[Case<Bench>] = &[
    case("ASN.1-01", "a download in the ASN.1 binding", |b| {
        download(b).map(drop)
    }),
    case("ASN.1-02", "an error in the ASN.1 binding", error),
    case("ASN.1-03", "both bindings offer the same", compare),
    case("FLOW-01", "ES2+ order, download, result", flow),
];

impl Bench {
    /// A message in the ASN.1 binding.
    pub(in crate::conform) fn asn1(
        &mut self,
        request: &RemoteProfileProvisioningRequest,
    ) -> Check<RemoteProfileProvisioningResponse> {
        let message = HttpMessage {
            path: "/gsma/rsp2/asn1".into(),
            headers: headers("application/x-gsma-rsp-asn1"),
            body: request.to_der(),
            ..HttpMessage::default()
        };
        let reply = self.http.send(&message).map_err(Stop::Failed)?;
        same("the HTTP status", reply.status, 200)?;
        let kind = reply.header("content-type").unwrap_or_default();
        ensure(
            kind.starts_with("application/x-gsma-rsp-asn1"),
            &format!("Content-Type is `{kind}`"),
        )?;
        Ok(RemoteProfileProvisioningResponse::from_der(&reply.body)?)
    }

    pub(in crate::conform) fn started_asn1(
        &mut self,
        euicc: &Euicc,
        address: &str,
    ) -> Check<Result<Started, i64>> {
        let mut challenge = [0; 16];
        self.rng.fill(&mut challenge);
        let request = RemoteProfileProvisioningRequest::InitiateAuthenticationRequest(
            InitiateAuthenticationRequest {
                euicc_challenge: challenge,
                smdp_address: address.to_string(),
                euicc_info1: euicc.info1(),
                extensions: Extensions::default(),
            },
        );
        match self.asn1(&request)? {
            RemoteProfileProvisioningResponse::InitiateAuthenticationResponse(
                InitiateAuthenticationResponse::Ok(ok),
            ) => {
                same(
                    "euiccChallenge",
                    ok.server_signed1.euicc_challenge,
                    challenge,
                )?;
                let key = Leaf::read(&ok.server_certificate)?.key;
                let signed = [ok.server_signed1.as_bytes()];
                verify("serverSignature1", &key, &signed, &ok.server_signature1)?;
                Ok(Ok(Started {
                    signed: ok.server_signed1,
                    certificate: ok.server_certificate,
                }))
            }
            RemoteProfileProvisioningResponse::InitiateAuthenticationResponse(
                InitiateAuthenticationResponse::Error(code),
            ) => Ok(Err(code.0)),
            _ => fail("another response than InitiateAuthentication's"),
        }
    }

    fn offered_asn1(&mut self, euicc: &Euicc, matching_id: &str) -> Check<Offered> {
        let address = self.settings.address.clone();
        let started = match self.started_asn1(euicc, &address)? {
            Ok(started) => started,
            Err(code) => return fail(format!("InitiateAuthentication is refused with {code}")),
        };
        let response = euicc.authenticates(euicc.signed1(&started.signed, Some(matching_id)))?;
        let signature1 = match &response {
            AuthenticateServerResponse::Ok(ok) => ok.euicc_signature1.clone(),
            _ => return fail("the suite's eUICC gives no answer"),
        };
        let request = RemoteProfileProvisioningRequest::AuthenticateClientRequest(
            AuthenticateClientRequest {
                transaction_id: started.signed.transaction_id.clone(),
                authenticate_server_response: response,
                use_matching_id_for_acr: None,
                extensions: Extensions::default(),
            },
        );
        let RemoteProfileProvisioningResponse::AuthenticateClientResponseEs9(
            AuthenticateClientResponseEs9::Ok(ok),
        ) = self.asn1(&request)?
        else {
            return fail("AuthenticateClient is refused");
        };
        let pb = Leaf::read(&ok.smdp_certificate)?;
        let signed = [ok.smdp_signed2.as_bytes(), &tlv(0x5F37, &signature1)];
        verify("smdpSignature2", &pb.key, &signed, &ok.smdp_signature2)?;
        Ok(Offered {
            metadata: ok.profile_metadata.to_der(),
            signed: ok.smdp_signed2,
            signature: ok.smdp_signature2,
            pb,
        })
    }
}

/// A download; gives eUICC and offer.
fn download(bench: &mut Bench) -> Check<(Euicc, Offered)> {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let offered = bench.offered_asn1(&euicc, &ordered.matching_id)?;
    let id = offered.signed.transaction_id.clone();
    let request = RemoteProfileProvisioningRequest::GetBoundProfilePackageRequest(
        GetBoundProfilePackageRequest {
            prepare_download_response: euicc.prepares(&id, &offered.signature)?,
            transaction_id: id,
            extensions: Extensions::default(),
        },
    );
    let RemoteProfileProvisioningResponse::GetBoundProfilePackageResponse(
        GetBoundProfilePackageResponse::Ok(ok),
    ) = bench.asn1(&request)?
    else {
        return fail("GetBoundProfilePackage is refused");
    };
    opened(&ok.bound_profile_package.to_der(), &euicc, &offered)?;
    Ok((euicc, offered))
}

fn error(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    match bench.started_asn1(&euicc, "other.example.org")? {
        Ok(_) => fail("another address is accepted"),
        Err(code) => same("the code of another address", code, 1),
    }
}

fn compare(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let json = bench.offered(&euicc, Some(&ordered.matching_id))?;
    let asn1 = bench.offered_asn1(&euicc, &ordered.matching_id)?;
    same(
        "profileMetadata",
        shown(&json.metadata),
        shown(&asn1.metadata),
    )?;
    let required = [&json, &asn1].map(|offered| offered.signed.cc_required_flag);
    same("ccRequiredFlag", required.first(), required.last())
}

fn flow(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let eid = euicc.eid.to_string();
    let ordered = bench.order(&Order {
        eid: Some(&eid),
        ..Order::default()
    })?;
    bench.installed(&euicc, &ordered.matching_id)?;
    // The same order is over: it cannot be ordered again under its ICCID.
    let body = serde_json::json!({ "iccid": ordered.iccid, "eid": eid });
    bench
        .es2plus("downloadOrder", body)?
        .refused("downloadOrder")
        .map(drop)
}
