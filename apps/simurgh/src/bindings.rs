//! ESipa beside HTTPS: CoAP over DTLS, and MQTT.

use std::sync::Arc;

use rsp_core::binding::Transport;
use rsp_core::pki::{TlsTrust, member};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::{PskKeys, ServerConfig};
use rsp_net::{Broker, CoapLimits, CoapServer, MqttServer, OperatorTrust};
use store::Eims;
use zeroize::Zeroizing;

use crate::config::{Coap, Config, Mqtt};
use crate::esipa::{Bound, Esipa};
use crate::pki::ServerKeys;
use crate::{Failure, files};

/// The keys of the devices of all tenants.
struct StoredKeys(Arc<Eims>);

impl PskKeys for StoredKeys {
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let identity = std::str::from_utf8(identity).ok()?;
        match self.0.psk(identity) {
            Ok(held) => held.map(|held| held.key),
            Err(error) => {
                tracing::error!(%error, "a pre-shared key cannot be read");
                None
            }
        }
    }
}

/// The bindings that are configured.
pub(crate) struct Bindings {
    coap: Option<CoapServer>,
    mqtt: Option<MqttServer>,
    /// What the names say that devices have at the broker.
    names: Bound,
}

impl Bindings {
    /// Listens for CoAP, and makes ready for the broker.
    pub(crate) async fn start(
        config: &Config,
        pki: &ServerKeys,
        eims: Arc<Eims>,
    ) -> Result<Bindings, Failure> {
        let coap = match &config.eim.coap {
            Some(coap) => Some(listen(coap, config.eim.max_body, pki, eims).await?),
            None => None,
        };
        let mqtt = config.eim.mqtt.as_ref();
        let names = match mqtt {
            Some(mqtt) if mqtt.device_is_eid => Bound::ByName,
            _ => Bound::No,
        };
        let mqtt = mqtt.map(|mqtt| broker(mqtt, config)).transpose()?;
        Ok(Bindings { coap, mqtt, names })
    }

    /// Where CoAP is.
    pub(crate) fn coap_address(&self) -> Option<std::net::SocketAddr> {
        self.coap.as_ref().map(CoapServer::local_addr)
    }

    /// Serves until `until` is ready.
    pub(crate) async fn serve<F: Future<Output = ()>>(self, esipa: Esipa, until: impl Fn() -> F) {
        let (coap, mqtt) = (self.coap, self.mqtt);
        let for_coap = Esipa {
            bound: Bound::ByKey,
            transport: Transport::Coaps,
            ..esipa.clone()
        };
        let for_mqtt = Esipa {
            bound: self.names,
            transport: Transport::Mqtt,
            ..esipa
        };
        let coap = async {
            if let Some(coap) = coap {
                coap.serve(for_coap, until()).await;
            }
        };
        let mqtt = async {
            if let Some(mqtt) = mqtt {
                mqtt.serve(for_mqtt, until()).await;
            }
        };
        tokio::join!(coap, mqtt);
    }
}

async fn listen(
    coap: &Coap,
    max_body: usize,
    pki: &ServerKeys,
    eims: Arc<Eims>,
) -> Result<CoapServer, Failure> {
    let identity = match coap.certificate {
        true => Some(pki.tls(member::EIM_TLS)?),
        false => None,
    };
    let keys: Option<Arc<dyn PskKeys>> = match coap.psk {
        true => Some(Arc::new(StoredKeys(eims))),
        false => None,
    };
    let client_trust = match &coap.client_ca {
        Some(file) => {
            let ca = files::read_certificate(file)?.as_bytes().to_vec();
            let trust = OperatorTrust::new(&[ca], Arc::new(SoftwareProvider));
            Some(trust.map_err(|error| Failure::new(file.display(), error))?)
        }
        None => None,
    };
    let config = ServerConfig {
        identity,
        psk: keys,
        client_trust,
    };
    let limits = CoapLimits {
        max_body,
        ..CoapLimits::default()
    };
    let server = CoapServer::bind(coap.listen, &config, limits).await;
    let doing = || format!("cannot listen on {} (CoAP)", coap.listen);
    server.map_err(|error| Failure::new(doing(), error))
}

fn broker(mqtt: &Mqtt, config: &Config) -> Result<MqttServer, Failure> {
    let password = match &mqtt.password {
        Some(file) => {
            let text = Zeroizing::new(files::read(file)?);
            Some(Zeroizing::new(text.trim().as_bytes().to_vec()))
        }
        None => None,
    };
    let broker = Broker {
        address: mqtt.broker.clone(),
        socket: config.resolve.get(&mqtt.broker).copied(),
        trust: TlsTrust::Certificate(files::read_certificate(&mqtt.ca)?),
        identity: None,
        client_id: String::new(),
        username: mqtt.username.clone(),
        password,
    };
    let at = mqtt.broker.clone();
    let server = MqttServer::new(broker, &config.eim.fqdn, Arc::new(SoftwareProvider));
    Ok(server
        .on_trouble(|error| tracing::warn!(%error, "MQTT"))
        .on_ready(move || tracing::info!(broker = at, "devices can ask through the broker")))
}
