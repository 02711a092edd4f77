//! Decisions about a fleet, as rules: who may do what, and
//! what is done on devices.
//!
//! Nothing here reads a clock, a random source, a file, a socket or a database:
//! time and randomness come in as arguments, and what is decided goes out as
//! values that the caller stores.
#![deny(missing_docs)]

pub mod access;
pub mod ledger;
pub mod operations;
