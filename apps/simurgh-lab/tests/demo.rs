//! The demonstration, end to end: real programs, real TLS, real files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// What the server is made of.
const SOURCES: [&str; 7] = [
    "apps/simurgh/src",
    "crates/api/src",
    "crates/rsp-asn1/src",
    "crates/rsp-core/src",
    "crates/rsp-crypto/src",
    "crates/rsp-net/src",
    "crates/store/src",
];

/// When the newest file of a folder was changed, and which that is.
fn newest(folder: &Path) -> (SystemTime, PathBuf) {
    let entries = std::fs::read_dir(folder).unwrap();
    let dated = entries.map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => newest(&path),
            false => (changed(&path), path),
        }
    });
    dated
        .max()
        .unwrap_or((SystemTime::UNIX_EPOCH, folder.to_path_buf()))
}

fn changed(file: &Path) -> SystemTime {
    std::fs::metadata(file).unwrap().modified().unwrap()
}

/// The demonstration runs the server beside it, which tests of this package
/// alone do not build: an old one would be tested in its place.
fn refuse_a_stale_server() {
    let server = Path::new(env!("CARGO_BIN_EXE_simurgh-lab")).with_file_name("simurgh");
    let remedy = "run `cargo build -p simurgh`, or the tests of the workspace";
    assert!(
        server.exists(),
        "there is no {}: {remedy}",
        server.display()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in SOURCES {
        let (when, source) = newest(&root.join(folder));
        let (source, server) = (source.display(), server.as_path());
        let fresh = changed(server) >= when;
        assert!(
            fresh,
            "{} is older than {source}: {remedy}",
            server.display()
        );
    }
}

fn demo(arguments: &[&str]) -> Output {
    refuse_a_stale_server();
    Command::new(env!("CARGO_BIN_EXE_simurgh-lab"))
        .args(["demo", "--once"])
        .args(arguments)
        .output()
        .unwrap()
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines()
        .last()
        .unwrap_or_else(|| panic!("no output: {said}"))
        .to_string()
}

/// The demonstration ends well, with two devices confirmed.
#[track_caller]
fn confirms_two(arguments: &[&str]) {
    let output = demo(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?} {said}");
    let line = last_line(&output);
    let confirmed = r#"{"devices":2,"confirmed":2,"seconds":"#;
    assert!(line.starts_with(confirmed), "{arguments:?} {line}");
}

/// The whole chain over CoAP with the eIM's certificate, over CoAP with a key
/// for each device, and through an MQTT broker; profiles come either way.
#[test]
fn other_bindings_end_the_same() {
    for binding in ["coap-cert", "coap-psk", "mqtt"] {
        for download in ["direct", "indirect"] {
            let arguments = ["--binding", binding, "--download", download];
            let output = demo(&[&["--devices", "2", "--parallel", "2"][..], &arguments].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?} {said}");
            let confirmed = last_line(&output).contains(r#""confirmed":2"#);
            assert!(confirmed, "{arguments:?}");
        }
    }
}

#[test]
fn every_device_ends_with_its_bootstrap_profile_disabled() {
    let output = demo(&["--devices", "5", "--parallel", "2"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = last_line(&output);
    let confirmed = r#"{"devices":5,"confirmed":5,"seconds":"#;
    assert!(line.starts_with(confirmed), "{line}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |step: &str| {
        let line = text.lines().find(|line| line.starts_with(step));
        let line = line.unwrap_or_else(|| panic!("no {step} in {text}"));
        line[44..].split_whitespace().next().unwrap().to_string()
    };
    assert_eq!(row("card made: bootstrap profile, eIM known"), "5");
    assert_eq!(row("device woken from what it keeps at rest"), "5");
    assert_eq!(row("bootstrap profile disabled on the card"), "5");
    assert!(text.contains("5 of 5 devices confirmed"), "{text}");
    assert!(text.contains("per second"), "{text}");
}

/// Devices that are only announced come to their profiles by themselves.
#[test]
fn untouched_devices_end_with_their_profiles() {
    let output = demo(&["--zero-touch", "--devices", "4"]);
    let line = last_line(&output);
    assert!(output.status.success(), "{line}");
    assert!(line.starts_with(r#"{"devices":4,"confirmed":4,"#), "{line}");
}

/// EIM-01, EIM-61, IPA-02, IPA-59: over real TLS, by a server that is a process
/// of its own, either way and in either binding.
#[test]
fn both_ways_in_both_bindings() {
    for (download, binding) in [
        ("direct", "json"),
        ("indirect", "asn1"),
        ("indirect", "json"),
    ] {
        let arguments = [
            "--devices",
            "2",
            "--download",
            download,
            "--binding",
            binding,
        ];
        confirms_two(&arguments);
    }
}

/// Cards for consumer devices, in whose place the IPA answers: either way of a
/// download, another binding, and without an operator.
#[test]
fn consumer_cards_are_managed_as_well() {
    for arguments in [
        vec![],
        vec!["--download", "indirect", "--binding", "json"],
        vec!["--binding", "coap-psk"],
        vec!["--zero-touch"],
    ] {
        let all = [
            &["--card", "consumer", "--devices", "2"],
            arguments.as_slice(),
        ]
        .concat();
        confirms_two(&all);
    }
}

/// The card's own IPA polls, downloads either way and executes the enable: over
/// channels of a terminal, with the card's own TLS.
#[test]
fn the_ipa_in_the_card_ends_the_same() {
    for more in [
        &["--download", "direct"][..],
        &["--download", "indirect"],
        &["--zero-touch"],
    ] {
        let arguments = [&["--ipa", "card", "--devices", "2"], more].concat();
        confirms_two(&arguments);
    }
    let refused = demo(&["--ipa", "card", "--binding", "json"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--ipa card needs --binding asn1"), "{said}");
}

/// Whether something listens on a port of this machine.
fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_killed_demonstration_leaves_no_server_and_the_next_one_no_folder() {
    let temporary = std::env::temp_dir().join(format!("simurgh-killed-{}", std::process::id()));
    std::fs::create_dir(&temporary).unwrap();
    refuse_a_stale_server();
    let mut child = Command::new(env!("CARGO_BIN_EXE_simurgh-lab"))
        .arg("demo")
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let api = lines.find_map(|line| {
        let line = line.unwrap();
        let port = line.trim().strip_prefix("API      https://localhost:")?;
        Some(port.parse().unwrap())
    });
    let port: u16 = api.unwrap();
    assert!(listens(port));
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = (0..200).any(|_| {
        sleep(Duration::from_millis(100));
        !listens(port)
    });
    assert!(ended, "the server is still there");
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left(), 1, "nobody could remove it");

    let next = Command::new(env!("CARGO_BIN_EXE_simurgh-lab"))
        .args(["demo", "--once"])
        .env("TMPDIR", &temporary)
        .output()
        .unwrap();
    assert!(next.status.success());
    assert_eq!(left(), 0);
    std::fs::remove_dir(&temporary).unwrap();
}

#[test]
fn packages_of_the_field_are_confirmed() {
    let Some(folder) = lab::test_data::folder("packages_of_the_field_are_confirmed") else {
        return;
    };
    for file in [
        "spec/minimal-profile.der",
        "data/ts48/TS48v7_SAIP2.3_NoBERTLV.der",
    ] {
        let output = demo(&["--profile", folder.join(file).to_str().unwrap()]);
        let line = last_line(&output);
        assert!(output.status.success(), "{file}");
        assert!(
            line.starts_with(r#"{"devices":1,"confirmed":1,"seconds":"#),
            "{line}"
        );
    }
}

#[test]
fn a_file_that_is_no_package_is_refused() {
    let file = std::env::temp_dir().join(format!("simurgh-no-package-{}", std::process::id()));
    std::fs::write(&file, b"not a package").unwrap();
    let output = demo(&["--profile", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("malformed profile package"), "{said}");
}

#[test]
fn without_its_server_the_demonstration_says_so() {
    let output = demo(&["--server", "/nonexistent/simurgh"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot run /nonexistent/simurgh"), "{said}");
}
