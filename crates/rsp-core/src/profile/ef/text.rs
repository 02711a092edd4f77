//! Names and alpha identifiers (3GPP TS 31.102 Annex A, TS 23.038 6.2.1).

use alloc::string::String;
use alloc::vec::Vec;

use super::{InvalidValue, invalid};

/// Octets of the name in EF.SPN.
const SPN_NAME: usize = 16;

/// EF.SPN: name of the service provider and when to show it (3GPP TS 31.102
/// 4.2.12).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProviderName {
    /// At most 16 characters of the GSM alphabet, or 7 of others.
    pub name: String,
    /// Whether the name of the network is shown too in the home network.
    #[serde(default)]
    pub show_plmn_at_home: bool,
    /// Whether the name may be left out in other networks.
    #[serde(default)]
    pub hide_when_roaming: bool,
}

impl ServiceProviderName {
    /// The 17 octets of the file.
    ///
    /// # Errors
    /// If the name is too long.
    pub fn to_ef(&self) -> Result<[u8; 17], InvalidValue> {
        let coded = encode_alpha(&self.name);
        if coded.len() > SPN_NAME || self.name.is_empty() {
            return Err(invalid(
                "EF.SPN",
                "1 to 16 characters of the GSM alphabet, or 1 to 7 of others",
            ));
        }
        let mut ef = [0xFF; 17];
        let display = u8::from(self.show_plmn_at_home) | u8::from(self.hide_when_roaming) << 1;
        let octets = core::iter::once(display).chain(coded);
        ef.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        Ok(ef)
    }

    /// From the contents of the file, `None` if there is no name in it.
    pub fn from_ef(contents: &[u8]) -> Option<Self> {
        let (display, name) = contents.split_first()?;
        Some(ServiceProviderName {
            name: alpha(name).filter(|name| !name.is_empty())?,
            show_plmn_at_home: display & 1 != 0,
            hide_when_roaming: display & 2 != 0,
        })
    }
}

/// The GSM 7 bit default alphabet; the escape is a space.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Octets of a text: the GSM alphabet one octet a character, or '80' and UCS2.
fn encode_alpha(text: &str) -> Vec<u8> {
    let gsm: Option<Vec<u8>> = text
        .chars()
        .map(|wanted| GSM.chars().position(|c| c == wanted).map(|at| at as u8))
        .collect();
    gsm.unwrap_or_else(|| {
        let mut coded = alloc::vec![0x80];
        coded.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        coded
    })
}

/// The text of an alpha identifier; `None` if it is in no known coding.
pub(in crate::profile) fn alpha(octets: &[u8]) -> Option<String> {
    match octets {
        [0x80, ucs2 @ ..] => {
            let (pairs, _) = ucs2.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let units: Vec<u16> = units.take_while(|unit| *unit != 0xFFFF).collect();
            String::from_utf16(&units).ok()
        }
        [0x81, length, base, text @ ..] => {
            let base = u32::from(*base) << 7;
            based(text.get(..usize::from(*length))?, base)
        }
        [0x82, length, high, low, text @ ..] => {
            let base = u32::from(u16::from_be_bytes([*high, *low]));
            based(text.get(..usize::from(*length))?, base)
        }
        _ => octets
            .iter()
            .take_while(|octet| **octet != 0xFF)
            .map(|octet| GSM.chars().nth(usize::from(*octet)))
            .collect(),
    }
}

/// Characters of the GSM alphabet, or offsets from a base (codings '81' and
/// '82').
fn based(text: &[u8], base: u32) -> Option<String> {
    text.iter()
        .map(|octet| match octet {
            0x80.. => char::from_u32(base + u32::from(octet & 0x7F)),
            _ => GSM.chars().nth(usize::from(*octet)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spn(name: &str) -> ServiceProviderName {
        ServiceProviderName {
            name: name.into(),
            show_plmn_at_home: true,
            hide_when_roaming: false,
        }
    }

    #[test]
    fn the_alphabet_has_128_characters() {
        assert_eq!(GSM.chars().count(), 128);
        assert_eq!(GSM.chars().nth(0x41), Some('A'));
        assert_eq!(GSM.chars().nth(0x7F), Some('à'));
    }

    #[test]
    fn names_are_coded_and_read() {
        let ef = spn("Simurgh").to_ef().unwrap();
        assert_eq!(&ef[..8], b"\x01Simurgh");
        assert_eq!(&ef[8..], [0xFF; 9]);
        assert_eq!(ServiceProviderName::from_ef(&ef), Some(spn("Simurgh")));
        let umlaut = spn("Ämter@Netz").to_ef().unwrap();
        assert_eq!(umlaut[1], 0x5B);
        assert_eq!(umlaut[6], 0x00);
        let wide = spn("سیمرغ").to_ef().unwrap();
        assert_eq!(&wide[1..4], [0x80, 0x06, 0x33]);
        assert_eq!(ServiceProviderName::from_ef(&wide), Some(spn("سیمرغ")));
        assert!(spn("").to_ef().is_err());
        assert!(spn("seventeen letters").to_ef().is_err());
        assert_eq!(ServiceProviderName::from_ef(&[0xFF; 17]), None);
    }

    #[test]
    fn compressed_codings_are_read() {
        assert_eq!(alpha(&[0x81, 3, 0x08, 0x90, b'a', 0x91]).unwrap(), "АaБ");
        assert_eq!(alpha(&[0x82, 2, 0x04, 0x10, 0x80, b'!']).unwrap(), "А!");
        assert_eq!(alpha(&[0x81, 9, 0x08]), None);
    }
}
