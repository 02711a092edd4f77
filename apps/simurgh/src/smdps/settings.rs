//! `[[connectors]]`: SM-DP+s of others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleet::ledger::OWN;
use rsp_core::binding::Transport;
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor};
use rsp_crypto::software::{Sealer, SoftwareProvider};
use rsp_net::{Client, TlsIdentity};
use serde::Deserialize;
use store::BadTenant;

use super::Connector;
use crate::config::Config;
use crate::{Failure, files, key_file};

/// Octets of an answer that are taken: codes are short.
const MAX_ANSWER: usize = 64 << 10;

/// What `simurgh init` writes of it.
pub(crate) const EXAMPLE: &str = r#"
# SM-DP+s of others: activation codes are ordered there by ES2+, and asked about after
# a download failed. One section for each.
#[[connectors]]
# As `simurgh code order --smdp` calls it; "own" is the SM-DP+ of this server.
#name = "roaming"
# Whose pools order there: those of no other tenant than this one.
#tenant = "default"
# Where it takes orders; the paths of SGP.22 6.5.2 (/gsma/rsp2/es2plus/...) follow it.
#es2plus = "https://es2plus.example.com:8443"
# The address in its activation codes.
#address = "smdp.example.com"
# What this server calls itself there (functionRequesterIdentifier).
#identifier = "2.999.30"
# The client certificate that the SM-DP+ knows this server by, with those between it
# and its CA, and its private key (PEM).
#certificate = "roaming.pem"
#key = "roaming.key.pem"
# The certificate of its server, or of the CA that issued that [default: a certificate
# of an SM-DP+ under the CI].
#ca = "roaming_ca.pem"
# How long it may take to answer, 1 to 60.
#timeout_seconds = 20
# Whether it knows a repeated call by its functionCallIdentifier. With false an order
# whose answer was lost is not repeated: it waits for `simurgh code settle`.
#knows_repeated_calls = true
"#;

/// `[[connectors]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorSettings {
    /// As pools and orders call it.
    pub(crate) name: String,
    /// Whose pools order there; those of the default tenant if it is absent.
    tenant: Option<String>,
    /// `https://host[:port][/path]`.
    es2plus: String,
    /// As in its activation codes.
    address: String,
    /// `functionRequesterIdentifier`.
    identifier: String,
    certificate: PathBuf,
    key: PathBuf,
    ca: Option<PathBuf>,
    #[serde(default = "timeout_seconds")]
    timeout_seconds: u64,
    #[serde(default = "yes")]
    knows_repeated_calls: bool,
}

const fn timeout_seconds() -> u64 {
    20
}

const fn yes() -> bool {
    true
}

impl ConnectorSettings {
    /// Paths are relative to the folder of the configuration.
    pub(crate) fn in_folder(&mut self, folder: &Path) {
        for path in [&mut self.certificate, &mut self.key]
            .into_iter()
            .chain(&mut self.ca)
        {
            *path = folder.join(&*path);
        }
    }

    /// Reads what it names.
    ///
    /// # Errors
    /// Section, key and remedy.
    pub(super) fn start(
        &self,
        config: &Config,
        sealer: &Sealer,
        anchors: &[TrustAnchor],
    ) -> Result<Connector, Failure> {
        if self.name.is_empty() || self.name == OWN {
            let form = format!("give it a name, and not {OWN:?}: that is the one of this server");
            return Err(self.wrong("name", form));
        }
        if self.address.is_empty() || self.address.contains('$') {
            let form = "give the address in its activation codes: LPA:1$address$…";
            return Err(self.wrong("address", form));
        }
        let tenant = self.tenant.as_deref().map(str::parse).transpose();
        let tenant = tenant.map_err(|error: BadTenant| self.wrong("tenant", error))?;
        let (host, path) = self.place()?;
        let trust = match &self.ca {
            None => TlsTrust::RspServer(anchors.to_vec()),
            Some(file) => TlsTrust::Certificate(
                files::read_certificate(file)
                    .map_err(|error| self.wrong("ca", of_the_server(&error)))?,
            ),
        };
        Ok(Connector {
            name: self.name.clone(),
            tenant: tenant.unwrap_or_default(),
            address: self.address.clone(),
            identifier: self.identifier.clone(),
            knows_repeated: self.knows_repeated_calls,
            timeout: Duration::from_secs(self.timeout_seconds),
            path,
            client: self.client(config, sealer)?,
            server: ipa::Server {
                address: host,
                trust: Some(trust),
                transport: Transport::Https,
            },
        })
    }

    /// Host and the path before those of the functions.
    fn place(&self) -> Result<(String, String), Failure> {
        let form = "give https://host, with :port and /path if there are any, as the SM-DP+'s \
                    operator has it";
        let place = self.es2plus.strip_prefix("https://");
        let place = place.ok_or_else(|| self.wrong("es2plus", form))?;
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let reads = |character: char| character.is_ascii_graphic() && !"?#@".contains(character);
        if host.is_empty() || !place.chars().all(reads) {
            return Err(self.wrong("es2plus", form));
        }
        let path = path.trim_end_matches('/');
        let path = match path.is_empty() {
            true => String::new(),
            false => format!("/{path}"),
        };
        Ok((host.to_string(), path))
    }

    fn client(&self, config: &Config, sealer: &Sealer) -> Result<Client, Failure> {
        if !(1..=60).contains(&self.timeout_seconds) {
            return Err(self.wrong("timeout_seconds", "give 1 to 60"));
        }
        let remedy = "put the client certificate there that the SM-DP+'s operator issued for \
                      this server";
        let chain = files::read(&self.certificate);
        let chain = chain.map_err(|error| self.wrong("certificate", hint(&error, remedy)))?;
        let remedy = "put the private key of that certificate there: whoever asked the SM-DP+'s \
                      operator for the certificate has it";
        let key = key_file::read_private_key(&self.key, sealer);
        let key = key.map_err(|error| self.wrong("key", hint(&error, remedy)))?;
        let identity = TlsIdentity::from_pem(&chain, &key)
            .map_err(|error| self.wrong("certificate and key", self.unusable(&error)))?;
        let timeout = Duration::from_secs(self.timeout_seconds);
        let mut client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .max_body(MAX_ANSWER)
            .client_identity(identity);
        for (name, address) in &config.resolve {
            client = client.resolve(name, *address);
        }
        let client = client.build(Arc::new(SoftwareProvider));
        client.map_err(|error| self.wrong("certificate and key", self.unusable(&error)))
    }

    fn unusable(&self, error: &dyn std::fmt::Display) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        hint(&error, &format!("see {certificate} and {key}"))
    }

    fn wrong(&self, key: &str, what: impl std::fmt::Display) -> Failure {
        Failure::new(format!("[[connectors]] {} {key}", self.name), what)
    }
}

fn of_the_server(error: &Failure) -> String {
    let remedy = "put the certificate of the SM-DP+'s server there, or of the CA that issued it, \
                  or remove the line if it has one under the CI";
    hint(error, remedy)
}

fn hint(error: &dyn std::fmt::Display, remedy: &str) -> String {
    format!("{error}: {remedy}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn settings(text: &str) -> ConnectorSettings {
        #[derive(Deserialize)]
        struct All {
            connectors: Vec<ConnectorSettings>,
        }
        let mut all: All = toml::from_str(text).unwrap();
        all.connectors.remove(0)
    }

    /// The example without its comment signs.
    fn example() -> String {
        let lines = EXAMPLE.lines().filter(|line| !line.starts_with("# "));
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('#')).collect();
        lines.join("\n")
    }

    #[test]
    fn the_example_is_read() {
        let read = settings(&example());
        assert_eq!(read.name, "roaming");
        let (host, path) = read.place().unwrap();
        assert_eq!(
            (host.as_str(), path.as_str()),
            ("es2plus.example.com:8443", "")
        );
    }

    #[test]
    fn a_place_is_https_and_may_have_a_path() {
        let place = |text: &str| {
            let read = example().replace("https://es2plus.example.com:8443", text);
            settings(&read).place()
        };
        let (host, path) = place("https://es2.example.com/orders/").unwrap();
        assert_eq!(
            (host.as_str(), path.as_str()),
            ("es2.example.com", "/orders")
        );
        for wrong in [
            "http://es2.example.com",
            "es2.example.com",
            "https://",
            "https://a/?b",
        ] {
            let said = place(wrong).unwrap_err().to_string();
            assert!(said.contains("[[connectors]] roaming es2plus"), "{said}");
        }
    }
}
