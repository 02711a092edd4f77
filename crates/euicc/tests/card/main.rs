//! The card from outside: APDUs in, bytes out, and the published vectors.

mod apdus;
mod common;
mod download;
mod eims;
mod hostile;
mod packages;
mod pki;
mod profile;
mod server;
mod sgp26;
#[path = "../uicc_support/mod.rs"]
mod uicc_support;
mod vectors;
