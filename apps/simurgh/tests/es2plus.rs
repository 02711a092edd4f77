//! ES2+ over mutual TLS, against the server as it is run (SGP.22 5.3, 6.1).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rsp_core::binding::es2plus_json::{
    CancelOrder, ConfirmOrder, DownloadOrder, FinalProfileStatus, ReleaseProfile, RequestHeader,
};
use rsp_core::binding::{BindingError, HttpResponse, json};
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientError, TlsIdentity};
use support::{Folder, Server, run_in};
use tokio::runtime::Runtime;

const SMDP: &str = "smdp.simurgh.test";
/// The functionRequesterIdentifiers in the operators' certificates.
const FIRST: &str = "2.999.30";
const SECOND: &str = "2.999.31";

/// A server with two operators.
struct World {
    server: Server,
    runtime: Runtime,
}

/// Who calls: a certificate and an identifier.
#[derive(Clone, Copy)]
struct Operator<'a> {
    world: &'a World,
    /// Folder and name of its files; `None` is no certificate.
    identity: Option<(&'a Path, &'a str)>,
    identifier: &'a str,
    port: &'a str,
}

fn issue(folder: &Path, name: &str, oid: &str) {
    let out = format!("ca/{name}.pem");
    let issuer = [
        "--issuer",
        "ca/private_ca.pem",
        "--issuer-key",
        "ca/private_ca.key.pem",
    ];
    let subject = ["--out", &out, "--oid", oid, "--name", name];
    run_in(
        folder,
        &[&["pki", "issue", "operator"][..], &issuer, &subject].concat(),
    );
}

fn prepare(folder: &Path) {
    issue(folder, "second", SECOND);
    issue(folder, "stranger", "2.999.32");
    let file = folder.join("simurgh.toml");
    let mut config = std::fs::read_to_string(&file).unwrap();
    for (name, certificate) in [("first", "operator"), ("second", "second")] {
        config.push_str(&format!(
            "[[smdp.operators]]\nname = \"{name}\"\ncertificate = \"ca/{certificate}.pem\"\n"
        ));
    }
    std::fs::write(file, config).unwrap();
}

impl World {
    fn new(name: &str, serve: &[&str]) -> World {
        let world = World {
            server: Server::prepared(name, serve, prepare),
            runtime: Runtime::new().unwrap(),
        };
        let iccids = [ICCID, OTHER_ICCID];
        world.stock("operational", &iccids, &[]).unwrap();
        world
    }

    /// Puts profiles into stock; gives what the command says if it fails.
    fn stock(&self, profile_type: &str, iccids: &[&str], settings: &[&str]) -> Result<(), String> {
        let table = self.server.folder().join("subscriptions.csv");
        let mut text = "iccid,imsi,k,opc\n".to_string();
        for iccid in iccids {
            let key = "00".repeat(16);
            text.push_str(&format!("{iccid},999700000000001,{key},{key}\n"));
        }
        std::fs::write(&table, text).unwrap();
        let table = table.to_str().unwrap();
        let what = [
            "profile",
            "stock",
            profile_type,
            "--provider",
            "Example Mobile",
        ];
        let of = ["--subscriptions", table];
        let output = self.server.run(&[&what[..], &of, settings].concat());
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }

    fn operator<'a>(&'a self, port: &'a str, name: &'a str, identifier: &'a str) -> Operator<'a> {
        Operator {
            world: self,
            identity: Some((self.server.folder(), name)),
            identifier,
            port,
        }
    }
}

fn certificate(path: &Path) -> rsp_asn1::Certificate {
    certificate_from_pem(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Operator<'_> {
    fn client(&self, address: SocketAddr) -> Client {
        let mut client = Client::builder().resolve(SMDP, address);
        if let Some((folder, name)) = self.identity {
            let file = |ending: &str| {
                std::fs::read_to_string(folder.join(format!("ca/{name}.{ending}"))).unwrap()
            };
            let identity = TlsIdentity::from_pem(&file("pem"), &file("key.pem"));
            client = client.client_identity(identity.unwrap());
        }
        client.build(Arc::new(SoftwareProvider)).unwrap()
    }

    fn post<F: json::Function>(&self, message: &F) -> Result<HttpResponse, ClientError> {
        let ci = certificate(&self.world.server.folder().join("pki/ci.pem"));
        let anchor = TrustAnchor::new(&ci, &SoftwareProvider).unwrap();
        let smdp = ipa::Server {
            address: SMDP.to_string(),
            trust: Some(TlsTrust::RspServer(vec![anchor])),
            transport: rsp_core::binding::Transport::Https,
        };
        let client = self.client(self.world.server.address(self.port));
        let request = json::encode_request(message, None).unwrap();
        self.world.runtime.block_on(client.post(&smdp, request))
    }

    fn send<F: json::Function>(&self, message: &F) -> Result<F::Ok, BindingError> {
        let response = self.post(message).unwrap();
        assert_eq!(response.status, 200);
        json::decode_response::<F>(&response)
    }

    #[track_caller]
    fn refusal<F: json::Function<Ok: std::fmt::Debug>>(&self, message: &F) -> String {
        match self.send(message).unwrap_err() {
            BindingError::Refused(data) => format!("{}/{}", data.subject_code, data.reason_code),
            error => panic!("{error}"),
        }
    }

    fn header(&self) -> RequestHeader {
        RequestHeader {
            function_requester_identifier: self.identifier.to_string(),
            function_call_identifier: "call".to_string(),
        }
    }

    fn download(&self, iccid: &str) -> DownloadOrder {
        DownloadOrder {
            header: self.header(),
            eid: None,
            iccid: Some(iccid.parse().unwrap()),
            profile_type: None,
        }
    }

    fn confirm(&self, iccid: &str) -> ConfirmOrder {
        ConfirmOrder {
            header: self.header(),
            iccid: iccid.parse().unwrap(),
            eid: None,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            release_flag: false,
        }
    }

    fn release(&self, iccid: &str) -> ReleaseProfile {
        ReleaseProfile {
            header: self.header(),
            iccid: iccid.parse().unwrap(),
        }
    }

    fn cancel(&self, iccid: &str) -> CancelOrder {
        CancelOrder {
            header: self.header(),
            iccid: iccid.parse().unwrap(),
            eid: None,
            matching_id: None,
            final_profile_status_indicator: FinalProfileStatus::Available,
        }
    }
}

const ICCID: &str = "8999970000000000010";
const OTHER_ICCID: &str = "8999970000000000028";

/// What must hold wherever operators are served.
fn operators_are_told_apart(world: &World, port: &str) {
    let first = world.operator(port, "operator", FIRST);
    let second = world.operator(port, "second", SECOND);

    first.send(&first.download(ICCID)).unwrap();
    let confirmed = first.send(&first.confirm(ICCID)).unwrap();
    assert_eq!(confirmed.smdp_address.as_deref(), Some(SMDP));
    assert!(!confirmed.matching_id.is_empty());
    first.send(&first.release(ICCID)).unwrap();

    // What one has ordered is not the other's.
    assert_eq!(second.refusal(&second.download(ICCID)), "8.2.1/1.2");
    assert_eq!(second.refusal(&second.cancel(ICCID)), "8.2.1/1.2");
    second.send(&second.download(OTHER_ICCID)).unwrap();
    assert_eq!(first.refusal(&first.confirm(OTHER_ICCID)), "8.2.1/1.2");
    second.send(&second.cancel(OTHER_ICCID)).unwrap();

    // Nobody calls itself by another name than its certificate's.
    for identifier in [SECOND, "2.999.3", "", "first"] {
        let other = world.operator(port, "operator", identifier);
        assert_eq!(
            other.refusal(&other.cancel(ICCID)),
            "1.1/1.2",
            "{identifier}"
        );
    }
    first.send(&first.cancel(ICCID)).unwrap();
    first.send(&first.download(ICCID)).unwrap();
    first.send(&first.cancel(ICCID)).unwrap();
}

/// Who is no operator gets no further than the door.
fn others_are_refused(world: &World, port: &str) {
    let nobody = Operator {
        identity: None,
        ..world.operator(port, "", FIRST)
    };
    let stranger = world.operator(port, "stranger", "2.999.32");
    for caller in [nobody, stranger] {
        let refused = caller.post(&caller.download(ICCID)).unwrap();
        assert_eq!(refused.status, 401);
        let said = String::from_utf8(refused.body).unwrap();
        assert!(
            said.contains(r#""subjectCode":"1.1","reasonCode":"1.2""#),
            "{said}"
        );
    }
    let elsewhere = Folder::new(&format!("es2plus-elsewhere-{port}"));
    run_in(&elsewhere.0, &["pki", "init"]);
    let foreign = Operator {
        identity: Some((&elsewhere.0, "operator")),
        ..world.operator(port, "", FIRST)
    };
    let refused = foreign.post(&foreign.download(ICCID));
    assert!(
        matches!(refused, Err(ClientError::Tls { .. })),
        "{refused:?}"
    );
    // None of it changed anything.
    let first = world.operator(port, "operator", FIRST);
    first.send(&first.download(ICCID)).unwrap();
    first.send(&first.cancel(ICCID)).unwrap();
}

#[test]
fn operators_on_the_port_of_devices() {
    let world = World::new("es2plus-shared", &[]);
    assert_eq!(
        world.server.address("smdp"),
        world.server.address("es2plus")
    );
    operators_are_told_apart(&world, "smdp");
    others_are_refused(&world, "smdp");
    let log = world.server.log();
    assert!(
        log.contains("ES2+ without the certificate of an operator"),
        "{log}"
    );
    assert!(
        log.contains("functionRequesterIdentifier is not one of the caller's"),
        "{log}"
    );
}

#[test]
fn operators_on_a_port_of_their_own() {
    let own = ["--set", "smdp.es2plus_listen=127.0.0.1:0"];
    let world = World::new("es2plus-own", &own);
    assert_ne!(
        world.server.address("smdp"),
        world.server.address("es2plus")
    );
    operators_are_told_apart(&world, "es2plus");
    others_are_refused(&world, "es2plus");
    // The port of devices takes no orders.
    let lost = world.operator("smdp", "operator", FIRST);
    assert_eq!(lost.post(&lost.download(ICCID)).unwrap().status, 404);
}

#[test]
fn two_operators_with_one_identifier_do_not_start() {
    let folder = Folder::new("es2plus-twice");
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    prepare(&folder.0);
    let file = folder.0.join("simurgh.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let taken = format!("{config}identifiers = [\"{FIRST}\"]\n");
    std::fs::write(&file, taken).unwrap();
    let serve = support::simurgh()
        .current_dir(&folder.0)
        .arg("serve")
        .output();
    let output = serve.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("2.999.30 is first"), "{said}");
}

#[test]
fn a_type_is_ordered_as_it_was_brought() {
    let world = World::new("es2plus-types", &[]);
    let iccid = "8999970000000000036";
    let settings = [
        "--owner",
        "second",
        "--confirmation-code-required",
        "--max-confirmation-failures",
        "3",
        "--max-attempts",
        "2",
        "--order-validity-days",
        "7",
        "--protection",
        "profile",
        "--bound-once",
        "--requires",
        "eutran_epc",
        "--mnc-length",
        "2",
        "--class",
        "provisioning",
    ];
    world.stock("guarded", &[iccid], &settings).unwrap();
    // More of it must be the same.
    let said = world
        .stock("guarded", &["8999970000000000044"], &settings[2..])
        .unwrap_err();
    assert!(
        said.contains("another profile type with this name"),
        "{said}"
    );

    let first = world.operator("es2plus", "operator", FIRST);
    let second = world.operator("es2plus", "second", SECOND);
    let of_type = |operator: &Operator<'_>| DownloadOrder {
        iccid: None,
        profile_type: Some("guarded".to_string()),
        ..operator.download(iccid)
    };
    assert_eq!(first.refusal(&of_type(&first)), "8.2.5/1.2");
    assert_eq!(first.refusal(&first.download(iccid)), "8.2.1/1.2");
    second.send(&of_type(&second)).unwrap();
    assert_eq!(second.refusal(&second.confirm(iccid)), "8.2.7/2.2");
    let with_code = ConfirmOrder {
        confirmation_code: Some("1234".to_string()),
        ..second.confirm(iccid)
    };
    second.send(&with_code).unwrap();
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let world = World::new("es2plus-settings", &[]);
    let refused = |settings: &[&str]| world.stock("wrong", &["8999970000000000036"], settings);
    for usage in [
        ["--max-attempts", "0"],
        ["--mnc-length", "4"],
        ["--requires", "6g"],
        ["--class", "none"],
    ] {
        let said = refused(&usage).unwrap_err();
        assert!(said.contains(usage[0]), "{said}");
    }
    let said = refused(&["--owner", ""]).unwrap_err();
    assert!(said.contains("name an operator"), "{said}");
    let said = refused(&["--template", "/nonexistent"]).unwrap_err();
    assert!(said.contains("/nonexistent"), "{said}");
}

#[test]
fn an_smds_that_is_not_told_is_a_warning() {
    let world = World::new("es2plus-smds", &[]);
    let first = world.operator("es2plus", "operator", FIRST);
    let eid = Some("89049032000000000000000000000163".parse().unwrap());
    let download = DownloadOrder {
        eid,
        ..first.download(ICCID)
    };
    first.send(&download).unwrap();
    let confirm = ConfirmOrder {
        eid,
        smds_address: Some("smds.example.com".to_string()),
        release_flag: true,
        ..first.confirm(ICCID)
    };
    let response = first.post(&confirm).unwrap();
    assert_eq!(response.status, 200);
    let said: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let status = &said["header"]["functionExecutionStatus"];
    assert_eq!(status["status"], "Executed-WithWarning");
    assert_eq!(status["statusCodeData"]["subjectCode"], "8.9");
    assert_eq!(status["statusCodeData"]["reasonCode"], "5.1");
    // It was executed: the order can be used without the SM-DS.
    let confirmed = json::decode_response::<ConfirmOrder>(&response).unwrap();
    assert!(!confirmed.matching_id.is_empty());
    let unusable = ConfirmOrder {
        smds_address: Some("no host".to_string()),
        ..confirm
    };
    assert_eq!(first.refusal(&unusable), "8.9/5.1");
}
