//! The SM-DP+ as `simurgh serve` runs it: its listeners and its messages to
//! operators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor, member};
use rsp_core::smdp::{Policy, Smdp};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientAuth, Limits, OperatorTrust, Server};
use store::{SmdpHost, SmdpStore};

use crate::announcer::Announcer;
use crate::config::{self, Config};
use crate::operators::{Courier, Operators};
use crate::pki::ServerKeys;
use crate::smdp::{Serves, SmdpDoor};
use crate::{Failure, files};

/// How long a server that is told something may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An SM-DP+ that is bound to its ports.
pub(crate) struct SmdpRole {
    pub(crate) host: Arc<SmdpHost>,
    /// For devices; for operators, too, if they have no port of their own.
    pub(crate) es9plus: Server,
    es2plus: Option<Server>,
    operators: Arc<Operators>,
    courier: Courier,
    announcer: Arc<Announcer>,
}

impl SmdpRole {
    /// Reads certificates and binds the ports.
    pub(crate) async fn start(
        config: &Config,
        pki: &ServerKeys,
        smdp: Smdp,
        store: Arc<dyn SmdpStore>,
        anchors: Vec<TrustAnchor>,
    ) -> Result<Self, Failure> {
        let settings = &config.smdp;
        let callbacks = callbacks(settings, pki)?;
        let host = SmdpHost::new(smdp.with_policy(policy(settings)), store)
            .informing(callbacks.keys().cloned())
            .observed_by(Box::new(|path, cause| {
                tracing::info!(path, cause, "not executed")
            }));
        let host = Arc::new(host);
        let client = || client(config, pki, member::DP_TLS);
        let announcer = Arc::new(Announcer {
            host: host.clone(),
            client: client()?,
            trust: TlsTrust::RspServer(anchors),
        });
        let client = client()?;
        let trust = ClientAuth::Optional(operator_trust(pki)?);
        let (es9plus, es2plus) = match settings.es2plus_listen {
            Some(address) => {
                let es9plus = bind(settings.listen, pki, ClientAuth::None, settings).await?;
                (es9plus, Some(bind(address, pki, trust, settings).await?))
            }
            None => (bind(settings.listen, pki, trust, settings).await?, None),
        };
        Ok(SmdpRole {
            courier: Courier {
                host: host.clone(),
                client,
                callbacks,
            },
            announcer,
            operators: Arc::new(operators(settings)?),
            host,
            es9plus,
            es2plus,
        })
    }

    /// The port of operators, if they have one of their own.
    pub(crate) fn es2plus_address(&self) -> Option<std::net::SocketAddr> {
        self.es2plus.as_ref().map(Server::local_addr)
    }

    /// Serves until `until` is ready; it is asked for once by each part.
    pub(crate) async fn serve<F: Future<Output = ()>>(self, until: impl Fn() -> F) {
        let door = |serves| SmdpDoor {
            host: self.host.clone(),
            operators: self.operators.clone(),
            announcer: self.announcer.clone(),
            serves,
        };
        let devices = match self.es2plus {
            Some(_) => door(Serves::Devices),
            None => door(Serves::Both),
        };
        let operators = door(Serves::Operators);
        let es2plus = async {
            if let Some(server) = self.es2plus {
                server.serve(operators, until()).await;
            }
        };
        tokio::join!(
            self.es9plus.serve(devices, until()),
            es2plus,
            self.courier.run(until()),
            self.announcer.run(until()),
        );
    }
}

/// A client with the TLS certificate of a role.
pub(crate) fn client(config: &Config, pki: &ServerKeys, member: &str) -> Result<Client, Failure> {
    let mut client = Client::builder()
        .timeout(PATIENCE)
        .client_identity(pki.tls(member)?);
    for (name, address) in &config.resolve {
        client = client.resolve(name, *address);
    }
    let client = client.build(Arc::new(SoftwareProvider));
    client.map_err(|error| Failure::new(member, error))
}

async fn bind(
    address: std::net::SocketAddr,
    pki: &ServerKeys,
    client_auth: ClientAuth,
    settings: &config::Smdp,
) -> Result<Server, Failure> {
    let limits = Limits {
        max_body: settings.max_body,
        ..Limits::default()
    };
    Server::bind(address, pki.tls(member::DP_TLS)?, client_auth, limits)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {address}"), error))
}

fn operator_trust(pki: &ServerKeys) -> Result<OperatorTrust, Failure> {
    let authorities = [pki.certificate(member::PRIVATE_CA)?.as_bytes().to_vec()];
    OperatorTrust::new(&authorities, Arc::new(SoftwareProvider))
        .map_err(|error| Failure::new("private_ca.pem", error))
}

fn operators(settings: &config::Smdp) -> Result<Operators, Failure> {
    let mut operators = Operators::default();
    for operator in &settings.operators {
        let file = &operator.certificate;
        let certificate = files::read_certificate(file)?;
        operators
            .add(&operator.name, &certificate, &operator.identifiers)
            .map_err(|error| Failure::new(file.display(), error))?;
    }
    Ok(operators)
}

fn callbacks(
    settings: &config::Smdp,
    pki: &ServerKeys,
) -> Result<BTreeMap<String, ipa::Server>, Failure> {
    let mut callbacks = BTreeMap::new();
    for operator in &settings.operators {
        let Some(address) = &operator.callback else {
            continue;
        };
        let authority = match &operator.callback_ca {
            Some(file) => files::read_certificate(file)?,
            None => pki.certificate(member::PRIVATE_CA)?,
        };
        let server = ipa::Server {
            address: address.clone(),
            trust: Some(TlsTrust::Certificate(authority)),
            transport: rsp_core::binding::Transport::Https,
        };
        callbacks.insert(operator.name.clone(), server);
    }
    Ok(callbacks)
}

fn policy(settings: &config::Smdp) -> Policy {
    let usual = Policy::default();
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    Policy {
        order_validity: settings
            .order_validity_days
            .map_or(usual.order_validity, days),
        max_attempts: settings.max_attempts.unwrap_or(usual.max_attempts),
        max_confirmation_failures: settings
            .max_confirmation_failures
            .unwrap_or(usual.max_confirmation_failures),
    }
}
