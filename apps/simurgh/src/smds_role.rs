//! The SM-DS as `simurgh serve` runs it.

use std::net::SocketAddr;
use std::sync::Arc;

use rsp_core::pki::{TlsTrust, TrustAnchor, member};
use rsp_core::smds::Smds;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{ClientAuth, Limits, OperatorTrust, Server};
use store::{SmdsHost, SmdsStore};

use crate::config::{self, Config};
use crate::operators::Operators;
use crate::pki::ServerKeys;
use crate::smds::{Registrants, SmdsDoor};
use crate::{Failure, files, smdp_role};

/// An SM-DS that is bound to its port.
pub(crate) struct SmdsRole {
    server: Server,
    door: SmdsDoor,
}

/// The SM-DS with its certificates, if one is configured.
pub(crate) fn load(
    config: &Config,
    pki: &ServerKeys,
    anchors: Vec<TrustAnchor>,
) -> Result<Option<(Smds, Vec<TrustAnchor>)>, Failure> {
    let Some(settings) = &config.smds else {
        return Ok(None);
    };
    let mut identities = Vec::new();
    for ci in pki.under_each_ci()? {
        identities.extend(ci.ds_identity()?);
    }
    let (address, now) = (settings.address.clone(), crate::shell::now());
    let smds = Smds::new(address, identities, anchors.clone(), now, &SoftwareProvider);
    let smds = smds.map_err(|error| Failure::new("the certificates of the SM-DS", error))?;
    let smds = match &settings.root {
        Some(root) => smds.with_root(root.clone()),
        None => smds,
    };
    Ok(Some((smds, anchors)))
}

impl SmdsRole {
    /// Reads certificates and binds the port.
    pub(crate) async fn start(
        config: &Config,
        settings: &config::Smds,
        pki: &ServerKeys,
        (smds, anchors): (Smds, Vec<TrustAnchor>),
        store: Arc<dyn SmdsStore>,
    ) -> Result<Self, Failure> {
        let host = SmdsHost::new(smds, store).observed_by(Box::new(|path, cause| {
            tracing::info!(path, cause, "not executed");
        }));
        let authorities: Vec<Vec<u8>> = anchors
            .iter()
            .map(|anchor| anchor.certificate.certificate.as_bytes().to_vec())
            .collect();
        let trust = OperatorTrust::new(&authorities, Arc::new(SoftwareProvider));
        let trust = trust.map_err(|error| Failure::new("ci.pem", error))?;
        let limits = Limits {
            max_body: settings.max_body,
            ..Limits::default()
        };
        let (address, identity) = (settings.listen, pki.tls(member::DS_TLS)?);
        let server = Server::bind(address, identity, ClientAuth::Optional(trust), limits).await;
        let listening = |error| Failure::new(format!("cannot listen on {address}"), error);
        Ok(SmdsRole {
            server: server.map_err(listening)?,
            door: SmdsDoor {
                host: Arc::new(host),
                registrants: Arc::new(registrants(settings)?),
                client: Arc::new(smdp_role::client(config, pki, member::DS_TLS)?),
                root: TlsTrust::RspServer(anchors),
            },
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves until `until` is ready.
    pub(crate) async fn serve(self, until: impl Future<Output = ()>) {
        self.server.serve(self.door, until).await;
    }
}

fn registrants(settings: &config::Smds) -> Result<Registrants, Failure> {
    if settings.clients.is_empty() {
        return Ok(Registrants::AnyRspServer);
    }
    let mut known = Operators::default();
    for client in &settings.clients {
        let file = &client.certificate;
        let certificate = files::read_certificate(file)?;
        let added = known.add(&client.name, &certificate, &[]);
        added.map_err(|error| Failure::new(file.display(), error))?;
    }
    Ok(Registrants::Known(known))
}
