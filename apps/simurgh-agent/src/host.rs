//! The host of the IPA: carries out its actions on a card, on the network and
//! on the clock.

use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsp_core::Timestamp;
use rsp_core::ipa::{Action, Event, Input, Ipa};
use rsp_net::{ApduChannel, Client};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Failure, memory};

/// How long a card may take over its last command when the agent is to end.
const GRACE: Duration = Duration::from_secs(5);

/// An IPA with card, network and clock.
pub(crate) struct Host {
    ipa: Ipa,
    client: Client,
    card: Arc<Mutex<Box<dyn ApduChannel>>>,
    /// Where the IPA's memory is kept.
    memory: Option<PathBuf>,
    /// Whether anything failed so far.
    failed: bool,
}

impl Host {
    pub(crate) fn new(
        ipa: Ipa,
        client: Client,
        memory: Option<PathBuf>,
        card: Box<dyn ApduChannel>,
    ) -> Self {
        Host {
            ipa,
            client,
            card: Arc::new(Mutex::new(card)),
            memory,
            failed: false,
        }
    }

    /// Runs until a signal ends it, or only one round; whether nothing failed
    /// in it.
    pub(crate) async fn run(mut self, once: bool) -> Result<bool, Failure> {
        let failure = |error| Failure::new("cannot wait for signals", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failure)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failure)?;
        let mut stopped = pin!(async {
            tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            }
        });
        loop {
            if self.report() && once {
                return Ok(!self.failed);
            }
            if let Some(signal) = self.act(stopped.as_mut()).await {
                tracing::info!(signal, "ends");
                return Ok(!once);
            }
        }
    }

    /// Carries out one action, or waits until the IPA wants to be called; gives
    /// the signal that ends it. What the card has begun is finished first.
    async fn act(
        &mut self,
        stopped: Pin<&mut impl Future<Output = &'static str>>,
    ) -> Option<&'static str> {
        let input = match self.ipa.poll_action() {
            Some(Action::Apdu(command)) => {
                let mut transmitted = pin!(transmit(self.card.clone(), command));
                tokio::select! {
                    response = transmitted.as_mut() => Input::Apdu(response),
                    signal = stopped => {
                        // The answer matters to nobody any more.
                        let _ = tokio::time::timeout(GRACE, transmitted).await;
                        return Some(signal);
                    }
                }
            }
            Some(Action::Http { server, request }) => tokio::select! {
                response = self.client.post(&server, request) => {
                    Input::Http(response.map_err(|error| error.to_string()))
                }
                signal = stopped => return Some(signal),
            },
            Some(Action::ResetCard) => Input::Reset(reset(self.card.clone()).await),
            Some(Action::Persist(bytes)) => Input::Persisted(match &self.memory {
                Some(file) => memory::write(file, &bytes).map_err(|error| error.to_string()),
                // As was asked for: nothing outlives this process.
                None => Ok(()),
            }),
            None => {
                let until = self.ipa.poll_timeout();
                tokio::select! {
                    () = sleep_until(until) => Input::Time,
                    signal = stopped => return Some(signal),
                }
            }
        };
        self.ipa.handle(input, now());
        None
    }

    /// Logs what has happened; whether a round is over.
    fn report(&mut self) -> bool {
        let mut over = false;
        while let Some(event) = self.ipa.poll_event() {
            match &event {
                Event::Idle => over = true,
                Event::Failed { .. } | Event::DownloadFailed { .. } => self.failed = true,
                _ => {}
            }
            log(&event);
        }
        over
    }
}

/// Sends a command to the card; readers know only calls that wait.
async fn transmit(
    card: Arc<Mutex<Box<dyn ApduChannel>>>,
    command: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let work = move || {
        let mut card = card.lock().unwrap_or_else(PoisonError::into_inner);
        card.transmit(&command)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Resets the card.
async fn reset(card: Arc<Mutex<Box<dyn ApduChannel>>>) -> Result<(), String> {
    let work = move || card.lock().unwrap_or_else(PoisonError::into_inner).reset();
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn sleep_until(until: Option<Timestamp>) {
    match until {
        Some(until) => tokio::time::sleep(until.since(now())).await,
        None => std::future::pending().await,
    }
}

fn log(event: &Event) {
    match event {
        Event::Idle => tracing::debug!("the round is over"),
        Event::DownloadStarted { smdp_address } => {
            tracing::info!(smdp = smdp_address, "a download begins");
        }
        Event::Authenticated { iccid } => tracing::info!(%iccid, "eUICC and SM-DP+ authenticated"),
        Event::BoundProfilePackageReceived { octets } => {
            tracing::info!(octets, "the bound profile package is here");
        }
        Event::Installed { iccid } => {
            let iccid = iccid.map(|iccid| iccid.to_string());
            tracing::info!(iccid, "the eUICC has installed the profile");
        }
        Event::DownloadFailed { reason } => tracing::warn!(reason, "the download failed"),
        Event::PackageProcessed => tracing::info!("the eUICC has processed a package"),
        Event::ResultDelivered => tracing::info!("the eIM has the result"),
        Event::NotificationDelivered { seq_number } => {
            tracing::info!(seq_number, "a notification was delivered");
        }
        Event::Failed { reason } => tracing::warn!(reason, "the round ended early"),
        other => tracing::info!(?other),
    }
}

/// The time: the one place where the agent reads the clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
}
