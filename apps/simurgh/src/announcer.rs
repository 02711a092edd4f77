//! Events of orders, on their way to the SM-DSs that the operators named
//! (SGP.22 3.6.1, 3.6.3; ES12). What an SM-DS does not take is told again, ever
//! more seldom; nothing is given up because time passed.

use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::ids::Iccid;
use rsp_core::binding::{BindingError, HttpRequest, es12_json, json};
use rsp_core::pki::TlsTrust;
use rsp_core::smdp::Refusal;
use rsp_core::{Timestamp, ipa};
use rsp_net::Client;
use store::{AnnouncedEvent, Due, EventStage, SmdpHost, StoreError};

use crate::shell;

/// Pause between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(5);

/// Events that are taken at once.
const BATCH: usize = 10;

/// For how long they are taken: longer than all of them may take.
const LEASE: Duration = Duration::from_secs(600);

/// What is taken now.
fn due() -> Due {
    let now = shell::now();
    Due {
        now,
        again: now.after(LEASE),
        limit: BATCH,
    }
}

/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Tells SM-DSs of events.
pub(crate) struct Announcer {
    pub(crate) host: Arc<SmdpHost>,
    /// Shows the certificate of the SM-DP+.
    pub(crate) client: Client,
    /// Whom to take for an SM-DS.
    pub(crate) trust: TlsTrust,
}

impl Announcer {
    /// Tells what is due, until `ended`.
    pub(crate) async fn run(&self, ended: impl Future<Output = ()>) {
        let round = async {
            loop {
                let due = |host: &SmdpHost| host.store().due_announcements(&due());
                match self.with_store(due).await {
                    Ok(due) => self.tell_all(&due).await,
                    Err(error) => tracing::error!(%error, "cannot read the events for SM-DSs"),
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        // What is cut off here is told once more by the next process: the SM-DS
        // knows the call.
        tokio::select! {
            () = round => {}
            () = ended => {}
        }
    }

    async fn tell_all(&self, due: &[AnnouncedEvent]) {
        for event in due {
            let _ = self.tell(event).await;
        }
    }

    /// Tells the SM-DS of a profile's order at once, if it does not know yet;
    /// gives why it still does not. It is told again later then.
    pub(crate) async fn tell_now(&self, iccid: Iccid) -> Option<Refusal> {
        let of_profile = move |host: &SmdpHost| host.store().announcements(iccid);
        let events = match self.with_store(of_profile).await {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(%error, "cannot read the events for SM-DSs");
                return Some(Refusal::SmdsRefused);
            }
        };
        let mut warning = None;
        for event in events {
            if event.stage == EventStage::Register {
                warning = warning.or(self.tell(&event).await);
            }
        }
        warning
    }

    /// One attempt; gives what came in between.
    async fn tell(&self, event: &AnnouncedEvent) -> Option<Refusal> {
        let announcement = &event.announcement;
        let (eid, address) = (announcement.eid, &announcement.smds_address);
        let stage = event.stage.name();
        let (refusal, detail) = match self.post(event).await {
            Ok(()) => {
                tracing::info!(%eid, address, stage, "the SM-DS knows");
                let told = event.clone();
                let settled = self.with_store(move |host| host.store().announced(&told));
                if let Err(error) = settled.await {
                    tracing::error!(%error, "cannot put down what an SM-DS knows");
                }
                return None;
            }
            Err(refused) => refused,
        };
        tracing::warn!(%eid, address, stage, detail, "the SM-DS was not told; again later");
        let due = next_attempt(shell::now(), event.attempts);
        let event = event.clone();
        let delayed = move |host: &SmdpHost| host.store().delay_announcement(&event, due);
        if let Err(error) = self.with_store(delayed).await {
            tracing::error!(%error, "cannot put down what an SM-DS is to know");
        }
        Some(refusal)
    }

    async fn post(&self, event: &AnnouncedEvent) -> Result<(), (Refusal, String)> {
        let server = ipa::Server {
            address: event.announcement.smds_address.clone(),
            trust: Some(self.trust.clone()),
            transport: rsp_core::binding::Transport::Https,
        };
        let refused = |error: BindingError| (Refusal::SmdsRefused, error.to_string());
        let request = self.request(event).map_err(refused)?;
        let response = self.client.post(&server, request).await;
        let response = response.map_err(|error| (Refusal::SmdsInaccessible, error.to_string()))?;
        let registers = event.stage != EventStage::Delete;
        es12_json::executed(registers, &response).map_err(refused)
    }

    fn request(&self, event: &AnnouncedEvent) -> Result<HttpRequest, BindingError> {
        let (smdp, announcement) = (self.host.smdp(), &event.announcement);
        // The same for each repetition, and not for another order.
        let stage = event.stage.name();
        let call = format!("{stage}-{}-{}", event.number, event.created.0);
        match event.stage {
            EventStage::Delete => {
                json::encode_request(&smdp.delete_event(announcement, &call), None)
            }
            EventStage::Register | EventStage::Registered => {
                json::encode_request(&smdp.register_event(announcement, &call), None)
            }
        }
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SmdpHost) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let host = self.host.clone();
        let done = tokio::task::spawn_blocking(move || work(&host)).await;
        done.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
    }
}

fn next_attempt(now: Timestamp, attempts: u32) -> Timestamp {
    let factor = 1_u32.checked_shl(attempts).unwrap_or(u32::MAX);
    now.after(FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE))
}
