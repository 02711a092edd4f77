//! Schemathesis, which is not ours, makes requests from the OpenAPI document,
//! right ones and wrong ones, and holds the answers against it.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::asking::{Asker, EID};
use crate::support::Server;

/// Seconds that it may take. It makes more of more time.
fn seconds() -> &'static str {
    match std::env::var("SIMURGH_LONG") {
        Ok(_) => "900",
        Err(_) => "40",
    }
}

/// Where `cargo xtask setup` puts it.
fn program() -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/schemathesis");
    if program.exists() {
        return Some(program);
    }
    let reason = "no Schemathesis (`cargo xtask setup` installs it)";
    println!("SKIPPED: {reason}");
    if let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") {
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(log);
        // The line on standard output is there in any case.
        let _ = log.and_then(|mut log| writeln!(log, "the API: {reason}"));
    }
    None
}

#[test]
fn answers_are_as_documented() {
    let Some(program) = program() else {
        return;
    };
    let server = Server::start(
        "schemathesis",
        &[
            "--set",
            "door.requests_per_minute=1000000",
            "--set",
            "door.requests_per_minute_of_tenant=1000000",
        ],
    );
    let asker = Asker::new(&server);
    // Something to be found by the examples.
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
    let token = std::fs::read_to_string(server.folder().join("door.token")).unwrap();
    let output = Command::new(program)
        .current_dir(server.folder())
        .arg("run")
        .arg(format!("{}/v1/openapi.json", server.url()))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token.trim()),
        ])
        .arg("--tls-verify")
        .arg(server.folder().join("pki/private_ca.pem"))
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-time", seconds(), "--workers", "2", "--seed", "1"])
        .args([
            "--checks",
            "all",
            "--continue-on-failure",
            "--no-color",
            "--output-sanitize",
            "true",
        ])
        // What is well-formed may still name an EID or a profile that is not
        // there, or that goes with nothing.
        // A device that was just added has no key yet that could be removed.
        .args([
            "--exclude-checks",
            "positive_data_acceptance,ensure_resource_availability",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    let log = server.log();
    let panics: Vec<_> = log
        .lines()
        .filter(|line| line.contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:?}");
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!said.contains("No operations"), "{said}");
}
