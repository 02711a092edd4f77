//! Programs that are not ours: Debian's libcoap clients, openssl and curl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rsp_core::Timestamp;
use rsp_core::pki::{Issuer, issue_under};
use rsp_core::pki::{Name, Role, Template, certificate_to_pem, issue};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_net::{ClientAuth, CoapLimits, Limits, OperatorTrust, TlsIdentity};
use tokio::process::Command;

use crate::coap::{self, IDENTITY, KEY};
use crate::world::{NAME, Running, crypto, key};

/// A CA, a server and a device, valid now, as files for others.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    server: TlsIdentity,
    pub(crate) authority: Vec<u8>,
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn now() -> Timestamp {
    (rsp_net::system_clock())()
}

fn template<'a>(role: Role, name: &Name, key: &'a SoftwareKey) -> Template<'a> {
    Template {
        role,
        subject: name.clone(),
        public_key: key.public_key(),
        serial: &[1],
        not_before: Timestamp(now().0 - 86_400_000),
        not_after: Timestamp(now().0 + 86_400_000),
    }
}

impl Files {
    pub(crate) fn new(test: &str) -> Files {
        let folder = format!("simurgh-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let name = |common_name: &str| Name {
            organization: "Example".into(),
            common_name: common_name.into(),
            ..Name::default()
        };
        let (ca_key, server_key, device_key) = (key(11), key(12), key(13));
        let ca = template(Role::PrivateCa, &name("CA"), &ca_key);
        let ca = issue(&ca, &name("CA"), &ca_key, &SoftwareProvider).unwrap();
        let issuer = Issuer::of(&ca).unwrap();
        let dns_name = NAME.into();
        let server = template(Role::TlsServer { dns_name }, &name(NAME), &server_key);
        let server = issue_under(&server, &issuer, &ca_key, &SoftwareProvider).unwrap();
        let oid = "2.999.30".into();
        let device = template(Role::Operator { oid }, &name("device"), &device_key);
        let device = issue_under(&device, &issuer, &ca_key, &SoftwareProvider).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("ca.pem", &certificate_to_pem(&ca));
        write("server.pem", &certificate_to_pem(&server));
        write("server-key.pem", &server_key.to_pkcs8_pem().unwrap());
        write("device.pem", &certificate_to_pem(&device));
        write("device-key.pem", &device_key.to_pkcs8_pem().unwrap());
        let body: Vec<u8> = (0..6000u32).map(|place| (place * 7) as u8).collect();
        fs::write(folder.join("body"), body).unwrap();
        fs::write(folder.join("small"), [0xBF, 0x4F, 0x00]).unwrap();
        let key = server_key.to_pkcs8_pem().unwrap();
        let chain = vec![server.as_bytes().to_vec()];
        Files {
            folder,
            server: TlsIdentity::from_key_pem(chain, &key).unwrap(),
            authority: ca.as_bytes().to_vec(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_default()
    }
}

/// Runs a program in a folder; what it writes to both outputs.
pub(crate) async fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error} (cargo xtask setup)"));
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

const CLIENTS: [&str; 2] = ["coap-client-openssl", "coap-client-gnutls"];

/// Posts a small and a large body, which come back.
async fn libcoap(program: &str, files: &Files, address: std::net::SocketAddr, how: &[&str]) {
    let uri = format!("coaps://{address}/gsma/rsp2/asn1");
    for name in ["small", "body"] {
        let mut arguments = vec!["-m", "post", "-B", "10", "-f", name, "-o", "answer"];
        arguments.extend(["-b", "1024"]);
        arguments.extend(how);
        arguments.push(&uri);
        let said = run(program, &arguments, &files.folder).await;
        assert_eq!(files.read("answer"), files.read(name), "{program}: {said}");
        fs::remove_file(files.folder.join("answer")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libcoap_with_keys() {
    let files = Files::new("coap-psk");
    let config = coap::both(files.server.clone());
    let server = coap::Running::start(config, CoapLimits::default()).await;
    let identity = String::from_utf8(IDENTITY.to_vec()).unwrap();
    let key = String::from_utf8(KEY.to_vec()).unwrap();
    for program in CLIENTS {
        libcoap(
            program,
            &files,
            server.address,
            &["-u", &identity, "-k", &key],
        )
        .await;
        let (_, peer) = server.echo.last();
        assert_eq!(peer.identity.as_deref(), Some(IDENTITY));
    }
    assert_eq!(server.echo.requests(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn libcoap_with_certificates() {
    let files = Files::new("coap-cert");
    let config = coap::both(files.server.clone());
    let server = coap::Running::start(config.clone(), CoapLimits::default()).await;
    let trust = OperatorTrust::new(std::slice::from_ref(&files.authority), crypto()).unwrap();
    let mutual = rsp_net::dtls::ServerConfig {
        client_trust: Some(trust),
        ..config
    };
    let mutual = coap::Running::start(mutual, CoapLimits::default()).await;
    let (ca, own, key) = (
        files.path("ca.pem"),
        files.path("device.pem"),
        files.path("device-key.pem"),
    );
    let how = ["-C", &ca, "-c", &own, "-j", &key];
    for program in CLIENTS {
        libcoap(program, &files, server.address, &how).await;
        libcoap(program, &files, mutual.address, &how).await;
        assert!(mutual.echo.last().1.certificate.is_some());
    }
    assert_eq!(server.echo.requests() + mutual.echo.requests(), 8);
}

/// HTTPS: curl posts, openssl sees TLS 1.2 and 1.3.
#[tokio::test(flavor = "multi_thread")]
async fn curl_and_openssl() {
    let files = Files::new("https");
    let server = Running::start(files.server.clone(), ClientAuth::None, Limits::default()).await;
    let port = server.address.port().to_string();
    let resolve = format!("{NAME}:{port}:127.0.0.1");
    let uri = format!("https://{NAME}:{port}/gsma/rsp2/asn1");
    let content_type = "Content-Type: application/x-gsma-rsp-asn1";
    let post = [
        "-sS",
        "--cacert",
        "ca.pem",
        "--resolve",
        &resolve,
        "-H",
        content_type,
    ];
    let body = ["--data-binary", "@body", "-o", "answer", &uri];
    let said = run("curl", &[&post[..], &body].concat(), &files.folder).await;
    assert_eq!(files.read("answer"), files.read("body"), "{said}");
    let connect = format!("127.0.0.1:{port}");
    for (flag, shown) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let arguments = ["s_client", "-connect", &connect, "-CAfile", "ca.pem", flag];
        let verify = ["-verify_hostname", NAME, "-verify_return_error", "-brief"];
        let said = run(
            "openssl",
            &[&arguments[..], &verify].concat(),
            &files.folder,
        )
        .await;
        assert!(said.contains("Verification: OK"), "{said}");
        assert!(said.contains(shown), "{said}");
    }
}
