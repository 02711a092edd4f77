//! Options that all suites have, and the files that they name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lab::conform::Selection;
use lab::conform::euicc::Authority;
use rsp_core::pki::certificate_from_pem;
use rsp_crypto::software::SoftwareKey;

use crate::Failure;

/// What to run and what to write.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Run only this case; `*` at the end stands for any rest. May be repeated
    #[arg(long, value_name = "ID", num_args = 1..)]
    case: Vec<String>,
    /// Print the cases and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Write the report as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Seconds to wait for one answer of the subject
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
}

impl Common {
    pub(crate) fn selection(&self) -> Selection {
        Selection(self.case.clone())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.max(1))
    }
}

/// A CI's certificate in PEM, and its key if it is in the same file.
pub(crate) fn authority(file: &Path) -> Result<Authority, Failure> {
    let text = read(file)?;
    let certificate = certificate_from_pem(&text)
        .ok_or_else(|| format!("{} holds no certificate in PEM", file.display()))?;
    let key = match text.contains("PRIVATE KEY") {
        true => Some(key(&text, file)?),
        false => None,
    };
    Ok(Authority { certificate, key })
}

/// The private key in a text that may hold other things, too.
pub(crate) fn key(text: &str, file: &Path) -> Result<SoftwareKey, Failure> {
    let missing = || format!("{} holds no private key in PKCS #8", file.display());
    let begin = text.find("-----BEGIN PRIVATE KEY").ok_or_else(missing)?;
    let pem = text.get(begin..).unwrap_or_default();
    Ok(SoftwareKey::from_pkcs8_pem(pem).map_err(|error| format!("{}: {error}", file.display()))?)
}

pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// `NAME=ADDRESS:PORT`.
pub(crate) fn resolved(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("NAME=ADDRESS:PORT is wanted")?;
    let parsed = address.parse();
    let address = parsed.map_err(|error| format!("{address}: {error}"))?;
    Ok((name.to_string(), address))
}
