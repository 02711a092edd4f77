//! What carries messages to servers: HTTPS, and to eIMs CoAP or MQTT.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rsp_core::binding::{HttpRequest, HttpResponse, Transport};
use rsp_core::ipa::Server;
use rsp_core::pki::{Name, Role, Template, TlsTrust, issue};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, OsRng};
use rsp_net::dtls::Credentials;
use rsp_net::{Broker, Client, CoapClient, MqttClient, TlsIdentity};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Failure;
use crate::config::{Config, certificate};
use crate::host::now;

/// `[esipa]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Esipa {
    protocols: Vec<Protocol>,
    psk: Option<Psk>,
    certificate: Option<Own>,
    mqtt: Option<Mqtt>,
}

/// What carries ESipa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Https,
    Coaps,
    Mqtt,
}

/// `[esipa.psk]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Psk {
    identity: String,
    /// File with the key in hexadecimal digits.
    key: PathBuf,
}

/// `[esipa.certificate]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    certificate: PathBuf,
    key: PathBuf,
}

/// `[esipa.mqtt]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mqtt {
    broker: String,
    ca: PathBuf,
    device: String,
    username: Option<String>,
    password: Option<PathBuf>,
}

impl Esipa {
    /// The transports, the best first.
    pub(crate) fn transports(&self) -> Vec<Transport> {
        let one = |protocol: &Protocol| match protocol {
            Protocol::Https => Transport::Https,
            Protocol::Coaps => Transport::Coaps,
            Protocol::Mqtt => Transport::Mqtt,
        };
        match self.protocols.is_empty() {
            true => vec![Transport::Https],
            false => self.protocols.iter().map(one).collect(),
        }
    }

    /// Takes paths as relative to this folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        let psk = self.psk.iter_mut().map(|psk| &mut psk.key);
        let own = self.certificate.iter_mut();
        let own = own.flat_map(|own| [&mut own.certificate, &mut own.key]);
        let mqtt = self.mqtt.iter_mut();
        let mqtt = mqtt.flat_map(|mqtt| std::iter::once(&mut mqtt.ca).chain(&mut mqtt.password));
        for path in psk.chain(own).chain(mqtt) {
            *path = folder.join(&*path);
        }
    }
}

/// How a device proves itself over DTLS.
enum Proof {
    Psk {
        identity: Vec<u8>,
        key: Zeroizing<Vec<u8>>,
    },
    Certificate(TlsIdentity),
}

/// All wires of an agent.
pub(crate) struct Wires {
    https: Client,
    coap: Option<(CoapClient, Proof)>,
    mqtt: Option<MqttClient>,
}

impl Wires {
    /// Those that the configuration names.
    pub(crate) fn new(config: &Config) -> Result<Wires, Failure> {
        let timeout = Duration::from_secs(config.timeout);
        let crypto = Arc::new(SoftwareProvider);
        let mut https = Client::builder().timeout(timeout);
        for (name, address) in &config.resolve {
            https = https.resolve(name, *address);
        }
        let transports = config.esipa.transports();
        let coap = match transports.contains(&Transport::Coaps) {
            true => {
                let mut client = CoapClient::new(crypto.clone()).timeout(timeout);
                for (name, address) in &config.resolve {
                    client = client.resolve(name, *address);
                }
                Some((client, proof(&config.esipa)?))
            }
            false => None,
        };
        let mqtt = match (transports.contains(&Transport::Mqtt), &config.esipa.mqtt) {
            (false, _) => None,
            (true, Some(mqtt)) => {
                let broker = broker(mqtt, config)?;
                Some(MqttClient::new(
                    broker,
                    &mqtt.device,
                    timeout,
                    crypto.clone(),
                ))
            }
            (true, None) => {
                let missing = "no broker is given, but the protocol is";
                return Err(Failure::new("esipa.mqtt", missing));
            }
        };
        Ok(Wires {
            https: https.build(crypto).map_err(Failure::of)?,
            coap,
            mqtt,
        })
    }

    /// Posts a message.
    pub(crate) async fn post(
        &self,
        server: &Server,
        request: HttpRequest,
    ) -> Result<HttpResponse, String> {
        let posted = match (server.transport, &self.coap, &self.mqtt) {
            (Transport::Coaps, Some((client, proof)), _) => {
                let credentials = proof.credentials(server)?;
                client.post(&server.address, &credentials, request).await
            }
            (Transport::Mqtt, _, Some(client)) => client.post(&server.address, request).await,
            _ => self.https.post(server, request).await,
        };
        posted.map_err(|error| error.to_string())
    }
}

impl Proof {
    fn credentials(&self, server: &Server) -> Result<Credentials, String> {
        match (self, &server.trust) {
            (Proof::Psk { identity, key }, _) => Ok(Credentials::Psk {
                identity: identity.clone(),
                key: key.clone(),
            }),
            (Proof::Certificate(identity), Some(trust)) => Ok(Credentials::Certificate {
                trust: trust.clone(),
                identity: identity.clone(),
            }),
            (Proof::Certificate(_), None) => {
                let address = &server.address;
                Err(format!("{address}: nothing says whom to trust as this eIM"))
            }
        }
    }
}

fn proof(esipa: &Esipa) -> Result<Proof, Failure> {
    if let Some(psk) = &esipa.psk {
        let name = psk.key.display();
        let text = std::fs::read_to_string(&psk.key).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::new(&name, error))?;
        let key = hexadecimal(text.trim());
        let key = key.ok_or_else(|| Failure::new(&name, "no key in hexadecimal digits"))?;
        return Ok(Proof::Psk {
            identity: psk.identity.clone().into_bytes(),
            key,
        });
    }
    let identity = match &esipa.certificate {
        Some(own) => {
            let read = |path: &Path| {
                let text = std::fs::read_to_string(path);
                text.map_err(|error| Failure::new(path.display(), error))
            };
            let (chain, key) = (read(&own.certificate)?, read(&own.key)?);
            TlsIdentity::from_pem(&chain, &key).map_err(Failure::of)?
        }
        None => nobody()?,
    };
    Ok(Proof::Certificate(identity))
}

/// A certificate that proves nothing: the library wants one, and sends it only
/// to servers that ask.
fn nobody() -> Result<TlsIdentity, Failure> {
    let mut rng = OsRng::new().map_err(Failure::of)?;
    let key = SoftwareKey::generate(Curve::NistP256, &mut rng).map_err(Failure::of)?;
    let name = Name {
        common_name: "device".into(),
        ..Name::default()
    };
    let template = Template {
        role: Role::Operator { oid: String::new() },
        subject: name.clone(),
        public_key: key.public_key(),
        serial: &[1],
        not_before: now(),
        not_after: now().after(Duration::from_secs(10 * 365 * 86_400)),
    };
    let own = issue(&template, &name, &key, &SoftwareProvider).map_err(Failure::of)?;
    let pem = key.to_pkcs8_pem().map_err(Failure::of)?;
    TlsIdentity::from_key_pem(vec![own.as_bytes().to_vec()], &pem).map_err(Failure::of)
}

fn hexadecimal(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        let digits = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok())?
    };
    digits
        .chunks(2)
        .map(octet)
        .collect::<Option<Vec<_>>>()
        .map(Zeroizing::new)
}

fn broker(mqtt: &Mqtt, config: &Config) -> Result<Broker, Failure> {
    let password = match &mqtt.password {
        Some(file) => {
            let text = std::fs::read_to_string(file).map(Zeroizing::new);
            let text = text.map_err(|error| Failure::new(file.display(), error))?;
            Some(Zeroizing::new(text.trim().as_bytes().to_vec()))
        }
        None => None,
    };
    Ok(Broker {
        address: mqtt.broker.clone(),
        socket: config.resolve.get(&mqtt.broker).copied(),
        trust: TlsTrust::Certificate(certificate(&mqtt.ca)?),
        identity: None,
        client_id: String::new(),
        username: mqtt.username.clone(),
        password,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_digits() {
        assert_eq!(hexadecimal("00fF").as_deref(), Some(&vec![0, 0xFF]));
        for wrong in ["", "0", "0g", "+1", "0 "] {
            assert_eq!(hexadecimal(wrong), None, "{wrong:?}");
        }
    }
}
