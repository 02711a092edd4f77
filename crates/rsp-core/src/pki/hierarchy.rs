//! A complete test hierarchy, shaped like that of SGP.26, variant O: who is in
//! it, and who issues whom.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_crypto::{CryptoError, Curve, Provider, PublicKey, Rng, SigningKey};

use super::{IssueError, Issuer, Name, ParsedCertificate, Role, Template, issue_under};
use crate::Timestamp;

/// What a hierarchy is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Curve of all but the TLS certificates, which are on P-256: TLS stacks
    /// have no brainpool.
    pub curve: Curve,
    /// organizationName of all certificates.
    pub organization: String,
    /// Host name of the SM-DP+.
    pub smdp_host: String,
    /// Host name of the SM-DS.
    pub smds_host: String,
    /// Host name of the eIM.
    pub eim_host: String,
    /// Host name of the northbound API.
    pub door_host: String,
    /// First eight digits of the EIDs of this EUM.
    pub eid_prefix: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}

/// Members of the hierarchy, by the name of their files.
pub mod member {
    /// Root of trust.
    pub const CI: &str = "ci";
    /// eUICC manufacturer.
    pub const EUM: &str = "eum";
    /// A test eUICC.
    pub const EUICC: &str = "euicc";
    /// SM-DP+, authentication.
    pub const DP_AUTH: &str = "dp_auth";
    /// SM-DP+, profile binding.
    pub const DP_PB: &str = "dp_pb";
    /// SM-DP+, TLS.
    pub const DP_TLS: &str = "dp_tls";
    /// SM-DS, authentication.
    pub const DS_AUTH: &str = "ds_auth";
    /// SM-DS, TLS.
    pub const DS_TLS: &str = "ds_tls";
    /// eIM, signing.
    pub const EIM_SIGN: &str = "eim_sign";
    /// eIM, TLS.
    pub const EIM_TLS: &str = "eim_tls";
    /// Root of what is not remote SIM provisioning: operators and the API.
    pub const PRIVATE_CA: &str = "private_ca";
    /// Operator at ES2+.
    pub const OPERATOR: &str = "operator";
    /// Northbound API, TLS.
    pub const DOOR: &str = "door";
}

/// A certificate that was issued, with its key.
#[derive(Debug)]
pub struct Issued<K> {
    /// Name in [`member`].
    pub member: &'static str,
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: K,
}

/// Example OIDs of the joint-iso-itu-t arc, as SGP.26 uses them.
const OID_CI: &str = "2.999.1";
const OID_EUM: &str = "2.999.5";
const OID_SMDP: &str = "2.999.10";
const OID_SMDS: &str = "2.999.15";
const OID_EIM: &str = "2.999.20";
const OID_OPERATOR: &str = "2.999.30";

impl Hierarchy {
    /// Issues all members.
    ///
    /// # Errors
    /// If a key cannot be made or does not sign.
    pub fn issue_all<K: SigningKey>(
        &self,
        mut make_key: impl FnMut(Curve) -> Result<K, CryptoError>,
        crypto: &dyn Provider,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Issued<K>>, IssueError> {
        let ci_role = Role::Ci {
            oid: OID_CI.to_string(),
        };
        let roots = [
            (member::CI, ci_role, self.name("Test CI", "")),
            (
                member::PRIVATE_CA,
                Role::PrivateCa,
                self.name("Private CA", ""),
            ),
        ];
        let mut issued = Vec::new();
        for (member, role, name) in roots.clone() {
            let key = make_key(self.curve_of(member))?;
            let template = self.template(role, name.clone(), key.public_key());
            let issuer = Issuer::new(&name, key.public_key(), crypto);
            let certificate = signed(template, &issuer, &key, crypto, rng)?;
            issued.push(Issued {
                member,
                certificate,
                key,
            });
        }
        for (member, role, subject) in self.members() {
            let private = matches!(member, member::OPERATOR | member::DOOR);
            let [ci, private_ca] = &roots;
            let (root, _, issuer) = if private { private_ca } else { ci };
            let key = make_key(self.curve_of(member))?;
            let template = self.template(role, subject, key.public_key());
            let issuer_key = issued.iter().find(|issued| issued.member == *root);
            let Some(issuer_key) = issuer_key.map(|issued| &issued.key) else {
                continue;
            };
            let issuer = Issuer::new(issuer, issuer_key.public_key(), crypto);
            let certificate = signed(template, &issuer, issuer_key, crypto, rng)?;
            issued.push(Issued {
                member,
                certificate,
                key,
            });
        }
        Ok(issued)
    }

    fn curve_of(&self, member: &str) -> Curve {
        match member {
            member::DP_TLS
            | member::DS_TLS
            | member::EIM_TLS
            | member::PRIVATE_CA
            | member::OPERATOR
            | member::DOOR => Curve::NistP256,
            _ => self.curve,
        }
    }

    /// All but the roots.
    fn members(&self) -> [(&'static str, Role, Name); 10] {
        let smdp = || OID_SMDP.to_string();
        let eum = Role::Eum {
            oid: OID_EUM.to_string(),
            eid_prefix: self.eid_prefix.clone(),
        };
        let dp_tls = Role::DpTls {
            oid: smdp(),
            dns_name: self.smdp_host.clone(),
        };
        let ds_auth = Role::DsAuth {
            oid: OID_SMDS.to_string(),
        };
        let ds_tls = Role::DsTls {
            oid: OID_SMDS.to_string(),
            dns_name: self.smds_host.clone(),
        };
        let eim_tls = Role::EimTls {
            oid: OID_EIM.to_string(),
            dns_name: self.eim_host.clone(),
        };
        let operator = Role::Operator {
            oid: OID_OPERATOR.to_string(),
        };
        let door = Role::TlsServer {
            dns_name: self.door_host.clone(),
        };
        let name = |common_name: &str| self.name(common_name, "");
        [
            (member::EUM, eum, name(EUM_NAME)),
            (
                member::DP_AUTH,
                Role::DpAuth { oid: smdp() },
                name("SM-DP+"),
            ),
            (member::DP_PB, Role::DpPb { oid: smdp() }, name("SM-DP+")),
            (member::DP_TLS, dp_tls, name(&self.smdp_host)),
            (member::DS_AUTH, ds_auth, name("SM-DS")),
            (member::DS_TLS, ds_tls, name(&self.smds_host)),
            (member::EIM_SIGN, Role::EimSign, name(&self.eim_host)),
            (member::EIM_TLS, eim_tls, name(&self.eim_host)),
            (member::OPERATOR, operator, name("Operator")),
            (member::DOOR, door, name(&self.door_host)),
        ]
    }

    fn name(&self, common_name: &str, serial_number: &str) -> Name {
        Name {
            country: String::new(),
            organization: self.organization.clone(),
            serial_number: serial_number.to_string(),
            common_name: common_name.to_string(),
        }
    }

    fn template<'a>(&self, role: Role, subject: Name, public_key: &'a PublicKey) -> Template<'a> {
        Template {
            role,
            subject,
            public_key,
            serial: &[],
            not_before: self.not_before,
            not_after: self.not_after,
        }
    }
}

const EUM_NAME: &str = "Test EUM";

/// An EUM that issues certificates of eUICCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eum {
    /// CERT.EUM.
    pub certificate: Certificate,
    /// First digits of the EIDs that it may issue.
    pub eid_prefix: String,
    /// Curve of its key: that of the eUICCs' keys.
    pub curve: Curve,
    issuer: Issuer,
    organization: String,
    validity: (Timestamp, Timestamp),
}

impl Eum {
    /// Takes CERT.EUM; what is issued has its organization and validity.
    ///
    /// # Errors
    /// If it is malformed or permits no EIDs.
    pub fn new(certificate: Certificate) -> Result<Self, IssueError> {
        let read = ParsedCertificate::parse(&certificate).map_err(IssueError::Issuer)?;
        let prefix = read.permitted.and_then(|permitted| permitted.eid_prefix);
        Ok(Eum {
            issuer: Issuer::of(&certificate)?,
            certificate,
            eid_prefix: prefix.ok_or(IssueError::NoEids)?,
            curve: read.public_key.curve(),
            organization: read.organization.unwrap_or_default(),
            validity: (read.not_before, read.not_after),
        })
    }

    /// CERT.EUICC for an EID.
    ///
    /// # Errors
    /// If the EUM's key does not sign.
    pub fn issue(
        &self,
        eid: Eid,
        key: &PublicKey,
        eum_key: &dyn SigningKey,
        crypto: &dyn Provider,
        rng: &mut dyn Rng,
    ) -> Result<Certificate, IssueError> {
        let subject = Name {
            organization: self.organization.clone(),
            serial_number: eid.to_string(),
            common_name: "Test eUICC".to_string(),
            ..Name::default()
        };
        let (not_before, not_after) = self.validity;
        let template = Template {
            role: Role::Euicc,
            subject,
            public_key: key,
            serial: &[],
            not_before,
            not_after,
        };
        signed(template, &self.issuer, eum_key, crypto, rng)
    }
}

/// Issues with a random serial number.
fn signed(
    template: Template<'_>,
    issuer: &Issuer,
    issuer_key: &dyn SigningKey,
    crypto: &dyn Provider,
    rng: &mut dyn Rng,
) -> Result<Certificate, IssueError> {
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    let template = Template {
        serial: &serial,
        ..template
    };
    issue_under(&template, issuer, issuer_key, crypto)
}
