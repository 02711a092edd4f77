//! `simurgh serve`: loads keys and state, listens, and ends in good order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsp_core::Identity;
use rsp_core::eim::Eim;
use rsp_core::pki::{TrustAnchor, member};
use rsp_core::smdp::{DpIdentity, Smdp};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{ClientAuth, Limits, OperatorTrust, Server, TlsIdentity};
use store::{EimHost, SmdpHost, SqliteStore, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::door::Door;
use crate::esipa::Esipa;
use crate::smdp::SmdpDoor;
use crate::{Failure, files};

/// Characters that a token must have.
const MIN_TOKEN: usize = 16;

/// Runs the server until a signal ends it.
pub(crate) fn run(config: &Path, announce: bool) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SIMURGH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let config = Config::read(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start", error))?;
    runtime.block_on(serve(&config, announce))
}

async fn serve(config: &Config, announce: bool) -> Result<(), Failure> {
    let pki = Pki(config.pki.clone());
    let store = SqliteStore::open(&config.database);
    let store = store.map_err(|error| Failure::new(config.database.display(), error))?;
    let store: Arc<dyn Store> = Arc::new(store);
    let eim = Arc::new(EimHost::new(load_eim(config, &pki)?, store.clone()));
    let smdp = Arc::new(SmdpHost::new(load_smdp(config, &pki)?, store));
    let token = files::read(&config.door.token)?;
    if token.trim().len() < MIN_TOKEN {
        let file = config.door.token.display();
        return Err(Failure::new(file, "the token is too short to be a secret"));
    }

    let crypto = Arc::new(SoftwareProvider);
    let operators = [pki.certificate(member::PRIVATE_CA)?.as_bytes().to_vec()];
    let operators = OperatorTrust::new(&operators, crypto)
        .map_err(|error| Failure::new("private_ca.pem", error))?;
    let esipa = bind(
        config.eim.listen,
        pki.tls(member::EIM_TLS)?,
        ClientAuth::None,
    )
    .await?;
    let client_auth = ClientAuth::Optional(operators);
    let es9plus = bind(config.smdp.listen, pki.tls(member::DP_TLS)?, client_auth).await?;
    let api = bind(config.door.listen, pki.tls(member::DOOR)?, ClientAuth::None).await?;
    say_where(announce, [&esipa, &es9plus, &api]);

    let door = Door::new(eim.clone(), smdp.clone(), token.trim());
    let (end, ended) = watch::channel(false);
    let until = |mut ended: watch::Receiver<bool>| async move {
        let _ = ended.wait_for(|ended| *ended).await;
    };
    let serving = async {
        tokio::join!(
            esipa.serve(Esipa(eim), until(ended.clone())),
            es9plus.serve(SmdpDoor(smdp), until(ended.clone())),
            api.serve_raw(door, until(ended.clone())),
        )
    };
    let signalled = async {
        let ended = wait_for_signal().await;
        end.send_replace(true);
        ended
    };
    let (_, ended) = tokio::join!(serving, signalled);
    ended
}

async fn wait_for_signal() -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot wait for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending");
    Ok(())
}

fn say_where(announce: bool, servers: [&Server; 3]) {
    let [eim, smdp, door] = servers.map(Server::local_addr);
    tracing::info!(%eim, %smdp, %door, "ready");
    if announce {
        println!(r#"{{"eim":"{eim}","smdp":"{smdp}","door":"{door}"}}"#);
    }
}

async fn bind(
    address: std::net::SocketAddr,
    identity: TlsIdentity,
    client_auth: ClientAuth,
) -> Result<Server, Failure> {
    Server::bind(address, identity, client_auth, Limits::default())
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {address}"), error))
}

/// The folder that `simurgh pki init` writes.
struct Pki(PathBuf);

impl Pki {
    /// This folder, and the folders in it that belong to further CIs: those
    /// that hold `ci.pem`.
    fn under_each_ci(&self) -> Result<Vec<Pki>, Failure> {
        let failed = |error| Failure::new(format!("cannot read {}", self.0.display()), error);
        let mut folders = vec![self.0.clone()];
        for entry in std::fs::read_dir(&self.0).map_err(failed)? {
            let folder = entry.map_err(failed)?.path();
            if folder.join("ci.pem").is_file() {
                folders.push(folder);
            }
        }
        folders.sort();
        Ok(folders.into_iter().map(Pki).collect())
    }

    /// CERT.DPauth and CERT.DPpb under this CI, if it issued any.
    fn dp_identity(&self) -> Result<Option<DpIdentity>, Failure> {
        if !self.0.join("dp_auth.pem").exists() {
            return Ok(None);
        }
        Ok(Some(DpIdentity {
            auth: self.identity(member::DP_AUTH)?,
            pb: self.identity(member::DP_PB)?,
        }))
    }

    fn certificate(&self, member: &str) -> Result<rsp_asn1::Certificate, Failure> {
        files::read_certificate(&self.0.join(format!("{member}.pem")))
    }

    fn identity(&self, member: &str) -> Result<Identity, Failure> {
        let key = files::read_key(&self.0.join(format!("{member}.key.pem")))?;
        Ok(Identity {
            certificate: self.certificate(member)?,
            key: Box::new(key),
        })
    }

    fn tls(&self, member: &str) -> Result<TlsIdentity, Failure> {
        let chain = files::read(&self.0.join(format!("{member}.pem")))?;
        let key = files::read(&self.0.join(format!("{member}.key.pem")))?;
        TlsIdentity::from_pem(&chain, &key).map_err(|error| Failure::new(member, error))
    }

    fn anchor(&self) -> Result<TrustAnchor, Failure> {
        TrustAnchor::new(&self.certificate(member::CI)?, &SoftwareProvider)
            .map_err(|error| Failure::new(self.0.join("ci.pem").display(), error))
    }
}

fn load_eim(config: &Config, pki: &Pki) -> Result<Eim, Failure> {
    let fqdn = config.eim.fqdn.clone();
    let eim_id = fqdn.as_str().try_into();
    let anchors: Result<_, _> = pki.under_each_ci()?.iter().map(Pki::anchor).collect();
    Ok(Eim {
        eim_id: eim_id.map_err(|error| Failure::new("eim.fqdn", error))?,
        fqdn,
        signing: pki.identity(member::EIM_SIGN)?,
        tls_trust: pki.certificate(member::CI)?,
        anchors: anchors?,
    })
}

fn load_smdp(config: &Config, pki: &Pki) -> Result<Smdp, Failure> {
    let (mut identities, mut anchors) = (Vec::new(), Vec::new());
    for ci in pki.under_each_ci()? {
        identities.extend(ci.dp_identity()?);
        anchors.push(ci.anchor()?);
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
