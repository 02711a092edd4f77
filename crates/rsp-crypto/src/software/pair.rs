//! A key pair on either curve, as the libraries know it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ecdsa::elliptic_curve::ops::Invert;
use ecdsa::elliptic_curve::pkcs8::{AssociatedOid, EncodePrivateKey, LineEnding};
use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point, ValidatePublicKey};
use ecdsa::elliptic_curve::subtle::CtOption;
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, Scalar, SecretKey};
use ecdsa::signature::{MultipartSigner, MultipartVerifier};
use ecdsa::{DigestAlgorithm, SigningKey, VerifyingKey};
use zeroize::{Zeroize, Zeroizing};

use crate::{CryptoError, PublicKey, SharedSecret, Signature};

/// Private scalar, prepared for signing and for key agreement.
#[derive(Clone)]
pub(super) struct Pair<C: DigestAlgorithm + CurveArithmetic> {
    secret: SecretKey<C>,
    signing: SigningKey<C>,
}

impl<C> Pair<C>
where
    C: DigestAlgorithm + CurveArithmetic + AssociatedOid + ValidatePublicKey,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
    Scalar<C>: Invert<Output = CtOption<Scalar<C>>>,
{
    fn new(secret: SecretKey<C>) -> Self {
        let signing = SigningKey::from(&secret);
        Pair { secret, signing }
    }

    pub(super) fn from_scalar(scalar: &[u8; 32]) -> Result<Self, CryptoError> {
        SecretKey::from_slice(scalar)
            .map(Self::new)
            .map_err(|_| CryptoError::InvalidPrivateKey("scalar out of range"))
    }

    /// Reads PKCS#8 or SEC 1; `None` if it is not a key on this curve.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        SecretKey::from_der(der).ok().map(Self::new)
    }

    /// The public point as `04 || X || Y`.
    pub(super) fn point(&self) -> Vec<u8> {
        let point = self.secret.public_key().to_sec1_point(false);
        point.as_bytes().to_vec()
    }

    pub(super) fn to_scalar(&self) -> Zeroizing<[u8; 32]> {
        let mut scalar = Zeroizing::new([0; 32]);
        let mut bytes = self.secret.to_bytes();
        for (to, from) in scalar.iter_mut().zip(&bytes) {
            *to = *from;
        }
        bytes.as_mut_slice().zeroize();
        scalar
    }

    pub(super) fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, CryptoError> {
        self.secret
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| CryptoError::InvalidPrivateKey("cannot be encoded as PKCS#8"))
    }

    pub(super) fn sign(&self, message: &[&[u8]]) -> Result<Signature, CryptoError> {
        let signature: ecdsa::Signature<C> = self
            .signing
            .try_multipart_sign(message)
            .map_err(|e| CryptoError::KeyProvider(e.to_string()))?;
        Signature::from_slice(&signature.to_bytes())
    }

    pub(super) fn agree(&self, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        let peer = ecdsa::elliptic_curve::PublicKey::<C>::from_sec1_bytes(peer.as_sec1())
            .map_err(|_| NOT_ON_CURVE)?;
        let shared = self.secret.diffie_hellman(&peer);
        let x = shared.raw_secret_bytes().as_slice();
        let x = x.try_into().map_err(|_| NOT_ON_CURVE)?;
        Ok(SharedSecret::new(x))
    }
}

const NOT_ON_CURVE: CryptoError = CryptoError::InvalidPublicKey("the point is not on its curve");

/// The point, compressed or not, as `04 || X || Y`.
pub(super) fn uncompressed<C>(point: &[u8]) -> Result<Vec<u8>, CryptoError>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let key = ecdsa::elliptic_curve::PublicKey::<C>::from_sec1_bytes(point);
    let point = key.map_err(|_| NOT_ON_CURVE)?.to_sec1_point(false);
    Ok(point.as_bytes().to_vec())
}

/// Verifies ECDSA with SHA-256 on the curve `C`.
pub(super) fn verify<C>(
    key: &PublicKey,
    message: &[&[u8]],
    signature: &Signature,
) -> Result<(), CryptoError>
where
    C: DigestAlgorithm + CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let key = VerifyingKey::<C>::from_sec1_bytes(key.as_sec1()).map_err(|_| NOT_ON_CURVE)?;
    let signature = ecdsa::Signature::<C>::from_slice(signature.as_bytes())
        .map_err(|_| CryptoError::VerificationFailed)?;
    key.multipart_verify(message, &signature)
        .map_err(|_| CryptoError::VerificationFailed)
}
