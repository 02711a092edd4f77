//! The provider made of pure Rust libraries, and keys in memory.

mod key;
mod pair;
mod rng;
mod seal;

use alloc::boxed::Box;

use aes::Aes128;
use aes::cipher::{
    Array, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit,
};
use cmac::{Cmac, Mac};
use sha2::{Digest, Sha256};

use crate::{CryptoError, Curve, EckaKey, Provider, PublicKey, Rng, SharedSecret, Signature};

pub use key::SoftwareKey;
pub use rng::SeededRng;
pub use seal::{SealError, Sealer};

const BLOCK: usize = 16;

/// All algorithms of [`Provider`] in software, without state.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoftwareProvider;

impl Provider for SoftwareProvider {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        sha256(parts)
    }

    fn verify(
        &self,
        key: &PublicKey,
        message: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        match key.curve() {
            Curve::NistP256 => pair::verify::<p256::NistP256>(key, message, signature),
            Curve::BrainpoolP256r1 => {
                pair::verify::<bp256::BrainpoolP256r1>(key, message, signature)
            }
        }
    }

    fn generate_ecka(
        &self,
        curve: Curve,
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn EckaKey>, CryptoError> {
        Ok(Box::new(SoftwareKey::generate(curve, rng)?))
    }

    fn decode_point(&self, curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
        let point = match curve {
            Curve::NistP256 => pair::uncompressed::<p256::NistP256>(point)?,
            Curve::BrainpoolP256r1 => pair::uncompressed::<bp256::BrainpoolP256r1>(point)?,
        };
        PublicKey::from_sec1(curve, &point)
    }

    fn x25519(&self, scalar: &[u8; 32], u: &[u8; 32]) -> Result<SharedSecret, CryptoError> {
        let secret = x25519_dalek::x25519(*scalar, *u);
        match secret.iter().any(|octet| *octet != 0) {
            true => Ok(SharedSecret::new(secret)),
            false => Err(CryptoError::InvalidPublicKey("a point of small order")),
        }
    }

    fn aes128_cbc_encrypt(
        &self,
        key: &[u8; 16],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        let blocks = whole_blocks(data)?;
        cbc::Encryptor::<Aes128>::new(key.into(), iv.into()).encrypt_blocks(blocks);
        Ok(())
    }

    fn aes128_cbc_decrypt(
        &self,
        key: &[u8; 16],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        let blocks = whole_blocks(data)?;
        cbc::Decryptor::<Aes128>::new(key.into(), iv.into()).decrypt_blocks(blocks);
        Ok(())
    }

    fn aes128_encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        Aes128::new(key.into()).encrypt_block(block.into());
    }

    fn aes128_cmac(&self, key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = <Cmac<Aes128> as KeyInit>::new(key.into());
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [aes::Block], CryptoError> {
    let actual = data.len();
    if !actual.is_multiple_of(BLOCK) {
        return Err(CryptoError::InvalidLength {
            what: "AES-CBC data",
            expected: "a multiple of 16",
            actual,
        });
    }
    let (blocks, _) = Array::slice_as_chunks_mut(data);
    Ok(blocks)
}
