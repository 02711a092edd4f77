//! What carries the messages of a virtual device.

use std::time::Duration;

use clap::ValueEnum;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::{HttpRequest, HttpResponse, Transport};
use rsp_core::ipa::Server;
use rsp_net::dtls::Credentials;
use rsp_net::{Client, ClientError, CoapClient, MqttClient, TlsIdentity};
use zeroize::Zeroizing;

/// How devices talk to the eIM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Binding {
    /// HTTPS, ASN.1
    #[default]
    Asn1,
    /// HTTPS, JSON
    Json,
    /// CoAP over DTLS, the eIM with its certificate
    CoapCert,
    /// CoAP over DTLS, a pre-shared key for each device
    CoapPsk,
    /// MQTT 5 through a broker (mosquitto must be installed)
    Mqtt,
}

impl Binding {
    /// What carries it.
    pub(crate) fn transport(self) -> Transport {
        match self {
            Binding::Asn1 | Binding::Json => Transport::Https,
            Binding::CoapCert | Binding::CoapPsk => Transport::Coaps,
            Binding::Mqtt => Transport::Mqtt,
        }
    }

    /// How messages are written.
    pub(crate) fn esipa(self) -> EsipaBinding {
        match self {
            Binding::Json => EsipaBinding::Json,
            _ => EsipaBinding::Asn1,
        }
    }
}

/// How a device proves itself over DTLS.
#[derive(Clone)]
pub(crate) enum Proof {
    /// Not at all: this is sent only to servers that ask.
    Certificate(TlsIdentity),
    /// With a key of its own.
    Psk {
        identity: String,
        key: Zeroizing<Vec<u8>>,
    },
}

/// The wire to the eIM, if it is not HTTPS.
#[derive(Clone)]
pub(crate) enum Esipa {
    Https,
    Coap(CoapClient, Proof),
    Mqtt(MqttClient),
}

/// All wires of a device.
#[derive(Clone)]
pub(crate) struct Wires {
    pub(crate) https: Client,
    pub(crate) esipa: Esipa,
}

impl Wires {
    /// Carries a request.
    pub(crate) async fn post(
        &self,
        server: &Server,
        request: HttpRequest,
    ) -> Result<HttpResponse, ClientError> {
        match (&self.esipa, server.transport) {
            (Esipa::Coap(client, proof), Transport::Coaps) => {
                let credentials = proof.credentials(server)?;
                client.post(&server.address, &credentials, request).await
            }
            (Esipa::Mqtt(client), Transport::Mqtt) => client.post(&server.address, request).await,
            _ => self.https.post(server, request).await,
        }
    }
}

impl Proof {
    fn credentials(&self, server: &Server) -> Result<Credentials, ClientError> {
        let no_trust = || ClientError::NoTrust(server.address.clone());
        Ok(match self {
            Proof::Certificate(identity) => Credentials::Certificate {
                trust: server.trust.clone().ok_or_else(no_trust)?,
                identity: identity.clone(),
            },
            Proof::Psk { identity, key } => Credentials::Psk {
                identity: identity.clone().into_bytes(),
                key: key.clone(),
            },
        })
    }
}

/// How long a device waits for a response.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
