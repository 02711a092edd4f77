//! Helpers of the known-answer tests.

use rsp_crypto::Curve;
use rsp_crypto::software::SoftwareKey;

/// Bytes of a hexadecimal text; white space is ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

pub(crate) fn key(scalar: &str) -> SoftwareKey {
    SoftwareKey::from_scalar(Curve::NistP256, &array(scalar)).unwrap()
}
