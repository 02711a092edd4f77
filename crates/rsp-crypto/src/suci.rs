//! Protection schemes of the SUCI: ECIES for the home network (3GPP TS 33.501
//! Annex C.3).

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::{CryptoError, Curve, EckaKey, Provider, Rng, SharedSecret, kdf};

/// The u-coordinate of the base point of Curve25519 (RFC 7748 4.1).
const BASE_POINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};

/// Octets of the MAC tag (TS 33.501 C.3.4).
const TAG: usize = 8;
/// Octets of a block of AES and of SHA-256's compression function.
const AES_BLOCK: usize = 16;
const HASH_BLOCK: usize = 64;

/// A protection scheme that conceals (TS 33.501 C.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectionScheme {
    /// X25519; keys have 32 octets.
    ProfileA,
    /// P-256 with compressed points; keys have 33 octets.
    ProfileB,
}

impl ProtectionScheme {
    /// Octets of the ephemeral public key.
    const fn key_length(self) -> usize {
        match self {
            ProtectionScheme::ProfileA => 32,
            ProtectionScheme::ProfileB => 33,
        }
    }
}

/// Conceals the scheme input for the home network: ephemeral public key,
/// ciphertext and MAC tag, which is the scheme output (TS 33.501 C.3.2).
///
/// `key` is the home network's public key: 32 octets for profile A, for profile
/// B a point of 33 octets, or of 65.
///
/// # Errors
/// [`CryptoError::InvalidPublicKey`] and [`CryptoError::InvalidLength`] if
/// `key` is none of the scheme, [`CryptoError::KeyProvider`] if `rng` yields no
/// usable key.
pub fn conceal(
    provider: &dyn Provider,
    scheme: ProtectionScheme,
    key: &[u8],
    input: &[u8],
    rng: &mut dyn Rng,
) -> Result<Vec<u8>, CryptoError> {
    let (ephemeral, z) = match scheme {
        ProtectionScheme::ProfileA => {
            let mut scalar = Zeroizing::new([0; 32]);
            rng.fill(scalar.as_mut());
            let ephemeral = provider.x25519(&scalar, &BASE_POINT)?;
            (
                ephemeral.as_bytes().to_vec(),
                provider.x25519(&scalar, &coordinate(key)?)?,
            )
        }
        ProtectionScheme::ProfileB => {
            let peer = provider.decode_point(Curve::NistP256, key)?;
            let own = provider.generate_ecka(Curve::NistP256, rng)?;
            (compressed(own.public_key().as_sec1()), own.agree(&peer)?)
        }
    };
    let keys = Keys::derive(provider, &z, &ephemeral)?;
    let mut text = input.to_vec();
    keys.apply(provider, &mut text);
    let tag = keys.tag(provider, &text);
    Ok([ephemeral, text, tag.to_vec()].concat())
}

/// The home network's private key (TS 33.501 C.3.3).
#[derive(Clone, Copy)]
pub enum HomeNetworkKey<'a> {
    /// Profile A: a scalar, little endian.
    ProfileA(&'a [u8; 32]),
    /// Profile B: a key on P-256.
    ProfileB(&'a dyn EckaKey),
}

impl core::fmt::Debug for HomeNetworkKey<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HomeNetworkKey([redacted])")
    }
}

/// The scheme input that a scheme output conceals, as the home network finds it.
///
/// # Errors
/// [`CryptoError::VerificationFailed`] if the output is not one for this key,
/// [`CryptoError::InvalidPublicKey`] if its ephemeral key is none.
pub fn reveal(
    provider: &dyn Provider,
    key: HomeNetworkKey<'_>,
    output: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let scheme = match key {
        HomeNetworkKey::ProfileA(_) => ProtectionScheme::ProfileA,
        HomeNetworkKey::ProfileB(_) => ProtectionScheme::ProfileB,
    };
    let parts = output.split_at_checked(scheme.key_length());
    let (ephemeral, rest) = parts.ok_or(CryptoError::VerificationFailed)?;
    let parts = rest.split_last_chunk::<TAG>();
    let (text, tag) = parts.ok_or(CryptoError::VerificationFailed)?;
    let z = match key {
        HomeNetworkKey::ProfileA(scalar) => provider.x25519(scalar, &coordinate(ephemeral)?)?,
        HomeNetworkKey::ProfileB(key) => {
            key.agree(&provider.decode_point(Curve::NistP256, ephemeral)?)?
        }
    };
    let keys = Keys::derive(provider, &z, ephemeral)?;
    // Who waits for the time of this learns about a tag that is sent openly.
    if keys.tag(provider, text) != *tag {
        return Err(CryptoError::VerificationFailed);
    }
    let mut text = text.to_vec();
    keys.apply(provider, &mut text);
    Ok(text)
}

fn coordinate(key: &[u8]) -> Result<[u8; 32], CryptoError> {
    key.try_into().map_err(|_| CryptoError::InvalidLength {
        what: "public key of X25519",
        expected: "32",
        actual: key.len(),
    })
}

/// `02 || X` or `03 || X` of `04 || X || Y` (SEC 1 2.3.3).
fn compressed(point: &[u8; 65]) -> Vec<u8> {
    let [_, x @ .., last] = point;
    let mut out = alloc::vec![0x02 | last & 1];
    out.extend(x.iter().take(32));
    out
}

/// What is derived for one SUCI (TS 33.501 C.3.4).
struct Keys {
    encryption: Zeroizing<[u8; 16]>,
    counter: [u8; 16],
    mac: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// X9.63 with the ephemeral public key as SharedInfo.
    fn derive(
        provider: &dyn Provider,
        z: &SharedSecret,
        ephemeral: &[u8],
    ) -> Result<Keys, CryptoError> {
        let mut material = Zeroizing::new([0; 64]);
        kdf::x963_sha256(provider, z, ephemeral, material.as_mut())?;
        let mut keys = Keys {
            encryption: Zeroizing::new([0; 16]),
            counter: [0; 16],
            mac: Zeroizing::new([0; 32]),
        };
        let to = keys.encryption.iter_mut().chain(&mut keys.counter);
        for (to, from) in to.chain(keys.mac.iter_mut()).zip(material.iter()) {
            *to = *from;
        }
        Ok(keys)
    }

    /// AES-128 in counter mode, both ways (NIST SP 800-38A 6.5).
    fn apply(&self, provider: &dyn Provider, text: &mut [u8]) {
        let mut counter = u128::from_be_bytes(self.counter);
        for part in text.chunks_mut(AES_BLOCK) {
            let mut stream = counter.to_be_bytes();
            provider.aes128_encrypt_block(&self.encryption, &mut stream);
            for (octet, with) in part.iter_mut().zip(stream) {
                *octet ^= with;
            }
            counter = counter.wrapping_add(1);
        }
    }

    /// HMAC-SHA-256 of the ciphertext, its first octets (RFC 2104).
    fn tag(&self, provider: &dyn Provider, text: &[u8]) -> [u8; TAG] {
        let pad = |with: u8| {
            let mut pad = Zeroizing::new([with; HASH_BLOCK]);
            for (to, from) in pad.iter_mut().zip(self.mac.iter()) {
                *to ^= *from;
            }
            pad
        };
        let inner = provider.sha256(&[pad(0x36).as_ref(), text]);
        let outer = provider.sha256(&[pad(0x5C).as_ref(), &inner]);
        let mut tag = [0; TAG];
        for (to, from) in tag.iter_mut().zip(outer) {
            *to = from;
        }
        tag
    }
}
