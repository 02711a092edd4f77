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
use store::{Due, SmdpHost, StoreError, Waiting};

use crate::shell;

/// The name of whoever has a trusted certificate where no operators are
/// configured.
const ANYBODY: &str = "operator";

/// Messages that are taken at once, each of another operator.
const BATCH: usize = 10;
/// For how long they are taken: longer than all of them may take.
const LEASE: Duration = Duration::from_secs(600);
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
    known: Vec<Known>,
}

/// A configured operator.
#[derive(Debug)]
struct Known {
    name: String,
    /// The public key of its client certificate.
    key: Vec<u8>,
    identifiers: Vec<String>,
}

/// An operator that was recognised by its certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// As the owner of profile types.
    pub(crate) name: &'a str,
    /// What it may be as functionRequesterIdentifier; empty if nothing says.
    identifiers: &'a [String],
    all: &'a Operators,
}

impl Caller<'_> {
    /// Whether it may give itself this functionRequesterIdentifier: one of its
    /// own, or, if nothing says what those are, one that is nobody else's.
    pub(crate) fn may_be(&self, identifier: &str) -> bool {
        let has = |identifiers: &[String]| identifiers.iter().any(|one| one == identifier);
        match self.identifiers.is_empty() {
            true => !self.all.known.iter().any(|known| has(&known.identifiers)),
            false => has(self.identifiers),
        }
    }
}

impl Operators {
    /// Adds an operator with its certificate and the identifiers that it calls
    /// itself by; without any, the registeredID of the certificate is one.
    ///
    /// # Errors
    /// If the certificate cannot be read, or its key or an identifier is
    /// another operator's: who calls would not be known.
    pub(crate) fn add(
        &mut self,
        name: &str,
        certificate: &Certificate,
        identifiers: &[String],
    ) -> Result<(), String> {
        let parsed = ParsedCertificate::parse(certificate).map_err(|error| error.to_string())?;
        let key = parsed.public_key.to_spki_der();
        let identifiers = match identifiers.is_empty() {
            true => parsed
                .registered_id
                .iter()
                .map(ToString::to_string)
                .collect(),
            false => identifiers.to_vec(),
        };
        for other in self.known.iter().filter(|other| other.name != name) {
            if other.key == key {
                return Err(format!("the certificate is for the key of {}", other.name));
            }
            if let Some(taken) = identifiers.iter().find(|id| other.identifiers.contains(id)) {
                return Err(format!("{taken} is {}", other.name));
            }
        }
        self.known.push(Known {
            name: name.to_string(),
            key,
            identifiers,
        });
        Ok(())
    }

    /// Whether the operator of this name may give itself this
    /// functionRequesterIdentifier.
    pub(crate) fn may_be(&self, name: &str, identifier: &str) -> bool {
        let known = self.known.iter().find(|known| known.name == name);
        known.is_some_and(|known| {
            let caller = Caller {
                name: &known.name,
                identifiers: &known.identifiers,
                all: self,
            };
            caller.may_be(identifier)
        })
    }

    /// Who presents this certificate, which was verified already.
    pub(crate) fn caller(&self, certificate: &[u8]) -> Option<Caller<'_>> {
        let caller = |name, identifiers| Caller {
            name,
            identifiers,
            all: self,
        };
        if self.known.is_empty() {
            return Some(caller(ANYBODY, &[]));
        }
        let certificate = Certificate::from_bytes(certificate).ok()?;
        let key = ParsedCertificate::parse(&certificate).ok()?.public_key;
        let key = key.to_spki_der();
        let found = self.known.iter().find(|known| known.key == key)?;
        Some(caller(&found.name, &found.identifiers))
    }
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
            let due = match self.with_store(|host| host.store().due_progress(&due())) {
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
            None => self.with_store(|host| host.store().drop_progress(waiting)),
            Some(error) if now.since(waiting.created) >= LIFETIME => {
                tracing::error!(operator, error, "a message to an operator is given up");
                self.with_store(|host| host.store().drop_progress(waiting))
            }
            Some(error) => {
                let due = next_attempt(now, waiting.attempts);
                tracing::warn!(operator, error, %due, "an operator was not told; again later");
                self.with_store(|host| host.store().delay_progress(waiting, due))
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

/// What is taken now.
fn due() -> Due {
    let now = shell::now();
    Due {
        now,
        again: now.after(LEASE),
        limit: BATCH,
    }
}

fn next_attempt(now: Timestamp, attempts: u32) -> Timestamp {
    let doubled = FIRST_DELAY.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
    now.after(doubled.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rsp_core::binding::es2plus_json::{
        HandleDownloadProgressInfo, NotificationPoint, RequestHeader,
    };
    use rsp_core::binding::json::{ExecutionStatus, FunctionExecutionStatus};
    use rsp_core::binding::{HttpRequest, HttpResponse};
    use rsp_core::pki::{Hierarchy, Issued, TlsTrust, TrustAnchor, member};
    use rsp_core::smdp::{DpIdentity, Progress, Smdp};
    use rsp_crypto::Curve;
    use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
    use rsp_net::{ClientAuth, Handler, Limits, OperatorTrust, Peer, Server, TlsIdentity};
    use store::{SmdpChange, SmdpStore, SqliteStore};

    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    fn issue() -> Vec<Issued<SoftwareKey>> {
        let hierarchy = Hierarchy {
            curve: Curve::NistP256,
            smds_host: "smds.example.com".to_string(),
            organization: "Test".to_string(),
            smdp_host: "smdp.example.com".to_string(),
            eim_host: "eim.example.com".to_string(),
            door_host: "localhost".to_string(),
            eid_prefix: "89049032".to_string(),
            not_before: Timestamp(0),
            not_after: shell::now().after(YEAR),
        };
        let mut keys = SeededRng::new(1);
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        hierarchy
            .issue_all(make_key, &SoftwareProvider, &mut SeededRng::new(2))
            .unwrap()
    }

    fn find<'a>(issued: &'a [Issued<SoftwareKey>], member: &str) -> &'a Issued<SoftwareKey> {
        issued.iter().find(|one| one.member == member).unwrap()
    }

    fn tls(issued: &[Issued<SoftwareKey>], member: &str) -> TlsIdentity {
        let one = find(issued, member);
        let chain = vec![one.certificate.as_bytes().to_vec()];
        TlsIdentity::from_key_pem(chain, &one.key.to_pkcs8_pem().unwrap()).unwrap()
    }

    fn host(issued: &[Issued<SoftwareKey>], store: Arc<SqliteStore>) -> SmdpHost {
        let identity = |member| {
            let one = find(issued, member);
            rsp_core::Identity {
                certificate: one.certificate.clone(),
                key: Box::new(one.key.clone()),
            }
        };
        let ci = &find(issued, member::CI).certificate;
        let anchor = TrustAnchor::new(ci, &SoftwareProvider).unwrap();
        let set = DpIdentity {
            auth: identity(member::DP_AUTH),
            pb: identity(member::DP_PB),
        };
        let address = "smdp.example.com".to_string();
        let now = shell::now();
        let smdp = Smdp::new(address, vec![set], vec![anchor], now, &SoftwareProvider);
        SmdpHost::new(smdp.unwrap(), store)
    }

    fn progress(point: u8) -> Progress {
        Progress {
            operator: "operator".to_string(),
            message: HandleDownloadProgressInfo {
                header: RequestHeader::default(),
                eid: None,
                iccid: "8999970000000000010".parse().unwrap(),
                profile_type: "operational".to_string(),
                timestamp: shell::now().to_rfc3339(),
                notification_point_id: NotificationPoint(point),
                notification_point_status: FunctionExecutionStatus {
                    status: ExecutionStatus::ExecutedSuccess,
                    status_code_data: None,
                },
                result_data: None,
            },
        }
    }

    /// An operator who is unwell at first.
    #[derive(Clone, Default)]
    struct Operator {
        heard: Arc<Mutex<Vec<(String, String)>>>,
    }

    impl Handler for Operator {
        async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
            assert!(
                peer.certificate.is_some(),
                "the SM-DP+ shows no certificate"
            );
            let body = String::from_utf8(request.body).unwrap();
            let mut heard = self.heard.lock().unwrap();
            heard.push((request.path, body));
            match heard.len() {
                1 => HttpResponse::failure(503, "later"),
                _ => HttpResponse::no_content(),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_are_sent_in_their_order_until_they_are_taken() {
        let issued = issue();
        let authorities = [find(&issued, member::CI).certificate.as_bytes().to_vec()];
        let trust = OperatorTrust::new(&authorities, Arc::new(SoftwareProvider)).unwrap();
        let server = Server::bind(
            "127.0.0.1:0".parse().unwrap(),
            tls(&issued, member::DOOR),
            ClientAuth::Optional(trust),
            Limits::default(),
        );
        let server = server.await.unwrap();
        let client = Client::builder()
            .resolve("localhost", server.local_addr())
            .client_identity(tls(&issued, member::DP_TLS))
            .build(Arc::new(SoftwareProvider))
            .unwrap();
        let operator = Operator::default();
        let heard = operator.heard.clone();
        let serving = tokio::spawn(server.serve(operator, std::future::pending()));

        let store = Arc::new(SqliteStore::in_memory().unwrap());
        for point in [1, 3] {
            let change = SmdpChange {
                progress: Some(&progress(point)),
                ..SmdpChange::at(shell::now())
            };
            store.commit_smdp(&change).unwrap();
        }
        let authority = find(&issued, member::PRIVATE_CA).certificate.clone();
        let callback = ipa::Server {
            address: "localhost".to_string(),
            trust: Some(TlsTrust::Certificate(authority)),
            transport: rsp_core::binding::Transport::Https,
        };
        let courier = Courier {
            host: Arc::new(host(&issued, store.clone())),
            client,
            callbacks: BTreeMap::from([("operator".to_string(), callback)]),
        };
        courier.round().await;
        // The first one is to be repeated later, and the second one waits.
        assert_eq!(heard.lock().unwrap().len(), 1);
        let due = |time| store.due_progress(&Due::at(time, 9)).unwrap();
        assert!(due(shell::now()).is_empty());
        let later = shell::now().after(FIRST_DELAY);
        let waiting = due(later);
        assert_eq!((waiting.len(), waiting[0].attempts), (1, 1));
        store.delay_progress(&waiting[0], shell::now()).unwrap();
        courier.round().await;
        assert!(due(later).is_empty());
        let heard = heard.lock().unwrap();
        let points: Vec<bool> = heard
            .iter()
            .map(|(path, body)| {
                assert_eq!(path, "/gsma/rsp2/es2plus/handleDownloadProgressInfo");
                body.contains(r#""notificationPointId":1"#)
            })
            .collect();
        assert_eq!(points, [true, true, false]);
        serving.abort();
    }

    #[test]
    fn an_operator_is_known_by_its_key() {
        let issued = issue();
        let certificate = |member| &find(&issued, member).certificate;
        let mut operators = Operators::default();
        let stranger = certificate(member::DOOR).as_bytes();
        let anybody = operators.caller(stranger).unwrap();
        assert_eq!(anybody.name, ANYBODY);
        assert!(anybody.may_be("2.999.30") && anybody.may_be(""));
        let first = certificate(member::OPERATOR);
        operators.add("first", first, &[]).unwrap();
        let caller = operators.caller(first.as_bytes()).unwrap();
        assert_eq!(caller.name, "first");
        // The registeredID of its certificate, and nothing else.
        assert!(caller.may_be("2.999.30"));
        assert!(!caller.may_be("2.999.31") && !caller.may_be(""));
        assert!(operators.caller(stranger).is_none());
        assert!(operators.caller(b"no certificate").is_none());
    }

    #[test]
    fn an_operator_may_be_itself_alone() {
        let issued = issue();
        let certificate = |member| &find(&issued, member).certificate;
        let mut operators = Operators::default();
        let own = ["1.2.3".to_string(), "first".to_string()];
        let first = certificate(member::OPERATOR);
        operators.add("first", first, &own).unwrap();
        // A certificate without registeredID: anything that is nobody else's.
        let second = certificate(member::DOOR);
        operators.add("second", second, &[]).unwrap();
        let first = operators.caller(first.as_bytes()).unwrap();
        assert!(first.may_be("1.2.3") && first.may_be("first"));
        assert!(!first.may_be("2.999.30"));
        let second = operators.caller(second.as_bytes()).unwrap();
        assert!(second.may_be("2.999.30") && !second.may_be("first"));

        let third = certificate(member::EIM_TLS);
        let said = operators.add("third", third, &own).unwrap_err();
        assert!(said.contains("1.2.3 is first"), "{said}");
        let taken = certificate(member::DOOR);
        let said = operators.add("third", taken, &[]).unwrap_err();
        assert!(said.contains("the key of second"), "{said}");
    }

    #[test]
    fn attempts_are_ever_rarer_but_not_too_rare() {
        let delays = [0, 1, 2, 9, 10, 31, 32, 400].map(|attempts| {
            let now = Timestamp(0);
            next_attempt(now, attempts).since(now).as_secs()
        });
        assert_eq!(delays, [5, 10, 20, 2560, 3600, 3600, 3600, 3600]);
    }
}
