//! The eIM: answers what devices ask through the broker.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::binding::HttpResponse;
use rsp_core::binding::mqtt::packet::{Packet, Publish, ping_req};
use rsp_core::binding::mqtt::{Incoming, read_request, topic};
use rsp_crypto::Provider;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::client::acknowledge;
use super::connection::{Connection, Dialer};
use super::{Broker, MqttError};
use crate::server::{Handler, Peer};
use crate::{Clock, system_clock};

/// Requests at the handler at a time; more are answered with 503.
const MAX_REQUESTS: usize = 256;

/// Seconds after which a response is of no use.
const EXPIRY: u32 = 120;

/// First and longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long connecting and subscribing may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// An eIM at a broker.
pub struct MqttServer {
    dialer: Dialer,
    eim_id: String,
    trouble: Box<dyn Fn(&MqttError) + Send + Sync>,
    ready: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for MqttServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttServer")
            .field("broker", &self.dialer.broker)
            .field("eim_id", &self.eim_id)
            .finish_non_exhaustive()
    }
}

type Answers = JoinSet<(Incoming, HttpResponse)>;

impl MqttServer {
    /// The eIM that is called so, at this broker.
    pub fn new(broker: Broker, eim_id: &str, crypto: Arc<dyn Provider>) -> MqttServer {
        MqttServer {
            dialer: Dialer {
                broker,
                clock: system_clock(),
                crypto,
            },
            eim_id: eim_id.to_owned(),
            trouble: Box::new(|_| {}),
            ready: Box::new(|| {}),
        }
    }

    /// Judges certificates at the time of this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> MqttServer {
        self.dialer.clock = clock;
        self
    }

    /// Calls this when the connection fails or breaks.
    #[must_use]
    pub fn on_trouble(mut self, tell: impl Fn(&MqttError) + Send + Sync + 'static) -> MqttServer {
        self.trouble = Box::new(tell);
        self
    }

    /// Calls this whenever devices can ask.
    #[must_use]
    pub fn on_ready(mut self, tell: impl Fn() + Send + Sync + 'static) -> MqttServer {
        self.ready = Box::new(tell);
        self
    }

    /// Serves until `shutdown` is ready; connects again when the connection
    /// breaks.
    pub async fn serve<H: Handler>(self, handler: H, shutdown: impl Future<Output = ()>) {
        let handler = Arc::new(handler);
        let mut shutdown = std::pin::pin!(shutdown);
        let mut pause = PAUSES.0;
        loop {
            let begun = Instant::now();
            let error = tokio::select! {
                () = &mut shutdown => return,
                error = self.session(handler.clone()) => error,
            };
            (self.trouble)(&error);
            if begun.elapsed() > PAUSES.1 {
                pause = PAUSES.0;
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = sleep(pause) => {}
            }
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }

    /// One connection to its end.
    async fn session<H: Handler>(&self, handler: Arc<H>) -> MqttError {
        let connect = async {
            let mut connection = self.dialer.connect().await?;
            connection.subscribe(&topic::filter(&self.eim_id)).await?;
            Ok::<_, MqttError>(connection)
        };
        let mut connection = match timeout(CONNECT_TIMEOUT, connect).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return error,
            Err(_) => return std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
        };
        (self.ready)();
        match self.exchange(&mut connection, handler).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn exchange<H: Handler>(
        &self,
        connection: &mut Connection,
        handler: Arc<H>,
    ) -> Result<std::convert::Infallible, MqttError> {
        let mut answers = Answers::new();
        let pause = connection.keep_alive / 2;
        let mut unanswered_ping = false;
        loop {
            tokio::select! {
                packet = connection.read() => match packet? {
                    Packet::Publish(message) => {
                        acknowledge(connection, &message).await?;
                        self.ask(&mut answers, &handler, message);
                    }
                    Packet::PingResp => unanswered_ping = false,
                    Packet::Disconnect { reason } => return Err(MqttError::Ended(reason)),
                    _ => {}
                },
                Some(answered) = answers.join_next() => {
                    if let Ok((incoming, response)) = answered {
                        let sent = connection.publish(incoming.respond(response, EXPIRY)).await;
                        match sent {
                            Err(MqttError::TooLarge(most)) => {
                                let too_large = HttpResponse::failure(500, "too large");
                                connection.publish(incoming.respond(too_large, EXPIRY)).await?;
                                (self.trouble)(&MqttError::TooLarge(most));
                            }
                            sent => drop(sent?),
                        }
                    }
                }
                () = sleep(pause) => {
                    if unanswered_ping {
                        return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
                    }
                    unanswered_ping = true;
                    connection.write(&ping_req()).await?;
                }
            }
        }
    }

    /// Hands a request to the handler. What is no request is not answered:
    /// there is nobody who could be told.
    fn ask<H: Handler>(&self, answers: &mut Answers, handler: &Arc<H>, message: Publish) {
        let incoming = match read_request(&self.eim_id, message) {
            Ok(incoming) => incoming,
            Err(error) => return (self.trouble)(&error.into()),
        };
        if answers.len() >= MAX_REQUESTS {
            let busy = HttpResponse::failure(503, "busy");
            answers.spawn(async move { (incoming, busy) });
            return;
        }
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let peer = Peer {
            address: self.dialer.broker.socket.unwrap_or(nowhere),
            certificate: None,
            identity: Some(incoming.device.clone().into_bytes()),
        };
        let handler = handler.clone();
        answers.spawn(async move {
            let response = handler.handle(incoming.request.clone(), &peer).await;
            (incoming, response)
        });
    }
}
