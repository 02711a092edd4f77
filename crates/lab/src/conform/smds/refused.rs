//! ES11, errors.

use rsp_asn1::ids::TransactionId;

use super::bench::Bench;
use super::es11::asn1_events;
use crate::conform::case::{Case, Check, case, fail, one_of, same};
use crate::conform::smdp::authenticate::request;
use crate::conform::smdp::bent::{self, Bend};
use crate::conform::smdp::initiate;

pub(super) const CASES: &[Case<Bench>] = &[
    case("DS-20", "another SM-DS address", |b| {
        let other = |_: &mut _, address: &mut String| *address = "other.example.org".into();
        initiate::refused(&mut b.device, other, "8.9.1/3.8")
    }),
    case("DS-21", "no CI for signing in common", |b| {
        let unknown = |info: &mut rsp_asn1::rsp::EuiccInfo1, _: &mut String| {
            info.euicc_ci_pk_id_list_for_signing = vec![vec![9; 20]];
        };
        initiate::refused(&mut b.device, unknown, "8.9.2/3.1")
    }),
    case("DS-22", "an svn that is not supported", |b| {
        let old = |info: &mut rsp_asn1::rsp::EuiccInfo1, _: &mut String| info.svn = [1, 0, 0];
        initiate::refused(&mut b.device, old, "8.9.3/3.1")
    }),
    case("DS-23", "no certificate under a CI of the eUICC", |b| {
        let unknown = |info: &mut rsp_asn1::rsp::EuiccInfo1, _: &mut String| {
            info.euicc_ci_pk_id_list_for_verification = vec![vec![9; 20]];
        };
        initiate::refused(&mut b.device, unknown, "8.9.4/3.7")
    }),
    case("DS-24", "CERT.EUM is not valid", |b| {
        bent(b, bent::EUM_INVALID)
    }),
    case("DS-25", "CERT.EUM has expired", |b| {
        bent(b, bent::EUM_EXPIRED)
    }),
    case("DS-26", "CERT.EUICC is not valid", |b| {
        bent(b, bent::EUICC_INVALID)
    }),
    case("DS-27", "CERT.EUICC has expired", |b| {
        bent(b, bent::EUICC_EXPIRED)
    }),
    case("DS-28", "euiccSignature1 is wrong", |b| {
        bent(b, bent::WRONG_KEY)
    }),
    case("DS-29", "the CI is unknown", |b| bent(b, bent::UNKNOWN_CI)),
    case("DS-30", "serverChallenge is another", challenge),
    case("DS-31", "transactionId is unknown", unknown_transaction),
    case(
        "DS-32",
        "transactionId signed is another",
        other_transaction,
    ),
    case("DS-33", "an EventID of nobody", of_nobody),
    case("DS-34", "errors in the ASN.1 binding", in_asn1),
];

/// An eUICC that is bent before it answers.
fn bent(bench: &mut Bench, (bend, pair): (Bend, &str)) -> Check {
    let honest = bench.euicc()?;
    let mut bent = honest.clone();
    bend(&mut bench.device, &mut bent)?;
    let started = bench.device.started(&honest)?;
    let reply = bench.device.authenticated(&bent, &started, None)?;
    reply.refused_with("authenticateClient", pair)
}

fn challenge(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.device.started(&euicc)?;
    let mut signed = euicc.signed1(&started.signed, None);
    signed.server_challenge = [3; 16];
    let id = started.signed.transaction_id.to_string();
    let body = request(&id, &euicc.authenticates(signed)?);
    let reply = bench.device.es9plus("authenticateClient", &body)?;
    reply.refused_with("authenticateClient", "8.1/6.1")
}

fn unknown_transaction(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.device.started(&euicc)?;
    let response = euicc.authenticates(euicc.signed1(&started.signed, None))?;
    let body = request("0102030405060708", &response);
    let reply = bench.device.es9plus("authenticateClient", &body)?;
    reply.refused_with("authenticateClient", "8.10.1/3.9")
}

fn other_transaction(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.device.started(&euicc)?;
    let mut signed = euicc.signed1(&started.signed, None);
    signed.transaction_id = TransactionId::from_bytes(&[9; 8])?;
    let response = euicc.authenticates(signed)?;
    let id = started.signed.transaction_id.to_string();
    let body = request(&id, &response);
    let reply = bench.device.es9plus("authenticateClient", &body)?;
    reply.refused_with("authenticateClient", "8.10.1/3.9")
}

fn of_nobody(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.device.started(&euicc)?;
    let reply = bench
        .device
        .authenticated(&euicc, &started, Some("NOBODY"))?;
    reply.refused_with("authenticateClient", "8.9.5/3.9")
}

/// invalidDpAddress and eventIdUnknown (SGP.22 6.6).
fn in_asn1(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    match bench.device.started_asn1(&euicc, "other.example.org")? {
        Ok(_) => return fail("another address is accepted"),
        Err(code) => same("the code of another address", code, 1)?,
    }
    let mut bent = euicc.clone();
    let (bend, _) = bent::WRONG_KEY;
    bend(&mut bench.device, &mut bent)?;
    let wrong = asn1_events(bench, &bent, None)?;
    same("the code of a wrong signature", wrong, Err(5))?;
    let unknown = asn1_events(bench, &euicc, Some("NOBODY"))?;
    // Sources number eventIdUnknown 6, or 56 as ESipa does.
    one_of(
        "the code of an unknown EventID",
        &unknown,
        &[Err(6), Err(56)],
    )
}
