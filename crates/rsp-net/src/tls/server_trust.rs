//! A client's judgement of the server.

use std::fmt;
use std::sync::Arc;

use rsp_core::pki::{ChainError, Side, TlsTrust, verify_tls_server};
use rsp_crypto::Provider;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::{certificate, refused, verify_handshake, verify_schemes};
use crate::Clock;

/// Applies a [`TlsTrust`].
pub(crate) struct ServerVerifier {
    pub(crate) trust: TlsTrust,
    pub(crate) clock: Clock,
    pub(crate) crypto: Arc<dyn Provider>,
}

impl ServerVerifier {
    /// Whether the server may present this certificate under this name.
    pub(crate) fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<(), rustls::Error> {
        let side = Side::Leaf;
        let presented = certificate(end_entity)
            .map_err(|cause| refused(ChainError::Malformed { side, cause }))?;
        verify_tls_server(
            &presented,
            &name.to_str(),
            &self.trust,
            (self.clock)(),
            self.crypto.as_ref(),
        )
        .map_err(refused)?;
        Ok(())
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_handshake(message, certificate, signed, self.crypto.as_ref())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_handshake(message, certificate, signed, self.crypto.as_ref())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        verify_schemes()
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier").finish_non_exhaustive()
    }
}
