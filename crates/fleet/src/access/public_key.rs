//! Public keys of passkeys and of identity providers, and who checks signatures
//! with them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::cbor::Cbor;

/// A public key with the algorithm of its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the point, uncompressed, 65 octets.
    Es256(Vec<u8>),
    /// Ed25519: 32 octets.
    Ed25519(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256: modulus and exponent, big-endian.
    Rs256(Vec<u8>, Vec<u8>),
}

/// How a signature of ECDSA is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// As authenticators write it: DER for ECDSA.
    Der,
    /// As JWS writes it: r and s, 64 octets.
    Fixed,
}

/// Checks signatures; its arithmetic is a library's.
pub trait Signatures {
    /// Whether this is the key's signature over the message.
    fn verify(
        &self,
        key: &PublicKey,
        form: SignatureForm,
        message: &[u8],
        signature: &[u8],
    ) -> bool;
}

impl PublicKey {
    /// Reads a COSE_Key (RFC 9052 7, RFC 9053).
    pub(super) fn from_cose(key: &Cbor) -> Option<Self> {
        let number = |label: i64| match key.get(&Cbor::Integer(label)) {
            Some(Cbor::Integer(number)) => Some(*number),
            _ => None,
        };
        let octets = |label: i64| key.get(&Cbor::Integer(label))?.octets();
        match (number(1)?, number(3)?) {
            (2, -7) if number(-1)? == 1 => point(octets(-2)?, octets(-3)?),
            (1, -8) if number(-1)? == 6 => {
                let key = octets(-2)?;
                (key.len() == 32).then(|| PublicKey::Ed25519(key.to_vec()))
            }
            (3, -257) => rsa(octets(-1)?, octets(-2)?),
            _ => None,
        }
    }

    /// Reads a JSON Web Key (RFC 7517) of RSA or P-256.
    pub(super) fn from_jwk(key: &Jwk) -> Option<Self> {
        let octets = |member: &Option<String>| URL_SAFE_NO_PAD.decode(member.as_ref()?).ok();
        match (key.kty.as_str(), key.crv.as_deref()) {
            ("EC", Some("P-256")) => point(&octets(&key.x)?, &octets(&key.y)?),
            ("RSA", _) => rsa(&octets(&key.n)?, &octets(&key.e)?),
            _ => None,
        }
    }

    /// The name of its algorithm in JWS (RFC 7518).
    pub(super) fn jws_algorithm(&self) -> &'static str {
        match self {
            PublicKey::Es256(_) => "ES256",
            PublicKey::Ed25519(_) => "EdDSA",
            PublicKey::Rs256(..) => "RS256",
        }
    }
}

fn point(x: &[u8], y: &[u8]) -> Option<PublicKey> {
    let fits = x.len() == 32 && y.len() == 32;
    fits.then(|| PublicKey::Es256([&[4], x, y].concat()))
}

fn rsa(n: &[u8], e: &[u8]) -> Option<PublicKey> {
    let fits = (256..=1024).contains(&n.len()) && (1..=8).contains(&e.len());
    fits.then(|| PublicKey::Rs256(n.to_vec(), e.to_vec()))
}

/// A JSON Web Key, as far as it matters.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Jwk {
    pub(super) kty: String,
    pub(super) kid: Option<String>,
    #[serde(rename = "use")]
    pub(super) usage: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}
