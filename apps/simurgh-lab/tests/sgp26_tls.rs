//! The whole chain with the certificates of SGP.26 over real TLS, at a time at
//! which they are valid.
//!
//! The private key of the SGP.26 test CI is published, so what the set lacks can
//! be issued by it: the eIM's TLS certificate, which devices trust because the
//! eIM configuration data on the card name that CI, and, under the CI on
//! brainpoolP256r1, a CERT.DPtls on P-256. On P-256 CERT.DPtls is the published
//! one. Time is that of the world, for the verifiers of TLS, too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lab::{Algorithm, Material, Wire, World};
use rsp_core::Timestamp;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{OperationId, OperationKind, OperationState};
use rsp_core::ipa::{self, Event};
use rsp_core::pki::{Issued, TlsTrust, member};
use rsp_core::profile;
use rsp_crypto::Curve;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_net::{Client, ClientAuth, Handler, Limits, Peer, Server, TlsIdentity};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

const EIM: &str = "eim.example.com";
const SMDP: &str = "testsmdpplus1.example.com";

/// A request that came over TLS, for the server of this name.
type Asked = (&'static str, HttpRequest, oneshot::Sender<HttpResponse>);

/// A TLS server that hands everything to the world.
struct Door {
    name: &'static str,
    ask: mpsc::UnboundedSender<Asked>,
}

impl Handler for Door {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let (reply, answered) = oneshot::channel();
        self.ask.send((self.name, request, reply)).unwrap();
        answered.await.unwrap()
    }
}

fn identity(issued: &Issued<SoftwareKey>) -> TlsIdentity {
    let chain = vec![issued.certificate.as_bytes().to_vec()];
    TlsIdentity::from_key_pem(chain, &issued.key.to_pkcs8_pem().unwrap()).unwrap()
}

/// Whom the IPA asked, and by what it trusted them.
type Trusted = Arc<std::sync::Mutex<Vec<(String, &'static str)>>>;

/// Puts TLS between the IPA and the servers of a world.
fn over_tls(world: &mut World, eim_tls: &TlsIdentity) -> Trusted {
    let runtime = Runtime::new().unwrap();
    let (ask, mut asked) = mpsc::unbounded_channel::<Asked>();
    let dp_tls = identity(world.issued(member::DP_TLS).unwrap());
    let serve = |name: &'static str, identity: TlsIdentity| {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(any, identity, ClientAuth::None, Limits::default());
        let server = runtime.block_on(server).unwrap();
        let address = server.local_addr();
        let ask = ask.clone();
        runtime.spawn(server.serve(Door { name, ask }, std::future::pending()));
        address
    };
    let (eim, smdp) = (serve(EIM, eim_tls.clone()), serve(SMDP, dp_tls));
    let time = Arc::new(AtomicU64::new(0));
    let clock = time.clone();
    let client = Client::builder()
        .resolve(EIM, eim)
        .resolve(SMDP, smdp)
        .clock(Arc::new(move || Timestamp(clock.load(Ordering::SeqCst))))
        .keep_alive(false)
        .build(Arc::new(SoftwareProvider))
        .unwrap();
    let trusted: Trusted = Arc::default();
    let seen = trusted.clone();
    world.wire = Some(Wire(Box::new(move |world, server, request| {
        time.store(world.now.0, Ordering::SeqCst);
        seen.lock()
            .unwrap()
            .push((server.address.clone(), kind(server)));
        runtime.block_on(async {
            let mut post = std::pin::pin!(client.post(server, request.clone()));
            loop {
                tokio::select! {
                    answered = post.as_mut() => return answered.map_err(|error| error.to_string()),
                    Some((name, request, reply)) = asked.recv() => {
                        let _ = reply.send(world.serve(name, &request).unwrap());
                    }
                }
            }
        })
    })));
    trusted
}

fn kind(server: &ipa::Server) -> &'static str {
    match &server.trust {
        Some(TlsTrust::RspServer(_)) => "CERT.DPtls under a CI",
        Some(TlsTrust::Certificate(_)) => "the certificate in the eIM configuration data",
        Some(TlsTrust::PinnedKey(_)) => "a key",
        None => "nothing",
    }
}

fn sgp26(test: &str, curve: Curve) -> Option<World> {
    let folder = lab::test_data::folder(test)?;
    let material = Material::sgp26(&folder, curve).unwrap();
    Some(World::with_material(26, material).unwrap())
}

fn own_eim_tls(world: &World) -> TlsIdentity {
    identity(world.issued(member::EIM_TLS).unwrap())
}

#[track_caller]
fn assert_confirmed(world: &World, id: &OperationId) {
    let state = world.operation(id).unwrap().state;
    let confirmed = matches!(state, OperationState::Confirmed { .. });
    assert!(confirmed, "{state:?} {:?}", world.events);
}

#[test]
fn a_profile_is_ordered_downloaded_and_enabled_over_tls() {
    for curve in Curve::ALL {
        let test = "a_profile_is_ordered_downloaded_and_enabled_over_tls";
        let Some(mut world) = sgp26(test, *curve) else {
            return;
        };
        let eim_tls = own_eim_tls(&world);
        let trusted = over_tls(&mut world, &eim_tls);
        let subscription = world.subscription(1).unwrap();
        let iccid = subscription.iccid;
        let activation_code = world.order(&profile::template(), &subscription).unwrap();
        assert!(activation_code.starts_with(&format!("LPA:1${SMDP}$")));
        let download = OperationKind::Download { activation_code };
        let download = world.queue(download).unwrap();
        world.round().unwrap();
        assert_confirmed(&world, &download);
        let rollback = false;
        let enable = OperationKind::Enable { iccid, rollback };
        let enable = world.queue(enable).unwrap();
        world.round().unwrap();
        assert_confirmed(&world, &enable);
        world.confirm(&subscription, Algorithm::Milenage).unwrap();

        let trusted = trusted.lock().unwrap();
        for (name, by) in [
            (EIM, "the certificate in the eIM configuration data"),
            (SMDP, "CERT.DPtls under a CI"),
        ] {
            let mut of_name = trusted.iter().filter(|(asked, _)| asked == name).peekable();
            assert!(of_name.peek().is_some(), "{name} was not asked");
            assert!(of_name.all(|(_, trusted)| *trusted == by), "{name}");
        }
    }
}

/// What ended the rounds early.
fn failures(world: &World) -> String {
    let failed = world.events.iter().filter_map(|event| match event {
        Event::Failed { reason } => Some(reason.to_string()),
        Event::DownloadFailed { reason } => Some(reason.to_string()),
        _ => None,
    });
    failed.collect::<Vec<_>>().join("; ")
}

#[test]
fn what_is_not_under_the_test_ci_is_not_asked() {
    let test = "what_is_not_under_the_test_ci_is_not_asked";
    let Some(mut world) = sgp26(test, Curve::NistP256) else {
        return;
    };
    // The same name, by the CI of another world.
    let foreign = own_eim_tls(&World::new(1).unwrap());
    over_tls(&mut world, &foreign);
    let list = world.queue(OperationKind::ListProfileInfo).unwrap();
    world.round().unwrap();
    let state = world.operation(&list).unwrap().state;
    assert!(matches!(state, OperationState::Queued), "{state:?}");
    let said = failures(&world);
    assert!(said.contains("issued by no trusted CI"), "{said}");
}

#[test]
fn a_cert_dptls_out_of_its_time_is_not_asked() {
    let test = "a_cert_dptls_out_of_its_time_is_not_asked";
    let Some(mut world) = sgp26(test, Curve::NistP256) else {
        return;
    };
    let eim_tls = own_eim_tls(&world);
    over_tls(&mut world, &eim_tls);
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = world.queue(download).unwrap();
    // The published CERT.DPtls ends on 2027-02-06, that of the eIM later.
    world.now = Timestamp::from_rfc3339("2027-03-01").unwrap();
    world.round().unwrap();
    let state = world.operation(&download).unwrap().state;
    let confirmed = matches!(state, OperationState::Confirmed { .. });
    assert!(!confirmed, "{state:?}");
    let said = failures(&world);
    assert!(said.contains("expired"), "{said}");
}
