//! Who answers.

use std::net::SocketAddr;

use bytes::Bytes;
use rsp_core::binding::{HttpRequest, HttpResponse};

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
