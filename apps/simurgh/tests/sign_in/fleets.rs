//! Two tenants with devices of their own at one server: each has all of its own done,
//! and sees nothing of the other's.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::binding::HttpRequest;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::{Value, json};

use crate::As;
use crate::asking::{Asker, JSON};
use crate::field::Fielded;
use crate::support::{Folder, Server, run_in, simurgh};
use crate::tenants::with_everything;

const BOOTSTRAP: &str = "89999700000000000010";
const POOL: &str = "/v1/activation-code-pools/meters";

/// What somebody with a key gets from the command line.
fn command(server: &Server, key: &str, arguments: &[&str]) -> Value {
    let output = simurgh()
        .args(arguments)
        .args(["--output", "json"])
        .env("SIMURGH_URL", server.url())
        .env("SIMURGH_TOKEN", key)
        .env("SIMURGH_CA", server.folder().join("pki/private_ca.pem"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?} {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A tenant that is somebody's, with one device.
struct Fleet {
    key: String,
    device: Fielded,
    ordered: Vec<String>,
}

impl Fleet {
    fn eid(&self) -> String {
        self.device.eid().to_string()
    }

    fn chief<'a>(&self, stranger: &'a Asker) -> As<'a> {
        As {
            stranger,
            token: self.key.clone(),
        }
    }

    fn order(&mut self, stranger: &Asker, operation: &Value) {
        let order = json!({"eid": self.eid(), "operation": operation});
        let answer = self.chief(stranger).post("/v1/operations", &order);
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["id"].as_str().unwrap().to_string();
        self.ordered.push(id);
    }

    fn states(&self, stranger: &Asker) -> Vec<String> {
        let chief = self.chief(stranger);
        let state = |id: &String| {
            let shown = chief.get(&format!("/v1/operations/{id}")).json();
            shown["state"].as_str().unwrap().to_string()
        };
        self.ordered.iter().map(state).collect()
    }
}

/// The tenants `acme` and `bolt`, each with a device that was added by its own key.
fn fleets(server: &Server) -> [Fleet; 2] {
    let (top, stranger) = (Asker::new(server), Asker::stranger(server));
    let keys = ["acme", "bolt"].map(|name| with_everything(&top, &stranger, name).token);
    // The first is asked what the eIM is, and for the first device.
    let ask = |number: usize, arguments: &[&str]| {
        command(server, &keys[number.saturating_sub(1)], arguments)
    };
    let mut made = Fielded::some(server.folder(), 2, &[BOOTSTRAP], ask).into_iter();
    keys.clone().map(|key| Fleet {
        key,
        device: made.next().unwrap(),
        ordered: Vec::new(),
    })
}

/// Devices poll until all that was ordered is over.
fn poll(server: &Server, fleets: &mut [Fleet]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = Client::builder()
        .resolve("eim.simurgh.test", server.address("eim"))
        .resolve("smdp.simurgh.test", server.address("smdp"));
    let client = client.build(Arc::new(SoftwareProvider)).unwrap();
    let stranger = Asker::stranger(server);
    let until = Instant::now() + Duration::from_secs(60);
    let is_over = |fleet: &Fleet| fleet.states(&stranger).iter().all(|one| one == "confirmed");
    while !fleets.iter().all(is_over) {
        assert!(Instant::now() < until, "{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
        for fleet in &mut *fleets {
            let exchange = async |server: &_, request: HttpRequest| {
                let response = client.post(server, request).await;
                response.map_err(|error| error.to_string())
            };
            runtime.block_on(fleet.device.round(exchange));
        }
    }
}

/// Profiles for the SM-DP+, which only whoever runs the server may bring.
fn bring(server: &Server, fleets: &[Fleet]) {
    let table = server.folder().join("subscriptions.csv");
    let key = "00".repeat(16);
    let row = |iccid: &str, imsi: &str| format!("{iccid},{imsi},{key},{key}\n");
    let first = row("89999700000000000028", "999700000000001");
    let second = row("89999700000000000036", "999700000000002");
    std::fs::write(&table, format!("iccid,imsi,k,opc\n{first}{second}")).unwrap();
    let table = table.to_str().unwrap();
    let stock = ["profile", "stock", "operational", "--provider", "Example"];
    let stock = [&stock[..], &["--subscriptions", table]].concat();
    let tenants = simurgh()
        .args(&stock)
        .env("SIMURGH_URL", server.url())
        .env("SIMURGH_TOKEN", &fleets[0].key)
        .env("SIMURGH_CA", server.folder().join("pki/private_ca.pem"))
        .output()
        .unwrap();
    let said = String::from_utf8(tenants.stderr).unwrap();
    assert!(said.contains("ask whoever runs the server"), "{said}");
    let output = server.run(&stock);
    assert!(output.status.success(), "{output:?}");
}

/// A code of this server's SM-DP+ for each, in pools of the same name.
fn pools(stranger: &Asker, fleets: &mut [Fleet]) {
    for fleet in fleets {
        let chief = fleet.chief(stranger);
        assert!(chief.send("PUT", POOL, &json!({})).status.is_success());
        let order = json!({"profile_type": "operational", "count": 1});
        let ordered = chief.post(&format!("{POOL}/orders"), &order);
        assert_eq!(ordered.json()["added"], 1, "{ordered:?}");
        fleet.order(
            stranger,
            &json!({"kind": "download_from_pool", "pool": "meters"}),
        );
    }
}

/// Everything that somebody can list, as one text.
fn all_that_is_seen(asker: &As<'_>) -> String {
    let mut all = String::new();
    for path in [
        "/v1/devices",
        "/v1/operations",
        "/v1/events",
        "/v1/exports?format=ndjson",
        "/v1/activation-code-pools",
        "/v1/activation-codes?pool=meters",
    ] {
        let answer = asker.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        all.push_str(&String::from_utf8_lossy(&answer.body));
    }
    all
}

/// Neither is told of the other's device and operations, by whatever name.
fn apart(stranger: &Asker, one: &Fleet, other: &Fleet) {
    let chief = one.chief(stranger);
    let seen = all_that_is_seen(&chief);
    assert!(
        seen.contains(&one.eid()) && !seen.contains(&other.eid()),
        "{seen}"
    );
    for id in &other.ordered {
        assert!(!seen.contains(id), "{id} in {seen}");
        chief.get(&format!("/v1/operations/{id}")).problem(404);
        let cancel = format!("/v1/operations/{id}/cancel");
        chief.post(&cancel, &Value::Null).problem(404);
    }
    let eid = other.eid();
    for path in ["", "/profiles", "/inventory", "/profile-history"] {
        chief.get(&format!("/v1/devices/{eid}{path}")).problem(404);
    }
    let gone = chief.send("DELETE", &format!("/v1/devices/{eid}"), &Value::Null);
    gone.problem(404);
    let order = json!({"eid": eid, "operation": {"kind": "get_rat"}});
    chief.post("/v1/operations", &order).problem(404);
    let devices = chief.get("/v1/devices").json();
    assert_eq!(devices["items"].as_array().unwrap().len(), 1, "{devices}");
    let stock = &chief.get(POOL).json()["stock"];
    assert_eq!(stock["spent"], 1, "{stock}");
    // Nor can it be added, and nothing is said of where it is.
    let new = json!({"eid": eid, "counter_value": 0});
    let refused = chief.post("/v1/devices", &new).problem(409);
    let said = refused.to_string();
    assert!(!said.contains("acme") && !said.contains("bolt"), "{said}");
}

#[test]
fn each_tenant_has_its_own_devices_operations_and_codes() {
    let server = crate::server("tenant-fleets");
    let mut fleets = fleets(&server);
    let stranger = Asker::stranger(&server);
    bring(&server, &fleets);
    for fleet in &mut fleets {
        fleet.order(&stranger, &json!({"kind": "get_rat"}));
    }
    pools(&stranger, &mut fleets);
    // What was ordered outlasts the server.
    let server = Server::in_folder(server.stop(), &[]);
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    poll(&server, &mut fleets);
    let [acme, bolt] = &fleets;
    apart(&stranger, acme, bolt);
    apart(&stranger, bolt, acme);

    // Whoever runs the server has none of these, and reaches both.
    assert_eq!(top.get("/v1/devices").json()["items"], json!([]));
    assert_eq!(top.get("/v1/operations").json()["items"], json!([]));
    let of_bolt = [("simurgh-tenant", "bolt"), JSON];
    let path = format!("/v1/devices/{}", bolt.eid());
    let shown = top.send("GET", &path, &of_bolt, b"").json();
    assert_eq!(shown["eid"], bolt.eid().as_str());
    assert!(shown["last_contact"].is_string(), "{shown}");
    top.get(&path).problem(404);

    // What one gives away another one can have: the counter of the eIM goes on.
    let counter = |answer: &Value| answer["counter_value"].as_i64().unwrap();
    let before = acme
        .chief(&stranger)
        .get(&format!("/v1/devices/{}", acme.eid()));
    let path = format!("/v1/devices/{}", acme.eid());
    let gone = acme.chief(&stranger).send("DELETE", &path, &Value::Null);
    assert_eq!(gone.status, 204, "{gone:?}");
    let new = json!({"eid": acme.eid(), "counter_value": 0});
    let added = bolt.chief(&stranger).post("/v1/devices", &new);
    assert_eq!(added.status, 201, "{added:?}");
    assert_eq!(counter(&added.json()), counter(&before.json()));
    assert!(counter(&added.json()) > 0);
}

/// A server on a PostgreSQL database, in a folder that several share.
fn node(folder: &Path, database: &str, name: &str) -> Server {
    let own = Folder::new(name);
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(format!("{}/.", folder.display()))
        .arg(&own.0)
        .status()
        .unwrap();
    assert!(copied.success());
    Server::in_folder(own, &["--set", &format!("store.url={database}")])
}

#[test]
fn a_tenant_that_is_made_at_one_server_is_served_by_another() {
    let Some(database) = crate::postgres::database("tenant_servers") else {
        return;
    };
    let folder = Folder::new("tenant-servers");
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let one = node(&folder.0, &database, "tenant-servers-one");
    let other = node(&folder.0, &database, "tenant-servers-other");
    let mut fleets = fleets(&one);
    let stranger = Asker::stranger(&one);
    for fleet in &mut fleets {
        fleet.order(&stranger, &json!({"kind": "get_rat"}));
    }
    // The devices ask the other one, which was there before the tenants were.
    poll(&other, &mut fleets);
    let stranger = Asker::stranger(&other);
    for fleet in &fleets {
        let chief = fleet.chief(&stranger);
        let devices = chief.get("/v1/devices").json();
        let items = devices["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{devices}");
        assert_eq!(items[0]["eid"], fleet.eid().as_str());
    }
    let new = json!({"eid": fleets[0].eid(), "counter_value": 0});
    fleets[1]
        .chief(&stranger)
        .post("/v1/devices", &new)
        .problem(409);
}
