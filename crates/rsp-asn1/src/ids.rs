//! Identifiers: parsed once at the door, typed ever after.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{DecodeError, ErrorKind, Tag, Tagged, Tlv, Writer};

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// The wrong number of digits, or something that is no digit.
    #[error("{what} has {expected}")]
    Form {
        /// The identifier's name.
        what: &'static str,
        /// What it consists of.
        expected: &'static str,
    },
    /// The check digits do not fit the others.
    #[error("the check digits of this {0} do not fit its other digits")]
    CheckDigits(&'static str),
}

const fn form(what: &'static str, expected: &'static str) -> InvalidId {
    InvalidId::Form { what, expected }
}

/// Serialises an identifier as its text; `$octets` reads the text of octets
/// that a message may have in its place.
macro_rules! as_text {
    ($name:ident) => {
        as_text!($name, |_| None);
    };
    ($name:ident, $octets:expr) => {
        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                let octets: fn(&str) -> Option<$name> = $octets;
                text.parse().or_else(|error| octets(&text).ok_or(error))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

/// EID: 32 decimal digits, packed in reading order (SGP.29; SGP.22 tag '5A').
///
/// A message may have other octets there: they are kept as they are. Their text
/// is `0x` and the octets in hexadecimal, which is read back where it was
/// written by serialising, and is no EID where a person gives one.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Eid([u8; 16]);

impl Eid {
    /// From 16 octets of packed digits, in reading order.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Eid(bytes)
    }

    /// The 16 octets of packed digits.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether it consists of digits: octets of a message may be others.
    pub fn is_decimal(&self) -> bool {
        let digits = |octet: &u8| octet >> 4 < 10 && octet & 15 < 10;
        self.0.iter().all(digits)
    }

    /// The EID with these 30 digits, check digits added (SGP.29).
    ///
    /// # Errors
    /// If `digits` are not 30 decimal digits.
    pub fn with_check_digits(digits: &str) -> Result<Self, InvalidId> {
        const FORM: InvalidId = form("an EID without check digits", "30 decimal digits");
        if digits.len() != 30 {
            return Err(FORM);
        }
        let number: u128 = digits.parse().map_err(|_| FORM)?;
        let check = 98 - number * 100 % 97;
        alloc::format!("{digits}{check:02}").parse()
    }

    /// Whether the last two digits are right (ISO/IEC 7064 MOD 97-10). Some
    /// test material in the field has wrong ones: a reason to warn a person,
    /// not to refuse a message.
    pub fn has_valid_check_digits(&self) -> bool {
        let mut rest = 0u32;
        for octet in self.0 {
            rest = (rest * 100 + u32::from(octet >> 4) * 10 + u32::from(octet & 15)) % 97;
        }
        rest == 1
    }
}

impl FromStr for Eid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = form("an EID", "32 decimal digits");
        let digits = decimal(text).filter(|digits| digits.len() == 32);
        let packed = pack(&digits.ok_or(invalid.clone())?, false);
        packed.try_into().map(Eid).map_err(|_| invalid)
    }
}

impl fmt::Display for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_decimal() {
            f.write_str(OCTETS)?;
        }
        hex(&self.0, f)
    }
}

as_text!(Eid, |text| of_octets(text).map(Eid));

impl Tagged for Eid {
    const TAG: Tag = Tag::new(0x5A);

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        <[u8; 16]>::decode_value(tlv).map(Eid)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

/// ICCID: 18 to 20 decimal digits; in EF.ICCID and in every message with the
/// nibbles swapped and padded with F (SGP.22 tag '5A').
///
/// A message may have other octets there: they are kept as they are, like those
/// of an [`Eid`].
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Iccid([u8; 10]);

impl Iccid {
    /// From the coding of EF.ICCID (nibbles swapped).
    pub const fn from_swapped(bytes: [u8; 10]) -> Self {
        Iccid(bytes)
    }

    /// The coding of EF.ICCID.
    pub const fn as_swapped(&self) -> &[u8; 10] {
        &self.0
    }

    /// Whether it consists of 18 to 20 digits: octets of a message may be
    /// others.
    pub fn is_decimal(&self) -> bool {
        let text = unpack_swapped(&self.0);
        let digits = text.trim_end_matches('F');
        digits.len() >= 18 && digits.bytes().all(|digit| digit.is_ascii_digit())
    }

    /// From the coding of the profile header (nibbles in reading order).
    pub fn from_plain(bytes: [u8; 10]) -> Self {
        Iccid(bytes.map(|octet| octet.rotate_left(4)))
    }

    /// The coding of the profile header (SAIP `ProfileHeader.iccid`).
    pub fn to_plain(&self) -> [u8; 10] {
        self.0.map(|octet| octet.rotate_left(4))
    }

    /// The ICCID with these digits, check digit added (ITU-T E.118).
    ///
    /// # Errors
    /// If `digits` are not 17 to 19 decimal digits.
    pub fn with_check_digit(digits: &str) -> Result<Self, InvalidId> {
        const FORM: InvalidId = form("an ICCID without check digit", "17 to 19 decimal digits");
        let values = decimal(digits).ok_or(FORM)?;
        let check = luhn_check_digit(&values);
        alloc::format!("{digits}{check}").parse().map_err(|_| FORM)
    }

    /// Whether the last digit is right (Luhn, ITU-T E.118). ICCIDs in use do
    /// not all have one: a reason to warn a person, not to refuse a message.
    pub fn has_valid_check_digit(&self) -> bool {
        has_luhn_check_digit(&self.to_string())
    }
}

impl FromStr for Iccid {
    type Err = InvalidId;

    /// Accepts a trailing `F`, as some peers send with 19 digits.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = form("an ICCID", "18 to 20 decimal digits");
        let digits = decimal(text.trim_end_matches(['F', 'f'])).ok_or(invalid.clone())?;
        if digits.len() < 18 {
            return Err(invalid);
        }
        let mut packed = pack(&digits, true);
        packed.resize(packed.len().max(10), 0xFF);
        packed.try_into().map(Iccid).map_err(|_| invalid)
    }
}

impl fmt::Display for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_decimal() {
            f.write_str(OCTETS)?;
            return hex(&self.0, f);
        }
        let digits: String = unpack_swapped(&self.0);
        f.write_str(digits.trim_end_matches('F'))
    }
}

as_text!(Iccid, |text| of_octets(text).map(Iccid));

impl Tagged for Iccid {
    const TAG: Tag = Tag::new(0x5A);

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        <[u8; 10]>::decode_value(tlv).map(Iccid)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

/// IMSI: 6 to 15 decimal digits (3GPP TS 23.003).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Imsi(String);

impl Imsi {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nine octets of EF.IMSI (3GPP TS 31.102 4.2.2).
    pub fn to_ef(&self) -> [u8; 9] {
        let parity = if self.0.len() % 2 == 1 { '9' } else { '1' };
        let coded = alloc::format!("{parity}{}", self.0);
        let packed = pack(&decimal(&coded).unwrap_or_default(), true);
        let mut ef = [0xFF; 9];
        for (to, from) in ef.iter_mut().skip(1).zip(&packed) {
            *to = *from;
        }
        if let Some(length) = ef.first_mut() {
            *length = packed.len() as u8;
        }
        ef
    }

    /// From the contents of EF.IMSI.
    ///
    /// # Errors
    /// If they are no IMSI.
    pub fn from_ef(ef: &[u8]) -> Result<Self, InvalidId> {
        let (length, rest) = ef.split_first().ok_or(IMSI_FORM)?;
        let coded = rest.get(..usize::from(*length)).ok_or(IMSI_FORM)?;
        let digits = unpack_swapped(coded);
        let digits = digits.trim_end_matches('F');
        digits.get(1..).ok_or(IMSI_FORM)?.parse()
    }
}

const IMSI_FORM: InvalidId = form("an IMSI", "6 to 15 decimal digits");

impl FromStr for Imsi {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let valid = (6..=15).contains(&text.len()) && decimal(text).is_some();
        valid.then(|| Imsi(text.to_string())).ok_or(IMSI_FORM)
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(Imsi);

/// IMEI: 15 decimal digits, the last of them a check digit (3GPP TS 23.003).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Imei(String);

impl Imei {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `tac` of `DeviceInfo`: the first eight digits in reading order.
    pub fn tac(&self) -> [u8; 4] {
        let digits = decimal(&self.0).unwrap_or_default();
        let mut tac = [0; 4];
        for (to, from) in tac.iter_mut().zip(pack(&digits, false)) {
            *to = from;
        }
        tac
    }

    /// `imei` of `DeviceInfo`: nibbles swapped, but the last octet has the check
    /// digit in its high nibble and F in the low one (SGP.22 4.2).
    pub fn to_octets(&self) -> [u8; 8] {
        let digits = decimal(&self.0).unwrap_or_default();
        let mut octets = [0; 8];
        for (to, from) in octets.iter_mut().zip(pack(&digits, true)) {
            *to = from;
        }
        if let Some(last) = octets.last_mut() {
            *last = last.rotate_left(4);
        }
        octets
    }

    /// From `imei` of `DeviceInfo`; the last octet may have its nibbles in
    /// either order.
    ///
    /// # Errors
    /// If the octets are no IMEI with its check digit.
    pub fn from_octets(octets: &[u8; 8]) -> Result<Self, InvalidId> {
        unpack_swapped(octets).replace('F', "").parse()
    }
}

const IMEI_FORM: InvalidId = form("an IMEI", "15 decimal digits");

impl FromStr for Imei {
    type Err = InvalidId;

    /// With or without its check digit, which is added; hyphens and spaces
    /// between the digits are left out.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.replace(['-', ' '], "");
        let digits = decimal(&text).ok_or(IMEI_FORM)?;
        match digits.len() {
            14 => Ok(Imei(alloc::format!("{text}{}", luhn_check_digit(&digits)))),
            15 if has_luhn_check_digit(&text) => Ok(Imei(text)),
            15 => Err(InvalidId::CheckDigits("IMEI")),
            _ => Err(IMEI_FORM),
        }
    }
}

impl fmt::Display for Imei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(Imei);

/// The digit that makes the sum of Luhn's algorithm (ISO/IEC 7812-1) end in 0.
fn luhn_check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit @ 0..=4) => digit * 2,
            (0, digit) => digit * 2 - 9,
            (_, digit) => digit,
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

fn has_luhn_check_digit(text: &str) -> bool {
    let digits = decimal(text).unwrap_or_default();
    digits
        .split_last()
        .is_some_and(|(check, others)| *check == luhn_check_digit(others))
}

/// PLMN: MCC and MNC in three octets (3GPP TS 24.008 10.5.1.13).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Plmn([u8; 3]);

impl Plmn {
    /// From the coding of TS 24.008.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        Plmn(bytes)
    }

    /// The coding of TS 24.008.
    pub const fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }
}

impl FromStr for Plmn {
    type Err = InvalidId;

    /// `26201`, `262-01` or `310260`.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = form("a PLMN", "an MCC of 3 and an MNC of 2 or 3 decimal digits");
        let digits = decimal(&text.replacen('-', "", 1)).ok_or(invalid.clone())?;
        match digits.as_slice() {
            [a, b, c, d, e] => Ok(Plmn([b << 4 | a, 0xF0 | c, e << 4 | d])),
            [a, b, c, d, e, f] => Ok(Plmn([b << 4 | a, f << 4 | c, e << 4 | d])),
            _ => Err(invalid),
        }
    }
}

impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{:X}{:X}{:X}-", a & 15, a >> 4, b & 15)?;
        write!(f, "{:X}{:X}", c & 15, c >> 4)?;
        match b >> 4 {
            15 => Ok(()),
            third => write!(f, "{third:X}"),
        }
    }
}

as_text!(Plmn);

impl Tagged for Plmn {
    const TAG: Tag = Tag::OCTET_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        <[u8; 3]>::decode_value(tlv).map(Plmn)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

/// TransactionId: 1 to 16 octets; its text is upper case hexadecimal. The same
/// type names RSP sessions (made by an SM-DP+ or SM-DS) and eIM transactions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TransactionId(Vec<u8>);

impl TransactionId {
    /// From 1 to 16 octets.
    ///
    /// # Errors
    /// If there are none or more.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        match bytes.len() {
            1..=16 => Ok(TransactionId(bytes.to_vec())),
            _ => Err(form("a transactionId", "1 to 16 octets")),
        }
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for TransactionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = form("a transactionId", "2 to 32 hexadecimal digits");
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect();
        let digits = digits.filter(|d| d.len() % 2 == 0).ok_or(invalid.clone())?;
        TransactionId::from_bytes(&pack(&digits, false)).map_err(|_| invalid)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

as_text!(TransactionId);

impl Tagged for TransactionId {
    const TAG: Tag = Tag::OCTET_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        TransactionId::from_bytes(tlv.value).map_err(|_| {
            tlv.error(ErrorKind::Size {
                min: 1,
                max: 16,
                actual: tlv.value.len(),
            })
        })
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

/// What the text of octets that are no identifier begins with.
const OCTETS: &str = "0x";

/// The octets of such a text.
fn of_octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix(OCTETS)?.chars();
    let digits: Option<Vec<u8>> = digits
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() == 2 * N)?;
    pack(&digits, false).try_into().ok()
}

/// The values of decimal digits, `None` if something else is among them.
fn decimal(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| c.to_digit(10).map(|digit| digit as u8))
        .collect()
}

/// Two digits an octet, the last one padded with F; `swapped` puts the first
/// digit into the low nibble.
fn pack(digits: &[u8], swapped: bool) -> Vec<u8> {
    let pair = |pair: &[u8]| {
        let first = pair.first().copied().unwrap_or(0xF);
        let second = pair.get(1).copied().unwrap_or(0xF);
        match swapped {
            true => second << 4 | first,
            false => first << 4 | second,
        }
    };
    digits.chunks(2).map(pair).collect()
}

fn unpack_swapped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|octet| [octet & 15, octet >> 4])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn1;

    #[test]
    fn eid_check_digits() {
        let eid: Eid = "89049032123451234512345678901235".parse().unwrap();
        assert!(eid.has_valid_check_digits());
        assert_eq!(
            Eid::with_check_digits("890490321234512345123456789012").unwrap(),
            eid
        );
        let wrong: Eid = "89049032123451234512345678901234".parse().unwrap();
        assert!(!wrong.has_valid_check_digits());
        assert!("8904903212345123451234567890123".parse::<Eid>().is_err());
        assert!("8904903212345123451234567890123x".parse::<Eid>().is_err());
    }

    #[test]
    fn iccid_swaps_and_pads() {
        let iccid: Iccid = "89103000000000000001".parse().unwrap();
        assert_eq!(iccid.as_swapped(), &[0x98, 1, 3, 0, 0, 0, 0, 0, 0, 0x10]);
        let nineteen: Iccid = "8999970000000000019F".parse().unwrap();
        assert_eq!(nineteen.to_string(), "8999970000000000019");
        assert_eq!(nineteen.as_swapped()[9], 0xF9);
        assert_eq!(nineteen.to_plain()[9], 0x9F);
        assert_eq!(Iccid::from_plain(nineteen.to_plain()), nineteen);
        assert!("891030".parse::<Iccid>().is_err());
        assert!("891030000000000000011".parse::<Iccid>().is_err());
    }

    #[test]
    fn octets_that_are_no_digits_are_kept_and_no_person_may_give_them() {
        let iccids: [[u8; 10]; 5] = [
            [0x98, 0xA1, 0x03, 0, 0, 0, 0, 0, 0, 0x10],
            // F amid the digits, too few digits, none at all.
            [0x98, 0xF1, 0x03, 0, 0, 0, 0, 0, 0, 0x10],
            [0x98, 0x01, 0x03, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            [0xFF; 10],
            [0xEE; 10],
        ];
        for octets in iccids {
            let der = [&[0x5A, 10], octets.as_slice()].concat();
            let iccid = Iccid::from_der(&der).unwrap();
            assert!(!iccid.is_decimal());
            assert_eq!(iccid.to_der(), der);
            let text = String::from(iccid);
            assert!(text.starts_with("0x") && text.len() == 22, "{text}");
            assert!(text.parse::<Iccid>().is_err(), "{text}");
            assert_eq!(Iccid::try_from(text), Ok(iccid));
        }
        for digits in [
            "891030000000000000",
            "8910300000000000009",
            "89103000000000000001",
        ] {
            let iccid: Iccid = digits.parse().unwrap();
            assert!(iccid.is_decimal());
            assert_eq!(String::from(iccid), digits);
        }
        let octets = [
            0x89, 0x04, 0x90, 0x3A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF,
        ];
        let eid = Eid::from_der(&[&[0x5A, 16], octets.as_slice()].concat()).unwrap();
        assert!(!eid.is_decimal());
        let text = eid.to_string();
        assert_eq!(text, "0x8904903A0000000000000000000000FF");
        assert!(text.parse::<Eid>().is_err());
        assert_eq!(Eid::try_from(text), Ok(eid));
        for none in [
            "0x",
            "0x00",
            "0x8904903A0000000000000000000000FG",
            "8904903A",
        ] {
            assert!(Eid::try_from(String::from(none)).is_err(), "{none}");
        }
    }

    #[test]
    fn iccid_check_digit() {
        let iccid = Iccid::with_check_digit("891030000000000000").unwrap();
        assert!(iccid.has_valid_check_digit());
        assert_eq!(iccid.to_string(), "8910300000000000009");
        let wrong: Iccid = "8910300000000000008".parse().unwrap();
        assert!(!wrong.has_valid_check_digit());
        assert!(Iccid::with_check_digit("8910300000000000000x").is_err());
        assert!(Iccid::with_check_digit("1234").is_err());
    }

    #[test]
    fn imei_with_and_without_its_check_digit() {
        let imei: Imei = "490154203237518".parse().unwrap();
        assert_eq!("49-015420-323751".parse::<Imei>().unwrap(), imei);
        assert_eq!(imei.tac(), [0x49, 0x01, 0x54, 0x20]);
        let octets = [0x94, 0x10, 0x45, 0x02, 0x23, 0x73, 0x15, 0x8F];
        assert_eq!(imei.to_octets(), octets);
        assert_eq!(Imei::from_octets(&octets).unwrap(), imei);
        let mut swapped = octets;
        swapped[7] = 0xF8;
        assert_eq!(Imei::from_octets(&swapped).unwrap(), imei);
        assert!("490154203237517".parse::<Imei>().is_err());
        assert!("4901542032375".parse::<Imei>().is_err());
    }

    #[test]
    fn imsi_in_its_file() {
        let imsi: Imsi = "001010123456789".parse().unwrap();
        let ef = [0x08, 0x09, 0x10, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98];
        assert_eq!(imsi.to_ef(), ef);
        assert_eq!(Imsi::from_ef(&ef).unwrap(), imsi);
        let short: Imsi = "26201012345678".parse().unwrap();
        assert_eq!(Imsi::from_ef(&short.to_ef()).unwrap(), short);
    }

    #[test]
    fn plmn_of_two_and_three_mnc_digits() {
        let plmn: Plmn = "262-01".parse().unwrap();
        assert_eq!(plmn.as_bytes(), &[0x62, 0xF2, 0x10]);
        assert_eq!(plmn.to_string(), "262-01");
        let plmn: Plmn = "310260".parse().unwrap();
        assert_eq!(plmn.as_bytes(), &[0x13, 0x00, 0x62]);
        assert_eq!(plmn.to_string(), "310-260");
    }
}
