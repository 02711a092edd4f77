//! Values that keep the bytes as received.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::field::expect_tag;
use crate::{Asn1, DecodeError, ErrorKind, Tag, Tagged, Tlv, Writer};

/// A signed object: the bytes as received, and a decoded view of them.
///
/// Signatures are made and verified over [`Signed::as_bytes`]; encoding sends
/// these bytes again, whatever the sender's encoding rules were.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    bytes: Vec<u8>,
    value: T,
}

impl<T: Asn1> Signed<T> {
    /// Encodes a value that is going to be signed.
    pub fn new(value: T) -> Self {
        Signed {
            bytes: value.to_der(),
            value,
        }
    }

    /// The element as received or as it will be sent: tag, length, contents.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded value, without the bytes.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Signed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}

impl<T: Asn1> Asn1 for Signed<T> {
    fn accepts(tag: Tag) -> bool {
        T::accepts(tag)
    }

    fn decode_tlv(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Ok(Signed {
            value: T::decode_tlv(tlv)?,
            bytes: tlv.raw.to_vec(),
        })
    }

    fn encode(&self, out: &mut Writer) {
        out.raw(&self.bytes);
    }

    fn decode_tagged(tag: Tag, tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Ok(Signed {
            value: T::decode_tagged(tag, tlv)?,
            bytes: tlv.raw.to_vec(),
        })
    }

    /// The bytes carry the tag under which they were received.
    fn encode_tagged(&self, _tag: Tag, out: &mut Writer) {
        out.raw(&self.bytes);
    }
}

/// Any element, as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Any(Vec<u8>);

impl Any {
    /// The element: tag, length, contents.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Any({} bytes)", self.0.len())
    }
}

impl Asn1 for Any {
    fn accepts(_tag: Tag) -> bool {
        true
    }

    fn decode_tlv(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Ok(Any(tlv.raw.to_vec()))
    }

    fn encode(&self, out: &mut Writer) {
        out.raw(&self.0);
    }

    fn decode_tagged(tag: Tag, tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        expect_tag(tag, tlv)?;
        let mut reader = tlv.reader();
        let inner = reader.tlv()?;
        reader.finish()?;
        Self::decode_tlv(&inner)
    }

    fn encode_tagged(&self, tag: Tag, out: &mut Writer) {
        out.constructed(tag, |out| out.raw(&self.0));
    }
}

/// Whether the bytes are one SEQUENCE and nothing else. What it contains is not
/// looked at: it is carried, not read.
fn is_one_sequence(bytes: &[u8]) -> bool {
    Tlv::parse(bytes).is_ok_and(|tlv| tlv.tag == Tag::SEQUENCE)
}

/// What is in the element.
fn contents(element: &[u8]) -> &[u8] {
    Tlv::parse(element).map_or(element, |tlv| tlv.value)
}

/// Declares a SEQUENCE that is carried whole: its bytes under tag '30'. Under
/// a context tag that tag replaces the '30', and does so again on sending.
macro_rules! carried_whole {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Eq)]
        pub struct $name(Vec<u8>);

        /// By contents: how the sender wrote their length does not count.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                contents(&self.0) == contents(&other.0)
            }
        }

        impl $name {
            /// Takes DER with the tag '30'.
            ///
            /// # Errors
            /// If the bytes are not exactly one SEQUENCE.
            pub fn from_bytes(der: &[u8]) -> Result<Self, DecodeError> {
                Self::from_der(der)
            }

            /// The DER with the tag '30'.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl Tagged for $name {
            const TAG: Tag = Tag::SEQUENCE;

            fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
                if tlv.tag == Tag::SEQUENCE {
                    return Ok($name(tlv.raw.to_vec()));
                }
                if is_one_sequence(tlv.value) {
                    // Some peers keep the '30' inside the context tag.
                    return Ok($name(tlv.value.to_vec()));
                }
                let mut out = Writer::new();
                out.primitive(Tag::SEQUENCE, tlv.value);
                Ok($name(out.into_bytes()))
            }

            fn encode_under(&self, tag: Tag, out: &mut Writer) {
                let contents = contents(&self.0);
                if tag == Tag::SEQUENCE {
                    out.raw(&self.0);
                } else if is_one_sequence(contents) {
                    // It would be taken for such a '30': it keeps its own.
                    out.constructed(tag, |out| out.raw(&self.0));
                } else {
                    out.primitive(tag, contents);
                }
            }
        }
    };
}

carried_whole! {
    /// X.509 `Certificate` as received. Its signature is over bytes inside it,
    /// so that changing the outer tag is harmless.
    Certificate
}

carried_whole! {
    /// X.509 `SubjectPublicKeyInfo` as received.
    SubjectPublicKeyInfo
}

carried_whole! {
    /// X.509 `CertificateList` as received.
    CertificateList
}

impl Certificate {
    /// The raw `tbsCertificate`, over which the issuer signed.
    ///
    /// # Errors
    /// If the certificate is no SEQUENCE of elements.
    pub fn tbs_bytes(&self) -> Result<&[u8], DecodeError> {
        let tlv = Tlv::parse(&self.0)?;
        let tbs = tlv.reader().tlv()?;
        match tbs.tag {
            Tag::SEQUENCE => Ok(tbs.raw),
            found => Err(tbs.error(ErrorKind::UnexpectedTag {
                expected: Tag::SEQUENCE,
                found,
            })),
        }
    }
}
