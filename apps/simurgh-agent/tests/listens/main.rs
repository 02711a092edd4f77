//! A device that listens: the server brings packages to the agent, each a
//! process of its own, over HTTPS and CoAP. The agent lets nobody else in.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use euicc::Euicc;
use lab::reader::{Insertion, Pcscd, PcscdError, Powered};
use lab::{Bootstrap, Factory};
use rsp_asn1::sgp32::{EimAcknowledgements, EimConfigurationData, TransferEimPackageRequest};
use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};
use rsp_asn1::{Asn1, Certificate};
use rsp_core::Timestamp;
use rsp_core::binding::{HttpResponse, Transport, esipa_asn1};
use rsp_core::ipa::Server as Target;
use rsp_core::pki::{
    Issuer, Name, Role, Template, TlsTrust, TrustAnchor, certificate_from_pem, certificate_to_pem,
    issue_under, member,
};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, OsRng};
use rsp_net::{Client, TlsIdentity};
use serde_json::Value;

/// The name in the certificate of the device's listener.
const DEVICE: &str = "device.simurgh.test";
const EIM: &str = "eim.simurgh.test";
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `simurgh init` wrote, and what more the test needs.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The server program is built beside the agent.
fn simurgh() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_simurgh-agent")).with_file_name("simurgh");
    let remedy = "run `cargo build -p simurgh`, or the tests of the workspace";
    assert!(program.exists(), "no {}: {remedy}", program.display());
    Command::new(program)
}

impl Folder {
    fn new() -> Folder {
        let name = format!("simurgh-agent-listens-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir(&folder.0).unwrap();
        let made = simurgh()
            .current_dir(&folder.0)
            .args(["init", "--plain-ca", "--ports", "0,0,0"])
            .output();
        assert!(made.unwrap().status.success());
        // The eIM comes as a client with the only client certificate there is.
        for (from, to) in [
            ("ca/operator.pem", "pki/eim_inject.pem"),
            ("ca/operator.key.pem", "pki/eim_inject.key.pem"),
        ] {
            std::fs::copy(folder.0.join(from), folder.0.join(to)).unwrap();
        }
        let dns_name = DEVICE.to_string();
        folder.issue("listen", Role::TlsServer { dns_name });
        let oid = "2.999.31".to_string();
        folder.issue("stranger", Role::Operator { oid });
        folder
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn certificate(&self, name: &str) -> Certificate {
        certificate_from_pem(&self.read(name)).unwrap()
    }

    /// A certificate under the operators' CA.
    fn issue(&self, name: &str, role: Role) {
        let ca = self.certificate("pki/private_ca.pem");
        let ca_key = SoftwareKey::from_pkcs8_pem(&self.read("ca/private_ca.key.pem")).unwrap();
        let key = SoftwareKey::generate(Curve::NistP256, &mut OsRng::new().unwrap()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let template = Template {
            role,
            subject: Name {
                common_name: name.to_string(),
                ..Name::default()
            },
            public_key: key.public_key(),
            serial: &[7],
            not_before: Timestamp::from_secs(now.as_secs() - 3600),
            not_after: Timestamp::from_secs(now.as_secs() + 86_400),
        };
        let issuer = Issuer::of(&ca).unwrap();
        let issued = issue_under(&template, &issuer, &ca_key, &SoftwareProvider).unwrap();
        let file = |ending: &str| self.0.join(format!("{name}.{ending}"));
        std::fs::write(file("pem"), certificate_to_pem(&issued)).unwrap();
        std::fs::write(file("key.pem"), key.to_pkcs8_pem().unwrap()).unwrap();
    }

    fn identity(&self, certificate: &str, key: &str) -> TlsIdentity {
        TlsIdentity::from_pem(&self.read(certificate), &self.read(key)).unwrap()
    }

    fn factory(&self) -> Factory {
        let ci = self.certificate(&format!("ca/{}.pem", member::CI));
        let eum = self.certificate(&format!("ca/{}.pem", member::EUM));
        let key = self.read(&format!("ca/{}.key.pem", member::EUM));
        let anchor = TrustAnchor::new(&ci, &SoftwareProvider).unwrap();
        Factory::new(anchor, eum, SoftwareKey::from_pkcs8_pem(&key).unwrap()).unwrap()
    }
}

/// A running server, and its operator.
struct Server {
    _process: Running,
    eim: SocketAddr,
    url: String,
    token: String,
    ca: PathBuf,
}

impl Server {
    fn start(folder: &Folder, listener: SocketAddr) -> Server {
        let resolve = format!("resolve={{\"{DEVICE}\" = \"{listener}\"}}");
        let log = std::fs::File::create(folder.0.join("server.log")).unwrap();
        let mut process = simurgh()
            .current_dir(&folder.0)
            .args(["serve", "--announce", "--set", "eim.inject=true"])
            .args(["--set", &resolve])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("not started: {}", folder.read("server.log")));
        let address = |of: &str| announced[of].as_str().unwrap().parse().unwrap();
        let door: SocketAddr = address("door");
        Server {
            _process: Running(process),
            eim: address("eim"),
            url: format!("https://localhost:{}", door.port()),
            token: folder.read("door.token"),
            ca: folder.0.join("pki/private_ca.pem"),
        }
    }

    /// What a command that succeeds prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = simurgh()
            .args(arguments)
            .args(["--output", "json"])
            .env("SIMURGH_URL", &self.url)
            .env("SIMURGH_TOKEN", &self.token)
            .env("SIMURGH_CA", &self.ca)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?} {said}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Orders something, and waits until the device has done it.
    #[track_caller]
    fn order(&self, arguments: &[&str], folder: &Folder) {
        let ordered = self.json(arguments);
        let id = ordered["id"].as_str().unwrap().to_string();
        let began = Instant::now();
        loop {
            let operation = self.json(&["operation", "show", &id]);
            if operation["state"] == "confirmed" {
                return;
            }
            if began.elapsed() > PATIENCE {
                let logs = ["server.log", "agent.log"].map(|log| folder.read(log));
                panic!("{operation} {}", logs.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A port that is free for TCP and UDP.
fn free() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// A card with an enabled profile, known at the eIM, which it knows.
fn make_card(folder: &Folder, server: &Server, rng: &mut SeededRng) -> (Euicc, String) {
    let factory = folder.factory();
    let eid = factory.eid(7).unwrap();
    let (iccid, imsi) = ("89999100000000000010", "999010000000001");
    let subscription = Subscription::new(
        iccid.parse().unwrap(),
        imsi.parse().unwrap(),
        [1; 16],
        [2; 16],
    );
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: &subscription,
        profile_name: "Bootstrap",
        smdp_address: "smdp.simurgh.test",
        fallback_allowed: false,
        enabled: true,
    };
    let mut card = factory
        .make_card_with_bootstrap(eid, &bootstrap, rng)
        .unwrap();
    let told = server.json(&["device", "eim-configuration"]);
    let hex = told["eim_configuration_data"].as_str().unwrap();
    let octets: Vec<u8> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let data = EimConfigurationData::from_der(&octets).unwrap();
    let token = factory.add_initial_eim(&mut card, data, rng).unwrap();
    let (eid, counter) = (eid.to_string(), told["counter_value"].to_string());
    let mut add = vec!["device", "add", &eid, "--counter-value", &counter];
    let token = token.map(|token| token.to_string());
    if let Some(token) = &token {
        add.extend(["--association-token", token]);
    }
    server.json(&add);
    (card, eid)
}

fn start_agent(folder: &Folder, server: &Server, pcscd: &Pcscd, listener: SocketAddr) -> Running {
    let config = format!(
        "ci_certificates = [\"pki/ci.pem\"]\nretries = 0\n[device]\ntac = \"35290611\"\n\
         lte_release = 15\n[listen]\nhttps = \"{listener}\"\ncoaps = \"{listener}\"\n\
         certificate = \"listen.pem\"\nkey = \"listen.key.pem\"\neim = \"{EIM}\"\n\
         eim_certificate = \"ca/operator.pem\"\neim_ca = \"pki/private_ca.pem\"\n\
         [resolve]\n\"{EIM}\" = \"{}\"\n",
        server.eim
    );
    std::fs::write(folder.0.join("agent.toml"), config).unwrap();
    let (name, socket) = pcscd.environment();
    let agent = Command::new(env!("CARGO_BIN_EXE_simurgh-agent"))
        .args(["ipad", "--reader", &pcscd.reader(), "--config"])
        .arg(folder.0.join("agent.toml"))
        .env(name, socket)
        .stderr(std::fs::File::create(folder.0.join("agent.log")).unwrap())
        .spawn()
        .unwrap();
    let agent = Running(agent);
    let began = Instant::now();
    while TcpStream::connect(listener).is_err() {
        assert!(began.elapsed() < PATIENCE, "{}", folder.read("agent.log"));
        std::thread::sleep(Duration::from_millis(50));
    }
    agent
}

/// Somebody brings acknowledgements, which a device forgets results for.
fn bring(folder: &Folder, listener: SocketAddr, identity: Option<TlsIdentity>) -> HttpResponse {
    let message = TransferEimPackageRequest::EimAcknowledgements(EimAcknowledgements(vec![1]));
    let message = EsipaMessageFromEimToIpa::TransferEimPackageRequest(message);
    let mut client = Client::builder().resolve(DEVICE, listener);
    if let Some(identity) = identity {
        client = client.client_identity(identity);
    }
    let client = client.build(Arc::new(SoftwareProvider)).unwrap();
    let device = Target {
        address: DEVICE.to_string(),
        trust: Some(TlsTrust::Certificate(folder.certificate("listen.pem"))),
        transport: Transport::Https,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let posted = client.post(&device, esipa_asn1::encode_from_eim(&message));
    runtime.block_on(posted).unwrap()
}

/// EIM-70, over sockets: data and packages that were ordered after the device's
/// only poll come to it, and it lets in the one eIM that it was told of.
#[test]
fn packages_are_brought_over_https_and_coap() {
    let pcscd = match Pcscd::start() {
        Ok(pcscd) => pcscd,
        Err(PcscdError::NotInstalled(what)) => {
            let name = "packages_are_brought_over_https_and_coap";
            return lab::test_data::skip(name, &format!("{what} is not installed"));
        }
        Err(error) => panic!("{error}"),
    };
    let (folder, listener) = (Folder::new(), free());
    let mut rng = SeededRng::new(91);
    let server = Server::start(&folder, listener);
    let (card, eid) = make_card(&folder, &server, &mut rng);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    pcscd.wait_for_card(true).unwrap();
    let _agent = start_agent(&folder, &server, &pcscd, listener);
    let began = Instant::now();
    while server.json(&["device", "show", &eid])["last_contact"].is_null() {
        assert!(began.elapsed() < PATIENCE, "{}", folder.read("agent.log"));
        std::thread::sleep(Duration::from_millis(50));
    }

    let certificate = folder.0.join("listen.pem").display().to_string();
    for (scheme, operation) in [("https", "rat"), ("coaps", "data")] {
        let url = format!("{scheme}://{DEVICE}:{}", listener.port());
        let at = ["--address", &url, "--certificate", &certificate];
        let set = server.json(&[&["device", "listener", &eid][..], &at].concat());
        assert_eq!(set["listener"], url.as_str());
        server.order(&["device", operation, &eid], &folder);
        let list = ["profile", "list", &eid, "--refresh", "--timeout", "30"];
        let listed = server.json(&list);
        assert_eq!(
            listed["profiles"].as_array().map(Vec::len),
            Some(1),
            "{listed}"
        );
    }

    for stranger in [
        None,
        Some(folder.identity("stranger.pem", "stranger.key.pem")),
    ] {
        assert_eq!(bring(&folder, listener, stranger).status, 403);
    }
    let eim = folder.identity("ca/operator.pem", "ca/operator.key.pem");
    let taken = bring(&folder, listener, Some(eim));
    let taken = esipa_asn1::decode_from_ipa(&taken).unwrap();
    let answers = matches!(
        taken,
        EsipaMessageFromIpaToEim::TransferEimPackageResponse(_)
    );
    assert!(answers, "{taken:?}");
    drop(card.remove().unwrap());
}
