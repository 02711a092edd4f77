//! DeviceInfo (SGP.22 4.2), as far as the card knows the device: by the IMEI
//! that its terminal tells (ETSI TS 102 223 6.4.15).

use alloc::string::String;

use rsp_asn1::ids::Imei;
use rsp_asn1::rsp::{DeviceCapabilities, DeviceInfo};

/// In the first octet of an IMEI: an odd number of digits, and which identity
/// it is (3GPP TS 24.008 10.5.1.4).
const ODD_IMEI: u8 = 0x0A;

/// Release 15 of E-UTRA, which every device of this kind has.
const RELEASE_15: [u8; 3] = [15, 0, 0];

/// The IMEI as a terminal gives it.
pub(super) fn imei(octets: &[u8]) -> Option<Imei> {
    let [first, rest @ ..] = octets else {
        return None;
    };
    if octets.len() != 8 || first & 0x0F != ODD_IMEI {
        return None;
    }
    let digits = rest.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]);
    let digits = core::iter::once(first >> 4).chain(digits);
    // Some terminals leave the last digit 0 as the network is told it.
    let text: Option<String> = digits
        .take(14)
        .map(|digit| char::from_digit(u32::from(digit), 10))
        .collect();
    text?.parse().ok()
}

/// What servers are told.
pub(super) fn of(imei: Option<&Imei>) -> DeviceInfo {
    DeviceInfo {
        tac: imei.map(Imei::tac).unwrap_or_default(),
        device_capabilities: DeviceCapabilities {
            eutran_epc_supported_release: Some(RELEASE_15),
            ..DeviceCapabilities::none()
        },
        imei: imei.map(Imei::to_octets),
        extensions: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imei_of_a_terminal() {
        let told = [0x3A, 0x25, 0x09, 0x16, 0x01, 0x00, 0x10, 0x02];
        let read = imei(&told).unwrap();
        assert!(read.as_str().starts_with("35290611000012"), "{read}");
        assert_eq!(of(Some(&read)).tac, [0x35, 0x29, 0x06, 0x11]);
        for other in [&told[..7], &[0x3B; 8], &[0xFA; 8], &[]] {
            assert!(imei(other).is_none());
        }
    }
}
