//! The API of a running server over TLS.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod asking;
mod camara;
mod conventions;
#[path = "../support/field.rs"]
mod field;
mod guards;
mod schemathesis;
#[path = "../support/mod.rs"]
mod support;
