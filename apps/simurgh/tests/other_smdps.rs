//! A server orders activation codes at the SM-DP+ of another one by ES2+, whatever
//! becomes of requests, answers and servers on the way.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
mod support;

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use field::Site;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientAuth, Handler, Limits, OperatorTrust, Peer, TlsIdentity};
use serde_json::Value;
use support::{Folder, Server, run_in, simurgh};
use tokio::runtime::Runtime;

const BOOTSTRAP: &str = "89999700000000000010";
const SMDP: &str = "smdp.simurgh.test";
const GATE: &str = "es2plus.simurgh.test";
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder of `init`, and one with the same certificates for the other server.
fn folders(name: &str) -> [Folder; 2] {
    let near = Folder::new(&format!("{name}-near"));
    run_in(&near.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let issuer = ["--issuer", "ca/ci.pem", "--issuer-key", "ca/ci.key.pem"];
    let gate = ["--out", "ca/gate.pem", "--dns", GATE, "--oid", "2.999.10"];
    run_in(
        &near.0,
        &[&["pki", "issue", "dp-tls"][..], &issuer, &gate].concat(),
    );
    let far = Folder::new(&format!("{name}-far"));
    copy(&near.0, &far.0);
    let operators = "[[smdp.operators]]\nname = \"first\"\ncertificate = \"ca/operator.pem\"\n";
    configured(&far.0, operators);
    [near, far]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

fn configured(folder: &Path, sections: &str) {
    let file = folder.join("simurgh.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, config + sections).unwrap();
}

/// The section of the other server's SM-DP+, reached by a name at an address.
fn connector(host: &str, at: SocketAddr, certificate: &str) -> String {
    let port = at.port();
    format!(
        "[[connectors]]\nname = \"far\"\nes2plus = \"https://{host}:{port}\"\naddress = \"{SMDP}\"\n\
         identifier = \"2.999.30\"\ncertificate = \"ca/{certificate}.pem\"\n\
         key = \"ca/{certificate}.key.pem\"\ntimeout_seconds = 2\n\
         [resolve]\n\"{host}:{port}\" = \"{at}\"\n"
    )
}

/// Starts the server that orders. Its own SM-DP+ has another name.
fn near(folder: Folder) -> Server {
    Server::in_folder(folder, &["--set", "smdp.address=near.simurgh.test"])
}

/// Starts the other one; `profiles` more are in its stock.
fn far(folder: Folder, profiles: &[&str]) -> Server {
    let server = Server::in_folder(folder, &["--set", "smdp.es2plus_listen=127.0.0.1:0"]);
    if profiles.is_empty() {
        return server;
    }
    let table = server.folder().join("subscriptions.csv");
    let key = "00".repeat(16);
    let mut text = "iccid,imsi,k,opc\n".to_string();
    for iccid in profiles {
        text.push_str(&format!("{iccid},999700000000001,{key},{key}\n"));
    }
    std::fs::write(&table, text).unwrap();
    let table = table.to_str().unwrap();
    let stock = ["profile", "stock", "operational", "--provider", "Example"];
    let output = server.run(&[&stock[..], &["--subscriptions", table]].concat());
    assert!(output.status.success(), "{output:?}");
    server
}

const PROFILES: [&str; 3] = [
    "89999700000000000028",
    "89999700000000000036",
    "89999700000000000044",
];

fn order(count: &str) -> Vec<&str> {
    vec!["code", "order", "meters", "--quiet", "--count", count]
}

fn with_pool(server: &Server) {
    let pool = ["pool", "set", "meters", "--smdp", "far"];
    server.json(&[&pool[..], &["--type", "operational"]].concat());
}

fn stock(server: &Server) -> Value {
    server.json(&["pool", "show", "meters"])["stock"].clone()
}

fn count(server: &Server, state: &str) -> u64 {
    stock(server)[state].as_u64().unwrap()
}

fn codes(server: &Server, state: &str) -> Vec<Value> {
    let list = server.json(&["code", "list", "meters", "--state", state]);
    list["items"].as_array().unwrap().clone()
}

fn wait_for(server: &Server, over: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !over() {
        assert!(Instant::now() < until, "{}", server.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn download(site: &Site) -> String {
    let eid = site.device.eid().to_string();
    let download = ["profile", "download", &eid, "--pool", "meters"];
    let queued = site.server.json(&download);
    queued["id"].as_str().unwrap().to_string()
}

fn state(server: &Server, id: &str) -> String {
    let operation = server.json(&["operation", "show", id]);
    operation["state"].as_str().unwrap().to_string()
}

/// What is ordered is downloaded from the other server, and comes back from there when
/// a download is cut off.
#[test]
fn codes_are_ordered_at_another_server_and_come_back() {
    let [near_folder, far_folder] = folders("codes-far");
    let far = far(far_folder, &PROFILES[..2]);
    let section = connector(SMDP, far.address("es2plus"), "operator");
    configured(&near_folder.0, &section);
    let near = near(near_folder);
    let mut site = Site::of(near, &[BOOTSTRAP], far.address("smdp"));
    with_pool(&site.server);
    let ordered = site.server.json(&order("2"));
    assert_eq!(
        (&ordered["added"], &ordered["waiting"]),
        (&2.into(), &0.into())
    );
    // What the other server says is passed on, and nothing of it stays.
    let refused = site.server.failure(&order("1"));
    assert!(refused.contains("8.2.5/3.7"), "{refused}");
    assert!(
        refused.contains("ask the operator of the SM-DP+"),
        "{refused}"
    );
    assert_eq!(
        (
            count(&site.server, "available"),
            count(&site.server, "ordered")
        ),
        (2, 0)
    );

    let first = download(&site);
    site.poll_until(Some("getBoundProfilePackage"), |server| {
        state(server, &first) == "failed" && count(server, "available") == 2
    });
    assert!(site.server.log().contains("code renewed"));
    let second = download(&site);
    site.poll_until(None, |server| state(server, &second) == "confirmed");
    assert_eq!(
        (
            count(&site.server, "available"),
            count(&site.server, "spent")
        ),
        (1, 1)
    );
    // Names that are not there are said.
    let nobody = site
        .server
        .failure(&[&order("1")[..], &["--smdp", "nobody", "--type", "a"]].concat());
    assert!(nobody.contains("own, far"), "{nobody}");
}

/// Stands before the other server's ES2+, and loses answers.
#[derive(Clone)]
struct Gate {
    client: Client,
    far: ipa::Server,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    /// Functions the next answer of which gets lost.
    lost: BTreeSet<&'static str>,
    asked: Vec<String>,
}

impl Handler for Gate {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        assert!(peer.certificate.is_some(), "no client certificate");
        let function = request.path.rsplit('/').next().unwrap().to_string();
        let lost = {
            let mut inside = self.inside.lock().unwrap();
            inside.asked.push(function.clone());
            inside.lost.remove(function.as_str())
        };
        let answer = self.client.post(&self.far, request).await;
        if lost {
            std::future::pending::<()>().await;
        }
        answer.unwrap_or_else(|error| HttpResponse::failure(502, &error.to_string()))
    }
}

impl Gate {
    fn new(folder: &Path, far: &Server) -> Self {
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let ci = certificate_from_pem(&read("pki/ci.pem")).unwrap();
        let anchor = TrustAnchor::new(&ci, &SoftwareProvider).unwrap();
        let operator =
            TlsIdentity::from_pem(&read("ca/operator.pem"), &read("ca/operator.key.pem"));
        let client = Client::builder()
            .resolve(SMDP, far.address("es2plus"))
            .client_identity(operator.unwrap());
        Gate {
            client: client.build(Arc::new(SoftwareProvider)).unwrap(),
            far: ipa::Server {
                address: SMDP.to_string(),
                trust: Some(TlsTrust::RspServer(vec![anchor])),
                transport: rsp_core::binding::Transport::Https,
            },
            inside: Arc::default(),
        }
    }

    fn open(&self, folder: &Path, at: SocketAddr, runtime: &Runtime) {
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let identity = TlsIdentity::from_pem(&read("ca/gate.pem"), &read("ca/gate.key.pem"));
        let authority = certificate_from_pem(&read("pki/private_ca.pem")).unwrap();
        let authorities = [authority.as_bytes().to_vec()];
        let trust = OperatorTrust::new(&authorities, Arc::new(SoftwareProvider)).unwrap();
        let (auth, limits) = (ClientAuth::Optional(trust), Limits::default());
        let server = rsp_net::Server::bind(at, identity.unwrap(), auth, limits);
        let server = runtime.block_on(server).unwrap();
        runtime.spawn(server.serve(self.clone(), std::future::pending()));
    }

    fn lose(&self, functions: &[&'static str]) {
        self.inside.lock().unwrap().lost.extend(functions);
    }

    fn asked(&self, function: &str) -> usize {
        let inside = self.inside.lock().unwrap();
        inside.asked.iter().filter(|one| *one == function).count()
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Nothing is ordered twice and no code is lost: the other server is not reached, its
/// answers are lost, and the server that orders is killed while it waits for one.
#[test]
fn what_is_lost_on_the_way_costs_no_code() {
    let [near_folder, far_folder] = folders("codes-lost");
    let far = far(far_folder, &PROFILES);
    let at = free_address();
    configured(&near_folder.0, &connector(GATE, at, "operator"));
    let gate = Gate::new(far.folder(), &far);
    let runtime = Runtime::new().unwrap();
    let near_one = near(near_folder);
    with_pool(&near_one);

    // Nobody is there: the orders wait, and say why.
    let ordered = near_one.json(&order("2"));
    assert_eq!(
        (&ordered["added"], &ordered["waiting"]),
        (&0.into(), &2.into())
    );
    let waiting = codes(&near_one, "ordered");
    assert_eq!(waiting.len(), 2);
    let because = waiting[0]["because"].as_str().unwrap();
    assert!(because.starts_with("far: "), "{because}");
    assert_eq!(waiting[0]["smdp"], "far");
    // Its answers to both functions get lost once.
    gate.lose(&["downloadOrder", "confirmOrder"]);
    gate.open(far.folder(), at, &runtime);
    wait_for(&near_one, || count(&near_one, "available") == 2);
    assert_eq!(count(&near_one, "ordered"), 0);
    assert!(gate.asked("downloadOrder") >= 3 && gate.asked("confirmOrder") >= 3);

    // Who orders is killed before the answer comes, and goes on when started again.
    gate.lose(&["downloadOrder"]);
    let before = gate.asked("downloadOrder");
    let (url, folder) = (near_one.url().to_string(), near_one.folder().to_path_buf());
    let mut asking = simurgh()
        .args(order("1"))
        .env("SIMURGH_URL", url)
        .env(
            "SIMURGH_TOKEN",
            std::fs::read_to_string(folder.join("door.token")).unwrap(),
        )
        .env("SIMURGH_CA", folder.join("pki/private_ca.pem"))
        .spawn()
        .unwrap();
    wait_for(&near_one, || gate.asked("downloadOrder") > before);
    let folder = near_one.stop();
    assert!(!asking.wait().unwrap().success());
    let near_two = near(folder);
    wait_for(&near_two, || count(&near_two, "available") == 3);

    // Had one been ordered twice, the third would have found no profile.
    let known: BTreeSet<String> = codes(&near_two, "available")
        .iter()
        .map(|code| code["iccid"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(known.len(), PROFILES.len());
    assert!(near_two.failure(&order("1")).contains("8.2.5/3.7"));
    renewed_whatever_is_lost(near_two, &far, &gate);
}

/// A code that is doubtful comes back although each function's answer is lost once.
fn renewed_whatever_is_lost(near: Server, far: &Server, gate: &Gate) {
    let mut site = Site::of(near, &[BOOTSTRAP], far.address("smdp"));
    let first = download(&site);
    gate.lose(&["cancelOrder", "downloadOrder", "confirmOrder"]);
    site.poll_until(Some("getBoundProfilePackage"), |server| {
        state(server, &first) == "failed"
    });
    wait_for(&site.server, || count(&site.server, "available") == 3);
    assert_eq!(gate.asked("cancelOrder"), 2);
    let second = download(&site);
    site.poll_until(None, |server| state(server, &second) == "confirmed");
    let stock = stock(&site.server);
    assert_eq!((&stock["spent"], &stock["dead"]), (&1.into(), &0.into()));
}

/// Whoever the other server does not know is told what to check.
#[test]
fn a_stranger_is_told_what_to_check() {
    let [near_folder, far_folder] = folders("codes-stranger");
    let far = far(far_folder, &PROFILES[..1]);
    let issuer = [
        "--issuer",
        "ca/private_ca.pem",
        "--issuer-key",
        "ca/private_ca.key.pem",
    ];
    let stranger = ["--out", "ca/stranger.pem", "--oid", "2.999.32"];
    run_in(
        &near_folder.0,
        &[&["pki", "issue", "operator"][..], &issuer, &stranger].concat(),
    );
    let section = connector(SMDP, far.address("es2plus"), "stranger");
    configured(&near_folder.0, &section);
    let server = near(near_folder);
    with_pool(&server);
    let said = server.failure(&order("1"));
    assert!(said.contains("1.1/1.2"), "{said}");
    assert!(said.contains("`certificate` and `identifier`"), "{said}");

    // One of another world ends in the handshake: the order waits, and says so.
    let elsewhere = Folder::new("codes-elsewhere");
    run_in(&elsewhere.0, &["pki", "init"]);
    let folder = server.stop();
    for ending in ["pem", "key.pem"] {
        let file = format!("operator.{ending}");
        let to = folder.0.join(format!("ca/stranger.{ending}"));
        std::fs::copy(elsewhere.0.join("ca").join(file), to).unwrap();
    }
    let server = near(folder);
    let ordered = server.json(&order("1"));
    assert_eq!(ordered["waiting"], 1);
    let because = ordered["because"].as_str().unwrap();
    assert!(
        because.contains("check `certificate` and `key`"),
        "{because}"
    );
    // Taken out, it is asked for no more.
    let number = codes(&server, "ordered")[0]["number"].to_string();
    let settled = server.json(&["code", "settle", "meters", &number, "dead"]);
    assert_eq!(settled["state"], "dead");
    // It has no code that could be good.
    server.failure(&["code", "settle", "meters", &number, "available"]);
}

#[test]
fn a_connector_without_its_files_does_not_start() {
    let folder = Folder::new("codes-files");
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let at = "127.0.0.1:1".parse().unwrap();
    configured(&folder.0, &connector(SMDP, at, "nowhere"));
    let serve = |what: &str| {
        let serve = simurgh().current_dir(&folder.0).arg("serve").output();
        let output = serve.unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(what), "{said}");
    };
    serve("[[connectors]] far certificate: cannot read ca/nowhere.pem");
    std::fs::copy(
        folder.0.join("ca/operator.pem"),
        folder.0.join("ca/nowhere.pem"),
    )
    .unwrap();
    serve("put the private key of that certificate there");
}
