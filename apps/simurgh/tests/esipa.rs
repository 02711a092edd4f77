//! ESipa of a running server over TLS: both bindings, headers, and requests
//! that are none.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use rsp_asn1::Asn1;
use rsp_core::pki::{TlsTrust, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::{Value, json};
use support::Server;

/// Name of the eIM that `simurgh init` writes.
const FQDN: &str = "eim.simurgh.test";
const EID: &str = "89882119900000000000000000000005";
const ASN1: &str = "application/x-gsma-rsp-asn1";
const JSON: &str = "application/json;charset=UTF-8";

struct Ipa {
    client: Client,
    trust: TlsTrust,
    runtime: tokio::runtime::Runtime,
}

impl Ipa {
    fn new(server: &Server) -> Self {
        let ca = std::fs::read_to_string(server.folder().join("pki/ci.pem")).unwrap();
        let client = Client::builder()
            .resolve(FQDN, server.address("eim"))
            .build(Arc::new(SoftwareProvider));
        Ipa {
            client: client.unwrap(),
            trust: TlsTrust::Certificate(certificate_from_pem(&ca).unwrap()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn send(&self, method: Method, path: &str, kind: &str, body: &[u8]) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://{FQDN}{path}"))
            .header("content-type", kind)
            .header("x-admin-protocol", "gsma/rsp/v2.4.0")
            .header("user-agent", "gsma-rsp-ipad")
            .body(Bytes::copy_from_slice(body))
            .unwrap();
        let sent = self.client.request_raw(&self.trust, request);
        self.runtime.block_on(sent).unwrap()
    }

    fn json(&self, function: &str, body: &Value) -> (u16, Value) {
        let path = format!("/gsma/rsp2/esipa/{function}");
        let response = self.send(Method::POST, &path, JSON, body.to_string().as_bytes());
        let status = response.status().as_u16();
        let read = serde_json::from_slice(response.body());
        (status, read.unwrap_or(Value::Null))
    }
}

fn poll(eid: &str) -> Vec<u8> {
    use rsp_asn1::sgp32::GetEimPackageRequest;
    GetEimPackageRequest {
        eid_value: eid.parse().unwrap(),
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: rsp_asn1::Extensions::default(),
    }
    .to_der()
}

/// EIM-33, EIM-34, EIM-36, EIM-61, EIM-62, EIM-64, EIM-65: polls in both
/// bindings on one server.
#[test]
fn polls_in_both_bindings() {
    let server = Server::start("esipa-bindings", &[]);
    server.json(&["device", "add", EID]);
    let ipa = Ipa::new(&server);
    let asn1 = ipa.send(Method::POST, "/gsma/rsp2/asn1", ASN1, &poll(EID));
    assert_eq!(asn1.body()[..], [0xBF, 0x4F, 3, 2, 1, 1]);
    assert_eq!(asn1.headers()["content-type"], ASN1);
    assert_eq!(asn1.headers()["x-admin-protocol"], "gsma/rsp/v2.4.0");

    let body = json!({ "eidValue": EID }).to_string();
    let path = "/gsma/rsp2/esipa/getEimPackage";
    let response = ipa.send(Method::POST, path, JSON, body.as_bytes());
    assert_eq!(response.headers()["content-type"], JSON);
    assert_eq!(response.headers()["x-admin-protocol"], "gsma/rsp/v2.4.0");
    let read: Value = serde_json::from_slice(response.body()).unwrap();
    let status = &read["header"]["functionExecutionStatus"];
    assert_eq!(status["status"], "Failed");
    assert_eq!(status["statusCodeData"]["subjectCode"], "8.1.1");
    assert_eq!(status["statusCodeData"]["reasonCode"], "3.7");
    assert_eq!(read["eimPackageError"], 1);

    for (body, error) in [
        (json!({ "eidValue": "89049032123451234512345678901235" }), 2),
        (json!({ "eidValue": "8904" }), 3),
        (json!({}), 4),
    ] {
        let (status, read) = ipa.json("getEimPackage", &body);
        assert_eq!((status, &read["eimPackageError"]), (200, &json!(error)));
    }

    server.json(&["profile", "enable", EID, "8999970000000000010"]);
    let (status, read) = ipa.json("getEimPackage", &json!({ "eidValue": EID }));
    assert_eq!(status, 200);
    let status = &read["header"]["functionExecutionStatus"]["status"];
    assert_eq!(status, "Executed-Success", "{read}");
    assert!(read["ipaEuiccDataRequest"].is_string(), "{read}");
}

/// A build that writes as version 1.0 did is known again, and asked with the
/// tags of that version: 80 in place of 81, 88 in place of A8.
#[test]
fn builds_are_known_and_answered_in_their_form() {
    let server = Server::start("esipa-builds", &[]);
    server.json(&["device", "add", EID]);
    let ipa = Ipa::new(&server);
    let post = |body: &[u8]| ipa.send(Method::POST, "/gsma/rsp2/asn1", ASN1, body);
    post(&poll(EID));
    assert_eq!(
        server.json(&["device", "show", EID])["ipa_build"],
        Value::Null
    );
    // rPLMN 262-01 under '81', as in version 1.0.
    let mut old = poll(EID);
    old[2] += 5;
    old.extend([0x81, 3, 0x62, 0xF2, 0x10]);
    assert_eq!(post(&old).body()[..], [0xBF, 0x4F, 3, 2, 1, 1]);
    let build = &server.json(&["device", "show", EID])["ipa_build"];
    assert_eq!(build["quirks"], json!(["rplmn-under-81"]));
    assert_eq!(build["user_agent"], "gsma-rsp-ipad");
    assert_eq!(build["v1_0"], true);
    server.json(&["device", "data", EID, "--tags", "81BF22A8"]);
    let asked = post(&old);
    let tags = [0x5C, 4, 0x80, 0xBF, 0x22, 0x88];
    let contains = asked.body().windows(tags.len()).any(|part| part == tags);
    assert!(contains, "{:02X?}", asked.body());
}

/// EIM-63: never 200 for what is no message.
#[test]
fn requests_that_are_none() {
    let server = Server::start("esipa-negatives", &[]);
    server.json(&["device", "add", EID]);
    let ipa = Ipa::new(&server);
    let good = poll(EID);
    let trailing = [&good[..], &[0]].concat();
    let json = "/gsma/rsp2/esipa/getEimPackage";
    let asn1 = "/gsma/rsp2/asn1";
    let large = vec![0x30; 4 << 20];
    for (method, path, kind, body, expected) in [
        (Method::GET, asn1, ASN1, &b""[..], 405),
        (Method::GET, json, JSON, b"", 405),
        (Method::PUT, json, JSON, b"{}", 405),
        (Method::POST, "/gsma/rsp2/asn2", ASN1, &good, 404),
        (Method::POST, "/", ASN1, &good, 404),
        (Method::POST, "/gsma/rsp2/esipa/", JSON, b"{}", 404),
        (
            Method::POST,
            "/gsma/rsp2/esipa/getProfile",
            JSON,
            b"{}",
            404,
        ),
        (
            Method::POST,
            "/gsma/rsp2/esipa/transferEimPackage",
            JSON,
            b"{}",
            404,
        ),
        (Method::POST, asn1, ASN1, b"\x30\x80garbage", 400),
        (Method::POST, asn1, ASN1, &trailing, 400),
        (Method::POST, asn1, ASN1, b"", 400),
        (Method::POST, json, JSON, b"garbage", 400),
        (Method::POST, json, JSON, &good, 400),
        (Method::POST, asn1, "text/html", b"garbage", 415),
        (Method::POST, json, "text/html", b"garbage", 415),
        (Method::POST, asn1, JSON, b"{}", 415),
        (Method::POST, json, ASN1, &good, 415),
        (Method::POST, asn1, ASN1, &large, 413),
    ] {
        let response = ipa.send(method.clone(), path, kind, body);
        assert_eq!(
            response.status().as_u16(),
            expected,
            "{method} {path} {kind}"
        );
    }
    // A content type is not held against a message that is one.
    let response = ipa.send(Method::POST, asn1, "application/octet-stream", &good);
    assert_eq!(response.status(), 200);
}
