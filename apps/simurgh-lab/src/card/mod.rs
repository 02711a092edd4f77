//! `simurgh-lab card`: a software eUICC in a PC/SC reader.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use euicc::EuiccKind;
use lab::reader::{Powered, vpcd};
use lab::{Bootstrap, CardFile, CardIdentity, Factory};
use rsp_asn1::ids::{Eid, Iccid, Imsi};
use rsp_core::Timestamp;
use rsp_core::pki::{Hierarchy, TrustAnchor, member};
use rsp_core::profile::Subscription;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, OsRng, Rng};

use crate::Failure;

/// Waits between attempts to reach the reader.
const AGAIN: Duration = Duration::from_secs(1);

/// A software eUICC as a card in a PC/SC reader: any program that speaks PC/SC
/// can use it (lpac, opensc-tool, simurgh-agent, ...).
///
/// The reader is that of vpcd (Debian: vsmartcard-vpcd), which pcscd loads. The
/// card connects to it, and connects again when pcscd starts over. What a card
/// keeps without power is in the state file, written before each answer; with
/// a file that exists, the card goes on where it was, and the options about its
/// making do not count. The file holds the card's secrets in the clear.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  simurgh-lab card --state meter.card --pki simurgh/ca
  simurgh-lab card --state meter.card --bootstrap TS48v7.der --reader localhost:35963
  opensc-tool --reader 0 --atr")]
pub(crate) struct Card {
    /// File of the card; made if it does not exist
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Where the reader's driver listens
    #[arg(long, value_name = "HOST:PORT", default_value_t = format!("localhost:{}", vpcd::DEFAULT_PORT))]
    reader: String,
    /// A profile package (SAIP, DER) that a new card has installed and enabled
    #[arg(long, value_name = "PROFILE")]
    bootstrap: Option<PathBuf>,
    /// EID of a new card; without it a random one under the EUM's prefix
    #[arg(long)]
    eid: Option<Eid>,
    /// Folder with CI and EUM of a new card, the `ca` that `simurgh init` makes;
    /// without it a test hierarchy that nobody else has
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// Make a new card for consumer devices (SGP.22): managed by an LPA, not by
    /// an eIM
    #[arg(long)]
    consumer: bool,
    /// End when the reader closes the connection
    #[arg(long)]
    once: bool,
}

impl Card {
    /// Runs until it is ended, or with `--once` until the reader goes.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        let mut rng = OsRng::new()?;
        let card = match self.state.exists() {
            true => CardFile::open(&self.state)?,
            false => self.make(&mut rng)?,
        };
        println!("EID {}", card.eid());
        let mut inserted = Powered { card, rng };
        let mut announced = false;
        loop {
            let mut stream = match vpcd::connect(&self.reader) {
                Ok(stream) => stream,
                Err(error) if self.once => return Err(self.unreachable(&error)),
                Err(error) => {
                    if !announced {
                        eprintln!("simurgh-lab: {}", self.unreachable(&error));
                        announced = true;
                    }
                    std::thread::sleep(AGAIN);
                    continue;
                }
            };
            println!("in the reader at {}", self.reader);
            announced = false;
            match vpcd::serve(&mut stream, &mut inserted) {
                Ok(()) => println!("out of the reader"),
                // The reader went amid a message; a card that failed cannot go
                // on.
                Err(error) if inserted.card.is_usable() => {
                    println!("out of the reader: {error}");
                }
                Err(error) => return Err(error.into()),
            }
            if self.once {
                return Ok(true);
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn unreachable(&self, error: &io::Error) -> Failure {
        format!(
            "no reader at {}: {error}. Is pcscd running, with vpcd as its driver?",
            self.reader
        )
        .into()
    }

    fn make(&self, rng: &mut dyn Rng) -> Result<CardFile, Failure> {
        let factory = match &self.pki {
            Some(folder) => crate::demo::factory(folder)?,
            None => test_factory(rng)?,
        };
        let eid = match self.eid {
            Some(eid) => eid,
            None => factory.eid(random(rng) % 10_u64.pow(15))?,
        };
        let mut identity = factory.identity(eid, rng)?;
        if self.consumer {
            identity.kind = EuiccKind::Consumer;
        }
        let mut card = euicc::Euicc::new(identity.personalisation());
        if let Some(package) = &self.bootstrap {
            install(&factory, &mut card, package, rng)?;
        }
        made(&self.state, identity, card)
    }
}

fn made(path: &Path, identity: CardIdentity, card: euicc::Euicc) -> Result<CardFile, Failure> {
    let card = CardFile::create(path, identity, card)?;
    println!("new card in {}", path.display());
    Ok(card)
}

/// Personalises the package for a random subscriber of the test network 999 70.
fn install(
    factory: &Factory,
    card: &mut euicc::Euicc,
    package: &Path,
    rng: &mut dyn Rng,
) -> Result<(), Failure> {
    let template = std::fs::read(package).map_err(|e| format!("{}: {e}", package.display()))?;
    let number = random(rng) % 1_000_000_000;
    let iccid: Iccid = format!("8999970000{number:09}0").parse()?;
    let imsi: Imsi = format!("999700{number:09}").parse()?;
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    let subscription = Subscription::new(iccid, imsi, ki, opc);
    factory.install_bootstrap(
        card,
        &Bootstrap {
            template: &template,
            subscription: &subscription,
            profile_name: "Bootstrap",
            smdp_address: "smdp.example.com",
            fallback_allowed: true,
            enabled: true,
        },
    )?;
    println!("bootstrap profile {iccid}, enabled");
    Ok(())
}

fn random(rng: &mut dyn Rng) -> u64 {
    let mut octets = [0; 8];
    rng.fill(&mut octets);
    u64::from_be_bytes(octets)
}

/// CI and EUM of their own, valid for ten years.
fn test_factory(rng: &mut dyn Rng) -> Result<Factory, Failure> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let not_before = Timestamp::from_secs(now.as_secs());
    let hierarchy = Hierarchy {
        curve: Curve::NistP256,
        smds_host: "smds.simurgh.test".to_string(),
        organization: "Simurgh Lab".to_string(),
        smdp_host: "smdp.example.com".to_string(),
        eim_host: "eim.example.com".to_string(),
        door_host: "localhost".to_string(),
        eid_prefix: "89049032".to_string(),
        not_before,
        not_after: not_before.after(Duration::from_secs(10 * 365 * 86_400)),
    };
    let mut keys = OsRng::new()?;
    let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
    let mut issued = hierarchy.issue_all(make_key, &SoftwareProvider, rng)?;
    let mut take = |member: &str| {
        let at = issued.iter().position(|issued| issued.member == member);
        at.map(|at| issued.swap_remove(at))
            .ok_or_else(|| format!("the hierarchy has no {member}"))
    };
    let (ci, eum) = (take(member::CI)?, take(member::EUM)?);
    let anchor = TrustAnchor::new(&ci.certificate, &SoftwareProvider)?;
    Ok(Factory::new(anchor, eum.certificate, eum.key)?)
}
