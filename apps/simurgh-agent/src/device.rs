//! What the device says of itself to servers (SGP.22 4.2).

use rsp_asn1::Extensions;
use rsp_asn1::rsp::{DeviceCapabilities, DeviceInfo};
use serde::Deserialize;

use crate::Failure;

/// `[device]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    /// Eight decimal digits.
    tac: String,
    gsm_release: Option<u8>,
    utran_release: Option<u8>,
    lte_release: Option<u8>,
    nr_release: Option<u8>,
}

impl Device {
    /// As DeviceInfo.
    pub(crate) fn info(&self) -> Result<DeviceInfo, Failure> {
        let tac = digits(&self.tac)
            .ok_or_else(|| Failure::new("device.tac", "not eight decimal digits"))?;
        let release = |release: Option<u8>| release.map(|major| [major, 0, 0]);
        Ok(DeviceInfo {
            tac,
            device_capabilities: DeviceCapabilities {
                gsm_supported_release: release(self.gsm_release),
                utran_supported_release: release(self.utran_release),
                eutran_epc_supported_release: release(self.lte_release),
                nr_epc_supported_release: release(self.nr_release),
                ..DeviceCapabilities::none()
            },
            imei: None,
            extensions: Extensions::default(),
        })
    }
}

/// Two digits an octet, the first one in the high half.
fn digits(text: &str) -> Option<[u8; 4]> {
    let all_digits = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = all_digits.then(|| u32::from_str_radix(text, 16).ok())?;
    number.map(u32::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tac_has_eight_digits() {
        assert_eq!(digits("35290611"), Some([0x35, 0x29, 0x06, 0x11]));
        for wrong in ["", "3529061", "352906111", "3529061A", "+3529061"] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
    }
}
