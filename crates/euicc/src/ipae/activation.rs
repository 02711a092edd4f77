//! IpaeActivation (SGP.32 3.8.4, 5.9.3): the device leaves ESipa to the card. A
//! device that declares an IPA of its own after a reset takes it back.

use alloc::vec::Vec;

use rsp_asn1::rsp::ActivationResult;
use rsp_asn1::sgp32::{IpaeActivationRequest, IpaeActivationResponse};
use rsp_asn1::{Asn1, Tlv};

use super::round;
use crate::apdu::Status;
use crate::es10::decode;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// `ipaeOption` bit: activateIpae.
const ACTIVATE: u8 = 0;

/// Declared functions of the device in TERMINAL CAPABILITY (SGP.22 3.4.2).
const DEVICE_FUNCTIONS: u32 = 0x83;

/// Activates the card's own IPA, if it has one.
pub(crate) fn ipae_activation(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: IpaeActivationRequest = decode(command)?;
    let result = match isdr.ecasd.ipae.is_some() {
        true => ActivationResult::OK,
        false => ActivationResult::NOT_SUPPORTED,
    };
    if isdr.ecasd.ipae.is_some() && request.ipae_option.bit(ACTIVATE) {
        isdr.state.mechanisms.ipae_active = true;
        round::begin(isdr);
    }
    let response = IpaeActivationResponse {
        ipae_activation_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// TERMINAL CAPABILITY: a device with an IPA of its own needs none in the card.
pub(crate) fn terminal_capability(isdr: &mut Isdr, template: &Tlv<'_>) {
    let mut reader = template.reader();
    while let Ok(tlv) = reader.tlv() {
        let declares = tlv.value.iter().any(|octet| *octet != 0);
        if tlv.tag.get() == DEVICE_FUNCTIONS && declares {
            isdr.state.mechanisms.ipae_active = false;
            round::end(isdr);
        }
        if reader.is_empty() {
            break;
        }
    }
}

/// TERMINAL PROFILE: an active IPA begins.
pub(crate) fn terminal_profile(isdr: &mut Isdr) {
    round::begin(isdr);
}
