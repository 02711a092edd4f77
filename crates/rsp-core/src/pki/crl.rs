//! Revocation lists of a CI (SGP.22 4.5.2.1.0.5, RFC 5280 5).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::{Asn1, DecodeError, Tag, Tlv, Writer};
use rsp_crypto::{Provider, Signature, SigningKey};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::certificate::{check_algorithm, timestamp};
use super::issue::{ecdsa_with_sha256, extension, signed_object, time, unsigned};
use super::{CertificateError, IssueError, Issuer, ParsedCertificate};
use crate::Timestamp;

/// Octets of the longest list that is read: about 20 000 entries.
const MAX_LENGTH: usize = 1 << 20;

/// Why a revocation list is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// Not a revocation list, or not signed with ECDSA and SHA-256.
    #[error("not a revocation list: {0}")]
    Malformed(CertificateError),
    /// Longer than any list that is read.
    #[error("the revocation list is longer than 1 MiB")]
    TooLong,
    /// Another CI issued it.
    #[error("the revocation list is not of this CI")]
    OtherIssuer,
    /// The CI's key usage does not include cRLSign.
    #[error("the CI may not sign revocation lists")]
    MayNotSign,
    /// The CI's signature does not fit.
    #[error("the signature of the revocation list is wrong")]
    Signature,
    /// thisUpdate lies ahead.
    #[error("the revocation list is not yet valid")]
    NotYetValid,
    /// nextUpdate has passed, or is missing.
    #[error("the revocation list is outdated")]
    Outdated,
    /// A critical extension that nothing here evaluates.
    #[error("unknown critical extension {0} in the revocation list")]
    UnknownCriticalExtension(String),
}

impl From<x509_cert::der::Error> for CrlError {
    fn from(error: x509_cert::der::Error) -> Self {
        CrlError::Malformed(error.into())
    }
}

impl From<DecodeError> for CrlError {
    fn from(error: DecodeError) -> Self {
        CrlError::Malformed(error.into())
    }
}

/// A revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    /// When it was issued.
    pub this_update: Timestamp,
    /// When the next one is due.
    pub next_update: Option<Timestamp>,
    /// Name of the issuer (RFC 4514).
    pub issuer: String,
    /// AuthorityKeyIdentifier.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// Serial numbers of the revoked certificates, content octets, sorted.
    pub revoked: Vec<Vec<u8>>,
}

/// AuthorityKeyIdentifier, cRLNumber, and the extensions of SGP.22: expDate,
/// totalPartialCrlNumber, partialCrlNumber.
const KNOWN_EXTENSIONS: [&str; 5] = [
    "2.5.29.35",
    "2.5.29.20",
    "2.23.146.1.2.0.1",
    "2.23.146.1.2.0.2",
    "2.23.146.1.2.0.3",
];

impl Crl {
    /// Reads a list and verifies nothing.
    ///
    /// # Errors
    /// If it is malformed, too long, or has a critical extension that nothing
    /// here evaluates.
    pub fn parse(der: &[u8]) -> Result<Self, CrlError> {
        Ok(read(der)?.0)
    }

    /// Reads a list in DER and accepts it if `ci` signed it and it is valid
    /// `now`.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn verify(
        der: &[u8],
        ci: &ParsedCertificate,
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<Self, CrlError> {
        let crl = Self::verify_of_any_age(der, ci, now, crypto)?;
        match crl.is_outdated(now) {
            true => Err(CrlError::Outdated),
            false => Ok(crl),
        }
    }

    /// As [`Crl::verify`], but of a list whose successor is late, too.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn verify_of_any_age(
        der: &[u8],
        ci: &ParsedCertificate,
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<Self, CrlError> {
        let (crl, signature) = read(der)?;
        let issuer = crl.authority_key_identifier.as_ref();
        if issuer.is_some() && issuer != ci.subject_key_identifier.as_ref()
            || crl.issuer != ci.subject
        {
            return Err(CrlError::OtherIssuer);
        }
        if !ci.may_sign_crls {
            return Err(CrlError::MayNotSign);
        }
        let signed = Tlv::parse(der)?.reader().tlv()?;
        crypto
            .verify(&ci.public_key, &[signed.raw], &signature)
            .map_err(|_| CrlError::Signature)?;
        if now < crl.this_update {
            return Err(CrlError::NotYetValid);
        }
        Ok(crl)
    }

    /// Whether the next list is due, or nothing says when it is.
    pub fn is_outdated(&self, now: Timestamp) -> bool {
        self.next_update.is_none_or(|next| now > next)
    }

    /// Whether the certificate with this serial number is revoked.
    pub fn revokes(&self, serial: &[u8]) -> bool {
        let found = |have: &Vec<u8>| have.as_slice().cmp(serial);
        self.revoked.binary_search_by(found).is_ok()
    }
}

fn read(der: &[u8]) -> Result<(Crl, Signature), CrlError> {
    if der.len() > MAX_LENGTH {
        return Err(CrlError::TooLong);
    }
    let list: CertificateList = CertificateList::from_der(der)?;
    let tbs = &list.tbs_cert_list;
    check_algorithm(&list.signature_algorithm.oid.to_string()).map_err(CrlError::Malformed)?;
    check_algorithm(&tbs.signature.oid.to_string()).map_err(CrlError::Malformed)?;
    let extensions = tbs.crl_extensions.as_deref().unwrap_or_default();
    refuse_unknown_critical(extensions)?;
    let mut revoked = Vec::new();
    for entry in tbs.revoked_certificates.iter().flatten() {
        refuse_unknown_critical(entry.crl_entry_extensions.as_deref().unwrap_or_default())?;
        revoked.push(entry.serial_number.as_bytes().to_vec());
    }
    revoked.sort();
    let crl = Crl {
        this_update: timestamp(&tbs.this_update),
        next_update: tbs.next_update.as_ref().map(timestamp),
        issuer: tbs.issuer.to_string(),
        authority_key_identifier: authority(extensions)?,
        revoked,
    };
    let signature = Signature::from_der(list.signature.raw_bytes());
    let signature =
        signature.map_err(|cause| CrlError::Malformed(CertificateError::Signature(cause)))?;
    Ok((crl, signature))
}

fn refuse_unknown_critical(extensions: &[Extension]) -> Result<(), CrlError> {
    for extension in extensions.iter().filter(|extension| extension.critical) {
        let oid = extension.extn_id.to_string();
        if !KNOWN_EXTENSIONS.contains(&oid.as_str()) {
            return Err(CrlError::UnknownCriticalExtension(oid));
        }
    }
    Ok(())
}

fn authority(extensions: &[Extension]) -> Result<Option<Vec<u8>>, CrlError> {
    let mut of_authority = extensions.iter();
    let found = of_authority.find(|extension| extension.extn_id.to_string() == "2.5.29.35");
    let Some(found) = found else { return Ok(None) };
    let read = AuthorityKeyIdentifier::from_der(found.extn_value.as_bytes())?;
    Ok(read.key_identifier.map(|id| id.as_bytes().to_vec()))
}

/// A revocation list to be issued.
#[derive(Clone, Debug)]
pub struct CrlTemplate<'a> {
    /// Its number; each list has a higher one.
    pub number: u32,
    /// When it is issued; also the date of the revocations.
    pub this_update: Timestamp,
    /// When the next one is due.
    pub next_update: Timestamp,
    /// Serial numbers of the revoked certificates, content octets.
    pub revoked: &'a [Vec<u8>],
}

/// Issues a revocation list in DER.
///
/// # Errors
/// If the issuer's key does not sign.
pub fn issue_crl(
    template: &CrlTemplate<'_>,
    issuer: &Issuer,
    key: &dyn SigningKey,
) -> Result<Vec<u8>, IssueError> {
    let mut tbs = Writer::new();
    tbs.constructed(Tag::SEQUENCE, |out| {
        1i64.encode(out);
        ecdsa_with_sha256(out);
        out.raw(issuer.name_der());
        time(template.this_update, out);
        time(template.next_update, out);
        if !template.revoked.is_empty() {
            out.constructed(Tag::SEQUENCE, |out| {
                for serial in template.revoked {
                    out.constructed(Tag::SEQUENCE, |out| {
                        unsigned(serial, out);
                        time(template.this_update, out);
                    });
                }
            });
        }
        out.constructed(Tag::new(0xA0), |out| {
            out.constructed(Tag::SEQUENCE, |out| {
                extension(out, 35, false, |out| issuer.authority(out));
                extension(out, 20, false, |out| i64::from(template.number).encode(out));
            });
        });
    });
    signed_object(&tbs.into_bytes(), key)
}
