//! Octets around the bodies of messages. The eIM sees bodies; what is billed is IP. This
//! is the one place where the rest is assumed (docs/price.md says from what).

use rsp_core::binding::Transport;
use rsp_core::eim::Leg;

/// Octets around bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overhead {
    /// Of connections: one for each contact.
    pub connections: u64,
    /// Of requests and responses.
    pub exchanges: u64,
    /// Of long bodies, which go in several segments or blocks.
    pub segments: u64,
}

/// Octets for a connection, for a request with its response, and for each 1024 octets
/// of bodies.
const fn figures(transport: Transport) -> (u64, u64, u64) {
    match transport {
        // TLS 1.3 with one certificate, TCP's seven packets; HTTP's headers, records.
        Transport::Https => (1_740, 540, 60),
        // DTLS with the eIM's certificate; CoAP's options, records, UDP; blocks.
        Transport::Coaps => (1_540, 160, 160),
        // To the broker: TLS, CONNECT, SUBSCRIBE; PUBLISH and its acknowledgements.
        Transport::Mqtt => (2_230, 550, 60),
    }
}

/// What is around the bodies of a leg.
pub fn overhead(leg: &Leg) -> Overhead {
    let (connection, exchange, segment) = figures(leg.transport);
    let bodies = leg.received.saturating_add(leg.sent);
    Overhead {
        connections: connection * u64::from(leg.contacts),
        exchanges: exchange * u64::from(leg.exchanges),
        segments: (bodies / 1024).saturating_mul(segment),
    }
}

impl Overhead {
    /// All of it.
    pub const fn octets(self) -> u64 {
        let connections = self.connections.saturating_add(self.exchanges);
        connections.saturating_add(self.segments)
    }
}
