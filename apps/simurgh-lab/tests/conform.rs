//! `simurgh-lab conform` as somebody in a terminal meets it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::{Command, Output};

fn conform(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simurgh-lab"));
    command.arg("conform").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    String::from_utf8_lossy(&output.stdout).into_owned() + &err
}

#[test]
fn the_software_card_is_judged_and_the_report_written() {
    let file = std::env::temp_dir().join(format!("simurgh-conform-{}.xml", std::process::id()));
    let junit = file.to_str().unwrap();
    let output = conform(&["euicc", "--case", "EUI-0*", "--junit", junit]);
    assert!(output.status.success(), "{}", said(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("euicc: 9 cases: 9 passed, 0 failed, 0 skipped"),
        "{table}"
    );
    let xml = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(xml.contains("tests=\"9\" failures=\"0\""), "{xml}");
}

/// The card that is wanted is judged, and nothing is done to any other.
#[test]
fn the_eid_that_is_wanted() {
    let eid = "89882119900000000000000000000005";
    let output = conform(&["euicc", "--case", "EUI-02", "--eid", eid]);
    assert!(output.status.success(), "{}", said(&output));
    let output = conform(&["euicc", "--case", "EUI-02", "--eid", "1234"]);
    assert!(!output.status.success());
    assert!(said(&output).contains("--eid"), "{}", said(&output));
    let output = conform(&["smds", "--case", "DS-0*", "--eid", eid]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("9 passed"), "{}", said(&output));
}

#[test]
fn what_is_not_run_counts_as_skipped() {
    let output = conform(&["codec"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("8 cases: 0 passed, 0 failed, 8 skipped"));
}

#[test]
fn cases_can_be_listed_and_a_wrong_one_is_named() {
    let output = conform(&["euicc", "--list"]);
    assert_eq!(said(&output).lines().count(), 61);
    let output = conform(&["euicc", "--case", "XYZ-01"]);
    assert!(!output.status.success());
    assert!(said(&output).contains("--list"), "{}", said(&output));
}

/// A suite against Simurgh's own server: no case fails, so many pass.
fn own_server(suite: &str, passed: usize) {
    let output = conform(&[suite]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let total = said.lines().find(|line| line.contains(" cases: ")).unwrap();
    let count = total.split(' ').zip(total.split(' ').skip(1));
    let mut count = count.filter(|(_, word)| word.starts_with("passed"));
    let (number, _) = count.next().unwrap();
    assert!(number.parse::<usize>().unwrap() >= passed, "{said}");
}

#[test]
fn our_own_smdp_passes_its_suite() {
    own_server("smdp", 110);
}

#[test]
fn our_own_eim_passes_its_suite() {
    own_server("eim", 62);
}

#[test]
fn our_own_smds_passes_its_suite() {
    own_server("smds", 49);
}

#[test]
fn our_own_ipad_passes_its_suite() {
    if let Err(error @ lab::reader::PcscdError::NotInstalled(_)) = lab::reader::Pcscd::start() {
        lab::test_data::skip("our_own_ipad_passes_its_suite", &error.to_string());
        return;
    }
    let output = conform(&["ipad"]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("48 cases: 42 passed, 0 failed"), "{said}");
}
