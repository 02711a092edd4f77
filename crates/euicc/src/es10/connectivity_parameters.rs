//! ES10b.GetConnectivityParameters (SGP.32 5.9.24).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    ConnectivityParameters, ConnectivityParametersError, GetConnectivityParametersRequest,
    GetConnectivityParametersResponse,
};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// What the enabled profile says about its bearer.
pub(crate) fn get_connectivity_parameters(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    decode::<GetConnectivityParametersRequest>(command)?;
    let enabled = isdr.state.enabled();
    let response = match enabled.and_then(|profile| profile.uicc.http_parameters()) {
        Some(parameters) => GetConnectivityParametersResponse::Ok(ConnectivityParameters {
            http_params: Some(parameters),
            extensions: Default::default(),
        }),
        None => GetConnectivityParametersResponse::Error(
            ConnectivityParametersError::PARAMETERS_NOT_AVAILABLE,
        ),
    };
    Ok(response.to_der())
}
