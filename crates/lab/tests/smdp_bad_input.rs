//! What is no message, comes twice, comes after a restart, or comes in the
//! other binding: the standard's answer, one line in the log, and no state
//! lost.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::path::PathBuf;
use std::sync::Arc;

use rsp_asn1::rsp::{
    AuthenticateClientRequest, AuthenticateClientResponseEs9, CancelSessionReason,
    CancelSessionRequestEs9, CancelSessionResponseEs9, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotification, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse, RemoteProfileProvisioningRequest as Request,
    RemoteProfileProvisioningResponse as Response,
};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::{HttpRequest, HttpResponse, es9plus_asn1, json};
use rsp_core::pki::Role;
use rsp_core::smdp::OrderState;
use rsp_crypto::software::Sealer;
use smdp_support::{Bench, Card, START, YEAR, confirm, name};
use store::SqliteStore;

/// What is stored of the order and the session.
fn state(bench: &Bench, id: &rsp_asn1::ids::TransactionId) -> String {
    let session = bench.host.store().session(id).unwrap();
    let order = bench.host.store().order(smdp_support::iccid(1)).unwrap();
    format!("{session:?} {order:?}")
}

fn logged(bench: &Bench) -> Vec<String> {
    std::mem::take(&mut *bench.log.lock().unwrap())
}

#[test]
fn what_is_no_message_changes_nothing() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let offered = bench.offered(&card, Some("TOKEN"));
    let id = offered.transaction_id.clone();
    let good = json::encode_request(&card.get_package(&offered), None).unwrap();
    let before = state(&bench, &id);
    let with = |body: Vec<u8>| HttpRequest {
        body,
        ..good.clone()
    };
    let mut bad: Vec<HttpRequest> = (0..good.body.len())
        .step_by(7)
        .map(|end| with(good.body[..end].to_vec()))
        .collect();
    bad.push(with(vec![b'['; 100_000]));
    bad.push(with(br#"{"transactionId":"#.repeat(20_000)));
    bad.push(with(vec![0xFF; 1000]));
    let id_text = id.to_string();
    for object in ["", "AAAA", "!!!", "MIIB", "vyGABAAAAA=="] {
        let body =
            format!(r#"{{"transactionId":"{id_text}","prepareDownloadResponse":"{object}"}}"#);
        bad.push(with(body.into_bytes()));
    }
    let asn1 = |body: Vec<u8>| HttpRequest {
        path: es9plus_asn1::PATH.to_string(),
        body,
        ..good.clone()
    };
    bad.push(asn1(Vec::new()));
    bad.push(asn1(good.body.clone()));
    // Constructed in constructed, deeper than any message.
    bad.push(asn1([0xA2, 0x80].repeat(50_000)));
    bad.push(asn1([0xA2, 0x84, 0xFF, 0xFF, 0xFF, 0xFF].to_vec()));
    for request in &bad {
        logged(&bench);
        let response = bench.http(request);
        assert_eq!(response.status, 400, "{request:?}");
        assert_eq!(logged(&bench).len(), 1, "{request:?}");
        assert_eq!(state(&bench, &id), before);
    }
    let nowhere = HttpRequest {
        path: "/gsma/rsp2/es9plus/nothing".to_string(),
        ..good.clone()
    };
    assert_eq!(bench.http(&nowhere).status, 404);
    // Without headers, and with an unusual content type, it is a message.
    let bare = HttpRequest {
        content_type: "text/plain".to_string(),
        admin_protocol: None,
        ..good.clone()
    };
    assert_eq!(bench.http(&bare).status, 200);
    assert_eq!(bench.order(1).state, OrderState::Downloaded);
}

#[test]
fn the_log_names_the_cause_that_the_peer_is_not_told() {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    let mut card = bench.card(1);
    let started = bench.started(&card);
    let id = started.transaction_id.clone();
    let before = state(&bench, &id);
    let role = Role::DpAuth {
        oid: "2.999.5".to_string(),
    };
    let key = smdp_support::copy(&bench.home.eum_key);
    let until = START.after(YEAR);
    card.eum = bench.home.issue(role, name("Test EUM", ""), &key, until);
    logged(&bench);
    let request = card.authenticate(&started, Some("TOKEN"));
    let response = bench.raw(&request);
    let log = logged(&bench);
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].contains("8.1.2/6.1"), "{log:?}");
    assert!(
        log[0].contains("its policy is not that of the role"),
        "{log:?}"
    );
    let told = String::from_utf8(response.body).unwrap();
    assert!(!told.contains("role"), "{told}");
    assert_eq!(state(&bench, &id), before);
    assert!(!log[0].contains("TOKEN"));
}

#[test]
fn a_message_of_another_session_or_step_is_no_use() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let first = bench.started(&card);
    let replayed = card.authenticate(&first, Some("TOKEN"));
    bench.send(&replayed).unwrap();
    // What was signed for one session does not open another.
    let second = bench.started(&card);
    let stolen = es9plus::AuthenticateClientRequest {
        transaction_id: second.transaction_id.clone(),
        ..replayed.clone()
    };
    assert_eq!(bench.refusal(&stolen), "8.1/6.1");
    let offered = bench.offered(&card, Some("TOKEN"));
    let get = card.get_package(&offered);
    bench.send(&get).unwrap();
    // Nor does what was signed for a package.
    let late = card.authenticate(&second, Some("TOKEN"));
    bench.send(&late).unwrap();
    let stolen = es9plus::GetBoundProfilePackageRequest {
        transaction_id: second.transaction_id.clone(),
        ..get
    };
    assert_eq!(bench.refusal(&stolen), "8.1/6.1");
}

/// A file that is removed with its folder.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("smdp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        File(folder.join("smdp.db"))
    }

    /// The SM-DP+ after a restart, with the same keys.
    fn bench(&self) -> Bench {
        Bench::on(Arc::new(
            SqliteStore::open(&self.0, Sealer::new([1; 32])).unwrap(),
        ))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

#[test]
fn a_restart_between_any_two_messages_loses_nothing() {
    let file = File::new("restart");
    let mut card = file.bench().card(1);
    // Every message goes to an SM-DP+ that has just started, and again to the
    // next one: the answer is the same, except where a new session begins.
    fn sent<F: json::Function>(file: &File, message: &F) -> F::Ok {
        let first = file.bench().raw(message);
        assert_eq!(file.bench().raw(message), first);
        json::decode_response::<F>(&first).unwrap()
    }
    file.bench()
        .stock("operational", &rsp_core::profile::template(), &[1]);
    sent(&file, &smdp_support::download(1, None));
    let mut with_code = confirm(1, "TOKEN");
    with_code.confirmation_code = Some("1234".to_string());
    sent(&file, &with_code);
    let started = file.bench().started(&card);
    let offered = sent(&file, &card.authenticate(&started, Some("TOKEN")));
    card.code = Some("4321".to_string());
    let wrong = card.get_package(&offered);
    for _ in 0..2 {
        assert_eq!(file.bench().refusal(&wrong), "8.2.7/3.8");
    }
    card.code = Some("1234".to_string());
    let first = sent(&file, &card.get_package(&offered));
    // The kept package survives, too.
    let started = file.bench().started(&card);
    let offered = sent(&file, &card.authenticate(&started, Some("TOKEN")));
    assert_eq!(offered.smdp_signed2.bpp_euicc_otpk, Some(card.otpk()));
    let again = sent(&file, &card.get_package(&offered));
    assert_eq!(
        again.bound_profile_package.sequence_of_86,
        first.bound_profile_package.sequence_of_86
    );
    let result = card.result(&offered.transaction_id, true);
    for _ in 0..2 {
        assert_eq!(file.bench().raw(&result).status, 204);
    }
    assert_eq!(file.bench().order(1).state, OrderState::Installed);
    let told: Vec<u8> = file
        .bench()
        .progress()
        .iter()
        .map(|progress| progress.message.notification_point_id.0)
        .collect();
    assert_eq!(told, [1, 2, 3, 1, 3, 4]);
}

fn asn1(bench: &mut Bench, message: &Request) -> HttpResponse {
    bench.http(&es9plus_asn1::encode_request(message))
}

fn answered(bench: &mut Bench, message: &Request) -> Response {
    let response = asn1(bench, message);
    let content_type = response.content_type.as_deref();
    assert_eq!(content_type, Some("application/x-gsma-rsp-asn1"));
    es9plus_asn1::decode_response(&response).unwrap()
}

fn initiate(card: &Card) -> Request {
    let json = card.initiate();
    Request::InitiateAuthenticationRequest(InitiateAuthenticationRequest {
        euicc_challenge: json.euicc_challenge,
        smdp_address: json.smdp_address,
        euicc_info1: json.euicc_info1,
        extensions: Default::default(),
    })
}

/// Offered over ASN.1, in the members of the JSON binding.
fn offered(bench: &mut Bench, card: &Card) -> es9plus::AuthenticateClientOk {
    let Response::InitiateAuthenticationResponse(InitiateAuthenticationResponse::Ok(ok)) =
        answered(bench, &initiate(card))
    else {
        panic!("refused");
    };
    let started = es9plus::InitiateAuthenticationOk {
        transaction_id: ok.transaction_id,
        server_signed1: ok.server_signed1,
        server_signature1: ok.server_signature1,
        euicc_ci_pk_id_to_be_used: ok.euicc_ci_pk_id_to_be_used,
        server_certificate: ok.server_certificate,
    };
    let json = card.authenticate(&started, Some("TOKEN"));
    let request = Request::AuthenticateClientRequest(AuthenticateClientRequest {
        transaction_id: json.transaction_id,
        authenticate_server_response: json.authenticate_server_response,
        use_matching_id_for_acr: None,
        extensions: Default::default(),
    });
    match answered(bench, &request) {
        Response::AuthenticateClientResponseEs9(AuthenticateClientResponseEs9::Ok(ok)) => {
            es9plus::AuthenticateClientOk {
                transaction_id: ok.transaction_id,
                profile_metadata: ok.profile_metadata,
                smdp_signed2: ok.smdp_signed2,
                smdp_signature2: ok.smdp_signature2,
                smdp_certificate: ok.smdp_certificate,
            }
        }
        other => panic!("{other:?}"),
    }
}

fn get(card: &Card, offered: &es9plus::AuthenticateClientOk) -> Request {
    let json = card.get_package(offered);
    Request::GetBoundProfilePackageRequest(GetBoundProfilePackageRequest {
        transaction_id: json.transaction_id,
        prepare_download_response: json.prepare_download_response,
        extensions: Default::default(),
    })
}

#[test]
fn a_download_in_the_asn1_binding() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let offer = offered(&mut bench, &card);
    let request = get(&card, &offer);
    let first = asn1(&mut bench, &request);
    assert_eq!(asn1(&mut bench, &request), first);
    assert!(matches!(
        es9plus_asn1::decode_response(&first).unwrap(),
        Response::GetBoundProfilePackageResponse(GetBoundProfilePackageResponse::Ok(_))
    ));
    let json = card.result(&offer.transaction_id, true);
    let notification = Request::HandleNotification(HandleNotification {
        pending_notification: json.pending_notification,
        extensions: Default::default(),
    });
    let taken = asn1(&mut bench, &notification);
    assert_eq!((taken.status, taken.body.len()), (204, 0));
    assert_eq!(bench.order(1).state, OrderState::Installed);
}

#[test]
fn refusals_in_the_asn1_binding_are_integers() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let integer = |bench: &mut Bench, request: &Request| match answered(bench, request) {
        Response::InitiateAuthenticationResponse(InitiateAuthenticationResponse::Error(code)) => {
            code.0
        }
        Response::AuthenticateClientResponseEs9(AuthenticateClientResponseEs9::Error(code)) => {
            code.0
        }
        Response::GetBoundProfilePackageResponse(GetBoundProfilePackageResponse::Error(code)) => {
            code.0
        }
        Response::CancelSessionResponse(CancelSessionResponseEs9::Error(code)) => code.0,
        other => panic!("{other:?}"),
    };
    let Request::InitiateAuthenticationRequest(mut wrong) = initiate(&card) else {
        panic!("another request");
    };
    wrong.smdp_address = "other.example.com".to_string();
    let wrong = Request::InitiateAuthenticationRequest(wrong);
    assert_eq!(integer(&mut bench, &wrong), 1);

    let offer = offered(&mut bench, &card);
    let forger = bench.card(1);
    assert_eq!(integer(&mut bench, &get(&forger, &offer)), 1);
    let mut unknown = offer.clone();
    unknown.transaction_id = rsp_asn1::ids::TransactionId::from_bytes(&[9]).unwrap();
    assert_eq!(integer(&mut bench, &get(&card, &unknown)), 95);

    let cancel = |card: &Card, reason| {
        let json = card.cancel(&offer.transaction_id, reason);
        Request::CancelSessionRequest(CancelSessionRequestEs9 {
            transaction_id: json.transaction_id,
            cancel_session_response: json.cancel_session_response,
            extensions: Default::default(),
        })
    };
    let forged = cancel(&forger, CancelSessionReason::TIMEOUT);
    assert_eq!(integer(&mut bench, &forged), 2);
    let cancelled = cancel(&card, CancelSessionReason::TIMEOUT);
    assert!(matches!(
        answered(&mut bench, &cancelled),
        Response::CancelSessionResponse(CancelSessionResponseEs9::Ok(_))
    ));
    let late = cancel(&card, CancelSessionReason::POSTPONED);
    assert_eq!(integer(&mut bench, &late), 1);
}
