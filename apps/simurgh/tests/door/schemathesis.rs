//! Schemathesis, which is not ours, makes requests from an OpenAPI document, right
//! ones and wrong ones, and holds the answers against it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::asking::{Asker, EID};
use crate::receiver::skipped;
use crate::support::Server;

/// Where `cargo xtask setup` puts it.
pub(crate) fn program(test: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/schemathesis");
    if program.exists() {
        return Some(program);
    }
    skipped(test, "no Schemathesis (`cargo xtask setup` installs it)");
    None
}

/// A server that lets somebody ask as often as he likes.
pub(crate) fn server(name: &str) -> Server {
    let rates = [
        "--set",
        "door.requests_per_minute=1000000",
        "--set",
        "door.requests_per_minute_of_tenant=1000000",
        "--set",
        "door.requests_per_minute_of_strangers=1000000",
    ];
    Server::start(name, &rates)
}

/// What refuses a body that the document does not allow: with its own statuses,
/// Schemathesis does not take 413 of one that is too large as well for a refusal.
const SETTINGS: &str = r#"
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"#;

/// Lets `schemathesis run …` ask for so many seconds, or for long; it makes more of
/// more time. With two workers its Python fails now and then by itself ("AST
/// constructor recursion depth mismatch").
pub(crate) fn run(mut command: Command, server: &Server, seconds: &str, unchecked: &str) {
    let token = std::fs::read_to_string(server.folder().join("door.token")).unwrap();
    let seconds = match std::env::var("SIMURGH_LONG") {
        Ok(_) => "900",
        Err(_) => seconds,
    };
    std::fs::write(server.folder().join("schemathesis.toml"), SETTINGS).unwrap();
    command
        .current_dir(server.folder())
        .env(
            "PYTHONPATH",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/door"),
        )
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .arg("--header")
        .arg(format!("Authorization: Bearer {}", token.trim()))
        .arg("--tls-verify")
        .arg(server.folder().join("pki/private_ca.pem"))
        .args(["--max-time", seconds, "--workers", "1", "--seed", "1"])
        .args(["--checks", "all", "--continue-on-failure", "--no-color"])
        .args(["--output-sanitize", "true"])
        .args(["--exclude-checks", unchecked]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    let log = server.log();
    let mut lines = log.lines();
    let panic = lines.find(|line| line.contains("panicked"));
    assert_eq!(panic, None);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!said.contains("No operations"), "{said}");
}

#[test]
fn answers_are_as_documented() {
    let Some(program) = program("the API") else {
        return;
    };
    let server = server("schemathesis");
    let asker = Asker::new(&server);
    // Something to be found by the examples.
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
    let mut command = Command::new(program);
    let document = format!("{}/v1/openapi.json", server.url());
    command.arg("run").arg(document);
    command.args(["--phases", "examples,coverage,fuzzing,stateful"]);
    // A stream has no end, and a test event asks a machine elsewhere: tests of
    // events and webhooks do both.
    for id in ["streamEvents", "testWebhookEndpoint"] {
        command.args(["--exclude-operation-id", id]);
    }
    // What is well-formed may still name an EID or a profile that is not there, or
    // that goes with nothing. A device that was just added has no key yet that could
    // be removed.
    let unchecked = "positive_data_acceptance,ensure_resource_availability";
    run(command, &server, "40", unchecked);
}
