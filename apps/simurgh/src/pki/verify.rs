//! `simurgh pki verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rsp_core::Timestamp;
use rsp_core::pki::{
    ChainError, ParsedCertificate, TlsTrust, TrustAnchor, policy, verify_euicc_chain, verify_eum,
    verify_issued, verify_tls_server, verify_under,
};
use rsp_crypto::software::SoftwareProvider;

use super::{material, timestamp};
use crate::{Failure, shell};

/// Verify a certificate and what is above it.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The certificate: of an eUICC, an EUM, an SM-DP+, an SM-DS or an eIM
    certificate: PathBuf,
    /// Certificate of the CI
    #[arg(long, value_name = "FILE")]
    ci: PathBuf,
    /// Certificate of the EUM, for an eUICC
    #[arg(long, value_name = "FILE")]
    eum: Option<PathBuf>,
    /// Revocation list of the CI
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
    /// Host name that a TLS certificate must be for
    #[arg(long, value_name = "HOST")]
    name: Option<String>,
    /// The date to judge at [default: now]
    #[arg(long, value_parser = timestamp, value_name = "DATE")]
    at: Option<Timestamp>,
}

/// How verification ends without a yes.
enum No {
    /// A rule does not hold.
    Refused(String),
    /// There is nothing to judge.
    Unclear(Failure),
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        No::Unclear(failure)
    }
}

impl From<ChainError> for No {
    fn from(error: ChainError) -> Self {
        No::Refused(error.to_string())
    }
}

impl Verify {
    pub(crate) fn run(&self) -> ExitCode {
        let at = self.at.unwrap_or_else(shell::now);
        match self.verify(at) {
            Ok(role) => {
                outln!("valid at {at}: {role}");
                ExitCode::SUCCESS
            }
            Err(No::Refused(rule)) => {
                outln!("refused at {at}: {rule}");
                ExitCode::from(1)
            }
            Err(No::Unclear(failure)) => {
                eprintln!("simurgh: {failure}");
                ExitCode::from(2)
            }
        }
    }

    /// Gives the role that the certificate is valid for.
    fn verify(&self, at: Timestamp) -> Result<String, No> {
        let certificate = material::certificate(&self.certificate)?;
        let crypto = &SoftwareProvider;
        let ci = material::certificate(&self.ci)?;
        let mut anchor = TrustAnchor::new(&ci, crypto)?;
        if let Some(file) = &self.crl {
            let crl = material::crl(file)?;
            anchor
                .set_crl(&crl, at, crypto)
                .map_err(|error| No::Refused(error.to_string()))?;
        }
        let anchors = [anchor];
        let read = ParsedCertificate::parse(&certificate)
            .map_err(|error| Failure::new(self.certificate.display(), error))?;
        if let Some(eum) = &self.eum {
            let eum = material::certificate(eum)?;
            let euicc = verify_euicc_chain(&eum, &certificate, &anchors, at, crypto)?;
            return Ok(format!("eUICC with the EID {}", euicc.eid));
        }
        if read.has_policy(policy::EUM) {
            verify_eum(&certificate, &anchors, at, crypto)?;
            return Ok("EUM".to_string());
        }
        if read.has_policy(policy::EUICC) {
            let file = self.certificate.display();
            let why = Failure::new(file, "is of an eUICC and needs --eum");
            return Err(No::Unclear(why));
        }
        let role = ROLES.iter().find(|(policy, _)| read.has_policy(policy));
        let role = match role {
            Some((policy, role)) => {
                verify_under(&certificate, policy, &anchors, at, crypto)?;
                role
            }
            None => {
                verify_issued(&certificate, &anchors, at, crypto)?;
                "issued by the CI, without a role of SGP.22 (an eIM, for example)"
            }
        };
        if let Some(name) = &self.name {
            let trust = TlsTrust::Certificate(ci);
            verify_tls_server(&certificate, name, &trust, at, crypto)?;
        }
        Ok(role.to_string())
    }
}

const ROLES: [(&str, &str); 5] = [
    (policy::DP_AUTH, "SM-DP+, authentication"),
    (policy::DP_PB, "SM-DP+, profile binding"),
    (policy::DP_TLS, "SM-DP+, TLS"),
    (policy::DS_AUTH, "SM-DS, authentication"),
    (policy::DS_TLS, "SM-DS, TLS"),
];
