//! Chain validation with the rules of remote SIM provisioning.
//!
//! Ordinary X.509 path validation cannot apply them: policies are critical,
//! and the name constraints of an EUM compare the EID as a prefix.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Eid;
use rsp_asn1::{Certificate, SubjectPublicKeyInfo};
use rsp_crypto::{Provider, PublicKey};

use super::{CertificateError, ParsedCertificate, policy};
use crate::Timestamp;

/// A CI, as far as trust needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The certificate of the CI.
    pub certificate: ParsedCertificate,
    /// Its SubjectKeyIdentifier: `euiccCiPKId` in messages.
    pub key_identifier: Vec<u8>,
}

impl TrustAnchor {
    /// Takes a self-signed CI certificate.
    ///
    /// # Errors
    /// If it is malformed, no CA, without key identifier or not self-signed.
    pub fn new(certificate: &Certificate, crypto: &dyn Provider) -> Result<Self, ChainError> {
        let side = Side::Ci;
        let parsed = ParsedCertificate::parse(certificate)
            .map_err(|cause| ChainError::Malformed { side, cause })?;
        let key_identifier = parsed
            .subject_key_identifier
            .clone()
            .ok_or(ChainError::Role { side })?;
        if !parsed.is_ca || !parsed.may_sign_certificates {
            return Err(ChainError::Role { side });
        }
        verify_signature(&parsed, &parsed.public_key, side, crypto)?;
        Ok(TrustAnchor {
            certificate: parsed,
            key_identifier,
        })
    }
}

/// Which certificate of a chain a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The CI.
    Ci,
    /// The EUM.
    Eum,
    /// The eUICC.
    Euicc,
    /// A server or other end entity.
    Leaf,
}

/// Why a chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The certificate cannot be read.
    #[error("{side:?} certificate: {cause}")]
    Malformed {
        /// Which one.
        side: Side,
        /// What is wrong with it.
        cause: CertificateError,
    },
    /// No trust anchor has the key that issued the certificate.
    #[error("{side:?} certificate: issued by no trusted CI")]
    UnknownIssuer {
        /// Which one.
        side: Side,
    },
    /// The issuer's signature does not fit.
    #[error("{side:?} certificate: the issuer's signature is wrong")]
    Signature {
        /// Which one.
        side: Side,
    },
    /// Policy, key usage or constraints are not those of the role.
    #[error("{side:?} certificate: not issued for this role")]
    Role {
        /// Which one.
        side: Side,
    },
    /// Outside its validity.
    #[error("{side:?} certificate: expired or not yet valid")]
    Expired {
        /// Which one.
        side: Side,
    },
    /// The EID is not one that the EUM may issue.
    #[error("the EID is outside the range of the EUM certificate")]
    EidRange,
    /// The name of the server is not in the certificate.
    #[error("the certificate is not for the name {0}")]
    Name(String),
}

/// A validated eUICC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccIdentity {
    /// Its EID, from the certificate.
    pub eid: Eid,
    /// PK.EUICC.ECDSA.
    pub public_key: PublicKey,
    /// Key identifier of the CI above it.
    pub ci_key_identifier: Vec<u8>,
}

/// Validates CERT.EUICC under CERT.EUM under one of the CIs.
///
/// Signatures are checked before validity and role, so that each fault gets
/// its own answer.
///
/// # Errors
/// The first rule that does not hold, and for which certificate.
pub fn verify_euicc_chain(
    eum: &Certificate,
    euicc: &Certificate,
    anchors: &[TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<EuiccIdentity, ChainError> {
    let side = Side::Eum;
    let eum = parse(eum, side)?;
    let anchor = issuer_of(&eum, anchors).ok_or(ChainError::UnknownIssuer { side })?;
    verify_signature(&eum, &anchor.certificate.public_key, side, crypto)?;
    check_validity(&eum, now, side)?;
    if !eum.has_policy(policy::EUM) || !eum.may_sign_certificates || !eum.is_ca {
        return Err(ChainError::Role { side });
    }

    let side = Side::Euicc;
    let euicc = parse(euicc, side)?;
    if !issued_by(&euicc, &eum) {
        return Err(ChainError::UnknownIssuer { side });
    }
    verify_signature(&euicc, &eum.public_key, side, crypto)?;
    check_validity(&euicc, now, side)?;
    if !euicc.has_policy(policy::EUICC) || !euicc.may_sign_data {
        return Err(ChainError::Role { side });
    }
    let eid = euicc.eid().ok_or(ChainError::Role { side })?;
    if !permits(&eum, &euicc) {
        return Err(ChainError::EidRange);
    }
    Ok(EuiccIdentity {
        eid,
        public_key: euicc.public_key,
        ci_key_identifier: anchor.key_identifier.clone(),
    })
}

/// Validates a certificate that a CI issued for the role of `policy`.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify_under(
    certificate: &Certificate,
    policy: &str,
    anchors: &[TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<ParsedCertificate, ChainError> {
    let side = Side::Leaf;
    let leaf = parse(certificate, side)?;
    let anchor = issuer_of(&leaf, anchors).ok_or(ChainError::UnknownIssuer { side })?;
    verify_signature(&leaf, &anchor.certificate.public_key, side, crypto)?;
    check_validity(&leaf, now, side)?;
    if !leaf.has_policy(policy) || !leaf.may_sign_data {
        return Err(ChainError::Role { side });
    }
    Ok(leaf)
}

/// Whom a TLS client trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsTrust {
    /// The CIs: a CERT.DPtls under one of them.
    RspServer(Vec<TrustAnchor>),
    /// Exactly this key (`trustedEimPkTls`).
    PinnedKey(SubjectPublicKeyInfo),
    /// This certificate, or one that it issued (`trustedCertificateTls`).
    Certificate(Certificate),
}

/// Validates the end entity certificate of a TLS server. The name is the host
/// without port.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify_tls_server(
    presented: &Certificate,
    name: &str,
    trust: &TlsTrust,
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<PublicKey, ChainError> {
    let side = Side::Leaf;
    let leaf = parse(presented, side)?;
    match trust {
        TlsTrust::RspServer(anchors) => {
            verify_under(presented, policy::DP_TLS, anchors, now, crypto)?;
        }
        TlsTrust::PinnedKey(key) => {
            if leaf.public_key.to_spki_der() != key.as_bytes() {
                return Err(ChainError::UnknownIssuer { side });
            }
            return Ok(leaf.public_key);
        }
        TlsTrust::Certificate(trusted) if trusted == presented => {
            check_validity(&leaf, now, side)?;
            return Ok(leaf.public_key);
        }
        TlsTrust::Certificate(trusted) => {
            let issuer = parse(trusted, Side::Ci)?;
            if !issuer.is_ca || !issued_by(&leaf, &issuer) {
                return Err(ChainError::UnknownIssuer { side });
            }
            verify_signature(&leaf, &issuer.public_key, side, crypto)?;
            check_validity(&leaf, now, side)?;
        }
    }
    if !leaf.is_tls_server || !leaf.may_sign_data {
        return Err(ChainError::Role { side });
    }
    let named = |have: &String| have.eq_ignore_ascii_case(name);
    if !leaf.dns_names.iter().any(named) {
        return Err(ChainError::Name(name.into()));
    }
    Ok(leaf.public_key)
}

fn parse(certificate: &Certificate, side: Side) -> Result<ParsedCertificate, ChainError> {
    ParsedCertificate::parse(certificate).map_err(|cause| ChainError::Malformed { side, cause })
}

fn issuer_of<'a>(
    certificate: &ParsedCertificate,
    anchors: &'a [TrustAnchor],
) -> Option<&'a TrustAnchor> {
    let wanted = certificate.authority_key_identifier.as_ref()?;
    anchors
        .iter()
        .find(|anchor| anchor.key_identifier == *wanted)
}

fn issued_by(certificate: &ParsedCertificate, issuer: &ParsedCertificate) -> bool {
    certificate.authority_key_identifier.is_some()
        && certificate.authority_key_identifier == issuer.subject_key_identifier
}

fn verify_signature(
    certificate: &ParsedCertificate,
    issuer: &PublicKey,
    side: Side,
    crypto: &dyn Provider,
) -> Result<(), ChainError> {
    let signed = certificate.certificate.tbs_bytes();
    let signed = signed.map_err(|_| ChainError::Signature { side })?;
    crypto
        .verify(issuer, &[signed], &certificate.signature)
        .map_err(|_| ChainError::Signature { side })
}

fn check_validity(
    certificate: &ParsedCertificate,
    now: Timestamp,
    side: Side,
) -> Result<(), ChainError> {
    match certificate.is_valid_at(now) {
        true => Ok(()),
        false => Err(ChainError::Expired { side }),
    }
}

/// nameConstraints of the EUM: same organization, and the EID begins with the
/// permitted digits. An EUM without them may issue nothing.
fn permits(eum: &ParsedCertificate, euicc: &ParsedCertificate) -> bool {
    let Some(permitted) = &eum.permitted else {
        return false;
    };
    let organization = match &permitted.organization {
        Some(organization) => euicc.organization.as_ref() == Some(organization),
        None => true,
    };
    let prefix = match (&permitted.eid_prefix, &euicc.serial_number) {
        (Some(prefix), Some(eid)) => eid.starts_with(prefix.as_str()),
        (_, None) | (None, _) => false,
    };
    organization && prefix
}
