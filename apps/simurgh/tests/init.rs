//! `simurgh init`: what it writes, and what it never overwrites.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that is removed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
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

fn simurgh(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simurgh"))
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn keys_and_token_are_for_their_owner_alone_and_never_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("init");
    assert!(simurgh(&["init"], &folder.0).status.success());
    let secrets = ["door.token", "ca/ci.key.pem", "pki/eim_sign.key.pem"];
    for secret in secrets {
        let mode = std::fs::metadata(folder.0.join(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    // The server's folder holds no key that issues.
    for issuer in ["ci", "eum", "private_ca", "operator", "euicc"] {
        assert!(!folder.0.join(format!("pki/{issuer}.key.pem")).exists());
        assert!(folder.0.join(format!("ca/{issuer}.key.pem")).exists());
    }
    let before = std::fs::read(folder.0.join("ca/ci.key.pem")).unwrap();
    for again in [&["init"][..], &["pki", "init"]] {
        let target = match again {
            ["init"] => folder.0.clone(),
            _ => folder.0.join("pki"),
        };
        let refused = simurgh(again, &target);
        assert!(!refused.status.success());
        assert!(!refused.stderr.is_empty());
    }
    assert_eq!(
        std::fs::read(folder.0.join("ca/ci.key.pem")).unwrap(),
        before
    );
}

#[test]
fn a_wrong_configuration_is_explained() {
    let folder = Folder::new("config");
    let serve = |text: &str| {
        let file = folder.0.join("simurgh.toml");
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_simurgh"))
            .args(["serve", "--config"])
            .arg(file)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(serve("database = 1").contains("invalid type: integer `1`"));
    assert!(serve("databse = \"x\"").contains("unknown field `databse`"));
}
