//! API keys and client certificates.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::asking::Asker;
use crate::{As, add_user, server, signed_in};

fn key(admin: &Asker, new: &Value) -> Value {
    let made = admin.post("/v1/api-keys", new);
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

fn with<'a>(stranger: &'a Asker, key: &Value) -> As<'a> {
    As {
        stranger,
        token: key["key"].as_str().unwrap().to_string(),
    }
}

#[test]
fn a_key_opens_what_it_is_for_from_where_it_may_come_until_it_ends() {
    let server = server("access-keys");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let owner = add_user(&admin, "noc", "operator")["id"].clone();
    let new = |more: Value| {
        let mut new = json!({"name": "ERP", "owner": owner, "permissions": ["devices:read"]});
        new.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        new
    };
    let made = key(
        &admin,
        &new(json!({"networks": ["127.0.0.0/8", "::1"], "days": 1})),
    );
    let erp = with(&stranger, &made);
    assert!(erp.token.starts_with("sim_default_"), "{made}");
    assert_eq!(erp.get("/v1/devices").status, 200);
    erp.post("/v1/devices", &json!({})).problem(403);
    assert_eq!(
        erp.get("/v1/caller").json()["permissions"],
        json!(["devices:read"])
    );
    erp.get("/v1/session").problem(409);

    let elsewhere = key(&admin, &new(json!({"networks": ["192.0.2.0/24"]})));
    with(&stranger, &elsewhere).get("/v1/devices").problem(401);
    let over = key(&admin, &new(json!({"days": 0})));
    with(&stranger, &over).get("/v1/devices").problem(401);
    let mut typo = erp.token.clone();
    typo.replace_range(20..21, if &typo[20..21] == "a" { "b" } else { "a" });
    As {
        stranger: &stranger,
        token: typo,
    }
    .get("/v1/devices")
    .problem(401);

    for (wrong, status) in [
        (json!({"permissions": ["users:admin"]}), 422),
        (json!({"permissions": ["devices:*"]}), 422),
        (json!({"permissions": []}), 422),
        (json!({"networks": ["192.0.2.1/24"]}), 422),
        (json!({"owner": "nobody"}), 404),
    ] {
        admin.post("/v1/api-keys", &new(wrong)).problem(status);
    }

    // Shown once.
    let listed = admin.get("/v1/api-keys");
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 3);
    assert!(!String::from_utf8_lossy(&listed.body).contains("sim_"));
    let path = format!("/v1/api-keys/{}/revoke", made["id"].as_str().unwrap());
    assert_eq!(admin.post(&path, &Value::Null).status, 200);
    erp.get("/v1/devices").problem(401);
    let log = server.log();
    assert!(log.contains("revoked") && !log.contains("sim_"), "{log}");
}

/// A stream that is open ends with the key with which it was opened.
#[test]
fn a_stream_falls_with_its_key() {
    let server = server("access-key-stream");
    let admin = Asker::new(&server);
    let owner = add_user(&admin, "noc", "operator")["id"].clone();
    let new = json!({"name": "wall", "owner": owner, "permissions": ["events:read"]});
    let made = key(&admin, &new);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--no-buffer", "--max-time", "60", "--cacert"])
        .arg(server.folder().join("pki/private_ca.pem"))
        .args(["--header", "@-"])
        .arg(format!("{}/v1/events/stream", server.url()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut curl = curl.spawn().unwrap();
    let header = format!("Authorization: Bearer {}\n", made["key"].as_str().unwrap());
    let mut input = curl.stdin.take().unwrap();
    input.write_all(header.as_bytes()).unwrap();
    drop(input);
    let mut stream = BufReader::new(curl.stdout.take().unwrap());
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with(':'), "{line}");
    let path = format!("/v1/api-keys/{}/revoke", made["id"].as_str().unwrap());
    assert_eq!(admin.post(&path, &Value::Null).status, 200);
    // To its end, which curl takes for a whole answer.
    std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    assert_eq!(curl.wait().unwrap().code(), Some(0));
}

#[test]
fn a_key_falls_with_its_owner() {
    let server = server("access-key-owner");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let noc = signed_in(&admin, &stranger, "noc", "admin");
    add_user(&admin, "plant", "admin");
    // One's own, without naming the owner.
    let new = json!({"name": "mine", "permissions": ["devices:read", "devices:write"]});
    let made = noc.post("/v1/api-keys", &new);
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let mine = with(&stranger, &made);
    mine.post("/v1/devices", &json!({})).problem(422);
    let path = format!("/v1/users/{}", made["owner"].as_str().unwrap());
    let change = |change: Value| {
        let body = change.to_string();
        let answer = admin.send("PATCH", &path, &[crate::asking::JSON], body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    change(json!({"role": "viewer"}));
    mine.post("/v1/devices", &json!({})).problem(403);
    assert_eq!(mine.get("/v1/devices").status, 200);
    change(json!({"disabled": true}));
    mine.get("/v1/devices").problem(401);
    noc.get("/v1/devices").problem(401);
}
