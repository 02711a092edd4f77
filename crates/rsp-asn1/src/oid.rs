//! OBJECT IDENTIFIER.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{DecodeError, ErrorKind, Tag, Tagged, Tlv, Writer};

/// An OBJECT IDENTIFIER: its contents octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(Vec<u8>);

/// A text that is no object identifier in dotted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an object identifier in dotted form, such as 2.999.10")]
pub struct InvalidOid;

/// More octets than any identifier of the standards.
const MAX_LEN: usize = 64;

impl Oid {
    /// Contents octets, without tag and length.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From contents octets.
    ///
    /// # Errors
    /// If they are empty, too many, end inside an arc, or an arc is not minimal
    /// or larger than 64 bits.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, InvalidOid> {
        let ends = octets.last().is_some_and(|last| last & 0x80 == 0);
        if !ends || octets.len() > MAX_LEN || arcs(octets).is_none() {
            return Err(InvalidOid);
        }
        Ok(Oid(octets.to_vec()))
    }
}

/// Arcs as encoded, the first two still in one number.
fn arcs(octets: &[u8]) -> Option<Vec<u64>> {
    let mut arcs = Vec::new();
    let mut arc = 0u64;
    let mut start = true;
    for octet in octets {
        if (start && *octet == 0x80) || arc >> 57 != 0 {
            return None;
        }
        arc = arc << 7 | u64::from(octet & 0x7F);
        start = octet & 0x80 == 0;
        if start {
            arcs.push(arc);
            arc = 0;
        }
    }
    Some(arcs)
}

fn push_arc(out: &mut Vec<u8>, arc: u64) {
    let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let bits = (arc >> (7 * group) & 0x7F) as u8;
        out.push(if group == 0 { bits } else { bits | 0x80 });
    }
}

impl FromStr for Oid {
    type Err = InvalidOid;

    fn from_str(text: &str) -> Result<Self, InvalidOid> {
        let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
        let (Some(Some(first)), Some(Some(second))) = (parts.next(), parts.next()) else {
            return Err(InvalidOid);
        };
        if first > 2 || (first < 2 && second > 39) || second > u64::MAX >> 8 {
            return Err(InvalidOid);
        }
        let mut out = Vec::new();
        push_arc(&mut out, first * 40 + second);
        for part in parts {
            push_arc(
                &mut out,
                part.filter(|arc| arc >> 62 == 0).ok_or(InvalidOid)?,
            );
        }
        Oid::from_bytes(&out)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arc) in arcs(&self.0).unwrap_or_default().into_iter().enumerate() {
            match (index, arc) {
                (0, 0..40) => write!(f, "0.{arc}")?,
                (0, 40..80) => write!(f, "1.{}", arc - 40)?,
                (0, _) => write!(f, "2.{}", arc - 80)?,
                _ => write!(f, ".{arc}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Oid {
    type Error = InvalidOid;

    fn try_from(text: String) -> Result<Self, InvalidOid> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.to_string()
    }
}

impl Tagged for Oid {
    const TAG: Tag = Tag::OBJECT_IDENTIFIER;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Oid::from_bytes(tlv.value)
            .map_err(|_| tlv.error(ErrorKind::Value("malformed OBJECT IDENTIFIER")))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_octets_agree() {
        for (text, octets) in [
            ("2.999.10", &[0x88, 0x37, 0x0A][..]),
            ("1.2.840.10045.2.1", &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]),
            ("2.23.143.1.2.1", &[0x67, 0x81, 0x0F, 1, 2, 1]),
            ("0.9", &[9]),
        ] {
            let oid: Oid = text.parse().unwrap();
            assert_eq!(oid.as_bytes(), octets);
            assert_eq!(oid.to_string(), text);
        }
        for bad in [
            "",
            "1",
            "3.1",
            "1.40",
            "1.x",
            "2.999.",
            "99999999999999999999.1",
        ] {
            assert!(bad.parse::<Oid>().is_err(), "{bad}");
        }
        for bad in [&[][..], &[0x80, 1], &[0x88], &[0xFF; 12]] {
            assert!(Oid::from_bytes(bad).is_err());
        }
    }
}
