//! ES10b.GetCerts (SGP.32 5.9.10).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{Certs, GetCertsError, GetCertsRequest, GetCertsResponse};
use rsp_asn1::{Asn1, Tag, Tlv};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// The card's chain to a CI, the first if none is named.
pub(crate) fn get_certs(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: GetCertsRequest = decode(command)?;
    let wanted = request
        .euicc_ci_pk_id
        .or_else(|| untagged(&request.extensions));
    let found = match &wanted {
        Some(id) => isdr.signers.under(id),
        None => Some(isdr.signers.first()),
    };
    let Some(signer) = found else {
        return Ok(GetCertsResponse::Error(GetCertsError::INVALID_CI_PK_ID).to_der());
    };
    let certs = Certs {
        eum_certificate: signer.eum_certificate.clone(),
        euicc_certificate: signer.euicc_certificate.clone(),
        extensions: Default::default(),
    };
    Ok(GetCertsResponse::Certs(certs).to_der())
}

/// The key identifier as some hosts send it, under the tag of OCTET STRING.
fn untagged(extensions: &rsp_asn1::Extensions) -> Option<Vec<u8>> {
    extensions.0.iter().find_map(|extension| {
        let tlv = Tlv::parse(&extension.element).ok()?;
        (tlv.tag == Tag::OCTET_STRING).then(|| tlv.value.to_vec())
    })
}
