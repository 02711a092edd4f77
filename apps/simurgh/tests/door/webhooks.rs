//! Webhooks of a running server, to a receiver that is not ours.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asking::{Answer, Asker, JSON};
use crate::feed::{UNLIMITED, add_device, wait_for};
use crate::receiver::{Receiver, Told, is_there, may_be_told};
use crate::support::Server;

const SECRETS: [&str; 2] = [
    "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
];

/// How long something may take that is due.
const SOON: Duration = Duration::from_secs(30);

/// A server that may tell receivers on this machine.
fn server(name: &str) -> Server {
    Server::prepared(name, &UNLIMITED, may_be_told)
}

fn add(asker: &Asker, port: u16, more: Value) -> String {
    let mut endpoint = json!({
        "url": format!("https://localhost:{port}/hook"),
        "types": ["device.*"],
        "secret": SECRETS[0],
    });
    let members = endpoint.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let added = asker.post("/v1/webhook-endpoints", &endpoint);
    assert_eq!(added.status, 201, "{added:?}");
    let added = added.json();
    assert_eq!(added["state"], "enabled");
    added["id"].as_str().unwrap().to_string()
}

fn set(asker: &Asker, id: &str, tag: Option<&str>, settings: &Value) -> Answer {
    let mut headers = vec![JSON];
    headers.extend(tag.map(|tag| ("if-match", tag)));
    let path = format!("/v1/webhook-endpoints/{id}");
    asker.send("PATCH", &path, &headers, settings.to_string().as_bytes())
}

fn show(asker: &Asker, id: &str) -> Value {
    asker.get(&format!("/v1/webhook-endpoints/{id}")).json()
}

fn deliveries(asker: &Asker, query: &str) -> Vec<Value> {
    let page = asker.get(&format!("/v1/deliveries?{query}")).json();
    page["items"].as_array().unwrap().clone()
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An event may come twice if an answer was lost, but not out of order.
fn in_order(told: &[Told]) -> Vec<i64> {
    let mut numbers: Vec<i64> = told.iter().filter_map(|told| told.sequence).collect();
    numbers.dedup();
    numbers
}

/// It fails, the server is killed meanwhile and the secret replaced: it gets every
/// event afterwards, in order, and the library verifies each.
#[test]
fn a_receiver_that_fails_for_a_while_gets_every_event() {
    if !is_there("webhooks over HTTP") {
        return;
    }
    let server = server("hooks-while");
    let asker = Asker::new(&server);
    let mut receiver = Receiver::start(server.folder(), "real", &SECRETS[..1]);
    let id = add(&asker, receiver.port, json!({}));
    receiver.answer(&[500, 503]);
    (1..=5).for_each(|number| add_device(&asker, number));
    let first = receiver.request();
    assert_eq!(first.verified, 1);
    until("it is failing", || show(&asker, &id)["state"] == "failing");
    assert_eq!(deliveries(&asker, "state=retrying").len(), 1);
    assert_eq!(receiver.request().sequence, first.sequence);
    until("it failed again", || show(&asker, &id)["attempts"] == 2);

    let server = Server::in_folder(server.stop(), &UNLIMITED);
    let asker = Asker::new(&server);
    (6..=25).for_each(|number| add_device(&asker, number));
    // For a day both sign, each as the library wants it.
    let rotate = format!("/v1/webhook-endpoints/{id}/rotate");
    let rotated = asker.send("POST", &rotate, &[], b"").json();
    let new = rotated["secret"].as_str().unwrap();
    assert!(rotated["rotates_until"].is_string() && new != SECRETS[0]);
    assert!(show(&asker, &id)["secret"].is_null(), "it is shown once");
    let secrets = server.folder().join("secrets-1");
    std::fs::write(secrets, format!("{}\n{new}", SECRETS[0])).unwrap();
    receiver.answer(&[204; 40]);
    let mut told = receiver.requests(25);
    while in_order(&told).len() < 25 {
        told.push(receiver.request());
    }
    assert!(told.iter().all(|told| told.verified == 2), "{told:?}");
    let numbers = in_order(&told);
    let all = wait_for(&asker, "device.added", 25);
    let expected: Vec<i64> = all
        .iter()
        .map(|event| event["sequence"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, expected);
    let ids: BTreeSet<&str> = all
        .iter()
        .filter_map(|event| event["id"].as_str())
        .collect();
    assert!(told.iter().all(|told| ids.contains(told.id.as_str())));
    until("all is put down", || {
        deliveries(&asker, "state=delivered").len() == 25
    });
    assert_eq!(show(&asker, &id)["state"], "enabled");
}

#[test]
fn a_test_event_is_sent_at_once() {
    if !is_there("tests of webhooks") {
        return;
    }
    let server = server("hooks-test");
    let asker = Asker::new(&server);
    let mut receiver = Receiver::start(server.folder(), "real", &SECRETS[..1]);
    let id = add(&asker, receiver.port, json!({}));
    let path = format!("/v1/webhook-endpoints/{id}/test");
    receiver.answer(&[200, 500]);
    let tested = asker.send("POST", &path, &[], b"").json();
    assert_eq!(
        (&tested["state"], &tested["detail"]),
        (&json!("delivered"), &json!("ok"))
    );
    let told = receiver.request();
    assert_eq!(
        (told.kind.as_str(), told.sequence),
        ("io.simurgh.webhook.tested.v1", None)
    );
    let tested = asker.send("POST", &path, &[], b"").json();
    assert_eq!(
        (&tested["state"], &tested["status"]),
        (&json!("failed"), &json!(500))
    );
    assert_eq!(receiver.request().verified, 1);
    assert!(deliveries(&asker, "").is_empty(), "it is in no list");
}

/// One event again, a range again: the same identifiers, in order, before what is new.
#[test]
fn events_are_sent_again_if_somebody_asks() {
    if !is_there("webhooks once more") {
        return;
    }
    let server = server("hooks-again");
    let asker = Asker::new(&server);
    let mut receiver = Receiver::start(server.folder(), "real", &SECRETS[..1]);
    let id = add(&asker, receiver.port, json!({}));
    let path = |verb: &str| format!("/v1/webhook-endpoints/{id}/{verb}");

    receiver.answer(&[200; 5]);
    (1..=5).for_each(|number| add_device(&asker, number));
    let told = receiver.requests(5);
    let numbers = in_order(&told);
    until("all is put down", || deliveries(&asker, "").len() == 5);

    let third = deliveries(&asker, &format!("sequence={}", numbers[2]));
    let resend = format!("/v1/deliveries/{}/resend", third[0]["id"].as_str().unwrap());
    receiver.answer(&[200]);
    assert_eq!(asker.send("POST", &resend, &[], b"").status, 204);
    let again = receiver.request();
    assert_eq!((&again.id, again.verified), (&told[2].id, 1));
    until("it is put down", || {
        let all = deliveries(&asker, &format!("sequence={}", numbers[2]));
        all.len() == 2 && all[0]["replayed"] == true
    });

    receiver.answer(&[200; 4]);
    let range = json!({"first": numbers[1], "last": numbers[3]});
    assert_eq!(asker.post(&path("replay"), &range).status, 204);
    assert_eq!(in_order(&receiver.requests(3)), numbers[1..=3]);
    // Those, too, that the filter does not want: that the endpoint was added.
    let one = json!({"first": 1, "last": 1, "unfiltered": true});
    assert_eq!(asker.post(&path("replay"), &one).status, 204);
    let added = receiver.request();
    assert_eq!(added.kind, "io.simurgh.webhook.added.v1");
    // What is new comes after it.
    receiver.answer(&[200]);
    add_device(&asker, 6);
    assert!(receiver.request().sequence > told[4].sequence);

    let metrics = asker.get("/metrics");
    let metrics = String::from_utf8_lossy(&metrics.body);
    let taken = "simurgh_webhook_attempts_total{result=\"taken\"} 1";
    assert!(metrics.contains(taken), "{metrics}");

    for wrong in [
        json!({"first": 3, "last": 2}),
        json!({"first": 1, "last": 1000}),
    ] {
        asker.post(&path("replay"), &wrong).problem(422);
    }
    let resend = format!("/v1/deliveries/{id}.7/resend");
    asker.send("POST", &resend, &[], b"").problem(404);
    asker.get("/v1/deliveries?state=lost").problem(422);
}

/// One that never answers and one that wants few beside one that takes all.
#[test]
fn slow_receivers_hold_up_nobody_and_rates_are_kept() {
    if !is_there("slow receivers of webhooks") {
        return;
    }
    let server = server("hooks-slow");
    let asker = Asker::new(&server);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut fast = Receiver::start(server.folder(), "real", &SECRETS[..1]);
    let mut seldom = Receiver::start(server.folder(), "real", &SECRETS[..1]);
    let port = silent.local_addr().unwrap().port();
    add(&asker, port, json!({"description": "never answers"}));
    let id = add(&asker, fast.port, json!({"rate": 1000}));
    add(&asker, seldom.port, json!({"rate": 4}));
    fast.answer(&[200; 30]);
    seldom.answer(&[200; 30]);
    let begun = Instant::now();
    (1..=13).for_each(|number| add_device(&asker, number));
    let told = fast.requests(13);
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "{:?}",
        begun.elapsed()
    );
    assert!(told.iter().all(|told| told.verified == 1));
    assert_eq!(show(&asker, &id)["state"], "enabled");
    let told = seldom.requests(13);
    let took = told[12].came - told[0].came;
    println!("13 events at 4 in a second took {took:.2} s");
    assert!(took >= 2.9, "{took}");
    for pair in told.windows(2) {
        assert!(pair[1].came - pair[0].came >= 0.24, "{pair:?}");
    }
}

#[test]
fn endpoints_are_added_changed_and_removed() {
    let server = server("hooks-kept");
    let asker = Asker::new(&server);
    let id = add(&asker, 9, json!({"description": "for people"}));
    let listed = asker.get("/v1/webhook-endpoints").json();
    assert_eq!(listed["items"][0]["id"], id.as_str());
    assert!(!listed.to_string().contains("whsec"), "{listed}");
    let path = format!("/v1/webhook-endpoints/{id}");
    let tag = asker.get(&path).headers["etag"]
        .to_str()
        .unwrap()
        .to_string();
    let same = asker.send("GET", &path, &[("if-none-match", &tag)], b"");
    assert_eq!(same.status, 304);

    let off = set(
        &asker,
        &id,
        Some(&tag),
        &json!({"enabled": false, "rate": 7}),
    )
    .json();
    assert_eq!(
        (&off["state"], &off["rate"]),
        (&json!("disabled"), &json!(7))
    );
    assert_eq!(off["types"], json!(["device.*"]), "what is not said stays");
    set(&asker, &id, Some(&tag), &json!({"rate": 8})).problem(412);
    assert_eq!(
        set(&asker, &id, None, &json!({"enabled": true})).json()["state"],
        "enabled"
    );
    for (wrong, field) in [
        (json!({"url": "http://localhost/"}), "url"),
        (json!({"rate": 0}), "rate"),
        (json!({"types": ["nothing.*"]}), "types"),
        (json!({"subjects": [""]}), "subjects"),
        (json!({"description": "a".repeat(513)}), "description"),
    ] {
        let problem = set(&asker, &id, None, &wrong).problem(422);
        assert_eq!(problem["field"], field);
    }
    let secret = json!({"url": "https://localhost/", "secret": "whsec_SHORT"});
    let problem = asker.post("/v1/webhook-endpoints", &secret).problem(422);
    assert!(!problem.to_string().contains("SHORT"), "{problem}");

    assert_eq!(asker.send("DELETE", &path, &[], b"").status, 204);
    asker.send("DELETE", &path, &[], b"").problem(404);
    for verb in ["rotate", "test"] {
        let path = format!("{path}/{verb}");
        asker.send("POST", &path, &[], b"").problem(404);
    }
    let range = json!({"first": 1, "last": 1});
    asker.post(&format!("{path}/replay"), &range).problem(404);
    let kinds = ["webhook.added", "webhook.changed", "webhook.removed"];
    for (kind, count) in kinds.iter().zip([1, 2, 1]) {
        assert_eq!(wait_for(&asker, kind, count).len(), count);
    }
    assert!(!server.log().contains("whsec"));
}
