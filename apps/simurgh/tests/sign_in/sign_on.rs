//! Single sign-on, the provider being npm's oidc-provider.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::asking::Asker;
use crate::support::{Folder, Server, run_in};
use crate::{add_user, is_there_or_skipped, session};

const REDIRECT: &str = "https://localhost:8445/sign-on";

/// Where npm put the provider, if it did: otherwise the test counts as skipped.
fn modules() -> Option<PathBuf> {
    let named = std::env::var_os("SIMURGH_TEST_OIDC").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oidc-provider"));
    let is_there = folder.join("node_modules/oidc-provider").is_dir();
    is_there_or_skipped("npm's oidc-provider", is_there).then_some(folder)
}

/// A provider that is ended.
struct Provider {
    child: Child,
    issuer: String,
    /// It says more than its address, and ends if nobody listens.
    _said: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// With a key of its own for tokens; at this port, or at any if it is 0.
    fn start(modules: &Path, folder: &Path, wrong: &str, port: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sign_in/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .args([modules, folder])
            .args([REDIRECT, wrong, port])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut issuer = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut issuer).unwrap();
        let issuer = issuer.trim().to_string();
        assert!(issuer.starts_with("https://"), "{issuer}");
        Provider {
            child,
            issuer,
            _said: said,
        }
    }
}

/// The certificate of a provider, which the server is told of.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(folder.join("provider.key.pem"))
        .arg("-out")
        .arg(folder.join("provider.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// A browser: follows redirections, keeps cookies, fills the provider's forms.
fn browser(folder: &Path, address: &str, user: &str) -> BTreeMap<String, String> {
    let jar = folder.join(format!("jar-{user}"));
    let ca = folder.join("provider.pem");
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--cacert"])
            .arg(&ca)
            .arg("--cookie-jar")
            .arg(&jar)
            .arg("--cookie")
            .arg(&jar)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).to_string()
    };
    let origin = &address[..address.find("/auth").unwrap()];
    let mut page = curl(&[address]);
    for _ in 0..12 {
        let location = page.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location")
                .then(|| value.trim().to_string())
        });
        match location {
            Some(end) if end.starts_with(REDIRECT) => {
                let (_, query) = end.split_once('?').unwrap();
                let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                return pairs
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect();
            }
            Some(next) if next.starts_with('/') => page = curl(&[&format!("{origin}{next}")]),
            Some(next) => page = curl(&[&next]),
            None => {
                let action = page
                    .split("action=\"")
                    .nth(1)
                    .unwrap_or_else(|| panic!("{page}"));
                let action = action.split('"').next().unwrap();
                let action = match action.starts_with('/') {
                    true => format!("{origin}{action}"),
                    false => action.to_string(),
                };
                let prompt = if page.contains("name=\"login\"") {
                    "login"
                } else {
                    "consent"
                };
                let (prompt, login) = (format!("prompt={prompt}"), format!("login={user}"));
                let form = ["--data", &prompt, "--data", &login, "--data", "password=x"];
                page = curl(&[&form[..], &[action.as_str()]].concat());
            }
        }
    }
    panic!("the provider does not come to an end: {page}");
}

/// A provider, and a server that asks it; what they are called tells them apart.
fn server(modules: &Path, name: &str, wrong: &str) -> (Provider, Server) {
    let folder = Folder::new(&format!("access-sign-on-{name}"));
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    certificate(&folder.0);
    let provider = Provider::start(modules, &folder.0, wrong, "0");
    let file = folder.0.join("simurgh.toml");
    let mut settings = std::fs::read_to_string(&file).unwrap();
    settings.push_str(&format!(
        "\n[access.single_sign_on]\nissuer = \"{}\"\nclient_id = \"simurgh\"\n\
         redirect = \"{REDIRECT}\"\nca = \"provider.pem\"\n",
        provider.issuer
    ));
    std::fs::write(&file, settings).unwrap();
    (provider, Server::in_folder(folder, &[]))
}

/// Begins, sends the browser away, and ends with what it brings back.
fn sign_on(stranger: &Asker, folder: &Path, user: &str) -> crate::asking::Answer {
    let begun = stranger.post("/v1/session/sign-on", &Value::Null).json();
    let back = browser(folder, begun["address"].as_str().unwrap(), user);
    let end = json!({
        "code": back["code"], "state": back["state"], "handle": begun["handle"],
    });
    stranger.post("/v1/session/sign-on/end", &end)
}

#[test]
fn a_user_comes_by_the_provider() {
    let Some(modules) = modules() else { return };
    let (_provider, server) = server(&modules, "user", "nothing");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    // Whom nobody expects is not let in.
    sign_on(&stranger, server.folder(), "plant@example.org").problem(403);
    let new = json!({"name": "noc@example.org", "role": "viewer", "single_sign_on": true});
    assert_eq!(admin.post("/v1/users", &new).status, 201);
    let open = sign_on(&stranger, server.folder(), "noc@example.org");
    let open = session(&stranger, &open, "open");
    assert_eq!(open.get("/v1/devices").status, 200);
    // There is no password to guess, and an account with one is not taken over.
    crate::sign_in(&stranger, "noc@example.org", "").problem(401);
    add_user(&admin, "spare@example.org", "admin");
    sign_on(&stranger, server.folder(), "spare@example.org").problem(403);

    // What the browser brings counts once, and in the browser that began.
    let begun = stranger.post("/v1/session/sign-on", &Value::Null).json();
    let address = begun["address"].as_str().unwrap();
    let back = browser(server.folder(), address, "noc@example.org");
    let other = stranger.post("/v1/session/sign-on", &Value::Null).json();
    let end = |handle: &Value| {
        let end = json!({"code": back["code"], "state": back["state"], "handle": handle});
        stranger.post("/v1/session/sign-on/end", &end)
    };
    end(&other["handle"]).problem(401);
    assert_eq!(end(&begun["handle"]).status, 200);
    end(&begun["handle"]).problem(401);
}

/// A provider may take another key whenever it likes, even under the name of the old one.
#[test]
fn a_provider_takes_another_key() {
    let Some(modules) = modules() else { return };
    let (provider, server) = server(&modules, "rotation", "nothing");
    let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let new = json!({"name": "noc@example.org", "role": "viewer", "single_sign_on": true});
    assert_eq!(admin.post("/v1/users", &new).status, 201);
    let signed_on = || sign_on(&stranger, server.folder(), "noc@example.org");
    assert_eq!(signed_on().status, 200);
    let (_, port) = provider.issuer.rsplit_once(':').unwrap();
    let port = port.to_string();
    drop(provider);
    let _provider = Provider::start(&modules, server.folder(), "nothing", &port);
    std::fs::remove_file(server.folder().join("jar-noc@example.org")).unwrap();
    assert_eq!(signed_on().status, 200);
}

/// Tokens that the provider signed and that say something else than they should.
#[test]
fn wrong_tokens_are_refused() {
    let Some(modules) = modules() else { return };
    for wrong in ["nonce", "audience", "expired", "signature"] {
        let (_provider, server) = server(&modules, wrong, wrong);
        let (admin, stranger) = (Asker::new(&server), Asker::stranger(&server));
        let new = json!({"name": "noc@example.org", "role": "viewer", "single_sign_on": true});
        assert_eq!(admin.post("/v1/users", &new).status, 201);
        let refused = sign_on(&stranger, server.folder(), "noc@example.org");
        refused.problem(401);
        let said = match wrong {
            "nonce" => "nonce is another",
            "audience" => "another audience",
            "expired" => "expired",
            _ => "signature is wrong",
        };
        assert!(server.log().contains(said), "{wrong}: {}", server.log());
    }
}
