//! Random parts as text, and what is kept of them.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many characters 256 bits have in base 62.
pub(super) const SECRET_LENGTH: usize = 43;

/// How many characters a checksum has.
pub(super) const CHECKSUM_LENGTH: usize = 6;

/// A SHA-256 digest of something random, which does not tell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest([redacted])")
    }
}

impl Digest {
    /// Whether both are the same, in a time that does not tell how much is.
    pub fn is(&self, other: &Digest) -> bool {
        same(&self.0, &other.0)
    }
}

/// What is kept of a secret that has 128 or more random bits: a digest without
/// salt, since nobody can go through them.
pub fn digest(secret: &[u8]) -> Digest {
    Digest(Sha256::digest(secret).into())
}

/// Whether both are the same, in a time that depends on the lengths alone.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// A number of 256 bits in base 62, always [`SECRET_LENGTH`] characters.
pub(super) fn base62(octets: &[u8; 32]) -> String {
    let mut number = *octets;
    let mut digits = Vec::with_capacity(SECRET_LENGTH);
    for _ in 0..SECRET_LENGTH {
        digits.push(digit(divide(&mut number, 62)));
    }
    digits.iter().rev().collect()
}

/// Divides a big-endian number in place and gives the remainder.
fn divide(number: &mut [u8], by: u32) -> u32 {
    let mut rest = 0;
    for octet in number {
        let dividend = rest << 8 | u32::from(*octet);
        *octet = u8::try_from(dividend / by).unwrap_or(u8::MAX);
        rest = dividend % by;
    }
    rest
}

fn digit(value: u32) -> char {
    let octet = usize::try_from(value).ok().and_then(|at| BASE62.get(at));
    char::from(octet.copied().unwrap_or(b'0'))
}

/// A CRC-32 (as of zip files) in base 62: tells a typing error or a chance find
/// from a key before anybody looks for it.
pub(super) fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for octet in text.bytes() {
        crc ^= u32::from(octet);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    let mut rest = !crc;
    let mut digits = Vec::with_capacity(CHECKSUM_LENGTH);
    for _ in 0..CHECKSUM_LENGTH {
        digits.push(digit(rest % 62));
        rest /= 62;
    }
    digits.iter().rev().collect()
}

/// Whether a text has the length and the characters of a secret.
pub(super) fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_base_62() {
        let mut small = [0; 32];
        small[31] = 61;
        assert_eq!(base62(&small), format!("{}z", "0".repeat(42)));
        small[30] = 1;
        // 256 + 61 = 5 * 62 + 7
        assert_eq!(base62(&small), format!("{}57", "0".repeat(41)));
        let largest = base62(&[0xFF; 32]);
        assert!(is_base62(&largest, SECRET_LENGTH), "{largest}");
        assert_ne!(largest, base62(&[0xFE; 32]));
    }

    /// The check value of CRC-32: of "123456789" it is CBF43926.
    #[test]
    fn checksums_are_those_of_zip_files() {
        let mut expected = 0xCBF4_3926_u32;
        let mut digits = String::new();
        for _ in 0..6 {
            digits.insert(0, char::from(BASE62[(expected % 62) as usize]));
            expected /= 62;
        }
        assert_eq!(checksum("123456789"), digits);
    }

    /// FIPS 180-4: SHA-256 of "abc".
    #[test]
    fn digests_are_sha_256_and_are_not_shown() {
        let digest = digest(b"abc");
        assert_eq!(digest.0[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(format!("{digest:?}"), "Digest([redacted])");
        assert!(digest.is(&super::digest(b"abc")));
        assert!(!digest.is(&super::digest(b"abd")));
    }
}
