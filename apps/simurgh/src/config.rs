//! simurgh.toml.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Failure;

/// The configuration file. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The SQLite file.
    pub(crate) database: PathBuf,
    /// Folder of keys and certificates.
    pub(crate) pki: PathBuf,
    /// eIM.
    pub(crate) eim: Eim,
    /// SM-DP+.
    pub(crate) smdp: Smdp,
    /// Northbound API.
    pub(crate) door: Door,
}

/// `[eim]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Eim {
    pub(crate) listen: SocketAddr,
    /// Where devices reach it; may carry a port.
    pub(crate) fqdn: String,
}

/// `[smdp]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smdp {
    pub(crate) listen: SocketAddr,
    /// As in activation codes.
    pub(crate) address: String,
}

/// `[door]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Door {
    pub(crate) listen: SocketAddr,
    /// File with the bearer token.
    pub(crate) token: PathBuf,
}

impl Config {
    /// Reads a configuration file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let doing = || format!("cannot read the configuration {}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(doing(), format!("{error} (`simurgh init` writes one)"))
        })?;
        let mut config: Config =
            toml::from_str(&text).map_err(|error| Failure::new(doing(), error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for relative in [
            &mut config.database,
            &mut config.pki,
            &mut config.door.token,
        ] {
            *relative = folder.join(&*relative);
        }
        Ok(config)
    }
}

/// What `simurgh init` writes.
pub(crate) fn example(eim_fqdn: &str, smdp_address: &str, ports: [u16; 3]) -> String {
    let [eim, smdp, door] = ports;
    format!(
        r#"# Configuration of `simurgh serve`. Paths are relative to this file.

# State of all roles: one SQLite file, made when it is missing.
database = "simurgh.db"

# Keys and certificates, as written by `simurgh pki init`.
pki = "pki"

[eim]
# Devices poll here (ESipa over HTTPS).
listen = "127.0.0.1:{eim}"
# The name by which devices reach it; goes into their eIM configuration data
# and must be in the certificate eim_tls.pem. May carry a port.
fqdn = "{eim_fqdn}"

[smdp]
# Devices download here (ES9+), operators order here (ES2+, with a client
# certificate under private_ca.pem).
listen = "127.0.0.1:{smdp}"
# The name in activation codes; must be in the certificate dp_tls.pem.
address = "{smdp_address}"

[door]
# The northbound API.
listen = "127.0.0.1:{door}"
# File with the bearer token that callers must present.
token = "door.token"
"#
    )
}
