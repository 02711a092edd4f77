//! Activation codes of this server's SM-DP+, through a pool, to a device and back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
mod support;

use field::Site;
use serde_json::Value;
use support::Server;

const BOOTSTRAP: &str = "89999700000000000010";
const ICCID: &str = "89999700000000000028";

/// One profile for the SM-DP+.
fn bring(server: &Server) {
    let table = server.folder().join("subscriptions.csv");
    let key = "00".repeat(16);
    let text = format!("iccid,imsi,k,opc\n{ICCID},999700000000001,{key},{key}\n");
    std::fs::write(&table, text).unwrap();
    let table = table.to_str().unwrap();
    let provider = ["--provider", "Example Mobile", "--subscriptions", table];
    let stock = ["profile", "stock", "operational"];
    let output = server.run(&[&stock[..], &provider].concat());
    assert!(output.status.success(), "{output:?}");
}

fn download(site: &Site) -> String {
    let eid = site.device.eid().to_string();
    let download = ["profile", "download", &eid, "--pool", "meters"];
    let queued = site.server.json(&download);
    queued["id"].as_str().unwrap().to_string()
}

fn state(server: &Server, id: &str) -> String {
    let operation = server.json(&["operation", "show", id]);
    operation["state"].as_str().unwrap().to_string()
}

fn stock(server: &Server) -> Value {
    server.json(&["pool", "show", "meters"])["stock"].clone()
}

/// The bound package never comes: the worker takes the order back at the SM-DP+, orders
/// anew, and the code that the pool has then brings the profile.
#[test]
fn a_download_cut_off_before_the_installation_gives_its_code_back() {
    let mut site = Site::new("codes", &[BOOTSTRAP]);
    site.server.json(&["pool", "set", "meters"]);
    let order = ["code", "order", "meters", "--type", "operational"];
    let said = site.server.failure(&order);
    assert!(said.contains("simurgh profile stock"), "{said}");
    bring(&site.server);
    let ordered = site.server.json(&order);
    assert_eq!(ordered["added"], 1);
    assert_eq!(stock(&site.server)["available"], 1);

    let first = download(&site);
    assert_eq!(stock(&site.server)["leased"], 1);
    site.poll_until(Some("getBoundProfilePackage"), |server| {
        state(server, &first) == "failed" && stock(server)["available"] == 1
    });
    assert!(site.server.log().contains("code renewed"));

    let second = download(&site);
    site.poll_until(None, |server| state(server, &second) == "confirmed");
    let stock = stock(&site.server);
    assert_eq!(
        (&stock["spent"], &stock["available"]),
        (&1.into(), &0.into())
    );
    let operation = site.server.json(&["operation", "show", &second]);
    assert_eq!(operation["iccid"], ICCID);
}
