//! `simurgh init` and `simurgh pki init`, judged by OpenSSL.
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

fn openssl(arguments: &[&str], folder: &Path) -> Output {
    Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn openssl_verifies_the_hierarchy() {
    let folder = Folder::new("pki");
    assert!(simurgh(&["pki", "init"], &folder.0).status.success());
    for (member, root) in [
        ("eum", "ci"),
        ("dp_auth", "ci"),
        ("dp_pb", "ci"),
        ("dp_tls", "ci"),
        ("eim_sign", "ci"),
        ("eim_tls", "ci"),
        ("operator", "private_ca"),
        ("door", "private_ca"),
    ] {
        // Critical policies and name constraints are for others to judge.
        let verified = openssl(
            &[
                "verify",
                "-ignore_critical",
                "-CAfile",
                &format!("{root}.pem"),
                &format!("{member}.pem"),
            ],
            &folder.0,
        );
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success(), "{member}: {said}");
        let own = openssl(
            &["x509", "-noout", "-pubkey", "-in", &format!("{member}.pem")],
            &folder.0,
        );
        let key = openssl(
            &["pkey", "-pubout", "-in", &format!("{member}.key.pem")],
            &folder.0,
        );
        assert!(own.status.success() && own.stdout == key.stdout, "{member}");
    }
}

#[test]
fn openssl_reads_the_roles() {
    let folder = Folder::new("roles");
    assert!(simurgh(&["pki", "init"], &folder.0).status.success());
    for (member, wanted) in [
        (
            "ci",
            &[
                "Policy: 2.23.146.1.2.1.0",
                "CA:TRUE",
                "Certificate Sign, CRL Sign",
            ][..],
        ),
        (
            "eum",
            &[
                "Policy: 2.23.146.1.2.1.2",
                "CA:TRUE, pathlen:0",
                "serialNumber = 89049032",
            ],
        ),
        (
            "dp_auth",
            &["Policy: 2.23.146.1.2.1.4", "Registered ID:2.999.10"],
        ),
        (
            "dp_pb",
            &["Policy: 2.23.146.1.2.1.5", "Registered ID:2.999.10"],
        ),
        (
            "dp_tls",
            &[
                "Policy: 2.23.146.1.2.1.3",
                "DNS:smdp.simurgh.test",
                "TLS Web Server",
            ],
        ),
        (
            "eim_tls",
            &["DNS:eim.simurgh.test", "Registered ID:2.999.20"],
        ),
    ] {
        let text = openssl(
            &["x509", "-noout", "-text", "-in", &format!("{member}.pem")],
            &folder.0,
        );
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        for part in wanted {
            assert!(text.contains(part), "{member} has no {part}:\n{text}");
        }
    }
}

#[cfg(unix)]
#[test]
fn keys_and_token_are_for_their_owner_alone_and_never_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("init");
    assert!(simurgh(&["init"], &folder.0).status.success());
    let secrets = ["door.token", "pki/ci.key.pem", "pki/eim_sign.key.pem"];
    for secret in secrets {
        let mode = std::fs::metadata(folder.0.join(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let before = std::fs::read(folder.0.join("pki/ci.key.pem")).unwrap();
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
        std::fs::read(folder.0.join("pki/ci.key.pem")).unwrap(),
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
