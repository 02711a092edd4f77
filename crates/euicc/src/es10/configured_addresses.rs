//! ES10a.GetEuiccConfiguredAddresses (SGP.22 5.7.3).

use alloc::vec::Vec;

use rsp_asn1::{Tag, Writer};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

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
