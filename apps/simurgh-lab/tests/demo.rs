//! The demonstration, end to end: real programs, real TLS, real files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
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

#[test]
fn three_devices_are_confirmed() {
    let output = demo(&["--devices", "3"]);
    let line = last_line(&output);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        line.starts_with(r#"{"devices":3,"confirmed":3,"seconds":"#),
        "{line}"
    );
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
