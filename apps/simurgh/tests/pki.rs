//! `simurgh pki`: hierarchies, single certificates, what they say and whether
//! they hold, judged by OpenSSL too.
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

    /// With a hierarchy on these curves in `pki` and `ca`.
    fn with_hierarchy(name: &str, curve: &str) -> Self {
        let folder = Folder::new(name);
        folder.pki(&["init", "--curve", curve]);
        folder
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap()
    }

    /// What `simurgh pki …` ends with and says.
    fn ends(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let all = [&["pki"], arguments].concat();
        let output = self.run(env!("CARGO_BIN_EXE_simurgh"), &all);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn pki(&self, arguments: &[&str]) -> String {
        let (code, said) = self.ends(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    fn openssl(&self, arguments: &str) -> String {
        let output = self.run("openssl", &arguments.split(' ').collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Critical policies and name constraints are for others to judge.
    fn openssl_verifies(&self, root: &str, certificate: &str) {
        self.openssl(&format!(
            "verify -ignore_critical -CAfile {root} {certificate}"
        ));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Members of the server's folder, with their roots.
const SERVER: [(&str, &str); 8] = [
    ("dp_auth", "ci"),
    ("dp_pb", "ci"),
    ("dp_tls", "ci"),
    ("ds_auth", "ci"),
    ("ds_tls", "ci"),
    ("eim_sign", "ci"),
    ("eim_tls", "ci"),
    ("door", "private_ca"),
];

fn check_pair(folder: &Folder, of: &str) {
    let own = folder.openssl(&format!("x509 -noout -pubkey -in {of}.pem"));
    let key = folder.openssl(&format!("pkey -pubout -in {of}.key.pem"));
    assert_eq!(own, key, "{of}");
}

#[test]
fn openssl_verifies_the_hierarchy_on_each_curve() {
    for (curve, name) in [("p256", "prime256v1"), ("brainpool", "brainpoolP256r1")] {
        let folder = Folder::with_hierarchy(&format!("hierarchy-{curve}"), curve);
        for (member, root) in SERVER {
            let member = format!("pki/{member}");
            folder.openssl_verifies(&format!("pki/{root}.pem"), &format!("{member}.pem"));
            check_pair(&folder, &member);
        }
        for (member, root) in [("eum", "ci"), ("operator", "private_ca")] {
            let member = format!("ca/{member}");
            folder.openssl_verifies(&format!("ca/{root}.pem"), &format!("{member}.pem"));
            check_pair(&folder, &member);
        }
        check_pair(&folder, "ca/euicc");
        for member in ["ca/ci", "ca/eum", "ca/euicc", "pki/dp_pb", "pki/eim_sign"] {
            let text = folder.openssl(&format!("x509 -noout -text -in {member}.pem"));
            assert!(text.contains(&format!("ASN1 OID: {name}")), "{member}");
        }
        let tls = folder.openssl("x509 -noout -text -in pki/dp_tls.pem");
        assert!(tls.contains("ASN1 OID: prime256v1"));
    }
}

#[test]
fn both_curves_stand_side_by_side() {
    let folder = Folder::with_hierarchy("both", "both");
    for (set, name) in [("", "prime256v1"), ("brainpool/", "brainpoolP256r1")] {
        for member in ["dp_auth", "dp_pb", "ds_auth", "eim_sign"] {
            let member = format!("pki/{set}{member}");
            folder.openssl_verifies(&format!("pki/{set}ci.pem"), &format!("{member}.pem"));
            let text = folder.openssl(&format!("x509 -noout -text -in {member}.pem"));
            assert!(text.contains(&format!("ASN1 OID: {name}")), "{member}");
        }
        let ca = |member: &str| format!("ca/{set}{member}.pem");
        let (ci, eum, euicc) = (ca("ci"), ca("eum"), ca("euicc"));
        let said = folder.pki(&["verify", &euicc, "--ci", &ci, "--eum", &eum]);
        assert!(said.contains("eUICC with the EID 89049032"), "{said}");
    }
    assert!(!folder.path("pki/brainpool/dp_tls.pem").exists());
}

#[test]
fn openssl_reads_the_roles() {
    let folder = Folder::with_hierarchy("roles", "p256");
    for (member, wanted) in [
        (
            "ca/ci",
            &[
                "Policy: 2.23.146.1.2.1.0",
                "CA:TRUE",
                "Certificate Sign, CRL Sign",
            ][..],
        ),
        (
            "ca/eum",
            &[
                "Policy: 2.23.146.1.2.1.2",
                "CA:TRUE, pathlen:0",
                "serialNumber = 89049032",
            ],
        ),
        ("ca/euicc", &["Policy: 2.23.146.1.2.1.1", "89049032"]),
        (
            "pki/dp_auth",
            &["Policy: 2.23.146.1.2.1.4", "Registered ID:2.999.10"],
        ),
        (
            "pki/dp_pb",
            &["Policy: 2.23.146.1.2.1.5", "Registered ID:2.999.10"],
        ),
        (
            "pki/dp_tls",
            &[
                "Policy: 2.23.146.1.2.1.3",
                "DNS:smdp.simurgh.test",
                "TLS Web Server",
            ],
        ),
        (
            "pki/ds_auth",
            &["Policy: 2.23.146.1.2.1.7", "Registered ID:2.999.15"],
        ),
        (
            "pki/ds_tls",
            &["Policy: 2.23.146.1.2.1.6", "DNS:smds.simurgh.test"],
        ),
        (
            "pki/eim_tls",
            &["DNS:eim.simurgh.test", "Registered ID:2.999.20"],
        ),
    ] {
        let text = folder.openssl(&format!("x509 -noout -text -in {member}.pem"));
        for part in wanted {
            assert!(text.contains(part), "{member} has no {part}:\n{text}");
        }
    }
}

#[test]
fn one_more_certificate_of_each_role() {
    let folder = Folder::with_hierarchy("issue", "brainpool");
    let ci = ["--issuer", "ca/ci.pem", "--issuer-key", "ca/ci.key.pem"];
    let oid = ["--oid", "2.999.12"];
    for (role, more) in [
        ("eum", &["--eid-prefix", "89049099", "--oid", "2.999.6"][..]),
        ("dp-auth", &oid),
        ("dp-pb", &oid),
        ("dp-tls", &["--oid", "2.999.12", "--dns", "dp2.example.com"]),
        ("ds-auth", &oid),
        ("ds-tls", &["--oid", "2.999.12", "--dns", "ds2.example.com"]),
        ("eim-sign", &["--name", "eim2.example.com"]),
        (
            "eim-tls",
            &["--oid", "2.999.12", "--dns", "eim2.example.com"],
        ),
    ] {
        let out = format!("{role}.pem");
        folder.pki(&[&["issue", role, "--out", &out], &ci[..], more].concat());
        folder.openssl_verifies("ca/ci.pem", &out);
        check_pair(&folder, role);
        folder.pki(&["verify", &out, "--ci", "ca/ci.pem"]);
    }
    let eum = ["--issuer", "eum.pem", "--issuer-key", "eum.key.pem"];
    let eid = "89049099000000000000000000000006";
    let (code, said) = folder.ends(&[&["issue", "euicc", "--out", "e.pem"], &eum[..]].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("--eid"), "{said}");
    let eid = digits_for(&folder, eid);
    let euicc = ["issue", "euicc", "--out", "euicc.pem", "--eid", &eid];
    folder.pki(&[&euicc, &eum[..]].concat());
    folder.pki(&[
        "verify",
        "euicc.pem",
        "--ci",
        "ca/ci.pem",
        "--eum",
        "eum.pem",
    ]);
    // Under the other EUM this EID is out of range, for issuing and verifying.
    let other = ["--issuer", "ca/eum.pem", "--issuer-key", "ca/eum.key.pem"];
    let (code, said) = folder.ends(&[&euicc, &other[..]].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("may not issue the EID"), "{said}");
    // The key of somebody else is no issuer's key.
    let wrong = ["--issuer", "ca/ci.pem", "--issuer-key", "ca/eum.key.pem"];
    let (code, said) =
        folder.ends(&[&["issue", "dp-auth", "--out", "x.pem"], &wrong[..], &oid].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("is not the key of the issuer"), "{said}");
    assert!(!folder.path("x.pem").exists());
}

/// The EID with these digits but right check digits.
fn digits_for(_: &Folder, eid: &str) -> String {
    let first = &eid[..30];
    let remainder = first
        .bytes()
        .chain(*b"00")
        .fold(0u32, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 97);
    format!("{first}{:02}", 98 - remainder)
}

/// A CI that OpenSSL made, as DER, with its key as SEC 1 DER.
fn foreign_ci(folder: &Folder, curve: &str) {
    folder.openssl(&format!(
        "ecparam -name {curve} -genkey -noout -out foreign.key.pem"
    ));
    folder.openssl(
        "req -x509 -new -key foreign.key.pem -sha256 -days 3650 -subj /C=IT/O=Foreign/CN=Root \
         -addext keyUsage=critical,keyCertSign,cRLSign -outform DER -out foreign.der",
    );
    folder.openssl("x509 -inform DER -in foreign.der -out foreign.pem");
    folder.openssl("ec -in foreign.key.pem -outform DER -out foreign.key.der");
}

#[test]
fn a_foreign_ci_issues_and_revokes() {
    for curve in ["prime256v1", "brainpoolP256r1"] {
        let folder = Folder::new(&format!("foreign-{curve}"));
        foreign_ci(&folder, curve);
        folder.pki(&[
            "issue",
            "dp-auth",
            "--issuer",
            "foreign.der",
            "--issuer-key",
            "foreign.key.der",
            "--oid",
            "2.999.12",
            "--out",
            "dp.pem",
            "--days",
            "30",
        ]);
        folder.openssl_verifies("foreign.pem", "dp.pem");
        let good = ["verify", "dp.pem", "--ci", "foreign.der"];
        assert!(folder.pki(&good).contains("SM-DP+, authentication"));

        let serial = folder.openssl("x509 -noout -serial -in dp.pem");
        let serial = serial.trim().trim_start_matches("serial=");
        for (revoked, code) in [("00AA", 0), (serial, 1)] {
            revocation_list(&folder, revoked);
            for list in ["crl.pem", "crl.der"] {
                let (ended, said) = folder.ends(&[&good[..], &["--crl", list]].concat());
                assert_eq!(ended, Some(code), "{said}");
                assert_eq!(said.contains("revoked"), code == 1, "{said}");
            }
        }
        let shown = folder.pki(&["show", "crl.der"]);
        assert!(
            shown.contains(serial) && shown.contains("Foreign"),
            "{shown}"
        );
        let (ended, said) =
            folder.ends(&[&good[..], &["--crl", "crl.pem", "--at", "2024-01-01"]].concat());
        assert_eq!(ended, Some(1));
        assert!(said.contains("list is not yet valid"), "{said}");
    }
}

/// Lets OpenSSL issue a list with one entry.
fn revocation_list(folder: &Folder, serial: &str) {
    let config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\n\
                  default_md=sha256\ndefault_crl_days=30\ncrl_extensions=e\n\
                  [e]\nauthorityKeyIdentifier=keyid\n";
    let entry = format!("R\t360101000000Z\t250101000000Z\t{serial}\tunknown\t/CN=x\n");
    for (file, text) in [
        ("ca.cnf", config),
        ("index.txt", &entry),
        ("number", "01\n"),
    ] {
        std::fs::write(folder.path(file), text).unwrap();
    }
    folder.openssl(
        "ca -gencrl -config ca.cnf -keyfile foreign.key.pem -cert foreign.pem -out crl.pem",
    );
    folder.openssl("crl -in crl.pem -outform DER -out crl.der");
}

#[test]
fn what_is_shown_to_a_person() {
    let folder = Folder::with_hierarchy("show", "brainpool");
    for (file, wanted) in [
        ("ca/ci.pem", &["CI, the root", "sign revocation lists"][..]),
        (
            "ca/eum.pem",
            &["EUM", "issues EIDs from   89049032…", "Simurgh Test"],
        ),
        (
            "ca/euicc.pem",
            &["EID                89049032", "sign data"],
        ),
        (
            "pki/dp_auth.pem",
            &["DPauth", "2.999.10", "brainpoolP256r1", "policy"],
        ),
        (
            "pki/eim_tls.pem",
            &["TLS server", "eim.simurgh.test", "NIST P-256"],
        ),
        ("ca/operator.pem", &["TLS client"]),
    ] {
        let shown = folder.pki(&["show", file]);
        for part in wanted {
            assert!(shown.contains(part), "{file} has no {part}:\n{shown}");
        }
    }
    // The key identifier is that which OpenSSL prints.
    let shown = folder.pki(&["show", "ca/ci.pem"]);
    let text = folder.openssl("x509 -noout -ext subjectKeyIdentifier -in ca/ci.pem");
    let id = text.lines().nth(1).unwrap().trim().replace(':', "");
    assert!(shown.contains(&id), "{id}: {shown}");

    // Of a key, everything but the key.
    let shown = folder.pki(&["show", "ca/ci.key.pem"]);
    let text = folder.openssl("pkey -noout -text -in ca/ci.key.pem");
    let part = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        let (part, _) = rest.split_once(to).unwrap();
        part.replace([':', ' ', '\n'], "").to_uppercase()
    };
    assert!(shown.contains(&part("pub:", "ASN1")), "{shown}");
    let secret = part("priv:", "pub:");
    assert!(!shown.contains(secret.trim_start_matches("00")), "{shown}");

    std::fs::write(folder.path("text"), "nothing").unwrap();
    for file in ["text", "missing"] {
        assert_eq!(folder.ends(&["show", file]).0, Some(1));
    }
}

#[test]
fn each_end_of_verification() {
    let folder = Folder::with_hierarchy("verify", "p256");
    let other = Folder::with_hierarchy("verify-other", "p256");
    let stranger = other.path("ca/ci.pem");
    let stranger = stranger.to_str().unwrap();
    let ends = |code: i32, arguments: &[&str], wanted: &str| {
        let (ended, said) = folder.ends(&[&["verify"], arguments].concat());
        assert_eq!(ended, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    };
    let ci = "ca/ci.pem";
    ends(0, &["ca/eum.pem", "--ci", ci], "EUM");
    ends(0, &["pki/dp_pb.pem", "--ci", ci], "profile binding");
    ends(0, &["pki/eim_sign.pem", "--ci", ci], "without a role");
    let tls = ["pki/dp_tls.pem", "--ci", ci, "--name"];
    ends(0, &[&tls[..], &["smdp.simurgh.test"]].concat(), "TLS");
    ends(1, &[&tls[..], &["other.test"]].concat(), "not for the name");
    ends(1, &["pki/dp_pb.pem", "--ci", stranger], "no trusted CI");
    let at = |date| ["pki/dp_pb.pem", "--ci", ci, "--at", date];
    ends(1, &at("2020-01-01"), "not yet valid");
    ends(1, &at("2120-01-01T00:00:00Z"), "expired");
    let eum = other.path("ca/eum.pem");
    let euicc = ["ca/euicc.pem", "--ci", ci, "--eum"];
    ends(0, &[&euicc[..], &["ca/eum.pem"]].concat(), "EID 89049032");
    let foreign = eum.to_str().unwrap();
    ends(1, &[&euicc[..], &[foreign]].concat(), "Eum certificate");
    ends(2, &euicc[..3], "needs --eum");
    ends(2, &["missing.pem", "--ci", ci], "cannot read missing.pem");
    ends(2, &["ca/ci.key.pem", "--ci", ci], "is no certificate");
    let (code, _) = folder.ends(&["verify", "ca/eum.pem", "--ci", ci, "--at", "soon"]);
    assert_eq!(code, Some(2));
    assert!(Path::new(&folder.0).exists());
}
