//! Texts of the API as values, and back.

use std::fmt::Display;
use std::str::FromStr;

use api::Problem;

use super::invalid;

pub(super) fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: T::Err| invalid(field, &error.to_string(), "correct it"))
}

pub(super) fn octets(field: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let pairs = text.as_bytes().chunks(2);
    let octet = |pair: &[u8]| match pair {
        [high, low] => {
            let digit = |c: u8| char::from(c).to_digit(16);
            Some((digit(*high)? << 4 | digit(*low)?) as u8)
        }
        _ => None,
    };
    let octets: Option<Vec<u8>> = pairs.map(octet).collect();
    octets.ok_or_else(|| invalid(field, "not hexadecimal", "give two digits per octet"))
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
