//! A whole device that is not ours, up to its card: a program in Python, which
//! was written from `docs/esipa-over-mqtt.md`, carries an enable out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../src/broker.rs"]
#[allow(dead_code, reason = "the demonstration uses the rest")]
mod broker;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use broker::PrivateBroker;
use lab::reader::{Insertion, Powered};
use lab::{World, inspect};
use rsp_core::binding::{HttpRequest, HttpResponse, esipa};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::{Context, Timestamp, profile};
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Handler, MqttServer, Peer};
use store::EimHost;
use tokio::runtime::{Builder, Runtime};

/// As `broker` has it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const EIM: &str = "eim.example.com";

/// The eIM of a world, at its time.
struct Esipa(Arc<EimHost>, Timestamp);

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let (binding, message) = match esipa::decode_request(&request) {
            Ok(decoded) => decoded,
            Err(error) => return esipa::refuse(&request, &error),
        };
        let mut cx = Context {
            now: self.1,
            rng: &mut OsRng::new().unwrap(),
            crypto: &SoftwareProvider,
        };
        self.0.handle(&message, &mut cx).unwrap().encode(binding)
    }
}

/// Serves devices through the broker until the runtime ends.
fn serve(broker: &PrivateBroker, esipa: Esipa) -> Runtime {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let (tell, mut ready) = tokio::sync::mpsc::unbounded_channel();
    let server = MqttServer::new(broker.eim(), EIM, Arc::new(SoftwareProvider));
    let server = server.on_ready(move || {
        let _ = tell.send(());
    });
    runtime.spawn(server.serve(esipa, std::future::pending()));
    runtime.block_on(async {
        let began = tokio::time::timeout(Duration::from_secs(10), ready.recv());
        began.await.unwrap().unwrap();
    });
    runtime
}

/// The program, ended when dropped.
struct Device(Child);

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Device {
    fn start(broker: &PrivateBroker, eid: &str) -> Device {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mqtt_device/device.py");
        let address = broker.address.ip().to_string();
        let port = broker.address.port().to_string();
        let child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--broker", broker::HOST, "--address", &address])
            .args(["--port", &port, "--eim", EIM, "--device", eid])
            .args(["--password", broker::PASSWORD])
            .arg("--ca")
            .arg(broker.ca())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Device(child.unwrap_or_else(|error| panic!("{error} (cargo xtask setup)")))
    }

    /// What it writes on standard error.
    fn complaint(&mut self) -> String {
        let mut said = String::new();
        if let Some(stderr) = &mut self.0.stderr {
            stderr.read_to_string(&mut said).unwrap();
        }
        said
    }
}

/// Two profiles, the first enabled; the eIM has the second one enabled, by a
/// device of which nothing but the card is ours.
#[test]
fn a_device_in_python_enables_a_profile() {
    let mut world = World::new(71).unwrap();
    let template = profile::template();
    let [first, second] = [1, 2].map(|number| {
        let subscription = world.subscription(number).unwrap();
        let activation_code = world.order(&template, &subscription).unwrap();
        world
            .queue(OperationKind::Download { activation_code })
            .unwrap();
        world.round().unwrap();
        subscription.iccid
    });
    let enable = |iccid| OperationKind::Enable {
        iccid,
        rollback: false,
    };
    world.queue(enable(first)).unwrap();
    world.round().unwrap();
    let ordered = world.queue(enable(second)).unwrap();
    let (eid, now) = (world.eid.to_string(), world.now);
    let World { eim, card, .. } = world;
    let eim = Arc::new(eim);

    let broker = PrivateBroker::start_for(EIM, &[&eid]).unwrap();
    let runtime = serve(&broker, Esipa(eim.clone(), now));
    let mut device = Device::start(&broker, &eid);
    let mut lines = BufReader::new(device.0.stdout.take().unwrap()).lines();
    let reader = lines
        .next()
        .unwrap_or_else(|| panic!("{}", device.complaint()));
    let rng = OsRng::new().unwrap();
    let reader = format!("127.0.0.1:{}", reader.unwrap());
    let card = Insertion::new(&reader, Powered { card, rng }).unwrap();
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    let complaint = device.complaint();
    assert!(device.0.wait().unwrap().success(), "{said:?} {complaint}");

    let [package, acknowledged, nothing, end] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(package.starts_with("BF4F 200 BF4F"), "{package}");
    assert!(acknowledged.starts_with("BF50 200 BF50"), "{acknowledged}");
    assert!(acknowledged.contains("BF53"), "{acknowledged}");
    assert_eq!(nothing, "BF4F 200 BF4F03020101");
    assert_eq!(end, "nothing more");
    let state = eim.store().operation(&ordered).unwrap().unwrap().state;
    let done = matches!(state, OperationState::Confirmed { .. });
    assert!(done, "{state:?}");
    let mut card = card.remove().unwrap();
    let profiles = inspect::profiles(&mut card.card, &mut card.rng).unwrap();
    assert_eq!(profiles, [(first, false), (second, true)]);
    drop(runtime);
}
