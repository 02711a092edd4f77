//! Signatures of passkeys and identity providers, checked by the TLS library's
//! cryptography.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use fleet::access::{PublicKey, SignatureForm, Signatures};

/// The TLS library's.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwsLc;

impl Signatures for AwsLc {
    fn verify(
        &self,
        key: &PublicKey,
        form: SignatureForm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let verified = match (key, form) {
            (PublicKey::Es256(point), SignatureForm::Der) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            (PublicKey::Es256(point), SignatureForm::Fixed) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (PublicKey::Ed25519(key), _) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            (PublicKey::Rs256(n, e), _) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use rsp_crypto::SigningKey;
    use rsp_crypto::software::SoftwareKey;

    use super::*;

    /// Signed by another library.
    #[test]
    fn signatures_on_p_256_in_both_forms() {
        let mut rng = rsp_crypto::OsRng::new().unwrap();
        let key = SoftwareKey::generate(rsp_crypto::Curve::NistP256, &mut rng).unwrap();
        let point = PublicKey::Es256(key.public_key().as_sec1().to_vec());
        let signature = key.sign(&[b"message"]).unwrap();
        let (fixed, der) = (signature.as_bytes(), signature.to_der());
        assert!(AwsLc.verify(&point, SignatureForm::Der, b"message", &der));
        assert!(AwsLc.verify(&point, SignatureForm::Fixed, b"message", fixed));
        assert!(!AwsLc.verify(&point, SignatureForm::Fixed, b"massage", fixed));
        assert!(!AwsLc.verify(&point, SignatureForm::Der, b"message", fixed));
    }
}
