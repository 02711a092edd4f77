//! Bodies that come and go in pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use rsp_net::server::{BodyError, RequestBody};
use rsp_net::{ClientAuth, Limits, Peer, Server, StreamHandler};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::world::*;

/// Pieces with a pause before each.
struct Pieces {
    left: usize,
    piece: Bytes,
    pause: Duration,
    waiting: Pin<Box<Sleep>>,
}

impl Pieces {
    fn new(left: usize, octets: usize, pause: Duration) -> Self {
        Pieces {
            left,
            piece: vec![b'p'; octets].into(),
            pause,
            waiting: Box::pin(sleep(pause)),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if !self.pause.is_zero() && self.waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let next = Instant::now() + self.pause;
        self.waiting.as_mut().reset(next);
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

/// Says how many octets came, or why not all; or tells a long story.
struct Streams;

impl StreamHandler for Streams {
    type Body = UnsyncBoxBody<Bytes, Infallible>;

    async fn handle(&self, request: Request<RequestBody>, _: &Peer) -> Response<Self::Body> {
        let pause = Duration::from_millis(80);
        let body = match request.uri().path() {
            "/slowly" => return Response::new(Pieces::new(6, 10, pause).boxed_unsync()),
            "/endless" => {
                let pieces = Pieces::new(usize::MAX, 1 << 16, Duration::ZERO);
                return Response::new(pieces.boxed_unsync());
            }
            "/unread" => return Response::new(Full::from("no").boxed_unsync()),
            _ => request.into_body(),
        };
        let said = match count(body).await {
            Ok(octets) => octets.to_string(),
            Err(error) => format!("{error:?}"),
        };
        Response::new(Full::from(said).boxed_unsync())
    }
}

async fn count(mut body: RequestBody) -> Result<usize, BodyError> {
    let mut octets = 0;
    while let Some(frame) = body.frame().await {
        octets += frame?.into_data().map_or(0, |data| data.len());
    }
    Ok(octets)
}

async fn serve(limits: Limits) -> std::net::SocketAddr {
    let ci = Ci::new(1);
    let any = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(any, ci.smdp().identity(), ClientAuth::None, limits);
    let server = server.await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve_streams(Streams, std::future::pending()));
    address
}

fn short() -> Limits {
    Limits {
        max_body: 10,
        header_timeout: Duration::from_millis(250),
        idle_timeout: Duration::from_millis(250),
        ..Limits::default()
    }
}

/// A body may be larger and take longer than one that is taken whole, as long as
/// pieces of it come.
#[tokio::test]
async fn a_body_takes_its_time() {
    let address = serve(short()).await;
    let mut stream = raw_client(address, TLS13, None).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 60\r\n\r\n";
    stream.write_all(head).await.unwrap();
    for _ in 0..6 {
        sleep(Duration::from_millis(80)).await;
        stream.write_all(b"0123456789").await.unwrap();
    }
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.ends_with("\r\n\r\n60"), "{response}");
}

#[tokio::test]
async fn a_body_that_stalls_ends() {
    let address = serve(short()).await;
    let mut stream = raw_client(address, TLS13, None).await.unwrap();
    let part = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 60\r\n\r\n0123456789";
    stream.write_all(part).await.unwrap();
    let mut response = String::new();
    let read = stream.read_to_string(&mut response);
    timeout(Duration::from_secs(5), read)
        .await
        .unwrap()
        .unwrap();
    assert!(response.ends_with("\r\n\r\nSlow"), "{response}");
    assert!(response.contains("connection: close"), "{response}");
}

/// What is not read of a body is thrown away, and the connection goes on; of too
/// much of it, or of what comes only when asked for, the response says that the
/// connection closes.
#[tokio::test]
async fn a_body_nobody_reads_closes_nothing_unsaid() {
    let address = serve(short()).await;
    let head = |length: usize, more: &str| {
        format!("POST /unread HTTP/1.1\r\nhost: x\r\n{more}content-length: {length}\r\n\r\n")
    };
    let mut stream = raw_client(address, TLS13, None).await.unwrap();
    for length in [0, 10, 40] {
        let head = head(length, "");
        stream.write_all(head.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        stream.write_all(&vec![b'x'; length]).await.unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\nno") {
            response.push(stream.read_u8().await.unwrap());
        }
        let response = String::from_utf8(response).unwrap();
        assert!(!response.contains("connection:"), "{response}");
    }
    let too_much = head(41, "") + &"x".repeat(41);
    for request in [too_much, head(40, "expect: 100-continue\r\n")] {
        let mut stream = raw_client(address, TLS13, None).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains("connection: close"), "{response}");
    }
}

/// Who sends a head that is none gets the answer to that, however much comes behind it.
#[tokio::test]
async fn what_is_no_request_is_answered_all_the_same() {
    let address = serve(Limits::default()).await;
    for head in ["x-a: a\x01b", "transfer-encoding: x"] {
        for length in [0, 20_000, 6_000_000] {
            let mut stream = raw_client(address, TLS13, None).await.unwrap();
            let head = format!(
                "POST /unread HTTP/1.1\r\nhost: x\r\n{head}\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            for part in vec![b'x'; length].chunks(1 << 16) {
                // The answer is there already.
                sleep(Duration::from_millis(2)).await;
                let sent = stream.write_all(part).await;
                sent.unwrap_or_else(|error| panic!("{head:?}: {error}"));
            }
            let mut response = String::new();
            let ended = stream.read_to_string(&mut response).await;
            ended.unwrap_or_else(|error| panic!("{head:?}: {error}"));
            assert!(response.starts_with("HTTP/1.1 400"), "{response}");
        }
    }
}

/// A response may pause longer than a connection may idle.
#[tokio::test]
async fn a_response_takes_its_time() {
    let limits = Limits {
        idle_timeout: Duration::from_millis(60),
        ..Limits::default()
    };
    let address = serve(limits).await;
    let mut stream = raw_client(address, TLS13, None).await.unwrap();
    let get = b"GET /slowly HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(get).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert_eq!(response.matches("pppppppppp").count(), 6, "{response}");
    assert!(response.ends_with("\r\n0\r\n\r\n"), "{response}");
}

/// Who asks for much and does not take it is cut off.
#[tokio::test]
async fn a_response_that_nobody_takes_ends() {
    let address = serve(short()).await;
    let mut stream = raw_client(address, TLS13, None).await.unwrap();
    let get = b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(get).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    // What had been sent can still be read, and then it is over.
    let rest = async {
        let mut octets = [0; 1 << 16];
        while !matches!(stream.read(&mut octets).await, Ok(0) | Err(_)) {}
    };
    timeout(Duration::from_secs(5), rest).await.unwrap();
}
