//! Client and server over the loopback interface, and each of them with peers
//! that do not behave.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "that is how tests fail"
)]

mod asking;
mod client_trust;
mod coap;
mod mqtt;
mod outside;
mod server_trust;
mod serving;
mod streams;
mod world;
