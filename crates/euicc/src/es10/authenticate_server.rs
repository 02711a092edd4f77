//! ES10b.AuthenticateServer (SGP.22 5.7.13).

use alloc::boxed::Box;
use alloc::vec::Vec;

use rsp_asn1::rsp::{
    AuthenticateErrorCode, AuthenticateResponseError, AuthenticateResponseOk,
    AuthenticateServerRequest, AuthenticateServerResponse, EuiccSigned1,
};
use rsp_asn1::{Asn1, Signed};
use rsp_crypto::Signature;

use super::decode;
use super::euicc_info::euicc_info2;
use crate::apdu::Status;
use crate::certificate::{self, Refusal, Role, Server};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::{Authenticated, Session};
use crate::signers::Signer;

/// Authenticates a server and the card to it. After an error the challenge
/// stays open.
pub(crate) fn authenticate_server(
    isdr: &mut Isdr,
    command: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: AuthenticateServerRequest = decode(command)?;
    let response = match verify(isdr, &request, env) {
        Ok((server, signer)) => {
            let ok = respond(isdr, &request, signer)?;
            let signer = signer.ci.clone();
            isdr.session = Session::Authenticated(Box::new(Authenticated {
                transaction_id: request.server_signed1.transaction_id.clone(),
                server_address: request.server_signed1.server_address.clone(),
                root: server.root,
                signer,
                role: server.role,
                oid: server.oid,
                euicc_signature1: ok.euicc_signature1.clone(),
            }));
            AuthenticateServerResponse::Ok(ok)
        }
        Err(code) => AuthenticateServerResponse::Error(AuthenticateResponseError {
            transaction_id: request.server_signed1.transaction_id.clone(),
            authenticate_error_code: code,
            extensions: Default::default(),
        }),
    };
    Ok(response.to_der())
}

/// The checks, in the order of SGP.22 5.7.13; gives the server and the key to
/// sign with.
fn verify<'a>(
    isdr: &'a Isdr,
    request: &AuthenticateServerRequest,
    env: &Environment<'_>,
) -> Result<(Server, &'a Signer), AuthenticateErrorCode> {
    let Session::Challenged(challenge) = &isdr.session else {
        return Err(AuthenticateErrorCode::NO_SESSION_CONTEXT);
    };
    let signer = isdr.signers.under(&request.euicc_ci_pk_id_to_be_used);
    let signer = signer.ok_or(AuthenticateErrorCode::CI_PK_UNKNOWN)?;
    let server = certificate::verify_server(
        &request.server_certificate,
        &isdr.ecasd.ci,
        &[Role::DpAuth, Role::DsAuth],
        env.provider,
    )
    .map_err(|refusal| match refusal {
        Refusal::UnknownRoot => AuthenticateErrorCode::CI_PK_UNKNOWN,
        Refusal::Invalid => AuthenticateErrorCode::INVALID_CERTIFICATE,
        Refusal::Curve => AuthenticateErrorCode::UNSUPPORTED_CURVE,
        Refusal::NoOid => AuthenticateErrorCode::INVALID_OID,
    })?;
    if server.key.curve() != signer.curve() {
        return Err(AuthenticateErrorCode::UNSUPPORTED_CURVE);
    }
    Signature::from_slice(&request.server_signature1)
        .and_then(|signature| {
            let signed = request.server_signed1.as_bytes();
            env.provider.verify(&server.key, &[signed], &signature)
        })
        .map_err(|_| AuthenticateErrorCode::INVALID_SIGNATURE)?;
    if request.server_signed1.euicc_challenge != *challenge {
        return Err(AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH);
    }
    Ok((server, signer))
}

fn respond(
    isdr: &Isdr,
    request: &AuthenticateServerRequest,
    signer: &Signer,
) -> Result<AuthenticateResponseOk, Status> {
    let signed = Signed::new(EuiccSigned1 {
        transaction_id: request.server_signed1.transaction_id.clone(),
        server_address: request.server_signed1.server_address.clone(),
        server_challenge: request.server_signed1.server_challenge,
        euicc_info2: euicc_info2(isdr),
        ctx_params1: request.ctx_params1.clone(),
        extensions: Default::default(),
    });
    Ok(AuthenticateResponseOk {
        euicc_signature1: signer.sign(&[signed.as_bytes()])?,
        euicc_signed1: signed,
        euicc_certificate: signer.euicc_certificate.clone(),
        eum_certificate: signer.eum_certificate.clone(),
        extensions: Default::default(),
    })
}
