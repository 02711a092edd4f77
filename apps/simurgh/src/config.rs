//! simurgh.toml.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use fleet::price::EnergyModel;
use rsp_asn1::ids::Eid;
use rsp_core::binding::es9plus::Wire;
use serde::Deserialize;
use toml::{Table, Value};

use crate::Failure;
use crate::access::AccessSettings;
use crate::database::{Database, StoreSettings};
use crate::events::EventSettings;
use crate::residency::ResidencySettings;
use crate::smdps::ConnectorSettings;
use crate::traces::TraceSettings;

mod example;

pub(crate) use example::example;

/// The configuration file. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The SQLite file, if `[store]` names nothing else.
    pub(crate) database: Option<PathBuf>,
    /// Where state rests.
    #[serde(default)]
    pub(crate) store: StoreSettings,
    /// The folder of this file.
    #[serde(skip)]
    folder: PathBuf,
    /// File with the key under which secrets rest.
    pub(crate) key_file: PathBuf,
    /// Folder of keys and certificates.
    pub(crate) pki: PathBuf,
    /// eIM.
    pub(crate) eim: Eim,
    /// SM-DP+.
    pub(crate) smdp: Smdp,
    /// SM-DS, if there is to be one.
    pub(crate) smds: Option<Smds>,
    /// Northbound API.
    pub(crate) door: Door,
    /// Who may come in to it.
    #[serde(default)]
    pub(crate) access: AccessSettings,
    /// Addresses of names that the name service does not know, or not so.
    #[serde(default)]
    pub(crate) resolve: BTreeMap<String, SocketAddr>,
    /// Profiles of devices that factories announce; the first rule that is for
    /// a device counts.
    #[serde(default)]
    pub(crate) zero_touch: Vec<ZeroTouch>,
    /// SM-DP+s of others, at which activation codes are ordered.
    #[serde(default)]
    pub(crate) connectors: Vec<ConnectorSettings>,
    /// Events and webhooks.
    #[serde(default)]
    pub(crate) events: EventSettings,
    /// Where what is kept and sent is.
    #[serde(default)]
    pub(crate) residency: ResidencySettings,
    /// Where traces go, if there are to be any.
    pub(crate) traces: Option<TraceSettings>,
    /// What radio takes of devices' energy, where it is known better than by the model.
    #[serde(default)]
    pub(crate) energy: EnergyModel,
    /// What only a test bench may have.
    #[serde(default)]
    pub(crate) lab: Lab,
}

/// `[[zero_touch]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ZeroTouch {
    /// For people.
    pub(crate) name: String,
    /// Only devices that this tenant announced; those of the default one if it is
    /// absent.
    pub(crate) tenant: Option<String>,
    /// Only EIDs that begin so.
    #[serde(default)]
    pub(crate) eid_prefix: String,
    /// Only serial numbers that begin so.
    #[serde(default)]
    pub(crate) serial_prefix: String,
    /// Only entries of manifests with all of these.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
    /// A profile of this type is ordered at the SM-DP+ of this server.
    pub(crate) profile_type: Option<String>,
    /// File of activation codes, one on each line.
    pub(crate) codes: Option<PathBuf>,
}

/// `[lab]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lab {
    /// eUICCs whose results are taken although they cannot be verified.
    pub(crate) accept_unverified: Vec<Eid>,
    /// Certificate that SM-DP+ must have or be issued under, instead of one
    /// under the CI.
    pub(crate) es9plus_trust: Option<PathBuf>,
}

/// `[eim]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Eim {
    pub(crate) listen: SocketAddr,
    /// Where devices reach it; may carry a port.
    pub(crate) fqdn: String,
    /// Octets of a request that are accepted.
    #[serde(default = "max_body")]
    pub(crate) max_body: usize,
    /// How SM-DP+s are spoken with in downloads that are relayed.
    #[serde(default)]
    pub(crate) es9plus_binding: Binding,
    /// Whether packages are brought to devices that listen.
    #[serde(default)]
    pub(crate) inject: bool,
    /// ESipa over CoAP, too.
    pub(crate) coap: Option<Coap>,
    /// ESipa over MQTT, too.
    pub(crate) mqtt: Option<Mqtt>,
}

/// `[eim.coap]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coap {
    pub(crate) listen: SocketAddr,
    /// Whether the certificate of the eIM is offered.
    #[serde(default = "yes")]
    pub(crate) certificate: bool,
    /// Whether devices may prove themselves with the keys made for them.
    #[serde(default = "yes")]
    pub(crate) psk: bool,
    /// The CA under which devices must have a certificate, if any.
    pub(crate) client_ca: Option<PathBuf>,
}

/// `[eim.mqtt]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mqtt {
    /// Host, with a port if it is not 8883.
    pub(crate) broker: String,
    /// The broker's certificate, or the CA that issued it.
    pub(crate) ca: PathBuf,
    pub(crate) username: Option<String>,
    /// File with the password.
    pub(crate) password: Option<PathBuf>,
    /// Whether the names of devices in topics are their EIDs: then none speaks
    /// for another.
    #[serde(default = "yes")]
    pub(crate) device_is_eid: bool,
}

impl Coap {
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.client_ca.iter_mut()
    }
}

impl Mqtt {
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.ca).chain(&mut self.password)
    }
}

const fn yes() -> bool {
    true
}

/// A binding of ES9+.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Binding {
    /// JSON; ASN.1 at an SM-DP+ that has no JSON.
    #[default]
    Json,
    /// DER.
    Asn1,
}

impl From<Binding> for Wire {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::Json => Wire::Json,
            Binding::Asn1 => Wire::Asn1,
        }
    }
}

/// 1 MiB.
const fn max_body() -> usize {
    1 << 20
}

/// `[smdp]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smdp {
    pub(crate) listen: SocketAddr,
    /// As in activation codes.
    pub(crate) address: String,
    /// ES2+ alone, on a port of its own; both on `listen` if it is absent.
    pub(crate) es2plus_listen: Option<SocketAddr>,
    /// Octets of a request; more is refused unread.
    #[serde(default = "max_body")]
    pub(crate) max_body: usize,
    /// How long after its confirmation an order can be downloaded.
    pub(crate) order_validity_days: Option<u32>,
    /// Downloads of one order that may be begun.
    pub(crate) max_attempts: Option<u32>,
    /// Wrong confirmation codes with which an order ends.
    pub(crate) max_confirmation_failures: Option<u32>,
    /// Who may order.
    #[serde(default)]
    pub(crate) operators: Vec<Operator>,
}

/// `[[smdp.operators]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operator {
    /// As the owner of profile types.
    pub(crate) name: String,
    /// The client certificate that it calls with.
    pub(crate) certificate: PathBuf,
    /// functionRequesterIdentifiers that it may give itself; the registeredID
    /// of the certificate if there is none.
    #[serde(default)]
    pub(crate) identifiers: Vec<String>,
    /// Where it is told of its downloads: a host name, with a port if it is
    /// not 443.
    pub(crate) callback: Option<String>,
    /// The CA of the callback's server; that of operators if it is absent.
    pub(crate) callback_ca: Option<PathBuf>,
}

/// `[smds]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smds {
    pub(crate) listen: SocketAddr,
    /// As devices and SM-DP+s know it.
    pub(crate) address: String,
    /// The root SM-DS, if this is an alternative one.
    pub(crate) root: Option<String>,
    /// Octets of a request; more is refused unread.
    #[serde(default = "max_body")]
    pub(crate) max_body: usize,
    /// Who may register events; whoever has a CERT.DPtls or CERT.DStls under
    /// the CI if there is none.
    #[serde(default)]
    pub(crate) clients: Vec<SmdsClient>,
}

/// `[[smds.clients]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmdsClient {
    /// For the log.
    pub(crate) name: String,
    /// The client certificate that it calls with.
    pub(crate) certificate: PathBuf,
}

/// `[door]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Door {
    pub(crate) listen: SocketAddr,
    /// File with the bearer token.
    pub(crate) token: PathBuf,
    /// What one caller may ask.
    #[serde(default = "requests_per_minute")]
    pub(crate) requests_per_minute: u32,
    /// What all callers of a tenant may ask.
    #[serde(default = "requests_per_minute_of_tenant")]
    pub(crate) requests_per_minute_of_tenant: u32,
    /// What may be asked from one address by who is not known, sign-ins included.
    #[serde(default = "requests_per_minute_of_strangers")]
    pub(crate) requests_per_minute_of_strangers: u32,
    /// On how many devices one caller may order something.
    #[serde(default = "devices_per_hour")]
    pub(crate) devices_per_hour: u32,
    /// The same for all callers of a tenant.
    #[serde(default = "devices_per_hour_of_tenant")]
    pub(crate) devices_per_hour_of_tenant: u32,
}

const fn devices_per_hour() -> u32 {
    100_000
}

const fn devices_per_hour_of_tenant() -> u32 {
    1_000_000
}

const fn requests_per_minute() -> u32 {
    6000
}

const fn requests_per_minute_of_strangers() -> u32 {
    120
}

const fn requests_per_minute_of_tenant() -> u32 {
    30_000
}

/// Beginning of the environment variables that are settings.
const PREFIX: &str = "SIMURGH__";

impl Config {
    /// Reads a configuration file; the environment goes before it, and `set`,
    /// `key=value` each, goes before both.
    pub(crate) fn read(path: &Path, set: &[String]) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let doing = format!("cannot read the configuration {}", path.display());
            Failure::new(doing, format!("{error} (`simurgh init` writes one)"))
        })?;
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let key = name.to_str()?.strip_prefix(PREFIX)?;
            let key = key.to_ascii_lowercase().replace("__", ".");
            Some((key, value.to_string_lossy().into_owned()))
        });
        let mut settings: Vec<_> = environment.collect();
        for setting in set {
            let pair = setting.split_once('=');
            let (key, value) = pair.ok_or_else(|| Failure::new("--set", "not KEY=VALUE"))?;
            settings.push((key.trim().to_string(), value.trim().to_string()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, &settings, folder).map_err(|error| Failure::new(path.display(), error))
    }

    fn parse(text: &str, settings: &[(String, String)], folder: &Path) -> Result<Self, Failure> {
        let mut table: Table = toml::from_str(text).map_err(Failure::of)?;
        for (key, value) in settings {
            put(&mut table, key, value).map_err(|error| Failure::new(key, error))?;
        }
        let mut config: Config = table.try_into().map_err(Failure::of)?;
        config.folder = folder.to_path_buf();
        for relative in [
            &mut config.key_file,
            &mut config.pki,
            &mut config.door.token,
        ]
        .into_iter()
        .chain(&mut config.lab.es9plus_trust)
        .chain(&mut config.events.webhook_ca)
        .chain(config.eim.coap.iter_mut().flat_map(Coap::paths))
        .chain(config.eim.mqtt.iter_mut().flat_map(Mqtt::paths))
        .chain(config.events.mqtt.iter_mut().flat_map(|mqtt| mqtt.paths()))
        .chain(config.traces.iter_mut().flat_map(TraceSettings::paths))
        {
            *relative = folder.join(&*relative);
        }
        config.access.in_folder(folder);
        for connector in &mut config.connectors {
            connector.in_folder(folder);
        }
        for client in config.smds.iter_mut().flat_map(|smds| &mut smds.clients) {
            client.certificate = folder.join(&client.certificate);
        }
        for codes in config
            .zero_touch
            .iter_mut()
            .flat_map(|rule| &mut rule.codes)
        {
            *codes = folder.join(&*codes);
        }
        for operator in &mut config.smdp.operators {
            operator.certificate = folder.join(&operator.certificate);
            if let Some(ca) = &mut operator.callback_ca {
                *ca = folder.join(&*ca);
            }
        }
        Ok(config)
    }

    /// Where state rests.
    pub(crate) fn database(&self) -> Result<Database, Failure> {
        self.store.database(self.database.as_deref(), &self.folder)
    }
}

/// Puts a value at `section.key`. It is read as TOML, or is a text if it is no
/// TOML or there is a text already.
fn put(table: &mut Table, key: &str, value: &str) -> Result<(), &'static str> {
    let mut sections: Vec<_> = key.split('.').collect();
    let name = sections.pop().unwrap_or_default();
    let mut section = table;
    for part in sections {
        let inner = section
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        section = inner.as_table_mut().ok_or("this is no section")?;
    }
    let text = || Value::String(value.to_string());
    let value = match section.get(name) {
        Some(Value::String(_)) => text(),
        _ => toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(text),
    };
    section.insert(name.to_string(), value);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Config, Failure> {
        let text = example("eim.example.com", "smdp.example.com", [1, 2, 3]);
        let pair = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        let settings: Vec<_> = settings.iter().map(pair).collect();
        Config::parse(&text, &settings, Path::new("folder"))
    }

    #[test]
    fn the_example_is_read_and_weakens_nothing() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.eim.listen.port(), 1);
        assert_eq!(config.eim.max_body, 1 << 20);
        let database = config.database().unwrap();
        assert_eq!(database.to_string(), "folder/simurgh.db");
        assert!(config.lab.accept_unverified.is_empty());
        assert!(config.lab.es9plus_trust.is_none());
    }

    #[test]
    fn settings_go_before_the_file_and_later_ones_before_earlier_ones() {
        let config = parse(&[
            ("eim.listen", "127.0.0.1:7"),
            ("eim.listen", "127.0.0.1:8"),
            ("eim.max_body", "4096"),
            (
                "lab.accept_unverified",
                r#"["89049032000000000000000000000163"]"#,
            ),
            ("eim.fqdn", "1.2"),
        ])
        .unwrap();
        assert_eq!(config.eim.listen.port(), 8);
        assert_eq!(config.eim.max_body, 4096);
        assert_eq!(config.eim.fqdn, "1.2");
        assert_eq!(config.lab.accept_unverified.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said = |key, value| parse(&[(key, value)]).unwrap_err().to_string();
        assert!(said("eim.listne", "1").contains("listne"));
        assert!(said("eim.listen", "nowhere").contains("eim.listen"));
        assert!(said("database.file", "x").contains("database.file"));
    }
}
