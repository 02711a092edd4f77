//! Who answers.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::body::Body;
use rsp_core::binding::{HttpRequest, HttpResponse};

use super::stream::RequestBody;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Address of its socket.
    pub address: SocketAddr,
    /// Its certificate in DER, verified; `None` if it presented none.
    pub certificate: Option<Vec<u8>>,
    /// The name under which it proved itself without certificate: the identity
    /// of its pre-shared key (DTLS), or what its broker lets it call itself
    /// (MQTT).
    pub identity: Option<Vec<u8>>,
}

/// Answers RSP messages.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request; others may come at the same time.
    fn handle(
        &self,
        request: HttpRequest,
        peer: &Peer,
    ) -> impl Future<Output = HttpResponse> + Send;
}

/// Answers HTTP requests whose bodies come and go as streams.
///
/// What is read is paced by [`super::Limits::header_timeout`], from one piece to
/// the next, and what is written by [`super::Limits::idle_timeout`]: a piece that
/// the client does not take ends the connection. How much is read, and how long
/// in all, is up to the handler.
pub trait StreamHandler: Send + Sync + 'static {
    /// Body of its responses.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// Answers one request; others may come at the same time.
    fn handle(
        &self,
        request: http::Request<RequestBody>,
        peer: &Peer,
    ) -> impl Future<Output = http::Response<Self::Body>> + Send;
}

/// Answers HTTP requests of any method.
pub trait RawHandler: Send + Sync + 'static {
    /// Answers one request, whose body is within [`super::Limits::max_body`];
    /// others may come at the same time.
    fn handle(
        &self,
        request: http::Request<Bytes>,
        peer: &Peer,
    ) -> impl Future<Output = http::Response<Bytes>> + Send;
}
