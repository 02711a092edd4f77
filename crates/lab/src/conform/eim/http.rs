//! The wire: EIM-61 to -65, -73.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bench::{Bench, P1};
use super::device::Device;
use crate::conform::case::{Case, Check, Stop, absent, case, ensure, one_of, same, skip, some};
use crate::conform::der::{hex, tlv};
use crate::conform::{HttpMessage, HttpReply};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-61", "the JSON binding", json_binding),
    case("EIM-62", "errors in the JSON binding", json_errors),
    case("EIM-63", "requests that are none", negatives),
    case("EIM-64", "X-Admin-Protocol of any version", protocols),
    case("EIM-65", "both bindings at once", both),
    absent(
        "EIM-73",
        "TLS 1.1 and weak suites",
        "the suite's TLS library cannot offer them; use testssl.sh",
    ),
];

/// A function of the JSON binding; skipped if the eIM has none.
pub(super) fn function(bench: &mut Bench, name: &str, body: &Value) -> Check<Value> {
    let headers = [
        ("Content-Type", "application/json;charset=UTF-8"),
        ("X-Admin-Protocol", "gsma/rsp/v2.1.0"),
        ("User-Agent", "gsma-rsp-ipad"),
    ];
    let message = HttpMessage {
        path: format!("/gsma/rsp2/esipa/{name}"),
        headers: headers
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        body: serde_json::to_vec(body)?,
        ..HttpMessage::default()
    };
    let reply = bench.http.send(&message).map_err(Stop::Failed)?;
    if matches!(reply.status, 404 | 501) {
        return skip(format!(
            "the eIM has no JSON binding: HTTP {}",
            reply.status
        ));
    }
    same("the HTTP status", reply.status, 200)?;
    Ok(serde_json::from_slice(&reply.body)?)
}

pub(super) fn status(message: &Value) -> &str {
    let status = message.pointer("/header/functionExecutionStatus/status");
    status.and_then(Value::as_str).unwrap_or_default()
}

fn poll(bench: &mut Bench, device: &Device) -> Check<Value> {
    function(
        bench,
        "getEimPackage",
        &json!({ "eidValue": device.eid.to_string() }),
    )
}

fn json_binding(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    poll(bench, &device)?;
    bench.place(&device, json!({"kind": "enable", "iccid": P1}))?;
    // What the eIM wants to know before it, it is told in the other binding; a
    // package without a result comes again.
    let same_package = bench.package(&device)?;
    let answer = poll(bench, &device)?;
    same("status", status(&answer), "Executed-Success")?;
    let package = answer.get("euiccPackageRequest").and_then(Value::as_str);
    let package = STANDARD.decode(some("euiccPackageRequest", package)?);
    let package = package.map_err(|error| Stop::Failed(error.to_string()))?;
    ensure(
        package == same_package.octets,
        "the package is that of the ASN.1 binding",
    )?;
    let result = device.result(&same_package, &hex("830100"), 7)?;
    let body = json!({
        "eidValue": device.eid.to_string(),
        "eimPackageResult": STANDARD.encode(result),
    });
    let answer = function(bench, "provideEimPackageResult", &body)?;
    same("status", status(&answer), "Executed-Success")
}

fn json_errors(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let nothing = poll(bench, &device)?;
    let code = nothing.get("eimPackageError").and_then(Value::as_i64);
    let pair = |answer: &Value| {
        let data = answer.pointer("/header/functionExecutionStatus/statusCodeData");
        let member = |name| data.and_then(|data| data.get(name)?.as_str()).unwrap_or("");
        format!("{}/{}", member("subjectCode"), member("reasonCode"))
    };
    ensure(
        code == Some(1) || pair(&nothing) == "8.1.1/3.7",
        &format!("nothing waits is told by 1 or by 8.1.1/3.7: {nothing}"),
    )?;
    let stranger = bench.stranger(None)?;
    let unknown = poll(bench, &stranger)?;
    let code = unknown.get("eimPackageError").and_then(Value::as_i64);
    ensure(
        code == Some(2) || pair(&unknown) == "8.1.1/3.9",
        &format!("an unknown EID is told by 2 or by 8.1.1/3.9: {unknown}"),
    )
}

fn negatives(bench: &mut Bench) -> Check {
    let mut status = |method: &'static str, path: &str, body: Vec<u8>| {
        let kind = "application/x-gsma-rsp-asn1";
        let message = HttpMessage {
            method,
            path: path.into(),
            headers: vec![("Content-Type".into(), kind.into())],
            body,
            ..HttpMessage::default()
        };
        let reply: HttpReply = bench.http.send(&message).map_err(Stop::Failed)?;
        Ok::<u16, Stop>(reply.status)
    };
    let path = "/gsma/rsp2/asn1";
    one_of("GET", &status("GET", path, Vec::new())?, &[404, 405])?;
    let elsewhere = status("POST", "/nowhere", hex("BF4F00"))?;
    one_of("a wrong path", &elsewhere, &[400, 404, 405, 415])?;
    one_of(
        "garbage",
        &status("POST", path, hex("FFFFFF"))?,
        &[400, 415, 422],
    )?;
    let eid = tlv(0xBF4F, &tlv(0x5A, &[0x89; 16]));
    let trailing = [eid, hex("0000")].concat();
    one_of(
        "octets at the end",
        &status("POST", path, trailing)?,
        &[400, 422],
    )?;
    let huge = tlv(0xBF4F, &vec![0; 12 << 20]);
    match status("POST", path, huge) {
        // The connection may be closed before the body was sent.
        Err(_) => Ok(()),
        Ok(found) => one_of("12 MiB", &found, &[400, 413]),
    }
}

fn protocols(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let body = tlv(0xBF4F, &tlv(0x5A, device.eid.as_bytes()));
    for version in ["v1.0.0", "v2.1.0", "v2.4.0", "v3.1.0"] {
        let headers = [
            ("Content-Type", "application/x-gsma-rsp-asn1".to_string()),
            ("X-Admin-Protocol", format!("gsma/rsp/{version}")),
        ];
        let message = HttpMessage {
            path: "/gsma/rsp2/asn1".into(),
            headers: headers.map(|(name, value)| (name.into(), value)).into(),
            body: body.clone(),
            ..HttpMessage::default()
        };
        let reply = bench.http.send(&message).map_err(Stop::Failed)?;
        same(
            &format!("the HTTP status with {version}"),
            reply.status,
            200,
        )?;
        let found = reply.header("x-admin-protocol").unwrap_or_default();
        ensure(
            found.starts_with("gsma/rsp/v"),
            "X-Admin-Protocol is in the answer",
        )?;
    }
    Ok(())
}

fn both(bench: &mut Bench) -> Check {
    let (first, second) = (bench.certified_device(None)?, bench.certified_device(None)?);
    let json = poll(bench, &first)?;
    ensure(!status(&json).is_empty(), "JSON has a status")?;
    let asn1 = bench.poll_with(&second, &[])?;
    ensure(asn1.starts_with(&hex("BF4F")), "ASN.1 is answered in ASN.1")?;
    poll(bench, &first).map(drop)
}
