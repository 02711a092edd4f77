//! ES10b.PrepareDownload (SGP.22 5.7.5).

use alloc::vec::Vec;

use rsp_asn1::rsp::{
    DownloadErrorCode, EuiccSigned2, PrepareDownloadRequest, PrepareDownloadResponse,
    PrepareDownloadResponseError, PrepareDownloadResponseOk,
};
use rsp_asn1::{Asn1, Signed};
use rsp_crypto::{PublicKey, Signature};

use super::{decode, signature_object};
use crate::apdu::Status;
use crate::certificate::{self, Refusal, Role};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::{Authenticated, Prepared, Session};
use crate::state::OneTimeKey;

/// Confirms a download and binds it to a one-time key. After an error the
/// session stays where it was.
pub(crate) fn prepare_download(
    isdr: &mut Isdr,
    command: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: PrepareDownloadRequest = decode(command)?;
    let response = match verify(isdr, &request, env) {
        Ok(smdp_key) => PrepareDownloadResponse::Ok(prepare(isdr, &request, smdp_key, env)?),
        Err(code) => PrepareDownloadResponse::Error(PrepareDownloadResponseError {
            transaction_id: request.smdp_signed2.transaction_id.clone(),
            download_error_code: code,
            extensions: Default::default(),
        }),
    };
    Ok(response.to_der())
}

/// The authenticated SM-DP+ that may go on to a download.
fn awaiting(session: &Session) -> Option<&Authenticated> {
    match session {
        Session::Authenticated(server) | Session::Prepared(server, _)
            if server.role == Role::DpAuth =>
        {
            Some(server)
        }
        _ => None,
    }
}

/// The checks; gives PK.DPpb.ECDSA.
fn verify(
    isdr: &Isdr,
    request: &PrepareDownloadRequest,
    env: &Environment<'_>,
) -> Result<PublicKey, DownloadErrorCode> {
    let server = awaiting(&isdr.session).ok_or(DownloadErrorCode::NO_SESSION_CONTEXT)?;
    if request.smdp_signed2.transaction_id != server.transaction_id {
        return Err(DownloadErrorCode::INVALID_TRANSACTION_ID);
    }
    let smdp = certificate::verify_server(
        &request.smdp_certificate,
        &isdr.ecasd.ci,
        &[Role::DpPb],
        env.provider,
    )
    .map_err(|refusal| match refusal {
        Refusal::Curve => DownloadErrorCode::UNSUPPORTED_CURVE,
        Refusal::UnknownRoot | Refusal::Invalid | Refusal::NoOid => {
            DownloadErrorCode::INVALID_CERTIFICATE
        }
    })?;
    if smdp.root != server.root || smdp.oid != server.oid {
        return Err(DownloadErrorCode::INVALID_CERTIFICATE);
    }
    let signature1 = signature_object(&server.euicc_signature1);
    Signature::from_slice(&request.smdp_signature2)
        .and_then(|signature| {
            let message = [request.smdp_signed2.as_bytes(), signature1.as_slice()];
            env.provider.verify(&smdp.key, &message, &signature)
        })
        .map_err(|_| DownloadErrorCode::INVALID_SIGNATURE)?;
    Ok(smdp.key)
}

fn prepare(
    isdr: &mut Isdr,
    request: &PrepareDownloadRequest,
    smdp_key: PublicKey,
    env: &mut Environment<'_>,
) -> Result<PrepareDownloadResponseOk, Status> {
    let server = awaiting(&isdr.session).ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
    let bound = request.smdp_signed2.bpp_euicc_otpk.as_deref();
    let kept = bound.and_then(|public| isdr.state.one_time_key(&server.oid, public));
    let (euicc_otpk, new_key) = match kept {
        Some(kept) => (kept.public().clone(), None),
        None => {
            let (owner, curve) = (server.oid.clone(), smdp_key.curve());
            let key = OneTimeKey::generate(owner, curve, env.provider, env.rng);
            let key = key.map_err(|_| Status::NO_PRECISE_DIAGNOSIS)?;
            (key.public().clone(), Some(key))
        }
    };
    let signed = Signed::new(EuiccSigned2 {
        transaction_id: server.transaction_id.clone(),
        euicc_otpk: euicc_otpk.as_sec1().to_vec(),
        hash_cc: request.hash_cc,
        extensions: Default::default(),
    });
    let signature2 = signature_object(&request.smdp_signature2);
    let signer = isdr.signers.chosen(Some(&server.signer));
    let euicc_signature2 = signer.sign(&[signed.as_bytes(), &signature2])?;
    new_key
        .into_iter()
        .for_each(|key| isdr.state.keep_one_time_key(key));
    let prepared = Prepared {
        smdp_key,
        euicc_otpk,
    };
    isdr.session = match core::mem::replace(&mut isdr.session, Session::None) {
        Session::Authenticated(server) | Session::Prepared(server, _) => {
            Session::Prepared(server, prepared)
        }
        other => other,
    };
    Ok(PrepareDownloadResponseOk {
        euicc_signed2: signed,
        euicc_signature2,
        extensions: Default::default(),
    })
}
