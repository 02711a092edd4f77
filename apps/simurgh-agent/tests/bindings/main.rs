//! The agent as a process over each binding of ESipa but HTTPS in ASN.1, which
//! `pcsc_chain` has: a card behind pcscd, a download and an enable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../../simurgh-lab/src/broker.rs"]
#[allow(dead_code, reason = "the demonstration uses the rest")]
mod broker;
#[path = "../pcsc_chain/servers.rs"]
#[allow(dead_code, reason = "the chain uses the rest")]
mod servers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use broker::PrivateBroker;
use euicc::Euicc;
use lab::inspect;
use lab::reader::{Insertion, Pcscd, PcscdError, Powered};
use rsp_core::binding::Transport;
use rsp_core::eim::{EuiccRecord, OperationKind, OperationState};
use rsp_core::pki::{certificate_to_pem, member};
use rsp_core::profile::Subscription;
use rsp_crypto::Rng;
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use rsp_net::dtls::{PskKeys, ServerConfig};
use rsp_net::{CoapLimits, CoapServer, MqttServer};
use servers::{SMDP, Servers, tls};
use store::EimHost;
use zeroize::Zeroizing;

/// As `broker` has it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the agent is told, beside what every agent is.
struct Way {
    name: &'static str,
    transport: Transport,
    download: &'static str,
    esipa_binding: &'static str,
    /// Whether the device has a key.
    key: bool,
}

const WAYS: [Way; 5] = [
    Way {
        name: "json",
        transport: Transport::Https,
        download: "indirect",
        esipa_binding: "json",
        key: false,
    },
    Way {
        name: "coap-cert",
        transport: Transport::Coaps,
        download: "direct",
        esipa_binding: "asn1",
        key: false,
    },
    Way {
        name: "coap-psk",
        transport: Transport::Coaps,
        download: "indirect",
        esipa_binding: "asn1",
        key: true,
    },
    Way {
        name: "mqtt",
        transport: Transport::Mqtt,
        download: "direct",
        esipa_binding: "asn1",
        key: false,
    },
    Way {
        name: "mqtt-indirect",
        transport: Transport::Mqtt,
        download: "indirect",
        esipa_binding: "json",
        key: false,
    },
];

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The keys of devices in the store.
struct Keys(Arc<EimHost>);

impl PskKeys for Keys {
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let identity = std::str::from_utf8(identity).ok()?;
        self.0.store().psk(identity).unwrap()
    }
}

/// CoAP on the port that HTTPS has over TCP: eimFqdn names it.
fn serve_coap(servers: &Servers) {
    let config = ServerConfig {
        identity: Some(tls(servers.issued(member::EIM_TLS))),
        psk: Some(Arc::new(Keys(servers.eim.clone()))),
        client_trust: None,
    };
    let bound = CoapServer::bind(servers.eim_address, &config, CoapLimits::default());
    let server = servers.runtime.block_on(bound).unwrap();
    let serving = server.serve(servers.esipa.clone(), std::future::pending());
    servers.runtime.spawn(serving);
}

fn serve_mqtt(servers: &Servers, broker: &PrivateBroker) {
    let (tell, mut ready) = tokio::sync::mpsc::unbounded_channel();
    let fqdn = &servers.eim.eim().fqdn;
    let server = MqttServer::new(broker.eim(), fqdn, Arc::new(SoftwareProvider));
    let server = server.on_ready(move || {
        let _ = tell.send(());
    });
    let serving = server.serve(servers.esipa.clone(), std::future::pending());
    servers.runtime.spawn(serving);
    servers.runtime.block_on(async {
        let began = tokio::time::timeout(Duration::from_secs(10), ready.recv());
        began.await.unwrap().unwrap();
    });
}

/// Writes the configuration of an agent.
fn configure(
    folder: &Path,
    way: &Way,
    eid: &str,
    servers: &Servers,
    broker: Option<&PrivateBroker>,
) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let ci = &servers.issued(member::CI).certificate;
    write("ci.pem", &certificate_to_pem(ci));
    let protocol = match way.transport {
        Transport::Https => "https",
        Transport::Coaps => "coaps",
        Transport::Mqtt => "mqtt",
    };
    let mut config = format!(
        "ci_certificates = [\"ci.pem\"]\nretries = 0\ndownload = \"{}\"\n\
         esipa_binding = \"{}\"\n[device]\ntac = \"35290611\"\nlte_release = 15\n\
         [esipa]\nprotocols = [\"{protocol}\"]\n",
        way.download, way.esipa_binding
    );
    if way.key {
        write("psk.key", "00112233445566778899aabbccddeeff");
        let key: Vec<u8> = (0..16).map(|octet| octet * 0x11).collect();
        let of = eid.parse().unwrap();
        servers.eim.store().put_psk(of, eid, &key).unwrap();
        config += &format!("[esipa.psk]\nidentity = \"{eid}\"\nkey = \"psk.key\"\n");
    }
    let mut resolve = format!("[resolve]\n\"{SMDP}\" = \"{}\"\n", servers.smdp_address);
    if let Some(broker) = broker {
        config += &format!(
            "[esipa.mqtt]\nbroker = \"{}\"\nca = \"{}\"\ndevice = \"{eid}\"\n\
             username = \"{eid}\"\npassword = \"{}\"\n",
            broker::HOST,
            broker.ca().display(),
            broker.password().display()
        );
        resolve += &format!("\"{}\" = \"{}\"\n", broker::HOST, broker.address);
    }
    write("agent.toml", &(config + &resolve));
}

/// One round of the agent, which must succeed.
fn round(folder: &Path, pcscd: &Pcscd, way: &Way) {
    let (name, socket) = pcscd.environment();
    let output = Command::new(env!("CARGO_BIN_EXE_simurgh-agent"))
        .args(["ipad", "--once", "--reader", &pcscd.reader(), "--config"])
        .arg(folder.join("agent.toml"))
        .env(name, socket)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", way.name);
}

fn download_and_enable(way: &Way, seed: u64, pcscd: &Pcscd) {
    let mut rng = SeededRng::new(seed);
    let servers = Servers::with_transports(&mut rng, vec![way.transport]);
    let eid = servers.factory.eid(1).unwrap();
    let text = eid.to_string();
    let broker = match way.transport {
        Transport::Mqtt => {
            let fqdn = servers.eim.eim().fqdn.clone();
            Some(PrivateBroker::start_for(&fqdn, &[&text]).unwrap())
        }
        _ => None,
    };
    match (&broker, way.transport) {
        (Some(broker), _) => serve_mqtt(&servers, broker),
        (None, Transport::Coaps) => serve_coap(&servers),
        (None, _) => {}
    }
    let identity = servers.factory.identity(eid, &mut rng).unwrap();
    let mut card = Euicc::new(identity.personalisation());
    let configuration = servers.eim.eim().configuration_data(0).unwrap();
    let token = servers
        .factory
        .add_initial_eim(&mut card, configuration, &mut rng);
    let record = EuiccRecord::new(eid, token.unwrap(), 0);
    servers.eim.add_euicc(&record).unwrap();

    let folder = format!("simurgh-agent-{}-{}", way.name, std::process::id());
    let folder = Folder(std::env::temp_dir().join(folder));
    std::fs::create_dir(&folder.0).unwrap();
    configure(&folder.0, way, &text, &servers, broker.as_ref());
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    let (iccid, imsi) = ("89999700000000000010", "999700000000001");
    let subscription = Subscription::new(iccid.parse().unwrap(), imsi.parse().unwrap(), ki, opc);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    pcscd.wait_for_card(true).unwrap();

    let activation_code = servers.order(&subscription);
    let iccid = subscription.iccid;
    let rollback = false;
    for kind in [
        OperationKind::Download { activation_code },
        OperationKind::Enable { iccid, rollback },
    ] {
        let ordered = servers.queue(eid, kind);
        round(&folder.0, pcscd, way);
        let state = servers.state(&ordered);
        let done = matches!(state, OperationState::Confirmed { .. });
        assert!(done, "{}: {state:?}", way.name);
    }
    let mut card = card.remove().unwrap();
    pcscd.wait_for_card(false).unwrap();
    let profiles = inspect::profiles(&mut card.card, &mut card.rng).unwrap();
    assert_eq!(profiles, [(iccid, true)], "{}", way.name);
}

#[test]
fn a_download_and_an_enable_over_each_binding() {
    let pcscd = match Pcscd::start() {
        Ok(pcscd) => pcscd,
        Err(PcscdError::NotInstalled(what)) => {
            let name = "a_download_and_an_enable_over_each_binding";
            return lab::test_data::skip(name, &format!("{what} is not installed"));
        }
        Err(error) => panic!("{error}"),
    };
    for (seed, way) in (81..).zip(&WAYS) {
        download_and_enable(way, seed, &pcscd);
    }
}
