//! A card that brings its own IPA: over a terminal with real sockets it asks
//! the eIM for packages by TLS of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and wait for sockets"
)]

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use euicc::Environment;
use lab::{Bootstrap, CardLikeness, Terminal, World};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::OperationKind;
use rsp_core::pki::{Issued, member};
use rsp_core::profile;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_net::{ClientAuth, Handler, Limits, OperatorTrust, Peer, Server, TlsIdentity};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

const EIM: &str = "eim.example.com";
const SMDP: &str = "smdp.example.com";
const IMEI: &str = "35290611000001";

/// Looks at the line until nothing has come for so many milliseconds.
const QUIET: u32 = 400;

/// A request that came over TLS, and for whom.
type Asked = (&'static str, HttpRequest, oneshot::Sender<HttpResponse>);

/// A TLS server that hands everything to the world.
struct Door(&'static str, mpsc::UnboundedSender<Asked>);

impl Handler for Door {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let (reply, answered) = oneshot::channel();
        self.1.send((self.0, request, reply)).unwrap();
        answered.await.unwrap()
    }
}

fn identity(issued: &Issued<SoftwareKey>) -> TlsIdentity {
    let chain = vec![issued.certificate.as_bytes().to_vec()];
    TlsIdentity::from_key_pem(chain, &issued.key.to_pkcs8_pem().unwrap()).unwrap()
}

struct Site {
    world: World,
    terminal: Terminal,
    asked: mpsc::UnboundedReceiver<Asked>,
    /// Server and last part of the path.
    requests: Vec<String>,
    _runtime: Runtime,
}

impl Site {
    fn new(eim_tls: impl FnOnce(&World) -> TlsIdentity, relayed: bool) -> Site {
        let mut world = World::new(77).unwrap();
        let eid = world.factory.eid(5).unwrap();
        let mut card = world.factory.identity(eid, &mut world.rng).unwrap();
        card.likeness.with_ipae = true;
        card.likeness.ipae_relayed = relayed;
        world.insert(card).unwrap();
        let runtime = Runtime::new().unwrap();
        let (ask, asked) = mpsc::unbounded_channel();
        let smdp_tls = identity(world.issued(member::DP_TLS).unwrap());
        // An SM-DP+ asks everybody for a certificate that only operators have.
        let ca = world.issued(member::PRIVATE_CA).unwrap();
        let ca = ca.certificate.as_bytes().to_vec();
        let operators = OperatorTrust::new(&[ca], Arc::new(SoftwareProvider)).unwrap();
        let doors = [
            (EIM, eim_tls(&world), ClientAuth::None),
            (SMDP, smdp_tls, ClientAuth::Optional(operators)),
        ];
        let routes = doors.into_iter().map(|(name, tls, clients)| {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = Server::bind(any, tls, clients, Limits::default());
            let server = runtime.block_on(server).unwrap();
            let known = CardLikeness::HOSTS.iter().find(|(host, _)| *host == name);
            let there = SocketAddrV4::new(known.unwrap().1.into(), 443);
            let route = (there, server.local_addr());
            runtime.spawn(server.serve(Door(name, ask.clone()), std::future::pending()));
            route
        });
        let terminal = Terminal::new(&IMEI.parse().unwrap(), routes.collect());
        Site {
            world,
            terminal,
            asked,
            requests: Vec::new(),
            _runtime: runtime,
        }
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Terminal, &mut euicc::Euicc, &mut Environment<'_>) -> T,
    ) -> T {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.world.rng,
        };
        act(&mut self.terminal, &mut self.world.card, &mut environment)
    }

    /// The device leaves ESipa to the card.
    fn activate(&mut self) {
        assert!(self.with(Terminal::activate_ipa));
    }

    /// The card's timer expires, and everything that follows from it.
    fn round(&mut self) {
        assert!(
            self.terminal.timer().is_some(),
            "the card waits for a timer"
        );
        self.with(Terminal::expire);
        let mut quiet = 0;
        while quiet < QUIET {
            while let Ok((server, request, reply)) = self.asked.try_recv() {
                let function = request.path.rsplit('/').next().unwrap();
                self.requests.push(format!("{server} {function}"));
                let response = self.world.serve(server, &request).unwrap();
                let _ = reply.send(response);
                quiet = 0;
            }
            if self.with(Terminal::poll) {
                quiet = 0;
            } else if !self.terminal.is_connected() {
                return;
            } else {
                std::thread::sleep(Duration::from_millis(1));
                quiet += 1;
            }
        }
        panic!("a round without end");
    }
}

#[test]
fn a_profile_is_disabled_by_the_ipa_in_the_card() {
    let tls = |world: &World| identity(world.issued(member::EIM_TLS).unwrap());
    let mut site = Site::new(tls, false);
    let subscription = site.world.subscription(1).unwrap();
    let template = profile::template();
    let bootstrap = Bootstrap {
        template: &template,
        subscription: &subscription,
        profile_name: "First connection",
        smdp_address: "smdp.example.com",
        fallback_allowed: false,
        enabled: true,
    };
    let world = &mut site.world;
    let installed = world.factory.install_bootstrap(&mut world.card, &bootstrap);
    installed.unwrap();
    site.activate();
    let iccid = subscription.iccid;
    let disable = site.world.queue(OperationKind::Disable { iccid }).unwrap();
    // The eIM asks for the certificates, then gives the package; the terminal
    // begins anew on a card without a profile, and the result is delivered.
    site.round();
    assert_eq!(site.terminal.refreshed(), 1);
    for _ in 0..2 {
        site.round();
    }
    let operation = site.world.operation(&disable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    assert!(site.requests.len() >= 5, "{:?}", site.requests);
}

/// A trigger, the download, its results, and the profile enabled.
fn a_profile_is_downloaded_and_enabled(relayed: bool) -> Vec<String> {
    let tls = |world: &World| identity(world.issued(member::EIM_TLS).unwrap());
    let mut site = Site::new(tls, relayed);
    site.activate();
    let subscription = site.world.subscription(1).unwrap();
    let iccid = subscription.iccid;
    let code = site.world.order(&profile::template(), &subscription);
    let download = OperationKind::Download {
        activation_code: code.unwrap(),
    };
    let download = site.world.queue(download).unwrap();
    site.round();
    let operation = site.world.operation(&download).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    let enable = OperationKind::Enable {
        iccid,
        rollback: false,
    };
    let enable = site.world.queue(enable).unwrap();
    for _ in 0..3 {
        site.round();
    }
    let operation = site.world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    let waiting = lab::inspect::waiting(&mut site.world.card, &mut site.world.rng);
    assert_eq!(waiting.unwrap(), 0);
    site.requests
}

#[test]
fn a_profile_comes_from_the_smdp() {
    let requests = a_profile_is_downloaded_and_enabled(false);
    let at_smdp: Vec<_> = requests.iter().filter(|to| to.starts_with(SMDP)).collect();
    let expected = [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
    ];
    assert_eq!(
        at_smdp,
        expected.map(|name| format!("{SMDP} {name}")).each_ref()
    );
}

#[test]
fn a_profile_comes_through_the_eim() {
    let requests = a_profile_is_downloaded_and_enabled(true);
    assert!(
        requests.iter().all(|to| to.starts_with(EIM)),
        "{requests:?}"
    );
}

#[test]
fn a_server_of_another_world_is_told_nothing() {
    let foreign = World::new(1).unwrap();
    let mut site = Site::new(
        |_| identity(foreign.issued(member::EIM_TLS).unwrap()),
        false,
    );
    site.activate();
    site.world.queue(OperationKind::ListProfileInfo).unwrap();
    site.round();
    assert_eq!(site.requests, Vec::<String>::new());
}
