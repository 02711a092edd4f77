//! Operators at ES2+: who they are by their certificates, and how they are
//! told of their downloads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::binding::json;
use rsp_core::ipa;
use rsp_core::pki::ParsedCertificate;
use rsp_net::Client;
use store::{SmdpHost, StoreError, Waiting};

use crate::shell;

/// The name of whoever has a trusted certificate where no operators are
/// configured.
const ANYBODY: &str = "operator";

/// How often waiting messages are looked for.
const PAUSE: Duration = Duration::from_secs(2);
/// Until the second attempt; each further one waits twice as long.
const FIRST_DELAY: Duration = Duration::from_secs(5);
/// Between two attempts at most.
const LONGEST_DELAY: Duration = Duration::from_secs(60 * 60);
/// How long a message is worth sending.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The operators who may order.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    /// Names with the public keys of their client certificates.
    known: Vec<(String, Vec<u8>)>,
}

impl Operators {
    /// Adds an operator with its certificate; `None` if that cannot be read.
    #[must_use]
    pub(crate) fn add(&mut self, name: &str, certificate: &Certificate) -> Option<()> {
        let key = key_of(certificate)?;
        self.known.push((name.to_string(), key));
        Some(())
    }

    /// Who presents this certificate, which was verified already.
    pub(crate) fn name_of(&self, certificate: &[u8]) -> Option<&str> {
        if self.known.is_empty() {
            return Some(ANYBODY);
        }
        let key = key_of(&Certificate::from_bytes(certificate).ok()?)?;
        let found = self.known.iter().find(|(_, known)| *known == key);
        found.map(|(name, _)| name.as_str())
    }
}

fn key_of(certificate: &Certificate) -> Option<Vec<u8>> {
    let parsed = ParsedCertificate::parse(certificate).ok()?;
    Some(parsed.public_key.to_spki_der())
}

/// Sends what operators are to be told (ES2+.HandleDownloadProgressInfo).
pub(crate) struct Courier {
    pub(crate) host: Arc<SmdpHost>,
    pub(crate) client: Client,
    /// Where each operator is told.
    pub(crate) callbacks: BTreeMap<String, ipa::Server>,
}

impl Courier {
    /// Sends until `ended`.
    pub(crate) async fn run(self, ended: impl Future<Output = ()>) {
        let mut ended = std::pin::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return,
                () = self.round() => {}
            }
            tokio::select! {
                () = &mut ended => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Sends all that is due. Messages of one operator go in their order: the
    /// next one becomes due when the one before is gone.
    async fn round(&self) {
        loop {
            let due = match self.with_store(|host| host.store().due_progress(shell::now())) {
                Ok(due) => due,
                Err(error) => return tracing::error!(%error, "cannot read messages to operators"),
            };
            let mut gone = false;
            for waiting in &due {
                gone |= self.send(waiting).await;
            }
            if !gone {
                return;
            }
        }
    }

    /// Whether the message is gone.
    async fn send(&self, waiting: &Waiting) -> bool {
        let operator = &waiting.progress.operator;
        let refused = self.post(waiting).await.err();
        let now = shell::now();
        let settled = match &refused {
            None => self.with_store(|host| host.store().drop_progress(waiting.number)),
            Some(error) if now.since(waiting.created) >= LIFETIME => {
                tracing::error!(operator, error, "a message to an operator is given up");
                self.with_store(|host| host.store().drop_progress(waiting.number))
            }
            Some(error) => {
                let due = next_attempt(now, waiting.attempts);
                tracing::warn!(operator, error, %due, "an operator was not told; again later");
                self.with_store(|host| host.store().delay_progress(waiting.number, due))
            }
        };
        if let Err(error) = settled {
            tracing::error!(%error, "cannot settle a message to an operator");
            return false;
        }
        refused.is_none()
    }

    async fn post(&self, waiting: &Waiting) -> Result<(), String> {
        let operator = &waiting.progress.operator;
        let server = self.callbacks.get(operator);
        let server = server.ok_or("the operator has no callback any more")?;
        let request = json::encode_request(&waiting.progress.message, None);
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.post(server, request).await;
        let response = response.map_err(|error| error.to_string())?;
        rsp_core::binding::executed(&response).map_err(|error| error.to_string())
    }

    fn with_store<T>(
        &self,
        work: impl FnOnce(&SmdpHost) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        tokio::task::block_in_place(|| work(&self.host))
    }
}

fn next_attempt(now: Timestamp, attempts: u32) -> Timestamp {
    let doubled = FIRST_DELAY.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
    now.after(doubled.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_ever_rarer_but_not_too_rare() {
        let delays = [0, 1, 2, 9, 10, 31, 32, 400].map(|attempts| {
            let now = Timestamp(0);
            next_attempt(now, attempts).since(now).as_secs()
        });
        assert_eq!(delays, [5, 10, 20, 2560, 3600, 3600, 3600, 3600]);
    }
}
