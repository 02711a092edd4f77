//! The rules of remote SIM provisioning: eIM, IPA, SM-DP+ and SM-DS as machines
//! without I/O, the PKI that they trust, and the bindings of their messages.
//!
//! Two shapes, no third:
//!
//! * A server role answers messages that may be far apart in time. Its state is
//!   a value that is stored between them ([`smdp::Session`],
//!   [`eim::EuiccRecord`]); a function takes the state and a message and gives
//!   the next state and the reply. The caller stores the one before it sends
//!   the other.
//! * The device role is a driver that is polled ([`ipa::Ipa`]): inputs in,
//!   actions out, a time at which it wants to be called again.
//!
//! Nothing here reads a clock, a random source, a file or the environment:
//! these come in a [`Context`] or as inputs.
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod authentication;
pub mod binding;
pub mod eim;
pub mod ipa;
pub mod pki;
pub mod profile;
mod refusal;
pub mod smdp;
pub mod smds;
mod time;

pub use authentication::AwaitAuthenticateClient;
pub use refusal::{Codes, Rejected};
pub use time::Timestamp;

use rsp_crypto::{Provider, Rng, SigningKey};

/// What a role needs from outside to handle one message.
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// A cryptographically secure random source.
    pub rng: &'a mut dyn Rng,
    /// The cryptographic library.
    pub crypto: &'a dyn Provider,
}

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// Random octets.
    pub fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }
}

/// A certificate and the private key that belongs to it.
pub struct Identity {
    /// The certificate.
    pub certificate: rsp_asn1::Certificate,
    /// Its key.
    pub key: alloc::boxed::Box<dyn SigningKey>,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
