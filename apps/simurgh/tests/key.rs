//! The key under which secrets rest: changing it, and keys that are sealed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::path::{Path, PathBuf};

use rsp_crypto::software::{Sealer, SoftwareKey};
use store::SqliteStore;
use support::{Folder, Server, run_in, simurgh};

const EID: &str = "89049032000000000000000000000163";

/// A folder that `simurgh init` has filled.
fn made(name: &str) -> Folder {
    let folder = Folder::new(name);
    run_in(&folder.0, &["init", "--ports", "0,0,0"]);
    folder
}

fn failure(folder: &Path, arguments: &[&str]) -> String {
    let output = simurgh().current_dir(folder).args(arguments).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn key(file: &Path) -> Sealer {
    let text = std::fs::read_to_string(file).unwrap();
    let octet = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    Sealer::new(std::array::from_fn(octet))
}

/// The key files of earlier times.
fn old_keys(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let is_old = |file: &PathBuf| file.to_string_lossy().contains("simurgh.key.old-");
    files.filter(is_old).collect()
}

#[test]
fn everything_opens_with_the_new_key_and_nothing_with_the_old_one() {
    let server = Server::in_folder(made("rotate"), &[]);
    server.json(&["device", "add", EID, "--association-token", "7"]);
    let folder = server.folder().to_path_buf();
    let said = failure(&folder, &["key", "rotate"]);
    assert!(said.contains("another simurgh uses it"), "{said}");
    let folder = server.stop();

    run_in(&folder.0, &["key", "rotate"]);
    assert!(!folder.0.join("simurgh.key.new").exists());
    let old = old_keys(&folder.0);
    assert_eq!(old.len(), 1);
    #[cfg(unix)]
    for file in [&old[0], &folder.0.join("simurgh.key")] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let server = Server::in_folder(folder, &[]);
    let device = server.json(&["device", "show", EID]);
    assert_eq!(device["association_token"], 7);
    let folder = server.stop();

    // The keys in both folders have the new key, too.
    run_in(&folder.0, &["key", "open", "ca/ci.key.pem"]);
    let with_old = ["--key-file", old[0].to_str().unwrap()];
    for file in ["ca/ci.key.pem", "pki/eim_sign.key.pem"] {
        let said = failure(&folder.0, &[&["key", "open", file][..], &with_old].concat());
        assert!(said.contains("sealed with another key"), "{said}");
    }
    std::fs::copy(&old[0], folder.0.join("simurgh.key")).unwrap();
    let said = failure(&folder.0, &["serve"]);
    assert!(said.contains("another key"), "{said}");
}

#[test]
fn a_key_of_ones_own_is_taken_and_the_same_one_refused() {
    let folder = made("rotate-own");
    let mine = folder.0.join("mine");
    std::fs::write(&mine, "00112233445566778899aabbccddeeff".repeat(2)).unwrap();
    let rotate = ["key", "rotate", "--new-key-file", "mine"];
    run_in(&folder.0, &rotate);
    let text = std::fs::read_to_string(folder.0.join("simurgh.key")).unwrap();
    assert_eq!(text, std::fs::read_to_string(&mine).unwrap());
    let said = failure(&folder.0, &rotate);
    assert!(said.contains("this is the key already"), "{said}");
    assert!(!folder.0.join("simurgh.key.new").exists());
    std::fs::write(&mine, "short").unwrap();
    let said = failure(&folder.0, &rotate);
    assert!(said.contains("32 octets"), "{said}");
    assert!(!folder.0.join("simurgh.key.new").exists());
    drop(Server::in_folder(folder, &[]));
}

#[test]
fn a_change_that_was_cut_off_is_finished() {
    let server = Server::in_folder(made("rotate-cut"), &[]);
    server.json(&["device", "add", EID]);
    let folder = server.stop();
    // As if the power had failed after the database.
    let next = folder.0.join("simurgh.key.new");
    std::fs::write(&next, "5a".repeat(32)).unwrap();
    let old = key(&folder.0.join("simurgh.key"));
    let database = folder.0.join("simurgh.db");
    assert!(
        SqliteStore::reseal(&database, old, key(&next))
            .unwrap()
            .is_some()
    );
    let said = failure(&folder.0, &["serve"]);
    assert!(
        said.contains("finish it with `simurgh key rotate`"),
        "{said}"
    );

    run_in(&folder.0, &["key", "rotate"]);
    let text = std::fs::read_to_string(folder.0.join("simurgh.key")).unwrap();
    assert_eq!(text, "5a".repeat(32));
    let server = Server::in_folder(folder, &[]);
    server.json(&["device", "show", EID]);
}

#[test]
fn a_key_that_does_not_open_stops_the_change_before_it_begins() {
    let folder = made("rotate-foreign");
    let other = made("rotate-other");
    let file = "pki/dp_tls.key.pem";
    std::fs::copy(other.0.join(file), folder.0.join(file)).unwrap();
    let before = std::fs::read(folder.0.join("pki/eim_sign.key.pem")).unwrap();
    let said = failure(&folder.0, &["key", "rotate"]);
    assert!(
        said.contains("dp_tls.key.pem") && said.contains("another key"),
        "{said}"
    );
    let after = std::fs::read(folder.0.join("pki/eim_sign.key.pem")).unwrap();
    assert_eq!(before, after);
    assert!(old_keys(&folder.0).is_empty());
}

#[test]
fn issuers_keys_are_sealed_and_still_issue() {
    let folder = made("issuers");
    let issue = [
        "pki",
        "issue",
        "operator",
        "--issuer",
        "ca/private_ca.pem",
        "--issuer-key",
        "ca/private_ca.key.pem",
        "--out",
        "ca/second.pem",
    ];
    let said = failure(&folder.0, &issue);
    assert!(said.contains("give --key-file"), "{said}");
    run_in(
        &folder.0,
        &[&issue[..], &["--key-file", "simurgh.key"]].concat(),
    );
    let sealed = std::fs::read_to_string(folder.0.join("ca/second.key.pem")).unwrap();
    assert!(sealed.contains("SEALED"), "{sealed}");
    let opened = run_in(&folder.0, &["key", "open", "ca/second.key.pem"]).stdout;
    SoftwareKey::from_pkcs8_pem(std::str::from_utf8(&opened).unwrap()).unwrap();
    let said = failure(&folder.0, &["key", "open", "ca/second.pem"]);
    assert!(said.contains("is not sealed"), "{said}");

    // For programs that know no sealed keys.
    let plain = ["--key-file", "simurgh.key", "--plain"];
    let issue: Vec<_> = issue.map(|word| word.replace("second", "third")).into();
    let issue: Vec<_> = issue.iter().map(String::as_str).collect();
    let output = run_in(&folder.0, &[&issue[..], &plain].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("third.key.pem are in plain PEM"), "{said}");
    let pem = std::fs::read_to_string(folder.0.join("ca/third.key.pem")).unwrap();
    SoftwareKey::from_pkcs8_pem(&pem).unwrap();
}

#[test]
fn who_chooses_plain_keys_is_warned() {
    let folder = Folder::new("plain");
    let output = run_in(&folder.0, &["init", "--plain-ca"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("warning: private keys in ./ca are in plain PEM"),
        "{said}"
    );
    let pem = std::fs::read_to_string(folder.0.join("ca/ci.key.pem")).unwrap();
    SoftwareKey::from_pkcs8_pem(&pem).unwrap();
    let output = run_in(
        &folder.0,
        &["pki", "init", "--dir", "other", "--ca", "others"],
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("warning:").count(), 2, "{said}");
    // Sealed, there is nothing to warn of.
    let output = run_in(
        &made("no-plain").0,
        &[
            "pki",
            "init",
            "--dir",
            "a",
            "--ca",
            "b",
            "--key-file",
            "simurgh.key",
        ],
    );
    assert!(output.stderr.is_empty(), "{output:?}");
}
