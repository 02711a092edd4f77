//! `simurgh pki issue`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::pki::{Issuer, Name, ParsedCertificate, Role, Template, issue_under};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Rng, SigningKey};

use super::init::warn_of_plain;
use super::{material, timestamp};
use crate::{Failure, files, key_file, shell};

/// Issue one more certificate.
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// What the certificate is for
    role: RoleName,
    /// Certificate of the issuer: a CI, or the EUM for an eUICC
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,
    /// Key of the issuer
    #[arg(long, value_name = "FILE")]
    issuer_key: PathBuf,
    /// The key file that the issuer's key is sealed with; the new key is sealed
    /// with it, too
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Write the new key in plain PEM all the same, for programs that know no
    /// other
    #[arg(long, requires = "key_file")]
    plain: bool,
    /// Certificate to write; its key goes beside it as `.key.pem`
    #[arg(long, value_name = "FILE.pem")]
    out: PathBuf,
    /// commonName [default: the DNS name, or the role]
    #[arg(long)]
    name: Option<String>,
    /// organizationName [default: the issuer's]
    #[arg(long)]
    organization: Option<String>,
    /// Host name, for the TLS roles
    #[arg(long, value_name = "HOST")]
    dns: Option<String>,
    /// EID, for an eUICC
    #[arg(long)]
    eid: Option<Eid>,
    /// First digits of the EIDs, for an EUM
    #[arg(long, value_name = "DIGITS")]
    eid_prefix: Option<String>,
    /// Registered identifier of EUM, SM-DP+, SM-DS or eIM, or of an operator
    #[arg(long)]
    oid: Option<String>,
    /// Days of validity, at most until the issuer's end
    #[arg(long, default_value_t = 3650)]
    days: u32,
    /// Start of validity [default: now]
    #[arg(long, value_parser = timestamp, value_name = "DATE")]
    from: Option<Timestamp>,
}

/// Roles that a certificate can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Eum,
    Euicc,
    DpAuth,
    DpPb,
    DpTls,
    DsAuth,
    DsTls,
    EimSign,
    EimTls,
    Operator,
}

impl Issue {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let issuer_certificate = material::certificate(&self.issuer)?;
        let sealer = self.key_file.as_deref().map(key_file::read).transpose()?;
        let key = material::key(&self.issuer_key, sealer.as_ref())?;
        let read = ParsedCertificate::parse(&issuer_certificate)
            .map_err(|error| Failure::new(self.issuer.display(), error))?;
        if read.public_key != *SigningKey::public_key(&key) {
            let file = self.issuer_key.display();
            return Err(Failure::new(file, "is not the key of the issuer"));
        }
        if !read.is_ca || !read.may_sign_certificates {
            return Err(Failure::new(self.issuer.display(), "may not issue"));
        }
        let (mut rng, mut serial) = (shell::random()?, [0; 16]);
        rng.fill(&mut serial);
        let own = SoftwareKey::generate(self.curve(&read), &mut rng)
            .map_err(|error| Failure::new("cannot make a key", error))?;
        let not_before = self.from.unwrap_or_else(shell::now).max(read.not_before);
        let days = Duration::from_secs(u64::from(self.days) * 86_400);
        let template = Template {
            role: self.role(&read)?,
            subject: self.subject(&read),
            public_key: SigningKey::public_key(&own),
            serial: &serial,
            not_before,
            not_after: not_before.after(days).min(read.not_after),
        };
        let failed = |error| Failure::new("cannot issue", error);
        let issuer = Issuer::of(&issuer_certificate).map_err(failed)?;
        let issued = issue_under(&template, &issuer, &key, &SoftwareProvider).map_err(failed)?;
        let key_path = self.out.with_extension("key.pem");
        match sealer.filter(|_| !self.plain) {
            Some(sealer) => key_file::write_sealed(&key_path, &own, &sealer)?,
            None => {
                warn_of_plain(&key_path);
                files::write_key(&key_path, &own)?;
            }
        }
        files::write_certificate(&self.out, &issued)?;
        outln!("wrote {}", self.out.display());
        Ok(())
    }

    /// The issuer's curve; TLS is on P-256.
    fn curve(&self, issuer: &ParsedCertificate) -> Curve {
        match self.role {
            RoleName::DpTls | RoleName::DsTls | RoleName::EimTls | RoleName::Operator => {
                Curve::NistP256
            }
            _ => issuer.public_key.curve(),
        }
    }

    fn role(&self, issuer: &ParsedCertificate) -> Result<Role, Failure> {
        let oid = || needed(&self.oid, "--oid");
        let dns_name = || needed(&self.dns, "--dns");
        Ok(match self.role {
            RoleName::Eum => Role::Eum {
                oid: oid()?,
                eid_prefix: needed(&self.eid_prefix, "--eid-prefix")?,
            },
            RoleName::Euicc => {
                self.check_range(issuer)?;
                Role::Euicc
            }
            RoleName::DpAuth => Role::DpAuth { oid: oid()? },
            RoleName::DpPb => Role::DpPb { oid: oid()? },
            RoleName::DpTls => Role::DpTls {
                oid: oid()?,
                dns_name: dns_name()?,
            },
            RoleName::DsAuth => Role::DsAuth { oid: oid()? },
            RoleName::DsTls => Role::DsTls {
                oid: oid()?,
                dns_name: dns_name()?,
            },
            RoleName::EimSign => Role::EimSign,
            RoleName::EimTls => Role::EimTls {
                oid: oid()?,
                dns_name: dns_name()?,
            },
            RoleName::Operator => Role::Operator {
                oid: self.oid.clone().unwrap_or_default(),
            },
        })
    }

    /// An EUM issues within its constraints; nobody else issues eUICCs.
    fn check_range(&self, issuer: &ParsedCertificate) -> Result<(), Failure> {
        let eid = self.eid.ok_or_else(|| missing("--eid"))?.to_string();
        let permitted = issuer.permitted.as_ref();
        let prefix = permitted.and_then(|permitted| permitted.eid_prefix.as_ref());
        match prefix.is_some_and(|prefix| eid.starts_with(prefix.as_str())) {
            true => Ok(()),
            false => Err(Failure::new(
                self.issuer.display(),
                format!("may not issue the EID {eid}"),
            )),
        }
    }

    fn subject(&self, issuer: &ParsedCertificate) -> Name {
        let organization = self.organization.clone();
        let inherited = || issuer.organization.clone().unwrap_or_default();
        let role = self.role.to_possible_value();
        let role = role.map(|role| role.get_name().to_string());
        let common_name = self.name.clone().or_else(|| self.dns.clone()).or(role);
        Name {
            country: String::new(),
            organization: organization.unwrap_or_else(inherited),
            serial_number: match self.role {
                RoleName::Euicc => self.eid.map(|eid| eid.to_string()).unwrap_or_default(),
                _ => String::new(),
            },
            common_name: common_name.unwrap_or_default(),
        }
    }
}

fn needed(option: &Option<String>, name: &str) -> Result<String, Failure> {
    option.clone().ok_or_else(|| missing(name))
}

fn missing(option: &str) -> Failure {
    Failure::new("this role", format!("needs {option}"))
}
