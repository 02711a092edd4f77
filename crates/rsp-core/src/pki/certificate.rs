//! What the rules need to know of a certificate.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::ids::Eid;
use rsp_asn1::{Certificate, DecodeError, Oid, Tag, Tlv};
use rsp_crypto::{CryptoError, PublicKey, Signature};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage,
    KeyUsages, NameConstraints, SubjectKeyIdentifier,
};
use x509_cert::time::Time;

use crate::Timestamp;

/// Why a certificate cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not an X.509 certificate.
    #[error("not an X.509 certificate: {0}")]
    Malformed(String),
    /// The key is of a kind that is not supported.
    #[error("public key: {0}")]
    PublicKey(CryptoError),
    /// The signature is no ECDSA signature of two numbers.
    #[error("signature: {0}")]
    Signature(CryptoError),
    /// The signature is not ECDSA with SHA-256 (SGP.22 2.6.7).
    #[error("signed with the algorithm {0}, not with ecdsa-with-SHA256")]
    SignatureAlgorithm(String),
    /// A critical extension that nothing here evaluates.
    #[error("unknown critical extension {0}")]
    UnknownCriticalExtension(String),
}

impl From<x509_cert::der::Error> for CertificateError {
    fn from(error: x509_cert::der::Error) -> Self {
        CertificateError::Malformed(error.to_string())
    }
}

impl From<DecodeError> for CertificateError {
    fn from(error: DecodeError) -> Self {
        CertificateError::Malformed(error.to_string())
    }
}

/// A certificate, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedCertificate {
    /// The certificate as received.
    pub certificate: Certificate,
    /// The subject's key.
    pub public_key: PublicKey,
    /// The issuer's signature over `tbsCertificate`.
    pub signature: Signature,
    /// serialNumber of the certificate, content octets.
    pub serial: Vec<u8>,
    /// Name of the subject (RFC 4514).
    pub subject: String,
    /// Name of the subject in DER.
    pub subject_der: Vec<u8>,
    /// Name of the issuer (RFC 4514).
    pub issuer: String,
    /// SubjectKeyIdentifier.
    pub subject_key_identifier: Option<Vec<u8>>,
    /// AuthorityKeyIdentifier, key identifier.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// certificatePolicies.
    pub policies: Vec<String>,
    /// registeredID of subjectAltName: the OID of the SM-DP+, SM-DS, eIM or
    /// operator.
    pub registered_id: Option<Oid>,
    /// dNSName entries of subjectAltName.
    pub dns_names: Vec<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Whether basicConstraints says CA.
    pub is_ca: bool,
    /// How many CAs may stand between this CA and an end entity.
    pub path_length: Option<u8>,
    /// Whether the key may sign revocation lists.
    pub may_sign_crls: bool,
    /// Whether the key may sign certificates.
    pub may_sign_certificates: bool,
    /// Whether the key may sign data.
    pub may_sign_data: bool,
    /// Whether the certificate may serve a TLS server; absent extendedKeyUsage
    /// is no permission (SGP.22 4.5.2.1.0.2).
    pub is_tls_server: bool,
    /// Whether the certificate may serve a TLS client.
    pub is_tls_client: bool,
    /// organizationName of the subject.
    pub organization: Option<String>,
    /// commonName of the subject.
    pub common_name: Option<String>,
    /// serialNumber of the subject: the EID in CERT.EUICC.
    pub serial_number: Option<String>,
    /// Permitted organization and EID prefix of an EUM certificate.
    pub permitted: Option<PermittedEids>,
    /// Whether there are nameConstraints of any kind.
    pub has_name_constraints: bool,
}

/// nameConstraints of an EUM certificate (SGP.22 4.5.2.1.0.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermittedEids {
    /// organizationName that eUICC certificates must have.
    pub organization: Option<String>,
    /// First digits that their EIDs must have.
    pub eid_prefix: Option<String>,
}

const KNOWN_EXTENSIONS: [&str; 5] = [
    "2.5.29.15", // keyUsage
    "2.5.29.19", // basicConstraints
    "2.5.29.30", // nameConstraints
    "2.5.29.32", // certificatePolicies
    "2.5.29.37", // extendedKeyUsage
];

impl ParsedCertificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// If it is malformed, its algorithms are not supported, or it has a
    /// critical extension that nothing here evaluates.
    pub fn parse(certificate: &Certificate) -> Result<Self, CertificateError> {
        let x509 = x509_cert::Certificate::from_der(certificate.as_bytes())?;
        let tbs = x509.tbs_certificate();
        refuse_unknown_critical(tbs)?;
        check_algorithm(&x509.signature_algorithm().oid.to_string())?;
        check_algorithm(&tbs.signature().oid.to_string())?;
        let spki = tbs.subject_public_key_info().to_der()?;
        let usage = tbs.get_extension::<KeyUsage>()?.map(|(_, usage)| usage.0);
        let may = |bit: KeyUsages| usage.is_some_and(|usage| usage.contains(bit));
        let constraints = tbs.get_extension::<BasicConstraints>()?;
        let constraints = constraints.map(|(_, constraints)| constraints);
        let names = alternative_names(tbs)?;
        let extended = tbs.get_extension::<ExtendedKeyUsage>()?;
        let extended = extended.map(|(_, usage)| usage.0).unwrap_or_default();
        let may_serve = |oid: &str| extended.iter().any(|usage| usage.to_string() == oid);
        let subject = tbs.subject();
        Ok(ParsedCertificate {
            certificate: certificate.clone(),
            public_key: PublicKey::from_spki_der(&spki).map_err(CertificateError::PublicKey)?,
            signature: Signature::from_der(x509.signature().raw_bytes())
                .map_err(CertificateError::Signature)?,
            serial: tbs.serial_number().as_bytes().to_vec(),
            subject: subject.to_string(),
            subject_der: subject.to_der()?,
            issuer: tbs.issuer().to_string(),
            subject_key_identifier: tbs
                .get_extension::<SubjectKeyIdentifier>()?
                .map(|(_, id)| id.0.as_bytes().to_vec()),
            authority_key_identifier: tbs
                .get_extension::<AuthorityKeyIdentifier>()?
                .and_then(|(_, id)| id.key_identifier)
                .map(|id| id.as_bytes().to_vec()),
            policies: policies(tbs)?,
            registered_id: names.registered_id,
            dns_names: names.dns_names,
            not_before: timestamp(&tbs.validity().not_before),
            not_after: timestamp(&tbs.validity().not_after),
            is_ca: constraints.as_ref().is_some_and(|of| of.ca),
            path_length: constraints.and_then(|of| of.path_len_constraint),
            may_sign_crls: may(KeyUsages::CRLSign),
            may_sign_certificates: may(KeyUsages::KeyCertSign),
            may_sign_data: may(KeyUsages::DigitalSignature),
            is_tls_server: may_serve("1.3.6.1.5.5.7.3.1"),
            is_tls_client: may_serve("1.3.6.1.5.5.7.3.2"),
            organization: attribute(subject, ORGANIZATION),
            common_name: attribute(subject, COMMON_NAME),
            serial_number: attribute(subject, SERIAL_NUMBER),
            permitted: permitted_eids(tbs)?,
            has_name_constraints: tbs.get_extension::<NameConstraints>()?.is_some(),
        })
    }

    /// Whether the certificate has this policy.
    pub fn has_policy(&self, policy: &str) -> bool {
        self.policies.iter().any(|have| have == policy)
    }

    /// Whether `now` lies within the validity.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// The EID of a CERT.EUICC.
    pub fn eid(&self) -> Option<Eid> {
        self.serial_number.as_ref()?.parse().ok()
    }
}

const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const COMMON_NAME: &str = "2.5.4.3";
const SERIAL_NUMBER: &str = "2.5.4.5";
const ORGANIZATION: &str = "2.5.4.10";

type Tbs = x509_cert::TbsCertificate;

fn refuse_unknown_critical(tbs: &Tbs) -> Result<(), CertificateError> {
    for extension in tbs.extensions().into_iter().flatten() {
        let oid = extension.extn_id.to_string();
        if extension.critical && !KNOWN_EXTENSIONS.contains(&oid.as_str()) {
            return Err(CertificateError::UnknownCriticalExtension(oid));
        }
    }
    Ok(())
}

/// Refuses any algorithm but ecdsa-with-SHA256.
pub(super) fn check_algorithm(oid: &str) -> Result<(), CertificateError> {
    match oid {
        "1.2.840.10045.4.3.2" => Ok(()),
        other => Err(CertificateError::SignatureAlgorithm(other.to_string())),
    }
}

fn policies(tbs: &Tbs) -> Result<Vec<String>, CertificateError> {
    let policies = tbs.get_extension::<CertificatePolicies>()?;
    let policies = policies.map(|(_, policies)| policies.0).unwrap_or_default();
    Ok(policies
        .iter()
        .map(|policy| policy.policy_identifier.to_string())
        .collect())
}

/// What subjectAltName says of a server.
#[derive(Default)]
struct AlternativeNames {
    dns_names: Vec<String>,
    registered_id: Option<Oid>,
}

const DNS_NAME: Tag = Tag::new(0x82);
const REGISTERED_ID: Tag = Tag::new(0x88);

/// Read here, because the library refuses object identifiers such as 2.999.10.
fn alternative_names(tbs: &Tbs) -> Result<AlternativeNames, CertificateError> {
    let mut names = AlternativeNames::default();
    for extension in tbs.extensions().into_iter().flatten() {
        if extension.extn_id.to_string() != SUBJECT_ALT_NAME {
            continue;
        }
        let mut reader = Tlv::parse(extension.extn_value.as_bytes())?.reader();
        while !reader.is_empty() {
            let name = reader.tlv()?;
            if name.tag == DNS_NAME {
                names
                    .dns_names
                    .extend(core::str::from_utf8(name.value).map(String::from));
            } else if name.tag == REGISTERED_ID && names.registered_id.is_none() {
                names.registered_id = Oid::from_bytes(name.value).ok();
            }
        }
    }
    Ok(names)
}

pub(super) fn timestamp(time: &Time) -> Timestamp {
    Timestamp::from_secs(time.to_unix_duration().as_secs())
}

/// The value of the first attribute with this OID.
fn attribute(name: &x509_cert::name::Name, oid: &str) -> Option<String> {
    let attribute = name.iter().find(|part| part.oid.to_string() == oid)?;
    core::str::from_utf8(attribute.value.value())
        .ok()
        .map(ToString::to_string)
}

fn permitted_eids(tbs: &Tbs) -> Result<Option<PermittedEids>, CertificateError> {
    let Some((_, constraints)) = tbs.get_extension::<NameConstraints>()? else {
        return Ok(None);
    };
    let subtrees = constraints.permitted_subtrees.unwrap_or_default();
    Ok(subtrees.iter().find_map(|subtree| match &subtree.base {
        GeneralName::DirectoryName(name) => Some(PermittedEids {
            organization: attribute(name, ORGANIZATION),
            eid_prefix: attribute(name, SERIAL_NUMBER),
        }),
        _ => None,
    }))
}
