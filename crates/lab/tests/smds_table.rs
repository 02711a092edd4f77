//! The rows of the table of subject and reason codes that are the SM-DS's
//! (SGP.22 5.8, 5.9): each is provoked over its wire, in JSON, and at ES11 in
//! ASN.1, too.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    self, AuthenticateClientErrorEs11, AuthenticateClientResponseEs11, InitiateAuthenticationError,
    InitiateAuthenticationResponse, RemoteProfileProvisioningRequest,
    RemoteProfileProvisioningResponse,
};
use rsp_asn1::{Certificate, Extensions};
use rsp_core::binding::es2plus_json::RequestHeader;
use rsp_core::binding::es9plus_json::{InitiateAuthenticationOk, InitiateAuthenticationRequest};
use rsp_core::binding::es11::{AuthenticateClientOk, AuthenticateClientRequest, EventEntry};
use rsp_core::binding::es12_json::{self, DeleteEvent, RegisterEvent};
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse, es9plus_asn1, json};
use rsp_core::pki::Role;
use rsp_core::smds::{SESSION_LIFETIME, Smds};
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use smdp_support::{Ca, Card, PREFIX, START, YEAR, eid, identity, name};
use store::{Es12, SmdsHost, SqliteStore};

const ADDRESS: &str = "smds.example.com";
/// Who registers.
const SMDP: &str = "2.999.10";

/// What the root SM-DS answers, or why it does not.
type Root = fn(&HttpRequest) -> Result<HttpResponse, String>;

struct Bench {
    host: SmdsHost,
    now: Timestamp,
    rng: SeededRng,
    home: Ca,
    caller: &'static str,
    root: Root,
    calls: u32,
}

impl Bench {
    fn new() -> Self {
        let mut rng = SeededRng::new(12);
        let home = Ca::new(&mut rng);
        let smds = Smds::new(
            ADDRESS.to_string(),
            vec![identity(&home.ds)],
            vec![home.anchor.clone()],
            START,
            &SoftwareProvider,
        );
        let smds = smds.unwrap().with_root("root.example.com".to_string());
        Bench {
            host: SmdsHost::new(smds, Arc::new(SqliteStore::in_memory().unwrap())),
            now: START,
            rng,
            home,
            caller: SMDP,
            root: |_| Err("no route".to_string()),
            calls: 0,
        }
    }

    fn card(&mut self, number: u32) -> Card {
        let until = START.after(10 * YEAR);
        self.home.card(eid(PREFIX, number), until, &mut self.rng)
    }

    fn http(&mut self, request: &HttpRequest) -> HttpResponse {
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        if !es12_json::is_path(&request.path) {
            return self.host.es11(request, &mut cx).unwrap();
        }
        let caller = self.caller;
        let may_be = |name: &str| name == caller;
        match self.host.es12(request, caller, &may_be, &mut cx).unwrap() {
            Es12::Answer(response) => response,
            Es12::Forward(forward) => {
                let answer = (self.root)(&forward.request);
                self.host.forwarded(&forward, answer).unwrap()
            }
        }
    }

    fn send<F: json::Function>(&mut self, message: &F) -> Result<F::Ok, BindingError> {
        let request = json::encode_request(message, None).unwrap();
        json::decode_response::<F>(&self.http(&request))
    }

    #[track_caller]
    fn refusal<F: json::Function<Ok: std::fmt::Debug>>(&mut self, message: &F) -> String {
        match self.send(message).unwrap_err() {
            BindingError::Refused(data) => format!("{}/{}", data.subject_code, data.reason_code),
            error => panic!("{error}"),
        }
    }

    fn register(&mut self, card: &Card, event_id: &str) -> RegisterEvent {
        self.calls += 1;
        RegisterEvent {
            header: RequestHeader {
                function_requester_identifier: self.caller.to_string(),
                function_call_identifier: format!("call-{}", self.calls),
            },
            eid: card.eid,
            rsp_server_address: "smdp.example.com".to_string(),
            event_id: event_id.to_string(),
            forwarding_indicator: false,
        }
    }

    fn started(&mut self, card: &Card) -> InitiateAuthenticationOk {
        self.send(&initiate(card)).unwrap()
    }

    /// What a card that began honestly is answered.
    fn authenticated(&mut self, card: &Card, event_id: Option<&str>) -> AuthenticateClientRequest {
        let honest = self.card(1);
        let started = self.started(&honest);
        AuthenticateClientRequest(card.authenticate(&started, event_id))
    }

    fn entries(&mut self, card: &Card, event_id: Option<&str>) -> Vec<EventEntry> {
        let started = self.started(card);
        let request = AuthenticateClientRequest(card.authenticate(&started, event_id));
        let AuthenticateClientOk { event_entries, .. } = self.send(&request).unwrap();
        event_entries
    }
}

fn initiate(card: &Card) -> InitiateAuthenticationRequest {
    InitiateAuthenticationRequest {
        smdp_address: ADDRESS.to_string(),
        ..card.initiate()
    }
}

fn delete(bench: &Bench, card: &Card, event_id: &str) -> DeleteEvent {
    DeleteEvent {
        header: RequestHeader {
            function_requester_identifier: bench.caller.to_string(),
            function_call_identifier: String::new(),
        },
        eid: card.eid,
        event_id: event_id.to_string(),
    }
}

/// The integers of the ASN.1 binding.
fn integer(bench: &mut Bench, message: RemoteProfileProvisioningRequest) -> i64 {
    let response = bench.http(&es9plus_asn1::encode_request(&message));
    match es9plus_asn1::decode_response(&response).unwrap() {
        RemoteProfileProvisioningResponse::InitiateAuthenticationResponse(
            InitiateAuthenticationResponse::Error(InitiateAuthenticationError(code)),
        )
        | RemoteProfileProvisioningResponse::AuthenticateClientResponseEs11(
            AuthenticateClientResponseEs11::Error(AuthenticateClientErrorEs11(code)),
        ) => code,
        other => panic!("{other:?}"),
    }
}

fn in_asn1(request: &InitiateAuthenticationRequest) -> RemoteProfileProvisioningRequest {
    let request = rsp::InitiateAuthenticationRequest {
        euicc_challenge: request.euicc_challenge,
        smdp_address: request.smdp_address.clone(),
        euicc_info1: request.euicc_info1.clone(),
        extensions: Extensions::default(),
    };
    RemoteProfileProvisioningRequest::InitiateAuthenticationRequest(request)
}

fn client_in_asn1(request: &AuthenticateClientRequest) -> RemoteProfileProvisioningRequest {
    let request = rsp::AuthenticateClientRequest {
        transaction_id: request.0.transaction_id.clone(),
        authenticate_server_response: request.0.authenticate_server_response.clone(),
        use_matching_id_for_acr: None,
        extensions: Extensions::default(),
    };
    RemoteProfileProvisioningRequest::AuthenticateClientRequest(request)
}

fn flipped(certificate: &Certificate) -> Certificate {
    let mut octets = certificate.as_bytes().to_vec();
    *octets.last_mut().unwrap() ^= 1;
    Certificate::from_bytes(&octets).unwrap()
}

/// 8.9.1/3.8, 8.9.2/3.1, 8.9.3/3.1, 8.9.4/3.7.
#[test]
fn initiate_authentication() {
    let foreign = || vec![vec![9; 20]];
    type Change = fn(&mut InitiateAuthenticationRequest, Vec<Vec<u8>>);
    let rows: [(&str, i64, Change); 4] = [
        ("8.9.1/3.8", 1, |request, _| {
            request.smdp_address = "other.example.com".to_string();
        }),
        ("8.9.2/3.1", 3, |request, foreign| {
            request.euicc_info1.euicc_ci_pk_id_list_for_signing = foreign;
        }),
        ("8.9.3/3.1", 2, |request, _| {
            request.euicc_info1.svn = [1, 0, 0]
        }),
        ("8.9.4/3.7", 3, |request, foreign| {
            request.euicc_info1.euicc_ci_pk_id_list_for_verification = foreign;
        }),
    ];
    for (pair, code, change) in rows {
        let mut bench = Bench::new();
        let mut request = initiate(&bench.card(1));
        change(&mut request, foreign());
        assert_eq!(bench.refusal(&request), pair);
        assert_eq!(integer(&mut bench, in_asn1(&request)), code, "{pair}");
    }
}

/// 8.1.2/6.1, 8.1.2/6.3, 8.1.3/6.1, 8.1.3/6.3, 8.1/6.1, 8.11.1/3.9.
#[test]
fn authenticate_client() {
    type Bend = fn(&mut Bench, Card) -> Card;
    let rows: [(&str, i64, Bend); 6] = [
        ("8.1.2/6.1", 1, |_, card| Card {
            eum: flipped(&card.eum),
            ..card
        }),
        ("8.1.2/6.3", 2, |bench, card| {
            let role = Role::Eum {
                oid: "2.999.5".to_string(),
                eid_prefix: PREFIX.to_string(),
            };
            let key = smdp_support::copy(&bench.home.eum_key);
            let soon = START.after(Duration::from_secs(1));
            let eum = bench.home.issue(role, name("Test EUM", ""), &key, soon);
            bench.now = START.after(Duration::from_secs(60));
            Card { eum, ..card }
        }),
        ("8.1.3/6.1", 3, |_, card| Card {
            certificate: flipped(&card.certificate),
            ..card
        }),
        ("8.1.3/6.3", 4, |bench, card| {
            let soon = START.after(Duration::from_secs(1));
            bench.now = START.after(Duration::from_secs(60));
            bench.home.card(card.eid, soon, &mut bench.rng)
        }),
        ("8.1/6.1", 5, |bench, card| Card {
            key: bench.card(2).key,
            ..card
        }),
        ("8.11.1/3.9", 127, |bench, card| {
            let foreign = Ca::new(&mut bench.rng);
            let until = START.after(YEAR);
            foreign.card(card.eid, until, &mut bench.rng)
        }),
    ];
    for (pair, code, bend) in rows {
        let mut bench = Bench::new();
        let honest = bench.card(1);
        let card = bend(&mut bench, honest);
        let request = bench.authenticated(&card, None);
        assert_eq!(bench.refusal(&request), pair);
        let request = bench.authenticated(&card, None);
        assert_eq!(
            integer(&mut bench, client_in_asn1(&request)),
            code,
            "{pair}"
        );
    }
}

/// 8.9.5/3.9, 8.10.1/3.9; and nothing of another eUICC is shown.
#[test]
fn events_are_found_by_their_eid() {
    let mut bench = Bench::new();
    let (card, other) = (bench.card(1), bench.card(2));
    for event in ["FIRST", "SECOND"] {
        let request = bench.register(&card, event);
        bench.send(&request).unwrap();
    }
    let ids = |entries: Vec<EventEntry>| -> Vec<String> {
        entries.into_iter().map(|entry| entry.event_id).collect()
    };
    assert_eq!(ids(bench.entries(&card, None)), ["FIRST", "SECOND"]);
    assert_eq!(ids(bench.entries(&card, Some("SECOND"))), ["SECOND"]);
    assert!(bench.entries(&other, None).is_empty());
    let started = bench.started(&other);
    let request = AuthenticateClientRequest(other.authenticate(&started, Some("FIRST")));
    assert_eq!(bench.refusal(&request), "8.9.5/3.9");
    assert_eq!(integer(&mut bench, client_in_asn1(&request)), 6);

    let mut unknown = request.clone();
    unknown.0.transaction_id = TransactionId::from_bytes(&[9; 16]).unwrap();
    assert_eq!(bench.refusal(&unknown), "8.10.1/3.9");
    assert_eq!(integer(&mut bench, client_in_asn1(&unknown)), 7);
    // Too late, and once too often.
    let started = bench.started(&card);
    let late = AuthenticateClientRequest(card.authenticate(&started, None));
    bench.send(&late).unwrap();
    bench.send(&late).unwrap();
    let again = AuthenticateClientRequest(card.authenticate(&started, Some("FIRST")));
    assert_eq!(bench.refusal(&again), "8.10.1/3.9");
    bench.now = bench.now.after(SESSION_LIFETIME);
    assert_eq!(bench.refusal(&late), "8.10.1/3.9");
}

/// An SM-DS has two functions of ES9+ and no more.
#[test]
fn functions_of_an_smdp_are_refused() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let notification = card.result(&TransactionId::from_bytes(&[1; 16]).unwrap(), true);
    let request = json::encode_request(&notification, None).unwrap();
    assert_eq!(bench.http(&request).status, 404);
}

/// 8.9.5/3.3, 8.9.5/3.9, 8.9.5/2.1, 1.1/1.2.
#[test]
fn register_and_delete() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let request = bench.register(&card, "EVENT");
    bench.send(&request).unwrap();
    // The very call again is no second event.
    bench.send(&request).unwrap();
    let again = bench.register(&card, "EVENT");
    assert_eq!(bench.refusal(&again), "8.9.5/3.3");
    let elsewhere = RegisterEvent {
        rsp_server_address: "other.example.com".to_string(),
        ..request
    };
    assert_eq!(bench.refusal(&elsewhere), "8.9.5/3.3");
    for bad in ["", "a$b", "a b"] {
        let request = bench.register(&card, bad);
        assert_eq!(bench.refusal(&request), "8.9.5/2.1", "{bad:?}");
    }

    assert_eq!(bench.refusal(&delete(&bench, &card, "OTHER")), "8.9.5/3.9");
    bench.caller = "2.999.11";
    assert_eq!(bench.refusal(&delete(&bench, &card, "EVENT")), "8.9.5/3.9");
    bench.caller = SMDP;
    let mut pretender = delete(&bench, &card, "EVENT");
    pretender.header.function_requester_identifier = "2.999.11".to_string();
    assert_eq!(bench.refusal(&pretender), "1.1/1.2");
    bench.send(&delete(&bench, &card, "EVENT")).unwrap();
    assert!(bench.entries(&card, None).is_empty());
    assert_eq!(bench.refusal(&delete(&bench, &card, "EVENT")), "8.9.5/3.9");
}

fn taken(_: &HttpRequest) -> Result<HttpResponse, String> {
    Ok(json::encode_response(Ok(json::Empty {})).unwrap())
}

/// 8.9/5.1 and 8.9/4.2: the root SM-DS is away, or refuses.
#[test]
fn the_root_decides_what_is_forwarded() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let request = RegisterEvent {
        forwarding_indicator: true,
        ..bench.register(&card, "EVENT")
    };
    assert_eq!(bench.refusal(&request), "8.9/5.1");
    // Another call of the same: what was begun is finished.
    let again = RegisterEvent {
        forwarding_indicator: true,
        ..bench.register(&card, "EVENT")
    };
    bench.root = |_| Ok(HttpResponse::failure(503, "later"));
    assert_eq!(bench.refusal(&again), "8.9/5.1");
    bench.root = taken;
    bench.send(&again).unwrap();
    let request = RegisterEvent {
        forwarding_indicator: true,
        ..bench.register(&card, "EVENT")
    };
    assert_eq!(bench.refusal(&request), "8.9.5/3.3");

    // What the root does not forget stays here, too.
    bench.root = |_| Ok(json::refusal(rsp_core::smds::Refusal::ExecutionError));
    assert_eq!(bench.refusal(&delete(&bench, &card, "EVENT")), "8.9/4.2");
    assert_eq!(bench.entries(&card, None).len(), 1);
    bench.root = |_| Ok(json::refusal(rsp_core::smds::Refusal::UnknownEvent));
    bench.send(&delete(&bench, &card, "EVENT")).unwrap();
    assert!(bench.entries(&card, None).is_empty());

    bench.root = |_| Ok(json::refusal(rsp_core::smds::Refusal::EventInUse));
    let request = RegisterEvent {
        forwarding_indicator: true,
        ..bench.register(&card, "REFUSED")
    };
    assert_eq!(bench.refusal(&request), "8.9/4.2");
    assert!(bench.entries(&card, None).is_empty());
}

/// 8.9/4.2: events of one eUICC are answered in one message.
#[test]
fn one_euicc_has_so_many_events_and_no_more() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    for number in 0..rsp_core::smds::MAX_EVENTS_PER_EUICC {
        let request = bench.register(&card, &format!("EVENT-{number}"));
        bench.send(&request).unwrap();
    }
    let request = bench.register(&card, "ONE-TOO-MANY");
    assert_eq!(bench.refusal(&request), "8.9/4.2");
}
