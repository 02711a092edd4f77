//! Traces of a running server, read by a collector that is not ours.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "door/asking.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod asking;
#[path = "support/collector.rs"]
mod collector;
#[path = "support/receiver.rs"]
mod receiver;
mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use asking::{Asker, EID};
use collector::{Collector, is_there};
use serde_json::{Value, json};
use support::{Folder, Server, run_in};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const KEY: &str = "a-key-of-the-collector";

/// Both ends, with a certificate for the collector.
struct Site {
    collector: Collector,
    server: Server,
    asker: Asker,
}

fn prepared(name: &str) -> Folder {
    let folder = Folder::new(name);
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    receiver::may_be_told(&folder.0);
    let headers = format!("# theirs\nAuthorization: Bearer {KEY}\n");
    std::fs::write(folder.0.join("traces.headers"), headers).unwrap();
    folder
}

fn serve(folder: Folder, port: u16, sample: &str) -> Server {
    let settings = [
        format!("traces.endpoint=https://localhost:{port}/otlp/"),
        "traces.ca=server.pem".to_string(),
        "traces.headers_file=traces.headers".to_string(),
        format!("traces.sample={sample}"),
        "traces.instance=eim-1".to_string(),
    ];
    let settings = settings.iter().flat_map(|one| ["--set", one.as_str()]);
    Server::in_folder(folder, &settings.collect::<Vec<_>>())
}

impl Site {
    fn new(name: &str, sample: &str) -> Self {
        let folder = prepared(name);
        let collector = Collector::start(&folder.0, 0);
        let server = serve(folder, collector.port, sample);
        Site {
            asker: Asker::new(&server),
            collector,
            server,
        }
    }

    fn get(&self, path: &str, traceparent: &str) {
        let headers = [("traceparent", traceparent)];
        self.asker.send("GET", path, &headers, b"");
    }

    /// A counter of the server.
    fn count(&self, name: &str) -> u64 {
        let text = self.asker.get("/metrics").body;
        let text = String::from_utf8(text.to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {text}"))
            .trim()
            .parse()
            .unwrap()
    }
}

fn parts<'a>(spans: &'a [Value], of: &Value) -> BTreeSet<&'a str> {
    let parts = spans.iter().filter(|span| span["parent"] == of["span"]);
    parts.filter_map(|span| span["name"].as_str()).collect()
}

#[test]
fn a_request_goes_on_with_the_trace_of_its_caller() {
    if !is_there("traces: of callers") {
        return;
    }
    let site = Site::new("traces-callers", "0");
    // With a share of 0 nothing begins here, and what is wrong is no caller.
    site.asker.get("/v1/devices?limit=1");
    for wrong in [
        format!("00-{TRACE}-{CALLER}"),
        format!("00-{TRACE}-{CALLER}-01-more"),
        format!("00-{}-{CALLER}-01", TRACE.to_uppercase()),
        format!("00-{}-{CALLER}-01", "0".repeat(32)),
        format!("ff-{TRACE}-{CALLER}-01"),
        "x".repeat(8000),
    ] {
        site.get("/v1/devices?limit=2", &wrong);
    }
    // A caller that keeps nothing is followed in that.
    site.get("/v1/devices?limit=3", &format!("00-{TRACE}-{CALLER}-00"));
    site.get("/v1/devices?limit=4", &format!("00-{TRACE}-{CALLER}-01"));
    let later = format!("cc-{TRACE}-{CALLER}-01-of-a-later-version");
    site.get("/v1/devices/1", &later);

    let span = site.collector.span("GET /v1/devices");
    site.collector.span("GET /v1/devices/{eid}");
    let spans = site.collector.spans();
    let asked = spans.iter().filter(|span| span["kind"] == 2).count();
    assert_eq!(asked, 2, "{spans:#?}");
    is_of_the_caller(&span);
    let within = BTreeSet::from(["authenticate", "store"]);
    assert_eq!(parts(&spans, &span), within);
    let store = spans.iter().find(|span| span["name"] == "store").unwrap();
    assert_eq!(store["attributes"]["db.system.name"], "sqlite");
    assert_eq!(store["flags"], json!(0x101), "the parent is here");

    let request = &site.collector.requests()[0];
    assert_eq!(request["path"], "/otlp/v1/traces");
    assert_eq!(request["headers"]["authorization"], format!("Bearer {KEY}"));
    assert_eq!(request["headers"]["content-type"], "application/json");
}

fn is_of_the_caller(span: &Value) {
    assert_eq!(
        (&span["trace"], &span["parent"]),
        (&json!(TRACE), &json!(CALLER))
    );
    assert_eq!((&span["kind"], &span["status"]), (&json!(2), &json!(0)));
    assert_eq!(span["flags"], json!(0x301), "kept, the parent is elsewhere");
    let expected = json!({
        "http.request.method": "GET",
        "http.route": "/v1/devices",
        "http.response.status_code": 200,
        "url.scheme": "https",
    });
    assert_eq!(span["attributes"], expected);
    let resource = &span["resource"];
    assert_eq!(resource["service.name"], "simurgh");
    assert_eq!(resource["service.instance.id"], "eim-1");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(span["begun"].as_u64() < span["ended"].as_u64(), "{span}");
}

/// A poll as an IPA sends it.
fn poll(server: &Server) {
    let eim = server.address("eim");
    let output = Command::new("curl")
        .args(["--silent", "--insecure"])
        .args(["--data", &format!(r#"{{"eidValue":"{EID}"}}"#)])
        .args(["-H", "content-type: application/json"])
        .args(["-H", "x-admin-protocol: gsma/rsp/v2.1.0"])
        .arg(format!("https://{eim}/gsma/rsp2/esipa/getEimPackage"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn no_span_has_a_secret_or_names_a_device() {
    if !is_there("traces: secrets") {
        return;
    }
    let site = Site::new("traces-secrets", "1");
    let code = "LPA:1$smdp.example.com$A-SECRET-MATCHING-ID";
    let added = site.server.json(&["device", "add", EID]);
    let file = site.server.folder().join("codes.txt");
    std::fs::write(&file, format!("{code}\n")).unwrap();
    site.server.json(&["pool", "set", "meters"]);
    let file = file.display().to_string();
    site.server.json(&["code", "add", "meters", &file]);
    site.server.json(&["profile", "download", EID, code]);
    site.asker.get(&format!("/v1/devices?q=eid%3D{EID}"));
    site.asker.get(&format!("/no/such/path/{EID}"));
    Asker::stranger(&site.server).get("/v1/devices");
    poll(&site.server);

    let esipa = site.collector.span("ESipa getEimPackage");
    assert_eq!(esipa["attributes"]["simurgh.esipa.transport"], "https");
    assert_eq!(esipa["attributes"]["simurgh.esipa.outcome"], "answered");
    assert_eq!(esipa["kind"], 2);
    // The path that is none has no route, and is not repeated.
    let nowhere = site.collector.span("GET");
    assert_eq!(nowhere["attributes"]["http.response.status_code"], 404);

    let token = std::fs::read_to_string(site.server.folder().join("door.token")).unwrap();
    let requests = site.collector.requests();
    let bodies = requests
        .iter()
        .filter_map(|request| request["body"].as_str());
    let bodies: String = bodies.collect();
    assert!(bodies.contains("POST /v1/activation-codes"), "{bodies}");
    let device = added["device"].as_str().unwrap_or(EID);
    let secrets = [token.trim(), EID, device, "A-SECRET-MATCHING-ID", KEY];
    for secret in secrets {
        assert!(!bodies.contains(secret), "{secret}");
    }
    assert!(!site.server.log().contains(KEY));
}

#[test]
fn a_webhook_is_told_of_which_trace_it_is() {
    if !is_there("traces: webhooks") {
        return;
    }
    let site = Site::new("traces-webhooks", "1");
    let hook = format!("https://localhost:{}/s3cret-path", site.collector.port);
    let endpoint = json!({ "url": hook, "types": ["operation.*"] });
    let endpoint = site.asker.post("/v1/webhook-endpoints", &endpoint).json();
    let id = endpoint["id"].as_str().unwrap();
    let test = format!("/v1/webhook-endpoints/{id}/test");
    let tested = site.asker.send("POST", &test, &[], b"").json();
    assert_eq!(tested["status"], 204, "{tested}");

    let asked = site.collector.span("POST /v1/webhook-endpoints/{id}/test");
    let told = site.collector.span("webhook");
    assert_eq!(
        (&told["trace"], &told["kind"]),
        (&asked["trace"], &json!(3))
    );
    assert_eq!(told["attributes"]["server.address"], "localhost");
    assert_eq!(told["attributes"]["server.port"], site.collector.port);
    let requests = site.collector.requests();
    let mut hooked = requests.iter().filter(|one| one["path"] == "/s3cret-path");
    let text = |member: &str| told[member].as_str().unwrap().to_string();
    let expected = format!("00-{}-{}-01", text("trace"), text("span"));
    assert_eq!(hooked.next().unwrap()["headers"]["traceparent"], expected);
    let bodies = requests
        .iter()
        .filter_map(|request| request["body"].as_str());
    assert!(!bodies.collect::<String>().contains("s3cret-path"));
}

#[test]
fn a_collector_that_is_away_holds_nobody_up_and_gets_all_when_it_is_back() {
    if !is_there("traces: a collector that is away") {
        return;
    }
    let Site {
        collector,
        server,
        asker,
    } = Site::new("traces-away", "1");
    let port = collector.port;
    drop(collector);
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(asker.get("/v1/operations?limit=1").status, 200);
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    std::thread::sleep(Duration::from_secs(2));
    let collector = Collector::start(server.folder(), port);
    collector.wait("all of them", |collector| {
        let spans = collector.spans();
        let named = |span: &&Value| span["name"] == "GET /v1/operations";
        (spans.iter().filter(named).count() >= 50).then_some(())
    });
    let said = server.log();
    let said = said.matches("traces do not all reach").count();
    assert_eq!(said, 1, "{}", server.log());
}

/// What it does not want now it gets again, not before it said; what it does not want at
/// all it does not.
#[test]
fn a_collector_decides_what_it_gets_again() {
    if !is_there("traces: a collector that refuses") {
        return;
    }
    let site = Site::new("traces-refused", "1");
    let answered = |status: u16| {
        site.collector.wait("a refusal", |collector| {
            let requests = collector.requests();
            let mut is_one = requests.iter().map(|request| request["status"] == status);
            is_one.any(|is_one| is_one).then(Instant::now)
        })
    };
    let refused = "simurgh_trace_spans_dropped_total{reason=\"refused\"}";
    site.collector.answer("503 2");
    site.asker.get("/v1/events?limit=1");
    let at = answered(503);
    site.collector.answer("200");
    site.collector.span("GET /v1/events");
    let after = at.elapsed();
    assert!(after > Duration::from_millis(1500), "{after:?}");
    assert_eq!(site.count(refused), 0);

    site.collector.answer("400");
    site.asker.get("/v1/activation-code-pools");
    answered(400);
    let begun = Instant::now();
    while site.count(refused) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(100));
    }
    site.collector.answer("partial");
    site.collector.wait("what it takes in part", |collector| {
        let requests = collector.requests();
        let is_one = |request: &Value| request["partial"] == true;
        requests.iter().any(is_one).then_some(())
    });
    site.collector.answer("200");
    let sent = site.count("simurgh_trace_spans_sent_total");
    assert!(sent > 0);
    let names = site.collector.spans();
    let lost = names
        .iter()
        .filter(|span| span["name"] == "GET /v1/activation-code-pools");
    assert_eq!(lost.count(), 0, "it is not sent again");
    let full = "simurgh_trace_spans_dropped_total{reason=\"queue_full\"}";
    assert_eq!(site.count(full), 0);
}

#[test]
fn what_is_left_at_the_end_is_sent() {
    if !is_there("traces: the end") {
        return;
    }
    let site = Site::new("traces-end", "1");
    // What goes out meanwhile is taken a second later.
    site.asker.get("/v1/devices");
    site.collector.span("GET /v1/devices");
    site.asker.get("/v1/operations");
    let process = site.server.id().to_string();
    let ended = Command::new("kill").args(["-TERM", &process]).status();
    assert!(ended.unwrap().success());
    site.collector.span("GET /v1/operations");
}

#[test]
fn wrong_settings_are_named() {
    let folder = prepared("traces-settings");
    let said = |setting: &str| {
        let output = support::simurgh()
            .args(["serve", "--config"])
            .arg(folder.0.join("simurgh.toml"))
            .args(["--set", "traces.endpoint=https://localhost"])
            .args(["--set", "traces.ca=server.pem", "--set", setting])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (setting, named) in [
        ("traces.endpoint=http://localhost", "[traces] endpoint"),
        ("traces.sample=1.5", "[traces] sample"),
        ("traces.ca=simurgh.toml", "[traces] ca"),
        ("traces.headers_file=server.pem", "line 1"),
        ("traces.nothing=1", "nothing"),
    ] {
        let said = said(setting);
        assert!(said.contains(named), "{setting}: {said}");
    }
}
