//! Users, sessions and roles.

use serde_json::{Value, json};

use crate::asking::Asker;
use crate::{PASSWORD, add_user, server, session, sign_in, signed_in};

#[test]
fn a_one_time_password_opens_nothing_before_it_is_changed() {
    let server = server("access-once");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let user = add_user(&admin, "noc", "viewer");
    let once = user["one_time_password"].as_str().unwrap();
    let answer = sign_in(&stranger, "Noc", once);
    let begun = session(&stranger, &answer, "change_password");
    begun.get("/v1/devices").problem(403);
    begun.get("/v1/caller").problem(403);
    let change = |new: &str| begun.post("/v1/session/password", &json!({"old": once, "new": new}));
    change("short").problem(422);
    let open = session(&stranger, &change(PASSWORD), "open");
    assert_eq!(open.get("/v1/devices").status, 200);
    open.post("/v1/devices", &json!({})).problem(403);
    // The session before, and the one-time password, are worth nothing now.
    begun.get("/v1/session").problem(401);
    sign_in(&stranger, "noc", once).problem(401);
    assert_eq!(sign_in(&stranger, "noc", PASSWORD).status, 200);
    let out = open.send("DELETE", "/v1/session", &Value::Null);
    assert_eq!(out.status, 204);
    open.get("/v1/devices").problem(401);
    // Nothing secret is written down.
    let log = server.log();
    for secret in [once, PASSWORD, &open.token, &begun.token] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Whether there is such a user is not to be learnt, and guessing gets slow.
#[test]
fn guessers_learn_nothing_and_are_held_back() {
    let server = server("access-guess");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let noc = signed_in(&admin, &stranger, "noc", "viewer");
    add_user(&admin, "plant", "viewer");
    let wrong = |user: &str| sign_in(&stranger, user, "not the password").problem(401);
    assert_eq!(wrong("plant"), wrong("nobody"));
    let tenant = json!({"tenant": "no-such", "user": "plant", "password": "not the password"});
    assert_eq!(
        stranger.post("/v1/session", &tenant).problem(401),
        wrong("plant")
    );
    for user in ["plant", "nobody"] {
        let held = (0..8).map(|_| sign_in(&stranger, user, "not the password"));
        let held = held
            .into_iter()
            .find(|answer| answer.status == 429)
            .unwrap();
        let wait: u64 = held.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(held.problem(429)["retryAfter"], wait);
    }
    // Its own address is known, so it is let in whatever others did.
    assert_eq!(sign_in(&stranger, "noc", PASSWORD).status, 200);
    assert_eq!(noc.get("/v1/devices").status, 200);
}

#[test]
fn the_last_admin_stays() {
    let server = server("access-last");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let noc = signed_in(&admin, &stranger, "noc", "admin");
    let id = admin.get("/v1/users").json()["items"][0]["id"].clone();
    let path = format!("/v1/users/{}", id.as_str().unwrap());
    for change in [json!({"role": "viewer"}), json!({"disabled": true})] {
        noc.send("PATCH", &path, &change).problem(409);
    }
    noc.send("DELETE", &path, &Value::Null).problem(409);
    let plant = add_user(&admin, "plant", "admin");
    assert_eq!(plant["role"], "admin");
    let demoted = noc.send("PATCH", &path, &json!({"role": "viewer"}));
    assert_eq!(demoted.status, 200, "{demoted:?}");
    // At once, in the session that there is.
    noc.send("PATCH", &path, &json!({"role": "admin"}))
        .problem(403);
}

#[test]
fn nobody_gives_more_than_they_have() {
    let server = server("access-more");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let role = json!({"permissions": ["users:admin", "users:read", "devices:read"]});
    let made = admin.send(
        "PUT",
        "/v1/roles/people",
        &[crate::asking::JSON],
        role.to_string().as_bytes(),
    );
    assert_eq!(made.status, 200, "{made:?}");
    let chief = add_user(&admin, "chief", "admin");
    let noc = signed_in(&admin, &stranger, "noc", "people");
    let new = |role: &str| json!({"name": "spare", "role": role});
    noc.post("/v1/users", &new("admin")).problem(403);
    noc.post("/v1/users", &new("operator")).problem(403);
    noc.post("/v1/users", &new("nothing")).problem(422);
    let more = json!({"permissions": ["devices:write"]});
    noc.send("PUT", "/v1/roles/more", &more).problem(403);
    let path = format!("/v1/users/{}", chief["id"].as_str().unwrap());
    noc.send("PATCH", &path, &json!({"disabled": true}))
        .problem(403);
    noc.post(&format!("{path}/reset"), &Value::Null)
        .problem(403);
    let less = json!({"permissions": ["devices:read"]});
    assert_eq!(noc.send("PUT", "/v1/roles/less", &less).status, 200);
    assert_eq!(noc.post("/v1/users", &new("less")).status, 201);
}

/// A browser sends the cookie whoever makes it send.
#[test]
fn a_cookie_needs_its_guard() {
    let server = server("access-cookie");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    signed_in(&admin, &stranger, "noc", "operator");
    let answer = sign_in(&stranger, "noc", PASSWORD);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for attribute in [
        "__Host-",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let guard = answer.json()["csrf_token"].as_str().unwrap().to_string();
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie), crate::asking::JSON];
        all.extend(headers);
        stranger.send(method, path, &all, b"{}")
    };
    assert_eq!(ask("GET", "/v1/devices", &[]).status, 200);
    let shown = ask("GET", "/v1/session", &[]).json();
    assert_eq!(shown["csrf_token"], guard.as_str());
    ask("POST", "/v1/devices", &[]).problem(403);
    ask("POST", "/v1/devices", &[("x-csrf-token", "wrong")]).problem(403);
    let good = ("x-csrf-token", guard.as_str());
    ask(
        "POST",
        "/v1/devices",
        &[good, ("origin", "https://evil.example")],
    )
    .problem(403);
    ask(
        "POST",
        "/v1/devices",
        &[good, ("sec-fetch-site", "cross-site")],
    )
    .problem(403);
    // Let in; only the body is wrong.
    ask("POST", "/v1/devices", &[good]).problem(422);
    ask(
        "POST",
        "/v1/devices",
        &[good, ("origin", "https://localhost:8445")],
    )
    .problem(422);
}
