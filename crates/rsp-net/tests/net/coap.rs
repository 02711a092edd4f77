//! CoAP over DTLS: own client and server, with certificates and with keys.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsp_core::binding::coap::Parameters;
use rsp_core::pki::TlsTrust;
use rsp_net::dtls::{Credentials, DtlsError, PskKeys, ServerConfig};
use rsp_net::{ClientError, CoapClient, CoapLimits, CoapServer, OperatorTrust, TlsIdentity};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::world::{Ci, Echo, NAME, NOW, crypto, request};

pub(crate) const IDENTITY: &[u8] = b"89049032000000000000000000000163";
pub(crate) const KEY: &[u8] = b"sixteen octets!!";

pub(crate) struct Keys;

impl PskKeys for Keys {
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match identity {
            IDENTITY => Some(KEY.to_vec().into()),
            b"short" => Some(b"short".to_vec().into()),
            _ => None,
        }
    }
}

/// A server that runs until it is stopped or the test ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) echo: Echo,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(config: ServerConfig, limits: CoapLimits) -> Running {
        let any = "127.0.0.1:0".parse().unwrap();
        let server = CoapServer::bind(any, &config, limits).await.unwrap();
        let server = server.with_parameters(quick());
        let address = server.local_addr();
        let echo = Echo::default();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _: Result<(), _> = stopped.await;
        };
        let task = tokio::spawn(server.serve(echo.clone(), shutdown));
        Running {
            address,
            echo,
            stop,
            task,
        }
    }
}

/// Ten times as quick as RFC 7252, so that tests are.
fn quick() -> Parameters {
    Parameters {
        ack_timeout: Duration::from_millis(200),
        ack_delay: Duration::from_millis(100),
        ..Parameters::default()
    }
}

pub(crate) fn both(identity: TlsIdentity) -> ServerConfig {
    ServerConfig {
        identity: Some(identity),
        psk: Some(Arc::new(Keys)),
        client_trust: None,
    }
}

fn client(address: SocketAddr) -> CoapClient {
    CoapClient::new(crypto())
        .resolve(NAME, address)
        .clock(Arc::new(|| NOW))
        .parameters(quick())
        .timeout(Duration::from_secs(5))
}

fn psk(identity: &[u8], key: &[u8]) -> Credentials {
    Credentials::Psk {
        identity: identity.to_vec(),
        key: key.to_vec().into(),
    }
}

fn certificate(ci: &Ci, trust: TlsTrust) -> Credentials {
    let identity = ci.operator().identity();
    Credentials::Certificate { trust, identity }
}

fn large() -> Vec<u8> {
    (0..5000u32).map(|place| (place * 7) as u8).collect()
}

#[tokio::test]
async fn certificates_and_blocks_both_ways() {
    let ci = Ci::new(1);
    let config = both(ci.smdp().identity());
    let server = Running::start(config, CoapLimits::default()).await;
    let client = client(server.address);
    let credentials = certificate(&ci, ci.trust());
    for body in [b"poll".to_vec(), large()] {
        let asked = request("/gsma/rsp2/asn1", &body);
        let response = client.post(NAME, &credentials, asked).await.unwrap();
        assert_eq!((response.status, &response.body), (200, &body));
    }
    let nothing = request("/nothing", b"x");
    let response = client.post(NAME, &credentials, nothing).await.unwrap();
    assert_eq!(response.status, 204);
    // Longer than the acknowledgement may take: it comes apart.
    let slow = request("/slow", b"x");
    let response = client.post(NAME, &credentials, slow).await.unwrap();
    assert_eq!(response.body, b"at last");
    assert_eq!(server.echo.requests(), 4);
    assert_eq!(server.echo.connections(), 1, "one association for all");
    assert_eq!(server.echo.last().1.certificate, None);
}

#[tokio::test]
async fn a_server_without_trust_gets_no_request() {
    let (ci, other) = (Ci::new(1), Ci::new(2));
    let config = both(ci.smdp().identity());
    let server = Running::start(config, CoapLimits::default()).await;
    let client = client(server.address);
    let spki = |ci: &Ci| rsp_core::pki::ParsedCertificate::parse(&ci.smdp().certificate).unwrap();
    let pin = |ci: &Ci| {
        let der = spki(ci).public_key.to_spki_der();
        TlsTrust::PinnedKey(rsp_asn1::SubjectPublicKeyInfo::from_bytes(&der).unwrap())
    };
    let cases = [
        (certificate(&ci, other.trust()), false),
        (
            certificate(&ci, TlsTrust::Certificate(other.root.certificate.clone())),
            false,
        ),
        (
            certificate(&ci, TlsTrust::Certificate(ci.root.certificate.clone())),
            true,
        ),
        (
            certificate(&ci, TlsTrust::Certificate(ci.smdp().certificate)),
            true,
        ),
        (certificate(&ci, pin(&ci)), true),
    ];
    let mut answered = 0;
    for (credentials, trusted) in cases {
        let asked = request("/gsma/rsp2/asn1", b"poll");
        let outcome = client.post(NAME, &credentials, asked).await;
        match trusted {
            true => answered += usize::from(outcome.unwrap().status == 200),
            false => {
                let error = outcome.unwrap_err();
                assert!(matches!(error, ClientError::Certificate { .. }), "{error}");
            }
        }
    }
    assert_eq!((answered, server.echo.requests()), (3, 3));
    let elsewhere = client.resolve("other.example", server.address);
    let credentials = certificate(&ci, ci.trust());
    let asked = request("/gsma/rsp2/asn1", b"poll");
    let error = elsewhere.post("other.example", &credentials, asked).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Certificate { .. }), "{error}");
}

#[tokio::test]
async fn keys_name_their_device() {
    let config = both(Ci::new(1).smdp().identity());
    let server = Running::start(config, CoapLimits::default()).await;
    let client = client(server.address);
    let asked = request("/gsma/rsp2/asn1", &large());
    let response = client.post(NAME, &psk(IDENTITY, KEY), asked).await;
    assert_eq!(response.unwrap().body, large());
    let (_, peer) = server.echo.last();
    assert_eq!(peer.identity.as_deref(), Some(IDENTITY));
}

/// Whether an identity exists is not to be learned.
#[tokio::test]
async fn an_unknown_identity_looks_like_a_wrong_key() {
    let config = both(Ci::new(1).smdp().identity());
    let server = Running::start(config, CoapLimits::default()).await;
    let mut errors = Vec::new();
    for (identity, key) in [
        (IDENTITY, b"another secret!!".as_slice()),
        (b"nobody", KEY),
        (b"short", KEY),
    ] {
        let client = client(server.address).timeout(Duration::from_secs(2));
        let asked = request("/gsma/rsp2/asn1", b"poll");
        let outcome = client.post(NAME, &psk(identity, key), asked).await;
        errors.push(outcome.unwrap_err().to_string());
    }
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    assert_eq!(server.echo.requests(), 0);
    let client = client(server.address);
    let asked = request("/gsma/rsp2/asn1", b"poll");
    let error = client.post(NAME, &psk(IDENTITY, b"short"), asked).await;
    let error = error.unwrap_err();
    let short = DtlsError::ShortKey(5);
    assert!(matches!(error, ClientError::Dtls { error, .. } if error == short));
}

#[tokio::test]
async fn clients_may_have_to_prove_themselves() {
    let (ci, other) = (Ci::new(1), Ci::new(2));
    let authorities = [ci.root.der()];
    let trust = OperatorTrust::new(&authorities, crypto()).unwrap();
    let config = ServerConfig {
        client_trust: Some(trust.with_clock(Arc::new(|| NOW))),
        ..both(ci.smdp().identity())
    };
    let server = Running::start(config, CoapLimits::default()).await;
    let asked = || request("/gsma/rsp2/asn1", b"poll");
    let stranger = Credentials::Certificate {
        trust: ci.trust(),
        identity: other.operator().identity(),
    };
    let refused = client(server.address)
        .timeout(Duration::from_secs(2))
        .post(NAME, &stranger, asked())
        .await;
    assert!(refused.is_err());
    assert_eq!(server.echo.requests(), 0);
    let known = certificate(&ci, ci.trust());
    let response = client(server.address).post(NAME, &known, asked()).await;
    assert_eq!(response.unwrap().status, 200);
    let (_, peer) = server.echo.last();
    assert_eq!(peer.certificate, Some(ci.operator().der()));
}

/// Who was told goodbye, or has heard nothing for long, begins again.
#[tokio::test]
async fn associations_end_and_begin_again() {
    let limits = CoapLimits {
        idle_timeout: Duration::from_millis(300),
        ..CoapLimits::default()
    };
    let config = both(Ci::new(1).smdp().identity());
    let server = Running::start(config.clone(), limits).await;
    let client = client(server.address);
    let credentials = psk(IDENTITY, KEY);
    for round in 1..=2 {
        let asked = request("/gsma/rsp2/asn1", b"poll");
        client.post(NAME, &credentials, asked).await.unwrap();
        assert_eq!(server.echo.connections(), round);
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    server.stop.send(()).unwrap();
    server.task.await.unwrap();
}

/// Datagrams that are no handshake leave nothing behind, and those that begin
/// one are bounded: a real client still gets in.
#[tokio::test]
async fn a_flood_of_beginnings_shuts_nobody_out() {
    let limits = CoapLimits {
        max_handshakes: 8,
        ..CoapLimits::default()
    };
    let config = both(Ci::new(1).smdp().identity());
    let server = Running::start(config, limits).await;
    let hello = recorded_hello(&server).await;
    for round in 0..40 {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&hello, server.address).await.unwrap();
        let rubbish = [round; 40];
        socket.send_to(&rubbish, server.address).await.unwrap();
    }
    let asked = request("/gsma/rsp2/asn1", b"poll");
    let response = client(server.address)
        .post(NAME, &psk(IDENTITY, KEY), asked)
        .await;
    assert_eq!(response.unwrap().status, 200);
}

/// The ClientHello of a client, caught on its way.
async fn recorded_hello(server: &Running) -> Vec<u8> {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let client = client(socket.local_addr().unwrap()).timeout(Duration::from_millis(300));
    let credentials = psk(IDENTITY, KEY);
    let asked = client.post(NAME, &credentials, request("/", b"x"));
    let mut datagram = vec![0; 2048];
    let (_, received) = tokio::join!(asked, socket.recv(&mut datagram));
    datagram.truncate(received.unwrap());
    assert_eq!(server.echo.requests(), 0);
    datagram
}
