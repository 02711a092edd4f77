//! What the server answers, and what it bears.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use rsp_net::{ClientAuth, Limits, Peer, RawHandler, Rsp, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::*;

async fn raw(running: &Running, ci: &Ci, request: Request<Bytes>) -> Response<Bytes> {
    let client = client(running.address);
    client.request_raw(&ci.trust(), request).await.unwrap()
}

fn uri(path: &str) -> String {
    format!("https://{NAME}{path}")
}

#[tokio::test]
async fn a_message_arrives_as_it_was_sent() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let mut sent = request("/gsma/rsp2/asn1", &[0xBF, 0x4F, 0x00]);
    sent.content_type = "application/unheard-of".into();
    sent.admin_protocol = Some("gsma/rsp/v2.4.0".into());
    sent.user_agent = Some("gsma-rsp-ipad".into());
    let client = client(running.address);
    let response = client
        .post(&server(ci.trust()), sent.clone())
        .await
        .unwrap();
    let (arrived, peer) = running.echo.last();
    assert_eq!(arrived, sent);
    assert_eq!(peer.certificate, None);
    assert_eq!(response.status, 200);
    assert_eq!(response.content_type, Some(sent.content_type));
    assert_eq!(response.body, sent.body);
}

#[tokio::test]
async fn the_admin_protocol_of_the_request_is_repeated() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let client = client(running.address);
    for (asked, answered) in [
        (Some("gsma/rsp/v2.4.0"), "gsma/rsp/v2.4.0"),
        (Some("gsma/rsp/v9"), "gsma/rsp/v9"),
        (Some("something else"), "gsma/rsp/v2.1.0"),
        (None, "gsma/rsp/v2.1.0"),
    ] {
        let mut sent = request("/nothing", b"");
        sent.admin_protocol = asked.map(Into::into);
        let response = client.post(&server(ci.trust()), sent).await.unwrap();
        assert_eq!(response.admin_protocol.as_deref(), Some(answered));
        assert_eq!(response.status, 204);
        assert_eq!((response.content_type, response.body), (None, vec![]));
    }
}

#[tokio::test]
async fn only_post_is_a_message() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = Request::builder().method(method).uri(uri("/"));
        let response = raw(&running, &ci, request.body(Bytes::new()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers().get("allow").unwrap(), "POST");
        assert!(!response.body().is_empty());
    }
    assert_eq!(running.echo.requests(), 0);
}

#[tokio::test]
async fn bodies_are_bounded() {
    let ci = Ci::new(1);
    let max_body = 10_000;
    let limits = Limits {
        max_body,
        ..Limits::default()
    };
    let running = Running::limited(&ci, limits).await;
    let client = client(running.address);
    let server = server(ci.trust());
    for (octets, status) in [(max_body, 200), (max_body + 1, 413), (3 * max_body, 413)] {
        let body = vec![7; octets];
        let response = client.post(&server, request("/", &body)).await.unwrap();
        assert_eq!(response.status, status, "{octets}");
        assert!(response.body.len() <= max_body);
    }
    assert_eq!(running.echo.requests(), 1);
}

/// Writes `text` and reads until the server closes, with close_notify.
async fn dialogue(running: &Running, text: &str) -> String {
    let mut stream = raw_client(running.address, TLS13, None).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn chunked_bodies_are_bounded_too() {
    let ci = Ci::new(1);
    let limits = Limits {
        max_body: 4,
        ..Limits::default()
    };
    let running = Running::limited(&ci, limits).await;
    let chunked = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let response = dialogue(&running, chunked).await;
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
    let waiting = "POST / HTTP/1.1\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
    let response = dialogue(&running, waiting).await;
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
}

#[tokio::test]
async fn rubbish_disturbs_nobody() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let response = dialogue(&running, "\u{1}\u{2}\u{3} what?\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    // Not even TLS: an alert, or nothing, and the end.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&[0x5A; 600]).await.unwrap();
    let mut answer = Vec::new();
    let _: Result<_, _> = stream.read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "{answer:?}");
    let client = client(running.address);
    client
        .post(&server(ci.trust()), request("/", b""))
        .await
        .unwrap();
}

#[tokio::test]
async fn both_versions_of_tls_are_served() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    for versions in [TLS12, TLS13] {
        let mut stream = raw_client(running.address, versions, None).await.unwrap();
        let version = stream.get_ref().1.protocol_version();
        assert_eq!(version, Some(versions[0].version));
        // Two requests, the last one closes.
        let two = "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na\
                   POST /2 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\nconnection: close\r\n\r\nb";
        stream.write_all(two.as_bytes()).await.unwrap();
        let mut responses = String::new();
        stream.read_to_string(&mut responses).await.unwrap();
        assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 2);
        assert_eq!(running.echo.last().0.path, "/2");
    }
    assert_eq!(
        (running.echo.requests(), running.echo.connections()),
        (4, 2)
    );
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let ci = Ci::new(1);
    let limits = Limits {
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = Running::limited(&ci, limits).await;
    let within = |text| tokio::time::timeout(Duration::from_secs(5), dialogue(&running, text));
    assert_eq!(within("").await.unwrap(), "");
    let body = within("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc").await;
    assert!(body.unwrap().starts_with("HTTP/1.1 408"));
    let idle = within("POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await;
    assert!(idle.unwrap().starts_with("HTTP/1.1 200"));
    // A TCP connection on which no handshake comes.
    let mut mute = TcpStream::connect(running.address).await.unwrap();
    let mut octets = [0; 16];
    let end = mute.read(&mut octets);
    let end = tokio::time::timeout(Duration::from_secs(5), end).await;
    assert_eq!(end.unwrap().unwrap_or(0), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let ci = Ci::new(1);
    let limits = Limits {
        max_connections: 1,
        ..Limits::default()
    };
    let running = Running::limited(&ci, limits).await;
    let first = raw_client(running.address, TLS13, None).await.unwrap();
    let second = raw_client(running.address, TLS13, None);
    tokio::pin!(second);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(early.is_err());
    drop(first);
    let late = tokio::time::timeout(Duration::from_secs(5), second).await;
    late.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_in_progress_survives_the_shutdown() {
    let ci = Ci::new(1);
    let running = Running::plain(&ci).await;
    let (client, echo) = (client(running.address), running.echo.clone());
    let server = server(ci.trust());
    // An idle connection is no reason to wait.
    let idle = raw_client(running.address, TLS13, None).await.unwrap();
    let slow = client.post(&server, request("/slow", b""));
    let stop = async {
        while echo.requests() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let stopped = tokio::time::timeout(Duration::from_secs(5), running.stop()).await;
        stopped.unwrap().unwrap();
    };
    let (response, ()) = tokio::join!(slow, stop);
    assert_eq!(response.unwrap().body, b"at last");
    drop(idle);
    client.post(&server, request("/", b"")).await.unwrap_err();
}

/// An API of other methods beside RSP messages.
struct Door {
    rsp: Rsp<Echo>,
}

impl RawHandler for Door {
    async fn handle(&self, request: Request<Bytes>, peer: &Peer) -> Response<Bytes> {
        if request.uri().path().starts_with("/gsma/") {
            return self.rsp.handle(request, peer).await;
        }
        let token = request.headers().get("authorization").unwrap();
        let shown = format!("{} {} {token:?}", request.method(), request.uri());
        Response::new(shown.into())
    }
}

#[tokio::test]
async fn an_api_shares_the_port() {
    let ci = Ci::new(1);
    let address = "127.0.0.1:0".parse().unwrap();
    let identity = ci.smdp().identity();
    let served = Server::bind(address, identity, ClientAuth::None, Limits::default()).await;
    let served = served.unwrap();
    let client = client(served.local_addr());
    let rsp = Rsp(Echo::default());
    tokio::spawn(served.serve_raw(Door { rsp }, std::future::pending()));
    let get = Request::builder()
        .uri(uri("/v1/devices?after=7"))
        .header("authorization", "Bearer t")
        .body(Bytes::new())
        .unwrap();
    let response = client.request_raw(&ci.trust(), get).await.unwrap();
    assert_eq!(response.body(), "GET /v1/devices?after=7 \"Bearer t\"");
    let message = request("/gsma/rsp2/asn1", b"m");
    let response = client.post(&server(ci.trust()), message).await.unwrap();
    assert_eq!(response.body, b"m");
}
