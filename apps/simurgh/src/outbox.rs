//! Notifications that devices gave to the eIM, on their way to the SM-DP+ that
//! they name (SGP.32 3.7; SGP.22 5.6.4). Nothing is given up because time
//! passed: a server that cannot be reached is asked again, ever more seldom.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::PendingNotification;
use rsp_core::binding::es9plus_json::HandleNotificationRequest;
use rsp_core::binding::json;
use rsp_core::ipa;
use rsp_core::pki::TlsTrust;
use rsp_net::Client;
use store::{EimHost, Forwarding, Outgoing, StoreError};
use tokio::sync::watch;

use crate::shell;

/// Pause between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(5);

/// Notifications that are read at once.
const BATCH: usize = 100;

/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Forwards notifications.
pub(crate) struct Outbox {
    pub(crate) eim: Arc<EimHost>,
    pub(crate) client: Client,
    /// Whom to take for an SM-DP+.
    pub(crate) trust: TlsTrust,
}

impl Outbox {
    /// Forwards what is due, until it is to end; and puts down meanwhile when
    /// devices polled.
    pub(crate) async fn run(self, mut ended: watch::Receiver<bool>) {
        loop {
            self.save_contacts().await;
            if let Err(error) = self.forward_due().await {
                tracing::error!(%error, "the outbox cannot be read");
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = ended.wait_for(|ended| *ended) => break,
            }
        }
        self.save_contacts().await;
    }

    async fn save_contacts(&self) {
        let saved = self.with_store(|eim| eim.save_contacts()).await;
        if let Err(error) = saved {
            tracing::error!(%error, "the devices' last contacts are lost");
        }
    }

    async fn forward_due(&self) -> Result<(), StoreError> {
        let now = shell::now();
        let due = self
            .with_store(move |eim| eim.store().due_notifications(now, BATCH))
            .await?;
        let mut unreachable = HashSet::new();
        for notification in due {
            let address = notification.address.clone();
            let (forwarding, detail) = match unreachable.contains(&address) {
                // Its other notifications would only wait for the same.
                true => (later(&notification), "not reached just now".to_string()),
                false => self.forward(&notification).await,
            };
            if matches!(forwarding, Forwarding::Waiting(_)) {
                unreachable.insert(address);
            }
            log(&notification, forwarding, &detail);
            let number = notification.number;
            self.with_store(move |eim| eim.store().put_forwarding(number, forwarding, &detail))
                .await?;
        }
        Ok(())
    }

    /// One attempt; how it went, and in words.
    async fn forward(&self, notification: &Outgoing) -> (Forwarding, String) {
        let request = PendingNotification::from_der(&notification.der)
            .map_err(|error| error.to_string())
            .and_then(|pending_notification| {
                let request = HandleNotificationRequest {
                    pending_notification,
                };
                json::encode_request(&request, None).map_err(|error| error.to_string())
            });
        let request = match request {
            Ok(request) => request,
            Err(error) => return (Forwarding::Refused, error),
        };
        let server = ipa::Server {
            address: notification.address.clone(),
            trust: Some(self.trust.clone()),
        };
        match self.client.post(&server, request).await {
            Ok(response) => match response.status {
                200..300 => (Forwarding::Delivered, String::new()),
                // The request itself is wrong, and stays so.
                status @ (400 | 404 | 405 | 410 | 413 | 415 | 422) => {
                    (Forwarding::Refused, format!("HTTP status {status}"))
                }
                status => (later(notification), format!("HTTP status {status}")),
            },
            Err(error) => (later(notification), error.to_string()),
        }
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&EimHost) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let eim = self.eim.clone();
        let done = tokio::task::spawn_blocking(move || work(&eim)).await;
        done.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
    }
}

fn later(notification: &Outgoing) -> Forwarding {
    Forwarding::Waiting(shell::now().after(pause(notification.attempts)))
}

fn pause(attempts: u32) -> Duration {
    let factor = 1u32.checked_shl(attempts).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

fn log(notification: &Outgoing, forwarding: Forwarding, detail: &str) {
    let Outgoing { eid, address, .. } = notification;
    match forwarding {
        Forwarding::Delivered => tracing::info!(%eid, %address, "notification forwarded"),
        Forwarding::Waiting(_) => {
            tracing::warn!(%eid, %address, detail, "notification not forwarded yet");
        }
        Forwarding::Refused => {
            tracing::error!(%eid, %address, detail, "the SM-DP+ refuses a notification");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_day() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert_eq!(pause(20), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
