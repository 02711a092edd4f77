//! A server's judgement of the client (ES2+, SGP.22 5.3).

use std::fmt;
use std::sync::Arc;

use rsp_core::pki::{ChainError, ParsedCertificate, Side};
use rsp_crypto::Provider;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{parse, refused, verify_handshake, verify_schemes};
use crate::{Clock, system_clock};

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// It does not.
    None,
    /// It does, and accepts a client without one; one that is not trusted
    /// ends the handshake. The handler sees it in `Peer::certificate`.
    Optional(OperatorTrust),
}

/// The CAs whose certificates are accepted from clients.
#[derive(Clone)]
pub struct OperatorTrust {
    authorities: Vec<ParsedCertificate>,
    clock: Clock,
    crypto: Arc<dyn Provider>,
}

impl OperatorTrust {
    /// Takes CA certificates in DER; clients' certificates are issued by one
    /// of them directly.
    ///
    /// # Errors
    /// If one is malformed or no CA.
    pub fn new(
        authorities: &[Vec<u8>],
        crypto: Arc<dyn Provider>,
    ) -> Result<OperatorTrust, ChainError> {
        let authorities: Result<Vec<_>, _> = authorities.iter().map(|der| authority(der)).collect();
        Ok(OperatorTrust {
            authorities: authorities?,
            clock: system_clock(),
            crypto,
        })
    }

    /// Judges at the time of this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> OperatorTrust {
        self.clock = clock;
        self
    }

    /// Whether a client may present this certificate.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub(crate) fn check(&self, presented: &[u8]) -> Result<(), ChainError> {
        let side = Side::Leaf;
        let leaf = parse(presented)?;
        let now = (self.clock)();
        let issued = |ca: &&ParsedCertificate| {
            leaf.authority_key_identifier.is_some()
                && leaf.authority_key_identifier == ca.subject_key_identifier
        };
        let mut issuers = self.authorities.iter().filter(issued).peekable();
        if issuers.peek().is_none() {
            return Err(ChainError::UnknownIssuer { side });
        }
        // Key identifiers are no proof: two CAs may claim the same one.
        let issuer = issuers
            .find(|ca| self.signed(&leaf, ca))
            .ok_or(ChainError::Signature { side })?;
        if !issuer.is_valid_at(now) {
            return Err(ChainError::Expired { side: Side::Ci });
        }
        if !leaf.is_valid_at(now) {
            return Err(ChainError::Expired { side });
        }
        if !leaf.is_tls_client {
            return Err(ChainError::TlsUsage { side });
        }
        if !leaf.may_sign_data {
            return Err(ChainError::KeyUsage { side });
        }
        Ok(())
    }

    fn signed(&self, leaf: &ParsedCertificate, ca: &ParsedCertificate) -> bool {
        leaf.certificate.tbs_bytes().is_ok_and(|tbs| {
            let verified = self.crypto.verify(&ca.public_key, &[tbs], &leaf.signature);
            verified.is_ok()
        })
    }
}

impl fmt::Debug for OperatorTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorTrust")
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

impl ClientCertVerifier for OperatorTrust {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity).map_err(refused)?;
        Ok(ClientCertVerified::assertion())
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

fn authority(der: &[u8]) -> Result<ParsedCertificate, ChainError> {
    let side = Side::Ci;
    let ca = parse(der).map_err(|error| match error {
        ChainError::Malformed { cause, .. } => ChainError::Malformed { side, cause },
        other => other,
    })?;
    if !ca.is_ca || !ca.may_sign_certificates || ca.subject_key_identifier.is_none() {
        return Err(ChainError::NotCa { side });
    }
    Ok(ca)
}
