//! Each fault of an eUICC's or EUM's certificate at ES9+.AuthenticateClient: the
//! code of the standard (SGP.22 5.6.3), and a line in the log that names it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod smdp_support;

use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_core::pki::{CrlTemplate, Issuer, ParsedCertificate, Role, issue_crl};
use rsp_core::smdp::DpIdentity;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use smdp_support::{ADDRESS, Bench, Ca, Card, PREFIX, START, YEAR, eid, name};
use store::{SmdpHost, SqliteStore};

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.released(1, None, "TOKEN");
    bench.now = START.after(Duration::from_secs(60));
    bench
}

fn until() -> rsp_core::Timestamp {
    START.after(10 * YEAR)
}

fn soon() -> rsp_core::Timestamp {
    START.after(Duration::from_secs(1))
}

/// A certificate with the EUM's key.
fn eum(ca: &Ca, role: Role, not_after: rsp_core::Timestamp) -> Certificate {
    let key: SoftwareKey = smdp_support::copy(&ca.eum_key);
    ca.issue(role, name("Test EUM", ""), &key, not_after)
}

fn eum_role() -> Role {
    Role::Eum {
        oid: "2.999.5".to_string(),
        eid_prefix: PREFIX.to_string(),
    }
}

fn server_role() -> Role {
    Role::DpAuth {
        oid: "2.999.10".to_string(),
    }
}

/// What a card gets, and what the log says of it.
fn answered(bench: &mut Bench, card: &Card) -> (String, String) {
    let honest = bench.card(1);
    let started = bench.started(&honest);
    bench.log.lock().unwrap().clear();
    let code = bench.refusal(&card.authenticate(&started, Some("TOKEN")));
    let log = bench.log.lock().unwrap().join("\n");
    (code, log)
}

#[track_caller]
fn assert_refused(bench: &mut Bench, card: &Card, code: &str, cause: &str) {
    let (answered, log) = answered(bench, card);
    assert_eq!(answered, code, "{log}");
    assert!(log.contains(cause), "{log}");
    assert!(log.contains("es9plus/authenticateClient"), "{log}");
    assert!(log.contains(&card.eid.to_string()), "{log}");
    // Nothing of it counts as an attempt.
    assert_eq!(bench.order(1).attempts, 0);
}

fn number_one() -> Eid {
    eid(PREFIX, 1)
}

#[test]
fn faults_of_an_eum() {
    let mut bench = bench();
    let refused = |bench: &mut Bench, eum: Certificate, code: &str, cause: &str| {
        let mut card = bench.card(1);
        card.eum = eum;
        assert_refused(bench, &card, code, cause);
    };
    let expired = eum(&bench.home, eum_role(), soon());
    refused(&mut bench, expired, "8.1.2/6.3", "Eum certificate: expired");
    let other_role = eum(&bench.home, server_role(), until());
    let cause = "Eum certificate: its policy is not that of the role";
    refused(&mut bench, other_role, "8.1.2/6.1", cause);
    let foreign = Ca::new(&mut bench.rng);
    let foreign = eum(&foreign, eum_role(), until());
    let cause = "Eum certificate: issued by no trusted CI";
    refused(&mut bench, foreign, "8.11.1/3.9", cause);
    // Trusted here, but another CI than the one that was asked for.
    let other = bench.other.card(number_one(), until(), &mut bench.rng);
    let (code, log) = answered(&mut bench, &other);
    assert_eq!(code, "8.11.1/3.9");
    assert!(log.contains("another CI than was asked for"), "{log}");
    let early = bench.now;
    bench.now = rsp_core::Timestamp(START.0 - 1);
    let (code, log) = answered(&mut bench, &other);
    bench.now = early;
    assert_eq!(code, "8.1.2/6.1");
    assert!(log.contains("not yet valid"), "{log}");
}

#[test]
fn faults_of_an_euicc() {
    let mut bench = bench();
    let expired = bench.home.card(number_one(), soon(), &mut bench.rng);
    let cause = "Euicc certificate: expired";
    assert_refused(&mut bench, &expired, "8.1.3/6.3", cause);

    // Issued by an EUM of this CI, but not by the one that it shows.
    let mut foreign = bench.other.card(number_one(), until(), &mut bench.rng);
    foreign.eum = bench.home.eum.clone();
    let cause = "Euicc certificate: issued by no trusted CI";
    assert_refused(&mut bench, &foreign, "8.1.3/6.1", cause);

    // A certificate of the CI's for another role, with an EID for its name.
    let mut other_role = bench.card(1);
    let subject = name("Test eUICC", &other_role.eid.to_string());
    let wrong = bench
        .home
        .issue(server_role(), subject, &other_role.key, until());
    other_role.certificate = wrong;
    let cause = "Euicc certificate: issued by no trusted CI";
    assert_refused(&mut bench, &other_role, "8.1.3/6.1", cause);

    // The same by its EUM.
    let mut other_role = bench.card(1);
    other_role.certificate = by_eum(&bench.home, server_role(), &other_role);
    let cause = "Euicc certificate: its policy is not that of the role";
    assert_refused(&mut bench, &other_role, "8.1.3/6.1", cause);

    let honest = bench.card(1);
    bench.offered(&honest, Some("TOKEN"));
}

/// What the EUM must not issue.
fn by_eum(ca: &Ca, role: Role, card: &Card) -> Certificate {
    let template = rsp_core::pki::Template {
        role,
        subject: name("Test eUICC", &card.eid.to_string()),
        public_key: card.key.public_key(),
        serial: &[7],
        not_before: START,
        not_after: until(),
    };
    let issuer = name("Test EUM", "");
    rsp_core::pki::issue(&template, &issuer, &ca.eum_key, &SoftwareProvider).unwrap()
}

/// A bench whose CI has revoked what has these serial numbers.
fn with_crl(revoked: impl Fn(&Ca) -> Vec<Vec<u8>>) -> Bench {
    let mut bench = bench();
    let template = CrlTemplate {
        number: 1,
        this_update: START,
        next_update: START.after(YEAR),
        revoked: &revoked(&bench.home),
    };
    let issuer = Issuer::of(&bench.home.anchor.certificate.certificate).unwrap();
    let crl = issue_crl(&template, &issuer, &bench.home.ci_key).unwrap();
    let mut anchor = bench.home.anchor.clone();
    anchor.set_crl(&crl, bench.now, &SoftwareProvider).unwrap();
    let set: Vec<DpIdentity> = vec![bench.home.set()];
    let address = ADDRESS.to_string();
    let anchors = vec![anchor];
    let smdp = rsp_core::smdp::Smdp::new(address, set, anchors, START, &SoftwareProvider);
    let written = bench.log.clone();
    let write = move |path: &str, cause: &str| {
        written.lock().unwrap().push(format!("{path} {cause}"));
    };
    let store = std::sync::Arc::new(SqliteStore::in_memory().unwrap());
    bench.host = SmdpHost::new(smdp.unwrap(), store).observed_by(Box::new(write));
    bench.released(1, None, "TOKEN");
    bench
}

fn serial(certificate: &Certificate) -> Vec<u8> {
    ParsedCertificate::parse(certificate).unwrap().serial
}

#[test]
fn a_revoked_eum_takes_its_euiccs_with_it() {
    let mut bench = with_crl(|ca| vec![vec![99], serial(&ca.eum)]);
    let card = bench.card(1);
    let cause = "Eum certificate: revoked";
    assert_refused(&mut bench, &card, "8.1.2/6.1", cause);

    // Another EUM's eUICCs go on.
    let mut bench = with_crl(|_| vec![vec![99]]);
    let card = bench.card(1);
    bench.delivered(&card, Some("TOKEN"));
}
