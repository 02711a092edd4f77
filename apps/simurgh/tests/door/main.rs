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
mod feed;
#[path = "../support/field.rs"]
mod field;
#[cfg(target_os = "linux")]
mod full_disk;
mod guards;
mod inventory;
mod metrics;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/receiver.rs"]
mod receiver;
mod repeated;
mod schemathesis;
#[path = "../support/mod.rs"]
mod support;
mod tariffs;
mod webhooks;
