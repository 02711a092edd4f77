//! The card from outside: APDUs in, bytes out, and the published vectors.

// Helpers fail as tests do; tests choose their data by the environment.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod apdus;
mod catalogue;
mod common;
mod consumer;
mod download;
mod ecos;
mod eims;
mod hostile;
mod ipae;
mod ipae_download;
mod mechanisms;
mod memory;
mod packages;
mod pki;
mod profile;
mod refresh;
mod server;
mod sgp26;
mod terminal;
mod two_keys;
#[path = "../uicc_support/mod.rs"]
mod uicc_support;
mod vectors;
