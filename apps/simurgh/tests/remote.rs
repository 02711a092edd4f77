//! The operator's commands against a running server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "remote/events.rs"]
mod events;
#[path = "support/receiver.rs"]
mod receiver;
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
    // That results need no signature is said by somebody, and shown.
    assert_eq!(added["emulated"], false);
    let set = server.json(&["device", "set", EID, "--emulated", "true"]);
    assert_eq!(
        (&set["emulated"], &set["empty_response"]),
        (&true.into(), &true.into())
    );
    let shown = server.run(&["device", "show", EID, "--output", "table"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("EMULATED"));
    assert!(!server.run(&["device", "set", EID]).status.success());
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
    let second = server.json(&["profile", "disable", EID, ICCID, "--force"]);
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

/// What is only worth doing for a while says so, and a pool gives its codes away
/// once, with a word of what speaks against a download before.
#[test]
fn pools_give_codes_to_downloads() {
    let server = Server::start("pools", &[]);
    server.json(&["device", "add", EID]);
    let order = ["profile", "enable", EID, ICCID, "--rollback"];
    let limits = [
        "--contacts",
        "3",
        "--valid-for",
        "2w",
        "--expect-network",
        "262-01",
    ];
    let limited = server.json(&[&order[..], &limits[..]].concat());
    assert_eq!(limited["validity"]["contacts"], 3);
    assert_eq!(limited["contacts"], 0);
    assert_eq!(limited["expected_networks"][0], "262-01");
    let wrong = [&order[..], &["--expect-network", "nowhere"]].concat();
    assert!(server.failure(&wrong).contains("expected_networks"));

    let pool = server.json(&["pool", "set", "meters", "--low", "2", "--memory", "40000"]);
    assert_eq!(pool["settings"]["needs"]["memory"], 40_000);
    let file = server.folder().join("codes.txt");
    let codes =
        format!("LPA:1$smdp.example.com$SECRET-1,{ICCID}\n\nLPA:1$smdp.example.com$SECRET-2\n");
    std::fs::write(&file, codes).unwrap();
    let file = file.display().to_string();
    let added = server.json(&["code", "add", "meters", &file]);
    assert_eq!((&added["added"], &added["known"]), (&2.into(), &0.into()));
    assert_eq!(server.json(&["code", "add", "meters", &file])["known"], 2);

    let found = server.json(&["pool", "preflight", "meters", EID]);
    assert_eq!(
        found["verdict"], "unknown",
        "the eUICC has not said: {found}"
    );
    let download = ["profile", "download", EID, "--pool", "meters"];
    let first = server.json(&download);
    assert_eq!(first["code"]["number"], 1);
    let second = server.json(&download);
    assert!(server.failure(&download).contains("no code left"));
    let id = second["id"].as_str().unwrap();
    server.json(&["operation", "cancel", id]);
    let shown = server.json(&["pool", "show", "meters"]);
    assert_eq!(shown["stock"]["available"], 1);
    assert_eq!(shown["is_low"], true);
    assert!(
        server
            .failure(&["code", "settle", "meters", "1", "dead"])
            .contains("in use")
    );
    server.json(&["code", "settle", "meters", "2", "dead"]);
    let dead = server.json(&["code", "list", "meters", "--state", "dead"]);
    assert_eq!(dead["items"][0]["number"], 2);
    let all = server.run(&["code", "list", "meters"]).stdout;
    assert!(!String::from_utf8(all).unwrap().contains("SECRET"));
    let said = server.failure(&["profile", "download", EID, "--pool", "routers"]);
    assert!(said.contains("there is no pool routers"), "{said}");
}

/// Where a download begins is said in one of three ways, and a code that confirms
/// it is taken where it is of use.
#[test]
fn downloads_from_wherever() {
    let server = Server::start("downloads", &[]);
    server.json(&["device", "add", EID]);
    let download = |more: &[&str]| {
        let arguments = [&["profile", "download", EID], more].concat();
        server.json(&arguments)["kind"].clone()
    };
    assert_eq!(download(&["--default-smdp"]), "contact_default_smdp");
    assert_eq!(download(&["--smds"]), "contact_smds");
    let named = ["--smds=smds.example.com", "--confirmation-code", "4711"];
    assert_eq!(download(&named), "contact_smds");
    let code = "LPA:1$smdp.example.com$CODE$$1";
    assert_eq!(download(&[code, "--confirmation-code", "4711"]), "download");
    assert_eq!(download(&[code, "--force"]), "download");

    let failure = |more: &[&str]| {
        let arguments = [&["profile", "download", EID], more].concat();
        server.failure(&arguments)
    };
    let said = failure(&[code]);
    assert!(said.contains("one is needed"), "{said}");
    let said = failure(&["--smds=no host name$"]);
    assert!(said.contains("smds_address"), "{said}");
    let said = failure(&["--smds", "--confirmation-code", ""]);
    assert!(said.contains("confirmation_code"), "{said}");
    for usage in [&[][..], &["--smds", "--default-smdp"], &[code, "--smds"]] {
        let arguments = [&["profile", "download", EID], usage].concat();
        assert_eq!(server.run(&arguments).status.code(), Some(2), "{usage:?}");
    }
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

/// Every operation of the API from the command line, and what is refused.
#[test]
fn every_operation_can_be_ordered() {
    let server = Server::start("every", &[]);
    server.json(&["device", "add", EID]);
    let ordered = [
        (vec!["device", "rat", EID], "get_rat"),
        (vec!["device", "data", EID], "get_euicc_data"),
        (
            vec!["device", "immediate-enable", EID, "true"],
            "configure_immediate_enable",
        ),
        (
            vec!["device", "default-smdp", EID, "smdp.example.com"],
            "set_default_dp_address",
        ),
        (
            vec!["profile", "set-fallback", EID, ICCID],
            "set_fallback_attribute",
        ),
        (
            vec!["profile", "unset-fallback", EID],
            "unset_fallback_attribute",
        ),
        (vec!["eim", "list", EID], "list_eim"),
        (
            vec!["eim", "delete", EID, "other.example.com"],
            "delete_eim",
        ),
    ];
    for (arguments, kind) in ordered {
        let queued = server.json(&arguments);
        assert_eq!(queued["kind"], kind);
        assert_eq!(queued["state"], "queued");
        assert_eq!(queued["force"], false);
    }
    // EIM-66: objects that an IPA refuses are refused here.
    let said = server.failure(&["device", "data", EID, "--tags", "5A"]);
    assert!(said.contains("5A"), "{said}");
    let said = server.failure(&["device", "data", EID, "--tags", "A5BF2D"]);
    assert!(said.contains("BF2D"), "{said}");
}

/// A list is one order: it is taken back whole.
#[test]
fn lists_of_operations() {
    let server = Server::start("lists", &[]);
    server.json(&["device", "add", EID]);
    let file = server.folder().join("list.json");
    let list = format!(
        r#"[{{"kind":"list_profile_info"}},{{"kind":"get_rat"}},{{"kind":"enable","iccid":"{ICCID}"}}]"#
    );
    std::fs::write(&file, list).unwrap();
    let file = file.to_str().unwrap();
    let queued = server.json(&["operation", "order", EID, file, "--separate"]);
    let items = queued["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let first = items[0]["id"].as_str().unwrap();
    assert!(items.iter().all(|item| item["ordered_with"] == first));
    assert!(items.iter().all(|item| item["separate"] == true));
    server.json(&["operation", "cancel", first]);
    let cancelled = server.json(&["operation", "list", "--state", "cancelled"]);
    assert_eq!(cancelled["items"].as_array().unwrap().len(), 3);

    std::fs::write(file, r#"[{"kind":"get_rat"},{"kind":"list_eim"}]"#).unwrap();
    let said = server.failure(&["operation", "order", EID, file]);
    assert!(said.contains("not in one package"), "{said}");
}

#[test]
fn what_could_lose_a_device_needs_force() {
    let server = Server::start("force", &[]);
    server.json(&["device", "add", EID]);
    let said = server.failure(&["profile", "disable", EID, ICCID]);
    assert!(said.contains("without an enabled one"), "{said}");
    let forced = server.json(&["profile", "disable", EID, ICCID, "--force"]);
    assert_eq!(forced["force"], true);
    let own = server.json(&["eim", "configuration"]);
    let own = own["configuration"]["eim_id"].as_str().unwrap().to_string();
    let said = server.failure(&["eim", "delete", EID, &own]);
    assert!(said.contains("is this eIM"), "{said}");
}

/// What one eIM says of itself is what another takes, in DER and in JSON.
#[test]
fn a_configuration_goes_to_another_eim() {
    let server = Server::start("handover", &[]);
    server.json(&["device", "add", EID]);
    let der = server.folder().join("eim.der");
    let request = server.folder().join("add-initial-eim.der");
    let configuration = server.json(&[
        "eim",
        "configuration",
        "--der",
        der.to_str().unwrap(),
        "--add-initial-eim",
        request.to_str().unwrap(),
    ]);
    assert_eq!(std::fs::read(&der).unwrap()[0], 0x30);
    assert_eq!(std::fs::read(&request).unwrap()[..2], [0xBF, 0x57]);
    let json = server.folder().join("eim.json");
    std::fs::write(&json, configuration.to_string()).unwrap();
    for file in [&der, &json] {
        let added = server.json(&["eim", "add", EID, file.to_str().unwrap()]);
        assert_eq!(added["kind"], "add_eim");
    }
    let mut members = configuration["configuration"].clone();
    members["public_key"] = Value::Null;
    std::fs::write(&json, members.to_string()).unwrap();
    let said = server.failure(&["eim", "add", EID, json.to_str().unwrap()]);
    assert!(said.contains("eimPublicKeyData"), "{said}");
}

/// A manifest is taken line by line, whole or not at all, and once.
#[test]
fn a_factorys_manifest() {
    let server = Server::start("manifest", &[]);
    let file = server.folder().join("manifest.csv");
    let other = "89049032000000000000000000000000";
    std::fs::write(
        &file,
        format!("eid,imei,serial,model\n{EID},490154203237518,M-1,X1\n\nnonsense,,,\n{EID},1\n{other},123,,\n"),
    )
    .unwrap();
    let arguments = ["device", "announce", file.to_str().unwrap()];
    let said = server.failure(&arguments);
    assert!(said.contains("3 lines were refused"), "{said}");
    let table = server.run(&arguments);
    let lines = String::from_utf8(table.stdout).unwrap();
    let refused: Vec<_> = lines.lines().map(|line| line.split(':').next()).collect();
    assert_eq!(
        refused,
        [Some("line 5"), Some("line 4"), Some("line 6")],
        "{lines}"
    );
    let device = server.json(&["device", "show", EID]);
    assert_eq!(device["zero_touch"]["stage"], "awaited");
    assert_eq!(device["zero_touch"]["serial"], "M-1");
    assert!(
        server
            .failure(&["device", "show", other])
            .contains("no device")
    );

    let file = server.folder().join("manifest.json");
    let line = format!(r#"{{"eid":"{EID}","imei":"490154203237518","serial":"M-1","model":"X1"}}"#);
    std::fs::write(&file, line).unwrap();
    let again = server.json(&["device", "announce", file.to_str().unwrap()]);
    assert_eq!(again["result"], "known");
    assert_eq!(again["line"], 1);
}
