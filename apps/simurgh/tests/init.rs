//! `simurgh init`: what it writes, and what it never overwrites.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_crypto::software::{Sealer, SoftwareKey};

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
    let secrets = [
        "door.token",
        "simurgh.key",
        "ca/ci.key.pem",
        "pki/eim_sign.key.pem",
    ];
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

/// 32 octets in hexadecimal.
fn key_of(folder: &Path) -> [u8; 32] {
    let text = std::fs::read_to_string(folder.join("simurgh.key")).unwrap();
    let octet = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(octet)
}

/// The private key in a sealed file.
fn opened(file: &Path, key: [u8; 32]) -> SoftwareKey {
    let text = std::fs::read_to_string(file).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let sealed = STANDARD.decode(body).unwrap();
    let pem = Sealer::new(key).open(&["private key"], &sealed).unwrap();
    SoftwareKey::from_pkcs8_pem(std::str::from_utf8(&pem).unwrap()).unwrap()
}

#[test]
fn no_file_of_the_server_shows_a_private_key() {
    let folder = Folder::new("sealed");
    assert!(simurgh(&["init"], &folder.0).status.success());
    let key = key_of(&folder.0);
    let folders = ["pki", "ca"].map(|name| std::fs::read_dir(folder.0.join(name)).unwrap());
    let files: Vec<(PathBuf, Vec<u8>)> = folders
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .map(|file| (file.clone(), std::fs::read(file).unwrap()))
        .collect();
    let mut keys = 0;
    for (file, _) in &files {
        if !file.to_string_lossy().ends_with(".key.pem") {
            continue;
        }
        keys += 1;
        let scalar = opened(file, key).to_scalar();
        let hex: String = scalar.iter().map(|octet| format!("{octet:02x}")).collect();
        // Base64 at each of the three positions that it can have in a file.
        let base64 = (0..3).map(|shift| {
            let text = STANDARD.encode([&vec![0; shift][..], scalar.as_slice()].concat());
            text.as_bytes()[4..40].to_vec()
        });
        let mut forms: Vec<Vec<u8>> = base64.collect();
        forms.extend([
            scalar.to_vec(),
            hex.to_uppercase().into_bytes(),
            hex.into_bytes(),
        ]);
        for (other, octets) in &files {
            let text: Vec<u8> = octets
                .iter()
                .copied()
                .filter(|octet| *octet != b'\n')
                .collect();
            for form in &forms {
                let shows = |octets: &[u8]| octets.windows(form.len()).any(|part| part == form);
                assert!(!shows(octets) && !shows(&text), "{other:?} shows {file:?}");
            }
        }
    }
    assert_eq!(keys, 13);
}

#[test]
fn a_missing_or_wrong_key_file_stops_the_server_before_it_writes() {
    let folder = Folder::new("wrong-key");
    assert!(
        simurgh(&["init", "--ports", "0,0,0"], &folder.0)
            .status
            .success()
    );
    let serve = || {
        let output = Command::new(env!("CARGO_BIN_EXE_simurgh"))
            .args(["serve", "--config"])
            .arg(folder.0.join("simurgh.toml"))
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(!folder.0.join("simurgh.db").exists());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let key_file = folder.0.join("simurgh.key");
    std::fs::write(&key_file, "0".repeat(64)).unwrap();
    let said = serve();
    assert!(said.contains("sealed with another key"), "{said}");
    std::fs::write(&key_file, "short").unwrap();
    let said = serve();
    assert!(said.contains("32 octets"), "{said}");
    std::fs::remove_file(&key_file).unwrap();
    let said = serve();
    assert!(said.contains("the key file"), "{said}");
}
