//! The server as a process of its own: the real program with the real
//! commands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_core::pki::certificate_from_pem;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::folder::{Folder, TemporaryFolder};
use super::report;
use crate::Failure;

/// Names in the demonstration's certificates.
pub(crate) const EIM: &str = "eim.simurgh.test";
pub(crate) const SMDP: &str = "smdp.simurgh.test";
pub(crate) const SMDS: &str = "smds.simurgh.test";
pub(crate) const DOOR: &str = "localhost";

/// How long the server may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the server listens.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) eim: SocketAddr,
    pub(crate) smdp: SocketAddr,
    pub(crate) door: SocketAddr,
    /// The SM-DS's, or empty if there is none.
    pub(crate) smds: String,
    /// ESipa over CoAP, if it is served.
    pub(crate) coap: Option<SocketAddr>,
}

/// A running server.
pub(crate) struct ServerProcess {
    child: Child,
    /// Apart from the child, whose `wait` would end it.
    input: Option<ChildStdin>,
    ca: PathBuf,
    folder: Folder,
    pub(crate) addresses: Addresses,
}

impl ServerProcess {
    /// Makes keys and configuration, and starts the server with settings more.
    pub(crate) async fn start(
        program: Option<&Path>,
        folder: Option<&Path>,
        settings: &[String],
    ) -> Result<Self, Failure> {
        let program = match program {
            Some(program) => program.to_path_buf(),
            None => beside()?,
        };
        let folder = match folder {
            Some(folder) => Folder::Kept(folder.to_path_buf()),
            None => Folder::Temporary(TemporaryFolder::new()?),
        };
        Self::start_in(&program, folder, &[], settings).await
    }

    /// The program beside this one, with a CI on each curve, in a folder that
    /// goes with it.
    pub(crate) async fn start_on_both_curves(settings: &[String]) -> Result<Self, Failure> {
        let folder = Folder::Temporary(TemporaryFolder::new()?);
        Self::start_in(&beside()?, folder, &["--curve", "both"], settings).await
    }

    async fn start_in(
        program: &Path,
        kept: Folder,
        more: &[&str],
        settings: &[String],
    ) -> Result<Self, Failure> {
        init(program, kept.path(), more).await?;
        Self::serve(program, kept, settings).await
    }

    /// Starts the server in a folder that [`init`] made, and that stays.
    pub(crate) async fn serve_kept(
        program: &Path,
        folder: &Path,
        settings: &[String],
    ) -> Result<Self, Failure> {
        Self::serve(program, Folder::Kept(folder.to_path_buf()), settings).await
    }

    async fn serve(program: &Path, kept: Folder, settings: &[String]) -> Result<Self, Failure> {
        let folder = kept.path().to_path_buf();
        // The eIM comes to devices with the only client certificate there is.
        for ending in ["pem", "key.pem"] {
            let from = folder.join(format!("ca/{}.{ending}", rsp_core::pki::member::OPERATOR));
            std::fs::copy(from, folder.join(format!("pki/eim_inject.{ending}")))?;
        }
        let log = std::fs::File::create(folder.join("server.log"))?;
        let mut child = Command::new(program)
            .args(["serve", "--announce", "--stop-on-stdin-eof", "--config"])
            .arg(folder.join("simurgh.toml"))
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            // Nobody writes: it ends with this process, however that ends, and
            // the server with it.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            return Err(format!("the server did not start:\n{log}").into());
        };
        Ok(ServerProcess {
            input: child.stdin.take(),
            child,
            ca: folder.join("ca"),
            folder: kept,
            addresses: serde_json::from_str(&line)?,
        })
    }

    /// Folder of keys and certificates.
    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }

    /// The API's token.
    pub(crate) fn token(&self) -> Result<String, Failure> {
        Ok(std::fs::read_to_string(
            self.folder.path().join("door.token"),
        )?)
    }

    /// What can be done while it stays up.
    pub(crate) fn explain(&self, eid: Option<Eid>) {
        let folder = self.folder.path().display();
        let Addresses {
            eim, smdp, door, ..
        } = self.addresses;
        println!();
        println!("Servers and devices stay up; Ctrl-C ends them.");
        println!("  eIM      {eim}  ({EIM})");
        println!("  SM-DP+   {smdp}  ({SMDP})");
        println!("  API      https://{DOOR}:{}", door.port());
        println!("  keys, database, log: {folder}");
        if let Some(eid) = eid {
            println!("Devices poll every few seconds. Ask the first for its profiles:");
            println!("  export SIMURGH_URL=https://{DOOR}:{}", door.port());
            println!("  export SIMURGH_CA={folder}/pki/private_ca.pem");
            println!("  export SIMURGH_TOKEN=$(cat {folder}/door.token)");
            println!("  target/release/simurgh profile list {eid} --refresh");
        }
    }

    /// Waits for a server that ends by itself, which is a failure.
    pub(crate) async fn wait(&mut self) -> Result<(), Failure> {
        let status = self.child.wait().await?;
        Err(format!("the server ended with {status}").into())
    }

    /// The most memory that the server has had, in octets.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        report::peak_memory(&self.child.id()?.to_string())
    }

    /// Ends the server; what was only for this run goes with it.
    pub(crate) async fn stop(mut self) {
        // The server finishes what it has begun when its input ends; one that
        // does not is ended.
        drop(self.input.take());
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let _ = self.child.kill().await;
    }
}

/// The server's program beside this one.
pub(crate) fn beside() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?.with_file_name("simurgh"))
}

/// Makes keys, certificates and configuration in a new folder.
pub(crate) async fn init(program: &Path, folder: &Path, more: &[&str]) -> Result<(), Failure> {
    let init = Command::new(program)
        .args(["init", "--ports", "0,0,0", "--eim", EIM, "--smdp", SMDP])
        // The demonstration makes cards, and orders: it is EUM and operator.
        .args(["--plain-ca", "--door", DOOR])
        .args(more)
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::null())
        .status()
        .await
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    match init.success() {
        true => Ok(()),
        false => Err(format!("simurgh init ended with {init}").into()),
    }
}

/// Reads a certificate from PEM.
pub(crate) fn certificate(path: &Path) -> Result<Certificate, Failure> {
    let certificate = certificate_from_pem(&std::fs::read_to_string(path)?);
    Ok(certificate.ok_or_else(|| format!("{} holds no certificate", path.display()))?)
}
