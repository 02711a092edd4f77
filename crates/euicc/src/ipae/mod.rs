//! The IPA in the card (IPAe, SGP.32 3.8): it asks its eIMs for packages over
//! channels that the terminal opens for it.
//!
//! | file | procedure |
//! |---|---|
//! | `activation` | IpaeActivation, and what ends it (SGP.32 3.8.4, 5.9.3) |
//! | `round` | which eIM comes next, and when the next round is |
//! | `connection` | a channel with TLS, until a whole response has come |
//! | `http` | requests and responses of ESipa (SGP.32 6.1) |
//! | `exchange` | packages and results (SGP.32 3.1.1.1, 5.14.5, 5.14.6) |
//! | `euicc_data` | IpaEuiccData (SGP.32 2.11.1.2, 2.11.2.2) |
//!
//! Nothing of a round outlasts power: results wait in the card anyway, and the
//! next round begins with them. Profile downloads are not carried out; their
//! trigger is answered by an error.

pub(crate) mod activation;
mod connection;
mod euicc_data;
mod exchange;
mod http;
mod round;

pub(crate) use round::{answered, told};

use connection::Connection;

/// For the fuzzer: body and length of a response.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_response(octets: &[u8]) -> Option<(alloc::vec::Vec<u8>, usize)> {
    http::response(octets).ok().flatten()
}

/// How far a round is.
#[derive(Default)]
pub(crate) struct Ipae {
    phase: Phase,
    /// The eIM that comes next, by its place among the associated.
    next_eim: usize,
}

#[derive(Default)]
enum Phase {
    /// Not active, or the terminal cannot do what is needed.
    #[default]
    Off,
    /// Until the timer tells.
    Waiting,
    /// A channel to the eIM with this place.
    Opening(usize),
    /// Connected to it.
    Open(alloc::boxed::Box<Connection>),
    /// Done with it.
    Closing,
}
