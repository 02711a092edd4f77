//! CoAP over DTLS on a UDP port (SGP.32 6.2): the machines of
//! `rsp_core::binding::coap` with sockets.

mod client;
mod peers;
mod server;

pub use client::CoapClient;
pub use server::{CoapLimits, CoapServer};

/// The port of `coaps` (RFC 7252 12.7).
pub const PORT: u16 = 5684;

/// Octets of the largest datagram that is received.
const MAX_DATAGRAM: usize = 16_384;

/// A number that nobody guesses and that need not be secret.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
