//! Events get their numbers, webhook endpoints are told, and what is old is
//! forgotten.
//!
//! An endpoint is told one event after the other. Endpoints do not wait for each
//! other: each that is due has a task of its own, and so a slow one is slow alone.

mod counts;
mod mqtt;
mod published;
mod request;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleet::access::Network;
use fleet::events::{
    Answer, Event, EventType, NewEvent, Next, UNNUMBERED, WebhookEndpoint, next, refuses,
};
use rsp_core::Timestamp;
use rsp_crypto::Rng as _;
use rsp_net::WebClient;
use serde::Deserialize;
use store::{
    Attempt, Due, Listener, News, NextDelivery, Settled, StoreError, TakenWebhook, Telling, Tenant,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use counts::Counts;
pub(crate) use mqtt::Publisher;
use published::Published;

use crate::database::Whole;
use crate::metrics::Exposition;
use crate::{Failure, shell};

/// Pause between two looks at what has no number yet, and at who is to be told.
const PAUSE: Duration = Duration::from_millis(200);

/// The same where other processes say that there is something.
const TOLD: Duration = Duration::from_secs(1);

/// Events that get their numbers in one transaction.
const BATCH: usize = 1_000;

/// For how long a process numbers alone: if it is killed, another one goes on then.
const NUMBERING: Duration = Duration::from_secs(5);

/// For how long an endpoint is taken: longer than an attempt may take. If the process
/// is killed, another one goes on then, and the endpoint may be told once more what
/// it was just told; it knows the event by its identifier.
const LEASE: Duration = Duration::from_secs(60);

/// How long an endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Endpoints that are told at the same time.
const AT_ONCE: usize = 64;

/// Events after which an endpoint waits for its turn again.
const IN_A_ROW: usize = 100;

/// How often what is old is looked for.
const TIDYING: Duration = Duration::from_secs(600);

/// Events that are forgotten in one transaction.
const FORGOTTEN: usize = 5_000;

/// Streams of events that are open at the same time.
const STREAMS: usize = 200;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `[events]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EventSettings {
    /// For so many days events are kept.
    keep_days: u32,
    /// For so many days is kept what became of them at webhook endpoints.
    keep_deliveries_days: u32,
    /// Networks that are not public and in which webhook endpoints may be.
    webhook_networks: Vec<Network>,
    /// Who vouches for webhook endpoints, in place of whom the system trusts.
    pub(crate) webhook_ca: Option<PathBuf>,
    /// A broker to which all events go, too.
    pub(crate) mqtt: Option<mqtt::MqttSettings>,
}

impl Default for EventSettings {
    fn default() -> Self {
        EventSettings {
            keep_days: 90,
            keep_deliveries_days: 30,
            webhook_networks: Vec::new(),
            webhook_ca: None,
            mqtt: None,
        }
    }
}

/// Numbers events and tells of them.
pub(crate) struct Teller {
    store: Arc<dyn Whole>,
    client: WebClient,
    publisher: Option<Publisher>,
    /// By what the processes on one database tell each other apart.
    holder: String,
    keep: [Duration; 2],
    counts: Counts,
    /// Places for streams of events.
    streams: Arc<Semaphore>,
    /// Whether the server ends, which streams would not let it.
    ended: watch::Sender<bool>,
    now: fn() -> Timestamp,
}

impl Teller {
    /// By the settings.
    pub(crate) fn new(
        store: Arc<dyn Whole>,
        settings: &EventSettings,
        publisher: Option<Publisher>,
    ) -> Result<Arc<Self>, Failure> {
        let client = WebClient::new(settings.webhook_ca.as_deref(), TIMEOUT);
        let client = client.map_err(|error| Failure::new("requests to webhooks", error))?;
        let networks = settings.webhook_networks.clone();
        let mut holder = [0; 8];
        shell::random()?.fill(&mut holder);
        let kept = [settings.keep_days, settings.keep_deliveries_days];
        Ok(Arc::new(Teller {
            store,
            publisher,
            client: client.refusing(move |address| refuses(address, &networks)),
            holder: format!("{:016x}", u64::from_be_bytes(holder)),
            keep: kept.map(|days| DAY * days),
            counts: Counts::default(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            ended: watch::Sender::new(false),
            now: shell::now,
        }))
    }

    /// The events of a tenant and who is told of them.
    pub(crate) fn of_tenant(&self, tenant: &Tenant) -> Arc<dyn Telling> {
        self.store.telling(tenant.clone())
    }

    /// A place for one more stream of events, if there is one.
    pub(crate) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }

    /// What was counted, as Prometheus reads it; of a broker 0 if there is none.
    pub(crate) fn metrics(&self, page: &mut Exposition) {
        let streams = STREAMS.saturating_sub(self.streams.available_permits());
        self.counts.write(page, streams);
        match &self.publisher {
            Some(publisher) => publisher.metrics(page),
            None => Published::default().write(page),
        }
    }

    /// Comes when the server ends.
    pub(crate) async fn ended(&self) {
        // Whoever waits has the sender.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Sends a test event to an endpoint, past what waits for it.
    pub(crate) async fn test(
        &self,
        tenant: &Tenant,
        id: &str,
        endpoint: &WebhookEndpoint,
    ) -> (String, Attempt, Answer) {
        let subject = format!("webhook-endpoints/{id}");
        let event = Event {
            tenant: tenant.to_string(),
            sequence: UNNUMBERED,
            event: NewEvent::new(EventType::WebhookTested, subject, (self.now)()),
        };
        let (attempt, answer) = self.attempt(endpoint, &event).await;
        (event.id(), attempt, answer)
    }

    /// Works until it is to end.
    pub(crate) async fn run(self: Arc<Self>, mut ended: watch::Receiver<bool>) {
        let work = async {
            tokio::join!(
                self.clone().number_all(),
                self.clone().tell_all(),
                self.clone().publish_all(),
                self.clone().tidy_all(),
            )
        };
        // What is cut off here is told again by the next process.
        tokio::select! {
            _ = work => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
        self.ended.send_replace(true);
    }

    /// Waits for news of events.
    pub(crate) fn news(&self, news: News) -> Listener {
        self.store.bell().listener(news)
    }

    async fn number_all(self: Arc<Self>) {
        let mut news = self.news(News::Event);
        loop {
            match self.number().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(%error, "events get no numbers"),
            }
            news.wait(PAUSE, TOLD).await;
        }
    }

    /// Numbers a batch of each tenant's events; gives how many it were.
    async fn number(&self) -> Result<u64, StoreError> {
        let mut all = 0;
        for tenant in self.tenants(|store| store.tenants_to_number()).await? {
            let due = self.due(NUMBERING, BATCH);
            let holder = self.holder.clone();
            let numbered = move |store: &dyn Telling| store.number_events(&holder, &due);
            let numbered = self.with(&tenant, numbered).await?;
            self.counts.numbered(numbered);
            all += numbered;
        }
        Ok(all)
    }

    async fn tell_all(self: Arc<Self>) {
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let mut news = self.news(News::Numbered);
        loop {
            while tasks.try_join_next().is_some() {}
            match self.take(free.available_permits()).await {
                Err(error) => tracing::error!(%error, "webhook endpoints cannot be read"),
                Ok(all) => {
                    for (tenant, taken) in all {
                        let (teller, free) = (self.clone(), free.clone());
                        tasks.spawn(async move {
                            let _permit = free.acquire().await;
                            teller.tell(&tenant, &taken).await;
                        });
                    }
                }
            }
            news.wait(PAUSE, TOLD).await;
        }
    }

    /// Takes endpoints of all tenants, of each no more than its part if there are
    /// too many.
    async fn take(&self, limit: usize) -> Result<Vec<(Tenant, TakenWebhook)>, StoreError> {
        let now = (self.now)();
        let tenants = self.tenants(move |store| store.tenants_to_tell(now));
        let tenants = tenants.await?;
        let part = limit.div_ceil(tenants.len().max(1));
        let mut all = Vec::new();
        for tenant in tenants {
            let due = self.due(LEASE, part.min(limit.saturating_sub(all.len())));
            let taken = move |store: &dyn Telling| store.take_webhooks(&due);
            let taken = self.with(&tenant, taken).await?;
            all.extend(taken.into_iter().map(|taken| (tenant.clone(), taken)));
        }
        Ok(all)
    }

    /// Tells an endpoint what waits for it.
    async fn tell(&self, tenant: &Tenant, taken: &TakenWebhook) {
        for left in (0..IN_A_ROW).rev() {
            match self.tell_next(tenant, taken, left == 0).await {
                Ok(true) => tokio::time::sleep(taken.endpoint.pause()).await,
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, endpoint = taken.id, "a webhook endpoint is not told");
                    return;
                }
            }
        }
    }

    /// Tells it one event, if there is one; gives whether it may go on.
    async fn tell_next(
        &self,
        tenant: &Tenant,
        taken: &TakenWebhook,
        is_last: bool,
    ) -> Result<bool, StoreError> {
        let (asked, now) = (taken.clone(), (self.now)());
        let delivery = self.with(tenant, move |store| store.next_delivery(&asked, now));
        let Some(delivery) = delivery.await? else {
            return Ok(false);
        };
        let (attempt, answer) = self.attempt(&taken.endpoint, &delivery.event).await;
        let attempts = delivery.attempts.saturating_add(1);
        let since = delivery.failing_since;
        let settled = match next(answer, attempts, since, attempt.at, jitter()) {
            // Free for another turn, but not sooner than its rate allows.
            Next::Delivered if is_last => {
                Settled::Delivered(attempt.at.after(taken.endpoint.pause()))
            }
            Next::Delivered => Settled::Delivered(attempt.at.after(LEASE)),
            Next::Again(at) => Settled::Again(at),
            Next::GiveUp => Settled::Disabled(format!(
                "it took nothing for a day; last: {}",
                attempt.detail
            )),
            Next::Gone => Settled::Disabled("it says that it is gone (status 410)".to_string()),
        };
        log(taken, &delivery, &settled);
        let (status, millis) = (attempt.status, attempt.duration);
        self.counts.attempted(answer, status, millis);
        if matches!(settled, Settled::Disabled(_)) {
            self.counts.disabled();
        }
        let taken = taken.clone();
        let settle =
            move |store: &dyn Telling| store.settle_delivery(&taken, &delivery, &attempt, &settled);
        Ok(self.with(tenant, settle).await? && !is_last)
    }

    async fn tidy_all(self: Arc<Self>) {
        loop {
            if let Err(error) = self.tidy().await {
                tracing::error!(%error, "old events cannot be forgotten");
            }
            tokio::time::sleep(TIDYING).await;
        }
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let now = (self.now)();
        let [events, deliveries] = self.keep.map(|keep| now.before(keep));
        for tenant in self.tenants(|store| store.tenants_with_events()).await? {
            let forget = move |store: &dyn Telling| store.forget_events(events, FORGOTTEN);
            while self.with(&tenant, forget).await? > 0 {}
            let forget = move |store: &dyn Telling| store.forget_deliveries(deliveries);
            self.with(&tenant, forget).await?;
        }
        Ok(())
    }

    fn due(&self, lease: Duration, limit: usize) -> Due {
        let now = (self.now)();
        Due {
            now,
            again: now.after(lease),
            limit,
        }
    }

    async fn tenants<T: Send + 'static>(
        &self,
        which: impl FnOnce(&dyn Whole) -> Result<Vec<T>, StoreError> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        let store = self.store.clone();
        blocking(move || which(&*store)).await
    }

    /// Works on the rows of a tenant.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        tenant: &Tenant,
        work: impl FnOnce(&dyn Telling) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.of_tenant(tenant);
        blocking(move || work(&*store)).await
    }
}

/// On a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
}

/// Without randomness all endpoints are tried at the same time again.
fn jitter() -> u16 {
    let mut octets = [0; 2];
    if let Ok(mut random) = shell::random() {
        random.fill(&mut octets);
    }
    u16::from_be_bytes(octets)
}

fn log(taken: &TakenWebhook, delivery: &NextDelivery, settled: &Settled) {
    let (endpoint, sequence) = (&taken.id, delivery.event.sequence);
    match settled {
        Settled::Delivered(_) => tracing::debug!(endpoint, sequence, "event delivered"),
        Settled::Again(at) => {
            tracing::warn!(endpoint, sequence, again = %at, "event not delivered yet");
        }
        Settled::Disabled(reason) => {
            tracing::error!(endpoint, sequence, reason, "webhook endpoint disabled");
        }
    }
}
