//! The operator's commands against a running server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::Server;

const EID: &str = "89049032000000000000000000000163";
const ICCID: &str = "8999970000000000010";

#[test]
fn devices_come_and_go() {
    let server = Server::start("devices", &[]);
    let configuration = server.json(&["device", "eim-configuration"]);
    assert_eq!(configuration["counter_value"], 0);
    let none = server.json(&["device", "list"]);
    assert_eq!(none["items"], serde_json::json!([]));

    let added = server.json(&["device", "add", EID, "--association-token", "7"]);
    assert_eq!(added["association_token"], 7);
    assert_eq!(added["empty_response"], false);
    let set = server.json(&["device", "set", EID, "--empty-response", "true"]);
    assert_eq!(set["empty_response"], true);
    assert_eq!(server.json(&["device", "show", EID]), set);
    assert!(
        server
            .failure(&["device", "add", EID])
            .contains("exists already")
    );

    let profiles = server.json(&["profile", "list", EID]);
    assert_eq!(profiles["profiles"], serde_json::json!([]));

    assert!(server.run(&["device", "remove", EID]).status.success());
    let said = server.failure(&["device", "show", EID]);
    assert!(
        said.contains("no device") && said.contains("add the device first"),
        "{said}"
    );
}

#[test]
fn operations_are_queued_listed_in_pages_and_taken_back() {
    let server = Server::start("operations", &[]);
    server.json(&["device", "add", EID]);
    let first = server.json(&["profile", "enable", EID, ICCID, "--rollback"]);
    let second = server.json(&["profile", "disable", EID, ICCID]);
    let code = "LPA:1$smdp.example.com$SECRET-CODE";
    let third = server.json(&["profile", "download", EID, code]);
    server.json(&["profile", "delete", EID, ICCID]);
    assert_eq!(third["state"], "queued");

    let page = server.json(&["operation", "list", "--limit", "3"]);
    let ids = |page: &Value| -> Vec<Value> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(ids(&page)[1..], [third["id"].clone(), second["id"].clone()]);
    let next = page["next"].as_str().unwrap();
    let rest = server.json(&["operation", "list", "--limit", "3", "--after", next]);
    assert_eq!(ids(&rest), [first["id"].clone()]);
    assert!(rest["next"].is_null());

    let id = second["id"].as_str().unwrap();
    assert_eq!(
        server.json(&["operation", "cancel", id])["state"],
        "cancelled"
    );
    assert!(
        server
            .failure(&["operation", "cancel", id])
            .contains("too late")
    );
    let cancelled = server.json(&["operation", "list", "--state", "cancelled"]);
    assert_eq!(ids(&cancelled), [second["id"].clone()]);
    let said = server.failure(&["operation", "list", "--state", "done"]);
    assert!(said.contains("rolled_back"), "{said}");
    let other = "89049032000000000000000000000000";
    let others = server.json(&["operation", "list", "--eid", other]);
    assert!(ids(&others).is_empty());

    let said = server.failure(&["operation", "watch", id]);
    assert!(said.contains("is cancelled"), "{said}");
    let first = first["id"].as_str().unwrap();
    let said = server.failure(&["operation", "watch", first, "--timeout", "0"]);
    assert!(said.contains("queued"), "{said}");

    // A table for people, and no secret in it.
    let table = server.run(&["operation", "list"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.starts_with("OPERATION"), "{table}");
    assert_eq!(table.lines().count(), 5);
    assert!(!table.contains("SECRET-CODE"));
}

#[test]
fn what_is_wrong_is_said_with_a_remedy() {
    let server = Server::start("wrong", &[]);
    let said = server.failure(&["device", "add", "123"]);
    assert!(said.contains("32 decimal digits"), "{said}");
    let said = server.failure(&["profile", "enable", EID, ICCID]);
    assert!(said.contains("add it first"), "{said}");
    let usage = server.run(&["device", "show"]);
    assert_eq!(usage.status.code(), Some(2));
    let wrong = Command::new(env!("CARGO_BIN_EXE_simurgh"))
        .args(["device", "list", "--token", "not-the-token", "--url"])
        .arg(server.url())
        .arg("--ca")
        .arg(server.folder().join("pki/private_ca.pem"))
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("door.token"), "{said}");
    assert!(!said.contains("not-the-token"), "{said}");
}

#[test]
fn settings_come_from_flags_too() {
    let list = format!("lab.accept_unverified=[\"{EID}\"]");
    let server = Server::start("settings", &["--set", &list]);
    let device = server.json(&["device", "add", EID]);
    assert_eq!(device["accepts_unverified"], true);
}
