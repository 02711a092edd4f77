//! Cryptographic primitives of remote SIM provisioning.
//!
//! What protocol code names is here as types and traits: public keys,
//! signatures, [`SigningKey`], [`EckaKey`] and [`Provider`]. What computes them
//! is chosen by the application; the feature `software` brings one provider
//! made of pure Rust libraries (module `software`).
//!
//! | module | standard |
//! |---|---|
//! | [`kdf`] | ANSI X9.63 key derivation (BSI TR-03111 4.3.3) |
//! | [`bsp`] | Profile protection of the sending side (SGP.22 2.6.4, Annex G) |
//! | [`aka`] | Network authentication (TS 33.102 6.3, TS 35.206, TS 35.231, TS 34.108 8.1.2) |
//! | [`suci`] | Concealed subscription identifiers (TS 33.501 Annex C) |
//!
//! This crate knows bytes, keys and algorithms only. Messages, sessions,
//! clocks and storage belong to its users.

#![no_std]
#![warn(missing_docs)]

extern crate alloc;

pub mod aka;
pub mod bsp;
mod error;
pub mod kdf;
#[cfg(feature = "os-rng")]
mod os_rng;
mod public_key;
mod secret;
mod signature;
#[cfg(feature = "software")]
pub mod software;
pub mod suci;
mod traits;

pub use error::CryptoError;
#[cfg(feature = "os-rng")]
pub use os_rng::OsRng;
pub use public_key::{Curve, ID_EC_PUBLIC_KEY, PublicKey};
pub use secret::SharedSecret;
pub use signature::Signature;
pub use traits::{EckaKey, Provider, Rng, SigningKey};
