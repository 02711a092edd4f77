//! `simurgh-lab conform ipad`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use lab::conform::euicc::Authority;
use lab::conform::ipad::{Bench, CASES, Ipad, Makers, SharedCard, Way, Wish};
use lab::conform::{Answers, HttpMessage};
use lab::reader::{Insertion, Pcscd, vpcd};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_core::pki::{Role, certificate_to_pem};
use rsp_net::{ClientAuth, Limits, Server, TlsIdentity};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::emulated::{Emulated, issued};
use super::options::Common;
use super::{finish, now};
use crate::Failure;
use crate::demo::folder::TemporaryFolder;

/// Between two looks whether the IPAd has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The suite for IPAds: how it polls, what it does with packages and requests,
/// what it sends to the eUICC.
///
/// The suite is the eIM, and it puts a software card into a virtual PC/SC reader
/// of its own (Debian: pcscd, vsmartcard-vpcd). The IPAd is started anew for each
/// case and has to do one round: it finds the eIM's address and TLS certificate
/// on the card. Without --ipad-cmd, Simurgh's own agent is judged.
#[derive(Debug, Args)]
#[command(after_help = "The command of --ipad-cmd is run by sh with
  PCSCLITE_CSOCK_NAME  the PC/SC daemon of the suite, for programs that use libpcsclite
  CONFORM_READER       name of the reader with the card
  CONFORM_EIM          host:port of the eIM, as on the card
  CONFORM_CA           file with the eIM's TLS certificate, in PEM
  CONFORM_CI           file with the CI's certificate, for IPAs that download
  CONFORM_BINDING      asn1 or json: what the case is about, for IPAs with both
  CONFORM_DOWNLOAD     direct, indirect or both: the same for downloads
It should end after one round; it is ended after --timeout seconds.

Example:
  simurgh-lab conform ipad --ipad-cmd 'my-ipa --reader \"$CONFORM_READER\" --once'")]
pub(crate) struct IpadArgs {
    /// Command that starts the IPAd, see below
    #[arg(long, value_name = "COMMAND")]
    ipad_cmd: Option<String>,
    /// The EID of the suite's card, for an IPAd that is made for one device
    #[arg(long, value_name = "32 DIGITS")]
    eid: Option<Eid>,
    #[command(flatten)]
    common: Common,
}

impl IpadArgs {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        finish(&self.common, "ipad", CASES, || {
            let makers = Makers::new(now()?, self.eid)?;
            let timeout = self.common.timeout();
            let device = Device::start(self.ipad_cmd.clone(), timeout, &makers.authority())?;
            Ok(Bench::new(Box::new(device), makers, now()?)?)
        })
    }
}

/// As settings and scripts name it.
fn way(way: Way) -> &'static str {
    match way {
        Way::Any => "both",
        Way::Direct => "direct",
        Way::Indirect => "indirect",
    }
}

/// The IPAd's surroundings: a reader, and the eIM's key.
struct Device {
    command: Option<String>,
    timeout: Duration,
    pcscd: Pcscd,
    runtime: Runtime,
    identity: TlsIdentity,
    certificate: Certificate,
    port: u16,
    /// Its files; it goes with this.
    folder: TemporaryFolder,
    /// How many devices there were, and the card of the last.
    devices: u32,
    last: Option<SharedCard>,
}

impl Device {
    fn start(
        command: Option<String>,
        timeout: Duration,
        authority: &Authority,
    ) -> Result<Device, Failure> {
        // The server is eIM and SM-DP+: cards pin its certificate as the one's,
        // and it is a CERT.DPtls, as the other's has to be.
        let tls = Role::DpTls {
            oid: "2.999.10".into(),
            dns_name: "localhost".into(),
        };
        let (certificate, key) = issued(tls, "localhost", Some(authority))?;
        let chain = vec![certificate.as_bytes().to_vec()];
        let identity = TlsIdentity::from_key_pem(chain, &key.to_pkcs8_pem()?)?;
        let folder = TemporaryFolder::new()?;
        let pem = certificate_to_pem(&certificate);
        std::fs::write(folder.path().join("eim.pem"), pem)?;
        std::fs::write(
            folder.path().join("ci.pem"),
            certificate_to_pem(&authority.certificate),
        )?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        // A port that is free now, and likely still when the server takes it.
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = std::net::TcpListener::bind(any)?.local_addr()?.port();
        Ok(Device {
            command,
            timeout,
            pcscd: Pcscd::start()?,
            runtime,
            identity,
            certificate,
            port,
            folder,
            devices: 0,
            last: None,
        })
    }

    fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("eim.pem")
    }

    /// The process of the IPAd.
    fn spawn(&self, wish: Wish) -> Result<Child, Failure> {
        let (name, socket) = self.pcscd.environment();
        let mut command = match &self.command {
            Some(command) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", command]);
                shell
            }
            None => self.agent(wish)?,
        };
        let child = command
            .env(name, socket)
            .env("CONFORM_READER", self.pcscd.reader())
            .env("CONFORM_EIM", self.address())
            .env("CONFORM_CA", self.file())
            .env("CONFORM_CI", self.folder.path().join("ci.pem"))
            .env("CONFORM_BINDING", if wish.json { "json" } else { "asn1" })
            .env("CONFORM_DOWNLOAD", way(wish.way))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.folder.path().join("ipad.log"))?)
            .spawn();
        Ok(child.map_err(|error| format!("the IPAd: {error}"))?)
    }

    /// Simurgh's own, which remembers its device as long as it is the same.
    fn agent(&self, wish: Wish) -> Result<Command, Failure> {
        let program = std::env::current_exe()?.with_file_name("simurgh-agent");
        let file = self.folder.path().join("agent.toml");
        let binding = if wish.json { "json" } else { "asn1" };
        let text = format!(
            "ci_certificates = [\"ci.pem\"]\nretries = 1\ntimeout = 2\nrollback_after = 2\n\
             esipa_binding = \"{binding}\"\ndownload = \"{}\"\n\
             [device]\ntac = \"35290611\"\nlte_release = 15\n",
            way(wish.way)
        );
        std::fs::write(&file, text)?;
        let state = self
            .folder
            .path()
            .join(format!("agent-{}.state", self.devices));
        let mut command = Command::new(program);
        command
            .args(["ipad", "--once", "--config"])
            .arg(file)
            .arg("--state")
            .arg(state)
            .args(["--reader", &self.pcscd.reader()]);
        Ok(command)
    }

    /// Waits for its end; ends it when its time is over.
    fn wait(&self, mut child: Child) -> Result<(), Failure> {
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > self.timeout {
                child.kill()?;
                child.wait()?;
                break;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn serve_and_run(&self, card: SharedCard, eim: Emulated, wish: Wish) -> Result<(), Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let identity = self.identity.clone();
        let bound = Server::bind(address, identity, ClientAuth::None, Limits::default());
        let server = self.runtime.block_on(bound)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = self.runtime.spawn(server.serve_raw(eim, async {
            let _ = stopped.await;
        }));
        let inserted = Insertion::new(&self.pcscd.address(), InReader(card))?;
        self.pcscd.wait_for_card(true)?;
        let ended = self.spawn(wish).and_then(|child| self.wait(child));
        inserted.remove()?;
        self.pcscd.wait_for_card(false)?;
        let _ = stop.send(());
        self.runtime.block_on(serving)?;
        ended
    }
}

impl Ipad for Device {
    fn eim(&self) -> (String, Certificate) {
        (self.address(), self.certificate.clone())
    }

    fn round(
        &mut self,
        card: SharedCard,
        answers: Answers,
        wish: Wish,
    ) -> Result<Vec<HttpMessage>, String> {
        let same = |last: &SharedCard| Arc::ptr_eq(last, &card);
        if !self.last.as_ref().is_some_and(same) {
            self.devices += 1;
            self.last = Some(card.clone());
        }
        let eim = Emulated::new(answers);
        let requests = eim.requests();
        self.serve_and_run(card, eim, wish)
            .map_err(|error| error.to_string())?;
        let requests = requests.lock().map_err(|error| error.to_string())?;
        Ok(requests.clone())
    }
}

/// The card of a case at the driver's wire.
struct InReader(SharedCard);

impl vpcd::Card for InReader {
    fn reset(&mut self) -> std::io::Result<Vec<u8>> {
        let mut card = self
            .0
            .lock()
            .map_err(|_| std::io::Error::other("the card"))?;
        card.reset().map_err(std::io::Error::other)?;
        Ok(ATR.to_vec())
    }

    fn transmit(&mut self, apdu: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut card = self
            .0
            .lock()
            .map_err(|_| std::io::Error::other("the card"))?;
        card.transmit(apdu).map_err(std::io::Error::other)
    }
}

/// An answer to reset of a card that speaks T=0 and T=1 at will, without
/// historical bytes.
const ATR: [u8; 2] = [0x3B, 0x00];
