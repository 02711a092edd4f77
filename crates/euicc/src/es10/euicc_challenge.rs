//! ES10b.GetEUICCChallenge (SGP.22 5.7.7).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{GetEuiccChallengeRequest, GetEuiccChallengeResponse};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::Session;

/// Opens a session. An older one is discarded; an installation in it fails.
pub(crate) fn get_euicc_challenge(
    isdr: &mut Isdr,
    command: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    decode::<GetEuiccChallengeRequest>(command)?;
    isdr.end_session();
    let mut euicc_challenge = [0; 16];
    env.rng.fill(&mut euicc_challenge);
    isdr.session = Session::Challenged(euicc_challenge);
    let response = GetEuiccChallengeResponse {
        euicc_challenge,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
