//! The host of the IPA: carries out its actions on a card, on the network and
//! on the clock.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsp_core::Timestamp;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa::lpa::Answer;
use rsp_core::ipa::{Action, Event, Input, Ipa, Server};
use rsp_net::{ApduChannel, ApduError};
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;
use crate::listen::{Brought, Listening};
use crate::state::StateFile;
use crate::transport::Wires;

/// How long a card may take over its last command when the agent is to end.
const GRACE: Duration = Duration::from_secs(5);

type Card = Arc<Mutex<Box<dyn ApduChannel>>>;

/// What a report tells of the IPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Amid a round.
    Busy,
    /// A round is over.
    Idle,
    /// Nothing comes any more.
    Stopped,
}

/// An IPA with card, network and clock.
pub(crate) struct Host {
    ipa: Ipa,
    wires: Wires,
    card: Card,
    state: StateFile,
    /// Whether anything failed so far.
    failed: bool,
    /// Who brings packages, if somebody may.
    listening: Option<Listening>,
    /// Whether no round is under way.
    idle: bool,
    answer: Option<Answer>,
}

impl Host {
    pub(crate) fn new(
        ipa: Ipa,
        wires: Wires,
        card: Box<dyn ApduChannel>,
        state: StateFile,
        listening: Option<Listening>,
    ) -> Self {
        Host {
            listening,
            idle: false,
            ipa,
            wires,
            card: Arc::new(Mutex::new(card)),
            state,
            failed: false,
            answer: None,
        }
    }

    /// Runs until a signal ends it, or only one round; whether nothing failed
    /// in it.
    pub(crate) async fn run(&mut self, once: bool) -> Result<bool, Failure> {
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
            match self.report() {
                Stage::Idle if once => return Ok(!self.failed),
                Stage::Stopped => return Ok(!self.failed),
                Stage::Idle | Stage::Busy => {}
            }
            if let Err(signal) = self.act(stopped.as_mut()).await {
                tracing::info!(signal, "ends");
                return Ok(!once);
            }
        }
    }

    /// What came of a task of the user.
    pub(crate) fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// Carries out one action, or waits until the IPA wants to be called; what the
    /// card has begun is finished first. `Err` is the signal that ends the agent.
    async fn act(
        &mut self,
        stopped: Pin<&mut impl Future<Output = &'static str>>,
    ) -> Result<(), &'static str> {
        let input = match self.ipa.poll_action() {
            Some(Action::Apdu(command)) => {
                let work = with_card(&self.card, move |card| card.transmit(&command));
                Input::Apdu(finished(work, stopped).await?)
            }
            Some(Action::ResetCard) => {
                let work = with_card(&self.card, |card| card.reset());
                Input::Reset(finished(work, stopped).await?)
            }
            Some(Action::Persist(memory)) => {
                let saved = self.state.save(&memory);
                Input::Persisted(saved.map_err(|error| error.to_string()))
            }
            Some(Action::Http { server, request }) => {
                match self.brought_answer(&server, &request) {
                    Some(answer) => Input::Http(Ok(answer)),
                    None => tokio::select! {
                        response = self.wires.post(&server, request) => Input::Http(response),
                        signal = stopped => return Err(signal),
                    },
                }
            }
            None => {
                let until = self.ipa.poll_timeout();
                let listening = self.listening.as_mut().filter(|_| self.idle);
                tokio::select! {
                    () = sleep_until(until) => Input::Time,
                    brought = next_of(listening) => {
                        if let Some(listening) = &mut self.listening {
                            listening.begin(brought);
                        }
                        Input::Wake
                    }
                    signal = stopped => return Err(signal),
                }
            }
        };
        self.idle = false;
        self.ipa.handle(input, now());
        Ok(())
    }

    /// The answer to what the IPA asks an eIM that has brought something.
    fn brought_answer(&mut self, server: &Server, request: &HttpRequest) -> Option<HttpResponse> {
        self.listening.as_mut()?.answer(server, request)
    }

    /// Logs what has happened; gives how far the IPA is.
    fn report(&mut self) -> Stage {
        let mut stage = Stage::Busy;
        while let Some(event) = self.ipa.poll_event() {
            match &event {
                Event::Idle => {
                    stage = Stage::Idle;
                    self.idle = true;
                    if let Some(listening) = &mut self.listening {
                        listening.round_is_over();
                    }
                }
                Event::Stopped => stage = Stage::Stopped,
                Event::Failed { .. } | Event::DownloadFailed { .. } => self.failed = true,
                Event::LocalAnswer(answer) => {
                    self.answer = Some(answer.clone());
                    continue;
                }
                _ => {}
            }
            log(&event);
        }
        stage
    }
}

/// What an eIM brings, if one may.
async fn next_of(listening: Option<&mut Listening>) -> Brought {
    match listening {
        Some(listening) => listening.next().await,
        None => std::future::pending().await,
    }
}

/// Does something with the card; readers know only calls that wait.
async fn with_card<T: Send + 'static>(
    card: &Card,
    act: impl FnOnce(&mut dyn ApduChannel) -> Result<T, ApduError> + Send + 'static,
) -> Result<T, String> {
    let card = card.clone();
    let work = move || {
        let mut card = card.lock().unwrap_or_else(PoisonError::into_inner);
        act(card.as_mut())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// What `work` gives, or the signal that ends the agent: then the card is given
/// time to finish, and what it answers matters to nobody any more.
async fn finished<T>(
    work: impl Future<Output = T>,
    stopped: Pin<&mut impl Future<Output = &'static str>>,
) -> Result<T, &'static str> {
    let mut work = pin!(work);
    tokio::select! {
        done = work.as_mut() => Ok(done),
        signal = stopped => {
            let _ = tokio::time::timeout(GRACE, work).await;
            Err(signal)
        }
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
        Event::Authenticated { iccid } => {
            let iccid = iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
            tracing::info!(iccid, "eUICC and SM-DP+ authenticated");
        }
        Event::BoundProfilePackageReceived { octets } => {
            tracing::info!(octets, "the bound profile package is here");
        }
        Event::Installed { iccid } => {
            let iccid = iccid.map(|iccid| iccid.to_string());
            tracing::info!(iccid, "the eUICC has installed the profile");
        }
        Event::DownloadFailed { reason } => tracing::warn!(reason, "the download failed"),
        Event::EmulatedEim {
            eim_id,
            association_token,
        } => {
            tracing::warn!(
                eim_id,
                association_token,
                "the eUICC has no functions for an eIM: the agent answers in its place, and the eIM must be told so"
            );
        }
        Event::PackageInterrupted => {
            tracing::warn!("a package that was cut off has ended with what was done of it");
        }
        Event::PackageProcessed => tracing::info!("the eUICC has processed a package"),
        Event::PackageRefused { reason } => {
            tracing::warn!(reason, "the eIM's package cannot be used");
        }
        Event::ResultDelivered => tracing::info!("the eIM has the result"),
        Event::ResultRefused { reason } => {
            tracing::warn!(reason, "the eIM refused the result of a download");
        }
        Event::NotificationDelivered { seq_number } => {
            tracing::info!(seq_number, "a notification was delivered");
        }
        Event::DownloadRecovered { iccid } => {
            let iccid = iccid.map(|iccid| iccid.to_string());
            tracing::info!(iccid, "a download that was cut off had come to its end");
        }
        Event::RolledBack => {
            tracing::warn!("the eIM is out of reach over the new profile: back to the one before")
        }
        Event::RollbackRefused { reason } => {
            tracing::warn!(reason, "the eUICC does not go back to the profile before");
        }
        Event::CardReset { reason } => tracing::warn!(reason, "the eUICC is reset"),
        Event::MemoryLost { reason } => tracing::warn!(reason, "the state file is not readable"),
        Event::MemoryNotSaved { reason } => tracing::error!(reason, "the state is not saved"),
        Event::Stopped => tracing::info!("all packages asked for are processed"),
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
