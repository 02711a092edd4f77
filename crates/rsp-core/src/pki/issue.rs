//! Issuing certificates shaped like those of SGP.26, variant O.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::{Asn1, BitString, Certificate, DecodeError, InvalidOid, Oid, Tag, Writer};
use rsp_crypto::{CryptoError, Provider, PublicKey, SigningKey};

use super::{CertificateError, ParsedCertificate, policy};
use crate::Timestamp;

/// Why a certificate cannot be issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A registered identifier that is no OID.
    #[error("{0}")]
    Oid(#[from] InvalidOid),
    /// The key did not sign.
    #[error("{0}")]
    Key(#[from] CryptoError),
    /// The issuer's certificate cannot be read.
    #[error("issuer: {0}")]
    Issuer(CertificateError),
    /// The issuer's certificate has no SubjectKeyIdentifier.
    #[error("the issuer's certificate has no key identifier")]
    NoKeyIdentifier,
    /// The issuer may issue no EIDs.
    #[error("the EUM certificate permits no EIDs")]
    NoEids,
    /// The result does not decode.
    #[error("{0}")]
    Decode(#[from] DecodeError),
}

/// A distinguished name; what is empty is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// countryName, two letters.
    pub country: String,
    /// organizationName.
    pub organization: String,
    /// serialNumber.
    pub serial_number: String,
    /// commonName.
    pub common_name: String,
}

/// What the certificate is for: it decides policies, usages and constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Root of trust.
    Ci {
        /// registeredID.
        oid: String,
    },
    /// eUICC manufacturer.
    Eum {
        /// registeredID.
        oid: String,
        /// First digits of the EIDs it may issue.
        eid_prefix: String,
    },
    /// eUICC; the EID is the serialNumber of the subject.
    Euicc,
    /// SM-DP+, authentication.
    DpAuth {
        /// registeredID.
        oid: String,
    },
    /// SM-DP+, profile binding.
    DpPb {
        /// registeredID, the same as in CERT.DPauth.
        oid: String,
    },
    /// SM-DS, authentication.
    DsAuth {
        /// registeredID.
        oid: String,
    },
    /// SM-DS, TLS.
    DsTls {
        /// registeredID.
        oid: String,
        /// dNSName.
        dns_name: String,
    },
    /// SM-DP+, TLS.
    DpTls {
        /// registeredID.
        oid: String,
        /// dNSName.
        dns_name: String,
    },
    /// eIM, signing of eUICC Packages.
    EimSign,
    /// eIM, TLS.
    EimTls {
        /// registeredID.
        oid: String,
        /// dNSName.
        dns_name: String,
    },
    /// A CA outside remote SIM provisioning.
    PrivateCa,
    /// TLS server certificate under such a CA.
    TlsServer {
        /// dNSName.
        dns_name: String,
    },
    /// TLS client certificate of an operator (ES2+).
    Operator {
        /// registeredID: its functionRequesterIdentifier; empty is none.
        oid: String,
    },
}

/// One certificate to be issued.
#[derive(Debug)]
pub struct Template<'a> {
    /// Role of the subject.
    pub role: Role,
    /// Subject.
    pub subject: Name,
    /// Its key.
    pub public_key: &'a PublicKey,
    /// Serial number, at most 20 octets.
    pub serial: &'a [u8],
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}

/// Key identifier of a key: the first 160 bits of the SHA-256 of the point
/// (RFC 7093, method 1).
pub fn key_identifier(key: &PublicKey, crypto: &dyn Provider) -> Vec<u8> {
    let hash = crypto.sha256(&[key.as_sec1()]);
    hash.into_iter().take(20).collect()
}

/// Who issues: name and key identifier as they stand in its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    name: Vec<u8>,
    key_identifier: Vec<u8>,
}

impl Issuer {
    /// The issuer that this certificate is of, also if somebody else made it.
    ///
    /// # Errors
    /// If it cannot be read or has no SubjectKeyIdentifier.
    pub fn of(certificate: &Certificate) -> Result<Issuer, IssueError> {
        let parsed = ParsedCertificate::parse(certificate).map_err(IssueError::Issuer)?;
        let key_identifier = parsed.subject_key_identifier;
        Ok(Issuer {
            name: parsed.subject_der,
            key_identifier: key_identifier.ok_or(IssueError::NoKeyIdentifier)?,
        })
    }

    /// An issuer of this name and key, as [`issue`] makes its certificate.
    pub fn new(name: &Name, key: &PublicKey, crypto: &dyn Provider) -> Issuer {
        let mut out = Writer::new();
        self::name(name, &mut out);
        Issuer {
            name: out.into_bytes(),
            key_identifier: key_identifier(key, crypto),
        }
    }

    /// Its name in DER.
    pub(super) fn name_der(&self) -> &[u8] {
        &self.name
    }

    /// Value of AuthorityKeyIdentifier in what it issues.
    pub(super) fn authority(&self, out: &mut Writer) {
        out.constructed(Tag::SEQUENCE, |out| {
            out.primitive(Tag::new(0x80), &self.key_identifier);
        });
    }
}

/// Issues a certificate; for a CI, `issuer` is its own name and key.
///
/// # Errors
/// If an OID is malformed or the issuer's key does not sign.
pub fn issue(
    template: &Template<'_>,
    issuer: &Name,
    issuer_key: &dyn SigningKey,
    crypto: &dyn Provider,
) -> Result<Certificate, IssueError> {
    let issuer = Issuer::new(issuer, issuer_key.public_key(), crypto);
    issue_under(template, &issuer, issuer_key, crypto)
}

/// Issues a certificate under an issuer whose certificate exists.
///
/// # Errors
/// If an OID is malformed or the issuer's key does not sign.
pub fn issue_under(
    template: &Template<'_>,
    issuer: &Issuer,
    issuer_key: &dyn SigningKey,
    crypto: &dyn Provider,
) -> Result<Certificate, IssueError> {
    let extensions = extensions(template, issuer, crypto)?;
    let mut tbs = Writer::new();
    tbs.constructed(Tag::SEQUENCE, |out| {
        out.constructed(Tag::new(0xA0), |out| 2i64.encode(out));
        unsigned(template.serial, out);
        ecdsa_with_sha256(out);
        out.raw(issuer.name_der());
        out.constructed(Tag::SEQUENCE, |out| {
            time(template.not_before, out);
            time(template.not_after, out);
        });
        name(&template.subject, out);
        out.raw(&template.public_key.to_spki_der());
        out.constructed(Tag::new(0xA3), |out| {
            out.constructed(Tag::SEQUENCE, |out| out.raw(&extensions));
        });
    });
    let certificate = signed_object(&tbs.into_bytes(), issuer_key)?;
    Ok(Certificate::from_bytes(&certificate)?)
}

/// What is to be signed, the algorithm and the signature in one SEQUENCE.
pub(super) fn signed_object(tbs: &[u8], key: &dyn SigningKey) -> Result<Vec<u8>, IssueError> {
    let signature = key.sign(&[tbs])?.to_der();
    let mut object = Writer::new();
    object.constructed(Tag::SEQUENCE, |out| {
        out.raw(tbs);
        ecdsa_with_sha256(out);
        out.header(Tag::BIT_STRING, signature.len() + 1);
        out.raw(&[0]);
        out.raw(&signature);
    });
    Ok(object.into_bytes())
}

/// INTEGER from octets without sign.
pub(super) fn unsigned(octets: &[u8], out: &mut Writer) {
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    let octets = octets.get(skip..).unwrap_or_default();
    let pad = octets.first().is_none_or(|first| first & 0x80 != 0);
    out.header(Tag::INTEGER, octets.len() + usize::from(pad));
    if pad {
        out.raw(&[0]);
    }
    out.raw(octets);
}

pub(super) fn ecdsa_with_sha256(out: &mut Writer) {
    const ECDSA_WITH_SHA256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    out.constructed(Tag::SEQUENCE, |out| {
        out.primitive(Tag::OBJECT_IDENTIFIER, &ECDSA_WITH_SHA256);
    });
}

const PRINTABLE_STRING: Tag = Tag::new(0x13);
const SET: Tag = Tag::new(0x31);

fn name(name: &Name, out: &mut Writer) {
    out.constructed(Tag::SEQUENCE, |out| {
        attribute(&[0x55, 4, 6], PRINTABLE_STRING, &name.country, out);
        attribute(&[0x55, 4, 10], Tag::UTF8_STRING, &name.organization, out);
        attribute(&[0x55, 4, 5], PRINTABLE_STRING, &name.serial_number, out);
        attribute(&[0x55, 4, 3], Tag::UTF8_STRING, &name.common_name, out);
    });
}

fn attribute(oid: &[u8], tag: Tag, value: &str, out: &mut Writer) {
    if value.is_empty() {
        return;
    }
    out.constructed(SET, |out| {
        out.constructed(Tag::SEQUENCE, |out| {
            out.primitive(Tag::OBJECT_IDENTIFIER, oid);
            out.primitive(tag, value.as_bytes());
        });
    });
}

/// UTCTime until 2049, GeneralizedTime after it (RFC 5280 4.1.2.5).
pub(super) fn time(time: Timestamp, out: &mut Writer) {
    let (year, month, day, hour, minute, second) = time.to_utc();
    let rest = alloc::format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        let text = alloc::format!("{:02}{rest}", year % 100);
        out.primitive(Tag::new(0x17), text.as_bytes());
    } else {
        out.primitive(Tag::new(0x18), alloc::format!("{year:04}{rest}").as_bytes());
    }
}

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

const DIGITAL_SIGNATURE: u8 = 0;
const KEY_CERT_SIGN: u8 = 5;
const CRL_SIGN: u8 = 6;

/// What a role has in its extensions.
struct Profile<'a> {
    policy: Option<(&'static str, bool)>,
    key_usage: &'a [u8],
    tls: &'a [&'a str],
    registered_id: Option<&'a str>,
    dns_name: Option<&'a str>,
    /// CA, with or without a path length.
    ca: Option<Option<i64>>,
}

/// A leaf that signs data.
const LEAF: Profile<'static> = Profile {
    policy: None,
    key_usage: &[DIGITAL_SIGNATURE],
    tls: &[],
    registered_id: None,
    dns_name: None,
    ca: None,
};

fn profile(role: &Role) -> Profile<'_> {
    match role {
        Role::Ci { oid } => Profile {
            policy: Some((policy::CI, true)),
            key_usage: &[KEY_CERT_SIGN, CRL_SIGN],
            registered_id: Some(oid),
            ca: Some(None),
            ..LEAF
        },
        Role::Eum { oid, .. } => Profile {
            policy: Some((policy::EUM, true)),
            key_usage: &[KEY_CERT_SIGN],
            registered_id: Some(oid),
            ca: Some(Some(0)),
            ..LEAF
        },
        Role::PrivateCa => Profile {
            key_usage: &[KEY_CERT_SIGN, CRL_SIGN],
            ca: Some(Some(0)),
            ..LEAF
        },
        role => leaf(role),
    }
}

fn leaf(role: &Role) -> Profile<'_> {
    let critical = |policy| Profile {
        policy: Some((policy, true)),
        ..LEAF
    };
    let tls = |usages, dns_name| Profile {
        tls: usages,
        dns_name,
        ..LEAF
    };
    let both = &[SERVER_AUTH, CLIENT_AUTH];
    match role {
        Role::Euicc => critical(policy::EUICC),
        Role::DpAuth { oid } => Profile {
            registered_id: Some(oid),
            ..critical(policy::DP_AUTH)
        },
        Role::DpPb { oid } => Profile {
            registered_id: Some(oid),
            ..critical(policy::DP_PB)
        },
        Role::DsAuth { oid } => Profile {
            registered_id: Some(oid),
            ..critical(policy::DS_AUTH)
        },
        Role::DsTls { oid, dns_name } => Profile {
            policy: Some((policy::DS_TLS, false)),
            registered_id: Some(oid),
            ..tls(both, Some(dns_name))
        },
        Role::DpTls { oid, dns_name } => Profile {
            policy: Some((policy::DP_TLS, false)),
            registered_id: Some(oid),
            ..tls(both, Some(dns_name))
        },
        Role::EimTls { oid, dns_name } => Profile {
            registered_id: Some(oid),
            ..tls(both, Some(dns_name))
        },
        Role::TlsServer { dns_name } => tls(&[SERVER_AUTH], Some(dns_name)),
        Role::Operator { oid } => Profile {
            registered_id: Some(oid.as_str()).filter(|oid| !oid.is_empty()),
            ..tls(&[CLIENT_AUTH], None)
        },
        Role::EimSign | Role::Ci { .. } | Role::Eum { .. } | Role::PrivateCa => LEAF,
    }
}

fn extensions(
    template: &Template<'_>,
    issuer: &Issuer,
    crypto: &dyn Provider,
) -> Result<Vec<u8>, IssueError> {
    let profile = profile(&template.role);
    let mut out = Writer::new();
    let id = key_identifier(template.public_key, crypto);
    if id != issuer.key_identifier {
        extension(&mut out, 35, false, |out| issuer.authority(out));
    }
    extension(&mut out, 14, false, |out| id.encode(out));
    let usage = BitString::of(profile.key_usage);
    extension(&mut out, 15, true, |out| usage.encode(out));
    if let Some((policy, critical)) = profile.policy {
        let policy: Oid = policy.parse()?;
        extension(&mut out, 32, critical, |out| {
            out.constructed(Tag::SEQUENCE, |out| {
                out.constructed(Tag::SEQUENCE, |out| policy.encode(out));
            });
        });
    }
    if !profile.tls.is_empty() {
        let usages: Result<Vec<Oid>, _> = profile.tls.iter().map(|oid| oid.parse()).collect();
        let usages = usages?;
        extension(&mut out, 37, true, |out| usages.encode(out));
    }
    alternative_names(&profile, &mut out)?;
    if let Some(path_len) = profile.ca {
        extension(&mut out, 19, true, |out| {
            out.constructed(Tag::SEQUENCE, |out| {
                true.encode(out);
                if let Some(length) = path_len {
                    length.encode(out);
                }
            });
        });
    }
    if let Role::Eum { eid_prefix, .. } = &template.role {
        extension(&mut out, 30, true, |out| {
            name_constraints(&template.subject.organization, eid_prefix, out);
        });
    }
    Ok(out.into_bytes())
}

fn alternative_names(profile: &Profile<'_>, out: &mut Writer) -> Result<(), IssueError> {
    let oid = profile.registered_id.map(str::parse::<Oid>).transpose()?;
    if oid.is_none() && profile.dns_name.is_none() {
        return Ok(());
    }
    extension(out, 17, false, |out| {
        out.constructed(Tag::SEQUENCE, |out| {
            if let Some(name) = profile.dns_name {
                out.primitive(Tag::new(0x82), name.to_string().as_bytes());
            }
            if let Some(oid) = &oid {
                out.primitive(Tag::new(0x88), oid.as_bytes());
            }
        });
    });
    Ok(())
}

/// Permitted subtree: directoryName of organization and EID prefix.
fn name_constraints(organization: &str, eid_prefix: &str, out: &mut Writer) {
    let base = Name {
        organization: organization.into(),
        serial_number: eid_prefix.into(),
        ..Name::default()
    };
    out.constructed(Tag::SEQUENCE, |out| {
        out.constructed(Tag::new(0xA0), |out| {
            out.constructed(Tag::SEQUENCE, |out| {
                out.constructed(Tag::new(0xA4), |out| name(&base, out));
            });
        });
    });
}

/// One extension of the arc id-ce (2.5.29).
pub(super) fn extension(
    out: &mut Writer,
    arc: u8,
    critical: bool,
    value: impl FnOnce(&mut Writer),
) {
    let mut inner = Writer::new();
    value(&mut inner);
    out.constructed(Tag::SEQUENCE, |out| {
        out.primitive(Tag::OBJECT_IDENTIFIER, &[0x55, 0x1D, arc]);
        if critical {
            true.encode(out);
        }
        out.primitive(Tag::OCTET_STRING, &inner.into_bytes());
    });
}
