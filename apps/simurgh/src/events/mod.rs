//! Events get their numbers, webhook endpoints are told, and what is old is
//! forgotten.
//!
//! An endpoint is told one event after the other. Endpoints do not wait for each
//! other: each that is due has a task of its own, and so a slow one is slow alone.

mod request;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleet::access::Network;
use fleet::events::{Next, next, refuses};
use rsp_core::Timestamp;
use rsp_crypto::Rng as _;
use rsp_net::WebClient;
use serde::Deserialize;
use store::{Due, NextDelivery, Settled, StoreError, TakenWebhook};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::database::Whole;
use crate::{Failure, shell};

/// Pause between two looks at what has no number yet, and at who is to be told.
const PAUSE: Duration = Duration::from_millis(200);

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
}

impl Default for EventSettings {
    fn default() -> Self {
        EventSettings {
            keep_days: 90,
            keep_deliveries_days: 30,
            webhook_networks: Vec::new(),
            webhook_ca: None,
        }
    }
}

/// Numbers events and tells of them.
pub(crate) struct Teller {
    store: Arc<dyn Whole>,
    client: WebClient,
    /// By what the processes on one database tell each other apart.
    holder: String,
    keep: [Duration; 2],
    now: fn() -> Timestamp,
}

impl Teller {
    /// By the settings.
    pub(crate) fn new(
        store: Arc<dyn Whole>,
        settings: &EventSettings,
    ) -> Result<Arc<Self>, Failure> {
        let client = WebClient::new(settings.webhook_ca.as_deref(), TIMEOUT);
        let client = client.map_err(|error| Failure::new("requests to webhooks", error))?;
        let networks = settings.webhook_networks.clone();
        let mut holder = [0; 8];
        shell::random()?.fill(&mut holder);
        let kept = [settings.keep_days, settings.keep_deliveries_days];
        Ok(Arc::new(Teller {
            store,
            client: client.refusing(move |address| refuses(address, &networks)),
            holder: format!("{:016x}", u64::from_be_bytes(holder)),
            keep: kept.map(|days| DAY * days),
            now: shell::now,
        }))
    }

    /// Works until it is to end.
    pub(crate) async fn run(self: Arc<Self>, mut ended: watch::Receiver<bool>) {
        let work = async {
            tokio::join!(
                self.clone().number_all(),
                self.clone().tell_all(),
                self.clone().tidy_all(),
            )
        };
        // What is cut off here is told again by the next process.
        tokio::select! {
            _ = work => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
    }

    async fn number_all(self: Arc<Self>) {
        loop {
            let due = self.due(NUMBERING, BATCH);
            let holder = self.holder.clone();
            let numbered = self.with_store(move |store| store.number_events(&holder, &due));
            match numbered.await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(%error, "events get no numbers"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn tell_all(self: Arc<Self>) {
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            match self.take(free.available_permits()).await {
                Err(error) => tracing::error!(%error, "webhook endpoints cannot be read"),
                Ok(all) => {
                    for taken in all {
                        let (teller, free) = (self.clone(), free.clone());
                        tasks.spawn(async move {
                            let _permit = free.acquire().await;
                            teller.tell(&taken).await;
                        });
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn take(&self, limit: usize) -> Result<Vec<TakenWebhook>, StoreError> {
        let due = self.due(LEASE, limit);
        self.with_store(move |store| store.take_webhooks(&due))
            .await
    }

    /// Tells an endpoint what waits for it.
    async fn tell(&self, taken: &TakenWebhook) {
        for left in (0..IN_A_ROW).rev() {
            match self.tell_next(taken, left == 0).await {
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
    async fn tell_next(&self, taken: &TakenWebhook, is_last: bool) -> Result<bool, StoreError> {
        let (asked, now) = (taken.clone(), (self.now)());
        let delivery = self.with_store(move |store| store.next_delivery(&asked, now));
        let Some(delivery) = delivery.await? else {
            return Ok(false);
        };
        let (attempt, answer) = self.attempt(&taken.endpoint, &delivery.event).await;
        let attempts = delivery.attempts.saturating_add(1);
        let since = delivery.failing_since;
        let settled = match next(answer, attempts, since, attempt.at, jitter()) {
            Next::Delivered if is_last => Settled::Delivered(attempt.at),
            Next::Delivered => Settled::Delivered(attempt.at.after(LEASE)),
            Next::Again(at) => Settled::Again(at),
            Next::GiveUp => Settled::Disabled(format!(
                "it took nothing for a day; last: {}",
                attempt.detail
            )),
            Next::Gone => Settled::Disabled("it says that it is gone (status 410)".to_string()),
        };
        log(taken, &delivery, &settled);
        let taken = taken.clone();
        let settle =
            move |store: &dyn Whole| store.settle_delivery(&taken, &delivery, &attempt, &settled);
        Ok(self.with_store(settle).await? && !is_last)
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
        while self
            .with_store(move |store| store.forget_events(events, FORGOTTEN))
            .await?
            > 0
        {}
        self.with_store(move |store| store.forget_deliveries(deliveries))
            .await?;
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

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Whole) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || work(&*store)).await;
        done.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
    }
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
