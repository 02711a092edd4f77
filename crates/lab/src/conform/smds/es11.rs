//! ES11, nominal: InitiateAuthentication and AuthenticateClient in both
//! bindings.

use rsp_asn1::Extensions;
use rsp_asn1::rsp::{
    AuthenticateClientRequest, AuthenticateClientResponseEs11, RemoteProfileProvisioningRequest,
    RemoteProfileProvisioningResponse,
};
use serde_json::json;

use super::bench::Bench;
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same};
use crate::conform::smdp::euicc::Euicc;
use crate::conform::smdp::http::headers;
use crate::conform::smdp::initiate;
use crate::conform::{Certificates, HttpMessage};

pub(super) const CASES: &[Case<Bench>] = &[
    case("DS-01", "InitiateAuthentication", |b| {
        initiate::nominal(&mut b.device)
    }),
    case(
        "DS-02",
        "transactionId and serverChallenge are unique",
        |b| initiate::unique(&mut b.device),
    ),
    case("DS-03", "no event waits", nothing),
    case("DS-04", "an event, MatchingID omitted", |b| one(b, None)),
    case("DS-05", "an event, MatchingID empty", |b| one(b, Some(""))),
    case("DS-06", "one event of two, by its EventID", by_event_id),
    case("DS-07", "all events of an eUICC", all),
    case("DS-08", "events of another eUICC stay hidden", hidden),
    case(
        "DS-09",
        "an event is told as often as it is asked for",
        again,
    ),
    case("DS-10", "the ASN.1 binding tells the same", in_asn1),
    case("DS-11", "functions of an SM-DP+ are not executed", no_smdp),
    case("DS-12", "requests that are none", no_requests),
];

fn nothing(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    same("events", bench.events(&euicc, None)?.len(), 0)
}

fn one(bench: &mut Bench, matching_id: Option<&str>) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    bench.registered(&event)?.ok("registerEvent")?;
    let found = bench.events(&euicc, matching_id)?;
    same("events", found, vec![(event.event_id, event.address)])
}

fn by_event_id(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let (first, second) = (bench.event(&euicc), bench.event(&euicc));
    for event in [&first, &second] {
        bench.registered(event)?.ok("registerEvent")?;
    }
    let found = bench.events(&euicc, Some(&second.event_id))?;
    same("events", found, vec![(second.event_id, second.address)])
}

/// Events of one eUICC that every SM-DS must have room for.
const MANY: usize = 8;

fn all(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let mut expected = Vec::new();
    for number in 0..MANY {
        let mut event = bench.event(&euicc);
        event.address = format!("smdp{number}.conformance.example.com");
        bench.registered(&event)?.ok("registerEvent")?;
        expected.push((event.event_id, event.address));
    }
    let mut found = bench.events(&euicc, None)?;
    found.sort();
    expected.sort();
    same("events", found, expected)
}

fn hidden(bench: &mut Bench) -> Check {
    let (euicc, other) = (bench.euicc()?, bench.euicc()?);
    let event = bench.event(&euicc);
    bench.registered(&event)?.ok("registerEvent")?;
    same("events", bench.events(&other, None)?.len(), 0)?;
    let started = bench.device.started(&other)?;
    let asked = Some(event.event_id.as_str());
    let reply = bench.device.authenticated(&other, &started, asked)?;
    reply.refused_with("authenticateClient", "8.9.5/3.9")
}

fn again(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    bench.registered(&event)?.ok("registerEvent")?;
    for _ in 0..2 {
        ensure(bench.is_there(&euicc, &event)?, "the event is told")?;
    }
    Ok(())
}

/// ES11.AuthenticateClient in ASN.1: the events, or the integer of the refusal.
pub(super) fn asn1_events(
    bench: &mut Bench,
    euicc: &Euicc,
    event_id: Option<&str>,
) -> Check<Result<Vec<(String, String)>, i64>> {
    let address = bench.device.settings.address.clone();
    let started = match bench.device.started_asn1(euicc, &address)? {
        Ok(started) => started,
        Err(code) => return fail(format!("InitiateAuthentication is refused with {code}")),
    };
    let response = euicc.authenticates(euicc.signed1(&started.signed, event_id))?;
    let request =
        RemoteProfileProvisioningRequest::AuthenticateClientRequest(AuthenticateClientRequest {
            transaction_id: started.signed.transaction_id.clone(),
            authenticate_server_response: response,
            use_matching_id_for_acr: None,
            extensions: Extensions::default(),
        });
    match bench.device.asn1(&request)? {
        RemoteProfileProvisioningResponse::AuthenticateClientResponseEs11(
            AuthenticateClientResponseEs11::Ok(ok),
        ) => {
            let entries = ok.event_entries.into_iter();
            let entry = entries.map(|entry| (entry.event_id, entry.rsp_server_address));
            Ok(Ok(entry.collect()))
        }
        RemoteProfileProvisioningResponse::AuthenticateClientResponseEs11(
            AuthenticateClientResponseEs11::Error(code),
        ) => Ok(Err(code.0)),
        _ => fail("another response than ES11.AuthenticateClient's"),
    }
}

fn in_asn1(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    same(
        "events, when none waits",
        asn1_events(bench, &euicc, None)?,
        Ok(Vec::new()),
    )?;
    let event = bench.event(&euicc);
    bench.registered(&event)?.ok("registerEvent")?;
    let json = bench.events(&euicc, None)?;
    same("events", asn1_events(bench, &euicc, None)?, Ok(json))
}

fn no_smdp(bench: &mut Bench) -> Check {
    for function in ["getBoundProfilePackage", "handleNotification"] {
        let path = format!("/gsma/rsp2/es9plus/{function}");
        let body = json!({ "transactionId": "0102030405060708" });
        let reply = bench.device.post(&path, &body, Certificates::None)?;
        let refused = String::from_utf8_lossy(&reply.body).contains("Failed");
        ensure(
            (400..500).contains(&reply.status) || (reply.status == 200 && refused),
            &format!("{function} is answered with {}", reply.status),
        )?;
    }
    Ok(())
}

fn no_requests(bench: &mut Bench) -> Check {
    let mut status = |method, path: &str, kind, body: &[u8]| {
        let message = HttpMessage {
            method,
            path: path.into(),
            headers: headers(kind),
            body: body.to_vec(),
            ..HttpMessage::default()
        };
        let reply = bench.device.http.send(&message);
        reply.map(|reply| reply.status)
    };
    const JSON: &str = "application/json;charset=UTF-8";
    const INITIATE: &str = "/gsma/rsp2/es9plus/initiateAuthentication";
    let rows = [
        ("GET", INITIATE, JSON, "", &[404, 405][..]),
        ("POST", "/gsma/rsp2/es9plus/nothing", JSON, "{}", &[404]),
        ("POST", INITIATE, JSON, "{", &[400]),
        ("POST", INITIATE, JSON, "[]", &[400]),
        (
            "POST",
            "/gsma/rsp2/asn1",
            "application/x-gsma-rsp-asn1",
            "A2",
            &[400],
        ),
    ];
    for (method, path, kind, body, expected) in rows {
        match status(method, path, kind, body.as_bytes()) {
            // A pair of codes is as good where the function is known.
            Ok(200) if path == INITIATE && method == "POST" => {}
            Ok(found) => one_of(&format!("{method} {path} `{body}`"), &found, expected)?,
            Err(error) => return fail(format!("{method} {path} `{body}`: {error}")),
        }
    }
    Ok(())
}
