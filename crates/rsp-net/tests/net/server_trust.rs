//! Whom a client accepts as the server.

use rsp_asn1::SubjectPublicKeyInfo;
use rsp_core::Timestamp;
use rsp_core::ipa;
use rsp_core::pki::{ChainError, Role, Side, TlsTrust};
use rsp_net::{ClientAuth, ClientError, Limits};
use rustls::CertificateError;

use crate::world::*;

const LEAF: Side = Side::Leaf;

/// Posts once to a server that presents `presented`.
async fn post(presented: &Issued, trust: TlsTrust) -> Result<(), ClientError> {
    let limits = Limits::default();
    let running = Running::start(presented.identity(), ClientAuth::None, limits).await;
    let client = client(running.address);
    let response = client.post(&server(trust), request("/", b"hello")).await?;
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, &b"hello"[..])
    );
    Ok(())
}

fn refusal(result: Result<(), ClientError>) -> ChainError {
    match result {
        Err(ClientError::Certificate { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

fn pinned(issued: &Issued) -> TlsTrust {
    let spki = issued.key.public_key().to_spki_der();
    TlsTrust::PinnedKey(SubjectPublicKeyInfo::from_bytes(&spki).unwrap())
}

#[tokio::test]
async fn a_server_under_the_ci_is_accepted() {
    let ci = Ci::new(1);
    post(&ci.smdp(), ci.trust()).await.unwrap();
}

#[tokio::test]
async fn a_server_under_another_ci_is_refused() {
    let error = refusal(post(&Ci::new(1).smdp(), Ci::new(2).trust()).await);
    assert_eq!(error, ChainError::UnknownIssuer { side: LEAF });
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let ci = Ci::new(1);
    let (oid, dns_name) = ("2.999.10".into(), "other.example".into());
    let other = ci.issue(Role::DpTls { oid, dns_name }, 5);
    let error = refusal(post(&other, ci.trust()).await);
    assert_eq!(error, ChainError::Name(NAME.into()));
}

#[tokio::test]
async fn a_certificate_of_another_role_is_refused() {
    let ci = Ci::new(1);
    let oid = "2.999.10".into();
    let auth = ci.issue(Role::DpAuth { oid }, 5);
    let error = refusal(post(&auth, ci.trust()).await);
    assert_eq!(error, ChainError::Policy { side: LEAF });
}

#[tokio::test]
async fn expiry_ends_trust_also_in_resumed_sessions() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let clock = TestClock::new();
    let client = builder(running.address)
        .clock(clock.clock())
        .keep_alive(false);
    let client = client.build(crypto()).unwrap();
    let server = server(ci.trust());
    for now in [NOW, not_after()] {
        clock.set(now);
        client.post(&server, request("/", b"")).await.unwrap();
    }
    clock.set(Timestamp(not_after().0 + 1000));
    let result = client.post(&server, request("/", b"")).await;
    let error = refusal(result.map(drop));
    assert_eq!(error, ChainError::Expired { side: Side::Ci });
    assert_eq!(running.echo.requests(), 2);
}

#[tokio::test]
async fn a_pinned_key_needs_neither_ci_nor_name() {
    let ci = Ci::new(1);
    let smdp = ci.smdp();
    post(&smdp, pinned(&smdp)).await.unwrap();
    let error = refusal(post(&smdp, pinned(&ci.operator())).await);
    assert_eq!(error, ChainError::UnknownIssuer { side: LEAF });
}

#[tokio::test]
async fn critical_policies_do_not_disturb_tls() {
    let oid = "2.999.10".into();
    let auth = Ci::new(1).issue(Role::DpAuth { oid }, 5);
    post(&auth, pinned(&auth)).await.unwrap();
}

#[tokio::test]
async fn a_pinned_certificate_is_the_server_or_its_issuer() {
    let ci = Ci::new(1);
    let smdp = ci.smdp();
    let trust = |issued: &Issued| TlsTrust::Certificate(issued.certificate.clone());
    post(&smdp, trust(&smdp)).await.unwrap();
    post(&smdp, trust(&ci.root)).await.unwrap();
    for other in [ci.operator(), Ci::new(2).root] {
        let error = refusal(post(&smdp, trust(&other)).await);
        assert_eq!(error, ChainError::UnknownIssuer { side: LEAF });
    }
}

#[tokio::test]
async fn a_stolen_certificate_is_of_no_use_without_its_key() {
    let ci = Ci::new(1);
    let stolen = unchecked(&identity(&ci.smdp().certificate, &key(666)));
    for versions in [TLS12, TLS13] {
        let impostor = RawServer::bind(stolen.clone(), versions).await;
        let client = client(impostor.address());
        let server = server(ci.trust());
        let (result, handshake) =
            tokio::join!(client.post(&server, request("/", b"")), impostor.accept());
        let bad = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
        match result {
            Err(ClientError::Tls { error, .. }) => assert_eq!(error, bad),
            other => panic!("{other:?}"),
        }
        handshake.unwrap_err();
    }
}

#[tokio::test]
async fn a_server_of_tls_1_2_is_accepted() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ci = Ci::new(1);
    let raw = RawServer::bind(unchecked(&ci.smdp().identity()), TLS12).await;
    let client = client(raw.address());
    let answer = async {
        let mut stream = raw.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(response).await.unwrap();
        stream.get_ref().1.protocol_version()
    };
    let server = server(ci.trust());
    let (response, version) = tokio::join!(client.post(&server, request("/", b"")), answer);
    assert_eq!(response.unwrap().body, b"ok");
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
}

#[tokio::test]
async fn one_trust_does_not_open_the_connections_of_another() {
    let (ci, other) = (Ci::new(1), Ci::new(2));
    let running = Running::plain(&ci).await;
    let client = client(running.address);
    let right = server(ci.trust());
    client.post(&right, request("/", b"")).await.unwrap();
    let wrong = client.post(&server(other.trust()), request("/", b"")).await;
    let error = refusal(wrong.map(drop));
    assert_eq!(error, ChainError::UnknownIssuer { side: LEAF });
    assert_eq!(running.echo.requests(), 1);
}

#[tokio::test]
async fn without_trust_nothing_is_sent() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let nobody = ipa::Server {
        address: NAME.into(),
        trust: None,
        transport: rsp_core::binding::Transport::Https,
    };
    let result = client(running.address)
        .post(&nobody, request("/", b""))
        .await;
    assert!(matches!(result, Err(ClientError::NoTrust(name)) if name == NAME));
    assert_eq!(running.echo.requests(), 0);
}
