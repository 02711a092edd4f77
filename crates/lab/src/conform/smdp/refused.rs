//! ES9+.AuthenticateClient, errors: SGP.23 4.3.14.2.2.

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::AuthenticateServerResponse;

use super::authenticate::request;
use super::bench::{Bench, Order};
use super::bent::{self, Bend};
use super::euicc::Euicc;
use crate::conform::case::{Case, Check, absent, case, one_of, same};

pub(super) const CASES: &[Case<Bench>] = &[
    case("4.3.14.2.2-01", "CERT.EUM is not valid", |b| {
        bent(b, bent::EUM_INVALID)
    }),
    case("4.3.14.2.2-02", "CERT.EUM has expired", |b| {
        bent(b, bent::EUM_EXPIRED)
    }),
    case("4.3.14.2.2-03", "CERT.EUICC is not valid", |b| {
        bent(b, bent::EUICC_INVALID)
    }),
    case("4.3.14.2.2-04", "CERT.EUICC has expired", |b| {
        bent(b, bent::EUICC_EXPIRED)
    }),
    case("4.3.14.2.2-05", "euiccSignature1 is wrong", |b| {
        bent(b, bent::WRONG_KEY)
    }),
    case("4.3.14.2.2-06", "serverChallenge is another", challenge),
    case("4.3.14.2.2-07", "the CI is unknown", |b| {
        bent(b, bent::UNKNOWN_CI)
    }),
    case("4.3.14.2.2-08", "the profile is not released", held),
    case(
        "4.3.14.2.2-09",
        "transactionId is unknown",
        unknown_transaction,
    ),
    case(
        "4.3.14.2.2-10",
        "transactionId signed is another",
        other_transaction,
    ),
    case("4.3.14.2.2-11", "a MatchingID of nobody", |b| {
        of_nobody(b, "NOBODY")
    }),
    case("4.3.14.2.2-12", "a MatchingID but for one letter", nearly),
    case("4.3.14.2.2-13", "a MatchingID that is used up", used),
    case(
        "4.3.14.2.2-14",
        "no order for this EID, MatchingID omitted",
        |b| no_order(b, None),
    ),
    case("4.3.14.2.2-15", "no profile for this device", not_eligible),
    absent(
        "4.3.14.2.2-16",
        "the order has expired",
        "8.8.5/4.10 needs an order that is older than the SM-DP+ allows; held by \
         crates/lab/tests/smdp_refusals.rs on a clock of its own",
    ),
    case("4.3.14.2.2-17", "too many attempts", attempts),
    case(
        "4.3.14.2.2-19",
        "an activation code for another EID",
        other_eid,
    ),
    case(
        "4.3.14.2.2-20",
        "no order for this EID, MatchingID empty",
        |b| no_order(b, Some("")),
    ),
    case(
        "4.3.14.2.2-21",
        "the MatchingID of a cancelled order",
        cancelled,
    ),
];

/// An eUICC that is bent before it answers.
fn bent(bench: &mut Bench, (bend, pair): (Bend, &str)) -> Check {
    let honest = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let mut bent = honest.clone();
    bend(bench, &mut bent)?;
    let started = bench.started(&honest)?;
    let reply = bench.authenticated(&bent, &started, Some(&ordered.matching_id))?;
    reply.refused_with("authenticateClient", pair)
}

fn challenge(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let started = bench.started(&euicc)?;
    let mut signed = euicc.signed1(&started.signed, Some(&ordered.matching_id));
    signed.server_challenge = [3; 16];
    let id = started.signed.transaction_id.to_string();
    let body = request(&id, &euicc.authenticates(signed)?);
    let reply = bench.es9plus("authenticateClient", &body)?;
    reply.refused_with("authenticateClient", "8.1/6.1")
}

fn held(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order {
        held: true,
        ..Order::default()
    })?;
    let started = bench.started(&euicc)?;
    let reply = bench.authenticated(&euicc, &started, Some(&ordered.matching_id))?;
    reply.refused_with("authenticateClient", "8.2/1.2")
}

fn unknown_transaction(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.started(&euicc)?;
    let response = euicc.authenticates(euicc.signed1(&started.signed, None))?;
    let body = request("0102030405060708", &response);
    let reply = bench.es9plus("authenticateClient", &body)?;
    reply.refused_with("authenticateClient", "8.10.1/3.9")
}

fn other_transaction(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let started = bench.started(&euicc)?;
    let mut signed = euicc.signed1(&started.signed, None);
    signed.transaction_id = TransactionId::from_bytes(&[9; 8])?;
    let response: AuthenticateServerResponse = euicc.authenticates(signed)?;
    let id = started.signed.transaction_id.to_string();
    let reply = bench.es9plus("authenticateClient", &request(&id, &response))?;
    reply.refused_with("authenticateClient", "8.10.1/3.9")
}

/// A download by this MatchingID; codes of the refusal.
fn asked(bench: &mut Bench, euicc: &Euicc, matching_id: Option<&str>) -> Check<String> {
    let started = bench.started(euicc)?;
    let reply = bench.authenticated(euicc, &started, matching_id)?;
    reply.refused("authenticateClient")
}

fn of_nobody(bench: &mut Bench, matching_id: &str) -> Check {
    let euicc = bench.euicc()?;
    let found = asked(bench, &euicc, Some(matching_id))?;
    same("codes", found.as_str(), "8.2.6/3.8")
}

fn nearly(bench: &mut Bench) -> Check {
    let ordered = bench.order(&Order::default())?;
    let mut other = ordered.matching_id;
    let last = other.pop();
    other.push(if last == Some('0') { '1' } else { '0' });
    of_nobody(bench, &other)
}

fn used(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    bench.installed(&euicc, &ordered.matching_id)?;
    let found = asked(bench, &euicc, Some(&ordered.matching_id))?;
    same("codes", found.as_str(), "8.2.6/3.8")
}

fn no_order(bench: &mut Bench, matching_id: Option<&str>) -> Check {
    let euicc = bench.euicc()?;
    let found = asked(bench, &euicc, matching_id)?;
    // The sources differ on this one.
    one_of("codes", &found.as_str(), &["8.1.1/3.8", "8.2.6/3.8"])
}

fn not_eligible(bench: &mut Bench) -> Check {
    let restricted = bench.settings.restricted_type.clone();
    let name = bench.special(&restricted, "that needs 5G")?;
    let euicc = bench.euicc()?;
    let order = Order {
        profile_type: Some(&name),
        ..Order::default()
    };
    let ordered = bench.order(&order)?;
    let found = asked(bench, &euicc, Some(&ordered.matching_id))?;
    same("codes", found.as_str(), "8.2.5/4.3")
}

/// Most attempts until an SM-DP+ must have refused.
const ATTEMPTS: usize = 60;

fn attempts(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    for _ in 0..ATTEMPTS {
        let started = bench.started(&euicc)?;
        let reply = bench.authenticated(&euicc, &started, Some(&ordered.matching_id))?;
        if let super::http::Reply::Refused(pair) = reply {
            return same("codes", pair.as_str(), "8.8.5/6.4");
        }
    }
    crate::conform::case::skip(format!("{ATTEMPTS} attempts are allowed"))
}

fn other_eid(bench: &mut Bench) -> Check {
    let (euicc, other) = (bench.euicc()?, bench.euicc()?);
    let eid = other.eid.to_string();
    let ordered = bench.order(&Order {
        eid: Some(&eid),
        ..Order::default()
    })?;
    let found = asked(bench, &euicc, Some(&ordered.matching_id))?;
    same("codes", found.as_str(), "8.1.1/3.8")
}

fn cancelled(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let body = serde_json::json!({
        "iccid": ordered.iccid,
        "matchingId": ordered.matching_id,
        "finalProfileStatusIndicator": "Unavailable",
    });
    bench.es2plus("cancelOrder", body)?.ok("cancelOrder")?;
    let found = asked(bench, &euicc, Some(&ordered.matching_id))?;
    same("codes", found.as_str(), "8.2.6/3.8")
}
