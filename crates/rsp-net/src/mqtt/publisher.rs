//! Publishing alone: what is published is acknowledged by the broker, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::binding::mqtt::packet::{Packet, Publish};
use rsp_crypto::Provider;
use tokio::time::timeout;

use super::connection::{Connection, Dialer};
use super::{Broker, MqttError};
use crate::system_clock;

/// Publications that may be unacknowledged, if the broker allows as many.
const IN_FLIGHT: usize = 64;

/// Publishes with QoS 1 on a connection of its own, which is made when it is needed.
pub struct MqttPublisher {
    dialer: Dialer,
    timeout: Duration,
    kept: Option<(Connection, Instant)>,
}

impl fmt::Debug for MqttPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttPublisher")
            .field("broker", &self.dialer.broker)
            .finish_non_exhaustive()
    }
}

impl MqttPublisher {
    /// Gives up when the broker says nothing for so long.
    pub fn new(broker: Broker, timeout: Duration, crypto: Arc<dyn Provider>) -> Self {
        let clock = system_clock();
        MqttPublisher {
            dialer: Dialer {
                broker,
                clock,
                crypto,
            },
            timeout,
            kept: None,
        }
    }

    /// Publishes messages in their order, and waits until the broker has taken all.
    ///
    /// # Errors
    /// If it has not; how many of them it has taken for certain, which are the first
    /// ones, is added. Others may have arrived.
    pub async fn publish(&mut self, messages: Vec<Publish>) -> Result<(), (usize, MqttError)> {
        let kept = self.kept.take();
        let kept = kept.filter(|(connection, last)| last.elapsed() < connection.keep_alive);
        let connection = match kept {
            Some((connection, _)) => Ok(connection),
            None => self.wait(self.dialer.connect()).await,
        };
        let mut connection = connection.map_err(|error| (0, error))?;
        let mut taken = 0;
        self.on(&mut connection, messages, &mut taken)
            .await
            .map_err(|error| (taken, error))?;
        self.kept = Some((connection, Instant::now()));
        Ok(())
    }

    /// Ends the connection.
    pub async fn close(&mut self) {
        if let Some((connection, _)) = self.kept.take() {
            connection.close().await;
        }
    }

    async fn on(
        &self,
        connection: &mut Connection,
        messages: Vec<Publish>,
        taken: &mut usize,
    ) -> Result<(), MqttError> {
        let window = IN_FLIGHT.min(connection.receive_maximum.into());
        let mut waiting = VecDeque::new();
        for message in messages {
            if waiting.len() >= window {
                self.acknowledged(connection, &mut waiting).await?;
                *taken += 1;
            }
            let id = self.wait(connection.publish(message)).await?;
            waiting.push_back(id);
        }
        while !waiting.is_empty() {
            self.acknowledged(connection, &mut waiting).await?;
            *taken += 1;
        }
        Ok(())
    }

    /// The broker acknowledges in the order in which it was sent (MQTT 5.0 4.6).
    async fn acknowledged(
        &self,
        connection: &mut Connection,
        waiting: &mut VecDeque<u16>,
    ) -> Result<(), MqttError> {
        loop {
            match self.wait(connection.read()).await? {
                Packet::PubAck { packet_id, reason } if waiting.front() == Some(&packet_id) => {
                    waiting.pop_front();
                    // That nobody has subscribed is no failure.
                    return match reason {
                        0x80.. => Err(MqttError::NotPublished(reason)),
                        _ => Ok(()),
                    };
                }
                Packet::PingResp => {}
                Packet::Disconnect { reason } => return Err(MqttError::Ended(reason)),
                _ => return Err(MqttError::Unexpected),
            }
        }
    }

    async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, MqttError>>,
    ) -> Result<T, MqttError> {
        match timeout(self.timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}
