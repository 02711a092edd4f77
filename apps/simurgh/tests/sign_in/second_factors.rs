//! Authenticator apps, recovery codes and passkeys, the counterparts by others:
//! oathtool and python3-fido2.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::asking::{Asker, JSON};
use crate::support::Folder;
use crate::{As, PASSWORD, is_there_or_skipped, server, session, sign_in, signed_in};

/// What an app would show, by another program.
fn oathtool(secret: &str) -> String {
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", secret])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

/// Whether there is one.
fn has_oathtool() -> bool {
    let asked = Command::new("oathtool").arg("--version").output();
    is_there_or_skipped("oathtool", asked.is_ok_and(|asked| asked.status.success()))
}

/// Whether there is a library for an authenticator.
fn has_fido2() -> bool {
    let mut python = Command::new("/usr/bin/python3");
    let asked = python.args(["-c", "import fido2.ctap2"]).output();
    is_there_or_skipped(
        "python3-fido2",
        asked.is_ok_and(|asked| asked.status.success()),
    )
}

/// Sets an app up; gives the session, the secret, the code that was used, and the
/// recovery codes.
fn with_app<'a>(begun: &As<'a>) -> (As<'a>, String, String, Vec<String>) {
    let enrolment = begun.post("/v1/session/totp/enrolment", &Value::Null);
    assert_eq!(enrolment.status, 201, "{enrolment:?}");
    let enrolment = enrolment.json();
    let secret = enrolment["secret"].as_str().unwrap().to_string();
    assert!(enrolment["uri"].as_str().unwrap().contains(&secret));
    let confirm = |code: &str| begun.post("/v1/session/totp/confirmation", &json!({"code": code}));
    let code = oathtool(&secret);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    confirm(wrong).problem(401);
    let confirmed = confirm(&code);
    let open = session(begun.stranger, &confirmed, "open");
    let codes = confirmed.json()["recovery_codes"].clone();
    let codes = serde_json::from_value::<Vec<String>>(codes).unwrap();
    assert_eq!(codes.len(), 10);
    (open, secret, code, codes)
}

#[test]
fn an_app_is_set_up_and_asked_for() {
    if !has_oathtool() {
        return;
    }
    let server = server("access-totp");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let begun = signed_in(&admin, &stranger, "noc", "operator");
    let (open, secret, used, codes) = with_app(&begun);
    assert_eq!(open.get("/v1/devices").status, 200);
    begun.get("/v1/session").problem(401);

    let half = session(
        &stranger,
        &sign_in(&stranger, "noc", PASSWORD),
        "second_factor",
    );
    half.get("/v1/devices").problem(403);
    half.post("/v1/session/totp/enrolment", &Value::Null)
        .problem(403);
    half.post(
        "/v1/session/password",
        &json!({"old": PASSWORD, "new": "another long one"}),
    )
    .problem(403);
    let show = |body: &Value| half.post("/v1/session/totp", body);
    show(&json!({})).problem(422);
    // A code counts once.
    show(&json!({"code": used})).problem(401);
    let recovered = show(&json!({"recovery_code": codes[0].to_uppercase()}));
    let open = session(&stranger, &recovered, "open");
    assert_eq!(open.get("/v1/session").json()["recovery_codes_left"], 9);

    let half = session(
        &stranger,
        &sign_in(&stranger, "noc", PASSWORD),
        "second_factor",
    );
    half.post("/v1/session/totp", &json!({"recovery_code": codes[0]}))
        .problem(401);
    // The next code counts: an app whose clock is half a minute ahead.
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", "--now=30 seconds", &secret])
        .output()
        .unwrap();
    let next = String::from_utf8(output.stdout).unwrap();
    let shown = half.post("/v1/session/totp", &json!({"code": next.trim()}));
    session(&stranger, &shown, "open");
    let log = server.log();
    assert!(!log.contains(&secret) && !log.contains(&codes[0]), "{log}");
}

#[test]
fn a_role_that_needs_a_second_factor_opens_nothing_without() {
    if !has_oathtool() {
        return;
    }
    let server = server("access-mfa");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let before = signed_in(&admin, &stranger, "noc", "viewer");
    assert_eq!(before.get("/v1/devices").status, 200);
    let needed = json!({"mfa_required": true}).to_string();
    let set = admin.send("PUT", "/v1/roles/viewer", &[JSON], needed.as_bytes());
    assert_eq!(set.status, 200, "{set:?}");
    // Sessions that there are, too.
    before.get("/v1/devices").problem(403);
    let enrolling = session(&stranger, &sign_in(&stranger, "noc", PASSWORD), "enrol");
    enrolling.get("/v1/devices").problem(403);
    let (open, ..) = with_app(&enrolling);
    assert_eq!(open.get("/v1/devices").status, 200);

    // Who loses everything is reset.
    let users = admin.get("/v1/users").json();
    let path = format!(
        "/v1/users/{}/reset",
        users["items"][0]["id"].as_str().unwrap()
    );
    let reset = admin.post(&path, &Value::Null).json();
    assert_eq!(reset["second_factors"], json!([]));
    open.get("/v1/devices").problem(401);
    sign_in(&stranger, "noc", PASSWORD).problem(401);
}

/// An authenticator on another library.
struct Authenticator(Folder);

impl Authenticator {
    fn ask(&self, request: &Value) -> Value {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/sign_in/authenticator.py"
        );
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(&self.0.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(request.to_string().as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn create(&self, options: &Value, origin: &str) -> Value {
        self.ask(&json!({"do": "create", "origin": origin, "options": options["public_key"]}))
    }

    fn get(&self, options: &Value, origin: &str, count: u32) -> Value {
        let options = &options["public_key"];
        self.ask(&json!({"do": "get", "origin": origin, "options": options, "count": count}))
    }
}

#[test]
fn a_passkey_is_made_and_shown() {
    const HERE: &str = "https://localhost:8445";
    if !has_fido2() {
        return;
    }
    let server = server("access-passkey");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let begun = signed_in(&admin, &stranger, "noc", "operator");
    let authenticator = Authenticator(Folder::new("access-authenticator"));

    let ask_new = || {
        begun
            .post("/v1/session/passkeys/challenge", &Value::Null)
            .json()
    };
    let elsewhere = authenticator.create(&ask_new(), "https://evil.example");
    begun.post("/v1/session/passkeys", &elsewhere).problem(422);
    let made = authenticator.create(&ask_new(), HERE);
    let open = session(
        &stranger,
        &begun.post("/v1/session/passkeys", &made),
        "open",
    );
    // An answer counts once.
    open.post("/v1/session/passkeys", &made).problem(409);
    let listed = open.get("/v1/session/passkeys").json();
    assert_eq!(listed["items"][0]["name"], "test");

    let again = || sign_in(&stranger, "noc", PASSWORD);
    let half = || session(&stranger, &again(), "second_factor");
    let ask = |half: &As<'_>| {
        half.post("/v1/session/passkey/challenge", &Value::Null)
            .json()
    };
    let first = half();
    let challenge = ask(&first);
    let shown = authenticator.get(&challenge, HERE, 2);
    // In another session it answers another question.
    let other = half();
    ask(&other);
    other.post("/v1/session/passkey", &shown).problem(401);
    let opened = session(
        &stranger,
        &first.post("/v1/session/passkey", &shown),
        "open",
    );
    assert_eq!(opened.get("/v1/devices").status, 200);

    let refused = |get: &dyn Fn(&Value) -> Value| {
        let half = half();
        let answer = get(&ask(&half));
        half.post("/v1/session/passkey", &answer).problem(401);
    };
    // From another site; by a copy that counts on its own; not by the passkey.
    refused(&|challenge| authenticator.get(challenge, "https://evil.example", 3));
    refused(&|challenge| authenticator.get(challenge, HERE, 2));
    refused(&|challenge| {
        let mut answer = authenticator.get(challenge, HERE, 4);
        let signature = answer["signature"].as_str().unwrap().to_string();
        let flipped = if &signature[40..41] == "A" { "B" } else { "A" };
        answer["signature"] = format!("{}{flipped}{}", &signature[..40], &signature[41..]).into();
        answer
    });
}
