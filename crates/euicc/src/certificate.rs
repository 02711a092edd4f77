//! The card's own rules for certificates of servers (SGP.22 4.5.2). It has no
//! clock: validity is not looked at.

use alloc::vec::Vec;

use rsp_asn1::{Certificate, Oid, Tag, Tlv};
use rsp_crypto::{CryptoError, Provider, PublicKey, Signature};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, KeyUsage, SubjectKeyIdentifier,
};
use x509_cert::spki::ObjectIdentifier;

use crate::personalisation::CiKey;

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

const ID_SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const ID_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ID_SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const ID_BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const ID_CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const ID_AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const ID_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// registeredID in GeneralName.
const REGISTERED_ID: Tag = Tag::new(0x88);

/// Role of a server certificate (SGP.22 4.5.2.1): its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// id-rspRole-dp-auth.
    DpAuth,
    /// id-rspRole-dp-pb.
    DpPb,
    /// id-rspRole-dp-tls.
    DpTls,
    /// id-rspRole-ds-auth.
    DsAuth,
}

impl Role {
    const fn policy(self) -> ObjectIdentifier {
        match self {
            Role::DpAuth => ObjectIdentifier::new_unwrap("2.23.146.1.2.1.4"),
            Role::DpPb => ObjectIdentifier::new_unwrap("2.23.146.1.2.1.5"),
            Role::DpTls => ObjectIdentifier::new_unwrap("2.23.146.1.2.1.3"),
            Role::DsAuth => ObjectIdentifier::new_unwrap("2.23.146.1.2.1.7"),
        }
    }
}

/// Why a certificate is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No CI key with the identifier of its issuer.
    UnknownRoot,
    /// Malformed, wrongly signed, or not for this role.
    Invalid,
    /// The key is on another curve than the CI's, or on an unknown one.
    Curve,
    /// No registered identifier of its owner.
    NoOid,
}

/// What is left of an accepted certificate.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Identifier of the CI key that signed it.
    pub(crate) root: Vec<u8>,
    pub(crate) role: Role,
    /// Registered identifier of the owner.
    pub(crate) oid: Oid,
    pub(crate) key: PublicKey,
}

/// Accepts the certificate of a server that has one of `roles`.
pub(crate) fn verify_server(
    certificate: &Certificate,
    ci: &[CiKey],
    roles: &[Role],
    provider: &dyn Provider,
) -> Result<Server, Refusal> {
    let parsed = parse(certificate)?;
    let extensions = read_extensions(&parsed)?;
    let root = extensions
        .authority_key_identifier
        .and_then(|id| ci.iter().find(|ci| ci.subject_key_identifier == id))
        .ok_or(Refusal::UnknownRoot)?;
    let signature = issuer_signature(&parsed)?;
    let tbs = certificate.tbs_bytes().map_err(|_| Refusal::Invalid)?;
    provider
        .verify(&root.public_key, &[tbs], &signature)
        .map_err(|_| Refusal::Invalid)?;
    let role = roles
        .iter()
        .copied()
        .find(|role| extensions.policies.contains(&role.policy()))
        .ok_or(Refusal::Invalid)?;
    if !extensions.digital_signature || extensions.is_ca || extensions.unknown_critical {
        return Err(Refusal::Invalid);
    }
    let key = subject_key(&parsed).map_err(|_| Refusal::Curve)?;
    if key.curve() != root.public_key.curve() {
        return Err(Refusal::Curve);
    }
    Ok(Server {
        root: root.subject_key_identifier.clone(),
        role,
        oid: extensions.registered_id.ok_or(Refusal::NoOid)?,
        key,
    })
}

/// The public key of any certificate, nothing else of which counts: the eIM's
/// (SGP.32 2.11.1.1.1).
pub(crate) fn public_key_of(certificate: &Certificate) -> Result<PublicKey, Refusal> {
    subject_key(&parse(certificate)?).map_err(|_| Refusal::Curve)
}

/// The key of a certificate that may issue others.
pub(crate) fn ca_key_of(certificate: &Certificate) -> Result<PublicKey, Refusal> {
    let parsed = parse(certificate)?;
    match read_extensions(&parsed)?.is_ca {
        true => subject_key(&parsed).map_err(|_| Refusal::Curve),
        false => Err(Refusal::Invalid),
    }
}

/// Whether a key has signed a certificate.
pub(crate) fn is_signed_by(
    certificate: &Certificate,
    key: &PublicKey,
    provider: &dyn Provider,
) -> bool {
    let signature = parse(certificate).and_then(|parsed| issuer_signature(&parsed));
    let Ok((tbs, signature)) = signature.and_then(|signature| {
        let tbs = certificate.tbs_bytes().map_err(|_| Refusal::Invalid)?;
        Ok((tbs, signature))
    }) else {
        return false;
    };
    provider.verify(key, &[tbs], &signature).is_ok()
}

/// The value of subjectAltName.
pub(crate) fn alternative_names(certificate: &Certificate) -> Option<Vec<u8>> {
    let parsed = parse(certificate).ok()?;
    let mut extensions = parsed.tbs_certificate().extensions().into_iter().flatten();
    let names = extensions.find(|extension| extension.extn_id == ID_SUBJECT_ALT_NAME)?;
    Some(names.extn_value.as_bytes().to_vec())
}

/// The identifier of the key that signed a certificate.
pub(crate) fn issuer_key_identifier(certificate: &Certificate) -> Option<Vec<u8>> {
    let parsed = parse(certificate).ok()?;
    read_extensions(&parsed).ok()?.authority_key_identifier
}

fn parse(certificate: &Certificate) -> Result<x509_cert::Certificate, Refusal> {
    x509_cert::Certificate::from_der(certificate.as_bytes()).map_err(|_| Refusal::Invalid)
}

fn subject_key(parsed: &x509_cert::Certificate) -> Result<PublicKey, CryptoError> {
    let der = parsed
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|_| CryptoError::InvalidPublicKey("cannot be encoded"))?;
    PublicKey::from_spki_der(&der)
}

fn issuer_signature(parsed: &x509_cert::Certificate) -> Result<Signature, Refusal> {
    let algorithms = [
        parsed.signature_algorithm().oid,
        parsed.tbs_certificate().signature().oid,
    ];
    if algorithms != [ECDSA_WITH_SHA256; 2] {
        return Err(Refusal::Invalid);
    }
    let octets = parsed.signature().as_bytes().ok_or(Refusal::Invalid)?;
    Signature::from_der(octets).map_err(|_| Refusal::Invalid)
}

/// The extensions that decide.
#[derive(Default)]
struct Decisive {
    authority_key_identifier: Option<Vec<u8>>,
    policies: Vec<ObjectIdentifier>,
    digital_signature: bool,
    is_ca: bool,
    registered_id: Option<Oid>,
    unknown_critical: bool,
}

fn read_extensions(parsed: &x509_cert::Certificate) -> Result<Decisive, Refusal> {
    let mut found = Decisive::default();
    let mut seen = Vec::new();
    for extension in parsed.tbs_certificate().extensions().into_iter().flatten() {
        if seen.contains(&extension.extn_id) {
            return Err(Refusal::Invalid);
        }
        seen.push(extension.extn_id);
        read_extension(extension, &mut found)?;
    }
    Ok(found)
}

fn read_extension(extension: &Extension, found: &mut Decisive) -> Result<(), Refusal> {
    let value = extension.extn_value.as_bytes();
    match extension.extn_id {
        ID_KEY_USAGE => found.digital_signature = decode::<KeyUsage>(value)?.digital_signature(),
        ID_BASIC_CONSTRAINTS => found.is_ca = decode::<BasicConstraints>(value)?.ca,
        ID_CERTIFICATE_POLICIES => {
            let policies = decode::<CertificatePolicies>(value)?.0;
            found.policies = policies.iter().map(|p| p.policy_identifier).collect();
        }
        ID_AUTHORITY_KEY_IDENTIFIER => {
            let id = decode::<AuthorityKeyIdentifier>(value)?.key_identifier;
            found.authority_key_identifier = id.map(|id| id.as_bytes().to_vec());
        }
        ID_SUBJECT_ALT_NAME => found.registered_id = registered_id(value)?,
        ID_SUBJECT_KEY_IDENTIFIER => {
            decode::<SubjectKeyIdentifier>(value)?;
        }
        ID_EXTENDED_KEY_USAGE => {}
        _ => found.unknown_critical |= extension.critical,
    }
    Ok(())
}

/// registeredID among the names of a subjectAltName. Read here element by
/// element: the common OID type knows no first arcs above one octet, and
/// 2.999 is what test certificates have.
fn registered_id(value: &[u8]) -> Result<Option<Oid>, Refusal> {
    let names = Tlv::parse(value).map_err(|_| Refusal::Invalid)?;
    let mut reader = names.reader();
    let mut found = None;
    while !reader.is_empty() {
        let name = reader.tlv().map_err(|_| Refusal::Invalid)?;
        if name.tag == REGISTERED_ID && found.is_none() {
            found = Some(Oid::from_bytes(name.value).map_err(|_| Refusal::Invalid)?);
        }
    }
    Ok(found)
}

fn decode<'a, T: Decode<'a>>(value: &'a [u8]) -> Result<T, Refusal> {
    T::from_der(value).map_err(|_| Refusal::Invalid)
}
