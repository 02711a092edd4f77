//! The eIM and the SM-DP+ on loopback TLS, and who uses them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lab::Factory;
use rsp_asn1::ids::Eid;
use rsp_core::binding::{HttpRequest, HttpResponse, Transport, es2plus_json, esipa, json};
use rsp_core::eim::relay::RelaySettings;
use rsp_core::eim::{Eim, LabSettings, Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa;
use rsp_core::pki::{Hierarchy, Issued, TlsTrust, TrustAnchor, member};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::{DpIdentity, ProfileTypeSettings, Smdp};
use rsp_core::{Context, Identity, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Rng};
use rsp_net::{Client, ClientAuth, Handler, Limits, OperatorTrust, Peer, Server, TlsIdentity};
use store::{Answer, EimHost, ProfileStock, SmdpHost, SqliteStore};
use tokio::runtime::Runtime;

/// Found by the name service, on a port of its own: it stands in eimFqdn.
pub(crate) const EIM: &str = "localhost";
pub(crate) const SMDP: &str = "smdp.simurgh.test";

/// Who orders, and the identifier in its certificate.
const OPERATOR: &str = "operator";
const OPERATOR_ID: &str = "2.999.30";

/// Both servers; they end when this is dropped.
pub(crate) struct Servers {
    pub(crate) eim: Arc<EimHost>,
    pub(crate) factory: Factory,
    pub(crate) smdp_address: SocketAddr,
    #[allow(dead_code, reason = "for other bindings than HTTPS")]
    pub(crate) eim_address: SocketAddr,
    #[allow(dead_code, reason = "for other bindings than HTTPS")]
    pub(crate) esipa: Esipa,
    smdp: Arc<SmdpHost>,
    issued: Vec<Issued<SoftwareKey>>,
    pub(crate) runtime: Runtime,
}

impl Servers {
    pub(crate) fn start(rng: &mut SeededRng) -> Servers {
        Self::with_transports(rng, vec![Transport::Https])
    }

    /// With an eIM that tells eUICCs of these.
    pub(crate) fn with_transports(rng: &mut SeededRng, transports: Vec<Transport>) -> Servers {
        let issued = issue(rng);
        let find = |member| find(&issued, member);
        let ci = find(member::CI).certificate.clone();
        let anchor = TrustAnchor::new(&ci, &SoftwareProvider).unwrap();
        let eum = find(member::EUM);
        let factory = Factory::new(anchor.clone(), eum.certificate.clone(), eum.key.clone());
        let runtime = Runtime::new().unwrap();
        let (eim_server, eim_address) =
            bind(&runtime, tls(find(member::EIM_TLS)), ClientAuth::None);
        let eim = Eim {
            eim_id: EIM.try_into().unwrap(),
            fqdn: format!("{EIM}:{}", eim_address.port()),
            signing: identity(find(member::EIM_SIGN)),
            tls_trust: ci,
            anchors: vec![anchor.clone()],
            transports,
            relay: RelaySettings::default(),
            lab: LabSettings::default(),
        };
        let dp = DpIdentity {
            auth: identity(find(member::DP_AUTH)),
            pb: identity(find(member::DP_PB)),
        };
        let name = SMDP.to_string();
        let smdp = Smdp::new(name, vec![dp], vec![anchor], now(), &SoftwareProvider).unwrap();
        let memory = || Arc::new(SqliteStore::in_memory().unwrap());
        let eim = Arc::new(EimHost::new(eim, memory()).unwrap());
        let smdp = Arc::new(SmdpHost::new(smdp, memory()));
        let authority = find(member::PRIVATE_CA).certificate.as_bytes().to_vec();
        let operators = OperatorTrust::new(&[authority], Arc::new(SoftwareProvider)).unwrap();
        let operators = ClientAuth::Optional(operators);
        let (smdp_server, smdp_address) = bind(&runtime, tls(find(member::DP_TLS)), operators);
        let door = SmdpDoor {
            host: smdp.clone(),
            operator: find(member::OPERATOR).certificate.as_bytes().to_vec(),
        };
        runtime.spawn(smdp_server.serve(door, std::future::pending()));
        let client = Client::builder().resolve(SMDP, smdp_address);
        let esipa = Esipa {
            eim: eim.clone(),
            client: client.build(Arc::new(SoftwareProvider)).unwrap(),
        };
        runtime.spawn(eim_server.serve(esipa.clone(), std::future::pending()));
        Servers {
            factory: factory.unwrap(),
            smdp_address,
            eim,
            eim_address,
            esipa,
            smdp,
            issued,
            runtime,
        }
    }

    pub(crate) fn issued(&self, member: &str) -> &Issued<SoftwareKey> {
        find(&self.issued, member)
    }

    /// Puts a profile into stock and orders it over ES2+ with mutual TLS; gives
    /// the activation code.
    pub(crate) fn order(&self, subscription: &Subscription) -> String {
        let stock = ProfileStock {
            profile_type: "operational",
            template: &profile::template(),
            service_provider_name: "Example Mobile",
            profile_name: "Operational",
            profile_class: 2,
            settings: ProfileTypeSettings::default(),
            subscriptions: std::slice::from_ref(subscription),
        };
        self.smdp.store().add_profiles(&stock).unwrap();
        let ordered = self.es2plus(&es2plus_json::DownloadOrder {
            header: header(),
            eid: None,
            iccid: Some(subscription.iccid),
            profile_type: None,
        });
        let confirmed = self.es2plus(&es2plus_json::ConfirmOrder {
            header: header(),
            iccid: ordered.iccid,
            eid: None,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            release_flag: true,
        });
        format!("LPA:1${SMDP}${}", confirmed.matching_id)
    }

    fn es2plus<F: json::Function>(&self, message: &F) -> F::Ok {
        let request = json::encode_request(message, None).unwrap();
        let ci = &self.issued(member::CI).certificate;
        let anchor = TrustAnchor::new(ci, &SoftwareProvider).unwrap();
        let server = ipa::Server {
            address: SMDP.to_string(),
            trust: Some(TlsTrust::RspServer(vec![anchor])),
            transport: rsp_core::binding::Transport::Https,
        };
        let client = Client::builder()
            .resolve(SMDP, self.smdp_address)
            .client_identity(tls(self.issued(member::OPERATOR)))
            .build(Arc::new(SoftwareProvider))
            .unwrap();
        let response = self.runtime.block_on(client.post(&server, request));
        json::decode_response::<F>(&response.unwrap()).unwrap()
    }

    /// Queues an operation at the eIM.
    pub(crate) fn queue(&self, eid: Eid, kind: OperationKind) -> OperationId {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = OperationId(format!("operation-{number}"));
        let operation = Operation::queued(id.clone(), eid, kind, now());
        self.eim.add_operation(&operation).unwrap();
        id
    }

    pub(crate) fn state(&self, id: &OperationId) -> OperationState {
        self.eim.store().operation(id).unwrap().unwrap().state
    }

    pub(crate) fn wait_until_confirmed(&self, id: &OperationId) {
        let begun = Instant::now();
        loop {
            let state = self.state(id);
            if matches!(state, OperationState::Confirmed { .. }) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "{state:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn issue(rng: &mut SeededRng) -> Vec<Issued<SoftwareKey>> {
    let day = Duration::from_secs(86_400);
    let hierarchy = Hierarchy {
        curve: Curve::NistP256,
        organization: "Simurgh Test".to_string(),
        smdp_host: SMDP.to_string(),
        smds_host: "smds.simurgh.test".to_string(),
        eim_host: EIM.to_string(),
        door_host: "localhost".to_string(),
        eid_prefix: "89049032".to_string(),
        not_before: Timestamp::from_secs(now().as_secs() - day.as_secs()),
        not_after: now().after(day * 365),
    };
    let mut seed = [0; 8];
    rng.fill(&mut seed);
    let mut keys = SeededRng::new(u64::from_be_bytes(seed));
    let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
    let issued = hierarchy.issue_all(make_key, &SoftwareProvider, rng);
    issued.unwrap()
}

fn find<'a>(issued: &'a [Issued<SoftwareKey>], member: &str) -> &'a Issued<SoftwareKey> {
    let mut issued = issued.iter();
    issued.find(|issued| issued.member == member).unwrap()
}

fn identity(issued: &Issued<SoftwareKey>) -> Identity {
    Identity {
        certificate: issued.certificate.clone(),
        key: Box::new(issued.key.clone()),
    }
}

pub(crate) fn tls(issued: &Issued<SoftwareKey>) -> TlsIdentity {
    let chain = vec![issued.certificate.as_bytes().to_vec()];
    TlsIdentity::from_key_pem(chain, &issued.key.to_pkcs8_pem().unwrap()).unwrap()
}

fn header() -> es2plus_json::RequestHeader {
    es2plus_json::RequestHeader {
        function_requester_identifier: OPERATOR_ID.to_string(),
        function_call_identifier: "order".to_string(),
    }
}

fn bind(runtime: &Runtime, tls: TlsIdentity, client_auth: ClientAuth) -> (Server, SocketAddr) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(any, tls, client_auth, Limits::default());
    let server = runtime.block_on(server).unwrap();
    let address = server.local_addr();
    (server, address)
}

/// The eIM, with what it needs to ask the SM-DP+.
#[derive(Clone)]
pub(crate) struct Esipa {
    eim: Arc<EimHost>,
    client: Client,
}

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let (binding, message) = match esipa::decode_request(&request) {
            Ok(decoded) => decoded,
            Err(error) => return esipa::refuse(&request, &error),
        };
        let eim = self.eim.clone();
        let work = move || with_context(|cx| eim.begin(&message, cx).unwrap());
        let mut answer = tokio::task::spawn_blocking(work).await.unwrap();
        loop {
            let pending = match answer {
                Answer::Reply(reply) => return reply.encode(binding),
                Answer::Ask(pending) => *pending,
            };
            let asked = self
                .client
                .post(&pending.ask.server, pending.ask.request.clone());
            let response = asked.await.map_err(|error| error.to_string());
            let eim = self.eim.clone();
            let work = move || with_context(|cx| eim.finish(pending, response, cx).unwrap());
            answer = tokio::task::spawn_blocking(work).await.unwrap();
        }
    }
}

/// ES9+ for devices, ES2+ for the operator with its certificate.
struct SmdpDoor {
    host: Arc<SmdpHost>,
    operator: Vec<u8>,
}

impl Handler for SmdpDoor {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let smdp = self.host.clone();
        let is_operator = peer.certificate.as_ref() == Some(&self.operator);
        let work = move || match es2plus_json::is_path(&request.path) {
            false => with_context(|cx| smdp.es9plus(&request, cx).unwrap()),
            true if is_operator => with_context(|cx| {
                let own = |id: &str| id == OPERATOR_ID;
                smdp.es2plus_as(&request, OPERATOR, &own, cx).unwrap()
            }),
            true => HttpResponse::failure(401, "no operator"),
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }
}

/// Runs `work` with everything that a machine needs from outside.
fn with_context<T>(work: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let nanos = u64::try_from(since.as_nanos()).unwrap();
    work(&mut Context {
        now: now(),
        rng: &mut SeededRng::new(nanos),
        crypto: &SoftwareProvider,
    })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap())
}
