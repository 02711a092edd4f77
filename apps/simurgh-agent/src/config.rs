//! agent.toml.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rsp_asn1::sgp32::{AddInitialEimRequest, EimConfigurationData};
use rsp_asn1::{Asn1, Certificate};
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::ipa::{self, DEFAULT_BLOCK_SIZE, Emulation, IpaFeatures, Retry};
use rsp_core::pki::{TrustAnchor, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{OsRng, Rng};
use serde::Deserialize;

use crate::Failure;
use crate::device::Device;
use crate::listen::Listen;
use crate::transport::Esipa;

/// The configuration file. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Name or place of the reader.
    pub(crate) reader: Option<String>,
    /// Files with the certificates of CIs.
    #[serde(default)]
    pub(crate) ci_certificates: Vec<PathBuf>,
    /// File of what must be remembered.
    #[serde(default = "beside")]
    pub(crate) state: PathBuf,
    /// Seconds between two polls.
    #[serde(default = "an_hour")]
    pub(crate) poll_interval: u64,
    /// Seconds that a server may take to answer.
    #[serde(default = "half_a_minute")]
    pub(crate) timeout: u64,
    /// Repetitions of a request.
    #[serde(default = "three_times")]
    pub(crate) retries: u32,
    /// Seconds that an eIM is tried over a new profile that may be taken back.
    #[serde(default = "five_minutes")]
    pub(crate) rollback_after: u64,
    /// Octets in one STORE DATA.
    #[serde(default = "whole_blocks")]
    block_size: u8,
    /// How messages to eIMs are written.
    #[serde(default)]
    pub(crate) esipa_binding: Binding,
    /// Which ways a profile may come.
    #[serde(default)]
    pub(crate) download: Download,
    /// Whether what the eIM knows is left out of messages to it.
    #[serde(default)]
    minimize_esipa_bytes: bool,
    /// Path of ESipa instead of the standard's.
    esipa_path: Option<String>,
    /// Content-Type at ESipa instead of the standard's.
    esipa_content_type: Option<String>,
    /// X-Admin-Protocol instead of the usual one.
    admin_protocol: Option<String>,
    /// What carries ESipa, the best first.
    #[serde(default)]
    pub(crate) esipa: Esipa,
    /// Where the eIM may bring packages.
    pub(crate) listen: Option<Listen>,
    /// Only necessary commands to the card.
    #[serde(default)]
    minimal: bool,
    /// What may be done about the eUICC.
    #[serde(default)]
    pub(crate) card: Card,
    /// What the device says of itself.
    device: Device,
    /// Addresses of names that the name service does not know, or not so.
    #[serde(default)]
    pub(crate) resolve: BTreeMap<String, SocketAddr>,
}

/// A binding of ESipa.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Binding {
    /// DER.
    #[default]
    Asn1,
    /// JSON.
    Json,
}

/// Which ways a profile may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Download {
    /// From the SM-DP+.
    #[default]
    Direct,
    /// Through the eIM.
    Indirect,
    /// As the eUICC's configuration of the eIM says.
    Both,
}

/// `[card]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Card {
    /// Whether the agent may stand in for the eUICC.
    pub(crate) emulate: Emulate,
    /// Configurations of the first eIMs, if it does.
    eims: Vec<PathBuf>,
}

/// Whether the agent may stand in for an eUICC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Emulate {
    /// An eUICC that needs it is an error.
    #[default]
    Never,
    /// For an eUICC that has no functions for an eIM.
    WhenNeeded,
}

impl Card {
    /// As the IPA is told.
    fn emulation(&self) -> Result<Option<Emulation>, Failure> {
        if self.emulate == Emulate::Never {
            return Ok(None);
        }
        if self.eims.is_empty() {
            let missing = "none is given: the eUICC cannot say which eIM manages it (`simurgh device eim-configuration --der FILE` makes one)";
            return Err(Failure::new("card.eims", missing));
        }
        let eims = self.eims.iter().map(|file| initial_eim(file));
        Ok(Some(Emulation {
            crypto: &SoftwareProvider,
            initial_eims: eims.collect::<Result<Vec<_>, _>>()?.concat(),
        }))
    }
}

/// EimConfigurationData, one or those of an AddInitialEimRequest, DER.
fn initial_eim(file: &Path) -> Result<Vec<EimConfigurationData>, Failure> {
    let octets = std::fs::read(file).map_err(|error| Failure::new(file.display(), error))?;
    if let Ok(request) = AddInitialEimRequest::from_der(&octets) {
        return Ok(request.eim_configuration_data_list);
    }
    let data = EimConfigurationData::from_der(&octets);
    let data = data.map_err(|error| Failure::new(file.display(), error))?;
    Ok(vec![data])
}

impl From<Binding> for EsipaBinding {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::Asn1 => EsipaBinding::Asn1,
            Binding::Json => EsipaBinding::Json,
        }
    }
}

fn beside() -> PathBuf {
    PathBuf::from("agent.state")
}

const fn an_hour() -> u64 {
    3600
}

const fn half_a_minute() -> u64 {
    30
}

const fn three_times() -> u32 {
    3
}

const fn five_minutes() -> u64 {
    300
}

const fn whole_blocks() -> u8 {
    DEFAULT_BLOCK_SIZE
}

impl Config {
    /// Reads a configuration file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let doing = format!("cannot read the configuration {}", path.display());
            let hint = "`simurgh-agent ipad --example-config` prints one";
            Failure::new(doing, format!("{error} ({hint})"))
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|error| Failure::new(path.display(), error))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, Failure> {
        let mut config: Config = toml::from_str(text).map_err(Failure::of)?;
        for (key, seconds) in [
            ("poll_interval", config.poll_interval),
            ("timeout", config.timeout),
        ] {
            if seconds == 0 {
                return Err(Failure::new(key, "at least one second"));
            }
        }
        if config.block_size < 6 {
            return Err(Failure::new("block_size", "6 to 255 octets"));
        }
        config.state = folder.join(&config.state);
        config.esipa.relative_to(folder);
        if let Some(listen) = &mut config.listen {
            listen.relative_to(folder);
        }
        for file in config
            .ci_certificates
            .iter_mut()
            .chain(&mut config.card.eims)
        {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    /// How the IPA behaves.
    pub(crate) fn ipa(&self) -> Result<ipa::Config, Failure> {
        if self.ci_certificates.is_empty() {
            let missing = "none is given: no SM-DP+ could be trusted (--ci-certificate FILE)";
            return Err(Failure::new("ci_certificates", missing));
        }
        let ci = self.ci_certificates.iter().map(|file| anchor(file));
        Ok(ipa::Config {
            block_size: self.block_size,
            poll_interval: Duration::from_secs(self.poll_interval),
            retry: Retry {
                times: self.retries,
                ..Retry::default()
            },
            rollback_after: Duration::from_secs(self.rollback_after),
            features: IpaFeatures {
                direct: self.download != Download::Indirect,
                indirect: self.download != Download::Direct,
                minimize: self.minimize_esipa_bytes,
                ..IpaFeatures::default()
            },
            esipa_binding: self.esipa_binding.into(),
            esipa_path: self.esipa_path.clone(),
            esipa_content_type: self.esipa_content_type.clone(),
            admin_protocol: self.admin_protocol.clone(),
            minimal: self.minimal,
            transports: self.esipa.transports(),
            jitter_seed: random()?,
            emulation: self.card.emulation()?,
            ..ipa::Config::new(self.device.info()?, ci.collect::<Result<_, _>>()?)
        })
    }
}

/// A number that no other device has.
fn random() -> Result<u64, Failure> {
    let mut number = [0; 8];
    OsRng::new().map_err(Failure::of)?.fill(&mut number);
    Ok(u64::from_be_bytes(number))
}

/// A CI's certificate, PEM or DER.
fn anchor(file: &Path) -> Result<TrustAnchor, Failure> {
    let anchor = TrustAnchor::new(&certificate(file)?, &SoftwareProvider);
    anchor.map_err(|error| Failure::new(file.display(), error))
}

/// A certificate, PEM or DER.
pub(crate) fn certificate(file: &Path) -> Result<Certificate, Failure> {
    let name = file.display();
    let octets = std::fs::read(file).map_err(|error| Failure::new(&name, error))?;
    let text = std::str::from_utf8(&octets).ok();
    text.and_then(certificate_from_pem)
        .or_else(|| Certificate::from_bytes(&octets).ok())
        .ok_or_else(|| Failure::new(&name, "no certificate in PEM or DER"))
}

/// What `--example-config` prints.
pub(crate) const EXAMPLE: &str = r#"# Configuration of `simurgh-agent ipad`. Paths are relative to this file.

# Certificates of the CIs under which SM-DP+s are trusted, PEM or DER.
ci_certificates = ["ci.pem"]

# The reader with the eUICC: its name, a part of it, or its place in the list,
# from "0". Needed only if there are several.
#reader = "0"

# What must outlast a power cut: which download is being carried out, and which
# results servers have taken. It holds no secrets; made when missing. Of an eUICC
# in whose place the agent answers (card.emulate) it is what eIMs have set:
# whoever can write it manages the eUICC.
#state = "agent.state"

# Seconds between two polls of the eIM.
#poll_interval = 3600
# Seconds that a server may take to answer.
#timeout = 30
# How often a request is repeated that did not get through or was answered with
# HTTP 5xx.
#retries = 3
# After an enable that the eIM allows to be taken back: seconds for which the eIM
# is tried over the new profile before the eUICC goes back to the one before.
#rollback_after = 300
# Octets of data in one STORE DATA to the eUICC, 6 to 255; some modems take
# fewer than most.
#block_size = 255

# How messages to eIMs are written: "asn1" or "json". eIMs take both.
#esipa_binding = "asn1"

# Which way profiles come: "direct" from SM-DP+s, "indirect" through the eIM, or
# "both": as the eUICC's configuration of the eIM says.
#download = "direct"
# Leave out of messages to the eIM what it knows: it must have been told, by
# itself asking, what eUICC and device are.
#minimize_esipa_bytes = false

# For eIMs that deviate from the standard: path and Content-Type of ESipa, and
# X-Admin-Protocol of all requests.
#esipa_path = "/gsma/rsp2/asn1"
#esipa_content_type = "application/x-gsma-rsp-asn1"
#admin_protocol = "gsma/rsp/v2.1.0"
# Send the eUICC no command that a package can be fetched without.
#minimal = false

# What carries ESipa, the best first: the first one that the eIM has, too, by
# its configuration on the eUICC. SM-DP+s are reached by HTTPS in any case.
#[esipa]
#protocols = ["https"]
#protocols = ["coaps", "mqtt", "https"]

# CoAP over DTLS: with a pre-shared key, made by `simurgh device psk EID` and
# kept in a file as hexadecimal digits, or, without this section, with
# certificates as in HTTPS.
#[esipa.psk]
#identity = "89049032000000000000000000000163"
#key = "psk.key"
# The device's own certificate and key (PEM), for eIMs that ask for one.
#[esipa.certificate]
#certificate = "device.pem"
#key = "device-key.pem"

# MQTT 5 over TLS.
#[esipa.mqtt]
#broker = "broker.example.com:8883"
# The broker's certificate, or the CA that issued it.
#ca = "broker-ca.pem"
# The name of the device in topics; as a rule also its user name.
#device = "89049032000000000000000000000163"
#username = "89049032000000000000000000000163"
# File with the password.
#password = "mqtt.password"

# Where the eIM brings its packages itself (SGP.32 5.14.4), for devices that it can
# reach. It also is polled; a long poll_interval makes that seldom.
#[listen]
#https = "0.0.0.0:8443"
#coaps = "0.0.0.0:5684"
# The device's certificate and key for that (PEM).
#certificate = "listen.pem"
#key = "listen-key.pem"
# The eIM that may: its eimFqdn, the client certificate with whose key it comes,
# and the CA that issued that certificate.
#eim = "eim.example.com"
#eim_certificate = "eim-client.pem"
#eim_ca = "eim-client-ca.pem"

# eUICCs for consumer devices (SGP.22) have no functions for an eIM. With
# "when-needed" the agent answers in the place of such an eUICC: it keeps the eIM
# configuration in its state file, verifies what eIMs sign, and does it on the
# eUICC. Nobody signs the results: the eIM must be told to take them (`simurgh
# device add EID --emulated --association-token 1`). "never" makes such an eUICC
# an error.
#[card]
#emulate = "never"
# The first eIMs of an eUICC that is met for the first time: files with
# EimConfigurationData or AddInitialEimRequest, as `simurgh device
# eim-configuration --der FILE` writes them.
#eims = ["eim.der"]

# What the device says of itself to SM-DP+s.
[device]
# Type allocation code, the first eight digits of the IMEI.
tac = "35290611"
# Highest 3GPP release that it fully supports of GSM, UTRAN, LTE and NR.
#gsm_release = 99
#utran_release = 8
lte_release = 15
#nr_release = 15

# Addresses of names that the name service does not know.
#[resolve]
#"eim.example.com" = "192.0.2.1:443"
"#;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let config = Config::parse(EXAMPLE, Path::new("folder")).unwrap();
        assert_eq!(config.ci_certificates, [Path::new("folder/ci.pem")]);
        assert_eq!(config.reader, None);
        assert_eq!(config.state, Path::new("folder/agent.state"));
        for key in [
            "poll_interval",
            "timeout",
            "retries",
            "rollback_after",
            "block_size",
        ] {
            let start = format!("#{key} = ");
            let line = EXAMPLE.lines().find(|line| line.starts_with(&start));
            let value = line.unwrap().strip_prefix(&start).unwrap();
            let default = match key {
                "poll_interval" => config.poll_interval,
                "timeout" => config.timeout,
                "retries" => config.retries.into(),
                "rollback_after" => config.rollback_after,
                _ => config.block_size.into(),
            };
            assert_eq!(value, default.to_string(), "{key}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said = |text: &str| {
            let text = format!("{text}\n[device]\ntac = \"35290611\"");
            let parsed = Config::parse(&text, Path::new(""));
            let used = parsed.and_then(|config| config.ipa());
            used.unwrap_err().to_string()
        };
        assert!(said("poll_intervall = 1").contains("poll_intervall"));
        assert!(said("timeout = 0").contains("timeout"));
        assert!(said("block_size = 5").contains("block_size"));
        assert!(said("").contains("--ci-certificate"));
        let card = |settings: &str| {
            let text =
                format!("ci_certificates = []\n[card]\n{settings}\n[device]\ntac = \"35290611\"");
            let parsed = Config::parse(&text, Path::new("folder"));
            parsed.and_then(|config| config.card.emulation())
        };
        assert!(card("").unwrap().is_none() && card("emulate = \"never\"").unwrap().is_none());
        let missing = card("emulate = \"when-needed\"").unwrap_err().to_string();
        assert!(missing.contains("eim-configuration"), "{missing}");
        let file = card("emulate = \"when-needed\"\neims = [\"no.der\"]");
        assert!(file.unwrap_err().to_string().contains("folder/no.der"));
        assert!(card("emulate = \"always\"").is_err());
        assert!(said("ci_certificates = [\"/nonexistent.pem\"]").contains("/nonexistent.pem"));
    }
}
