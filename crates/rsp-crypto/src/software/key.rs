use alloc::string::{String, ToString};
use core::fmt;

use p256::ecdsa::signature::MultipartSigner;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use zeroize::Zeroizing;

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
    P256 {
        secret: p256::SecretKey,
        signing: p256::ecdsa::SigningKey,
    },
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
        match curve {
            Curve::NistP256 => p256::SecretKey::from_slice(scalar)
                .map_err(|_| CryptoError::InvalidPrivateKey("scalar out of range"))
                .and_then(Self::from_p256),
        }
    }

    /// The public key, for both uses of the pair.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The scalar, 32 bytes big endian, for storing an unfinished one-time
    /// key. Secret.
    pub fn to_scalar(&self) -> Zeroizing<[u8; 32]> {
        match &self.scalar {
            Scalar::P256 { secret, .. } => Zeroizing::new(secret.to_bytes().into()),
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
        p256::SecretKey::from_pem(block)
            .map_err(|_| CryptoError::InvalidPrivateKey("not a key on a known curve"))
            .and_then(Self::from_p256)
    }

    /// The key as PKCS#8 PEM with line feeds (RFC 5958). Secret.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPrivateKey`] if it cannot be encoded.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, CryptoError> {
        match &self.scalar {
            Scalar::P256 { secret, .. } => secret
                .to_pkcs8_pem(LineEnding::LF)
                .map_err(|_| CryptoError::InvalidPrivateKey("cannot be encoded as PKCS#8")),
        }
    }

    fn from_p256(secret: p256::SecretKey) -> Result<SoftwareKey, CryptoError> {
        let point = secret.public_key().to_sec1_point(false);
        Ok(SoftwareKey {
            public_key: PublicKey::from_sec1(Curve::NistP256, point.as_bytes())?,
            scalar: Scalar::P256 {
                signing: (&secret).into(),
                secret,
            },
        })
    }
}

impl SigningKey for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Signature, CryptoError> {
        match &self.scalar {
            Scalar::P256 { signing, .. } => {
                let signature: p256::ecdsa::Signature = signing
                    .try_multipart_sign(message)
                    .map_err(|e| CryptoError::KeyProvider(e.to_string()))?;
                Ok(Signature::new(signature.to_bytes().into()))
            }
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
            Scalar::P256 { secret, .. } => {
                let peer = p256::PublicKey::from_sec1_bytes(peer.as_sec1())
                    .map_err(|_| CryptoError::InvalidPublicKey("the point is not on P-256"))?;
                let shared = secret.diffie_hellman(&peer);
                Ok(SharedSecret::new((*shared.raw_secret_bytes()).into()))
            }
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
