//! `simurgh serve`: loads keys and state, listens, and ends in good order.

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsp_core::binding::Transport;
use rsp_core::eim::relay::RelaySettings;
use rsp_core::eim::{Eim, LabSettings};
use rsp_core::pki::{TlsTrust, TrustAnchor, member};
use rsp_core::smdp::Smdp;
use rsp_crypto::software::{Sealer, SoftwareProvider};
use rsp_net::{Client, ClientAuth, Limits, Server, TlsIdentity};
use store::Eims;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::access::Access;
use crate::bindings::Bindings;
use crate::config::Config;
use crate::database::{self, Database};
use crate::door::{AllFunctions, BuiltIn, DeviceRates, Door, Rates, Served};
use crate::doubtful::Doubtful;
use crate::esipa::{self, Bound, Esipa};
use crate::events::{Publisher, Teller};
use crate::inject::{self, Injector, Pushes};
use crate::metrics::Fleet;
use crate::outbox::Outbox;
use crate::pki::ServerKeys;
use crate::smdp_role::SmdpRole;
use crate::smdps::Smdps;
use crate::smds_role::{self, SmdsRole};
use crate::zero_touch::Chooser;
use crate::{Failure, Serve, access, files, key_file, residency, shell, traces};

/// Characters that a token must have.
const MIN_TOKEN: usize = 16;

/// How long an SM-DP+ may take to take a notification over.
const OUTBOX_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an SM-DP+ may take to answer what an IPA waits for.
const RELAY_TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the server until a signal ends it, or the end of standard input if that
/// is asked for.
pub(crate) fn run(arguments: &Serve) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SIMURGH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let config = Config::read(&arguments.config, &arguments.set)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start", error))?;
    let stopped = stopped(arguments.stop_on_stdin_eof);
    runtime.block_on(async {
        let traces = traces::Sending::start(&config)?;
        let served = serve(&config, arguments.announce, stopped).await;
        traces.finish().await;
        served
    })
}

/// The roles on their state; those with doors of their own are bound.
struct Roles {
    eims: Arc<Eims>,
    smdp: SmdpRole,
    smdps: Arc<Smdps>,
    smds: Option<SmdsRole>,
    teller: Arc<Teller>,
    database: Arc<dyn store::Database>,
    fleet: Arc<Fleet>,
}

/// Loads keys and state.
async fn start_roles(
    config: &Config,
    database: &Database,
    pki: &ServerKeys,
    sealer: Sealer,
) -> Result<Roles, Failure> {
    let fleet = Fleet::new();
    // Sealed keys first: a wrong key file must not mark a new database.
    let anchors: Result<Vec<_>, _> = pki
        .under_each_ci()?
        .iter()
        .map(ServerKeys::anchor)
        .collect();
    let anchors = anchors?;
    let eim = load_eim(config, pki, anchors.clone())?;
    let smdp = load_smdp(config, pki, anchors.clone())?;
    let smds = smds_role::load(config, pki, anchors.clone())?;
    let publisher = Publisher::new(config)?;
    let failed = |error| Failure::new(database, error);
    let store = database.open(sealer.clone()).map_err(failed)?;
    store.count_by(fleet.counter());
    let teller = Teller::new(store.clone(), &config.events, publisher)?;
    let smds = match (smds, &config.smds) {
        (Some(smds), Some(settings)) => {
            let role = SmdsRole::start(config, settings, pki, smds, store.clone());
            Some(role.await?)
        }
        _ => None,
    };
    let smdp = SmdpRole::start(config, pki, smdp, store.clone(), anchors.clone()).await?;
    let smdps = Smdps::new(smdp.host.clone(), config, &sealer, &anchors)?;
    let chooser = Chooser::new(&config.zero_touch, smdp.host.clone(), store.clone())?;
    let choose: store::ChooseForTenant =
        Box::new(move |tenant, record, cx| chooser.choose(tenant, record, cx));
    let observer = observer(&fleet);
    let eims = Eims::open(eim, store.clone(), observer, Some(choose)).map_err(failed)?;
    Ok(Roles {
        eims: Arc::new(eims),
        smdp,
        smdps: Arc::new(smdps),
        smds,
        teller,
        database: store,
        fleet,
    })
}

/// Logs and counts what happens to eUICCs.
fn observer(fleet: &Arc<Fleet>) -> store::Observer {
    let fleet = fleet.clone();
    Box::new(move |eid, note| {
        fleet.noted(note);
        esipa::log_note(eid, note);
    })
}

async fn serve(
    config: &Config,
    announce: bool,
    stopped: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let database = config.database()?;
    let _lock = database.lock()?;
    key_file::check_whole(&config.key_file)?;
    let sealer = key_file::read(&config.key_file)?;
    let pki = ServerKeys::new(&config.pki, sealer.clone());
    let roles = start_roles(config, &database, &pki, sealer).await?;
    let places = residency::places(config);
    let access = config.access.start(roles.database.clone(), places)?;
    let (pushes, told) = inject::channel(config).unzip();
    let door = door(config, (&roles, pushes.clone()), access.clone())?;
    let (eims, smdp, smds, smdps) = (roles.eims, roles.smdp, roles.smds, roles.smdps);
    let esipa = bind_esipa(config, &pki).await?;
    let api = bind_api(config, &pki).await?;
    let bindings = Bindings::start(config, &pki, eims.clone()).await?;
    let smds_address = smds.as_ref().map(SmdsRole::address);
    let others = [
        smdp.es2plus_address(),
        smds_address,
        bindings.coap_address(),
    ];
    say_where(announce, [&esipa, &smdp.es9plus, &api], others);

    let own = reachable(smdp.es9plus.local_addr());
    let chores = Chores::new(config, &eims, smdps, (own, roles.teller, access))?;
    let relay = Esipa {
        client: smdp_client(config, own, RELAY_TIMEOUT)?,
        eims,
        bound: Bound::No,
        transport: Transport::Https,
        pushes,
    };
    let injector = Injector::new(config, &pki, relay.clone(), told)?;
    let (end, ended) = watch::channel(false);
    let until = |mut ended: watch::Receiver<bool>| async move {
        let _ = ended.wait_for(|ended| *ended).await;
    };
    let serving = async {
        tokio::join!(
            esipa.serve(relay.clone(), until(ended.clone())),
            bindings.serve(relay, || until(ended.clone())),
            smdp.serve(|| until(ended.clone())),
            api.serve_streams(door, until(ended.clone())),
            chores.run(ended.clone()),
            async {
                if let Some(injector) = injector {
                    injector.run(ended.clone()).await;
                }
            },
            async {
                if let Some(smds) = smds {
                    smds.serve(until(ended.clone())).await;
                }
            },
        )
    };
    let (_, ended) = tokio::join!(serving, signalled(stopped, end));
    ended
}

/// Tells all when the server shall end.
async fn signalled(
    stopped: impl Future<Output = Result<(), Failure>>,
    end: watch::Sender<bool>,
) -> Result<(), Failure> {
    let ended = stopped.await;
    end.send_replace(true);
    ended
}

/// What is done without anybody asking.
struct Chores {
    outbox: Outbox,
    doubtful: Doubtful,
    teller: Arc<Teller>,
    eims: Arc<Eims>,
    access: Access,
}

impl Chores {
    fn new(
        config: &Config,
        eims: &Arc<Eims>,
        smdps: Arc<Smdps>,
        (own, teller, access): (SocketAddr, Arc<Teller>, Access),
    ) -> Result<Self, Failure> {
        Ok(Chores {
            access,
            outbox: outbox(config, eims, own)?,
            doubtful: Doubtful {
                eims: eims.clone(),
                smdps,
            },
            teller,
            eims: eims.clone(),
        })
    }

    async fn run(self, ended: watch::Receiver<bool>) {
        tokio::join!(
            self.outbox.run(ended.clone()),
            self.doubtful.run(ended.clone()),
            self.teller.run(ended.clone()),
            database::hear(self.eims, ended.clone()),
            access::tidy(self.access, ended),
        );
    }
}

/// What the API works on.
fn functions(config: &Config, roles: &Roles, pushes: Option<Pushes>) -> AllFunctions {
    let smdps = (roles.smdp.host.clone(), roles.smdps.clone());
    let counted = (roles.teller.clone(), roles.fleet.clone());
    AllFunctions::new(
        roles.eims.clone(),
        smdps,
        (pushes, config.energy.clone()),
        counted,
        roles.database.clone(),
    )
}

/// The API, and who may use it.
fn door(
    config: &Config,
    (roles, pushes): (&Roles, Option<Pushes>),
    access: Access,
) -> Result<Served, Failure> {
    let token = files::read(&config.door.token)?;
    if token.trim().len() < MIN_TOKEN {
        let file = config.door.token.display();
        return Err(Failure::new(file, "the token is too short to be a secret"));
    }
    let administrator = BuiltIn::new(token.trim());
    let rates = Rates {
        principal: config.door.requests_per_minute,
        tenant: config.door.requests_per_minute_of_tenant,
        stranger: config.door.requests_per_minute_of_strangers,
    };
    let device_rates = DeviceRates {
        principal: config.door.devices_per_hour,
        tenant: config.door.devices_per_hour_of_tenant,
    };
    let functions = functions(config, roles, pushes);
    let door = Door::new(functions, administrator, access, rates, device_rates);
    Ok(Served::new(door))
}

/// Comes when the server shall end.
async fn stopped(on_stdin_eof: bool) -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot wait for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ended(), if on_stdin_eof => {}
    }
    tracing::info!("ending");
    Ok(())
}

/// Comes when standard input ends.
async fn stdin_ended() {
    let (told, ended) = oneshot::channel();
    // Not a thread of the runtime, whose end would wait for this read.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = told.send(());
    });
    let _ = ended.await;
}

fn say_where(announce: bool, servers: [&Server; 3], others: [Option<SocketAddr>; 3]) {
    let [eim, smdp, door] = servers.map(Server::local_addr);
    let [es2plus, smds, coap] = others;
    // Operators order where devices download, if not elsewhere.
    let es2plus = es2plus.unwrap_or(smdp);
    let smds = smds.map(|smds| smds.to_string());
    let smds = smds.unwrap_or_default();
    tracing::info!(%eim, %smdp, %es2plus, %door, smds, "ready");
    if let Some(coap) = coap {
        tracing::info!(%coap, "ESipa over CoAP is ready, too");
    }
    if announce {
        let coap = coap.map(|coap| format!(r#","coap":"{coap}""#));
        let coap = coap.unwrap_or_default();
        let line = format!(
            r#"{{"eim":"{eim}","smdp":"{smdp}","es2plus":"{es2plus}","smds":"{smds}","door":"{door}"{coap}}}"#
        );
        // A server goes on if nobody wants to know.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

async fn bind_esipa(config: &Config, pki: &ServerKeys) -> Result<Server, Failure> {
    let limits = Limits {
        max_body: config.eim.max_body,
        ..Limits::default()
    };
    let (listen, tls) = (config.eim.listen, pki.tls(member::EIM_TLS)?);
    let server = Server::bind(listen, tls, ClientAuth::None, limits);
    bound(listen, server.await)
}

async fn bind_api(config: &Config, pki: &ServerKeys) -> Result<Server, Failure> {
    let tls = pki.tls(member::DOOR)?;
    bind(config.door.listen, tls, config.access.client_auth()?).await
}

async fn bind(
    address: SocketAddr,
    identity: TlsIdentity,
    client_auth: ClientAuth,
) -> Result<Server, Failure> {
    let server = Server::bind(address, identity, client_auth, Limits::default());
    bound(address, server.await)
}

fn bound(address: SocketAddr, server: std::io::Result<Server>) -> Result<Server, Failure> {
    server.map_err(|error| Failure::new(format!("cannot listen on {address}"), error))
}

/// Whom the eIM takes for an SM-DP+.
fn smdp_trust(config: &Config, anchors: &[TrustAnchor]) -> Result<TlsTrust, Failure> {
    let Some(file) = &config.lab.es9plus_trust else {
        return Ok(TlsTrust::RspServer(anchors.to_vec()));
    };
    tracing::error!(file = %file.display(), "LAB SETTING: SM-DP+ need no certificate under the CI");
    Ok(TlsTrust::Certificate(files::read_certificate(file)?))
}

/// Where this machine reaches a listener of its own.
fn reachable(mut listener: SocketAddr) -> SocketAddr {
    if listener.ip().is_unspecified() {
        listener.set_ip(match listener {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listener
}

/// Sends requests of the eIM to SM-DP+s; the one of this process it finds
/// without the name service.
fn smdp_client(config: &Config, own: SocketAddr, timeout: Duration) -> Result<Client, Failure> {
    let mut client = Client::builder().timeout(timeout);
    client = client.resolve(&config.smdp.address, own);
    for (name, address) in &config.resolve {
        client = client.resolve(name, *address);
    }
    let client = client.build(Arc::new(SoftwareProvider));
    client.map_err(|error| Failure::new("requests to SM-DP+s", error))
}

/// Who forwards notifications.
fn outbox(config: &Config, eims: &Arc<Eims>, own: SocketAddr) -> Result<Outbox, Failure> {
    let eim = eims.eim();
    for eid in &eim.lab.accept_unverified {
        tracing::error!(%eid, "LAB SETTING: results of this eUICC are taken without proof");
    }
    let trust = eim.relay.trust.clone();
    Ok(Outbox {
        client: smdp_client(config, own, OUTBOX_TIMEOUT)?,
        trust: trust.unwrap_or_else(|| TlsTrust::RspServer(eim.anchors.clone())),
        eims: eims.clone(),
        started: shell::now(),
    })
}

fn load_eim(config: &Config, pki: &ServerKeys, anchors: Vec<TrustAnchor>) -> Result<Eim, Failure> {
    let fqdn = config.eim.fqdn.clone();
    let eim_id = fqdn.as_str().try_into();
    Ok(Eim {
        eim_id: eim_id.map_err(|error| Failure::new("eim.fqdn", error))?,
        fqdn,
        signing: pki.identity(member::EIM_SIGN)?,
        tls_trust: pki.certificate(member::CI)?,
        transports: transports(config),
        relay: RelaySettings {
            wire: config.eim.es9plus_binding.into(),
            trust: Some(smdp_trust(config, &anchors)?),
        },
        anchors,
        lab: LabSettings {
            accept_unverified: config.lab.accept_unverified.clone(),
        },
    })
}

/// What carries ESipa, by the configuration.
fn transports(config: &Config) -> Vec<Transport> {
    let coap = config.eim.coap.as_ref().map(|_| Transport::Coaps);
    let mqtt = config.eim.mqtt.as_ref().map(|_| Transport::Mqtt);
    std::iter::once(Transport::Https)
        .chain(coap)
        .chain(mqtt)
        .collect()
}

fn load_smdp(
    config: &Config,
    pki: &ServerKeys,
    anchors: Vec<TrustAnchor>,
) -> Result<Smdp, Failure> {
    let mut identities = Vec::new();
    for ci in pki.under_each_ci()? {
        identities.extend(ci.dp_identity()?);
    }
    Smdp::new(
        config.smdp.address.clone(),
        identities,
        anchors,
        crate::shell::now(),
        &SoftwareProvider,
    )
    .map_err(|error| Failure::new("the certificates of the SM-DP+", error))
}
