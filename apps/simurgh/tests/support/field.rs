//! Devices with cards of their own, of the issuers that `simurgh init` made.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "each test uses a part; tests fail by panicking"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use euicc::Euicc;
use lab::{Bootstrap, Device, Factory, Outward};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EimConfigurationData;
use rsp_core::Timestamp;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa::{Config, DeviceEvent, Event, Input, Server};
use rsp_core::pki::{TrustAnchor, certificate_from_pem};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::Value;

use crate::support::{self, issuer_key};

/// A card in a device.
pub(crate) struct Fielded {
    device: Device,
    rng: OsRng,
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(since.as_millis() as u64)
}

fn octets(hex: &str) -> Vec<u8> {
    let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(octet).collect()
}

fn install(factory: &Factory, card: &mut Euicc, iccid: &str, enabled: bool) {
    let (iccid, imsi) = (iccid.parse().unwrap(), "999700000000001".parse().unwrap());
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: &Subscription::new(iccid, imsi, [1; 16], [2; 16]),
        profile_name: "Bootstrap",
        smdp_address: "smdp.example.com",
        fallback_allowed: true,
        enabled,
    };
    factory.install_bootstrap(card, &bootstrap).unwrap();
}

impl Fielded {
    /// As many, known to the server that `ask` asks; `folder` is that of `init`. Their
    /// cards have these profiles, the last of them enabled.
    pub(crate) fn some(
        folder: &Path,
        count: u64,
        profiles: &[&str],
        ask: impl Fn(usize, &[&str]) -> Value,
    ) -> Vec<Self> {
        Self::configured(folder, count, profiles, ask, |config| config)
    }

    /// The same with other settings of their IPAs.
    pub(crate) fn configured(
        folder: &Path,
        count: u64,
        profiles: &[&str],
        ask: impl Fn(usize, &[&str]) -> Value,
        configure: impl Fn(Config) -> Config,
    ) -> Vec<Self> {
        let ca = |member: &str| {
            let file = folder.join(format!("ca/{member}.pem"));
            certificate_from_pem(&std::fs::read_to_string(file).unwrap()).unwrap()
        };
        let anchor = TrustAnchor::new(&ca("ci"), &SoftwareProvider).unwrap();
        let eum_key = issuer_key(folder, "eum");
        let factory = Factory::new(anchor.clone(), ca("eum"), eum_key).unwrap();
        let configuration = ask(0, &["eim", "configuration"]);
        let data = octets(configuration["eim_configuration_data"].as_str().unwrap());
        let counter = configuration["counter_value"].as_i64().unwrap().to_string();
        let make = |number| {
            let mut rng = OsRng::new().unwrap();
            let eid = factory.eid(number).unwrap();
            let identity = factory.identity(eid, &mut rng).unwrap();
            let mut card = Euicc::new(identity.personalisation());
            for (at, iccid) in profiles.iter().enumerate() {
                install(&factory, &mut card, iccid, at + 1 == profiles.len());
            }
            let data = EimConfigurationData::from_der(&data).unwrap();
            let token = factory.add_initial_eim(&mut card, data, &mut rng).unwrap();
            let token = token.map(|token| token.to_string());
            let eid = eid.to_string();
            let mut add = vec!["device", "add", &eid, "--counter-value", &counter];
            if let Some(token) = &token {
                add.extend(["--association-token", token]);
            }
            ask(number as usize, &add);
            let config = configure(Config {
                jitter_seed: number,
                ..Config::new(lab::device_info(), vec![anchor.clone()])
            });
            Fielded {
                device: Device::new(identity, card, config, now()),
                rng,
            }
        };
        (1..=count).map(make).collect()
    }

    pub(crate) fn eid(&self) -> Eid {
        self.device.eid()
    }

    /// What the device tells its IPA, for the next round.
    pub(crate) fn tell(&mut self, event: DeviceEvent) {
        self.device.handle(Input::Device(event), now());
    }

    /// One round, until the device rests or gives up.
    pub(crate) async fn round(
        &mut self,
        mut exchange: impl AsyncFnMut(&Server, HttpRequest) -> Result<HttpResponse, String>,
    ) {
        self.device.wake_ipa(now());
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let input = match self.device.next(now(), &mut self.rng) {
                Outward::Event(Event::Idle | Event::Failed { .. }) => return,
                Outward::Event(_) => continue,
                Outward::Wait(_) => return,
                Outward::Http { server, request } => Input::Http(exchange(&server, request).await),
            };
            self.device.handle(input, now());
        }
        panic!("a round without an end");
    }
}

/// A server with one device in the field.
pub(crate) struct Site {
    pub(crate) server: support::Server,
    pub(crate) device: Fielded,
    runtime: tokio::runtime::Runtime,
    client: Client,
    /// What its device has sent and was answered, by the name of whom it asked.
    pub(crate) exchanged: Vec<(String, HttpRequest, HttpResponse)>,
}

impl Site {
    /// Whose card has these profiles, the last of them enabled.
    pub(crate) fn new(name: &str, profiles: &[&str]) -> Self {
        let server = support::Server::start(name, &[]);
        let smdp = server.address("smdp");
        Self::of(server, profiles, smdp)
    }

    /// The same with a server that runs; its devices find `smdp.simurgh.test` there.
    pub(crate) fn of(server: support::Server, profiles: &[&str], smdp: SocketAddr) -> Self {
        let ask = |_: usize, arguments: &[&str]| server.json(arguments);
        let device = Fielded::some(server.folder(), 1, profiles, ask).remove(0);
        Self::with(server, device, smdp)
    }

    /// The same with a device that is there.
    pub(crate) fn with(server: support::Server, device: Fielded, smdp: SocketAddr) -> Self {
        let client = Client::builder()
            .resolve("eim.simurgh.test", server.address("eim"))
            .resolve("smdp.simurgh.test", smdp);
        Site {
            device,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: client.build(Arc::new(SoftwareProvider)).unwrap(),
            server,
            exchanged: Vec::new(),
        }
    }

    /// The device polls until it is over; what is asked by the name `lost`, if it is
    /// given, gets lost.
    pub(crate) fn poll_until(
        &mut self,
        lost: Option<&str>,
        over: impl Fn(&support::Server) -> bool,
    ) {
        let until = Instant::now() + Duration::from_secs(60);
        while !over(&self.server) {
            assert!(Instant::now() < until, "{}", self.server.log());
            std::thread::sleep(Duration::from_millis(100));
            let exchange = async |server: &Server, request: HttpRequest| {
                if lost.is_some_and(|lost| request.path.ends_with(lost)) {
                    return Err("lost".to_string());
                }
                let response = self.client.post(server, request.clone()).await;
                let response = response.map_err(|error| error.to_string())?;
                let asked = (server.address.clone(), request, response.clone());
                self.exchanged.push(asked);
                Ok(response)
            };
            self.runtime.block_on(self.device.round(exchange));
        }
    }
}
