//! Decode errors: which byte, which field, what is wrong.

use alloc::vec::Vec;
use core::fmt;

use crate::Tag;

/// Why received bytes are not the expected type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the offending element in the buffer that was decoded.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ErrorKind,
    /// Field names from the inside out.
    path: Vec<&'static str>,
}

/// What is wrong with an element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The buffer ends inside an element.
    #[error("the data ends before the element does")]
    Truncated,
    /// Bytes follow the element that should be the last.
    #[error("{0} bytes follow the last element")]
    TrailingData(usize),
    /// A tag of more than four octets, or one that is not minimal.
    #[error("malformed tag")]
    MalformedTag,
    /// A length that is reserved, or larger than this decoder handles.
    #[error("malformed length")]
    MalformedLength,
    /// More levels than any message of the standards has.
    #[error("nested too deeply")]
    TooDeep,
    /// More octets than any message of the standards has.
    #[error("longer than any message")]
    TooLong,
    /// More elements than anybody sends.
    #[error("too many elements")]
    TooMany,
    /// A mandatory member is absent.
    #[error("mandatory element missing")]
    Missing,
    /// Another element than the expected one.
    #[error("tag '{found}' where '{expected}' is expected")]
    UnexpectedTag {
        /// The tag that the type has.
        expected: Tag,
        /// The tag in the data.
        found: Tag,
    },
    /// A tag that is no alternative of the CHOICE.
    #[error("tag '{0}' is no alternative of this CHOICE")]
    UnknownAlternative(Tag),
    /// The number of octets, characters or members is outside the constraint.
    #[error("size {actual} is outside {min}..{max}")]
    Size {
        /// Smallest size allowed.
        min: usize,
        /// Largest size allowed.
        max: usize,
        /// Size found.
        actual: usize,
    },
    /// An INTEGER outside the range of this type.
    #[error("integer out of range")]
    IntegerRange,
    /// Contents that the type does not allow; the text says which rule.
    #[error("{0}")]
    Value(&'static str),
}

impl DecodeError {
    /// An error at `offset`, to be extended with field names on the way out.
    pub fn new(offset: usize, kind: ErrorKind) -> Self {
        DecodeError {
            offset,
            kind,
            path: Vec::new(),
        }
    }

    /// The same error, seen from the structure that has `field`.
    #[must_use]
    pub fn within(mut self, field: &'static str) -> Self {
        self.path.push(field);
        self
    }

    /// Field names from the outside in, in the spelling of the ASN.1 modules.
    pub fn path(&self) -> impl Iterator<Item = alloc::string::String> + '_ {
        self.path.iter().rev().map(|name| module_spelling(name))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.path().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&name)?;
        }
        if !self.path.is_empty() {
            f.write_str(" ")?;
        }
        write!(f, "at byte {}: {}", self.offset, self.kind)
    }
}

impl core::error::Error for DecodeError {}

/// `euicc_package_signed` and `EUICC_PACKAGE_SIGNED` as the modules spell it:
/// `euiccPackageSigned`.
pub(crate) fn module_spelling(name: &str) -> alloc::string::String {
    let screaming = !name.contains(|c: char| c.is_ascii_lowercase());
    let mut out = alloc::string::String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c if screaming => out.push(c.to_ascii_lowercase()),
            c => out.push(c),
        }
    }
    out
}
