//! Files of DF.5GS (3GPP TS 31.102 4.4.11; TS 33.501 Annex C).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use rsp_asn1::{Reader, Tag, Writer};

use super::{InvalidValue, as_text, invalid};
use crate::profile::hex;

/// What an order sets in DF.5GS. `None` or nothing leaves the package's.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FiveGs {
    /// EF.Routing_Indicator: 1 to 4 digits.
    pub routing_indicator: Option<RoutingIndicator>,
    /// Who calculates the SUCI.
    pub suci_by: SuciBy,
    /// Keys of the home network; the order is that of preference.
    pub suci_keys: Vec<HomeNetworkKey>,
    /// Whether the null scheme is the last choice.
    pub suci_null_scheme: bool,
    /// EF.SUPI_NAI: the SUPI of a network without IMSI, as `user@realm`.
    pub supi_nai: Option<String>,
    /// EF.UAC_AIC: access identities that are configured, 1 (multimedia
    /// priority) and 2 (mission critical).
    pub access_identities: Option<Vec<u8>>,
}

impl FiveGs {
    /// Whether the order sets nothing here.
    pub fn is_empty(&self) -> bool {
        *self == FiveGs::default()
    }

    /// EF.SUCI_Calc_Info, if the order sets it.
    pub(in crate::profile) fn suci_calc_info(&self) -> Option<SuciCalcInfo> {
        if self.suci_keys.is_empty() && !self.suci_null_scheme {
            return None;
        }
        let indexed = self.suci_keys.iter().zip(1u8..);
        let mut schemes: Vec<_> = indexed.map(|(key, index)| (key.scheme, index)).collect();
        if self.suci_null_scheme {
            schemes.push((ProtectionScheme::Null, 0));
        }
        let keys = self.suci_keys.iter();
        Some(SuciCalcInfo {
            schemes: schemes
                .into_iter()
                .map(|(scheme, index)| (scheme.identifier(), index))
                .collect(),
            keys: keys.map(|key| (key.id, key.key.clone())).collect(),
        })
    }
}

/// Who calculates the SUCI (services 124 and 125 of EF.UST).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuciBy {
    /// The device, from EF.SUCI_Calc_Info in DF.5GS.
    #[default]
    Device,
    /// The USIM, from the file in DF.SAIP; the device asks with GET IDENTITY.
    Usim,
}

/// A protection scheme (3GPP TS 33.501 C.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtectionScheme {
    /// The SUPI in clear.
    Null,
    /// ECIES with X25519.
    ProfileA,
    /// ECIES with P-256.
    ProfileB,
}

impl ProtectionScheme {
    /// Protection scheme identifier.
    pub const fn identifier(self) -> u8 {
        match self {
            ProtectionScheme::Null => 0,
            ProtectionScheme::ProfileA => 1,
            ProtectionScheme::ProfileB => 2,
        }
    }
}

/// A public key of the home network.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "KeyText", into = "KeyText")]
pub struct HomeNetworkKey {
    /// Profile A or B.
    scheme: ProtectionScheme,
    /// Home network public key identifier.
    id: u8,
    /// 32 octets for profile A, a compressed (33) or uncompressed (65) point
    /// for profile B.
    key: Vec<u8>,
}

/// The form of a key in text.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    scheme: ProtectionScheme,
    id: u8,
    key: String,
}

impl HomeNetworkKey {
    /// A key.
    ///
    /// # Errors
    /// If its length or first octet is not that of the scheme.
    pub fn new(scheme: ProtectionScheme, id: u8, key: Vec<u8>) -> Result<Self, InvalidValue> {
        let fits = match scheme {
            ProtectionScheme::Null => false,
            ProtectionScheme::ProfileA => key.len() == 32,
            ProtectionScheme::ProfileB => matches!(
                (key.len(), key.first()),
                (33, Some(0x02 | 0x03)) | (65, Some(0x04))
            ),
        };
        match fits {
            true => Ok(HomeNetworkKey { scheme, id, key }),
            false => Err(invalid(
                "a home network key",
                "32 octets for profile-a, a point of 33 or 65 octets for profile-b",
            )),
        }
    }
}

impl HomeNetworkKey {
    /// Profile A or B.
    pub fn scheme(&self) -> ProtectionScheme {
        self.scheme
    }
}

impl TryFrom<KeyText> for HomeNetworkKey {
    type Error = InvalidValue;

    fn try_from(text: KeyText) -> Result<Self, InvalidValue> {
        let key = hex::decode(&text.key);
        let key = key.ok_or(invalid("a home network key", "hexadecimal digits"))?;
        HomeNetworkKey::new(text.scheme, text.id, key)
    }
}

impl From<HomeNetworkKey> for KeyText {
    fn from(key: HomeNetworkKey) -> Self {
        KeyText {
            scheme: key.scheme,
            id: key.id,
            key: hex::encode(&key.key),
        }
    }
}

/// Contents of EF.SUCI_Calc_Info (3GPP TS 31.102 4.4.11.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::profile) struct SuciCalcInfo {
    /// Scheme identifier and place of its key in the list, 0 for none; the
    /// first one is preferred.
    pub(in crate::profile) schemes: Vec<(u8, u8)>,
    /// Identifier and key.
    pub(in crate::profile) keys: Vec<(u8, Vec<u8>)>,
}

const SCHEMES: Tag = Tag::new(0xA0);
const KEYS: Tag = Tag::new(0xA1);
const KEY_ID: Tag = Tag::new(0x80);
const KEY: Tag = Tag::new(0x81);

impl SuciCalcInfo {
    /// The contents of the file.
    pub(in crate::profile) fn to_ef(&self) -> Vec<u8> {
        let schemes: Vec<u8> = self.schemes.iter().flat_map(|(s, k)| [*s, *k]).collect();
        let mut contents = Writer::new();
        contents.primitive(SCHEMES, &schemes);
        contents.constructed(KEYS, |keys| {
            for (id, key) in &self.keys {
                keys.primitive(KEY_ID, &[*id]);
                keys.primitive(KEY, key);
            }
        });
        contents.into_bytes()
    }

    /// From the contents of the file, `None` if they are something else.
    pub(in crate::profile) fn from_ef(contents: &[u8]) -> Option<Self> {
        let mut contents = Reader::new(contents);
        let (pairs, odd) = value(&mut contents, SCHEMES)?.as_chunks::<2>();
        let mut info = SuciCalcInfo {
            schemes: pairs.iter().map(|[scheme, key]| (*scheme, *key)).collect(),
            keys: Vec::new(),
        };
        // Behind the objects the file may be filled up with anything.
        let keys = match contents.rest().first() {
            Some(0xA1) => value(&mut contents, KEYS)?,
            _ => &[],
        };
        let mut keys = Reader::new(keys);
        while !keys.is_empty() {
            let id = value(&mut keys, KEY_ID)?.first()?;
            info.keys.push((*id, value(&mut keys, KEY)?.to_vec()));
        }
        odd.is_empty().then_some(info)
    }

    /// What is wrong with it, in words; `None` if nothing is.
    pub(in crate::profile) fn problem(&self) -> Option<&'static str> {
        for (scheme, index) in &self.schemes {
            let key = usize::from(*index)
                .checked_sub(1)
                .and_then(|index| self.keys.get(index));
            let fits = match (scheme, key) {
                (0, None) => *index == 0,
                (1, Some((_, key))) => key.len() == 32,
                (2, Some((_, key))) => matches!(key.len(), 33 | 65),
                (0..=2, _) => false,
                _ => true,
            };
            if !fits {
                return Some(
                    "a protection scheme without a key of its length: profile A takes 32 octets, \
                     profile B 33 or 65, the null scheme none",
                );
            }
        }
        None
    }
}

/// The value of the next object, which must have this tag.
fn value<'a>(objects: &mut Reader<'a>, tag: Tag) -> Option<&'a [u8]> {
    let object = objects.tlv().ok()?;
    (object.tag == tag).then_some(object.value)
}

/// EF.Routing_Indicator (3GPP TS 31.102 4.4.11.11): 1 to 4 digits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoutingIndicator(String);

impl FromStr for RoutingIndicator {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        match digits && (1..=4).contains(&text.len()) {
            true => Ok(RoutingIndicator(text.into())),
            false => Err(invalid("a routing indicator", "1 to 4 digits")),
        }
    }
}

impl fmt::Display for RoutingIndicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(RoutingIndicator);

impl RoutingIndicator {
    /// The four octets of the file; the last two are reserved.
    pub fn to_ef(&self) -> [u8; 4] {
        let mut nibbles = self.0.bytes().map(|digit| digit & 15).chain([15; 3]);
        let mut octet = || nibbles.next().unwrap_or(15) | nibbles.next().unwrap_or(15) << 4;
        [octet(), octet(), 0xFF, 0xFF]
    }

    /// From the contents of the file, `None` if it holds no digits.
    pub fn from_ef(contents: &[u8]) -> Option<Self> {
        let nibbles = contents.get(..2)?.iter().flat_map(|o| [o & 15, o >> 4]);
        let digits = nibbles.take_while(|nibble| *nibble != 15);
        let text: Option<String> = digits
            .map(|nibble| char::from_digit(u32::from(nibble), 10))
            .collect();
        text?.parse().ok()
    }
}

/// EF.SUPI_NAI (3GPP TS 31.102 4.4.11.10).
pub(in crate::profile) struct Supi;

impl Supi {
    /// A network specific identifier, as `user@realm`.
    pub(in crate::profile) fn to_ef(nai: &str) -> Vec<u8> {
        let mut contents = Writer::new();
        contents.primitive(Tag::new(0x80), nai.as_bytes());
        contents.into_bytes()
    }

    /// The identifier, whichever of the three kinds it is.
    pub(in crate::profile) fn from_ef(contents: &[u8]) -> Option<String> {
        let object = Reader::new(contents).tlv().ok()?;
        matches!(object.tag.get(), 0x80..=0x82)
            .then(|| String::from_utf8(object.value.to_vec()).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn routing_indicators() {
        for (text, octets) in [
            ("0", [0xF0, 0xFF]),
            ("12", [0x21, 0xFF]),
            ("1234", [0x21, 0x43]),
        ] {
            let indicator: RoutingIndicator = text.parse().unwrap();
            let ef = indicator.to_ef();
            assert_eq!(ef[..2], octets);
            assert_eq!(RoutingIndicator::from_ef(&ef), Some(indicator));
        }
        assert!("12345".parse::<RoutingIndicator>().is_err());
        assert_eq!(RoutingIndicator::from_ef(&[0xFF; 4]), None);
    }

    /// The example of 3GPP TS 31.102 4.4.11.8 has this form: schemes in order
    /// of preference, keys with their identifiers.
    #[test]
    fn calculation_information() {
        let keys = alloc::vec![
            HomeNetworkKey::new(
                ProtectionScheme::ProfileB,
                27,
                [[2; 33].as_slice()].concat()
            )
            .unwrap(),
            HomeNetworkKey::new(ProtectionScheme::ProfileA, 30, [0xA1; 32].to_vec()).unwrap(),
        ];
        let five_gs = FiveGs {
            suci_keys: keys,
            suci_null_scheme: true,
            ..FiveGs::default()
        };
        let info = five_gs.suci_calc_info().unwrap();
        let ef = info.to_ef();
        assert_eq!(&ef[..8], &[0xA0, 6, 2, 1, 1, 2, 0, 0]);
        assert_eq!(&ef[8..15], &[0xA1, 0x4B, 0x80, 1, 27, 0x81, 33]);
        assert_eq!(SuciCalcInfo::from_ef(&ef), Some(info.clone()));
        let mut padded = ef.clone();
        padded.extend([0xFF; 9]);
        assert_eq!(SuciCalcInfo::from_ef(&padded), Some(info.clone()));
        assert_eq!(info.problem(), None);
        let mut swapped = info;
        swapped.schemes.swap(0, 1);
        swapped.schemes[0].1 = 1;
        assert!(swapped.problem().is_some());
        assert_eq!(SuciCalcInfo::from_ef(&[0xFF; 12]), None);
        assert_eq!(SuciCalcInfo::from_ef(&ef[..20]), None);
    }

    #[test]
    fn keys_have_the_length_of_their_scheme() {
        use ProtectionScheme::{Null, ProfileA, ProfileB};
        assert!(HomeNetworkKey::new(ProfileA, 1, [4; 33].to_vec()).is_err());
        assert!(HomeNetworkKey::new(ProfileB, 1, [9; 33].to_vec()).is_err());
        assert!(HomeNetworkKey::new(ProfileB, 1, [4; 65].to_vec()).is_ok());
        assert!(HomeNetworkKey::new(Null, 1, [4; 32].to_vec()).is_err());
    }

    #[test]
    fn a_supi_of_a_private_network() {
        let ef = Supi::to_ef("meter7@example.org");
        assert_eq!(&ef[..3], &[0x80, 18, b'm']);
        assert_eq!(
            Supi::from_ef(&ef).unwrap().to_string(),
            "meter7@example.org"
        );
    }
}
