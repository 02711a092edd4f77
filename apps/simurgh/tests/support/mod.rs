//! A server that is run as its users do, and what they ask of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "each test uses a part; tests fail by panicking"
)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsp_core::Timestamp;
use rsp_crypto::software::SoftwareKey;
use serde_json::Value;

/// A day of which samples are kept as they came, whenever the server forgets: `2026-03-01`.
pub(crate) fn yesterday() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let day = since - Duration::from_secs(24 * 60 * 60);
    let at = Timestamp(day.as_millis() as u64).to_string();
    at.split('T').next().unwrap().to_string()
}

/// A folder that is removed.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("simurgh-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, to be run.
pub(crate) fn simurgh() -> Command {
    Command::new(env!("CARGO_BIN_EXE_simurgh"))
}

/// Runs the program in a folder; it must succeed.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    let output = simurgh().current_dir(folder).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?} {output:?}");
    output
}

/// The key of an issuer in the folder `ca`.
pub(crate) fn issuer_key(folder: &Path, member: &str) -> SoftwareKey {
    let file = folder.join(format!("ca/{member}.key.pem"));
    SoftwareKey::from_pkcs8_pem(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// A server that is ended, and its folder that is removed.
pub(crate) struct Server {
    child: Child,
    folder: Folder,
    url: String,
    token: String,
    announced: Value,
}

impl Server {
    /// With what `simurgh init` writes.
    pub(crate) fn start(name: &str, serve: &[&str]) -> Self {
        Self::prepared(name, serve, |_| {})
    }

    /// With something done in the folder between `init` and `serve`.
    pub(crate) fn prepared(name: &str, serve: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = Folder::new(name);
        run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
        prepare(&folder.0);
        Self::in_folder(folder, serve)
    }

    /// In a folder that has everything.
    pub(crate) fn in_folder(folder: Folder, serve: &[&str]) -> Self {
        Self::started_by(simurgh(), folder, serve)
    }

    /// By a command that takes the arguments of the program.
    pub(crate) fn started_by(mut program: Command, folder: Folder, serve: &[&str]) -> Self {
        let log = std::fs::File::create(folder.0.join("server.log")).unwrap();
        let mut child = program
            .args(["serve", "--announce", "--config"])
            .arg(folder.0.join("simurgh.toml"))
            .args(serve)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let log = || std::fs::read_to_string(folder.0.join("server.log")).unwrap();
        let announced: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("not started: {}", log()));
        let door = announced["door"].as_str().unwrap();
        let port = door.rsplit(':').next().unwrap();
        Server {
            url: format!("https://localhost:{port}"),
            token: std::fs::read_to_string(folder.0.join("door.token")).unwrap(),
            child,
            folder,
            announced,
        }
    }

    /// Where it listens: `eim`, `smdp`, `es2plus` or `door`.
    pub(crate) fn address(&self, of: &str) -> SocketAddr {
        self.announced[of].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written on standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("server.log")).unwrap()
    }

    /// Ends it; the folder stays.
    pub(crate) fn stop(mut self) -> Folder {
        self.end();
        std::mem::replace(&mut self.folder, Folder(PathBuf::new()))
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        simurgh()
            .args(arguments)
            .env("SIMURGH_URL", &self.url)
            .env("SIMURGH_TOKEN", &self.token)
            .env("SIMURGH_CA", self.folder.0.join("pki/private_ca.pem"))
            .output()
            .unwrap()
    }

    /// What a command that succeeds prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a command that fails says.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
