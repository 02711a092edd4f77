//! A receiver of webhooks that is not ours: Python, with the library of Standard
//! Webhooks.
#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const RECEIVER: &str = include_str!("receiver.py");

/// Answers as it is told, and tells of each request.
pub(crate) struct Receiver {
    child: Child,
    answers: ChildStdin,
    requests: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The event's number, if it has one.
    pub(crate) sequence: Option<i64>,
    pub(crate) kind: String,
    /// With how many of the secrets the library verifies it.
    pub(crate) verified: u64,
    /// When it came, in seconds.
    pub(crate) came: f64,
    pub(crate) id: String,
}

impl Receiver {
    /// With the certificate and the secrets of a folder. `clock` is `real`, or `test`
    /// if that of requests is to be believed.
    pub(crate) fn start(folder: &Path, clock: &str, secrets: &[&str]) -> Self {
        let file = folder.join(format!("secrets-{}", secrets.len()));
        std::fs::write(&file, secrets.join("\n")).unwrap();
        let mut child = Command::new(python())
            .args(["-c", RECEIVER, clock])
            .args([folder.join("server.pem"), folder.join("server.key"), file])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = child.stdin.take().unwrap();
        let mut requests = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        requests.read_line(&mut port).unwrap();
        Receiver {
            port: port.trim().parse().unwrap(),
            child,
            answers,
            requests,
        }
    }

    /// What it is to answer next, one after the other.
    pub(crate) fn answer(&mut self, statuses: &[u16]) {
        for status in statuses {
            writeln!(self.answers, "{status}").unwrap();
        }
    }

    /// The next request.
    pub(crate) fn request(&mut self) -> Told {
        let mut line = String::new();
        self.requests.read_line(&mut line).unwrap();
        let request: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |place: usize| request[place].as_str().map(str::to_string);
        Told {
            sequence: text(0).map(|text| text.parse().unwrap()),
            kind: text(1).unwrap(),
            verified: request[2].as_u64().unwrap(),
            came: request[3].as_f64().unwrap(),
            id: text(4).unwrap(),
        }
    }

    pub(crate) fn requests(&mut self, count: usize) -> Vec<Told> {
        (0..count).map(|_| self.request()).collect()
    }
}

/// Python with the library, as `cargo xtask setup` installs it.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("target/python/bin/python")
}

/// Says that a test was not run, and why.
pub(crate) fn skipped(test: &str, reason: &str) {
    println!("SKIPPED: {test}: {reason}");
    if let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") {
        let mut options = std::fs::OpenOptions::new();
        let log = options.append(true).create(true).open(log);
        // The line on standard output is there in any case.
        let _ = log.and_then(|mut log| writeln!(log, "{test}: {reason}"));
    }
}

/// Whether there is one; otherwise the test counts as skipped.
pub(crate) fn is_there(test: &str) -> bool {
    let there = python().exists();
    if !there {
        let reason = "no Standard Webhooks for Python (`cargo xtask setup` installs it)";
        skipped(test, reason);
    }
    there
}

/// A certificate for `localhost`, which vouches for itself.
pub(crate) fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "server.key", "-out", "server.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// For a server in a folder: receivers on this machine may be told, and vouch for
/// themselves.
pub(crate) fn may_be_told(folder: &Path) {
    certificate(folder);
    let file = folder.join("simurgh.toml");
    let mut settings = std::fs::read_to_string(&file).unwrap();
    settings.push_str(
        "\n[events]\nwebhook_networks = [\"127.0.0.0/8\", \"::1/128\"]\nwebhook_ca = \"server.pem\"\n",
    );
    std::fs::write(&file, settings).unwrap();
}
