//! What holds for every request.

use std::time::Duration;

use serde_json::json;

use crate::asking::{Asker, EID, JSON};
use crate::support::Server;

#[test]
fn refusals_are_problems() {
    let server = Server::start("door-problems", &[]);
    let asker = Asker::new(&server);
    asker.get("/v1/nothing").problem(404);
    asker.get("/nothing").problem(404);
    let wrong = asker.send("PUT", "/v1/devices", &[JSON], b"{}");
    wrong.problem(405);
    let allow = wrong.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");

    let typed = asker.send(
        "POST",
        "/v1/devices",
        &[("content-type", "text/plain")],
        b"{}",
    );
    typed.problem(415);
    asker.send("POST", "/v1/devices", &[], b"{}").problem(415);
    let broken = asker.send("POST", "/v1/devices", &[JSON], b"{\"eid\": SECRET");
    let problem = broken.problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("line 1"));
    let member = json!({"eid": EID, "counter_value": "SECRET"});
    let problem = asker.post("/v1/devices", &member).problem(422);
    assert_eq!(problem["field"], "counter_value");
    assert!(!problem.to_string().contains("SECRET"), "{problem}");
    let large = vec![b' '; (1 << 20) + 1];
    asker
        .send("POST", "/v1/devices", &[JSON], &large)
        .problem(413);

    asker.get("/v1/devices?limit=0").problem(422);
    asker.get("/v1/devices?limit=x").problem(422);
    asker.get("/v1/devices?order=eid").problem(422);
    asker.get("/v1/devices/123").problem(422);
    asker.get("/v1/devices/%FF").problem(404);
    asker.get(&format!("/v1/devices/{EID}")).problem(404);
    assert_eq!(asker.send("HEAD", "/v1/devices", &[], b"").status, 200);
}

#[test]
fn a_post_with_a_key_is_carried_out_once() {
    let server = Server::start("door-keys", &[]);
    let asker = Asker::new(&server);
    let body = json!({"eid": EID, "counter_value": 0}).to_string();
    let post = |key: &str, path: &str, body: &str| {
        let headers = [JSON, ("idempotency-key", key)];
        asker.send("POST", path, &headers, body.as_bytes())
    };
    let first = post("one", "/v1/devices", &body);
    assert_eq!(first.status, 201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = post("\"one\"", "/v1/devices", &body);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    // Without the key, or with another, it is done again.
    post("two", "/v1/devices", &body).problem(409);
    let replayed = post("two", "/v1/devices", &body);
    replayed.problem(409);
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    post("one", "/v1/devices", "{}").problem(422);
    post("one", "/v1/operations", &body).problem(422);
    post("", "/v1/devices", &body).problem(422);
    post(&"k".repeat(256), "/v1/devices", &body).problem(422);

    let enable = json!({"eid": EID, "operation": {"kind": "get_rat"}}).to_string();
    let ids: Vec<_> = (0..3)
        .map(|_| post("op", "/v1/operations", &enable).json()["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let listed = asker.get("/v1/operations").json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn lists_come_in_pages_with_a_link() {
    let server = Server::start("door-pages", &[]);
    let asker = Asker::new(&server);
    assert_eq!(
        asker
            .post("/v1/devices", &json!({"eid": EID, "counter_value": 0}))
            .status,
        201
    );
    for _ in 0..3 {
        let order = json!({"eid": EID, "operation": {"kind": "get_rat"}});
        assert_eq!(asker.post("/v1/operations", &order).status, 201);
    }
    let mut path = format!("/v1/operations?limit=2&eid={EID}");
    let mut seen = Vec::new();
    loop {
        let page = asker.get(&path);
        seen.push(page.json()["items"].as_array().unwrap().len());
        let Some(link) = page.headers.get("link") else {
            break;
        };
        let link = link.to_str().unwrap();
        let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
        assert!(
            link.ends_with("rel=\"next\"") && next.contains(EID),
            "{link}"
        );
        path = next.to_string();
    }
    assert_eq!(seen, [2, 1]);
}

#[test]
fn what_changed_meanwhile_is_not_overwritten() {
    let server = Server::start("door-tags", &[]);
    let asker = Asker::new(&server);
    assert_eq!(
        asker
            .post("/v1/devices", &json!({"eid": EID, "counter_value": 0}))
            .status,
        201
    );
    let path = format!("/v1/devices/{EID}");
    let tag = asker.get(&path).headers["etag"]
        .to_str()
        .unwrap()
        .to_string();
    let same = asker.send("GET", &path, &[("if-none-match", &tag)], b"");
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    let set = |tag: &str, body: &[u8]| asker.send("PATCH", &path, &[JSON, ("if-match", tag)], body);
    assert_eq!(set(&tag, br#"{"empty_response": true}"#).status, 200);
    set(&tag, br#"{"empty_response": false}"#).problem(412);
    assert_eq!(asker.get(&path).json()["empty_response"], true);
    let stale = asker.send("DELETE", &path, &[("if-match", &tag)], b"");
    stale.problem(412);
    assert_eq!(set("*", br#"{"empty_response": false}"#).status, 200);
}

#[test]
fn an_allowance_is_told_and_kept() {
    let server = Server::start("door-rates", &["--set", "door.requests_per_minute=30"]);
    let asker = Asker::new(&server);
    let first = asker.get("/v1/devices");
    assert_eq!(first.headers["ratelimit-policy"], "\"requests\";q=30;w=60");
    assert!(
        first.headers["ratelimit"]
            .to_str()
            .unwrap()
            .starts_with("\"requests\";r=29;")
    );
    let refused = (0..40)
        .map(|_| asker.get("/v1/devices"))
        .find(|answer| answer.status == 429);
    let refused = refused.unwrap();
    refused.problem(429);
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait));
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(asker.get("/v1/devices").status, 200);
}

/// Health is anybody's business, metrics are not; and the page needs nothing from
/// elsewhere.
#[test]
fn health_metrics_and_the_page() {
    let server = Server::start("door-health", &[]);
    let (known, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let ready = stranger.get("/readyz");
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["checks"][0]["name"], "store");
    assert_eq!(known.get("/v1/devices").status, 200);
    assert_eq!(known.get("/v1/devices/x").status, 422);
    known.get("/elsewhere").problem(404);
    let metrics = known.get("/metrics");
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in [
        r#"_count{route="/v1/devices",method="GET",status="200"} 1"#,
        r#"_count{route="/v1/devices/{eid}",method="GET",status="422"} 1"#,
        r#"_count{route="",method="",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
    let page = stranger.get("/docs");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(!page.contains("://"), "{page}");
    for file in ["/docs/page.css", "/docs/page.js"] {
        assert!(page.contains(file));
        assert_eq!(stranger.get(file).status, 200);
    }
}
