//! A server is restored from a backup that is older than what its cards did since: no
//! card refuses a counter, and nothing that is said contradicts a card.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use field::Fielded;
use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromIpaToEim, EuiccPackageErrorCode, EuiccPackageResult,
};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::Value;
use support::{Folder, Server, run_in, simurgh};

const FIRST: &str = "89999700000000000010";
const SECOND: &str = "89999700000000000028";

/// Devices, and what their cards refused.
struct Field {
    devices: Vec<Fielded>,
    refused: Vec<EuiccPackageErrorCode>,
    runtime: tokio::runtime::Runtime,
}

/// What a card refused, if it did.
fn refusal(request: &[u8]) -> Option<EuiccPackageErrorCode> {
    let message = EsipaMessageFromIpaToEim::from_der(request).ok()?;
    let EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) = message else {
        return None;
    };
    let result = match &provided.eim_package_result {
        EimPackageResult::EuiccPackageResult(result) => result,
        EimPackageResult::EprAndNotifications(both) => &both.euicc_package_result,
        _ => return None,
    };
    match &**result {
        EuiccPackageResult::ErrorSigned(error) => Some(
            error
                .euicc_package_error_data_signed
                .euicc_package_error_code,
        ),
        _ => None,
    }
}

impl Field {
    fn new(server: &Server, count: u64) -> Self {
        let ask = |_: usize, arguments: &[&str]| server.json(arguments);
        Field {
            devices: Fielded::some(server.folder(), count, &[FIRST, SECOND], ask),
            refused: Vec::new(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// One contact of a device.
    fn contact(&mut self, server: &Server, number: usize) {
        let client = Client::builder()
            .resolve("eim.simurgh.test", server.address("eim"))
            .resolve("smdp.simurgh.test", server.address("smdp"))
            .build(Arc::new(SoftwareProvider))
            .unwrap();
        let refused = &mut self.refused;
        let mut polls = 0;
        let until = Instant::now() + Duration::from_secs(30);
        // A device that was reset a moment ago waits.
        while polls == 0 && Instant::now() < until {
            let exchange = async |server: &_, request: HttpRequest| {
                if request.path.ends_with("handleNotification") {
                    // Its SM-DP+ is none of this test.
                    return Ok(HttpResponse {
                        status: 204,
                        content_type: None,
                        admin_protocol: None,
                        body: Vec::new(),
                    });
                }
                polls += usize::from(request.body.starts_with(&[0xBF, 0x4F]));
                refused.extend(refusal(&request.body));
                let response = client.post(server, request).await;
                response.map_err(|error| error.to_string())
            };
            let round = self.devices[number].round(exchange);
            self.runtime.block_on(round);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(polls > 0, "{}", server.log());
    }

    fn eid(&self, number: usize) -> String {
        self.devices[number].eid().to_string()
    }

    /// Orders an enable; gives the operation.
    fn enable(&self, server: &Server, number: usize, iccid: &str) -> String {
        let ordered = server.json(&["profile", "enable", &self.eid(number), iccid]);
        ordered["id"].as_str().unwrap().to_string()
    }

    /// The card's profile that is enabled, by a list that it signs now.
    fn enabled(&mut self, server: &Server, number: usize) -> String {
        self.list(server, number);
        let list = server.json(&["profile", "list", &self.eid(number)]);
        let profiles = list["profiles"].as_array().or(list["items"].as_array());
        let enabled =
            |profile: &&Value| profile["state"] == "enabled" || profile["enabled"] == true;
        let profile = profiles.unwrap().iter().find(enabled);
        profile.unwrap_or_else(|| panic!("{list}"))["iccid"]
            .as_str()
            .unwrap()
            .to_string()
    }

    /// A list of profiles, signed.
    fn list(&mut self, server: &Server, number: usize) {
        let file = server.folder().join("list.json");
        std::fs::write(&file, r#"[{"kind":"list_profile_info"}]"#).unwrap();
        let file = file.display().to_string();
        let eid = self.eid(number);
        server.json(&["operation", "order", &eid, &file]);
        self.contact(server, number);
    }
}

fn state(server: &Server, operation: &str) -> String {
    let shown = server.json(&["operation", "show", operation]);
    shown["state"].as_str().unwrap().to_string()
}

fn restored(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = simurgh();
    command.arg("restore").args(arguments);
    command.current_dir(folder).output().unwrap()
}

/// A backup does not take the place of another, and a database in use is not filled.
fn refused_while_the_server_runs(folder: &Path) {
    let again = simurgh()
        .args(["backup", "monday.backup"])
        .current_dir(folder)
        .output();
    let again = String::from_utf8(again.unwrap().stderr).unwrap();
    assert!(again.contains("is there already"), "{again}");
    let in_use = restored(folder, &["monday.backup"]);
    let in_use = String::from_utf8(in_use.stderr).unwrap();
    assert!(in_use.contains("another simurgh uses it"), "{in_use}");
}

/// Another key opens nothing, and nothing is written.
fn refused_with_another_key(backup: &Path) {
    let other = Folder::new("restored-other-key");
    run_in(&other.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let backup = backup.display().to_string();
    let wrong = restored(&other.0, &[&backup]);
    let wrong = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.contains("made with another key"), "{wrong}");
    assert!(!other.0.join("simurgh.db").exists());
}

#[test]
fn what_cards_did_since_the_backup_is_found_out_and_no_counter_is_used_again() {
    let server = Server::start("restored", &[]);
    let mut field = Field::new(&server, 4);
    let [done, waiting, undone, idle] = [0, 1, 2, 3];
    for number in 0..4 {
        assert_eq!(field.enabled(&server, number), SECOND);
    }
    let orders = [done, waiting, undone].map(|number| field.enable(&server, number, FIRST));

    // When the backup is made, the three wait.
    let folder = server.folder().to_path_buf();
    run_in(&folder, &["backup", "monday.backup"]);
    refused_while_the_server_runs(&folder);

    // Since then one is done, one is done and undone, and counters go on.
    field.contact(&server, done);
    field.contact(&server, undone);
    field.contact(&server, undone);
    let back = field.enable(&server, undone, SECOND);
    field.contact(&server, undone);
    field.contact(&server, undone);
    assert_eq!(state(&server, &orders[done]), "confirmed");
    let shown = server.json(&["operation", "show", &back]);
    assert_eq!(shown["state"], "confirmed", "{shown} {}", server.log());
    for _ in 0..10 {
        field.list(&server, idle);
    }

    let folder = server.stop();
    for file in ["simurgh.db", "simurgh.db-wal", "simurgh.db-shm"] {
        let _ = std::fs::remove_file(folder.0.join(file));
    }
    refused_with_another_key(&folder.0.join("monday.backup"));
    let restored = restored(&folder.0, &["monday.backup"]);
    let said = String::from_utf8(restored.stderr.clone()).unwrap();
    assert!(restored.status.success(), "{said}");
    assert!(said.contains("went on by 1024; 3 operations"), "{said}");
    let server = Server::in_folder(folder, &[]);
    for order in &orders {
        assert_eq!(state(&server, order), "outcome_unknown");
    }
    for number in 0..4 {
        field.contact(&server, number);
        field.contact(&server, number);
    }
    // Done, as the card says; what waited has waited on, and was done now.
    assert!(["executed", "confirmed"].contains(&&*state(&server, &orders[done])));
    assert!(["executed", "confirmed"].contains(&&*state(&server, &orders[waiting])));
    // Not done, says the card, and nobody knows whether it ever was: it is neither
    // failed nor done once more.
    let shown = server.json(&["operation", "show", &orders[undone]]);
    assert_eq!(shown["state"], "outcome_unknown", "{shown}");
    assert!(shown.to_string().contains("undone since"), "{shown}");
    for (number, iccid) in [
        (done, FIRST),
        (waiting, FIRST),
        (undone, SECOND),
        (idle, SECOND),
    ] {
        assert_eq!(field.enabled(&server, number), iccid, "device {number}");
    }
    assert_eq!(field.refused, [], "{}", server.log());
}

#[test]
fn a_backup_goes_through_a_pipe_into_the_other_engine() {
    let Some(database) = postgres::database("backup_pipe") else {
        return;
    };
    let server = Server::start("backup-pipe", &[]);
    let eid = "89049032000000000000000000000163";
    server.json(&["device", "add", eid]);
    let mut made = simurgh()
        .args(["backup", "--quiet", "-"])
        .current_dir(server.folder())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let restored = simurgh()
        .args(["restore", "--quiet", "--moved", "-"])
        .args(["--set", &format!("store.url={database}")])
        .current_dir(server.folder())
        .stdin(made.stdout.take().unwrap())
        .status()
        .unwrap();
    assert!(made.wait().unwrap().success() && restored.success());
    let folder = server.stop();
    let server = Server::in_folder(folder, &["--set", &format!("store.url={database}")]);
    assert_eq!(server.json(&["device", "show", eid])["eid"], eid);
}
