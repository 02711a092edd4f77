//! Two servers on one PostgreSQL database, killed again and again; what the cards
//! did is held against what was ordered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use field::Fielded;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackageResult,
    GetEimPackageResponse,
};
use rsp_asn1::{Asn1, ids::Eid};
use rsp_core::binding::HttpRequest;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::Value;
use support::{Folder, run_in, simurgh};

const FQDN: &str = "eim.simurgh.test";

/// How long servers are killed, and how long one lives.
const STORM: Duration = Duration::from_secs(15);
const LIFE: Duration = Duration::from_millis(900);

/// The kind of what is ordered.
const ORDERED: &str = "get_rat";
const DEVICES: u64 = 3;

/// A server process.
struct Node {
    child: Child,
    eim: SocketAddr,
    url: String,
}

impl Node {
    fn start(folder: &Path, database: &str, name: &str) -> Self {
        let log = folder.join(format!("{name}.log"));
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut child = simurgh()
            .args(["serve", "--announce", "--config"])
            .arg(folder.join("simurgh.toml"))
            .env("SIMURGH__STORE__URL", database)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(folder.join(format!("{name}.log")));
            panic!("{name} did not start: {}", log.unwrap_or_default())
        });
        let door = announced["door"].as_str().unwrap();
        let port = door.rsplit(':').next().unwrap();
        Node {
            eim: announced["eim"].as_str().unwrap().parse().unwrap(),
            url: format!("https://localhost:{port}"),
            child,
        }
    }
}

/// As a power cut would.
impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two, each killed now and then.
struct Nodes {
    folder: Folder,
    token: String,
    alive: Mutex<[Option<Node>; 2]>,
    kills: Mutex<u32>,
}

impl Nodes {
    /// What is asked of one of them, whichever lives.
    fn ask(&self, turn: usize, arguments: &[&str]) -> Output {
        let url = {
            let alive = self.alive.lock().unwrap();
            let node = alive[turn % 2].as_ref().or(alive[(turn + 1) % 2].as_ref());
            node.unwrap().url.clone()
        };
        simurgh()
            .args(arguments)
            .args(["--output", "json"])
            .env("SIMURGH_URL", url)
            .env("SIMURGH_TOKEN", &self.token)
            .env("SIMURGH_CA", self.folder.0.join("pki/private_ca.pem"))
            .output()
            .unwrap()
    }

    fn json(&self, turn: usize, arguments: &[&str]) -> Value {
        let output = self.ask(turn, arguments);
        assert!(output.status.success(), "{arguments:?} {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn eim(&self, turn: usize) -> SocketAddr {
        let alive = self.alive.lock().unwrap();
        let node = alive[turn % 2].as_ref().or(alive[(turn + 1) % 2].as_ref());
        node.unwrap().eim
    }

    /// Kills one and starts it again, while the other one goes on.
    fn kill(&self, which: usize, database: &str) {
        drop(self.alive.lock().unwrap()[which].take());
        *self.kills.lock().unwrap() += 1;
        let node = Node::start(&self.folder.0, database, &format!("server-{which}"));
        self.alive.lock().unwrap()[which] = Some(node);
    }
}

/// What one card was sent and what it signed.
#[derive(Default)]
struct Record {
    /// Packages by their counterValue, in the order of their first arrival.
    packages: Vec<(i64, Vec<u8>)>,
    /// Results that were signed: counterValue by seqNumber, and what was executed.
    results: BTreeMap<i64, (i64, usize)>,
}

impl Record {
    fn sent(&mut self, response: &[u8]) {
        let Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(
            GetEimPackageResponse::EuiccPackageRequest(package),
        )) = EsipaMessageFromEimToIpa::from_der(response)
        else {
            return;
        };
        let counter = package.euicc_package_signed.counter_value;
        let der = package.to_der();
        match self.packages.iter().find(|(known, _)| *known == counter) {
            Some((_, known)) => assert_eq!(*known, der, "counter {counter} has two packages"),
            None => {
                let last = self.packages.last().map_or(0, |(last, _)| *last);
                assert!(counter > last, "counter {counter} after {last}");
                self.packages.push((counter, der));
            }
        }
    }

    fn signed(&mut self, request: &[u8]) {
        let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) =
            EsipaMessageFromIpaToEim::from_der(request)
        else {
            return;
        };
        let result = match &provided.eim_package_result {
            EimPackageResult::EuiccPackageResult(result) => result,
            EimPackageResult::EprAndNotifications(both) => &both.euicc_package_result,
            _ => return,
        };
        if let EuiccPackageResult::Signed(signed) = &**result {
            let data = &signed.euicc_package_result_data_signed;
            let executed = (data.counter_value, data.euicc_result.len());
            let before = self.results.insert(data.seq_number, executed);
            assert!(before.is_none_or(|before| before == executed));
        }
    }

    /// No package was executed twice, and all in their order.
    fn check(&self) {
        let counters: Vec<i64> = self.results.values().map(|(counter, _)| *counter).collect();
        assert!(
            counters.is_sorted_by(|one, next| one < next),
            "{counters:?}"
        );
        let sent: BTreeSet<i64> = self.packages.iter().map(|(counter, _)| *counter).collect();
        assert!(counters.iter().all(|counter| sent.contains(counter)));
    }

    fn executed(&self) -> usize {
        self.results.values().map(|(_, items)| items).sum()
    }
}

/// A device, and its way to whichever server.
struct Field {
    device: Fielded,
    record: Record,
    turn: usize,
}

impl Field {
    fn eid(&self) -> Eid {
        self.device.eid()
    }

    /// One round; a server that was killed meanwhile ends it.
    async fn round(&mut self, nodes: &Nodes) {
        let Field {
            device,
            record,
            turn,
        } = self;
        *turn += 1;
        let exchange = async |server: &_, request: HttpRequest| {
            record.signed(&request.body);
            // Each request may go to another one.
            *turn += 1;
            let client = Client::builder()
                .timeout(Duration::from_secs(5))
                .resolve(FQDN, nodes.eim(*turn))
                .build(Arc::new(SoftwareProvider))
                .unwrap();
            let response = client.post(server, request).await;
            if let Ok(response) = &response {
                record.sent(&response.body);
            }
            response.map_err(|error| error.to_string())
        };
        device.round(exchange).await;
    }
}

fn make_devices(nodes: &Nodes) -> Vec<Field> {
    let made = Fielded::some(&nodes.folder.0, DEVICES, &[], |number, arguments| {
        nodes.json(number, arguments)
    });
    let field = |(turn, device)| Field {
        device,
        record: Record::default(),
        turn,
    };
    made.into_iter().enumerate().map(field).collect()
}

fn start(folder: Folder, database: &str) -> Nodes {
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let node = |name| Some(Node::start(&folder.0, database, name));
    Nodes {
        token: std::fs::read_to_string(folder.0.join("door.token")).unwrap(),
        alive: Mutex::new([node("server-0"), node("server-1")]),
        kills: Mutex::new(0),
        folder,
    }
}

/// EIM-32: counters, operations and results, whatever is killed when.
#[test]
fn no_counter_and_no_operation_is_lost_or_doubled() {
    let Some(database) = postgres::database("two_servers") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let nodes = start(Folder::new("two-servers"), &database);
    let order = nodes.folder.0.join("order.json");
    std::fs::write(&order, format!(r#"[{{"kind":"{ORDERED}"}}]"#)).unwrap();
    let order = order.display().to_string();
    let mut field = make_devices(&nodes);
    let mut accepted = BTreeSet::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = Instant::now() + STORM;
            for which in [0, 1].into_iter().cycle() {
                std::thread::sleep(LIFE);
                if Instant::now() > end {
                    break;
                }
                nodes.kill(which, &database);
            }
            over.store(true, Ordering::SeqCst);
        });
        let mut turn = 0;
        while !over.load(Ordering::SeqCst) {
            for device in &mut field {
                turn += 1;
                let eid = device.eid().to_string();
                // One that fails may have been taken or not.
                let queued = nodes.ask(turn, &["operation", "order", &eid, &order]);
                let queued = serde_json::from_slice::<Value>(&queued.stdout);
                let ids = queued
                    .as_ref()
                    .ok()
                    .and_then(|queued| queued["items"].as_array());
                for queued in ids.into_iter().flatten() {
                    accepted.insert(queued["id"].as_str().unwrap().to_string());
                }
                runtime.block_on(device.round(&nodes));
            }
        }
    });
    assert!(*nodes.kills.lock().unwrap() >= 4, "servers were killed");
    // What is left is done in peace. What one server was given the other one hears
    // of a quarter of a second later, and at the latest after five seconds.
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until && field.iter().any(|device| waits(&nodes, device)) {
        std::thread::sleep(Duration::from_millis(250));
        for device in &mut field {
            runtime.block_on(device.round(&nodes));
        }
    }
    check(&nodes, &field, &accepted);
}

fn operations(nodes: &Nodes, device: &Field) -> Vec<Value> {
    let eid = device.eid().to_string();
    let list = ["operation", "list", "--eid", &eid, "--limit", "1000"];
    let operations = nodes.json(0, &list);
    operations["items"].as_array().unwrap().clone()
}

fn is_done(operation: &Value) -> bool {
    matches!(operation["state"].as_str(), Some("executed" | "confirmed"))
}

/// Whether something is still to be done on it.
fn waits(nodes: &Nodes, device: &Field) -> bool {
    !operations(nodes, device).iter().all(is_done)
}

/// What the cards did is what the servers say, and all that was ordered.
fn check(nodes: &Nodes, field: &[Field], accepted: &BTreeSet<String>) {
    assert!(accepted.len() >= 5, "{} were accepted", accepted.len());
    let mut settled = BTreeSet::new();
    for device in field {
        device.record.check();
        let eid = device.eid().to_string();
        let operations = operations(nodes, device);
        for operation in &operations {
            assert!(is_done(operation), "{operation}");
            settled.insert(operation["id"].as_str().unwrap().to_string());
        }
        // What the eIM asks of the device by itself is in no eUICC Package.
        let ordered = operations.iter().filter(|one| one["kind"] == ORDERED);
        let (executed, ordered) = (device.record.executed(), ordered.count());
        assert_eq!(executed, ordered, "{eid}: each once, of {operations:#?}");
    }
    let lost: Vec<_> = accepted.difference(&settled).collect();
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
}
