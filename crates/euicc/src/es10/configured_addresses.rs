//! ES10a.GetEuiccConfiguredAddresses and SetDefaultDpAddress (SGP.22 5.7.3,
//! 5.7.4; SGP.32 5.9.25).

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::rsp::SetDefaultDpAddressResult;
use rsp_asn1::{Asn1, Tag, Writer, rsp, sgp32};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// Longest address kept, in octets: that of a host name with its port.
const MAX_ADDRESS: usize = 261;

/// The default SM-DP+, if there is one, and the root SM-DS.
pub(crate) fn get_euicc_configured_addresses(
    isdr: &mut Isdr,
    _command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let mut out = Writer::new();
    out.constructed(Tag::new(0xBF3C), |out| {
        if let Some(address) = &isdr.state.default_dp_address {
            out.primitive(Tag::new(0x80), address.as_bytes());
        }
        out.primitive(Tag::new(0x81), isdr.ecasd.root_ds_address.as_bytes());
    });
    Ok(out.into_bytes())
}

/// ES10a.SetDefaultDpAddress of SGP.22.
pub(crate) fn set_default_dp_address(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: rsp::SetDefaultDpAddressRequest = decode(command)?;
    let response = rsp::SetDefaultDpAddressResponse {
        set_default_dp_address_result: set(isdr, request.default_dp_address),
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// ES10b.SetDefaultDpAddress of SGP.32.
pub(crate) fn set_default_dp_address_iot(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: sgp32::SetDefaultDpAddressRequest = decode(command)?;
    let response = sgp32::SetDefaultDpAddressResponse {
        set_default_dp_address_result: set(isdr, request.default_dp_address),
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

fn set(isdr: &mut Isdr, address: String) -> SetDefaultDpAddressResult {
    match accepted(address) {
        Some(address) => {
            isdr.state.default_dp_address = address;
            SetDefaultDpAddressResult::OK
        }
        None => SetDefaultDpAddressResult::UNDEFINED_ERROR,
    }
}

/// What to store; an empty address removes the one that is there. `None` if it
/// is no address.
pub(crate) fn accepted(address: String) -> Option<Option<String>> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let valid = address.len() <= MAX_ADDRESS && address.chars().all(is_host);
    valid.then(|| Some(address).filter(|address| !address.is_empty()))
}
