//! A connection to a broker.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rsp_core::binding::mqtt::packet::{self, Connect, Packet, Publish};
use rsp_crypto::Provider;
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Broker, MqttError, PORT};
use crate::Clock;
use crate::client::Address;
use crate::tls::{self, ServerVerifier};

/// Octets of the largest packet that is taken.
const MAX_PACKET: u32 = 4 << 20;

/// Seconds without a packet after which the broker takes a client for gone.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Publications that may be unacknowledged.
const RECEIVE_MAXIMUM: u16 = 64;

/// Octets that are read at once.
const CHUNK: usize = 16_384;

/// How connections are made.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) broker: Broker,
    pub(super) clock: Clock,
    pub(super) crypto: Arc<dyn Provider>,
}

/// A connection on which the broker has said yes.
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    /// What the broker takes.
    maximum_packet: u32,
    /// Publications that may be unacknowledged.
    pub(super) receive_maximum: u16,
    /// When to say something, at the latest.
    pub(super) keep_alive: Duration,
    next_id: u16,
}

impl Dialer {
    pub(super) async fn connect(&self) -> Result<Connection, MqttError> {
        let broker = &self.broker;
        let address = Address::with_default_port(&broker.address, PORT)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let socket = match broker.socket {
            Some(socket) => socket,
            None => {
                let mut found = lookup_host((address.host.as_str(), address.port)).await?;
                found
                    .next()
                    .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?
            }
        };
        let stream = TcpStream::connect(socket).await?;
        stream.set_nodelay(true)?;
        let tls = TlsConnector::from(Arc::new(self.tls_config()?));
        let stream = tls.connect(address.name, stream).await?;
        let mut connection = Connection {
            stream,
            buffer: Vec::new(),
            maximum_packet: u32::MAX,
            receive_maximum: u16::MAX,
            keep_alive: KEEP_ALIVE,
            next_id: 0,
        };
        connection.introduce(broker).await?;
        Ok(connection)
    }

    fn tls_config(&self) -> Result<ClientConfig, io::Error> {
        let verifier = ServerVerifier {
            trust: self.broker.trust.clone(),
            clock: self.clock.clone(),
            crypto: self.crypto.clone(),
        };
        let builder = ClientConfig::builder_with_provider(tls::crypto_provider())
            .with_protocol_versions(tls::VERSIONS)
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.broker.identity {
            Some(identity) => {
                let identity: Arc<dyn ResolvesClientCert> =
                    identity.resolver().map_err(io::Error::other)?;
                builder.with_client_cert_resolver(identity)
            }
            None => builder.with_no_client_auth(),
        })
    }
}

impl Connection {
    async fn introduce(&mut self, broker: &Broker) -> Result<(), MqttError> {
        let seconds = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
        let connect = Connect {
            client_id: broker.client_id.clone(),
            username: broker.username.clone(),
            password: broker.password.as_ref().map(|secret| secret.to_vec()),
            keep_alive: seconds,
            receive_maximum: RECEIVE_MAXIMUM,
            maximum_packet: MAX_PACKET,
        };
        self.write(&connect.encode()).await?;
        match self.read().await? {
            Packet::ConnAck {
                reason: 0,
                maximum_packet,
                keep_alive,
                receive_maximum,
            } => {
                // 0 is none that may be given.
                self.receive_maximum = receive_maximum.unwrap_or(u16::MAX).max(1);
                self.maximum_packet = maximum_packet.unwrap_or(u32::MAX);
                let wanted = keep_alive.map(|seconds| Duration::from_secs(seconds.into()));
                self.keep_alive = wanted.unwrap_or(KEEP_ALIVE);
                Ok(())
            }
            Packet::ConnAck { reason, .. } => Err(MqttError::Refused(reason)),
            Packet::Disconnect { reason } => Err(MqttError::Refused(reason)),
            _ => Err(MqttError::Unexpected),
        }
    }

    /// Subscribes to one filter, and waits until that is granted.
    pub(super) async fn subscribe(&mut self, filter: &str) -> Result<(), MqttError> {
        let id = self.take_id();
        self.write(&packet::subscribe(id, filter)).await?;
        match self.read().await? {
            Packet::SubAck { packet_id, reasons } if packet_id == id => {
                match reasons.first().copied() {
                    Some(granted) if granted < 0x80 => Ok(()),
                    refused => Err(MqttError::NotSubscribed(refused.unwrap_or(0x80))),
                }
            }
            Packet::Disconnect { reason } => Err(MqttError::Ended(reason)),
            _ => Err(MqttError::Unexpected),
        }
    }

    /// Publishes with QoS 1; gives the packet identifier.
    pub(super) async fn publish(&mut self, mut message: Publish) -> Result<u16, MqttError> {
        let id = self.take_id();
        message.packet_id = Some(id);
        let octets = message.encode();
        if u32::try_from(octets.len()).is_ok_and(|octets| octets > self.maximum_packet) {
            return Err(MqttError::TooLarge(self.maximum_packet));
        }
        self.write(&octets).await?;
        Ok(id)
    }

    /// Writes a packet.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), MqttError> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Reads the next packet. If the future is dropped, nothing is lost.
    pub(super) async fn read(&mut self) -> Result<Packet, MqttError> {
        loop {
            let most = usize::try_from(MAX_PACKET).unwrap_or(usize::MAX);
            if let Some((packet, octets)) = Packet::decode(&self.buffer, most)? {
                self.buffer.drain(..octets.min(self.buffer.len()));
                return Ok(packet);
            }
            self.buffer.reserve(CHUNK);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            self.write(&packet::disconnect()).await?;
            self.stream.shutdown().await?;
            Ok::<(), MqttError>(())
        };
        let _: Result<_, _> = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }

    /// A packet identifier: never 0.
    fn take_id(&mut self) -> u16 {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.next_id
    }
}
