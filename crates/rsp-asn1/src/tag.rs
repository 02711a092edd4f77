//! Tags as the standards print them: the identifier octets in hexadecimal.

use core::fmt;

/// An ASN.1 tag: its identifier octets, as the standards write them
/// (`'30'`, `'5F37'`, `'BF51'`), at most four octets.
///
/// The constructed bit is part of the value, as in smart card practice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Tag = Tag(0x01);
    /// INTEGER.
    pub const INTEGER: Tag = Tag(0x02);
    /// BIT STRING.
    pub const BIT_STRING: Tag = Tag(0x03);
    /// OCTET STRING.
    pub const OCTET_STRING: Tag = Tag(0x04);
    /// NULL.
    pub const NULL: Tag = Tag(0x05);
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: Tag = Tag(0x06);
    /// UTF8String.
    pub const UTF8_STRING: Tag = Tag(0x0C);
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: Tag = Tag(0x30);

    /// The tag whose identifier octets are the bytes of `octets`, most
    /// significant first, leading zero bytes left out.
    pub const fn new(octets: u32) -> Tag {
        Tag(octets)
    }

    /// The identifier octets as a number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether the contents are TLVs themselves.
    pub const fn is_constructed(self) -> bool {
        let [a, b, c, d] = self.0.to_be_bytes();
        let first = if a != 0 {
            a
        } else if b != 0 {
            b
        } else if c != 0 {
            c
        } else {
            d
        };
        first & 0x20 != 0
    }

    /// The identifier octets without leading zeros.
    pub(crate) fn octets(self) -> impl Iterator<Item = u8> {
        let bytes = self.0.to_be_bytes();
        let skip = (self.0.leading_zeros() / 8).min(3) as usize;
        bytes.into_iter().skip(skip)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.octets() {
            write!(f, "{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}
