//! Chain validation with the rules of remote SIM provisioning.
//!
//! Ordinary X.509 path validation cannot apply them: policies are critical,
//! and the name constraints of an EUM compare the EID as a prefix.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Eid;
use rsp_asn1::{Certificate, SubjectPublicKeyInfo};
use rsp_crypto::{Provider, PublicKey};

use super::{CertificateError, Crl, CrlError, ParsedCertificate, policy};
use crate::Timestamp;

/// A CI, as far as trust needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The certificate of the CI.
    pub certificate: ParsedCertificate,
    /// Its SubjectKeyIdentifier: `euiccCiPKId` in messages.
    pub key_identifier: Vec<u8>,
    /// Its list of revoked certificates, once there is one.
    crl: Option<Crl>,
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
            .ok_or(ChainError::KeyIdentifier { side })?;
        check_authority(&parsed, side)?;
        verify_signature(&parsed, &parsed.public_key, side, crypto)?;
        Ok(TrustAnchor {
            certificate: parsed,
            key_identifier,
            crl: None,
        })
    }

    /// Takes a revocation list of this CI, in DER, that is valid `now`; it
    /// replaces an earlier one. What it names is refused from then on, also
    /// after its nextUpdate: a certificate does not become good again.
    ///
    /// # Errors
    /// The first rule that does not hold; an earlier list then stays.
    pub fn set_crl(
        &mut self,
        der: &[u8],
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<(), CrlError> {
        self.crl = Some(Crl::verify(der, &self.certificate, now, crypto)?);
        Ok(())
    }

    /// As [`TrustAnchor::set_crl`], but takes a list whose successor is late,
    /// too: what it names stays revoked. Gives whether it is late.
    ///
    /// # Errors
    /// The first rule that does not hold; an earlier list then stays.
    pub fn set_crl_of_any_age(
        &mut self,
        der: &[u8],
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<bool, CrlError> {
        let crl = Crl::verify_of_any_age(der, &self.certificate, now, crypto)?;
        let late = crl.is_outdated(now);
        self.crl = Some(crl);
        Ok(late)
    }

    /// Its list of revoked certificates.
    pub fn crl(&self) -> Option<&Crl> {
        self.crl.as_ref()
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
    /// Its key is on another curve than its issuer's (SGP.22 2.6.7).
    #[error("{side:?} certificate: its key is on another curve than the CI's")]
    Curve {
        /// Which one.
        side: Side,
    },
    /// certificatePolicies are not those of the role.
    #[error("{side:?} certificate: its policy is not that of the role")]
    Policy {
        /// Which one.
        side: Side,
    },
    /// keyUsage does not allow what the role does.
    #[error("{side:?} certificate: its key usage does not allow what the role does")]
    KeyUsage {
        /// Which one.
        side: Side,
    },
    /// extendedKeyUsage does not allow the side of TLS.
    #[error("{side:?} certificate: its extended key usage does not allow this side of TLS")]
    TlsUsage {
        /// Which one.
        side: Side,
    },
    /// An issuer that is no CA.
    #[error("{side:?} certificate: it is no CA")]
    NotCa {
        /// Which one.
        side: Side,
    },
    /// An end entity that is a CA.
    #[error("{side:?} certificate: a CA cannot be an end entity")]
    IsCa {
        /// Which one.
        side: Side,
    },
    /// More CAs below an issuer than it allows.
    #[error("{side:?} certificate: the path below its issuer is too long")]
    PathLength {
        /// Which one.
        side: Side,
    },
    /// A CA between operators' CA and certificate with nameConstraints.
    #[error("{side:?} certificate: nothing here evaluates its name constraints")]
    Constrained {
        /// Which one.
        side: Side,
    },
    /// A CA without SubjectKeyIdentifier.
    #[error("{side:?} certificate: it has no key identifier")]
    KeyIdentifier {
        /// Which one.
        side: Side,
    },
    /// Its validity has not begun.
    #[error("{side:?} certificate: not yet valid")]
    NotYetValid {
        /// Which one.
        side: Side,
    },
    /// Its validity is over.
    #[error("{side:?} certificate: expired")]
    Expired {
        /// Which one.
        side: Side,
    },
    /// Its issuer has revoked it.
    #[error("{side:?} certificate: revoked")]
    Revoked {
        /// Which one.
        side: Side,
    },
    /// serialNumber in the subject of CERT.EUICC is no EID.
    #[error("the serialNumber of the eUICC certificate is no EID")]
    NoEid,
    /// CERT.EUM without name constraints may issue nothing.
    #[error("the EUM certificate has no name constraints")]
    NoConstraints,
    /// organizationName of CERT.EUICC is not that in the EUM's constraints.
    #[error("the organization of the eUICC certificate is not that of the EUM")]
    Organization,
    /// The EID is not one that the EUM may issue.
    #[error("the EID is outside the range of the EUM certificate")]
    EidRange,
    /// The name of the server is not in the certificate.
    #[error("the certificate is not for the name {0}")]
    Name(String),
}

impl ChainError {
    /// Which certificate the refusal is about; `None` where it is about two, or
    /// about a name.
    pub fn side(&self) -> Option<Side> {
        match self {
            ChainError::Malformed { side, .. }
            | ChainError::UnknownIssuer { side }
            | ChainError::Signature { side }
            | ChainError::Curve { side }
            | ChainError::Policy { side }
            | ChainError::KeyUsage { side }
            | ChainError::TlsUsage { side }
            | ChainError::NotCa { side }
            | ChainError::IsCa { side }
            | ChainError::PathLength { side }
            | ChainError::Constrained { side }
            | ChainError::KeyIdentifier { side }
            | ChainError::NotYetValid { side }
            | ChainError::Expired { side }
            | ChainError::Revoked { side } => Some(*side),
            ChainError::NoEid => Some(Side::Euicc),
            ChainError::NoConstraints => Some(Side::Eum),
            ChainError::Organization | ChainError::EidRange | ChainError::Name(_) => None,
        }
    }
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
    let (eum, anchor) = eum_under_anchor(eum, anchors, now, crypto)?;
    let side = Side::Euicc;
    let euicc = parse(euicc, side)?;
    if !issued_by(&euicc, &eum) {
        return Err(ChainError::UnknownIssuer { side });
    }
    verify_signature(&euicc, &eum.public_key, side, crypto)?;
    check_validity(&euicc, now, side)?;
    require_policy(&euicc, policy::EUICC, side)?;
    check_end_entity(&euicc, side)?;
    check_curve(&euicc, &eum, side)?;
    let eid = euicc.eid().ok_or(ChainError::NoEid)?;
    check_constraints(&eum, &euicc)?;
    Ok(EuiccIdentity {
        eid,
        public_key: euicc.public_key,
        ci_key_identifier: anchor.key_identifier.clone(),
    })
}

/// Validates CERT.EUM under one of the CIs.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify_eum(
    eum: &Certificate,
    anchors: &[TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<ParsedCertificate, ChainError> {
    let (eum, _) = eum_under_anchor(eum, anchors, now, crypto)?;
    match eum.permitted.is_some() {
        true => Ok(eum),
        false => Err(ChainError::NoConstraints),
    }
}

fn eum_under_anchor<'a>(
    eum: &Certificate,
    anchors: &'a [TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<(ParsedCertificate, &'a TrustAnchor), ChainError> {
    let side = Side::Eum;
    let eum = parse(eum, side)?;
    let anchor = check_under_anchor(&eum, side, anchors, now, crypto)?;
    require_policy(&eum, policy::EUM, side)?;
    check_authority(&eum, side)?;
    check_curve(&eum, &anchor.certificate, side)?;
    match anchor.certificate.path_length {
        Some(0) => Err(ChainError::PathLength { side }),
        _ => Ok((eum, anchor)),
    }
}

/// Validates an end entity certificate that a CI issued without a role's
/// policy: those of an eIM (SGP.32 2.3).
///
/// # Errors
/// The first rule that does not hold.
pub fn verify_issued(
    certificate: &Certificate,
    anchors: &[TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<ParsedCertificate, ChainError> {
    let side = Side::Leaf;
    let leaf = parse(certificate, side)?;
    check_under_anchor(&leaf, side, anchors, now, crypto)?;
    check_end_entity(&leaf, side)?;
    Ok(leaf)
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
    let anchor = check_under_anchor(&leaf, side, anchors, now, crypto)?;
    require_policy(&leaf, policy, side)?;
    check_end_entity(&leaf, side)?;
    // TLS stacks have no brainpool: their keys may be on another curve.
    if policy != policy::DP_TLS && policy != policy::DS_TLS {
        check_curve(&leaf, &anchor.certificate, side)?;
    }
    Ok(leaf)
}

/// The steps that all certificates under a CI have in common: issuer,
/// signature, validity, revocation. Gives the CI.
fn check_under_anchor<'a>(
    certificate: &ParsedCertificate,
    side: Side,
    anchors: &'a [TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<&'a TrustAnchor, ChainError> {
    let anchor = issuer_of(certificate, anchors).ok_or(ChainError::UnknownIssuer { side })?;
    let issuer = &anchor.certificate;
    verify_signature(certificate, &issuer.public_key, side, crypto)?;
    check_validity(issuer, now, Side::Ci)?;
    check_validity(certificate, now, side)?;
    let crl = anchor.crl.as_ref();
    match crl.is_some_and(|crl| crl.revokes(&certificate.serial)) {
        true => Err(ChainError::Revoked { side }),
        false => Ok(anchor),
    }
}

/// Whom a TLS client trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsTrust {
    /// The CIs: a CERT.DPtls or CERT.DStls under one of them. Which of both a
    /// server is shows when it authenticates itself to the eUICC.
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
            let role = match leaf.has_policy(policy::DS_TLS) {
                true => policy::DS_TLS,
                false => policy::DP_TLS,
            };
            verify_under(presented, role, anchors, now, crypto)?;
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
    if !leaf.is_tls_server {
        return Err(ChainError::TlsUsage { side });
    }
    check_end_entity(&leaf, side)?;
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
    if now < certificate.not_before {
        return Err(ChainError::NotYetValid { side });
    }
    match certificate.is_valid_at(now) {
        true => Ok(()),
        false => Err(ChainError::Expired { side }),
    }
}

fn require_policy(
    certificate: &ParsedCertificate,
    policy: &str,
    side: Side,
) -> Result<(), ChainError> {
    match certificate.has_policy(policy) {
        true => Ok(()),
        false => Err(ChainError::Policy { side }),
    }
}

fn check_authority(certificate: &ParsedCertificate, side: Side) -> Result<(), ChainError> {
    if !certificate.is_ca {
        return Err(ChainError::NotCa { side });
    }
    match certificate.may_sign_certificates {
        true => Ok(()),
        false => Err(ChainError::KeyUsage { side }),
    }
}

fn check_end_entity(certificate: &ParsedCertificate, side: Side) -> Result<(), ChainError> {
    if certificate.is_ca {
        return Err(ChainError::IsCa { side });
    }
    match certificate.may_sign_data {
        true => Ok(()),
        false => Err(ChainError::KeyUsage { side }),
    }
}

fn check_curve(
    certificate: &ParsedCertificate,
    issuer: &ParsedCertificate,
    side: Side,
) -> Result<(), ChainError> {
    match certificate.public_key.curve() == issuer.public_key.curve() {
        true => Ok(()),
        false => Err(ChainError::Curve { side }),
    }
}

/// nameConstraints of the EUM: same organization, and the EID begins with the
/// permitted digits. An EUM without them may issue nothing.
fn check_constraints(eum: &ParsedCertificate, euicc: &ParsedCertificate) -> Result<(), ChainError> {
    let permitted = eum.permitted.as_ref().ok_or(ChainError::NoConstraints)?;
    let prefix = permitted.eid_prefix.as_ref();
    let prefix = prefix.ok_or(ChainError::NoConstraints)?;
    if permitted.organization.is_some() && permitted.organization != euicc.organization {
        return Err(ChainError::Organization);
    }
    let eid = euicc.serial_number.as_ref().ok_or(ChainError::NoEid)?;
    match eid.starts_with(prefix.as_str()) {
        true => Ok(()),
        false => Err(ChainError::EidRange),
    }
}
