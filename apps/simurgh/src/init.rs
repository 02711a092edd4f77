//! `simurgh init` and `simurgh pki init`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rsp_core::pki::Hierarchy;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, OsRng, Rng};

use crate::{Failure, config, files, shell};

/// Names in certificates.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// Host name of the eIM
    #[arg(long, default_value = "eim.simurgh.test", value_name = "HOST")]
    eim: String,
    /// Host name of the SM-DP+
    #[arg(long, default_value = "smdp.simurgh.test", value_name = "HOST")]
    smdp: String,
    /// Host name of the API
    #[arg(long, default_value = "localhost", value_name = "HOST")]
    door: String,
    /// Organization in all certificates
    #[arg(long, default_value = "Simurgh Test", value_name = "NAME")]
    organization: String,
    /// First eight digits of the EIDs under the test EUM
    #[arg(long, default_value = "89049032", value_name = "DIGITS")]
    eid_prefix: String,
}

/// Write everything that a first server needs.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to write into; made if it is missing
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    dir: PathBuf,
    /// Ports of eIM, SM-DP+ and API; 0 is any free one
    #[arg(long, value_name = "EIM,SMDP,API", default_value = "8443,8444,8445",
          value_parser = three_ports)]
    ports: [u16; 3],
    #[command(flatten)]
    names: Names,
}

/// Make a test hierarchy.
#[derive(Debug, Args)]
pub(crate) struct PkiInit {
    /// The folder to write into; made if it is missing
    #[arg(long, default_value = "pki", value_name = "FOLDER")]
    dir: PathBuf,
    #[command(flatten)]
    names: Names,
}

/// Validity of what is issued: as long as a device lives.
const VALIDITY: Duration = Duration::from_secs(15 * 365 * 86_400);

impl Init {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let configuration = self.dir.join("simurgh.toml");
        if configuration.exists() {
            let there = configuration.display();
            return Err(Failure::new(there, "exists already; nothing was changed"));
        }
        write_hierarchy(&self.dir.join("pki"), &self.names)?;
        let mut token = [0; 32];
        random()?.fill(&mut token);
        let token: String = token.iter().map(|octet| format!("{octet:02x}")).collect();
        files::write_secret(&self.dir.join("door.token"), token.as_bytes())?;
        let text = config::example(&self.names.eim, &self.names.smdp, self.ports);
        std::fs::write(&configuration, text)
            .map_err(|error| Failure::new(configuration.display(), error))?;
        println!("wrote {}", configuration.display());
        println!("next: simurgh serve --config {}", configuration.display());
        Ok(())
    }
}

impl PkiInit {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        write_hierarchy(&self.dir, &self.names)?;
        println!("wrote keys and certificates to {}", self.dir.display());
        Ok(())
    }
}

fn random() -> Result<OsRng, Failure> {
    OsRng::new().map_err(|error| Failure::new("no random numbers", error))
}

fn write_hierarchy(folder: &Path, names: &Names) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("cannot make {}", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let now = shell::now();
    let hierarchy = Hierarchy {
        organization: names.organization.clone(),
        smdp_host: names.smdp.clone(),
        eim_host: host(&names.eim).to_string(),
        door_host: names.door.clone(),
        eid_prefix: names.eid_prefix.clone(),
        not_before: now,
        not_after: now.after(VALIDITY),
    };
    let (mut keys, mut serials) = (random()?, random()?);
    let make_key = || SoftwareKey::generate(Curve::NistP256, &mut keys);
    let issued = hierarchy
        .issue_all(make_key, &SoftwareProvider, &mut serials)
        .map_err(|error| Failure::new("cannot issue certificates", error))?;
    for member in &issued {
        let key = member.key.to_pkcs8_pem();
        let key = key.map_err(|error| Failure::new("cannot encode a key", error))?;
        let file = |ending: &str| folder.join(format!("{}.{ending}", member.member));
        files::write_secret(&file("key.pem"), key.as_bytes())?;
        files::write_certificate(&file("pem"), &member.certificate)?;
    }
    Ok(())
}

fn three_ports(text: &str) -> Result<[u16; 3], String> {
    let ports: Result<Vec<u16>, _> = text.split(',').map(str::parse).collect();
    let three = ports.ok().and_then(|ports| ports.try_into().ok());
    three.ok_or_else(|| "three port numbers with commas between them".to_string())
}

/// A name without its port.
fn host(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}
