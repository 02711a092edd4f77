//! How values stand in JSON (SGP.32 6.4): base64 of the data object, tag
//! included. Peers leave the object of signatures and octet strings out, and
//! padding too: that is read as well.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::{Asn1, Tag, Tlv, Writer};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::binding::json::{from_base64, to_base64};

fn octets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_base64(&text).map_err(D::Error::custom)
}

/// A data object.
pub(super) struct Der<T>(pub(super) T);

impl<T: Asn1> Serialize for Der<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64(&self.0.to_der()))
    }
}

impl<'de, T: Asn1> Deserialize<'de> for Der<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let octets = octets(deserializer)?;
        T::from_der(&octets).map(Der).map_err(D::Error::custom)
    }
}

/// Octets in a data object of this tag, which may be absent in what is
/// received.
pub(super) struct Enveloped<const TAG: u32>(pub(super) Vec<u8>);

/// A signature.
pub(super) type Signature = Enveloped<0x5F37>;

/// An OCTET STRING.
pub(super) type OctetString = Enveloped<0x04>;

impl<const TAG: u32> Serialize for Enveloped<TAG> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = Writer::new();
        out.primitive(Tag::new(TAG), &self.0);
        serializer.serialize_str(&to_base64(&out.into_bytes()))
    }
}

impl<'de, const TAG: u32> Deserialize<'de> for Enveloped<TAG> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let octets = octets(deserializer)?;
        match Tlv::parse(&octets) {
            Ok(tlv) if tlv.tag == Tag::new(TAG) => Ok(Enveloped(tlv.value.to_vec())),
            _ => Ok(Enveloped(octets)),
        }
    }
}

impl<const TAG: u32> Enveloped<TAG> {
    /// As an array.
    pub(super) fn array<const N: usize>(self) -> Result<[u8; N], String> {
        let length = self.0.len();
        let wrong = |_| alloc::format!("{length} octets instead of {N}");
        self.0.try_into().map_err(wrong)
    }
}

/// Octets without a data object around them; one is read all the same.
pub(super) struct Raw<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Raw<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Raw<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let octets = octets(deserializer)?;
        let value = match Tlv::parse(&octets) {
            Ok(tlv) if octets.len() != N => tlv.value,
            _ => &octets,
        };
        let wrong = |_| D::Error::custom(alloc::format!("not {N} octets"));
        value.try_into().map(Raw).map_err(wrong)
    }
}

/// Octets that are a choice of data objects, read by whoever takes them.
pub(super) struct Octets(pub(super) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        octets(deserializer).map(Octets)
    }
}

/// A data object around a value that came without it.
pub(super) fn under(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.header(tag, value.len());
    out.raw(value);
    out.into_bytes()
}
