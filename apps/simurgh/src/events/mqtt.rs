//! Events go to an MQTT broker: each tenant's in their order, at least once, from
//! where the database says that they went so far.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleet::events::Event;
use rsp_core::binding::mqtt::packet::Publish;
use rsp_core::pki::TlsTrust;
use rsp_crypto::Rng as _;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Broker, MqttPublisher, TlsIdentity};
use serde::Deserialize;
use store::{News, StoreError, Telling, Tenant};
use zeroize::Zeroizing;

use super::published::Published;
use super::{PAUSE, TOLD, Teller};
use crate::config::Config;
use crate::metrics::Exposition;
use crate::{Failure, files, shell};

/// Where they go, as the database names it.
const SINK: &str = "mqtt";

/// Events that are on their way at the same time.
const BATCH: usize = 64;

/// For how long a process publishes a tenant's events alone. If it is killed, another
/// one goes on then.
const LEASE: Duration = Duration::from_secs(10);

/// How long the broker may take for one step, shorter than the lease.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take for a batch.
const IN_TIME: Duration = Duration::from_secs(8);

/// After a failure so long is waited, twice as long after the next one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What they are (CloudEvents 1.0, MQTT binding 3.2).
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// `[events.mqtt]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttSettings {
    /// `mqtts://host`, with a port if it is not 8883.
    broker: String,
    /// The broker's certificate, or the CA that issued it.
    ca: PathBuf,
    /// What client identifiers begin with: each process adds its own end.
    #[serde(default = "client_id")]
    client_id: String,
    username: Option<String>,
    /// File with the password.
    password: Option<PathBuf>,
    /// Files of a client certificate and its key.
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    /// What topics begin with.
    #[serde(default = "topic_prefix")]
    topic_prefix: String,
}

impl MqttSettings {
    /// What is relative to the folder of the configuration.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.password, &mut self.certificate, &mut self.key];
        std::iter::once(&mut self.ca).chain(files.into_iter().flatten())
    }
}

fn client_id() -> String {
    "simurgh-events".to_string()
}

fn topic_prefix() -> String {
    "simurgh/events".to_string()
}

/// Publishes events.
pub(crate) struct Publisher {
    client: tokio::sync::Mutex<MqttPublisher>,
    prefix: String,
    counts: Published,
}

impl Publisher {
    /// As it is configured, if it is.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(settings) = &config.events.mqtt else {
            return Ok(None);
        };
        let at = "events.mqtt";
        let address = settings.broker.strip_prefix("mqtts://");
        let address = address.ok_or_else(|| {
            Failure::new(
                format!("{at}.broker"),
                "must begin with mqtts://: events go over TLS",
            )
        })?;
        let address = address.trim_end_matches('/').to_string();
        let prefix = &settings.topic_prefix;
        if prefix.is_empty() || prefix.contains(['#', '+', '\0']) || prefix.starts_with('$') {
            let bad = "must be the beginning of a topic, without # and +";
            return Err(Failure::new(format!("{at}.topic_prefix"), bad));
        }
        let secret = |file: &PathBuf| files::read(file).map(Zeroizing::new);
        let identity = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                let identity = TlsIdentity::from_pem(&files::read(certificate)?, &secret(key)?);
                Some(identity.map_err(|error| Failure::new(certificate.display(), error))?)
            }
            (None, None) => None,
            _ => return Err(Failure::new(at, "certificate and key go together")),
        };
        let password = settings.password.as_ref().map(secret).transpose()?;
        let password = password.map(|text| Zeroizing::new(text.trim().as_bytes().to_vec()));
        let mut end = [0; 4];
        shell::random()?.fill(&mut end);
        let broker = Broker {
            socket: config.resolve.get(&address).copied(),
            address,
            trust: TlsTrust::Certificate(files::read_certificate(&settings.ca)?),
            identity,
            client_id: format!("{}-{:08x}", settings.client_id, u32::from_be_bytes(end)),
            username: settings.username.clone(),
            password,
        };
        let client = MqttPublisher::new(broker, TIMEOUT, Arc::new(SoftwareProvider));
        Ok(Some(Publisher {
            client: tokio::sync::Mutex::new(client),
            prefix: prefix.trim_end_matches('/').to_string(),
            counts: Published::default(),
        }))
    }

    /// What was counted, as Prometheus reads it.
    pub(super) fn metrics(&self, page: &mut Exposition) {
        self.counts.write(page);
    }

    fn message(&self, tenant: &Tenant, event: &Event) -> Publish {
        Publish {
            topic: format!("{}/{tenant}/{}", self.prefix, event.event.kind.short()),
            content_type: Some(CONTENT_TYPE.to_string()),
            payload: event.to_cloud_event().to_string().into_bytes(),
            ..Publish::default()
        }
    }

    /// Publishes events; gives how many the broker has for certain, and what went
    /// wrong with the next one.
    async fn publish(&self, tenant: &Tenant, events: &[Event]) -> (usize, Option<String>) {
        let messages = events.iter().map(|event| self.message(tenant, event));
        let mut client = self.client.lock().await;
        let published = client.publish(messages.collect());
        match tokio::time::timeout(IN_TIME, published).await {
            Ok(Ok(())) => (events.len(), None),
            Ok(Err((taken, error))) => (taken, Some(error.to_string())),
            Err(_) => (0, Some("the broker is too slow".to_string())),
        }
    }
}

impl Teller {
    /// Publishes what waits, if there is a broker, as long as the process lives.
    pub(super) async fn publish_all(self: Arc<Self>) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        let mut pause = FIRST_PAUSE;
        let mut news = self.news(News::Numbered);
        loop {
            match self.publish(publisher).await {
                Ok(true) => pause = FIRST_PAUSE,
                Ok(false) => {
                    pause = FIRST_PAUSE;
                    news.wait(PAUSE, TOLD).await;
                }
                Err(error) => {
                    publisher.counts.failed();
                    tracing::warn!(error, "events do not reach the broker");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Publishes a batch of each tenant; gives whether there was any.
    async fn publish(&self, publisher: &Publisher) -> Result<bool, String> {
        let failed = |error: StoreError| error.to_string();
        let waiting = self.tenants(|store| store.tenants_to_export(SINK));
        let waiting = waiting.await.map_err(failed)?;
        publisher
            .counts
            .waiting(waiting.iter().map(|(_, lag)| lag).sum());
        let mut any = false;
        for (tenant, _) in waiting {
            let (due, holder) = (self.due(LEASE, BATCH), self.holder.clone());
            let take = move |store: &dyn Telling| store.take_export(SINK, &holder, &due);
            let Some(export) = self.with(&tenant, take).await.map_err(failed)? else {
                // Another process publishes them.
                continue;
            };
            if export.missed > 0 {
                let missed = export.missed;
                tracing::error!(%tenant, missed, "events were forgotten before the broker had them");
            }
            let (taken, error) = publisher.publish(&tenant, &export.events).await;
            publisher.counts.taken(taken);
            let position = match (&error, taken.checked_sub(1)) {
                (None, _) => Some(export.through),
                (Some(_), last) => last.and_then(|at| Some(export.events.get(at)?.sequence)),
            };
            if let Some(position) = position {
                let (due, holder) = (self.due(LEASE, BATCH), self.holder.clone());
                let settle =
                    move |store: &dyn Telling| store.settle_export(SINK, &holder, position, &due);
                any |= self.with(&tenant, settle).await.map_err(failed)?;
            }
            if let Some(error) = error {
                return Err(error);
            }
        }
        Ok(any)
    }
}
