//! How the client uses connections, and how it fails.

use std::time::Duration;

use bytes::Bytes;
use rsp_core::ipa;
use rsp_net::{ClientError, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::world::*;

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let client = client(running.address);
    for _ in 0..5 {
        let client = client.clone();
        client
            .post(&server(ci.trust()), request("/", b"x"))
            .await
            .unwrap();
    }
    assert_eq!(
        (running.echo.requests(), running.echo.connections()),
        (5, 1)
    );
}

#[tokio::test]
async fn one_request_connections() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let client = builder(running.address).keep_alive(false);
    let client = client.build(crypto()).unwrap();
    for _ in 0..3 {
        client
            .post(&server(ci.trust()), request("/", b"x"))
            .await
            .unwrap();
    }
    assert_eq!(
        (running.echo.requests(), running.echo.connections()),
        (3, 3)
    );
}

#[tokio::test]
async fn requests_at_the_same_time_do_not_wait_for_each_other() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let client = client(running.address);
    let server = server(ci.trust());
    let (slow, quick) = tokio::join!(
        client.post(&server, request("/slow", b"")),
        client.post(&server, request("/", b"quick")),
    );
    assert_eq!(slow.unwrap().body, b"at last");
    assert_eq!(quick.unwrap().body, b"quick");
    assert_eq!(running.echo.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let ci = Ci::new(1);
    let limits = Limits {
        idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let running = Running::limited(&ci, limits).await;
    let client = client(running.address);
    for _ in 0..2 {
        client
            .post(&server(ci.trust()), request("/", b"x"))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert_eq!(
        (running.echo.requests(), running.echo.connections()),
        (2, 2)
    );
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Reads one request and writes `answer`.
async fn exchange(stream: &mut TlsStream<TcpStream>, answer: &[u8]) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(answer).await.unwrap();
    stream.flush().await.unwrap();
}

/// Two requests to a server that answers the first with `OK`, the second on
/// the same connection with `second`, and closes; then on a new connection,
/// if one comes, with `OK`. The outcome of the second, and whether one came.
async fn second_on_kept(second: &[u8]) -> (Result<Vec<u8>, ClientError>, bool) {
    let ci = Ci::new(1);
    let raw = RawServer::bind(unchecked(&ci.smdp().identity()), TLS13).await;
    let client = client(raw.address());
    let server = server(ci.trust());
    let serve = async {
        let mut stream = raw.accept().await.unwrap();
        exchange(&mut stream, OK).await;
        exchange(&mut stream, second).await;
        stream.shutdown().await.unwrap();
        drop(stream);
        let again = tokio::time::timeout(Duration::from_millis(500), raw.accept());
        let Ok(again) = again.await else {
            return false;
        };
        exchange(&mut again.unwrap(), OK).await;
        true
    };
    let ask = async {
        client.post(&server, request("/", b"")).await.unwrap();
        let second = client.post(&server, request("/", b"")).await;
        second.map(|response| response.body)
    };
    tokio::join!(ask, serve)
}

#[tokio::test]
async fn an_unanswered_request_on_a_kept_connection_is_repeated() {
    let (outcome, came_again) = second_on_kept(b"").await;
    assert_eq!(outcome.unwrap(), b"ok");
    assert!(came_again);
}

#[tokio::test]
async fn a_request_with_half_an_answer_is_not_repeated() {
    for half in [
        &b"HTTP/1.1 2"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
    ] {
        let (outcome, came_again) = second_on_kept(half).await;
        assert!(
            matches!(outcome, Err(ClientError::Http { .. })),
            "{outcome:?}"
        );
        assert!(!came_again);
    }
}

#[tokio::test]
async fn an_unanswered_request_on_a_new_connection_is_an_error() {
    let ci = Ci::new(1);
    let raw = RawServer::bind(unchecked(&ci.smdp().identity()), TLS13).await;
    let client = client(raw.address());
    let server = server(ci.trust());
    let serve = async {
        let mut stream = raw.accept().await.unwrap();
        exchange(&mut stream, b"").await;
        stream.shutdown().await.unwrap();
    };
    let (outcome, ()) = tokio::join!(client.post(&server, request("/", b"")), serve);
    assert!(
        matches!(outcome, Err(ClientError::Http { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn the_client_closes_with_close_notify() {
    let ci = Ci::new(1);
    let raw = RawServer::bind(unchecked(&ci.smdp().identity()), TLS13).await;
    let client = client(raw.address());
    let server = server(ci.trust());
    let serve = async {
        let mut stream = raw.accept().await.unwrap();
        exchange(&mut stream, OK).await;
        // The end without close_notify would be an error here.
        stream.read(&mut [0; 16]).await
    };
    let ask = async {
        client.post(&server, request("/", b"")).await.unwrap();
        drop(client);
    };
    let ((), end) = tokio::join!(ask, serve);
    assert_eq!(end.unwrap(), 0);
}

#[tokio::test]
async fn responses_are_bounded() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let client = builder(running.address).max_body(1000);
    let client = client.build(crypto()).unwrap();
    let server = server(ci.trust());
    let fits = client.post(&server, request("/", &[1; 1000])).await;
    assert_eq!(fits.unwrap().body.len(), 1000);
    let larger = client.post(&server, request("/", &[1; 1001])).await;
    assert!(matches!(
        larger,
        Err(ClientError::BodyTooLarge { limit: 1000, .. })
    ));
}

#[tokio::test]
async fn slow_and_mute_servers_time_out() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let short = Duration::from_millis(300);
    let client = builder(running.address).timeout(short);
    let client = client.build(crypto()).unwrap();
    let slow = client
        .post(&server(ci.trust()), request("/slow", b""))
        .await;
    assert!(matches!(slow, Err(ClientError::Timeout { limit, .. }) if limit == short));

    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = builder(mute.local_addr().unwrap()).connect_timeout(short);
    let client = client.build(crypto()).unwrap();
    let outcome = client.post(&server(ci.trust()), request("/", b"")).await;
    match outcome {
        Err(ClientError::Connect { error, .. }) => {
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_asked_fails_by_its_kind() {
    let ci = Ci::new(1);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = free.local_addr().unwrap();
    drop(free);
    let client = client(closed);
    let to = |address: &str| ipa::Server {
        address: address.into(),
        trust: Some(ci.trust()),
        transport: rsp_core::binding::Transport::Https,
    };
    let nobody = client.post(&to(NAME), request("/", b"")).await;
    assert!(
        matches!(nobody, Err(ClientError::Connect { .. })),
        "{nobody:?}"
    );
    let nowhere = client
        .post(&to("no-such-host.invalid"), request("/", b""))
        .await;
    assert!(
        matches!(nowhere, Err(ClientError::Resolve { .. })),
        "{nowhere:?}"
    );
    let malformed = client.post(&to("a b"), request("/", b"")).await;
    assert!(
        matches!(malformed, Err(ClientError::Address(_))),
        "{malformed:?}"
    );
    let mut header = request("/", b"");
    header.content_type = "a\r\nb: c".into();
    let header = client.post(&to(NAME), header).await;
    assert!(matches!(header, Err(ClientError::Request(_))), "{header:?}");
    let plain = http::Request::get("http://smdp.example/").body(Bytes::new());
    let plain = client.request_raw(&ci.trust(), plain.unwrap()).await;
    assert!(matches!(plain, Err(ClientError::Address(_))), "{plain:?}");
}

#[tokio::test]
async fn a_port_in_the_address_is_used_and_said() {
    let ci = Ci::new(1);
    let raw = RawServer::bind(unchecked(&ci.smdp().identity()), TLS13).await;
    let with_port = format!("{NAME}:8443");
    let client = rsp_net::Client::builder()
        .resolve(&with_port, raw.address())
        .clock(std::sync::Arc::new(|| NOW))
        .build(crypto())
        .unwrap();
    let serve = async {
        let mut stream = raw.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let octets = stream.read(&mut head).await.unwrap();
        stream.write_all(OK).await.unwrap();
        String::from_utf8_lossy(&head[..octets]).into_owned()
    };
    let server = ipa::Server {
        address: with_port.clone(),
        trust: Some(ci.trust()),
        transport: rsp_core::binding::Transport::Https,
    };
    let (response, head) = tokio::join!(client.post(&server, request("/p", b"")), serve);
    assert_eq!(response.unwrap().body, b"ok");
    assert!(head.starts_with("POST /p HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {with_port}\r\n")), "{head}");
}
