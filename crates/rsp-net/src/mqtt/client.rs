//! A device: one request after the other, through the broker.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::binding::mqtt::packet::{Packet, Publish, pub_ack};
use rsp_core::binding::mqtt::topic::DeviceTopic;
use rsp_core::binding::mqtt::{read_response, write_request};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_crypto::Provider;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::connection::{Connection, Dialer};
use super::{Broker, MqttError};
use crate::client::ClientError;
use crate::{Clock, system_clock};

/// No subscriber has the publication (PUBACK, MQTT 5.0 3.4.2.1).
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;

/// Sends requests of a device to eIMs at a broker; cheap to clone, and clones
/// share the connection.
#[derive(Clone)]
pub struct MqttClient {
    inner: Arc<Inner>,
}

struct Inner {
    dialer: Dialer,
    device: String,
    timeout: Duration,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    connection: Connection,
    eim_id: String,
    last: Instant,
    next_correlation: u32,
}

impl fmt::Debug for MqttClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttClient")
            .field("broker", &self.inner.dialer.broker)
            .field("device", &self.inner.device)
            .finish_non_exhaustive()
    }
}

impl MqttClient {
    /// A client that calls itself `device` in topics and gives up a request
    /// after `timeout`.
    pub fn new(
        broker: Broker,
        device: &str,
        timeout: Duration,
        crypto: Arc<dyn Provider>,
    ) -> MqttClient {
        Self::with_clock(broker, device, timeout, crypto, system_clock())
    }

    /// The same, judging certificates at the time of this clock.
    pub fn with_clock(
        broker: Broker,
        device: &str,
        timeout: Duration,
        crypto: Arc<dyn Provider>,
        clock: Clock,
    ) -> MqttClient {
        let dialer = Dialer {
            broker,
            clock,
            crypto,
        };
        MqttClient {
            inner: Arc::new(Inner {
                dialer,
                device: device.to_owned(),
                timeout,
                kept: Mutex::default(),
            }),
        }
    }

    /// Posts an RSP message to the eIM that is called so. Any status is a
    /// response.
    ///
    /// # Errors
    /// If there is no response; the message may have arrived all the same.
    pub async fn post(
        &self,
        eim_id: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, ClientError> {
        let limit = self.inner.timeout;
        let address = self.inner.dialer.broker.address.clone();
        match timeout(limit, self.inner.exchange(eim_id, request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(ClientError::Mqtt { address, error }),
            Err(_) => Err(ClientError::Timeout { address, limit }),
        }
    }

    /// Ends the connection.
    pub async fn close(&self) {
        if let Some(kept) = self.inner.kept.lock().await.take() {
            kept.connection.close().await;
        }
    }
}

impl Inner {
    async fn exchange(
        &self,
        eim_id: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, MqttError> {
        let mut slot = self.kept.lock().await;
        // Taken out: if this future is dropped, the connection is gone too.
        let kept = slot.take().filter(|kept| {
            kept.eim_id == eim_id && kept.last.elapsed() < kept.connection.keep_alive
        });
        if let Some(mut kept) = kept {
            // The broker may have ended it since.
            match self.on(&mut kept, request.clone()).await {
                Err(MqttError::Io(_) | MqttError::Ended(_)) => {}
                other => {
                    *slot = other.is_ok().then_some(kept);
                    return other;
                }
            }
        }
        let mut connection = self.dialer.connect().await?;
        let own = DeviceTopic::new(eim_id, &self.device).to_string();
        connection.subscribe(&own).await?;
        let mut kept = Kept {
            connection,
            eim_id: eim_id.to_owned(),
            last: Instant::now(),
            next_correlation: 0,
        };
        let response = self.on(&mut kept, request).await?;
        *slot = Some(kept);
        Ok(response)
    }

    async fn on(&self, kept: &mut Kept, request: HttpRequest) -> Result<HttpResponse, MqttError> {
        kept.next_correlation = kept.next_correlation.wrapping_add(1);
        // The beginning is of this connection, so that an answer to an earlier
        // one is nobody's.
        let since = (self.dialer.clock)().0;
        let number = u64::from(kept.next_correlation);
        let correlation = [since.to_be_bytes(), number.to_be_bytes()].concat();
        let expiry = u32::try_from(self.timeout.as_secs()).unwrap_or(u32::MAX);
        let content_type = request.content_type.clone();
        let message = write_request(
            &kept.eim_id,
            &self.device,
            request,
            correlation.clone(),
            expiry.max(1),
        )?;
        let id = kept.connection.publish(message).await?;
        loop {
            match kept.connection.read().await? {
                Packet::Publish(message) => {
                    acknowledge(&mut kept.connection, &message).await?;
                    if let Some(response) = read_response(message, &correlation, &content_type)? {
                        kept.last = Instant::now();
                        return Ok(response);
                    }
                }
                Packet::PubAck { packet_id, reason } if packet_id == id => match reason {
                    NO_MATCHING_SUBSCRIBERS => return Err(MqttError::NobodyListens),
                    0x80.. => return Err(MqttError::NotPublished(reason)),
                    _ => {}
                },
                Packet::Disconnect { reason } => return Err(MqttError::Ended(reason)),
                _ => {}
            }
        }
    }
}

/// Acknowledges a publication that wants it.
pub(super) async fn acknowledge(
    connection: &mut Connection,
    message: &Publish,
) -> Result<(), MqttError> {
    match message.packet_id {
        Some(id) => connection.write(&pub_ack(id)).await,
        None => Ok(()),
    }
}
