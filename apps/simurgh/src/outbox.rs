//! Notifications that devices gave to the eIM, on their way to the SM-DP+ that
//! they name (SGP.32 3.7; SGP.22 5.6.4). Nothing is given up because time
//! passed: a server that cannot be reached is asked again, ever more seldom.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::telemetry::Retention;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::PendingNotification;
use rsp_core::Timestamp;
use rsp_core::binding::es9plus_json::HandleNotificationRequest;
use rsp_core::binding::json;
use rsp_core::ipa;
use rsp_core::pki::TlsTrust;
use rsp_net::Client;
use store::{Due, EimHost, Eims, Forwarding, Outgoing, StoreError, Tenant};
use tokio::sync::watch;

use crate::{shell, traces};

/// Pause between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(5);

/// eUICCs that are looked at at once, of those with operations that expired.
const EXPIRED: usize = 100;

/// Notifications that are taken at once.
const BATCH: usize = 10;

/// How often the inventory is tidied up.
const TIDIED: Duration = Duration::from_secs(60 * 60);

/// For how long they are taken: longer than all of them may take. Those of a
/// process that was killed wait so long for another one.
const LEASE: Duration = Duration::from_secs(120);

/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Forwards notifications of the devices of all tenants.
pub(crate) struct Outbox {
    pub(crate) eims: Arc<Eims>,
    pub(crate) client: Client,
    /// Whom to take for an SM-DP+.
    pub(crate) trust: TlsTrust,
    /// When this process began: before anybody could ask it for something.
    pub(crate) started: Timestamp,
}

impl Outbox {
    /// Forwards what is due, until it is to end; and puts down meanwhile when
    /// devices polled.
    pub(crate) async fn run(self, mut ended: watch::Receiver<bool>) {
        let mut tidied = None;
        loop {
            self.save_contacts().await;
            if tidied.is_none_or(|at: Instant| at.elapsed() > TIDIED) {
                self.tidy(tidied.is_none()).await;
                tidied = Some(Instant::now());
            }
            let round = async {
                match self.round().await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, "what is due cannot be read"),
                }
                tokio::time::sleep(PAUSE).await;
            };
            // What is cut off here is sent once more by the next process: the
            // SM-DP+ knows a notification that it has.
            tokio::select! {
                () = round => {}
                _ = ended.wait_for(|ended| *ended) => break,
            }
        }
        self.save_contacts().await;
    }

    async fn save_contacts(&self) {
        let saved = self.with_all(|eims| eims.save_contacts()).await;
        if let Err(error) = saved {
            tracing::error!(%error, "the devices' last contacts are lost");
        }
    }

    /// Clears away what nobody needs any more of the inventories.
    async fn tidy(&self, at_start: bool) {
        let started = at_start.then_some(self.started);
        let tidied = self.with_all(move |eims| {
            let database = eims.database();
            let alone = database.changes(None)?.is_none();
            let started = started.filter(|_| alone);
            database.tenants()?.iter().try_for_each(|tenant| {
                let retention = Retention::default();
                let host = eims.of(tenant);
                host.tidy_inventory(started, &retention, shell::now())?;
                database
                    .imports(tenant.clone())
                    .forget_reports(shell::now())
            })
        });
        if let Err(error) = tidied.await {
            tracing::error!(%error, "the inventory cannot be tidied up");
        }
    }

    /// One look at what is due, of each tenant that has something; whether there is
    /// more.
    async fn round(&self) -> Result<bool, StoreError> {
        let due = |eims: &Eims| eims.database().tenants_with_work(shell::now());
        let mut more = false;
        for tenant in self.with_all(due).await? {
            self.expire(&tenant).await;
            match self.forward_due(&tenant).await {
                Ok(count) => more |= count == BATCH,
                // What is wrong with one is not to hold the others up.
                Err(error) => tracing::error!(%tenant, %error, "the outbox cannot be read"),
            }
        }
        Ok(more)
    }

    /// Ends what waits for devices that did not come in time.
    async fn expire(&self, tenant: &Tenant) {
        if let Err(error) = self
            .with_store(tenant, |eim| eim.expire(shell::now(), EXPIRED))
            .await
        {
            tracing::error!(%error, "operations cannot be ended whose validity has");
        }
    }

    /// Forwards a batch of what is due of a tenant; gives how many there were.
    async fn forward_due(&self, tenant: &Tenant) -> Result<usize, StoreError> {
        let now = shell::now();
        let due = Due {
            now,
            again: now.after(LEASE),
            limit: BATCH,
        };
        let due = self.with_store(tenant, move |eim| eim.store().due_notifications(&due));
        let due = due.await?;
        let count = due.len();
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
            self.with_store(tenant, move |eim| {
                eim.store()
                    .put_forwarding(&notification, forwarding, &detail)
            })
            .await?;
        }
        Ok(count)
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
            transport: rsp_core::binding::Transport::Https,
        };
        let mut span = traces::call("ES9+ handleNotification", &server.address);
        let posted = self.client.post(&server, request).await;
        span.answered(posted.as_ref().ok().map(|response| response.status));
        match posted {
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
        tenant: &Tenant,
        work: impl FnOnce(&EimHost) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let eim = self.eims.of(tenant);
        self.with_all(move |_| work(&eim)).await
    }

    async fn with_all<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Eims) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let eims = self.eims.clone();
        let done = tokio::task::spawn_blocking(move || work(&eims)).await;
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
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use rsp_asn1::rsp::{NOTIFICATION_ENABLE, NotificationMetadata, OtherSignedNotification};
    use rsp_asn1::{BitString, Extensions, Signed};
    use rsp_core::Identity;
    use rsp_core::binding::{HttpRequest, HttpResponse, es9plus_json};
    use rsp_core::eim::relay::RelaySettings;
    use rsp_core::eim::{Eim, EuiccRecord, Evidence, EvidenceKind, LabSettings};
    use rsp_core::pki::{Hierarchy, Issued, TrustAnchor, certificate_to_pem, member};
    use rsp_crypto::Curve;
    use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
    use rsp_net::{ClientAuth, Handler, Limits, Peer, Server, TlsIdentity};
    use store::{EuiccChange, SqliteStore, Store};

    use super::*;

    const EID: &str = "89049032000000000000000000000163";

    const SMDP: &str = "smdp.example.com";

    /// An SM-DP+ that answers with this status.
    struct Answers(Arc<AtomicU16>);

    impl Handler for Answers {
        async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
            let sent = es9plus_json::decode_request(&request);
            let right = matches!(sent, Ok(es9plus_json::Request::HandleNotification(_)));
            assert!(right, "{sent:?}");
            let status = self.0.load(Ordering::SeqCst);
            HttpResponse {
                status,
                ..HttpResponse::no_content()
            }
        }
    }

    fn issued() -> Vec<Issued<SoftwareKey>> {
        let now = shell::now();
        let hierarchy = Hierarchy {
            curve: Curve::NistP256,
            smds_host: "smds.example.com".to_string(),
            organization: "Test".to_string(),
            smdp_host: SMDP.to_string(),
            eim_host: "eim.example.com".to_string(),
            door_host: "localhost".to_string(),
            eid_prefix: "89049032".to_string(),
            not_before: now,
            not_after: now.after(LONGEST_PAUSE),
        };
        let (mut keys, mut serials) = (SeededRng::new(1), SeededRng::new(2));
        let key = |curve| SoftwareKey::generate(curve, &mut keys);
        hierarchy
            .issue_all(key, &SoftwareProvider, &mut serials)
            .unwrap()
    }

    /// An eIM that has taken a notification over, for a tenant.
    fn eims(issued: &[Issued<SoftwareKey>], tenant: &Tenant) -> Eims {
        let of = |member| {
            issued
                .iter()
                .find(|issued| issued.member == member)
                .unwrap()
        };
        let ci = &of(member::CI).certificate;
        let signing = of(member::EIM_SIGN);
        let eim = Eim {
            eim_id: "eim.example.com".try_into().unwrap(),
            fqdn: "eim.example.com".to_string(),
            signing: Identity {
                certificate: signing.certificate.clone(),
                key: Box::new(signing.key.clone()),
            },
            tls_trust: ci.clone(),
            anchors: vec![TrustAnchor::new(ci, &SoftwareProvider).unwrap()],
            transports: vec![rsp_core::binding::Transport::Https],
            relay: RelaySettings::default(),
            lab: LabSettings::default(),
        };
        let database = SqliteStore::in_memory().unwrap();
        let store = database.of_tenant(tenant.clone());
        let record = EuiccRecord::new(EID.parse().unwrap(), None, 0);
        store.add_euicc(&record).unwrap();
        let certificate = ci.clone();
        let metadata = NotificationMetadata {
            seq_number: 1,
            profile_management_operation: BitString::of(&[NOTIFICATION_ENABLE]),
            notification_address: SMDP.to_string(),
            iccid: None,
            extensions: Extensions::default(),
        };
        let notification = OtherSignedNotification {
            tbs_other_notification: Signed::new(metadata),
            euicc_notification_signature: vec![0; 64],
            euicc_certificate: certificate.clone(),
            eum_certificate: certificate,
            extensions: Extensions::default(),
        };
        let der = PendingNotification::Other(Signed::new(notification)).to_der();
        let evidence = Evidence {
            kind: EvidenceKind::Notification,
            operation: None,
            seq_number: Some(1),
            verified: true,
            digest: [0; 32],
            der,
            forward_to: Some(SMDP.to_string()),
        };
        let change = EuiccChange {
            record: &record,
            version: 1,
            operations: &[],
            evidence: &[evidence],
            now: shell::now(),
        };
        store.commit_euicc(&change).unwrap();
        let observer = Box::new(|_: Option<_>, _: &_| {});
        Eims::open(eim, Arc::new(database), observer, None).unwrap()
    }

    #[tokio::test]
    async fn a_notification_waits_until_its_smdp_takes_it() {
        let issued = issued();
        let tls = issued.iter().find(|i| i.member == member::DP_TLS).unwrap();
        let identity = TlsIdentity::from_pem(
            &certificate_to_pem(&tls.certificate),
            &tls.key.to_pkcs8_pem().unwrap(),
        );
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(any, identity.unwrap(), ClientAuth::None, Limits::default());
        let server = server.await.unwrap();
        let address = server.local_addr();
        let status = Arc::new(AtomicU16::new(503));
        tokio::spawn(server.serve(Answers(status.clone()), std::future::pending()));

        let tenant: Tenant = "other".parse().unwrap();
        let eims = Arc::new(eims(&issued, &tenant));
        let eim = eims.of(&tenant);
        let client = Client::builder().resolve(SMDP, address);
        let outbox = Outbox {
            trust: TlsTrust::RspServer(eim.eim().anchors.clone()),
            client: client.build(Arc::new(SoftwareProvider)).unwrap(),
            eims: eims.clone(),
            started: shell::now(),
        };
        let count = |state| eim.store().count_forwarding(state).unwrap();
        outbox.forward_due(&tenant).await.unwrap();
        assert_eq!((count("waiting"), count("delivered")), (1, 0));
        // It is not due again yet.
        status.store(204, Ordering::SeqCst);
        outbox.forward_due(&tenant).await.unwrap();
        assert_eq!((count("waiting"), count("delivered")), (1, 0));
        let later = shell::now().after(FIRST_PAUSE * 2);
        let due = eim.store().due_notifications(&Due::at(later, 9)).unwrap();
        assert_eq!(due[0].attempts, 1);
        let (forwarding, detail) = outbox.forward(&due[0]).await;
        assert_eq!((forwarding, detail.as_str()), (Forwarding::Delivered, ""));
        status.store(400, Ordering::SeqCst);
        let (forwarding, _) = outbox.forward(&due[0]).await;
        assert_eq!(forwarding, Forwarding::Refused);
    }

    #[test]
    fn pauses_grow_up_to_a_day() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert_eq!(pause(20), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
