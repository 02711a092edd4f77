use alloc::vec::Vec;
use core::fmt;

use crate::CryptoError;

const HALF: usize = 32;
const LENGTH: usize = 2 * HALF;
const TAG_SEQUENCE: u8 = 0x30;
const TAG_INTEGER: u8 = 0x02;

/// An ECDSA signature on a curve of 256 bits in the plain format of
/// BSI TR-03111 5.2.1: r and s, 32 bytes each, big endian (the content of
/// `5F37`, SGP.22 2.6.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; LENGTH]);

impl Signature {
    /// Takes r || s.
    pub const fn new(bytes: [u8; 64]) -> Signature {
        Signature(bytes)
    }

    /// Takes r || s from a slice.
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignatureEncoding`] unless it has 64 bytes. The
    /// range of r and s is a matter of verification.
    pub fn from_slice(bytes: &[u8]) -> Result<Signature, CryptoError> {
        bytes
            .try_into()
            .map(Signature)
            .map_err(|_| CryptoError::InvalidSignatureEncoding("r || s must have 64 bytes"))
    }

    /// r || s.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Takes the DER form used in X.509, `SEQUENCE { r INTEGER, s INTEGER }`
    /// (RFC 3279 2.2.3).
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignatureEncoding`] for anything but strict DER
    /// of two non-negative numbers of at most 256 bits.
    pub fn from_der(der: &[u8]) -> Result<Signature, CryptoError> {
        let body = match der {
            [TAG_SEQUENCE, length, body @ ..] if usize::from(*length) == body.len() => body,
            _ => {
                return Err(CryptoError::InvalidSignatureEncoding(
                    "not one DER SEQUENCE",
                ));
            }
        };
        let (r, rest) = read_integer(body)?;
        let (s, rest) = read_integer(rest)?;
        if !rest.is_empty() {
            return Err(CryptoError::InvalidSignatureEncoding("bytes after s"));
        }
        let mut bytes = [0; LENGTH];
        let (first, second) = bytes.split_at_mut(HALF);
        copy_right_aligned(first, r);
        copy_right_aligned(second, s);
        Ok(Signature(bytes))
    }

    /// The DER form used in X.509 (RFC 3279 2.2.3), at most 72 bytes.
    pub fn to_der(&self) -> Vec<u8> {
        let (r, s) = self.0.split_at(HALF);
        let mut body = Vec::with_capacity(LENGTH + 8);
        push_integer(&mut body, r);
        push_integer(&mut body, s);
        let mut der = Vec::with_capacity(body.len() + 2);
        der.push(TAG_SEQUENCE);
        der.extend(u8::try_from(body.len()));
        der.extend(body);
        der
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        for byte in self.0 {
            write!(f, "{byte:02X}")?;
        }
        f.write_str(")")
    }
}

/// Reads one INTEGER; returns its magnitude without leading zeros and what
/// follows it.
fn read_integer(input: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    let [TAG_INTEGER, length, rest @ ..] = input else {
        return Err(CryptoError::InvalidSignatureEncoding(
            "INTEGER expected for r or s",
        ));
    };
    let (value, rest) = rest.split_at_checked(usize::from(*length)).ok_or(
        CryptoError::InvalidSignatureEncoding("r or s longer than the input"),
    )?;
    let magnitude = match value {
        [] => Err("empty r or s"),
        [0x80..=0xFF, ..] => Err("negative r or s"),
        [0, 0x00..=0x7F, ..] => Err("r or s not minimal"),
        [0, magnitude @ ..] => Ok(magnitude),
        magnitude => Ok(magnitude),
    };
    match magnitude {
        Ok(magnitude) if magnitude.len() <= HALF => Ok((magnitude, rest)),
        Ok(_) => Err(CryptoError::InvalidSignatureEncoding(
            "r or s larger than 256 bits",
        )),
        Err(reason) => Err(CryptoError::InvalidSignatureEncoding(reason)),
    }
}

fn copy_right_aligned(target: &mut [u8], magnitude: &[u8]) {
    for (to, from) in target.iter_mut().rev().zip(magnitude.iter().rev()) {
        *to = *from;
    }
}

fn push_integer(out: &mut Vec<u8>, magnitude: &[u8]) {
    let zeros = magnitude.iter().take_while(|b| **b == 0).count();
    let significant = magnitude.get(zeros..).unwrap_or_default();
    // A leading zero keeps the number positive; it is also the number zero.
    let pad = significant.first().is_none_or(|b| *b >= 0x80);
    out.push(TAG_INTEGER);
    out.extend(u8::try_from(significant.len() + usize::from(pad)));
    out.extend(pad.then_some(0));
    out.extend_from_slice(significant);
}
