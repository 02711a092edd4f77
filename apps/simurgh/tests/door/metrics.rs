//! Metrics, read by a parser that is not ours, and what moves them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rsp_core::ipa::DeviceEvent;
use serde_json::{Value, json};

use crate::asking::{Asker, JSON};
use crate::field::Site;
use crate::receiver::skipped;
use crate::support::{Server, yesterday};

const READER: &str = include_str!("../support/exposition.py");
const FIRST: &str = "89999700000000000010";
const SECOND: &str = "89999700000000000028";

/// Where `cargo xtask setup` puts the parser.
fn python(test: &str) -> Option<PathBuf> {
    let python = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/python");
    let mut probe = Command::new(&python);
    let probe = probe.args(["-c", "import prometheus_client"]);
    if probe.output().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(
        test,
        "no Prometheus library for Python (`cargo xtask setup` installs it)",
    );
    None
}

/// A page as the parser reads it.
struct Page(BTreeMap<String, Value>);

impl Page {
    fn read(python: &PathBuf, asker: &Asker) -> Self {
        let answer = asker.get("/metrics");
        assert_eq!(answer.status, 200);
        let media = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(answer.headers["content-type"], media);
        let mut reader = Command::new(python);
        let mut reader = reader
            .args(["-c", READER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut page = reader.stdin.take().unwrap();
        page.write_all(&answer.body).unwrap();
        drop(page);
        let output = reader.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}", answer.body);
        Page(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The value of a sample; `None` if there is none.
    fn value(&self, metric: &str, name: &str, labels: &Value) -> Option<f64> {
        let samples = self.0[metric]["samples"].as_array().unwrap();
        let found = samples
            .iter()
            .find(|sample| sample[0] == name && sample[1] == *labels);
        found.map(|sample| sample[2].as_f64().unwrap())
    }

    /// The same of what has one sample for each set of labels.
    fn get(&self, metric: &str, labels: &Value) -> f64 {
        self.value(metric, metric, labels).unwrap()
    }

    fn count(&self, metric: &str, labels: &Value) -> Option<f64> {
        self.value(metric, &format!("{metric}_count"), labels)
    }
}

/// Rows of the table: name, type, labels, help.
fn documented() -> Vec<[String; 4]> {
    let page = include_str!("../../../../docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        let cells: Vec<_> = cells.map(|cell| cell.trim().replace('`', "")).collect();
        // Other tables of the page have fewer columns.
        <[String; 4]>::try_from(cells).ok()
    };
    rows.filter_map(cells).collect()
}

#[test]
fn the_page_has_what_the_documentation_has() {
    let Some(python) = python("the_page_has_what_the_documentation_has") else {
        return;
    };
    let server = Server::start("door-metrics", &[]);
    let asker = Asker::new(&server);
    asker.get("/v1/devices/x").problem(422);
    let page = Page::read(&python, &asker);
    let documented = documented();
    assert!(documented.len() > 20, "{documented:?}");
    let names: BTreeSet<&String> = documented.iter().map(|[name, ..]| name).collect();
    assert_eq!(names, page.0.keys().collect());
    for [name, kind, labels, help] in &documented {
        let family = &page.0[name];
        assert_eq!(family["type"], **kind, "{name}");
        assert_eq!(family["help"], **help, "{name}");
        let known: BTreeSet<&str> = labels.split(", ").filter(|name| !name.is_empty()).collect();
        for sample in family["samples"].as_array().unwrap() {
            let names = sample[1].as_object().unwrap().keys();
            let names = names.map(String::as_str).filter(|name| *name != "le");
            assert_eq!(names.collect::<BTreeSet<_>>(), known, "{name}");
        }
    }
    assert_eq!(page.get("simurgh_ready", &json!({})), 1.0);
    let started = page.get("process_start_time_seconds", &json!({}));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_secs_f64() - started;
    assert!((0.0..600.0).contains(&age), "{age}");
    let route = json!({"route": "/v1/devices/{eid}", "method": "GET", "status": "422"});
    assert_eq!(page.count("simurgh_api_request_seconds", &route), Some(1.0));
}

/// A card switches; each phase is counted once, and the gauge is at 0 again.
#[test]
fn a_switch_moves_its_metrics() {
    let Some(python) = python("a_switch_moves_its_metrics") else {
        return;
    };
    let mut site = Site::new("door-metrics-switch", &[FIRST, SECOND]);
    let asker = Asker::new(&site.server);
    let eid = site.device.eid().to_string();
    let order = json!({"eid": eid, "operation": {"kind": "enable", "iccid": FIRST}});
    let id = asker.post("/v1/operations", &order).json()["id"].clone();
    let path = format!("/v1/operations/{}", id.as_str().unwrap());
    let in_state = |state: &str| json!({"kind": "enable", "state": state});
    let before = Page::read(&python, &asker);
    let operations = "simurgh_operations_total";
    assert_eq!(before.get(operations, &in_state("queued")), 1.0);
    assert_eq!(before.get(operations, &in_state("confirmed")), 0.0);
    let queued = json!({"state": "queued"});
    assert_eq!(before.get("simurgh_operations_open", &queued), 1.0);

    site.poll_until(None, |_| asker.get(&path).json()["state"] == "confirmed");
    let after = Page::read(&python, &asker);
    for state in ["queued", "delivered", "executed", "confirmed"] {
        assert_eq!(after.get(operations, &in_state(state)), 1.0, "{state}");
    }
    for state in ["failed", "rolled_back", "outcome_unknown", "cancelled"] {
        assert_eq!(after.get(operations, &in_state(state)), 0.0, "{state}");
    }
    let phases = "simurgh_operation_phase_seconds";
    for phase in ["queued", "delivered", "executed"] {
        let labels = json!({"kind": "enable", "phase": phase});
        assert_eq!(before.count(phases, &labels), None);
        assert_eq!(after.count(phases, &labels), Some(1.0), "{phase}");
    }
    let kind = json!({"kind": "enable"});
    let whole = "simurgh_operation_confirmed_seconds";
    assert_eq!(after.count(whole, &kind), Some(1.0));
    // The parts are the whole, to the millisecond.
    let sum = |metric: &str, labels: &Value| {
        let sum = after.value(metric, &format!("{metric}_sum"), labels);
        sum.unwrap()
    };
    let parts = ["queued", "delivered", "executed"].map(|phase| {
        let labels = json!({"kind": "enable", "phase": phase});
        sum(phases, &labels)
    });
    assert!((parts.iter().sum::<f64>() - sum(whole, &kind)).abs() < 0.001);
}

/// A device that has lost its network falls back, and returns.
#[test]
fn a_fallback_moves_its_metric() {
    let Some(python) = python("a_fallback_moves_its_metric") else {
        return;
    };
    let mut site = Site::new("door-metrics-fallback", &[FIRST, SECOND]);
    let asker = Asker::new(&site.server);
    let eid = site.device.eid().to_string();
    let operation = json!({"kind": "set_fallback_attribute", "iccid": FIRST});
    let order = json!({"eid": eid, "operation": operation});
    let id = asker.post("/v1/operations", &order).json()["id"].clone();
    let path = format!("/v1/operations/{}", id.as_str().unwrap());
    site.poll_until(None, |_| asker.get(&path).json()["state"] == "confirmed");
    let reported = |cause: &str| {
        let page = Page::read(&python, &asker);
        page.get("simurgh_state_changes_total", &json!({"cause": cause}))
    };
    assert_eq!(reported("fallback"), 0.0);
    site.device.tell(DeviceEvent::ConnectivityLost);
    site.poll_until(None, |_| reported("fallback") == 1.0);
    site.device.tell(DeviceEvent::ReturnFromFallback);
    site.poll_until(None, |_| reported("fallback") == 2.0);
    assert_eq!(reported("local"), 0.0);
}

/// What devices measure; the same once more is not counted again.
#[test]
fn telemetry_moves_its_metrics() {
    let Some(python) = python("telemetry_moves_its_metrics") else {
        return;
    };
    let server = Server::start("door-metrics-telemetry", &[]);
    let asker = Asker::new(&server);
    let operator = "Example \"Mobile\" \\";
    let profile = json!({"iccid": "89490000000000000017", "operator": operator});
    let device = json!({"id": "a", "sims": [{"kind": "sim", "profiles": [profile]}]});
    let path = "/v1/devices/a/inventory";
    let answer = asker.send("PUT", path, &[JSON], device.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let day = yesterday();
    let sample = |minute: u32, tunnel: &str, forbidden: Value| {
        json!({"at": format!("{day}T12:{minute:02}:00Z"), "tunnel": tunnel,
            "forbidden": forbidden,
            "usage": [{"iccid": "89490000000000000017", "up": 10, "down": 20}]})
    };
    let samples = json!({"samples": [
        sample(0, "up", json!([])),
        sample(1, "up", json!(["26201", "26202"])),
        sample(2, "down", json!(["26201"])),
    ]});
    for _ in 0..2 {
        let answer = asker.post("/v1/devices/a/telemetry", &samples);
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    let page = Page::read(&python, &asker);
    for (metric, labels, value) in [
        ("simurgh_telemetry_samples_total", json!({}), 3.0),
        (
            "simurgh_fplmn_samples_total",
            json!({"listed": "true"}),
            2.0,
        ),
        (
            "simurgh_fplmn_samples_total",
            json!({"listed": "false"}),
            1.0,
        ),
        ("simurgh_fplmn_entries_total", json!({}), 3.0),
        ("simurgh_tunnel_samples_total", json!({"state": "up"}), 2.0),
        (
            "simurgh_tunnel_samples_total",
            json!({"state": "down"}),
            1.0,
        ),
        (
            "simurgh_profile_octets_total",
            json!({"operator": operator, "direction": "up"}),
            30.0,
        ),
        (
            "simurgh_profile_octets_total",
            json!({"operator": operator, "direction": "down"}),
            60.0,
        ),
    ] {
        assert_eq!(page.get(metric, &labels), value, "{metric} {labels}");
    }
}
