//! What is between the devices and the eIM.

use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::ids::Eid;
use rsp_core::binding::Transport;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::pki::member;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, CoapClient, MqttClient, TlsIdentity};
use zeroize::Zeroizing;

use super::operator::{self, Operator};
use super::server::{Addresses, EIM, ServerProcess};
use crate::Failure;
use crate::broker::{self, PrivateBroker};
use crate::wires::{Binding, Esipa, PATIENCE, Proof, Wires};

/// Attempts to reach the eIM through the broker, and the pause between two.
const ATTEMPTS: (u32, Duration) = (100, Duration::from_millis(100));

/// The network of all devices.
pub(crate) struct Network {
    binding: Binding,
    https: Client,
    coap: Option<(CoapClient, TlsIdentity)>,
    broker: Option<PrivateBroker>,
    /// Where the servers are.
    pub(super) servers: Addresses,
}

/// What the server is to be told.
pub(super) fn settings(binding: Binding, broker: Option<&PrivateBroker>) -> Vec<String> {
    match (binding, broker) {
        (Binding::CoapCert | Binding::CoapPsk, _) => {
            vec!["eim.coap.listen=127.0.0.1:0".to_string()]
        }
        (_, Some(at)) => vec![
            format!("eim.mqtt.broker={}", broker::HOST),
            format!("eim.mqtt.ca={}", at.ca().display()),
            format!("eim.mqtt.username={}", broker::EIM_USER),
            format!("eim.mqtt.password={}", at.password().display()),
            format!("resolve={{\"{}\" = \"{}\"}}", broker::HOST, at.address),
        ],
        _ => Vec::new(),
    }
}

impl Network {
    pub(super) fn new(
        binding: Binding,
        server: &ServerProcess,
        broker: Option<PrivateBroker>,
    ) -> Result<Self, Failure> {
        let coap = match server.addresses.coap {
            Some(address) => {
                let file = |name: String| std::fs::read_to_string(server.ca().join(name));
                let identity = TlsIdentity::from_pem(
                    &file(format!("{}.pem", member::OPERATOR))?,
                    &file(format!("{}.key.pem", member::OPERATOR))?,
                )?;
                let client = CoapClient::new(Arc::new(SoftwareProvider));
                Some((client.resolve(EIM, address).timeout(PATIENCE), identity))
            }
            None => None,
        };
        Ok(Network {
            binding,
            https: operator::client(server).build(Arc::new(SoftwareProvider))?,
            coap,
            broker,
            servers: server.addresses.clone(),
        })
    }

    /// What carries ESipa.
    pub(super) fn transport(&self) -> Transport {
        self.binding.transport()
    }

    /// How messages of ESipa are written.
    pub(super) fn esipa(&self) -> EsipaBinding {
        self.binding.esipa()
    }

    /// The wires of a device that the eIM knows.
    pub(super) async fn wires(&self, operator: &Operator, eid: Eid) -> Result<Wires, Failure> {
        let eid = eid.to_string();
        let esipa = match (self.binding, &self.coap, &self.broker) {
            (Binding::CoapCert, Some((client, identity)), _) => {
                Esipa::Coap(client.alone(), Proof::Certificate(identity.clone()))
            }
            (Binding::CoapPsk, Some((client, _)), _) => {
                let made = operator.make_psk(&eid).await?;
                let key = super::device::octets(&made.key)?;
                let proof = Proof::Psk {
                    identity: made.identity,
                    key: Zeroizing::new(key),
                };
                Esipa::Coap(client.alone(), proof)
            }
            (Binding::Mqtt, _, Some(broker)) => {
                let at = broker.device(broker.address);
                let crypto = Arc::new(SoftwareProvider);
                let client = MqttClient::new(at, &eid, PATIENCE, crypto);
                until_it_listens(&client).await?;
                Esipa::Mqtt(client)
            }
            _ => Esipa::Https,
        };
        Ok(Wires {
            https: self.https.clone(),
            esipa,
        })
    }
}

/// The server tells nobody when it has subscribed: a message that is none of
/// ESipa is refused by then.
async fn until_it_listens(client: &MqttClient) -> Result<(), Failure> {
    let (attempts, pause) = ATTEMPTS;
    for _ in 0..attempts {
        let request = rsp_core::binding::HttpRequest {
            path: rsp_core::binding::esipa_asn1::PATH.to_string(),
            content_type: String::new(),
            admin_protocol: None,
            user_agent: None,
            body: vec![0],
        };
        if client.post(EIM, request).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
    }
    Err("the eIM does not listen at the broker".into())
}
