//! The own certificate and key.

use std::fmt;
use std::sync::Arc;

use rsp_core::pki::ChainError;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use zeroize::{Zeroize, Zeroizing};

use super::parse;

/// What one proves oneself with in a TLS handshake.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Certificates in DER, the own one first, each issued by the next.
    pub chain: Vec<Vec<u8>>,
    /// Private key in DER: PKCS#8 (RFC 5958) or SEC 1 (RFC 5915). Secret.
    pub key_der: Zeroizing<Vec<u8>>,
}

/// Why certificate and key are no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no certificate.
    #[error("the certificate chain is empty")]
    NoCertificate,
    /// The key cannot be read or is of a kind that is not supported.
    #[error("private key: {0}")]
    Key(String),
    /// The first certificate is for another key.
    #[error("the private key is not that of the first certificate")]
    Mismatch,
    /// The text has no such PEM block.
    #[error("PEM: {0}")]
    Pem(String),
}

impl TlsIdentity {
    /// Takes certificates in DER, the own one first, and the key as PEM block
    /// `PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// If the text has no private key.
    pub fn from_key_pem(chain: Vec<Vec<u8>>, key: &str) -> Result<Self, IdentityError> {
        let pem = |error: rustls::pki_types::pem::Error| IdentityError::Pem(error.to_string());
        let mut key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(pem)?;
        let key_der = Zeroizing::new(key.secret_der().to_vec());
        key.zeroize();
        Ok(TlsIdentity { chain, key_der })
    }

    /// Takes both as PEM; blocks of other kinds are skipped.
    ///
    /// # Errors
    /// If a block is malformed, or there is no certificate or key.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .map(|der| der.map(|der| der.to_vec()))
            .collect();
        let chain = chain.map_err(|error| IdentityError::Pem(error.to_string()))?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        Self::from_key_pem(chain, key)
    }

    /// In the form in which rustls offers it, to servers and to clients.
    pub(crate) fn resolver(&self) -> Result<Arc<SingleCertAndKey>, IdentityError> {
        let leaf = self.chain.first().ok_or(IdentityError::NoCertificate)?;
        let key = PrivateKeyDer::try_from(self.key_der.as_slice())
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let key = any_supported_type(&key)
            .map_err(|error: rustls::Error| IdentityError::Key(error.to_string()))?;
        // A certificate of another world, such as RSA for browsers, is not
        // for this parser to judge.
        let certified: Result<_, ChainError> = parse(leaf);
        if let (Ok(certified), Some(own)) = (certified, key.public_key())
            && certified.public_key.to_spki_der() != own.as_ref()
        {
            return Err(IdentityError::Mismatch);
        }
        let chain = self.chain.iter().cloned().map(CertificateDer::from);
        let certified = CertifiedKey::new(chain.collect(), key);
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("chain", &self.chain.len())
            .field("key_der", &format_args!("[redacted]"))
            .finish()
    }
}
