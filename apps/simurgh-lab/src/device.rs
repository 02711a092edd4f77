//! `simurgh-lab device`: one device in the field, to try a server with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use euicc::Euicc;
use lab::{Bootstrap, Outward};
use rsp_asn1::Asn1;
use rsp_asn1::ids::{Eid, Iccid, Imsi};
use rsp_asn1::sgp32::EimConfigurationData;
use rsp_core::Timestamp;
use rsp_core::ipa::{Config, Event, Input};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{OsRng, Rng};
use rsp_net::Client;

use crate::Failure;

/// A virtual device: a software eUICC with an enabled profile, and the product's IPA,
/// which polls the eIM over TLS.
///
/// It is made anew each time, as in a factory: under the EUM of `--pki`, and told of
/// the eIM of `--eim`. What the eIM has to be told of it is printed. It forgets
/// everything when it ends.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  simurgh eim configuration --der eim.der
  simurgh-lab device --pki server/ca --eim eim.der --eid 89049032000000000000000000000163")]
pub(crate) struct Device {
    /// Folder with CI and EUM, the `ca` that `simurgh init --plain-ca` makes
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,
    /// File with the EimConfigurationData of its eIM, in DER
    #[arg(long, value_name = "FILE")]
    eim: PathBuf,
    /// Its EID, under the EUM's prefix; without it a random one
    #[arg(long)]
    eid: Option<Eid>,
    /// Seconds between two polls
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    poll: u64,
    /// Where a server is, beside what DNS says
    #[arg(long, value_name = "HOST=ADDRESS:PORT", default_values_t = [
        Place { host: "eim.simurgh.test".into(), address: ([127, 0, 0, 1], 8443).into() },
        Place { host: "smdp.simurgh.test".into(), address: ([127, 0, 0, 1], 8444).into() },
    ])]
    resolve: Vec<Place>,
}

/// Where a host is.
#[derive(Clone, Debug)]
struct Place {
    host: String,
    address: SocketAddr,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.host, self.address)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, address) = text.split_once('=').ok_or("not HOST=ADDRESS:PORT")?;
        let address = address.parse().map_err(|_| "not an address and a port")?;
        Ok(Place {
            host: host.to_string(),
            address,
        })
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}

impl Device {
    /// Polls until it is ended.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut rng = OsRng::new()?;
        let mut device = self.make(&mut rng)?;
        let mut client = Client::builder();
        for Place { host, address } in &self.resolve {
            client = client.resolve(host, *address);
        }
        let client = client.build(Arc::new(SoftwareProvider))?;
        runtime.block_on(async {
            tokio::select! {
                ended = crate::demo::interrupted() => ended.map(|()| true),
                never = field(&mut device, &client, &mut rng) => match never {},
            }
        })
    }

    fn make(&self, rng: &mut OsRng) -> Result<lab::Device, Failure> {
        let factory = crate::demo::factory(&self.pki)?;
        let eid = match self.eid {
            Some(eid) => eid,
            None => factory.eid(random(rng) % 10_u64.pow(15))?,
        };
        let identity = factory.identity(eid, rng)?;
        let mut card = Euicc::new(identity.personalisation());
        let iccid = install(&factory, &mut card, rng)?;
        let eim =
            std::fs::read(&self.eim).map_err(|error| format!("{}: {error}", self.eim.display()))?;
        let eim = EimConfigurationData::from_der(&eim).map_err(|error| {
            let remedy = "`simurgh eim configuration --der FILE` writes one";
            format!("{}: {error}: {remedy}", self.eim.display())
        })?;
        let counter = eim.counter_value.unwrap_or_default();
        let token = factory.add_initial_eim(&mut card, eim, rng)?;
        println!("EID {eid}, profile {iccid} enabled");
        let mut add = format!("simurgh device add {eid} --counter-value {counter}");
        if let Some(token) = token {
            add.push_str(&format!(" --association-token {token}"));
        }
        println!("to be told to the eIM: {add}");
        let config = Config {
            poll_interval: Duration::from_secs(self.poll),
            ..Config::new(lab::device_info(), vec![factory.ci.clone()])
        };
        Ok(lab::Device::new(identity, card, config, now()))
    }
}

fn random(rng: &mut OsRng) -> u64 {
    let mut octets = [0; 8];
    rng.fill(&mut octets);
    u64::from_le_bytes(octets)
}

/// A subscription of the test network 999 01, with keys that nobody else has.
fn install(factory: &lab::Factory, card: &mut Euicc, rng: &mut OsRng) -> Result<Iccid, Failure> {
    let number = random(rng) % 10_u64.pow(9);
    let iccid: Iccid = format!("8999910000{number:09}0").parse()?;
    let imsi: Imsi = format!("99901{number:010}").parse()?;
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: &Subscription::new(iccid, imsi, ki, opc),
        profile_name: "Bootstrap",
        smdp_address: "smdp.simurgh.test",
        fallback_allowed: true,
        enabled: true,
    };
    factory.install_bootstrap(card, &bootstrap)?;
    Ok(iccid)
}

/// Lets the device do what it wants, and says what that is.
async fn field(
    device: &mut lab::Device,
    client: &Client,
    rng: &mut OsRng,
) -> std::convert::Infallible {
    loop {
        let input = match device.next(now(), rng) {
            Outward::Event(event) => {
                say(&event);
                continue;
            }
            Outward::Http { server, request } => {
                let response = client.post(&server, request).await;
                Input::Http(response.map_err(|error| error.to_string()))
            }
            Outward::Wait(until) => {
                let pause = until.map_or(Duration::from_secs(1), |until| until.since(now()));
                tokio::time::sleep(pause).await;
                Input::Time
            }
        };
        device.handle(input, now());
    }
}

fn say(event: &Event) {
    match event {
        Event::Idle => println!("rests until its next poll"),
        Event::Failed { reason } => println!("the eIM or the link: {reason}"),
        event => println!("{event:?}"),
    }
}
