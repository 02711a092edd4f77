//! Activation codes of this server's SM-DP+, through a pool, to a device and back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use field::Fielded;
use rsp_core::ipa;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::Value;
use support::Server;

const BOOTSTRAP: &str = "89999700000000000010";
const ICCID: &str = "89999700000000000028";

/// How long a device or the server's worker may take.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    server: Server,
    device: Fielded,
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Bench {
    fn new(name: &str) -> Self {
        let server = Server::start(name, &[]);
        let ask = |_: usize, arguments: &[&str]| server.json(arguments);
        let device = Fielded::some(server.folder(), 1, &[BOOTSTRAP], ask).remove(0);
        let client = Client::builder()
            .resolve("eim.simurgh.test", server.address("eim"))
            .resolve("smdp.simurgh.test", server.address("smdp"));
        Bench {
            device,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: client.build(Arc::new(SoftwareProvider)).unwrap(),
            server,
        }
    }

    fn stock(&self) {
        let table = self.server.folder().join("subscriptions.csv");
        let key = "00".repeat(16);
        let text = format!("iccid,imsi,k,opc\n{ICCID},999700000000001,{key},{key}\n");
        std::fs::write(&table, text).unwrap();
        let table = table.to_str().unwrap();
        let provider = ["--provider", "Example Mobile", "--subscriptions", table];
        let stock = ["profile", "stock", "operational"];
        let output = self.server.run(&[&stock[..], &provider].concat());
        assert!(output.status.success(), "{output:?}");
    }

    /// Where what is asked of the SM-DP+ by this name gets lost, if it is given.
    fn rounds(&mut self, lost: Option<&str>, over: impl Fn(&Server) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !over(&self.server) {
            assert!(Instant::now() < until, "{}", self.server.log());
            std::thread::sleep(Duration::from_millis(100));
            let exchange = async |server: &ipa::Server, request: rsp_core::binding::HttpRequest| {
                if lost.is_some_and(|lost| request.path.ends_with(lost)) {
                    return Err("lost".to_string());
                }
                let response = self.client.post(server, request).await;
                response.map_err(|error| error.to_string())
            };
            self.runtime.block_on(self.device.round(exchange));
        }
    }

    fn download(&self) -> String {
        let eid = self.device.eid().to_string();
        let download = ["profile", "download", &eid, "--pool", "meters"];
        let queued = self.server.json(&download);
        queued["id"].as_str().unwrap().to_string()
    }
}

fn state(server: &Server, id: &str) -> String {
    let operation = server.json(&["operation", "show", id]);
    operation["state"].as_str().unwrap().to_string()
}

fn stock(server: &Server) -> Value {
    server.json(&["pool", "show", "meters"])["stock"].clone()
}

/// The bound package never comes: the worker takes the order back at the SM-DP+, orders
/// anew, and the code that the pool has then brings the profile.
#[test]
fn a_download_cut_off_before_the_installation_gives_its_code_back() {
    let mut bench = Bench::new("codes");
    bench.server.json(&["pool", "set", "meters"]);
    let order = ["code", "order", "meters", "--type", "operational"];
    let said = bench.server.failure(&order);
    assert!(said.contains("simurgh profile stock"), "{said}");
    bench.stock();
    let ordered = bench.server.json(&order);
    assert_eq!(ordered["added"], 1);
    assert_eq!(stock(&bench.server)["available"], 1);

    let first = bench.download();
    assert_eq!(stock(&bench.server)["leased"], 1);
    bench.rounds(Some("getBoundProfilePackage"), |server| {
        state(server, &first) == "failed" && stock(server)["available"] == 1
    });
    assert!(bench.server.log().contains("code renewed"));

    let second = bench.download();
    bench.rounds(None, |server| state(server, &second) == "confirmed");
    let stock = stock(&bench.server);
    assert_eq!(
        (&stock["spent"], &stock["available"]),
        (&1.into(), &0.into())
    );
    let operation = bench.server.json(&["operation", "show", &second]);
    assert_eq!(operation["iccid"], ICCID);
}
