//! Signing in, keys and tenants, through the door of a server that runs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "../door/asking.rs"]
#[allow(dead_code, reason = "shared with the tests of the door")]
mod asking;
mod command_line;
#[path = "../support/field.rs"]
mod field;
mod fleets;
mod keys;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
mod residency;
mod second_factors;
mod sign_on;
#[path = "../support/mod.rs"]
mod support;
mod tenants;

use std::io::Write;

use serde_json::{Value, json};

use asking::{Answer, Asker, JSON};
use support::Server;

/// A password that nobody else has.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Whether what a test needs from others is there; a test without it counts as
/// skipped.
pub(crate) fn is_there_or_skipped(what: &str, is_there: bool) -> bool {
    if !is_there {
        let reason = format!("signing in: no {what} (`cargo xtask setup` installs it)");
        println!("SKIPPED: {reason}");
        if let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") {
            let mut options = std::fs::OpenOptions::new();
            let log = options.append(true).create(true).open(log);
            // The line on standard output is there in any case.
            let _ = log.and_then(|mut log| writeln!(log, "{reason}"));
        }
    }
    is_there
}

/// A server with the origin at which a browser would find it.
pub(crate) fn server(name: &str) -> Server {
    Server::start(name, &["--set", "access.origin=https://localhost:8445"])
}

/// A user with a one-time password, as the administrator makes them.
pub(crate) fn add_user(admin: &Asker, name: &str, role: &str) -> Value {
    let new = json!({"name": name, "role": role});
    let answer = admin.post("/v1/users", &new);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// Asks with a session or a key.
pub(crate) struct As<'a> {
    pub(crate) stranger: &'a Asker,
    pub(crate) token: String,
}

impl As<'_> {
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, &[], body)
    }

    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str()), JSON];
        all.extend(headers);
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.stranger.send(method, path, &all, &body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }
}

/// The session of an answer, which has a token.
pub(crate) fn session<'a>(stranger: &'a Asker, answer: &Answer, stage: &str) -> As<'a> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let session = answer.json();
    assert_eq!(session["stage"], stage, "{session}");
    As {
        stranger,
        token: session["token"].as_str().unwrap().to_string(),
    }
}

pub(crate) fn sign_in(stranger: &Asker, user: &str, password: &str) -> Answer {
    stranger.post("/v1/session", &json!({"user": user, "password": password}))
}

/// Somebody who has signed in with a password of their own.
pub(crate) fn signed_in<'a>(admin: &Asker, stranger: &'a Asker, name: &str, role: &str) -> As<'a> {
    let user = add_user(admin, name, role);
    let once = user["one_time_password"].as_str().unwrap();
    let answer = sign_in(stranger, name, once);
    let begun = session(stranger, &answer, "change_password");
    let changed = begun.post(
        "/v1/session/password",
        &json!({"old": once, "new": PASSWORD}),
    );
    session(stranger, &changed, "open")
}
