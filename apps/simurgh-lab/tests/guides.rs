//! What the README and the guides tell people to type, typed.
//!
//! The blocks marked `sh` of one document are one script, run from top to bottom in a
//! new folder: a line that fails ends it. Only the ports are others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The ports that documents name.
const PORTS: [&str; 3] = ["8443", "8444", "8445"];

/// The blocks marked `sh`, one after the other.
fn script(document: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in document.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

/// With ports that are free.
fn on_free_ports(script: &str) -> String {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = [free(), free(), free()];
    let ports = listeners.map(|listener| listener.local_addr().unwrap().port().to_string());
    let mut script = script.replace(
        "simurgh init ",
        &format!("simurgh init --ports {} ", ports.join(",")),
    );
    let places = format!(
        "simurgh-lab device --resolve eim.simurgh.test=127.0.0.1:{} --resolve smdp.simurgh.test=127.0.0.1:{} ",
        ports[0], ports[1]
    );
    script = script.replace("simurgh-lab device ", &places);
    for (old, new) in PORTS.iter().zip(&ports) {
        script = script.replace(&format!("localhost:{old}"), &format!("localhost:{new}"));
    }
    script
}

/// A folder that is removed, and everything that the script started and left.
struct Run {
    folder: PathBuf,
    group: Option<u32>,
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // The script is the leader of a group of its own.
            let group = format!("-{group}");
            let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn works(document: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(document)).unwrap();
    let script = on_free_ports(&script(&text));
    assert!(script.lines().count() >= 5, "{document} has no script");
    let programs = Path::new(env!("CARGO_BIN_EXE_simurgh-lab"))
        .parent()
        .unwrap();
    let server = programs.join("simurgh");
    assert!(server.exists(), "first: cargo build --workspace --bins");
    let name = document.replace(['/', '.'], "-");
    let folder = std::env::temp_dir().join(format!("simurgh-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut run = Run {
        folder: folder.clone(),
        group: None,
    };
    let whole = format!("set -eu -o pipefail\nshopt -s expand_aliases\n{script}");
    std::fs::write(folder.join("script"), &whole).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = |name: &str| std::fs::File::create(folder.join(name)).unwrap();
    let mut child = Command::new("bash")
        .arg("script")
        .current_dir(&folder)
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null())
        .stdout(output("stdout"))
        .stderr(output("stderr"))
        .process_group(0)
        .spawn()
        .unwrap();
    run.group = Some(child.id());
    let status = child.wait().unwrap();
    let said = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (stdout, stderr) = (said("stdout"), said("stderr"));
    println!("{stdout}\n{stderr}");
    assert!(
        status.success(),
        "{document}: {status}\n{whole}\n{stdout}\n{stderr}"
    );
}

#[test]
fn the_first_page_works() {
    works("README.md");
}

#[test]
fn the_operators_guide_works() {
    works("docs/operators-guide.md");
}

#[test]
fn the_integrators_guide_works() {
    works("docs/integrators-guide.md");
}
