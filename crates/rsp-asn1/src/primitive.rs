//! Universal types.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::{DecodeError, ErrorKind, Tag, Tagged, Tlv, Writer};

impl Tagged for bool {
    const TAG: Tag = Tag::BOOLEAN;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        match tlv.value {
            [octet] => Ok(*octet != 0),
            _ => Err(tlv.error(ErrorKind::Value("a BOOLEAN has one octet"))),
        }
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, if *self { &[0xFF] } else { &[0x00] });
    }
}

/// NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Null;

impl Tagged for Null {
    const TAG: Tag = Tag::NULL;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        match tlv.value {
            [] => Ok(Null),
            _ => Err(tlv.error(ErrorKind::Value("a NULL has no contents"))),
        }
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &[]);
    }
}

impl Tagged for i64 {
    const TAG: Tag = Tag::INTEGER;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        let (first, rest) = tlv
            .value
            .split_first()
            .ok_or_else(|| tlv.error(ErrorKind::Value("an INTEGER has at least one octet")))?;
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        // Padding octets that only repeat the sign are tolerated.
        let mut value = i128::from(i8::from_be_bytes([*first]));
        for octet in rest {
            value = value << 8 | i128::from(*octet);
            if value >> 63 != sign {
                return Err(tlv.error(ErrorKind::IntegerRange));
            }
        }
        i64::try_from(value).map_err(|_| tlv.error(ErrorKind::IntegerRange))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        let bytes = self.to_be_bytes();
        let mut value = bytes.as_slice();
        while let [first, second, ..] = value {
            let redundant =
                (*first == 0x00 && second & 0x80 == 0) || (*first == 0xFF && second & 0x80 != 0);
            if !redundant {
                break;
            }
            value = value.get(1..).unwrap_or_default();
        }
        out.primitive(tag, value);
    }
}

/// OCTET STRING.
impl Tagged for Vec<u8> {
    const TAG: Tag = Tag::OCTET_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Ok(tlv.value.to_vec())
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, self);
    }
}

/// OCTET STRING of a fixed size.
impl<const N: usize> Tagged for [u8; N] {
    const TAG: Tag = Tag::OCTET_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        tlv.value.try_into().map_err(|_| size_error(tlv, N, N))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, self);
    }
}

fn size_error(tlv: &Tlv<'_>, min: usize, max: usize) -> DecodeError {
    let actual = tlv.value.len();
    tlv.error(ErrorKind::Size { min, max, actual })
}

/// UTF8String.
impl Tagged for String {
    const TAG: Tag = Tag::UTF8_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        core::str::from_utf8(tlv.value)
            .map(ToString::to_string)
            .map_err(|_| tlv.error(ErrorKind::Value("not UTF-8")))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, self.as_bytes());
    }
}

/// UTF8String of `MIN` to `MAX` characters.
#[derive(
    Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct BoundedString<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> BoundedString<MIN, MAX> {
    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> Deref for BoundedString<MIN, MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> From<BoundedString<MIN, MAX>> for String {
    fn from(value: BoundedString<MIN, MAX>) -> Self {
        value.0
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for BoundedString<MIN, MAX> {
    type Error = ErrorKind;

    fn try_from(value: String) -> Result<Self, ErrorKind> {
        let actual = value.chars().count();
        if (MIN..=MAX).contains(&actual) {
            return Ok(Self(value));
        }
        Err(ErrorKind::Size {
            min: MIN,
            max: MAX,
            actual,
        })
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<&str> for BoundedString<MIN, MAX> {
    type Error = ErrorKind;

    fn try_from(value: &str) -> Result<Self, ErrorKind> {
        Self::try_from(value.to_string())
    }
}

impl<const MIN: usize, const MAX: usize> Tagged for BoundedString<MIN, MAX> {
    const TAG: Tag = Tag::UTF8_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        String::decode_value(tlv)?
            .try_into()
            .map_err(|kind| tlv.error(kind))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        self.0.encode_under(tag, out);
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for BoundedString<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for BoundedString<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// BIT STRING. Bit 0 is the most significant bit of the first octet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitString {
    unused: u8,
    octets: Vec<u8>,
}

impl BitString {
    /// A named-bit list with the given bits set, without trailing zeros
    /// (X.690 11.2.2).
    pub fn of(bits: &[u8]) -> Self {
        let length = bits.iter().max().map_or(0, |bit| usize::from(*bit) + 1);
        let mut octets = alloc::vec![0u8; length.div_ceil(8)];
        for bit in bits {
            if let Some(octet) = octets.get_mut(usize::from(bit / 8)) {
                *octet |= 0x80 >> (bit % 8);
            }
        }
        BitString {
            unused: ((8 - length % 8) % 8) as u8,
            octets,
        }
    }

    /// Whether the bit is set; absent bits are not.
    pub fn bit(&self, bit: u8) -> bool {
        self.octets
            .get(usize::from(bit / 8))
            .is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0)
    }

    /// The bits, padded to whole octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }
}

impl Tagged for BitString {
    const TAG: Tag = Tag::BIT_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        match tlv.value.split_first() {
            Some((unused, octets)) if *unused == 0 || (*unused < 8 && !octets.is_empty()) => {
                Ok(BitString {
                    unused: *unused,
                    octets: octets.to_vec(),
                })
            }
            _ => Err(tlv.error(ErrorKind::Value("malformed BIT STRING"))),
        }
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.header(tag, self.octets.len() + 1);
        out.raw(&[self.unused]);
        out.raw(&self.octets);
    }
}
