//! Output that nobody reads, or that cannot be written.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::process::{Output, Stdio};

use support::simurgh;

/// Commands that print without a server.
const PRINTING: [&[&str]; 3] = [
    &["completion", "bash"],
    &["profile", "build", "--example"],
    &["profile", "lint", "--rules"],
];

fn with_stdout(arguments: &[&str], stdout: impl Into<Stdio>) -> Output {
    let child = simurgh()
        .args(arguments)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn();
    child.unwrap().wait_with_output().unwrap()
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = with_stdout(arguments, writer);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_said() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        return;
    };
    let output = with_stdout(&["completion", "bash"], full);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write to standard output"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
