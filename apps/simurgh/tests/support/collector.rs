//! A collector of traces that is not ours: Python, with OpenTelemetry's messages.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::receiver::skipped;

/// How long spans may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes spans, with the certificate of a folder.
pub(crate) struct Collector {
    child: Child,
    folder: PathBuf,
    said: Arc<Mutex<Vec<Value>>>,
    pub(crate) port: u16,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Collector {
    /// At a port; 0 is any.
    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        std::fs::write(folder.join("answer"), "200").unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/collector.py");
        let mut child = Command::new(python())
            .args([Path::new(script), folder])
            .arg(port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let put = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                put.lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Collector {
            child,
            folder: folder.to_path_buf(),
            said,
            port,
        }
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, answer: &str) {
        // Never read half.
        let next = self.folder.join("answer.next");
        std::fs::write(&next, answer).unwrap();
        std::fs::rename(next, self.folder.join("answer")).unwrap();
    }

    /// All requests so far, each of which could be read.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let said = self.said.lock().unwrap().clone();
        for request in &said {
            assert!(request["error"].is_null(), "{request}");
        }
        said
    }

    /// All spans that it took.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let taken = |request: &Value| request["status"] == 200;
        let requests = self.requests();
        let taken = requests.iter().filter(|request| taken(request));
        let spans = taken.filter_map(|request| request["spans"].as_array());
        spans.flatten().cloned().collect()
    }

    /// The first span of this name, when it is there.
    pub(crate) fn span(&self, name: &str) -> Value {
        self.wait(name, |collector| {
            let mut spans = collector.spans().into_iter();
            spans.find(|span| span["name"] == name)
        })
    }

    pub(crate) fn wait<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < until, "{what}: {:#?}", self.spans());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Python with the messages, as `cargo xtask setup` installs it.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("target/python/bin/python")
}

/// Whether there is one; otherwise the test counts as skipped.
pub(crate) fn is_there(test: &str) -> bool {
    let probe = "import opentelemetry.proto.collector.trace.v1.trace_service_pb2";
    let probed = Command::new(python())
        .args(["-c", probe])
        .stderr(Stdio::null())
        .status();
    let there = probed.is_ok_and(|status| status.success());
    if !there {
        let reason = "no messages of OpenTelemetry for Python (`cargo xtask setup` installs them)";
        skipped(test, reason);
    }
    there
}
