//! Decisions about a fleet, as rules: who may do what, what is in it and how it
//! is searched, and what is done on devices.
//!
//! Nothing here reads a clock, a random source, a file, a socket or a database:
//! time and randomness come in as arguments, and what is decided goes out as
//! values that the caller stores.
#![deny(missing_docs)]

pub mod access;
mod decimal;
pub mod events;
pub mod import;
pub mod inventory;
pub mod ledger;
pub mod operations;
pub mod price;
pub mod query;
pub mod telemetry;
