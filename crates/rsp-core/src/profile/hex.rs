//! Octets as hexadecimal text.

use alloc::string::String;
use alloc::vec::Vec;

/// Upper case, without separators.
pub(super) fn encode(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .map(|digit| digit.to_ascii_uppercase())
        .collect()
}

/// Pairs of digits in either case, `None` for anything else.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A key as text in files of orders: hexadecimal, never shown.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Key(pub(super) Vec<u8>);

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        decode(&text).map(Key).ok_or("not hexadecimal digits")
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}
