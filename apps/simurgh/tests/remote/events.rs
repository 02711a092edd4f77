//! `simurgh event` and `simurgh webhook`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::EID;
use crate::receiver::{Receiver, is_there, may_be_told};
use crate::support::{Server, simurgh};

const SECRET: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

/// Waits until a list has so many entries.
fn until(server: &Server, list: &[&str], count: usize) -> Value {
    let begun = Instant::now();
    loop {
        let page = server.json(list);
        if items(&page).len() >= count {
            return page;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{page}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn events_are_listed_and_watched() {
    let server = Server::start("events", &[]);
    server.json(&["device", "add", EID]);
    server.json(&["device", "set", EID, "--empty-response", "true"]);
    assert!(server.run(&["device", "remove", EID]).status.success());
    until(&server, &["event", "list", "--type", "device.removed"], 1);
    let all = server.json(&["event", "list", "--type", "device.*"]);
    let first = &items(&all)[0];
    assert_eq!(first["type"], "io.simurgh.device.added.v1");
    assert_eq!(first["actor"], "administrator", "who did it is known");
    let removed = server.json(&["event", "list", "--type", "device.removed"]);
    assert_eq!(items(&removed).len(), 1);
    let last = server.json(&["event", "list", "--last", "1"]);
    assert_eq!(items(&last), items(&removed));
    let page = server.json(&["event", "list", "--after", "0", "--limit", "1"]);
    assert_eq!((items(&page).len(), &page["next"]), (1, &"1".into()));

    let table = server.run(&["event", "list", "--subject", &format!("devices/{EID}")]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.starts_with("NUMBER") && table.contains("device.added"),
        "{table}"
    );
    let said = server.failure(&["event", "list", "--type", "device"]);
    assert!(said.contains("operation.failed or operation.*"), "{said}");

    // Somebody watches while it happens.
    let mut watch = simurgh()
        .args([
            "event", "watch", "--last", "1", "--count", "3", "--type", "device.*",
        ])
        .env("SIMURGH_URL", server.url())
        .env(
            "SIMURGH_TOKEN",
            std::fs::read_to_string(server.folder().join("door.token")).unwrap(),
        )
        .env("SIMURGH_CA", server.folder().join("pki/private_ca.pem"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("device.removed"), "{line}");
    server.json(&["device", "add", EID]);
    // An event that is not wanted comes between them.
    server.json(&["profile", "disable", EID, crate::ICCID, "--force"]);
    let line = lines.next().unwrap().unwrap();
    assert!(
        line.contains("device.added") && line.contains(EID),
        "{line}"
    );
    assert!(server.run(&["device", "remove", EID]).status.success());
    assert!(lines.next().unwrap().unwrap().contains("device.removed"));
    assert!(watch.wait().unwrap().success());
}

#[test]
fn webhooks_from_the_command_line() {
    let server = Server::prepared("webhooks", &[], may_be_told);
    // Nobody listens on that port.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    drop(listener);
    let added = server.json(&["webhook", "add", &url, "--type", "device.*", "--rate", "9"]);
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    let id = added["id"].as_str().unwrap();
    let shown = server.json(&["webhook", "show", id]);
    assert_eq!(
        (&shown["rate"], &shown["secret"]),
        (&9.into(), &Value::Null)
    );
    let rotated = server.run(&["webhook", "rotate", id]);
    assert!(String::from_utf8_lossy(&rotated.stdout).contains("SECRET    whsec_"));
    let said = server.failure(&["webhook", "test", id]);
    assert!(
        said.contains("was not taken") && said.contains("cannot connect"),
        "{said}"
    );
    let set = server.json(&["webhook", "set", id, "--enabled", "false"]);
    assert_eq!(
        (&set["state"], &set["rate"]),
        (&"disabled".into(), &9.into())
    );
    let table = server.run(&["webhook", "list"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.starts_with("ENDPOINT") && table.contains("somebody disabled it"),
        "{table}"
    );
    assert!(!table.contains("whsec_"));
    assert!(!server.run(&["webhook", "set", id]).status.success());
    assert!(
        server
            .failure(&["webhook", "add", "http://localhost/"])
            .contains("https://HOST")
    );
    assert!(server.run(&["webhook", "remove", id]).status.success());
    assert!(
        server
            .failure(&["webhook", "show", id])
            .contains("no such webhook endpoint")
    );
}

#[test]
fn deliveries_are_listed_and_sent_again() {
    if !is_there("webhooks from the command line") {
        return;
    }
    let server = Server::prepared("deliveries", &[], may_be_told);
    let mut receiver = Receiver::start(server.folder(), "real", &[SECRET]);
    receiver.answer(&[200; 4]);
    let secret = server.folder().join("secret").display().to_string();
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let url = format!("https://localhost:{}/", receiver.port);
    let added = server.json(&[
        "webhook", "add", &url, "--type", "device.*", "--secret", &secret,
    ]);
    let id = added["id"].as_str().unwrap();
    assert_eq!(server.json(&["webhook", "test", id])["state"], "delivered");
    assert_eq!(
        (receiver.request().sequence, added["position"].as_i64()),
        (None, Some(0))
    );
    server.json(&["device", "add", EID]);
    let told = receiver.request();
    assert_eq!(told.verified, 1);
    let delivered = until(
        &server,
        &["webhook", "deliveries", "--state", "delivered"],
        1,
    );
    let delivery = items(&delivered)[0]["id"].as_str().unwrap();
    assert!(
        server
            .run(&["webhook", "resend", delivery])
            .status
            .success()
    );
    assert_eq!(receiver.request().id, told.id);
    let number = told.sequence.unwrap().to_string();
    until(&server, &["webhook", "deliveries", "--event", &number], 2);
    let replay = server.run(&["webhook", "replay", id, &number, &number]);
    assert!(replay.status.success(), "{replay:?}");
    assert_eq!(receiver.request().id, told.id);
    let table = server.run(&["webhook", "deliveries", "--endpoint", id]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.starts_with("DELIVERY") && table.contains("device.added"),
        "{table}"
    );
    let said = server.failure(&["webhook", "replay", id, "1", "999"]);
    assert!(said.contains("not all of these events"), "{said}");
}
