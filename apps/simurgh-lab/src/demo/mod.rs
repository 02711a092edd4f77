//! `simurgh-lab demo`: the first run, on the real server over loopback TLS.

mod card_ipa;
mod device;
pub(crate) mod folder;
mod network;
pub(crate) mod operator;
mod report;
pub(crate) mod server;
mod supply;

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use clap::Args;
use lab::{Factory, Likeness};
use rsp_asn1::ids::Eid;
use rsp_core::pki::TrustAnchor;
use rsp_core::profile;
use rsp_crypto::OsRng;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::Failure;
use crate::broker::PrivateBroker;
use crate::wires::Binding;
use device::Kept;
use network::Network;
use operator::Operator;
use report::{Progress, Report, Run};
use server::ServerProcess;
use supply::Supply;

/// Each device is made with a software eUICC that has an enabled bootstrap
/// profile and knows the eIM. An operational profile is ordered for it over
/// ES2+, the eIM triggers the download, the IPA fetches it over ES9+ or through
/// the eIM, and the eUICC installs it; then the eUICC enables it under a signed eUICC Package.
/// That AUTHENTICATE fits the keys in the order, and that the bootstrap profile
/// is disabled, confirms the device.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the run; without it servers and devices stay up
    #[arg(long)]
    once: bool,
    /// How many devices
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    devices: u32,
    /// A profile package (SAIP, DER) to personalise instead of the built-in one
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Announce factory-fresh devices in a manifest and touch nothing more: each
    /// polls, is checked against the manifest, and a rule of the server chooses,
    /// downloads and enables its profile
    #[arg(long)]
    zero_touch: bool,
    /// Devices that act at the same time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    parallel: u32,
    /// Which way profiles come to devices: from the SM-DP+ (ES9+), or through
    /// the eIM (ESipa)
    #[arg(long, value_enum, default_value_t)]
    download: Download,
    /// What kind of eUICC is in the devices: one for IoT, or one for consumer
    /// devices, in whose place the IPA answers the eIM
    #[arg(long, value_enum, default_value_t)]
    card: Card,
    /// Whose IPA: the device's, or the card's own over channels of the terminal
    #[arg(long, value_enum, default_value_t)]
    ipa: IpaPlace,
    /// The server program; beside this program by default
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// What carries ESipa, and how its messages are written
    #[arg(long, value_enum, default_value_t = Binding::Asn1)]
    binding: Binding,
    /// Keep keys, database and log in this new folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// The server's rule for devices that are announced.
const ZERO_TOUCH_RULE: &str = r#"zero_touch=[{name="demo",profile_type="operational"}]"#;

/// Which way a profile comes to a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Download {
    /// From the SM-DP+.
    #[default]
    Direct,
    /// Through the eIM.
    Indirect,
}

/// What kind of eUICC is in a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Card {
    /// SGP.32.
    #[default]
    Iot,
    /// SGP.22.
    Consumer,
}

/// Where a device has its IPA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum IpaPlace {
    /// In the device (IPAd).
    #[default]
    Device,
    /// In the card (IPAe).
    Card,
}

/// What all devices share.
pub(crate) struct Setting {
    pub(crate) operator: Operator,
    /// The network of the devices.
    pub(crate) devices: Network,
    pub(crate) factory: Factory,
    pub(crate) supply: Supply,
    /// Whether devices are only announced, and not operated.
    pub(crate) zero_touch: bool,
    pub(crate) download: Download,
    pub(crate) card: Card,
    pub(crate) ipa: IpaPlace,
    /// What devices at rest have in common.
    pub(crate) likeness: OnceCell<Likeness>,
}

/// What came of the devices.
#[derive(Default)]
struct Fleet {
    report: Report,
    /// The first of those that stay up.
    first: Option<Eid>,
    /// Those that stay up: they poll in this order.
    kept: VecDeque<Kept>,
}

impl Demo {
    /// Runs it; whether every device was confirmed.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        LocalSet::new().block_on(&runtime, self.act())
    }

    async fn act(&self) -> Result<bool, Failure> {
        let started = Instant::now();
        if let Some(why) = self.contradiction() {
            return Err(why.into());
        }
        let template = self.template()?;
        let broker = match self.binding {
            Binding::Mqtt => Some(PrivateBroker::start(server::EIM)?),
            _ => None,
        };
        let mut settings = network::settings(self.binding, broker.as_ref());
        if self.zero_touch {
            settings.push(ZERO_TOUCH_RULE.to_string());
        }
        let (program, folder) = (self.server.as_deref(), self.dir.as_deref());
        let mut server = ServerProcess::start(program, folder, &settings).await?;
        let setting = Rc::new(Setting {
            operator: Operator::new(&server)?,
            devices: Network::new(self.binding, &server, broker)?,
            factory: factory(server.ca())?,
            supply: Supply::new(template, self.devices, self.zero_touch),
            zero_touch: self.zero_touch,
            download: self.download,
            card: self.card,
            ipa: self.ipa,
            likeness: OnceCell::new(),
        });
        let progress = Progress::new(self.devices);
        progress.step("server started");
        let fleet = self.run_devices(&setting, &progress);
        let done = tokio::select! {
            done = fleet => done,
            ended = server.wait() => ended.and(Err("the server ended".into())),
            ended = interrupted() => ended.and(Err("interrupted".into())),
        };
        progress.finish();
        let mut fleet = match done {
            Ok(fleet) => fleet,
            Err(error) => {
                server.stop().await;
                return Err(error);
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        let all = fleet.report.print(self.devices, seconds);
        report::print_memory(server.peak_memory());
        if !self.once {
            let eid = fleet.first;
            let devices = std::mem::take(&mut fleet.kept);
            report::print_resting(devices.iter().map(Kept::octets));
            server.explain(eid);
            stay_up(&mut server, devices, self.parallel, &setting).await?;
        }
        server.stop().await;
        fleet.report.print_line(self.devices, seconds);
        Ok(all)
    }

    /// Takes every device through its run, some of them at a time.
    async fn run_devices(
        &self,
        setting: &Rc<Setting>,
        progress: &Progress,
    ) -> Result<Fleet, Failure> {
        let fleet = Rc::new(RefCell::new(Fleet::default()));
        let keep = !self.once;
        let workers = (0..self.parallel.min(self.devices)).map(|_| {
            let (setting, fleet, progress) = (setting.clone(), fleet.clone(), progress.clone());
            tokio::task::spawn_local(async move {
                while let Some((number, subscription)) = setting.supply.next(&setting).await? {
                    let mut run = Run::new(progress.clone());
                    let device = device::run(number, subscription, &setting, &mut run).await;
                    if let Err(failed) = &device {
                        progress.device_failed(&failed.device, &failed.reason);
                    }
                    let mut fleet = fleet.borrow_mut();
                    fleet.report.add(run, device.is_ok());
                    if let Some(device) = device.ok().filter(|_| keep) {
                        fleet.first.get_or_insert(device.eid());
                        fleet.kept.push_back(device.rest(&setting));
                    }
                }
                Ok::<_, Failure>(())
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await??;
        }
        Ok(fleet.take())
    }

    /// Why the options do not go together.
    fn contradiction(&self) -> Option<&'static str> {
        match (self.ipa, self.binding, self.card) {
            (IpaPlace::Device, ..) | (_, Binding::Asn1, Card::Iot) => None,
            (IpaPlace::Card, Binding::Asn1, Card::Consumer) => {
                Some("--ipa card needs --card iot: consumer eUICCs have no IPA")
            }
            (IpaPlace::Card, ..) => Some(
                "--ipa card needs --binding asn1: the IPA in the card speaks HTTPS with ASN.1 alone",
            ),
        }
    }

    /// The package to personalise.
    fn template(&self) -> Result<Vec<u8>, Failure> {
        let Some(file) = &self.profile else {
            return Ok(profile::template());
        };
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let package = std::fs::read(file).map_err(|error| named(&error))?;
        profile::describe(&package).map_err(|error| named(&error))?;
        Ok(package)
    }
}

/// Servers and devices go on until somebody ends them. Devices wake for their
/// polls, so many at a time.
async fn stay_up(
    server: &mut ServerProcess,
    devices: VecDeque<Kept>,
    parallel: u32,
    setting: &Rc<Setting>,
) -> Result<(), Failure> {
    let devices = Rc::new(RefCell::new(devices));
    let polling: Vec<_> = (0..parallel)
        .map(|_| tokio::task::spawn_local(poll_in_turns(devices.clone(), setting.clone())))
        .collect();
    tokio::select! {
        ended = interrupted() => ended?,
        ended = server.wait() => ended?,
    }
    polling.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

async fn poll_in_turns(devices: Rc<RefCell<VecDeque<Kept>>>, setting: Rc<Setting>) {
    loop {
        let Some(next) = devices.borrow_mut().pop_front() else {
            return;
        };
        match next.poll(&setting).await {
            Ok(device) => devices.borrow_mut().push_back(device),
            Err(error) => eprintln!("a device does not wake: {error}"),
        }
    }
}

/// Comes when somebody wants this to end.
pub(crate) async fn interrupted() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// A factory under the EUM of the server's test hierarchy.
pub(crate) fn factory(ca: &Path) -> Result<Factory, Failure> {
    use rsp_core::pki::member;
    let ci = server::certificate(&ca.join(format!("{}.pem", member::CI)))?;
    let eum_certificate = server::certificate(&ca.join(format!("{}.pem", member::EUM)))?;
    let key = std::fs::read_to_string(ca.join(format!("{}.key.pem", member::EUM)))?;
    Ok(Factory::new(
        TrustAnchor::new(&ci, &SoftwareProvider)?,
        eum_certificate,
        SoftwareKey::from_pkcs8_pem(&key)?,
    )?)
}

/// Randomness of devices and operator.
pub(crate) fn random() -> Result<OsRng, Failure> {
    Ok(OsRng::new()?)
}
