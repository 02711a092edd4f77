//! Tariffs, and prices of orders, as the API has them.

use serde_json::{Value, json};

use crate::asking::{Answer, Asker, EID, JSON};
use crate::support::Server;

fn put(asker: &Asker, name: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [&[JSON], headers].concat();
    let body = body.to_string();
    asker.send(
        "PUT",
        &format!("/v1/tariffs/{name}"),
        &headers,
        body.as_bytes(),
    )
}

#[test]
fn a_tariff_is_set_and_changed_by_who_knows_it() {
    let server = Server::start("door-tariffs", &[]);
    let asker = Asker::new(&server);
    let body = json!({"per_megabyte": "0.050 eur", "included": 5_000_000, "step": 1000});
    let made = put(&asker, "IoT%205%20MB", &[], &body);
    assert_eq!(made.status, 200);
    let tag = made.headers["etag"].to_str().unwrap().to_string();
    let shown = asker.get("/v1/tariffs/IoT%205%20MB");
    assert_eq!(shown.headers["etag"].to_str().unwrap(), tag);
    assert_eq!(
        shown.json(),
        json!({
            "name": "IoT 5 MB",
            "settings": {
                "per_megabyte": "0.05 EUR", "included": 5_000_000, "step": 1000,
                "rounded": "session",
            },
        })
    );
    let dearer = json!({"per_megabyte": "0.06 EUR", "rounded": "day"});
    put(
        &asker,
        "IoT%205%20MB",
        &[("if-match", "\"other\"")],
        &dearer,
    )
    .problem(412);
    assert_eq!(
        put(&asker, "IoT%205%20MB", &[("if-match", &tag)], &dearer).status,
        200
    );
    // It is another one by now.
    put(&asker, "IoT%205%20MB", &[("if-match", &tag)], &dearer).problem(412);
    put(&asker, "new", &[("if-match", &tag)], &dearer).problem(412);
    put(&asker, "new", &[("if-match", "*")], &dearer).problem(412);

    assert_eq!(put(&asker, "a", &[], &dearer).status, 200);
    let page = asker.get("/v1/tariffs?limit=1").json();
    assert_eq!(
        (&page["items"][0]["name"], &page["next"]),
        (&"IoT 5 MB".into(), &"IoT 5 MB".into())
    );
    let rest = asker.get("/v1/tariffs?after=IoT%205%20MB").json();
    assert_eq!(rest["items"][0]["name"], "a");

    let wrong_tag = [("if-match", tag.as_str())];
    asker
        .send("DELETE", "/v1/tariffs/a", &wrong_tag, b"")
        .problem(412);
    assert_eq!(asker.send("DELETE", "/v1/tariffs/a", &[], b"").status, 204);
    asker.get("/v1/tariffs/a").problem(404);
    asker.send("DELETE", "/v1/tariffs/a", &[], b"").problem(404);
}

#[test]
fn tariffs_that_are_none_are_refused() {
    let server = Server::start("door-no-tariffs", &[]);
    let asker = Asker::new(&server);
    for (body, field) in [
        (json!({}), "the tariff"),
        (json!({"per_megabyte": "5"}), "per_megabyte"),
        (json!({"per_megabyte": "0.0000001 EUR"}), "per_megabyte"),
        (json!({"per_megabyte": 5}), "per_megabyte"),
        (json!({"included": 0}), "the tariff"),
        (json!({"included": 5, "step": 0}), "the tariff"),
        (
            json!({"included": 5, "step": 1_000_000_001_u64}),
            "the tariff",
        ),
        (json!({"included": 5, "rounded": "hour"}), "rounded"),
    ] {
        let problem = put(&asker, "iot", &[], &body).problem(422);
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    put(&asker, "iot", &[], &json!({"price": "5 EUR"})).problem(422);
    put(&asker, "%20", &[], &json!({"included": 5})).problem(422);
    put(&asker, &"x".repeat(129), &[], &json!({"included": 5})).problem(422);
    asker.get("/v1/tariffs/iot").problem(404);
}

/// A price is asked for as an order is given, and refused as one.
#[test]
fn a_price_orders_nothing() {
    let server = Server::start("door-price", &[]);
    let asker = Asker::new(&server);
    let ask = |body: &Value| asker.post("/v1/operations/price", body);
    let rat = json!({"eid": EID, "operation": {"kind": "get_rat"}});
    ask(&rat).problem(404);
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
    let price = ask(&rat).json();
    // What a table has is not known before.
    assert!(
        price["octets"].is_null() && price["money"].is_null(),
        "{price}"
    );
    assert!(
        price["unknown"]
            .to_string()
            .contains("what the device answers"),
        "{price}"
    );
    assert!(
        price["assumed"]
            .to_string()
            .contains("ask the device first"),
        "{price}"
    );
    let two = json!({"eid": EID, "operations": [
        {"kind": "unset_fallback_attribute"},
        {"kind": "set_default_dp_address", "address": "smdp.example.com"},
    ]});
    let price = ask(&two).json();
    assert_eq!(
        (&price["together"], &price["contacts"]),
        (&2.into(), &1.into())
    );
    assert!(price["octets"].as_u64().unwrap() > price["overhead"].as_u64().unwrap());
    ask(&json!({"eid": EID})).problem(422);
    ask(&json!({"eid": "1", "operation": {"kind": "get_rat"}})).problem(422);
    let pool = json!({"eid": EID, "operation": {"kind": "download_from_pool", "pool": "none"}});
    ask(&pool).problem(404);
    assert_eq!(asker.get("/v1/operations").json()["items"], json!([]));
}
