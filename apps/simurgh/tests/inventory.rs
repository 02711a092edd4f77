//! The inventory from the command line, against a running server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use serde_json::Value;
use support::Server;

const EID: &str = "89049032000000000000000000000163";

/// Writes a file into the server's folder; its path.
fn file(server: &Server, name: &str, text: &str) -> String {
    let file = server.folder().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn table(server: &Server, rows: &str) -> String {
    let header = "id,eid,counter_value,tier,country,tags,iccid";
    file(server, "devices.csv", &format!("{header}\n{rows}"))
}

/// Names of the devices that a command lists.
fn ids(server: &Server, arguments: &[&str]) -> Vec<String> {
    let page = server.json(arguments);
    let items = page["items"].as_array().unwrap();
    let ids = items.iter().map(|item| item["id"].as_str().unwrap());
    ids.map(str::to_string).collect()
}

/// Every line that is wrong is named, whoever finds it, and nothing is taken then.
#[test]
fn a_wrong_line_is_named_and_nothing_taken() {
    let server = Server::start("inventory-wrong", &[]);
    // What only the server sees.
    let iccid = "89490000000000000017";
    let path = table(&server, &format!("a,,,,DE,,{iccid}\nb,,,,DE,,{iccid}\n"));
    let twice = server.run(&["device", "import", &path]);
    assert_eq!(twice.status.code(), Some(1));
    let said = String::from_utf8(twice.stdout).unwrap();
    assert!(said.starts_with("line 3, iccid: "), "{said}");
    let said = String::from_utf8(twice.stderr).unwrap();
    assert!(
        said.contains("1 rows are wrong, nothing was imported"),
        "{said}"
    );
    // What the command sees before it asks.
    let path = table(&server, &format!("a,,,critical,,,\nb,{EID},0,,XX,,\n"));
    for arguments in [
        &["device", "import", &path][..],
        &["device", "import", &path, "--check"],
    ] {
        let wrong = server.run(arguments);
        assert_eq!(wrong.status.code(), Some(1));
        let lines = String::from_utf8(wrong.stdout).unwrap();
        assert!(
            lines.contains("line 2, tier: ") && lines.contains("line 3, country: "),
            "{lines}"
        );
    }
    assert_eq!(ids(&server, &["device", "list"]), [] as [&str; 0]);
}

/// What goes out is what came in, in both forms; progress is told on the way.
#[test]
fn a_file_comes_in_and_goes_out() {
    let server = Server::start("inventory-file", &[]);
    let rows: String = (0..5000)
        .map(|number| format!("d-{number:04},,,non_critical,DE,,\n"))
        .collect();
    let path = table(
        &server,
        &format!("a,,,safety_critical,DE,pilot;lab,\nb,{EID},0,non_critical,AT,pilot,\n{rows}"),
    );
    let done = server.run(&["device", "import", &path]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(
        said.contains("5002 rows read") && said.contains("rows in the inventory"),
        "{said}"
    );
    assert!(
        said.contains("5002 added, 0 changed, 0 as they were; the eIM manages 1 eUICCs more"),
        "{said}"
    );
    for (name, format) in [("out.csv", "csv"), ("out.ndjson", "ndjson")] {
        let out = server.folder().join(name).display().to_string();
        let export = ["device", "export", &out, "--format", format];
        assert!(server.run(&export).status.success());
        let again = server.json(&["device", "import", &out, "--quiet"]);
        assert_eq!(
            (again["unchanged"].as_u64(), again["added"].as_u64()),
            (Some(5002), Some(0)),
            "{again}"
        );
    }
    let german = server.run(&["device", "export", "--query", "country = AT"]);
    let german = String::from_utf8(german.stdout).unwrap();
    assert_eq!(german.lines().count(), 2, "{german}");
}

/// The query language, searches with a name, one device.
#[test]
fn devices_are_found_and_described() {
    let server = Server::start("inventory-search", &[]);
    let path = table(
        &server,
        &format!("a,,,safety_critical,DE,pilot;lab,\nb,{EID},0,non_critical,AT,pilot,\nc,,,,,,\n"),
    );
    server.json(&["device", "import", &path]);
    let query = "tag = pilot and country in (AT, CH)";
    assert_eq!(ids(&server, &["device", "list", "--query", query]), ["b"]);
    let first = server.json(&["device", "list", "--limit", "2"]);
    let next = first["next"].as_str().unwrap();
    assert_eq!(ids(&server, &["device", "list", "--after", next]), ["c"]);
    let said = server.failure(&["device", "list", "--query", "teir = x"]);
    assert!(said.contains("did you mean tier?"), "{said}");
    let device = server.json(&["device", "show", "b"]);
    assert_eq!(
        (device["eid"].as_str(), device["managed"].as_bool()),
        (Some(EID), Some(true))
    );
    assert_eq!(device["inventory"]["tier"], "non_critical");
    assert_eq!(server.json(&["device", "show", EID])["id"], "b");

    server.json(&["search", "save", "pilots", "tag = pilot"]);
    assert_eq!(ids(&server, &["search", "run", "pilots"]), ["a", "b"]);
    let saved = server.json(&["search", "list"]);
    assert_eq!(saved["items"][0]["query"], "tag = pilot");
    assert!(server.run(&["search", "delete", "pilots"]).status.success());
    let said = server.failure(&["search", "run", "pilots"]);
    assert!(said.contains("no search with this name"), "{said}");

    let mut described = device["inventory"].clone();
    described["site"] = "Plant 7".into();
    let path = file(&server, "b.json", &described.to_string());
    server.json(&["device", "describe", &path]);
    assert_eq!(
        ids(&server, &["device", "list", "--query", "site = 'Plant 7'"]),
        ["b"]
    );
    let said = server.failure(&["device", "describe", &path, "--if-match", "\"old\""]);
    assert!(said.contains("changed meanwhile"), "{said}");
    let none = server.json(&["profile", "history", "b"]);
    assert_eq!(none["changes"], Value::Array(Vec::new()));
}

#[test]
fn what_a_device_measures() {
    let server = Server::start("inventory-telemetry", &[]);
    let path = table(&server, "a,,,,,,\n");
    server.json(&["device", "import", &path]);
    let day = support::yesterday();
    let lines: String = (0..1200)
        .map(|at| {
            let (minute, second) = (at / 60, at % 60);
            format!("{{\"at\": \"{day}T12:{minute:02}:{second:02}Z\", \"rsrp\": -100}}\n")
        })
        .collect();
    let path = file(&server, "samples.ndjson", &lines);
    let added = server.run(&["telemetry", "add", "a", &path]);
    assert!(added.status.success(), "{added:?}");
    let hour = server.json(&["telemetry", "show", "a", "--level", "hour"]);
    assert_eq!(
        hour["spans"][0]["measures"]["rsrp"]["count"], 1200,
        "{hour}"
    );
    let some = server.run(&["telemetry", "show", "a", "--limit", "3"]);
    assert_eq!(String::from_utf8(some.stdout).unwrap().lines().count(), 4);
    let said = String::from_utf8(some.stderr).unwrap();
    assert!(said.contains(&format!("--from {day}T12:00:03Z")), "{said}");
    let path = file(&server, "wrong.ndjson", "\n{\"at\": 1}\n");
    assert!(
        server
            .failure(&["telemetry", "add", "a", &path])
            .contains("line 2")
    );
}
