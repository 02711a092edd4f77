//! Octets and round trips of ESipa, per operation and binding.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa::Server;
use rsp_core::pki::member;
use rsp_core::profile;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::{PskKeys, ServerConfig};
use rsp_net::{Client, CoapClient, CoapLimits, CoapServer, MqttClient, MqttServer};
use serde::Serialize;
use store::{EimHost, SmdpHost, SqliteStore};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::datagrams::DatagramRelay;
use super::device::Device;
use super::octets::release;
use super::relay::{Passed, Relay};
use super::servers::{self, Esipa as Handler, Running};
use super::setting::{EIM, SMDP, Setting, activation_code, now};
use crate::Failure;
use crate::broker::PrivateBroker;
use crate::wires::{Binding, Esipa, PATIENCE, Proof, Wires};

/// Where mosquitto is, if it is.
const MOSQUITTO: &str = "/usr/sbin/mosquitto";

/// Name and key of the device.
const IDENTITY: &str = "89049032000000000000000000000163";
const KEY: [u8; 32] = [0x5A; 32];

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    operation: &'static str,
    binding: &'static str,
    connection: &'static str,
    /// ESipa: octets both ways, and how often the device had to wait.
    octets: u64,
    round_trips: u64,
    /// Datagrams, where there are any.
    datagrams: Option<u64>,
    /// ES9+, which is HTTPS with JSON in any case.
    es9plus_octets: u64,
    /// Octets of the profile that is in them.
    profile_octets: u64,
}

/// Measures and prints; gives no verdict.
pub(super) fn run(setting: &Setting) -> Result<bool, Failure> {
    let mut lines = Vec::new();
    for (binding, name) in [
        (Binding::Asn1, "HTTPS ASN.1"),
        (Binding::CoapCert, "CoAP certificate"),
        (Binding::CoapPsk, "CoAP PSK"),
        (Binding::Mqtt, "MQTT"),
    ] {
        if binding == Binding::Mqtt && !Path::new(MOSQUITTO).exists() {
            eprintln!("not measured: {name}, because there is no {MOSQUITTO} (cargo xtask setup)");
            continue;
        }
        for kept in [false, true] {
            super::progress(&format!("{name}, {}", connection(kept)));
            lines.extend(measure(setting, binding, name, kept)?);
        }
    }
    print(&lines)?;
    Ok(true)
}

fn connection(kept: bool) -> &'static str {
    if kept { "kept" } else { "new" }
}

fn print(lines: &[Line]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "ESipa, octets of TLS or DTLS records both ways; not counted: headers of TCP, UDP and IP, \
         the\nhandshake of TCP (one round trip more for each new connection), and what a broker \
         and its eIM\nexchange. Round trips: how often the device sent after it had received.\n"
    )?;
    writeln!(
        out,
        "{:<10} {:<17} {:<5} {:>8} {:>12} {:>10} {:>16}",
        "operation", "binding", "conn.", "octets", "round trips", "datagrams", "ES9+ less profile"
    )?;
    for line in lines {
        let datagrams = line.datagrams.map(|number| number.to_string());
        writeln!(
            out,
            "{:<10} {:<17} {:<5} {:>8} {:>12} {:>10} {:>16}",
            line.operation,
            line.binding,
            line.connection,
            line.octets,
            line.round_trips,
            datagrams.unwrap_or_default(),
            line.es9plus_octets.saturating_sub(line.profile_octets),
        )?;
    }
    writeln!(out, "{}", serde_json::to_string(lines)?)?;
    Ok(())
}

/// An idle poll, a download and an enable, each with connections of its own or
/// on those that are there.
fn measure(
    setting: &Setting,
    binding: Binding,
    name: &'static str,
    kept: bool,
) -> Result<Vec<Line>, Failure> {
    let (order, material) = setting.released()?;
    let iccid = order.iccid;
    let package = profile::personalise(&material.template, &material.subscription)?;
    let store = Arc::new(SqliteStore::in_memory()?);
    let mut world = World::new(setting, binding, store.clone())?;
    release(store.as_ref(), order, &material)?;
    world.operate("certificates", Some(OperationKind::ListProfileInfo), kept)?;
    let rollback = false;
    let activation_code = activation_code();
    let mut lines = Vec::new();
    for (operation, kind) in [
        ("poll", None),
        (
            "download",
            Some(OperationKind::Download { activation_code }),
        ),
        ("enable", Some(OperationKind::Enable { iccid, rollback })),
    ] {
        let is_download = operation == "download";
        let (esipa, datagrams, es9plus) = world.operate(operation, kind, kept)?;
        lines.push(Line {
            operation,
            binding: name,
            connection: connection(kept),
            octets: esipa.octets(),
            round_trips: esipa.turns,
            datagrams,
            es9plus_octets: es9plus.octets(),
            profile_octets: if is_download { package.len() as u64 } else { 0 },
        });
    }
    Ok(lines)
}

/// What counts the octets of ESipa.
enum Counter {
    Stream(Relay),
    Datagrams(DatagramRelay),
}

impl Counter {
    fn address(&self) -> SocketAddr {
        match self {
            Counter::Stream(relay) => relay.address,
            Counter::Datagrams(relay) => relay.address,
        }
    }

    fn so_far(&self) -> (Passed, Option<u64>) {
        match self {
            Counter::Stream(relay) => (relay.so_far(), None),
            Counter::Datagrams(relay) => {
                let (passed, datagrams) = relay.so_far();
                (passed, Some(datagrams))
            }
        }
    }
}

/// A device, its servers, and a relay before each.
struct World {
    device: Device,
    eim: Arc<EimHost>,
    binding: Binding,
    esipa: Counter,
    es9plus: Relay,
    wires: Option<Wires>,
    proof: Proof,
    _servers: Vec<Running>,
    broker: Option<PrivateBroker>,
    runtime: Runtime,
}

impl World {
    fn new(setting: &Setting, binding: Binding, store: Arc<SqliteStore>) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let eim = Arc::new(EimHost::new(setting.eim()?, store.clone())?);
        let smdp = Arc::new(SmdpHost::new(setting.smdp()?, store));
        let (device, record) = Device::over(setting, eim.eim(), binding.transport())?;
        eim.add_euicc(&record)?;
        let smdp = servers::start_smdp(setting, &smdp)?;
        let es9plus = runtime.block_on(Relay::start(smdp.address))?;
        let mut servers = vec![smdp];
        let mut broker = None;
        let esipa = match binding {
            Binding::Asn1 | Binding::Json => {
                let server = servers::start_eim(setting, &eim)?;
                let relay = Counter::Stream(runtime.block_on(Relay::start(server.address))?);
                servers.push(server);
                relay
            }
            Binding::CoapCert | Binding::CoapPsk => {
                let address = runtime.block_on(serve_coap(setting, eim.clone()))?;
                Counter::Datagrams(runtime.block_on(DatagramRelay::start(address))?)
            }
            Binding::Mqtt => {
                let private = broker.insert(PrivateBroker::start(EIM)?);
                runtime.block_on(serve_mqtt(private, eim.clone()))?;
                Counter::Stream(runtime.block_on(Relay::start(private.address))?)
            }
        };
        let proof = match binding {
            Binding::CoapPsk => Proof::Psk {
                identity: IDENTITY.to_string(),
                key: Zeroizing::new(KEY.to_vec()),
            },
            _ => Proof::Certificate(setting.tls(member::OPERATOR)?),
        };
        Ok(World {
            device,
            eim,
            binding,
            esipa,
            es9plus,
            wires: None,
            proof,
            _servers: servers,
            broker,
            runtime,
        })
    }

    fn wires(&self) -> Result<Wires, Failure> {
        let crypto = Arc::new(SoftwareProvider);
        let at = self.esipa.address();
        let https = Client::builder()
            .resolve(EIM, at)
            .resolve(SMDP, self.es9plus.address)
            .build(crypto.clone())?;
        let esipa = match (self.binding, &self.broker) {
            (Binding::CoapCert | Binding::CoapPsk, _) => {
                let client = CoapClient::new(crypto).resolve(EIM, at).timeout(PATIENCE);
                Esipa::Coap(client, self.proof.clone())
            }
            (Binding::Mqtt, Some(broker)) => {
                let broker = broker.device(at);
                Esipa::Mqtt(MqttClient::new(broker, IDENTITY, PATIENCE, crypto))
            }
            _ => Esipa::Https,
        };
        Ok(Wires { https, esipa })
    }

    /// Has the device poll, and carry an operation out if there is one; gives
    /// what passed.
    fn operate(
        &mut self,
        name: &str,
        kind: Option<OperationKind>,
        kept: bool,
    ) -> Result<(Passed, Option<u64>, Passed), Failure> {
        let id = OperationId(name.to_string());
        let expected = kind.is_some();
        if let Some(kind) = kind {
            let operation = Operation::queued(id.clone(), self.device.eid, kind, now());
            self.eim.add_operation(&operation)?;
        }
        let wires = match self.wires.take().filter(|_| kept) {
            Some(wires) => wires,
            None => self.wires()?,
        };
        self.esipa.so_far();
        self.es9plus.so_far();
        let runtime = &self.runtime;
        self.device
            .round(|server: &Server, request| Ok(runtime.block_on(wires.post(server, request))?))?;
        match kept {
            true => self.wires = Some(wires),
            false => drop(wires),
        }
        let operation = self.eim.store().operation(&id)?;
        let confirmed = operation
            .is_some_and(|operation| matches!(operation.state, OperationState::Confirmed { .. }));
        if expected && !confirmed {
            return Err(format!("{name} is not confirmed").into());
        }
        // Farewells of connections that are not used again belong to it.
        std::thread::sleep(Duration::from_millis(200));
        let (esipa, datagrams) = self.esipa.so_far();
        Ok((esipa, datagrams, self.es9plus.so_far()))
    }
}

struct OneKey;

impl PskKeys for OneKey {
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        (identity == IDENTITY.as_bytes()).then(|| Zeroizing::new(KEY.to_vec()))
    }
}

async fn serve_coap(setting: &Setting, eim: Arc<EimHost>) -> Result<SocketAddr, Failure> {
    let config = ServerConfig {
        identity: Some(setting.tls(member::EIM_TLS)?),
        psk: Some(Arc::new(OneKey)),
        client_trust: None,
    };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = CoapServer::bind(any, &config, CoapLimits::default()).await?;
    let address = server.local_addr();
    tokio::spawn(server.serve(Handler(eim), std::future::pending()));
    Ok(address)
}

async fn serve_mqtt(broker: &PrivateBroker, eim: Arc<EimHost>) -> Result<(), Failure> {
    let (ready, mut is_ready) = tokio::sync::mpsc::unbounded_channel();
    let server =
        MqttServer::new(broker.eim(), EIM, Arc::new(SoftwareProvider)).on_ready(move || {
            let _ = ready.send(());
        });
    tokio::spawn(server.serve(Handler(eim), std::future::pending()));
    let began = tokio::time::timeout(PATIENCE, is_ready.recv()).await?;
    began.ok_or("the eIM does not reach the broker")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts are of this machine's libraries, but their order is that of the
    /// bindings: a kept association costs least, CoAP less than HTTPS.
    #[test]
    fn coap_takes_fewer_octets_than_https() {
        let setting = Setting::new(1).unwrap();
        let octets = |binding, kept| {
            let lines = measure(&setting, binding, "", kept).unwrap();
            lines.iter().map(|line| line.octets).collect::<Vec<_>>()
        };
        let https = octets(Binding::Asn1, false);
        let psk = octets(Binding::CoapPsk, false);
        let kept = octets(Binding::CoapPsk, true);
        for ((https, psk), kept) in https.iter().zip(&psk).zip(&kept) {
            assert!(psk < https && kept < psk, "{https} {psk} {kept}");
        }
    }
}
