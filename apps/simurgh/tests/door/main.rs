//! The API of a running server over TLS.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod asking;
mod conventions;
mod guards;
mod schemathesis;
#[path = "../support/mod.rs"]
mod support;
