//! Every refusal of ES9+ and ES2+, provoked over JSON, with the codes of the
//! standard (SGP.22 5.3, 5.6) written here a second time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_asn1::Extensions;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateErrorCode, AuthenticateResponseError, AuthenticateServerResponse,
    CancelSessionError, CancelSessionReason, CancelSessionResponse, DownloadErrorCode,
    PrepareDownloadResponse, PrepareDownloadResponseError,
};
use rsp_core::binding::es2plus_json::{ConfirmOrder, DownloadOrder, ReleaseProfile, RequestHeader};
use rsp_core::binding::es9plus_json::AuthenticateClientRequest;
use rsp_core::pki::Role;
use rsp_core::profile;
use smdp_support::{
    Bench, Ca, Card, PREFIX, SMDP_OID, START, YEAR, confirm, download, eid, iccid, name,
};

/// The same certificate with one bit of its signature changed.
fn flipped(certificate: &Certificate) -> Certificate {
    let mut der = certificate.as_bytes().to_vec();
    *der.last_mut().unwrap() ^= 0x01;
    Certificate::from_bytes(&der).unwrap()
}

fn other_transaction() -> TransactionId {
    TransactionId::from_bytes(&[9; 16]).unwrap()
}

#[test]
fn initiate_authentication() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let good = card.initiate();
    bench.send(&good).unwrap();

    let mut request = good.clone();
    request.smdp_address = "other.example.com".to_string();
    assert_eq!(bench.refusal(&request), "8.8.1/3.8");

    let mut request = good.clone();
    request.euicc_info1.svn = [1, 9, 9];
    assert_eq!(bench.refusal(&request), "8.8.3/3.1");

    let unknown = vec![vec![9; 20]];
    let mut request = good.clone();
    request.euicc_info1.euicc_ci_pk_id_list_for_verification = unknown.clone();
    assert_eq!(bench.refusal(&request), "8.8.4/3.7");

    let mut request = good;
    request.euicc_info1.euicc_ci_pk_id_list_for_signing = unknown;
    assert_eq!(bench.refusal(&request), "8.8.2/3.1");
}

/// What AuthenticateClient answers to a card that began honestly.
#[track_caller]
fn authenticated(bench: &mut Bench, card: &Card) -> String {
    // The CI that is asked for is always that of the SM-DP+.
    let honest = bench.card(1);
    let started = bench.started(&honest);
    bench.refusal(&card.authenticate(&started, Some("TOKEN")))
}

#[test]
fn authenticate_client_certificates() {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    let until = START.after(10 * YEAR);
    let soon = START.after(Duration::from_secs(1));
    let good = eid(PREFIX, 1);
    bench.now = START.after(Duration::from_secs(60));

    let card = |bench: &mut Bench| bench.card(1);
    let mut bad = card(&mut bench);
    bad.eum = flipped(&bad.eum);
    assert_eq!(authenticated(&mut bench, &bad), "8.1.2/6.1");

    let mut bad = card(&mut bench);
    let eum_role = Role::Eum {
        oid: "2.999.5".to_string(),
        eid_prefix: PREFIX.to_string(),
    };
    let eum_key = smdp_support::copy(&bench.home.eum_key);
    bad.eum = bench
        .home
        .issue(eum_role, name("Test EUM", ""), &eum_key, soon);
    assert_eq!(authenticated(&mut bench, &bad), "8.1.2/6.3");

    let mut bad = card(&mut bench);
    bad.certificate = flipped(&bad.certificate);
    assert_eq!(authenticated(&mut bench, &bad), "8.1.3/6.1");

    let bad = bench.home.card(good, soon, &mut bench.rng);
    assert_eq!(authenticated(&mut bench, &bad), "8.1.3/6.3");

    let outside = eid("89099999", 1);
    let bad = bench.home.card(outside, until, &mut bench.rng);
    assert_eq!(authenticated(&mut bench, &bad), "8.1.4/6.1");

    // A CI that nobody knows, and one that is trusted but was not asked for.
    let foreign = Ca::new(&mut bench.rng);
    let bad = foreign.card(good, until, &mut bench.rng);
    assert_eq!(authenticated(&mut bench, &bad), "8.11.1/3.9");
    let bad = bench.other.card(good, until, &mut bench.rng);
    assert_eq!(authenticated(&mut bench, &bad), "8.11.1/3.9");

    let honest = bench.card(1);
    bench.offered(&honest, Some("TOKEN"));
}

#[test]
fn authenticate_client_signature() {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    let card = bench.card(1);
    let started = bench.started(&card);
    let good = card.authenticate(&started, Some("TOKEN"));

    let mut request = good.clone();
    request.transaction_id = other_transaction();
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");

    let mut request = good.clone();
    let AuthenticateServerResponse::Ok(ok) = &mut request.authenticate_server_response else {
        panic!("no answer of the card");
    };
    ok.euicc_signature1[20] ^= 1;
    assert_eq!(bench.refusal(&request), "8.1/6.1");

    let mut signed1 = card.signed1(&started, Some("TOKEN"));
    signed1.server_challenge = [0; 16];
    let request = card.authenticate_with(signed1);
    assert_eq!(bench.refusal(&request), "8.1/6.1");

    let mut signed1 = card.signed1(&started, Some("TOKEN"));
    signed1.transaction_id = other_transaction();
    let request = AuthenticateClientRequest {
        transaction_id: started.transaction_id.clone(),
        ..card.authenticate_with(signed1)
    };
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");

    let request = AuthenticateClientRequest {
        transaction_id: started.transaction_id.clone(),
        authenticate_server_response: AuthenticateServerResponse::Error(
            AuthenticateResponseError {
                transaction_id: started.transaction_id.clone(),
                authenticate_error_code: AuthenticateErrorCode::INVALID_SIGNATURE,
                extensions: Extensions::default(),
            },
        ),
    };
    assert_eq!(bench.refusal(&request), "8.1/4.2");
    bench.send(&good).unwrap();
}

#[test]
fn authenticate_client_order() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let stranger = bench.card(2);
    bench.released(1, Some(card.eid), "BOUND");
    let refused = |bench: &mut Bench, card: &Card, matching_id| {
        let started = bench.started(card);
        bench.refusal(&card.authenticate(&started, matching_id))
    };
    let wrong = refused(&mut bench, &card, Some("WRONG"));
    assert_eq!(wrong, "8.2.6/3.8");
    let other_eid = refused(&mut bench, &stranger, Some("BOUND"));
    assert_eq!(other_eid, "8.1.1/3.8");
    for nothing in [None, Some("")] {
        assert_eq!(refused(&mut bench, &stranger, nothing), "8.1.1/3.8");
    }

    bench.stock("operational", &profile::template(), &[2]);
    bench.ordered(2, None);
    let request = ConfirmOrder {
        release_flag: false,
        ..confirm(2, "LATER")
    };
    bench.send(&request).unwrap();
    assert_eq!(refused(&mut bench, &card, Some("LATER")), "8.2/1.2");

    // What was installed once is not offered again.
    let id = bench.delivered(&card, Some("BOUND"));
    bench.raw(&card.result(&id, true));
    assert_eq!(refused(&mut bench, &card, Some("BOUND")), "8.2.6/3.8");
}

#[test]
fn get_bound_profile_package() {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    let card = bench.card(1);
    let offered = bench.offered(&card, Some("TOKEN"));
    let good = card.get_package(&offered);

    let mut request = good.clone();
    request.transaction_id = other_transaction();
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");

    let PrepareDownloadResponse::Ok(ok) = &good.prepare_download_response else {
        panic!("no answer of the card");
    };
    let otpk = ok.euicc_signed2.euicc_otpk.clone();
    let request = card.get_package_with(&offered, &other_transaction(), otpk);
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");

    let request = bench.card(1).get_package(&offered);
    assert_eq!(bench.refusal(&request), "8.1/6.1");

    let mut request = good.clone();
    request.prepare_download_response =
        PrepareDownloadResponse::Error(PrepareDownloadResponseError {
            transaction_id: offered.transaction_id.clone(),
            download_error_code: DownloadErrorCode::INVALID_SIGNATURE,
            extensions: Extensions::default(),
        });
    assert_eq!(bench.refusal(&request), "8.1/4.2");
    // The session ended with it; the order did not.
    assert_eq!(bench.refusal(&good), "8.10.1/3.9");
    let offered = bench.offered(&card, Some("TOKEN"));
    let good = card.get_package(&offered);

    // A one-time key that is no point of the curve.
    let request = card.get_package_with(&offered, &offered.transaction_id, vec![4; 65]);
    assert_eq!(bench.refusal(&request), "8.2/3.7");
    bench.send(&good).unwrap();

    // A template that is no profile package.
    bench.stock("broken", b"nothing", &[2]);
    bench.ordered(2, None);
    bench.send(&confirm(2, "BROKEN")).unwrap();
    let started = bench.started(&card);
    let request = card.authenticate(&started, Some("BROKEN"));
    assert_eq!(bench.refusal(&request), "8.2.5/4.3");
}

#[test]
fn cancel_session() {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    let card = bench.card(1);
    let id = bench.offered(&card, Some("TOKEN")).transaction_id;
    let reason = CancelSessionReason::POSTPONED;

    let request = card.cancel(&other_transaction(), reason);
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");
    let request = card.cancel_with(&id, &other_transaction(), SMDP_OID, reason);
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");
    let request = bench.card(1).cancel(&id, reason);
    assert_eq!(bench.refusal(&request), "8.1/6.1");
    let request = card.cancel_with(&id, &id, "2.999.11", reason);
    assert_eq!(bench.refusal(&request), "8.8/3.10");
    let mut request = card.cancel(&id, reason);
    request.cancel_session_response =
        CancelSessionResponse::Error(CancelSessionError::UNDEFINED_ERROR);
    assert_eq!(bench.refusal(&request), "8.1/4.2");

    // Nothing signed by a known eUICC is there to compare with.
    let id = bench.started(&card).transaction_id;
    assert_eq!(bench.refusal(&card.cancel(&id, reason)), "8.10.1/3.9");
}

#[test]
fn download_order() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);
    assert_eq!(bench.refusal(&download(9, None)), "8.2.1/3.9");
    let neither = DownloadOrder {
        iccid: None,
        ..download(1, None)
    };
    assert_eq!(bench.refusal(&neither), "8.2.1/2.2");
    let of_type = |name: &str| DownloadOrder {
        iccid: None,
        profile_type: Some(name.to_string()),
        ..download(1, None)
    };
    assert_eq!(bench.refusal(&of_type("unknown")), "8.2.5/3.9");
    let of_other_type = DownloadOrder {
        iccid: Some(iccid(1)),
        ..of_type("other")
    };
    bench.stock("other", &profile::template(), &[7]);
    assert_eq!(bench.refusal(&of_other_type), "8.2.5/3.8");

    bench.send(&of_type("operational")).unwrap();
    assert_eq!(bench.refusal(&of_type("operational")), "8.2.5/3.7");
    assert_eq!(bench.refusal(&download(1, Some(card.eid))), "8.2.1/3.3");
}

#[test]
fn confirm_order_and_release() {
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.stock("operational", &profile::template(), &[1, 2, 3]);
    let release = |number| ReleaseProfile {
        header: RequestHeader::default(),
        iccid: iccid(number),
    };
    assert_eq!(bench.refusal(&confirm(9, "TOKEN")), "8.2.1/3.9");
    assert_eq!(bench.refusal(&release(9)), "8.2.1/3.9");
    assert_eq!(bench.refusal(&confirm(1, "TOKEN")), "8.2.1/3.5");
    assert_eq!(bench.refusal(&release(1)), "8.2.1/3.5");

    bench.ordered(1, Some(card.eid));
    let other = ConfirmOrder {
        eid: Some(stranger.eid),
        ..confirm(1, "TOKEN")
    };
    assert_eq!(bench.refusal(&other), "8.1.1/3.10");
    let with_smds = ConfirmOrder {
        smds_address: Some("smds.example.invalid".to_string()),
        ..confirm(1, "TOKEN")
    };
    assert_eq!(bench.refusal(&with_smds), "8.9/5.1");
    bench.send(&confirm(1, "TOKEN")).unwrap();

    bench.ordered(2, None);
    assert_eq!(bench.refusal(&confirm(2, "")), "8.1.1/2.2");
    assert_eq!(bench.refusal(&confirm(2, "TOKEN")), "8.2.6/3.3");
}
