//! A server with a revocation list of its CI beside `ci.pem`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsp_core::Timestamp;
use rsp_core::pki::{CrlTemplate, Issuer, certificate_from_pem, issue_crl};
use support::{Folder, Server, issuer_key, run_in, simurgh};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_secs(since.as_secs())
}

fn days_ago(days: u32) -> Timestamp {
    Timestamp::from_secs(now().as_secs() - (days * DAY).as_secs())
}

/// A list that a CI signed, beside `pki/ci.pem`.
fn write_crl(folder: &Path, ci: &Path, this_update: Timestamp, next_update: Timestamp) {
    let pem = std::fs::read_to_string(ci.join("ca/ci.pem")).unwrap();
    let template = CrlTemplate {
        number: 1,
        this_update,
        next_update,
        revoked: &[vec![1]],
    };
    let issuer = Issuer::of(&certificate_from_pem(&pem).unwrap()).unwrap();
    let crl = issue_crl(&template, &issuer, &issuer_key(ci, "ci")).unwrap();
    std::fs::write(folder.join("pki/ci.crl"), crl).unwrap();
}

/// What a server says that does not start.
fn refusal(folder: &Path) -> String {
    let output = simurgh().current_dir(folder).arg("serve").output().unwrap();
    assert!(!output.status.success());
    assert!(!folder.join("simurgh.db").exists());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_outdated_list_is_said_loudly_and_stops_nobody() {
    let late = |folder: &Path| write_crl(folder, folder, days_ago(9), days_ago(2));
    let server = Server::prepared("crl-late", &[], late);
    let log = server.log();
    assert_eq!(
        log.matches("THE REVOCATION LIST IS OUTDATED").count(),
        1,
        "{log}"
    );
    assert!(
        log.contains("ci.crl") && log.contains("next_update="),
        "{log}"
    );
    assert!(log.contains("start again"), "{log}");

    let fresh = |folder: &Path| write_crl(folder, folder, days_ago(2), now().after(7 * DAY));
    let server = Server::prepared("crl-fresh", &[], fresh);
    assert!(!server.log().contains("OUTDATED"));
}

#[test]
fn a_list_that_says_nothing_stops_the_start() {
    let (folder, other) = (Folder::new("crl-own"), Folder::new("crl-other"));
    for folder in [&folder, &other] {
        run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    }
    write_crl(&folder.0, &other.0, days_ago(2), now().after(DAY));
    let said = refusal(&folder.0);
    let causes = [
        "is not of this CI",
        "the signature of the revocation list is wrong",
    ];
    assert!(causes.iter().any(|cause| said.contains(cause)), "{said}");
    assert!(
        said.contains("ci.crl") && said.contains("or remove it"),
        "{said}"
    );

    write_crl(&folder.0, &folder.0, now().after(DAY), now().after(2 * DAY));
    let said = refusal(&folder.0);
    assert!(said.contains("not yet valid: check the clock"), "{said}");

    std::fs::write(folder.0.join("pki/ci.crl"), b"no list").unwrap();
    let said = refusal(&folder.0);
    assert!(said.contains("ci.crl"), "{said}");
}
