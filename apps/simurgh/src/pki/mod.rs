//! `simurgh pki`: making, showing and verifying keys and certificates.

mod init;
mod issue;
mod material;
mod server_keys;
mod show;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use rsp_core::Timestamp;

pub(crate) use init::{Names, write_hierarchy};
pub(crate) use server_keys::ServerKeys;

use crate::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make a complete test hierarchy: CI, EUM, eUICC, SM-DP+, SM-DS, eIM, operator, API
    ///
    /// One PEM certificate and one PEM key (readable by you alone) per member.
    /// Shaped like the SGP.26 test certificates, with keys of your own: for
    /// tests and demonstrations, trusted by nobody else. What a server reads
    /// goes into one folder; the keys of issuers, operator and eUICC, which no
    /// server needs, into another.
    Init(init::PkiInit),
    /// Issue one more certificate from a CI or EUM
    ///
    /// Makes a key and a certificate. The issuer may be one of `pki init` or
    /// anybody's, as PEM or DER.
    Issue(issue::Issue),
    /// Explain a certificate, a revocation list or a key
    Show(show::Show),
    /// Verify a certificate and what is above it, by the rules of SGP.22
    ///
    /// Exit code 0: valid; 1: refused, with the rule; 2: it cannot be judged.
    Verify(verify::Verify),
}

impl PkiCommand {
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            PkiCommand::Init(init) => init.run().map(|()| ExitCode::SUCCESS),
            PkiCommand::Issue(issue) => issue.run().map(|()| ExitCode::SUCCESS),
            PkiCommand::Show(show) => show.run().map(|()| ExitCode::SUCCESS),
            PkiCommand::Verify(verify) => Ok(verify.run()),
        }
    }
}

/// A date, `2026-10-01` or `2026-10-01T12:00:00Z`, in UTC.
pub(crate) fn timestamp(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_rfc3339(text)
        .ok_or_else(|| "a date such as 2026-10-01 or 2026-10-01T12:00:00Z".to_string())
}
