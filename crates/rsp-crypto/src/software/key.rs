use alloc::string::{String, ToString};
use core::fmt;

use bp256::BrainpoolP256r1;
use ecdsa::elliptic_curve::pkcs8::der::pem;
use p256::NistP256;
use zeroize::Zeroizing;

use super::pair::Pair;
use crate::{CryptoError, Curve, EckaKey, PublicKey, Rng, SharedSecret, Signature, SigningKey};

const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";
const PEM_LABELS: [&str; 2] = ["PRIVATE KEY-----", "EC PRIVATE KEY-----"];

/// A random scalar is out of range once in 2^32 draws: this many in a row mean
/// that the generator is broken.
const MAX_DRAWS: usize = 16;

/// A private key in memory, for signatures and for key agreement.
///
/// Signatures are deterministic (RFC 6979): equal messages give equal bytes
/// and no random source can weaken them. The scalar is wiped when the key is
/// dropped.
#[derive(Clone)]
pub struct SoftwareKey {
    scalar: Scalar,
    public_key: PublicKey,
}

#[derive(Clone)]
enum Scalar {
    NistP256(Pair<NistP256>),
    BrainpoolP256r1(Pair<BrainpoolP256r1>),
}

impl SoftwareKey {
    /// Makes a new key on `curve`.
    ///
    /// # Errors
    /// [`CryptoError::KeyProvider`] if `rng` yields no usable scalar.
    pub fn generate(curve: Curve, rng: &mut dyn Rng) -> Result<SoftwareKey, CryptoError> {
        let mut scalar = Zeroizing::new([0; 32]);
        for _ in 0..MAX_DRAWS {
            rng.fill(scalar.as_mut());
            if let Ok(key) = Self::from_scalar(curve, &scalar) {
                return Ok(key);
            }
        }
        Err(CryptoError::KeyProvider(
            "the random source yields no scalar of the curve".to_string(),
        ))
    }

    /// Takes a scalar of 32 bytes, big endian.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPrivateKey`] if it is zero or not below the order
    /// of the curve.
    pub fn from_scalar(curve: Curve, scalar: &[u8; 32]) -> Result<SoftwareKey, CryptoError> {
        Self::new(match curve {
            Curve::NistP256 => Scalar::NistP256(Pair::from_scalar(scalar)?),
            Curve::BrainpoolP256r1 => Scalar::BrainpoolP256r1(Pair::from_scalar(scalar)?),
        })
    }

    fn new(scalar: Scalar) -> Result<SoftwareKey, CryptoError> {
        let (curve, point) = match &scalar {
            Scalar::NistP256(pair) => (Curve::NistP256, pair.point()),
            Scalar::BrainpoolP256r1(pair) => (Curve::BrainpoolP256r1, pair.point()),
        };
        Ok(SoftwareKey {
            public_key: PublicKey::from_sec1(curve, &point)?,
            scalar,
        })
    }

    /// The public key, for both uses of the pair.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The scalar, 32 bytes big endian, for storing an unfinished one-time
    /// key. Secret.
    pub fn to_scalar(&self) -> Zeroizing<[u8; 32]> {
        match &self.scalar {
            Scalar::NistP256(pair) => pair.to_scalar(),
            Scalar::BrainpoolP256r1(pair) => pair.to_scalar(),
        }
    }

    /// Reads a PEM private key: PKCS#8 `PRIVATE KEY` (RFC 5958) or SEC 1
    /// `EC PRIVATE KEY` (RFC 5915), also behind an `EC PARAMETERS` block.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPrivateKey`] if there is no such block or its key
    /// is not one of a known curve.
    pub fn from_pkcs8_pem(pem: &str) -> Result<SoftwareKey, CryptoError> {
        let block = private_key_block(pem).ok_or(CryptoError::InvalidPrivateKey(
            "no PEM block PRIVATE KEY or EC PRIVATE KEY",
        ))?;
        let (_, der) = pem::decode_vec(block.as_bytes())
            .map_err(|_| CryptoError::InvalidPrivateKey("malformed PEM"))?;
        Self::from_der(&Zeroizing::new(der))
    }

    /// Reads a DER private key: PKCS#8 (RFC 5958), or SEC 1 (RFC 5915) with its
    /// curve named inside.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPrivateKey`] if it is not one on a known curve.
    pub fn from_der(der: &[u8]) -> Result<SoftwareKey, CryptoError> {
        let unknown = CryptoError::InvalidPrivateKey("not a key on a known curve");
        // A SEC 1 key without parameters would be taken for one on any curve.
        let mut curves = Curve::ALL.iter();
        let scalar = match curves.find(|curve| names_curve(der, **curve)) {
            Some(Curve::NistP256) => Pair::from_der(der).map(Scalar::NistP256),
            Some(Curve::BrainpoolP256r1) => Pair::from_der(der).map(Scalar::BrainpoolP256r1),
            None => None,
        };
        Self::new(scalar.ok_or(unknown)?)
    }

    /// The key as PKCS#8 PEM with line feeds (RFC 5958). Secret.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPrivateKey`] if it cannot be encoded.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, CryptoError> {
        match &self.scalar {
            Scalar::NistP256(pair) => pair.to_pkcs8_pem(),
            Scalar::BrainpoolP256r1(pair) => pair.to_pkcs8_pem(),
        }
    }
}

impl SigningKey for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Signature, CryptoError> {
        match &self.scalar {
            Scalar::NistP256(pair) => pair.sign(message),
            Scalar::BrainpoolP256r1(pair) => pair.sign(message),
        }
    }
}

impl EckaKey for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn agree(&self, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        let own = self.public_key.curve();
        if own != peer.curve() {
            return Err(CryptoError::CurveMismatch {
                own,
                peer: peer.curve(),
            });
        }
        match &self.scalar {
            Scalar::NistP256(pair) => pair.agree(peer),
            Scalar::BrainpoolP256r1(pair) => pair.agree(peer),
        }
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareKey")
            .field("public_key", &self.public_key)
            .field("scalar", &format_args!("[redacted]"))
            .finish()
    }
}

/// The first private key block of a PEM text, from its first to its last dash.
fn private_key_block(pem: &str) -> Option<&str> {
    let (start, label) = pem.match_indices(PEM_BEGIN).find_map(|(at, begin)| {
        let after = pem.get(at + begin.len()..)?;
        let label = PEM_LABELS.iter().find(|label| after.starts_with(**label))?;
        Some((at, *label))
    })?;
    let block = pem.get(start..)?;
    let end = block.find(PEM_END)?;
    block.get(..end + PEM_END.len() + label.len())
}

/// Whether the object identifier of the curve is in the key.
fn names_curve(der: &[u8], curve: Curve) -> bool {
    der.windows(curve.oid().len())
        .any(|part| part == curve.oid())
}
