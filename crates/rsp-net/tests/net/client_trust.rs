//! Mutual TLS: whom a server accepts as a client.

use std::sync::Arc;

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::pki::{ChainError, Role, Side};
use rsp_crypto::software::SoftwareKey;
use rsp_net::{ClientAuth, ClientError, IdentityError, Limits, OperatorTrust, Server};
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::*;

fn trust(ci: &Ci) -> OperatorTrust {
    let trust = OperatorTrust::new(&[ci.root.der()], crypto()).unwrap();
    trust.with_clock(Arc::new(|| NOW))
}

/// A server of one CI that accepts operators of another.
async fn running(ci: &Ci, trust: OperatorTrust) -> Running {
    let identity = ci.smdp().identity();
    Running::start(identity, ClientAuth::Optional(trust), Limits::default()).await
}

/// What a client with this certificate gets: the certificate that the handler
/// saw.
async fn post(client_certificate: Option<&Issued>) -> Result<Option<Vec<u8>>, ClientError> {
    let (ci, operators) = (Ci::new(1), Ci::new(20));
    let running = running(&ci, trust(&operators)).await;
    let mut client = builder(running.address);
    if let Some(issued) = client_certificate {
        client = client.client_identity(issued.identity());
    }
    let client = client.build(crypto()).unwrap();
    client.post(&server(ci.trust()), request("/", b"")).await?;
    Ok(running.echo.last().1.certificate)
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, ClientError>) {
    match result {
        Err(ClientError::Tls { error, .. }) => {
            let alert = rustls::Error::AlertReceived(AlertDescription::CertificateUnknown);
            assert_eq!(error, alert);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_handler_sees_the_certificate_of_an_operator() {
    let operator = Ci::new(20).operator();
    let seen = post(Some(&operator)).await.unwrap();
    assert_eq!(seen, Some(operator.der()));
}

#[tokio::test]
async fn a_client_without_certificate_is_let_in_as_nobody() {
    assert_eq!(post(None).await.unwrap(), None);
}

#[tokio::test]
async fn foreign_and_unsuitable_certificates_are_refused() {
    let suitable_elsewhere = Ci::new(21).operator();
    assert_refused(post(Some(&suitable_elsewhere)).await);
    let not_for_tls = Ci::new(20).issue(Role::EimSign, 5);
    assert_refused(post(Some(&not_for_tls)).await);
}

/// What a client gets that presents these certificates, the own one first.
async fn post_chain(key: &SoftwareKey, chain: &[&Certificate]) -> Result<(), ClientError> {
    let (ci, operators) = (Ci::new(1), Ci::new(20));
    let running = running(&ci, trust(&operators)).await;
    let own = chain.first().unwrap();
    let mut identity = identity(own, key);
    let der = chain.iter().map(|one| one.as_bytes().to_vec());
    identity.chain = der.collect();
    let client = builder(running.address).client_identity(identity);
    let client = client.build(crypto()).unwrap();
    client.post(&server(ci.trust()), request("/", b"")).await?;
    let seen = running.echo.last().1.certificate;
    assert_eq!(seen, Some(own.as_bytes().to_vec()));
    Ok(())
}

#[tokio::test]
async fn cas_between_are_accepted_if_the_client_presents_them() {
    let root = Ci::new(20);
    let upper = root.sub_ca(SubCa::Free, 30);
    let lower = upper.sub_ca(SubCa::LastOne, 31);
    let operator = lower.operator();
    let (upper_ca, lower_ca) = (&upper.root.certificate, &lower.root.certificate);
    let own = &operator.certificate;
    for chain in [&[own, lower_ca, upper_ca][..], &[own, upper_ca, lower_ca]] {
        post_chain(&operator.key, chain).await.unwrap();
    }
    assert_refused(post_chain(&operator.key, &[own, lower_ca]).await);
    assert_refused(post_chain(&operator.key, &[own]).await);
}

#[tokio::test]
async fn cas_between_are_judged() {
    let root = Ci::new(20);
    // One that may have no CA below it.
    let last = root.sub_ca(SubCa::LastOne, 30);
    let below = last.sub_ca(SubCa::LastOne, 31);
    let operator = below.operator();
    let own = &operator.certificate;
    let cas = [&below.root.certificate, &last.root.certificate];
    assert_refused(post_chain(&operator.key, &[own, cas[0], cas[1]]).await);
    // An operator is no CA, and an EUM's constraints are not evaluated.
    let no_ca = root.issue(operator_role(), 40);
    let under = root.named(no_ca.clone(), 40).operator();
    let chain = [&under.certificate, &no_ca.certificate];
    assert_refused(post_chain(&under.key, &chain).await);
    let constrained = root.sub_ca(SubCa::Constrained, 41);
    let under = constrained.operator();
    let chain = [&under.certificate, &constrained.root.certificate];
    assert_refused(post_chain(&under.key, &chain).await);
    // A CA of the same name and key identifier, but not signed by the root.
    let foreign = Ci::new(21).sub_ca(SubCa::Free, 30);
    let under = foreign.operator();
    let chain = [&under.certificate, &foreign.root.certificate];
    assert_refused(post_chain(&under.key, &chain).await);
}

#[tokio::test]
async fn expiry_ends_trust_also_in_resumed_sessions() {
    let (ci, operators) = (Ci::new(1), Ci::new(20));
    let clock = TestClock::new();
    let running = running(&ci, trust(&operators).with_clock(clock.clock())).await;
    let client = builder(running.address).client_identity(operators.operator().identity());
    let client = client.keep_alive(false).build(crypto()).unwrap();
    let server = server(ci.trust());
    for now in [NOW, not_after()] {
        clock.set(now);
        client.post(&server, request("/", b"")).await.unwrap();
        let seen = running.echo.last().1.certificate;
        assert_eq!(seen, Some(operators.operator().der()));
    }
    clock.set(Timestamp(not_after().0 + 1000));
    client.post(&server, request("/", b"")).await.unwrap_err();
    assert_eq!(running.echo.requests(), 2);
}

/// Sends a request on a raw connection; what comes back, nothing if the
/// server refuses.
async fn raw_post(running: &Running, operator: &Issued, versions: Versions) -> String {
    let identity = unchecked(&operator.identity());
    let mut response = Vec::new();
    let exchange = async {
        let mut stream = raw_client(running.address, versions, Some(identity)).await?;
        let post = b"POST / HTTP/1.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(post).await?;
        stream.read_to_end(&mut response).await
    };
    let outcome = exchange.await;
    assert_eq!(outcome.is_ok(), !response.is_empty(), "{outcome:?}");
    String::from_utf8(response).unwrap()
}

type Versions = &'static [&'static rustls::SupportedProtocolVersion];

#[tokio::test]
async fn a_stolen_certificate_is_of_no_use_without_its_key() {
    let (ci, operators) = (Ci::new(1), Ci::new(20));
    let running = running(&ci, trust(&operators)).await;
    let operator = operators.operator();
    let thief = Issued {
        key: key(666),
        ..operator.clone()
    };
    for versions in [TLS12, TLS13] {
        let response = raw_post(&running, &operator, versions).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert_eq!(running.echo.last().1.certificate, Some(operator.der()));
        assert_eq!(raw_post(&running, &thief, versions).await, "");
    }
    assert_eq!(running.echo.requests(), 2);
}

#[test]
fn only_cas_are_authorities() {
    let ci = Ci::new(1);
    let side = Side::Ci;
    let leaf = OperatorTrust::new(&[ci.smdp().der()], crypto());
    assert_eq!(leaf.unwrap_err(), ChainError::NotCa { side });
    let rubbish = OperatorTrust::new(&[vec![0x30, 0x82]], crypto());
    assert!(matches!(
        rubbish,
        Err(ChainError::Malformed { side: Side::Ci, .. })
    ));
}

#[tokio::test]
async fn an_identity_of_two_halves_is_refused_at_the_start() {
    let ci = Ci::new(1);
    let halves = identity(&ci.smdp().certificate, &key(666));
    assert!(format!("{halves:?}").contains("redacted"));
    let client = builder("127.0.0.1:1".parse().unwrap()).client_identity(halves.clone());
    assert_eq!(client.build(crypto()).unwrap_err(), IdentityError::Mismatch);
    let address = "127.0.0.1:0".parse().unwrap();
    let bound = Server::bind(address, halves, ClientAuth::None, Limits::default()).await;
    let error = bound.unwrap_err().into_inner().unwrap();
    assert_eq!(error.downcast_ref(), Some(&IdentityError::Mismatch));
}
