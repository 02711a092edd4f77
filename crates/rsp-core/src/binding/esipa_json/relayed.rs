//! InitiateAuthentication, AuthenticateClient, GetBoundProfilePackage and
//! CancelSession (SGP.32 6.4.1.1 to 6.4.1.3, 6.4.1.8).

use alloc::string::String;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionOk, CancelSessionResponse,
    CtxParams1, EuiccInfo1, PrepareDownloadResponse, ServerSigned1, SmdpSigned2,
    StoreMetadataRequest,
};
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientOkDpEsipa, AuthenticateClientOkDsEsipa,
    AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa, CancelSessionRequestEsipa,
    CancelSessionResponseEsipa, GetBoundProfilePackageErrorEsipa, GetBoundProfilePackageOkEsipa,
    GetBoundProfilePackageRequestEsipa, GetBoundProfilePackageResponseEsipa,
    InitiateAuthenticationErrorEsipa, InitiateAuthenticationOkEsipa,
    InitiateAuthenticationRequestEsipa, InitiateAuthenticationResponseEsipa,
    ProfileDownloadTriggerRequest,
};
use rsp_asn1::{Asn1, Certificate, Extensions, Signed, Tag};
use serde::{Deserialize, Serialize};

use super::value::{Der, OctetString, Octets, Raw, Signature};
use super::{Message, Outcome, member};
use crate::binding::BindingError;
use crate::binding::esipa::Function;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitiateAuthentication {
    euicc_challenge: Raw<16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smdp_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    euicc_info1: Option<Der<EuiccInfo1>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eim_transaction_id: Option<TransactionId>,
}

impl Message for InitiateAuthentication {
    type Asn1 = InitiateAuthenticationRequestEsipa;

    fn write(message: &Self::Asn1) -> Self {
        InitiateAuthentication {
            euicc_challenge: Raw(message.euicc_challenge),
            smdp_address: message.smdp_address.clone(),
            euicc_info1: message.euicc_info1.clone().map(Der),
            eim_transaction_id: message.eim_transaction_id.clone(),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        Ok(InitiateAuthenticationRequestEsipa {
            euicc_challenge: self.euicc_challenge.0,
            smdp_address: self.smdp_address,
            euicc_info1: self.euicc_info1.map(|info| info.0),
            eim_transaction_id: self.eim_transaction_id,
            extensions: Extensions::default(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitiateAuthenticationOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    server_signed1: Der<Signed<ServerSigned1>>,
    server_signature1: Signature,
    #[serde(rename = "euiccCiPKIdentifierToBeUsed", alias = "euiccCiPKIdToBeUsed")]
    euicc_ci_pk_identifier_to_be_used: OctetString,
    server_certificate: Der<Certificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx_params1: Option<Octets>,
}

/// Tag of ctxParams1 in the ASN.1 binding, which peers may leave around it.
const CTX_PARAMS1: Tag = Tag::new(0xA2);

impl InitiateAuthenticationOk {
    fn read(self) -> Result<InitiateAuthenticationOkEsipa, BindingError> {
        let ctx_params1 = self.ctx_params1.map(|octets| {
            let tlv = rsp_asn1::Tlv::parse(&octets.0)?;
            match tlv.tag {
                CTX_PARAMS1 => CtxParams1::from_der(tlv.value),
                _ => CtxParams1::from_der(&octets.0),
            }
        });
        Ok(InitiateAuthenticationOkEsipa {
            transaction_id: self.transaction_id,
            server_signed1: self.server_signed1.0,
            server_signature1: self.server_signature1.0,
            euicc_ci_pk_identifier_to_be_used: self.euicc_ci_pk_identifier_to_be_used.0,
            server_certificate: self.server_certificate.0,
            matching_id: self.matching_id,
            ctx_params1: ctx_params1.transpose()?,
            extensions: Extensions::default(),
        })
    }

    fn write(ok: &InitiateAuthenticationOkEsipa) -> Self {
        InitiateAuthenticationOk {
            transaction_id: ok.transaction_id.clone(),
            server_signed1: Der(ok.server_signed1.clone()),
            server_signature1: signature(&ok.server_signature1),
            euicc_ci_pk_identifier_to_be_used: super::value::Enveloped(
                ok.euicc_ci_pk_identifier_to_be_used.clone(),
            ),
            server_certificate: Der(ok.server_certificate.clone()),
            matching_id: ok.matching_id.clone(),
            ctx_params1: ok
                .ctx_params1
                .as_ref()
                .map(|params| Octets(params.to_der())),
        }
    }
}

fn signature(octets: &[u8]) -> Signature {
    super::value::Enveloped(octets.to_vec())
}

/// Writes the response of InitiateAuthentication.
pub(super) fn initiated(
    response: &InitiateAuthenticationResponseEsipa,
) -> Outcome<InitiateAuthenticationOk> {
    match response {
        InitiateAuthenticationResponseEsipa::Ok(ok) => {
            Outcome::Executed(InitiateAuthenticationOk::write(ok))
        }
        InitiateAuthenticationResponseEsipa::Error(code) => {
            Outcome::Refused(Function::InitiateAuthentication, code.0)
        }
    }
}

/// Reads the response of InitiateAuthentication.
pub(super) fn read_initiated(
    body: &[u8],
) -> Result<InitiateAuthenticationResponseEsipa, BindingError> {
    use InitiateAuthenticationResponseEsipa as Response;
    match super::outcome::<InitiateAuthenticationOk>(Function::InitiateAuthentication, body)? {
        Outcome::Executed(ok) => Ok(Response::Ok(ok.read()?)),
        Outcome::Refused(_, code) => Ok(Response::Error(InitiateAuthenticationErrorEsipa(code))),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthenticateClient {
    transaction_id: TransactionId,
    authenticate_server_response: Der<AuthenticateServerResponse>,
}

impl Message for AuthenticateClient {
    type Asn1 = AuthenticateClientRequestEsipa;

    fn write(message: &Self::Asn1) -> Self {
        AuthenticateClient {
            transaction_id: message.transaction_id.clone(),
            authenticate_server_response: Der(message.authenticate_server_response.clone()),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        Ok(AuthenticateClientRequestEsipa {
            transaction_id: self.transaction_id,
            authenticate_server_response: self.authenticate_server_response.0,
            extensions: Extensions::default(),
        })
    }
}

/// The answer of an SM-DP+, or, without smdpSigned2, that of an SM-DS.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthenticateClientOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    #[serde(skip_serializing_if = "Option::is_none", alias = "profileMetaData")]
    profile_metadata: Option<Der<StoreMetadataRequest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smdp_signed2: Option<Der<Signed<SmdpSigned2>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smdp_signature2: Option<Signature>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smdp_certificate: Option<Der<Certificate>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_cc: Option<OctetString>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        alias = "profileDownloadTriggerRequest"
    )]
    profile_download_trigger: Option<Der<ProfileDownloadTriggerRequest>>,
}

/// Writes the response of AuthenticateClient.
pub(super) fn authenticated(
    response: &AuthenticateClientResponseEsipa,
) -> Outcome<AuthenticateClientOk> {
    Outcome::Executed(match response {
        AuthenticateClientResponseEsipa::OkDp(ok) => AuthenticateClientOk {
            transaction_id: ok.transaction_id.clone(),
            profile_metadata: ok.profile_metadata.clone().map(Der),
            smdp_signed2: Some(Der(ok.smdp_signed2.clone())),
            smdp_signature2: Some(signature(&ok.smdp_signature2)),
            smdp_certificate: Some(Der(ok.smdp_certificate.clone())),
            hash_cc: ok
                .hash_cc
                .map(|hash| super::value::Enveloped(hash.to_vec())),
            profile_download_trigger: None,
        },
        AuthenticateClientResponseEsipa::OkDs(ok) => AuthenticateClientOk {
            transaction_id: Some(ok.transaction_id.clone()),
            profile_download_trigger: ok.profile_download_trigger.clone().map(Der),
            ..AuthenticateClientOk::default()
        },
        AuthenticateClientResponseEsipa::Error(code) => {
            return Outcome::Refused(Function::AuthenticateClient, code.0);
        }
    })
}

/// Reads the response of AuthenticateClient.
pub(super) fn read_authenticated(
    body: &[u8],
) -> Result<AuthenticateClientResponseEsipa, BindingError> {
    use AuthenticateClientResponseEsipa as Response;
    let ok = match super::outcome::<AuthenticateClientOk>(Function::AuthenticateClient, body)? {
        Outcome::Executed(ok) => ok,
        Outcome::Refused(_, code) => {
            return Ok(Response::Error(AuthenticateClientErrorEsipa(code)));
        }
    };
    let Some(smdp_signed2) = ok.smdp_signed2 else {
        return Ok(Response::OkDs(AuthenticateClientOkDsEsipa {
            // Without a session there is no answer at all.
            transaction_id: member(ok.transaction_id, "smdpSigned2")?,
            profile_download_trigger: ok.profile_download_trigger.map(|trigger| trigger.0),
            extensions: Extensions::default(),
        }));
    };
    let hash_cc = ok.hash_cc.map(super::value::Enveloped::array).transpose();
    Ok(Response::OkDp(AuthenticateClientOkDpEsipa {
        transaction_id: ok.transaction_id,
        profile_metadata: ok.profile_metadata.map(|metadata| metadata.0),
        smdp_signed2: smdp_signed2.0,
        smdp_signature2: member(ok.smdp_signature2, "smdpSignature2")?.0,
        smdp_certificate: member(ok.smdp_certificate, "smdpCertificate")?.0,
        hash_cc: hash_cc.map_err(BindingError::Json)?,
        extensions: Extensions::default(),
    }))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetBoundProfilePackage {
    transaction_id: TransactionId,
    prepare_download_response: Der<PrepareDownloadResponse>,
}

impl Message for GetBoundProfilePackage {
    type Asn1 = GetBoundProfilePackageRequestEsipa;

    fn write(message: &Self::Asn1) -> Self {
        GetBoundProfilePackage {
            transaction_id: message.transaction_id.clone(),
            prepare_download_response: Der(message.prepare_download_response.clone()),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        Ok(GetBoundProfilePackageRequestEsipa {
            transaction_id: self.transaction_id,
            prepare_download_response: self.prepare_download_response.0,
            extensions: Extensions::default(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetBoundProfilePackageOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    bound_profile_package: Der<BoundProfilePackage>,
}

/// Writes the response of GetBoundProfilePackage.
pub(super) fn bound(
    response: &GetBoundProfilePackageResponseEsipa,
) -> Outcome<GetBoundProfilePackageOk> {
    match response {
        GetBoundProfilePackageResponseEsipa::Ok(ok) => {
            Outcome::Executed(GetBoundProfilePackageOk {
                transaction_id: ok.transaction_id.clone(),
                bound_profile_package: Der(ok.bound_profile_package.clone()),
            })
        }
        GetBoundProfilePackageResponseEsipa::Error(code) => {
            Outcome::Refused(Function::GetBoundProfilePackage, code.0)
        }
    }
}

/// Reads the response of GetBoundProfilePackage.
pub(super) fn read_bound(body: &[u8]) -> Result<GetBoundProfilePackageResponseEsipa, BindingError> {
    use GetBoundProfilePackageResponseEsipa as Response;
    match super::outcome::<GetBoundProfilePackageOk>(Function::GetBoundProfilePackage, body)? {
        Outcome::Executed(ok) => Ok(Response::Ok(GetBoundProfilePackageOkEsipa {
            transaction_id: ok.transaction_id,
            bound_profile_package: ok.bound_profile_package.0,
            extensions: Extensions::default(),
        })),
        Outcome::Refused(_, code) => Ok(Response::Error(GetBoundProfilePackageErrorEsipa(code))),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelSession {
    transaction_id: TransactionId,
    cancel_session_response: Der<CancelSessionResponse>,
}

impl Message for CancelSession {
    type Asn1 = CancelSessionRequestEsipa;

    fn write(message: &Self::Asn1) -> Self {
        CancelSession {
            transaction_id: message.transaction_id.clone(),
            cancel_session_response: Der(message.cancel_session_response.clone()),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        Ok(CancelSessionRequestEsipa {
            transaction_id: self.transaction_id,
            cancel_session_response: self.cancel_session_response.0,
            extensions: Extensions::default(),
        })
    }
}

/// Only the header.
#[derive(Serialize, Deserialize)]
pub(super) struct CancelSessionDone {}

/// Writes the response of CancelSession.
pub(super) fn cancelled(response: &CancelSessionResponseEsipa) -> Outcome<CancelSessionDone> {
    match response {
        CancelSessionResponseEsipa::Ok(_) => Outcome::Executed(CancelSessionDone {}),
        CancelSessionResponseEsipa::Error(code) => {
            Outcome::Refused(Function::CancelSession, code.0)
        }
    }
}

/// Reads the response of CancelSession.
pub(super) fn read_cancelled(body: &[u8]) -> Result<CancelSessionResponseEsipa, BindingError> {
    use rsp_asn1::rsp::CancelSessionServerError;
    match super::outcome::<CancelSessionDone>(Function::CancelSession, body)? {
        Outcome::Executed(CancelSessionDone {}) => {
            Ok(CancelSessionResponseEsipa::Ok(CancelSessionOk {
                extensions: Extensions::default(),
            }))
        }
        Outcome::Refused(_, code) => {
            let code = CancelSessionServerError(code);
            Ok(CancelSessionResponseEsipa::Error(code))
        }
    }
}
