//! Events go to a broker, each tenant's in their order and none is left out, whoever
//! is killed. The broker is mosquitto, who reads is Eclipse's client.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "../../simurgh-lab/src/broker.rs"]
#[allow(dead_code, reason = "the demonstration uses the rest")]
mod broker;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use broker::PrivateBroker;
use serde_json::Value;
use support::{Folder, Server};

/// As `broker` has it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const PATIENCE: Duration = Duration::from_secs(60);

/// Who reads at the broker.
struct Receiver {
    child: Child,
    came: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(broker: &PrivateBroker) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/subscriber.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(broker.address.port().to_string())
            .arg(broker.ca())
            .args([broker::EVENTS_USER, broker::PASSWORD, "simurgh/events/#"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("subscribed"), "{first}");
        let came = Arc::new(Mutex::new(Vec::new()));
        let put = came.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let said: Value = serde_json::from_str(&line).unwrap();
                if said["event"].is_object() {
                    put.lock().unwrap().push(said);
                }
            }
        });
        Receiver { child, came }
    }

    /// The devices of which events came, each for the first time, in that order; by the
    /// numbers nothing is left out.
    fn devices(&self) -> Vec<String> {
        let (mut seen, mut devices) = (BTreeSet::new(), Vec::new());
        for said in &*self.came.lock().unwrap() {
            let event = &said["event"];
            let number: u64 = match &event["sequence"] {
                Value::String(text) => text.trim_start_matches('0').parse().unwrap(),
                number => number.as_u64().unwrap(),
            };
            if seen.insert(number) {
                assert_eq!(seen.len() as u64, number, "nothing is left out");
                if event["type"] == "io.simurgh.device.added.v1" {
                    devices.push(event["data"]["eid"].as_str().unwrap().to_string());
                }
            }
        }
        devices
    }

    fn wait(&self, eids: &[String], log: impl Fn() -> String) {
        self.wait_for_all(eids, log);
        assert_eq!(self.devices(), eids);
    }

    /// In the order of their numbers; those are given in another order where another
    /// process notes the next event.
    fn wait_for_all(&self, eids: &[String], log: impl Fn() -> String) {
        let until = Instant::now() + PATIENCE;
        while self.devices().len() < eids.len() {
            assert!(Instant::now() < until, "{:?} {}", self.devices(), log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut devices = self.devices();
        devices.sort();
        assert_eq!(devices, eids);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn options(broker: &PrivateBroker) -> Vec<String> {
    let settings = [
        format!("events.mqtt.broker=mqtts://{}", broker::HOST),
        format!("events.mqtt.ca={}", broker.ca().display()),
        format!("events.mqtt.username={}", broker::EVENTS_USER),
        format!("events.mqtt.password={}", broker.password().display()),
        format!("resolve={{\"{}\" = \"{}\"}}", broker::HOST, broker.address),
    ];
    settings
        .into_iter()
        .flat_map(|one| ["--set".to_string(), one])
        .collect()
}

/// Adds devices; gives all that there are.
fn add(server: &Server, eids: &mut Vec<String>, count: usize) {
    for _ in 0..count {
        let number = 890_490_321_234_512_345_123_456_789_000 + eids.len() as u128;
        let eid = format!("{number}{:02}", 98 - number * 100 % 97);
        server.json(&["device", "add", &eid]);
        eids.push(eid);
    }
}

#[test]
fn every_event_reaches_the_broker_in_order_whoever_is_killed() {
    let mut broker = PrivateBroker::start("eim.simurgh.test").unwrap();
    let receiver = Receiver::start(&broker);
    let options = options(&broker);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut eids = Vec::new();
    let server = Server::start("mqtt-events", &options);
    add(&server, &mut eids, 10);
    receiver.wait(&eids, || server.log());
    for said in &*receiver.came.lock().unwrap() {
        assert_eq!(said["topic"], "simurgh/events/default/device.added");
        assert_eq!(
            said["content_type"],
            "application/cloudevents+json; charset=utf-8"
        );
        assert_eq!(
            (&said["qos"], &said["event"]["specversion"]),
            (&1.into(), &"1.0".into())
        );
    }

    // A broker that is away has all of it when it is back.
    broker.kill();
    add(&server, &mut eids, 10);
    assert_eq!(receiver.devices().len(), 10);
    broker.start_again().unwrap();
    add(&server, &mut eids, 10);
    receiver.wait(&eids, || server.log());

    // A server that is killed goes on where it was.
    add(&server, &mut eids, 10);
    let server = Server::in_folder(server.stop(), &options);
    add(&server, &mut eids, 10);
    receiver.wait_for_all(&eids, || server.log());
    // The gauge is of the last look.
    let until = Instant::now() + PATIENCE;
    while !metrics(&server).contains("simurgh_mqtt_events_waiting 0\n") {
        assert!(Instant::now() < until, "{}", metrics(&server));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn of_two_servers_one_publishes() {
    let Some(database) = postgres::database("mqtt_two") else {
        return;
    };
    let broker = PrivateBroker::start("eim.simurgh.test").unwrap();
    let receiver = Receiver::start(&broker);
    let store = format!("store.url={database}");
    let mut options = options(&broker);
    options.extend(["--set".to_string(), store]);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let first = Server::start("mqtt-first", &options);
    let second = Folder::new("mqtt-second");
    for entry in ["simurgh.toml", "simurgh.key", "door.token"] {
        std::fs::copy(first.folder().join(entry), second.0.join(entry)).unwrap();
    }
    let pki = first.folder().join("pki").display().to_string();
    run_in_shell(&format!("cp -r {pki} {}", second.0.display()));
    let second = Server::in_folder(second, &options);
    let mut eids = Vec::new();
    for turn in 0..10 {
        add(if turn % 2 == 0 { &first } else { &second }, &mut eids, 2);
    }
    receiver.wait_for_all(&eids, || first.log() + &second.log());
    // Each once, as long as nobody is killed.
    std::thread::sleep(Duration::from_secs(1));
    let came = receiver.came.lock().unwrap().len();
    assert_eq!(came, eids.len());
    // Whoever is left goes on when the other one is killed.
    drop(first);
    add(&second, &mut eids, 5);
    receiver.wait_for_all(&eids, || second.log());
}

fn metrics(server: &Server) -> String {
    let folder = server.folder();
    let token = std::fs::read_to_string(folder.join("door.token")).unwrap();
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--cacert"])
        .arg(folder.join("pki/private_ca.pem"))
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}/metrics", server.url()))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn run_in_shell(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(status.success(), "{command}");
}
