//! ES10b.CancelSession (SGP.22 5.7.14).

use alloc::vec::Vec;

use rsp_asn1::rsp::{
    CancelSessionError, CancelSessionRequest, CancelSessionResponse, CancelSessionResponseOk,
    EuiccCancelSessionSigned,
};
use rsp_asn1::{Asn1, Signed};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::Session;

/// Ends the session and signs why. A download under way is forgotten.
pub(crate) fn cancel_session(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: CancelSessionRequest = decode(command)?;
    let server = isdr.session.authenticated();
    let server = server.filter(|server| server.transaction_id == request.transaction_id);
    let Some(server) = server else {
        let error = CancelSessionError::INVALID_TRANSACTION_ID;
        return Ok(CancelSessionResponse::Error(error).to_der());
    };
    let signer = isdr.signers.chosen(Some(&server.signer));
    let signed = Signed::new(EuiccCancelSessionSigned {
        transaction_id: request.transaction_id,
        smdp_oid: server.oid.clone(),
        reason: request.reason,
        extensions: Default::default(),
    });
    let response = CancelSessionResponse::Ok(CancelSessionResponseOk {
        euicc_cancel_session_signature: signer.sign(&[signed.as_bytes()])?,
        euicc_cancel_session_signed: signed,
        extensions: Default::default(),
    });
    isdr.session = Session::None;
    Ok(response.to_der())
}
