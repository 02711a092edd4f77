//! `simurgh init`.

use std::path::PathBuf;

use clap::Args;
use rsp_crypto::Rng;

use crate::pki::{Names, write_hierarchy};
use crate::{Failure, config, files, key_file, shell};

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
    /// Leave the keys of CI, EUM, eUICC and operator in plain PEM
    #[arg(long)]
    plain_ca: bool,
    #[command(flatten)]
    names: Names,
}

impl Init {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let configuration = self.dir.join("simurgh.toml");
        if configuration.exists() {
            let there = configuration.display();
            return Err(Failure::new(there, "exists already; nothing was changed"));
        }
        std::fs::create_dir_all(&self.dir)
            .map_err(|error| Failure::new(format!("cannot make {}", self.dir.display()), error))?;
        let sealer = key_file::create(&self.dir.join("simurgh.key"))?;
        let (pki, ca) = (self.dir.join("pki"), self.dir.join("ca"));
        let issuers = Some(&sealer).filter(|_| !self.plain_ca);
        write_hierarchy([&pki, &ca], &self.names, [Some(&sealer), issuers])?;
        let mut token = [0; 32];
        shell::random()?.fill(&mut token);
        let token: String = token.iter().map(|octet| format!("{octet:02x}")).collect();
        files::write_secret(&self.dir.join("door.token"), token.as_bytes())?;
        let text = config::example(&self.names.eim, &self.names.smdp, self.ports);
        std::fs::write(&configuration, text)
            .map_err(|error| Failure::new(configuration.display(), error))?;
        outln!("wrote {}", configuration.display());
        outln!("next: simurgh serve --config {}", configuration.display());
        Ok(())
    }
}

fn three_ports(text: &str) -> Result<[u16; 3], String> {
    let ports: Result<Vec<u16>, _> = text.split(',').map(str::parse).collect();
    let three = ports.ok().and_then(|ports| ports.try_into().ok());
    three.ok_or_else(|| "three port numbers with commas between them".to_string())
}
