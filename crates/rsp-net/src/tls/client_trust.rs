//! A server's judgement of the client (ES2+, SGP.22 5.3).

use std::fmt;
use std::sync::Arc;

use rsp_core::Timestamp;
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

/// Certificates of CAs that are read of what a client presents.
const MAX_BETWEEN: usize = 4;

/// The CAs whose certificates are accepted from clients.
#[derive(Clone)]
pub struct OperatorTrust {
    authorities: Vec<ParsedCertificate>,
    clock: Clock,
    crypto: Arc<dyn Provider>,
}

impl OperatorTrust {
    /// Takes CA certificates in DER; clients' certificates are issued by one
    /// of them, or by CAs between that the client presents.
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

    /// Whether a client may present this certificate, with these of CAs above
    /// it, in any order.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub(crate) fn check(
        &self,
        presented: &[u8],
        between: &[CertificateDer<'_>],
    ) -> Result<(), ChainError> {
        let leaf = parse(presented)?;
        let now = (self.clock)();
        self.check_path(&leaf, between, now)?;
        let side = Side::Leaf;
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

    /// Goes up from the client's certificate to one of the authorities.
    fn check_path(
        &self,
        leaf: &ParsedCertificate,
        between: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), ChainError> {
        // What is not a CA's certificate helps nobody up.
        let between: Vec<_> = between.iter().take(MAX_BETWEEN).collect();
        let between: Vec<_> = between
            .iter()
            .filter_map(|der| authority(der).ok())
            .collect();
        let mut current = leaf;
        for below in 0..=between.len() {
            let side = if below == 0 { Side::Leaf } else { Side::Ci };
            let issuer = self.issuer_of(current, &self.authorities, side);
            let (issuer, trusted) = match issuer {
                Ok(issuer) => (issuer, true),
                Err(error) => match self.issuer_of(current, &between, side) {
                    Ok(issuer) => (issuer, false),
                    Err(_) => return Err(error),
                },
            };
            check_authority(issuer, below, now)?;
            if trusted {
                return Ok(());
            }
            current = issuer;
        }
        let side = Side::Ci;
        Err(ChainError::UnknownIssuer { side })
    }

    /// The one that issued a certificate: key identifiers are no proof, two
    /// CAs may claim the same one.
    fn issuer_of<'a>(
        &self,
        certificate: &ParsedCertificate,
        authorities: &'a [ParsedCertificate],
        side: Side,
    ) -> Result<&'a ParsedCertificate, ChainError> {
        let issued = |ca: &&ParsedCertificate| {
            certificate.authority_key_identifier.is_some()
                && certificate.authority_key_identifier == ca.subject_key_identifier
        };
        let mut issuers = authorities.iter().filter(issued).peekable();
        if issuers.peek().is_none() {
            return Err(ChainError::UnknownIssuer { side });
        }
        issuers
            .find(|ca| self.signed(certificate, ca))
            .ok_or(ChainError::Signature { side })
    }

    fn signed(&self, certificate: &ParsedCertificate, ca: &ParsedCertificate) -> bool {
        certificate.certificate.tbs_bytes().is_ok_and(|tbs| {
            let signature = &certificate.signature;
            let verified = self.crypto.verify(&ca.public_key, &[tbs], signature);
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
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity, intermediates).map_err(refused)?;
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

/// Whether a CA may stand over a client's certificate with so many CAs below
/// it.
fn check_authority(ca: &ParsedCertificate, below: usize, now: Timestamp) -> Result<(), ChainError> {
    let side = Side::Ci;
    if !ca.is_valid_at(now) {
        return Err(ChainError::Expired { side });
    }
    if ca.has_name_constraints {
        return Err(ChainError::Constrained { side });
    }
    match ca.path_length.is_some_and(|most| below > usize::from(most)) {
        true => Err(ChainError::PathLength { side }),
        false => Ok(()),
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
