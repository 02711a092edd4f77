//! Downloads through the eIM: EIM-01, -02, -51 to -60, -74.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Asn1;
use rsp_asn1::rsp::{CancelSessionReason, CtxParams1};
use rsp_asn1::sgp32::{
    CancelSessionResponseEsipa, EsipaMessageFromEimToIpa, InitiateAuthenticationOkEsipa,
    ProfileDownloadData,
};
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use serde_json::json;

use super::bench::Bench;
use super::http::{function, status};
use super::orders::Settled;
use super::relay::{Answer, MATCHING_ID, Relay};
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same, skip, some};
use crate::conform::der::{hex, tlv};
use crate::conform::played::{Bend, Seen};

/// Bits of ipaFeatures.
pub(super) const INDIRECT: u8 = 1;
const CTX_PARAMS1: u8 = 3;
const METADATA: u8 = 4;
const MINIMIZE: u8 = 5;

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-01", "a download through the eIM", nominal),
    case("EIM-02", "a download that is cancelled", cancelled),
    case(
        "EIM-51",
        "the result of a direct download by HandleNotification",
        direct,
    ),
    case("EIM-52", "errors of the SM-DP+ are translated", translated),
    case("EIM-53", "another address in serverSigned1", |b| {
        mismatch(b, Bend::Address, 50)
    }),
    case("EIM-54", "another OID than in the activation code", |b| {
        mismatch(b, Bend::Oid, 51)
    }),
    case(
        "EIM-55",
        "an eimTransactionId that is unknown",
        unknown_transaction,
    ),
    case(
        "EIM-56",
        "a policy rule that the eIM does not allow",
        policy,
    ),
    case("EIM-57", "metadata in the package differ", metadata),
    case("EIM-58", "ctxParams1 that the eIM makes", parameters),
    case("EIM-59", "euiccInfo1 that the eIM inserts", info1),
    case("EIM-60", "hashCc that the eIM makes", confirmation_code),
    case("EIM-74", "lower case in JSON's hexadecimal", lower_case),
];

/// What must not be refused.
pub(super) fn taken<T>(function: &str, answer: Answer<T>) -> Check<T> {
    match answer {
        Ok(ok) => Ok(ok),
        Err(code) => fail(format!("{function} is refused with {code}")),
    }
}

/// What must be refused with this number.
fn refused<T>(function: &str, answer: Answer<T>, code: i64) -> Check {
    match answer {
        Ok(_) => fail(format!("{function} is executed instead of refused")),
        Err(found) => same(&format!("the error of {function}"), found, code),
    }
}

/// InitiateAuthentication; skipped if the eIM relays nothing.
pub(super) fn started(
    bench: &mut Bench,
    relay: &mut Relay,
) -> Check<InitiateAuthenticationOkEsipa> {
    match bench.initiated(relay, |_| {})? {
        Err(127) if relay.seen()?.is_empty() => {
            skip("the eIM relays no downloads: undefinedError, and the SM-DP+ is not asked")
        }
        answer => taken("InitiateAuthentication", answer),
    }
}

fn nominal(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT], Bend::Nothing)?;
    some(
        "eimTransactionId",
        relay.trigger.eim_transaction_id.as_ref(),
    )?;
    match &relay.trigger.profile_download_data {
        Some(ProfileDownloadData::ActivationCode(code)) => {
            let expected = format!("1${}${MATCHING_ID}", relay.address);
            let code = code.as_str().trim_start_matches("LPA:");
            same("the activation code", code, expected.as_str())?;
        }
        // An eIM that keeps it does so for IPAs that announce it only.
        _ => return fail("the trigger holds no activation code"),
    }
    let begun = started(bench, &mut relay)?;
    let answer = bench.authenticated(&mut relay, &begun)?;
    let (offered, _) = taken("AuthenticateClient", answer)?;
    some("profileMetadata", offered.profile_metadata.as_ref())?;
    let package = bench.bound(&mut relay, &offered)?;
    taken("GetBoundProfilePackage", package)?;
    let seen = relay.seen()?;
    same("requests to the SM-DP+", seen.len(), 3)?;
    let asked = Seen::Authenticated {
        matching_id: Some(MATCHING_ID.into()),
    };
    ensure(seen.contains(&asked), "the MatchingID reaches the SM-DP+")?;

    let notified = tlv(0xBF3D, &tlv(0xA0, &relay.installed()?));
    let reply = bench.esipa(&notified)?;
    one_of("the HTTP status", &reply.status, &[204, 200])?;
    let (device, order) = (relay.device.clone(), relay.order.clone());
    bench.settled(&device, &order, Settled::Success)?;
    while !relay.is_told() {
        let waits = bench.smdp.as_mut().is_some_and(|smdp| smdp.wait());
        ensure(waits, "the SM-DP+ is told the installation result")?;
    }
    Ok(())
}

fn cancelled(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT], Bend::Nothing)?;
    let begun = started(bench, &mut relay)?;
    let answer = bench.authenticated(&mut relay, &begun)?;
    taken("AuthenticateClient", answer)?;
    let reason = CancelSessionReason::END_USER_REJECTION;
    let answer = bench.cancelled(&relay, reason)?;
    let EsipaMessageFromEimToIpa::CancelSessionResponse(CancelSessionResponseEsipa::Ok(_)) = answer
    else {
        return fail(format!("CancelSession is answered with {answer:?}"));
    };
    let told = Seen::Cancelled { reason: reason.0 };
    ensure(
        relay.seen()?.contains(&told),
        "the SM-DP+ is told the cancellation",
    )?;
    let (device, order) = (relay.device.clone(), relay.order.clone());
    bench.settled(&device, &order, Settled::Failed)
}

fn direct(bench: &mut Bench) -> Check {
    let relay = bench.relay(&[0, INDIRECT], Bend::Nothing)?;
    let id = some(
        "eimTransactionId",
        relay.trigger.eim_transaction_id.as_ref(),
    )?;
    let result = [tlv(0x82, id.as_bytes()), relay.installed()?].concat();
    let eid = tlv(0x5A, relay.device.eid.as_bytes());
    let provided = tlv(0xBF50, &[eid, tlv(0xBF54, &result)].concat());
    let reply = bench.esipa(&tlv(0xBF3D, &provided))?;
    one_of("the HTTP status", &reply.status, &[204, 200])?;
    let (device, order) = (relay.device.clone(), relay.order.clone());
    bench.settled(&device, &order, Settled::Success)
}

/// Pairs of the SM-DP+ and the numbers of ESipa (notes 06 section 6, 02
/// section 8).
const TABLE: [(&str, (&str, &str), i64); 16] = [
    ("initiateAuthentication", ("8.8.1", "3.8"), 1),
    ("initiateAuthentication", ("8.8.3", "3.1"), 2),
    ("initiateAuthentication", ("8.8.2", "3.1"), 3),
    ("initiateAuthentication", ("8.8.4", "3.7"), 3),
    ("authenticateClient", ("8.1.2", "6.1"), 1),
    ("authenticateClient", ("8.1.2", "6.3"), 2),
    ("authenticateClient", ("8.1.3", "6.1"), 3),
    ("authenticateClient", ("8.1.3", "6.3"), 4),
    ("authenticateClient", ("8.1", "6.1"), 5),
    ("authenticateClient", ("8.2.6", "3.8"), 6),
    ("authenticateClient", ("8.1.1", "3.8"), 7),
    ("authenticateClient", ("8.1", "4.8"), 11),
    ("getBoundProfilePackage", ("8.1", "6.1"), 1),
    ("getBoundProfilePackage", ("8.2.7", "2.2"), 2),
    ("getBoundProfilePackage", ("8.2.7", "3.8"), 3),
    ("getBoundProfilePackage", ("8.2.7", "6.4"), 4),
];

fn translated(bench: &mut Bench) -> Check {
    for (function, pair, code) in TABLE {
        let what = format!("{function} with {}/{}", pair.0, pair.1);
        let mut relay = bench.relay(&[INDIRECT], Bend::Refuse(function, pair, code))?;
        if function == "initiateAuthentication" {
            refused(&what, bench.initiated(&mut relay, |_| {})?, code)?;
            continue;
        }
        let begun = started(bench, &mut relay)?;
        let answer = bench.authenticated(&mut relay, &begun)?;
        if function == "authenticateClient" {
            refused(&what, answer, code)?;
            continue;
        }
        let (offered, _) = taken("AuthenticateClient", answer)?;
        refused(&what, bench.bound(&mut relay, &offered)?, code)?;
    }
    Ok(())
}

fn mismatch(bench: &mut Bench, bend: Bend, code: i64) -> Check {
    let mut relay = bench.relay(&[INDIRECT], bend)?;
    let answer = bench.initiated(&mut relay, |_| {})?;
    refused("InitiateAuthentication", answer, code)
}

fn unknown_transaction(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT], Bend::Nothing)?;
    let unknown = "55667788".parse()?;
    let answer = bench.initiated(&mut relay, |request| {
        request.eim_transaction_id = Some(unknown);
    })?;
    refused("InitiateAuthentication", answer, 52)
}

fn policy(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT, METADATA], Bend::Policy)?;
    let begun = started(bench, &mut relay)?;
    let answer = bench.authenticated(&mut relay, &begun)?;
    refused("AuthenticateClient", answer.map(drop), 50)
}

fn metadata(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT, METADATA], Bend::Metadata)?;
    let begun = started(bench, &mut relay)?;
    let answer = bench.authenticated(&mut relay, &begun)?;
    let (offered, _) = taken("AuthenticateClient", answer)?;
    let answer = bench.bound(&mut relay, &offered)?;
    refused("GetBoundProfilePackage", answer, 50)
}

fn parameters(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT, CTX_PARAMS1], Bend::Nothing)?;
    let begun = started(bench, &mut relay)?;
    let Some(CtxParams1::CommonAuthentication(made)) = &begun.ctx_params1 else {
        return fail("ctxParams1 is missing");
    };
    same(
        "the MatchingID",
        made.matching_id.as_deref(),
        Some(MATCHING_ID),
    )?;
    same("deviceInfo", &made.device_info, &crate::device_info())
}

fn info1(bench: &mut Bench) -> Check {
    let mut relay = bench.relay(&[INDIRECT, MINIMIZE], Bend::Nothing)?;
    let answer = bench.initiated(&mut relay, |request| request.euicc_info1 = None)?;
    taken("InitiateAuthentication", answer)?;
    let seen = relay.seen()?;
    let inserted = seen.iter().find_map(|seen| match seen {
        Seen::Initiated { info1, .. } => info1.clone(),
        _ => None,
    });
    let inserted = some("euiccInfo1 at the SM-DP+", inserted)?;
    ensure(
        inserted.starts_with(&hex("BF20")),
        "euiccInfo1 begins with its tag",
    )
}

fn confirmation_code(bench: &mut Bench) -> Check {
    const CODE: &str = "2468";
    let mut relay = bench.relay(&[INDIRECT], Bend::Code(CODE))?;
    let begun = started(bench, &mut relay)?;
    let answer = bench.authenticated(&mut relay, &begun)?;
    let (offered, _) = taken("AuthenticateClient", answer)?;
    let inner = SoftwareProvider.sha256(&[CODE.as_bytes()]);
    let id = some("the session", relay.transaction_id.as_ref())?;
    let expected = SoftwareProvider.sha256(&[&inner, id.as_bytes()]);
    same("hashCc", offered.hash_cc, Some(expected))?;
    relay.euicc.code = Some(CODE.into());
    let answer = bench.bound(&mut relay, &offered)?;
    taken("GetBoundProfilePackage", answer).map(drop)
}

fn lower_case(bench: &mut Bench) -> Check {
    let relay = bench.relay(&[INDIRECT], Bend::Nothing)?;
    let id = some(
        "eimTransactionId",
        relay.trigger.eim_transaction_id.as_ref(),
    )?;
    let body = json!({
        "euiccChallenge": STANDARD.encode([7; 16]),
        "smdpAddress": relay.address,
        "euiccInfo1": STANDARD.encode(relay.euicc.info1().to_der()),
        "eimTransactionId": id.to_string().to_ascii_lowercase(),
    });
    let answer = function(bench, "initiateAuthentication", &body)?;
    one_of("status", &status(&answer), &["Executed-Success", "Failed"])
}
