//! A device that talks to its eIM over one binding, and what counts its octets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa::{Config, IpaFeatures, Server};
use rsp_core::pki::member;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::{PskKeys, ServerConfig};
use rsp_net::{Client, CoapClient, CoapLimits, CoapServer, MqttClient, MqttServer};
use store::{EimHost, SmdpHost, SqliteStore};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::super::datagrams::DatagramRelay;
use super::super::device::{self, Device};
use super::super::relay::{Passed, Relay};
use super::super::servers::{self, Esipa as Handler, Running};
use super::super::setting::{EIM, SMDP, Setting, now};
use crate::Failure;
use crate::broker::PrivateBroker;
use crate::wires::{Binding, Esipa, PATIENCE, Proof, Wires};

/// Name and key of the device.
const IDENTITY: &str = "89049032000000000000000000000163";
const KEY: [u8; 32] = [0x5A; 32];

/// When nothing passed for so long, connections have said farewell.
const QUIET: Duration = Duration::from_millis(60);

/// How long farewells are awaited.
const FAREWELL: Duration = Duration::from_secs(2);

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

/// Datagrams, where there are any, and what passed of ESipa and of ES9+.
pub(super) struct Counts {
    pub(super) esipa: Passed,
    pub(super) datagrams: Option<u64>,
    pub(super) es9plus: Passed,
}

/// A device, its servers, and a relay before each.
pub(super) struct World {
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
    /// A device whose IPA can do this.
    pub(super) fn new(
        setting: &Setting,
        binding: Binding,
        features: IpaFeatures,
        store: Arc<SqliteStore>,
    ) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let eim = Arc::new(EimHost::new(setting.eim()?, store.clone())?);
        let smdp = Arc::new(SmdpHost::new(setting.smdp()?, store));
        let config = Config {
            transports: vec![binding.transport()],
            esipa_binding: binding.esipa(),
            features,
            ..device::config(setting)
        };
        let (device, record) = Device::with(setting, eim.eim(), config)?;
        eim.add_euicc(&record)?;
        let smdp = servers::start_smdp(setting, &smdp)?;
        let es9plus = runtime.block_on(Relay::start(smdp.address))?;
        let relaying = Client::builder().resolve(SMDP, smdp.address);
        let handler = Handler {
            smdp: Some(relaying.build(Arc::new(SoftwareProvider))?),
            eim: eim.clone(),
        };
        let mut servers = vec![smdp];
        let mut broker = None;
        let esipa = match binding {
            Binding::Asn1 | Binding::Json => {
                let server = Running::start("wire-eim", setting, member::EIM_TLS, handler)?;
                let relay = Counter::Stream(runtime.block_on(Relay::start(server.address))?);
                servers.push(server);
                relay
            }
            Binding::CoapCert | Binding::CoapPsk => {
                let address = runtime.block_on(serve_coap(setting, handler))?;
                Counter::Datagrams(runtime.block_on(DatagramRelay::start(address))?)
            }
            Binding::Mqtt => {
                let private = broker.insert(PrivateBroker::start(EIM)?);
                runtime.block_on(serve_mqtt(private, handler))?;
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
    /// what passed, on connections that are there (`kept`) or on new ones.
    pub(super) fn operate(
        &mut self,
        name: &str,
        kind: Option<OperationKind>,
        kept: bool,
    ) -> Result<Counts, Failure> {
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
        let counts = self.counts();
        Ok(if kept { counts } else { self.farewell(counts) })
    }

    fn counts(&self) -> Counts {
        let (esipa, datagrams) = self.esipa.so_far();
        Counts {
            esipa,
            datagrams,
            es9plus: self.es9plus.so_far(),
        }
    }

    /// With the farewells of connections that are not used again, which belong
    /// to them.
    fn farewell(&self, mut counts: Counts) -> Counts {
        let (began, mut last) = (Instant::now(), Instant::now());
        while last.elapsed() < QUIET && began.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(5));
            let more = self.counts();
            if more.esipa.octets() + more.es9plus.octets() > 0 {
                last = Instant::now();
            }
            counts.esipa.add(&more.esipa);
            counts.es9plus.add(&more.es9plus);
            let datagrams = counts.datagrams.zip(more.datagrams);
            counts.datagrams = datagrams.map(|(before, more)| before + more);
        }
        counts
    }
}

struct OneKey;

impl PskKeys for OneKey {
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        (identity == IDENTITY.as_bytes()).then(|| Zeroizing::new(KEY.to_vec()))
    }
}

async fn serve_coap(setting: &Setting, handler: Handler) -> Result<SocketAddr, Failure> {
    let config = ServerConfig {
        identity: Some(setting.tls(member::EIM_TLS)?),
        psk: Some(Arc::new(OneKey)),
        client_trust: None,
    };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = CoapServer::bind(any, &config, CoapLimits::default()).await?;
    let address = server.local_addr();
    tokio::spawn(server.serve(handler, std::future::pending()));
    Ok(address)
}

async fn serve_mqtt(broker: &PrivateBroker, handler: Handler) -> Result<(), Failure> {
    let (ready, mut is_ready) = tokio::sync::mpsc::unbounded_channel();
    let server =
        MqttServer::new(broker.eim(), EIM, Arc::new(SoftwareProvider)).on_ready(move || {
            let _ = ready.send(());
        });
    tokio::spawn(server.serve(handler, std::future::pending()));
    let began = tokio::time::timeout(PATIENCE, is_ready.recv()).await?;
    began.ok_or("the eIM does not reach the broker")?;
    Ok(())
}
