//! TLS: own certificate and key, and whom to trust.
//!
//! rustls's own checks refuse certificates with critical certificatePolicies,
//! which those of remote SIM provisioning may have. So nothing here lets them
//! see one: trust is decided by `rsp_core::pki`, and handshake signatures are
//! verified with the key that it read.

mod client_trust;
mod identity;
mod server_trust;

use std::sync::Arc;

use rsp_core::pki::{CertificateError, ChainError, ParsedCertificate};
use rsp_crypto::{Provider, Signature};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{
    CertificateError as TlsCertificateError, DigitallySignedStruct, OtherError, PeerMisbehaved,
    SignatureScheme, SupportedProtocolVersion,
};

pub use client_trust::{ClientAuth, OperatorTrust};
pub use identity::{IdentityError, TlsIdentity};
pub(crate) use server_trust::ServerVerifier;

pub(crate) const VERSIONS: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

pub(crate) const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The only scheme of certificates on P-256 (SGP.22 2.6.7).
fn verify_schemes() -> Vec<SignatureScheme> {
    vec![SignatureScheme::ECDSA_NISTP256_SHA256]
}

/// Verifies a signature of the handshake, of TLS 1.2 or 1.3, with the key of
/// the certificate.
fn verify_handshake(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    crypto: &dyn Provider,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    if signed.scheme != SignatureScheme::ECDSA_NISTP256_SHA256 {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let wrong = |_| rustls::Error::from(TlsCertificateError::BadSignature);
    let signature = Signature::from_der(signed.signature()).map_err(wrong)?;
    let key = parse(certificate).map_err(refused)?.public_key;
    let verified = crypto.verify(&key, &[message], &signature);
    verified.map_err(wrong)?;
    Ok(HandshakeSignatureValid::assertion())
}

/// A refusal in the form in which it passes through rustls.
fn refused(error: ChainError) -> rustls::Error {
    TlsCertificateError::Other(OtherError(Arc::new(error))).into()
}

fn parse(der: &[u8]) -> Result<ParsedCertificate, ChainError> {
    certificate(der)
        .and_then(|certificate| ParsedCertificate::parse(&certificate))
        .map_err(|cause| ChainError::Malformed {
            side: rsp_core::pki::Side::Leaf,
            cause,
        })
}

pub(crate) fn certificate(der: &[u8]) -> Result<rsp_asn1::Certificate, CertificateError> {
    Ok(rsp_asn1::Certificate::from_bytes(der)?)
}
