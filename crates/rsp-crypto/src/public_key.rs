use alloc::vec::Vec;
use core::fmt;

use crate::CryptoError;

/// Content octets of the object identifier id-ecPublicKey,
/// 1.2.840.10045.2.1 (RFC 5480 2.1.1).
pub const ID_EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];

/// Bytes of an uncompressed point `04 || X || Y` on a curve of 256 bits.
const POINT_LENGTH: usize = 65;

/// DER of a SubjectPublicKeyInfo on P-256, up to the point itself.
const SPKI_PREFIX_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// DER of a SubjectPublicKeyInfo on brainpoolP256r1, up to the point itself.
const SPKI_PREFIX_BRAINPOOL_P256R1: &[u8] = &[
    0x30, 0x5A, 0x30, 0x14, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x09, 0x2B,
    0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The elliptic curves of the eSIM certificates (SGP.22 2.6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256, secp256r1 (FIPS 186-4).
    NistP256,
    /// brainpoolP256r1 (RFC 5639 3.4).
    BrainpoolP256r1,
}

impl Curve {
    /// Every curve of this build.
    pub const ALL: &'static [Curve] = &[Curve::NistP256, Curve::BrainpoolP256r1];

    /// Content octets of the curve's object identifier, without tag and length
    /// (RFC 5480 2.1.1.1, RFC 5639 A.1).
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Curve::NistP256 => &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
            Curve::BrainpoolP256r1 => &[0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        }
    }

    /// The curve whose object identifier has these content octets, `None` if it
    /// is not one of [`Curve::ALL`].
    pub fn from_oid(content: &[u8]) -> Option<Curve> {
        Self::ALL.iter().copied().find(|c| c.oid() == content)
    }

    const fn spki_prefix(self) -> &'static [u8] {
        match self {
            Curve::NistP256 => SPKI_PREFIX_P256,
            Curve::BrainpoolP256r1 => SPKI_PREFIX_BRAINPOOL_P256R1,
        }
    }
}

/// A public point on a named curve, for ECDSA or key agreement.
///
/// Its structure is checked when it is made; that the point lies on the curve
/// is checked by whatever computes with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    curve: Curve,
    point: [u8; POINT_LENGTH],
}

impl PublicKey {
    /// Takes an uncompressed point `04 || X || Y` of 65 bytes (SEC 1 2.3.3, the
    /// form of `5F49` in SGP.22 5.7.5).
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] for another length,
    /// [`CryptoError::InvalidPublicKey`] if the first byte is not `04`.
    pub fn from_sec1(curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
        let point: [u8; POINT_LENGTH] =
            point.try_into().map_err(|_| CryptoError::InvalidLength {
                what: "public key point",
                expected: "65 (04, X, Y)",
                actual: point.len(),
            })?;
        if point.first() != Some(&0x04) {
            return Err(CryptoError::InvalidPublicKey(
                "the point does not start with 04 (uncompressed)",
            ));
        }
        Ok(PublicKey { curve, point })
    }

    /// Takes a DER SubjectPublicKeyInfo with id-ecPublicKey, a named curve and
    /// an uncompressed point (RFC 5480 2).
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedAlgorithm`] if it does not begin as that
    /// structure does for a known curve, else as [`PublicKey::from_sec1`].
    pub fn from_spki_der(der: &[u8]) -> Result<PublicKey, CryptoError> {
        let known = Curve::ALL
            .iter()
            .find_map(|&curve| Some((curve, der.strip_prefix(curve.spki_prefix())?)));
        match known {
            Some((curve, point)) => Self::from_sec1(curve, point),
            None => Err(CryptoError::UnsupportedAlgorithm(
                "SubjectPublicKeyInfo is not an EC key on a known named curve",
            )),
        }
    }

    /// The DER SubjectPublicKeyInfo of this key (RFC 5480 2).
    pub fn to_spki_der(&self) -> Vec<u8> {
        [self.curve.spki_prefix(), &self.point].concat()
    }

    /// The curve of the point.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The point as `04 || X || Y`.
    pub fn as_sec1(&self) -> &[u8; 65] {
        &self.point
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, ", self.curve)?;
        for byte in self.point {
            write!(f, "{byte:02X}")?;
        }
        f.write_str(")")
    }
}
