//! Base64 (RFC 4648 4), with or without padding.

use alloc::string::String;
use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Octets as text.
pub(super) fn encode(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | u32::from(group.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) as usize & 63;
            let letter = ALPHABET.get(sextet).copied().unwrap_or(b'=');
            out.push(char::from(if at <= group.len() { letter } else { b'=' }));
        }
    }
    out
}

/// Text as octets.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Decoder::default().push(text.as_bytes(), &mut out)?;
    Some(out)
}

/// Text that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decoder {
    /// Bits that make no octet yet, and how many.
    bits: u32,
    count: u32,
    padded: bool,
}

impl Decoder {
    /// Takes letters, gives octets; `None` for what is no Base64.
    pub(super) fn push(&mut self, letters: &[u8], out: &mut Vec<u8>) -> Option<()> {
        for letter in letters {
            let sextet = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => {
                    self.padded = true;
                    continue;
                }
                _ => return None,
            };
            if self.padded {
                return None;
            }
            self.bits = self.bits << 6 | u32::from(sextet);
            self.count += 6;
            if self.count >= 8 {
                self.count -= 8;
                out.push((self.bits >> self.count) as u8);
                self.bits &= (1 << self.count) - 1;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 10, with and without padding, and octet by octet.
    #[test]
    fn vectors() {
        let vectors = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        for (length, text) in vectors.into_iter().enumerate() {
            let octets = &b"foobar"[..length];
            assert_eq!(encode(octets), text);
            assert_eq!(decode(text).as_deref(), Some(octets));
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(octets));
        }
        assert_eq!(decode("+/+/"), Some(alloc::vec![0xFB, 0xFF, 0xBF]));
        for text in ["Zg==Zg==", "Z*", "Zm9v\n"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
