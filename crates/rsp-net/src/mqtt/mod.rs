//! MQTT 5 over TLS: ESipa through a broker, as `docs/esipa-over-mqtt.md`
//! describes it, where eIM and devices are both clients of the broker; and publishing.
//!
//! The packets are written and read in `rsp_core::binding::mqtt`: of MQTT only
//! a dozen of them are needed, and trust in the broker is decided by
//! `rsp_core::pki` as everywhere.

mod client;
mod connection;
mod publisher;
mod server;

use std::fmt;
use std::net::SocketAddr;

use rsp_core::binding::mqtt::MqttMessageError;
use rsp_core::binding::mqtt::packet::PacketError;
use rsp_core::pki::TlsTrust;
use zeroize::Zeroizing;

use crate::tls::TlsIdentity;

pub use client::MqttClient;
pub use publisher::MqttPublisher;
pub use server::MqttServer;

/// The port of MQTT over TLS.
pub const PORT: u16 = 8883;

/// A broker, and how to be let in.
#[derive(Clone)]
pub struct Broker {
    /// `host` or `host:port`, by default 8883.
    pub address: String,
    /// Where it is, if the name service is not to be asked.
    pub socket: Option<SocketAddr>,
    /// Whom to trust as the broker.
    pub trust: TlsTrust,
    /// Certificate and key, for brokers that ask for them.
    pub identity: Option<TlsIdentity>,
    /// Client identifier.
    pub client_id: String,
    /// User name; on its account the broker decides who may publish where.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("address", &self.address)
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

/// What goes wrong between a client and the broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MqttError {
    /// The connection.
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    /// The broker ended the connection.
    #[error("the broker ended the connection (reason {0:02X})")]
    Ended(u8),
    /// The broker does not let the client in.
    #[error("the broker refuses the connection (reason {0:02X})")]
    Refused(u8),
    /// The broker does not let the client subscribe.
    #[error("the broker refuses the subscription (reason {0:02X})")]
    NotSubscribed(u8),
    /// The broker does not take the publication.
    #[error("the broker refuses the publication (reason {0:02X})")]
    NotPublished(u8),
    /// Nobody is subscribed to the eIM's topics.
    #[error("no eIM listens at the broker")]
    NobodyListens,
    /// The message is larger than the broker takes.
    #[error("the broker takes no packets of more than {0} octets")]
    TooLarge(u32),
    /// Something else came than what was to come.
    #[error("another packet than expected")]
    Unexpected,
    /// No packet.
    #[error("MQTT: {0}")]
    Packet(#[from] PacketError),
    /// No message of ESipa.
    #[error("{0}")]
    Message(#[from] MqttMessageError),
}
