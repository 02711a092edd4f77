//! No route without a decision about who asks.

use serde_json::Value;

use crate::asking::{Asker, EID, JSON};
use crate::support::Server;

/// Every operation of the document: method, path with something in it, and
/// whether anybody may.
pub(crate) fn routes(document: &Value) -> Vec<(String, String, bool)> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace("{eid}", EID).replace("{id}", "0123");
            let public = operation["security"] == serde_json::json!([{}]);
            routes.push((method.to_uppercase(), path, public));
        }
    }
    assert!(routes.len() >= 19, "{routes:?}");
    routes
}

/// Routes that are tried at one server: a stranger may ask 120 times in a minute.
const AT_ONE: usize = 18;

/// Tries routes as somebody who is not known; gives those that anybody may use.
fn refused(routes: &[(String, String, bool)]) -> Vec<String> {
    let server = Server::start("door-guarded", &[]);
    let stranger = Asker::stranger(&server);
    let mut public = Vec::new();
    for (method, path, open) in routes {
        let path = path.replace(['{', '}'], "x");
        if *open {
            // To sign in, something has to be said.
            if !path.starts_with("/v1/session") {
                assert_eq!(stranger.send(method, &path, &[], b"").status, 200);
            }
            public.push(path);
            continue;
        }
        // Neither nothing nor something wrong comes in, nor is a body looked at.
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")][..],
            &[("authorization", "Basic c2ltdXJnaDp4")][..],
            &[("authorization", "Bearer "), JSON][..],
            &[("authorization", "Bearer sim_default_0")][..],
            &[("cookie", "__Host-simurgh=default.0"), JSON][..],
        ] {
            let answer = stranger.send(method, &path, headers, b"{");
            answer.problem(401);
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{path}");
        }
    }
    public
}

#[test]
fn who_is_not_known_is_told_nothing() {
    let server = Server::start("door-guards", &[]);
    let (known, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let document = stranger.get("/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut public = Vec::new();
    for routes in routes(&document).chunks(AT_ONE) {
        public.extend(refused(routes));
    }
    let public_ones = [
        "/healthz",
        "/readyz",
        "/v1/openapi.json",
        "/v1/session",
        "/v1/session/sign-on",
        "/v1/session/sign-on/end",
    ];
    assert_eq!(public, public_ones);
    // Not even which paths there are.
    stranger.get("/v1/secrets").problem(401);
    stranger.send("PUT", "/v1/devices", &[], b"").problem(401);
    known.get("/v1/secrets").problem(404);
    let caller = known.get("/v1/caller").json();
    assert_eq!(caller["tenant"], "default");
    let mut permissions = caller["permissions"].as_array().unwrap().iter();
    assert!(permissions.any(|one| one == "operations:force"), "{caller}");
}

/// Guessing is slowed down.
#[test]
fn strangers_are_told_to_wait() {
    let server = Server::start("door-strangers", &[]);
    let stranger = Asker::stranger(&server);
    let ask = || stranger.get("/v1/devices");
    let refused = (0..300).map(|_| ask()).find(|answer| answer.status == 429);
    let refused = refused.unwrap();
    refused.problem(429);
    assert!(refused.headers.contains_key("retry-after"));
    // Who is known is not held up by it.
    assert_eq!(Asker::new(&server).get("/v1/devices").status, 200);
}
