//! The suite for SM-DP+s (SGP.22 ES2+ and ES9+, section 5 of the catalogue): an
//! LPA with an eUICC that signs, and an operator, both by hand.
//!
//! Identifiers are the sections of SGP.23 with the number of the row.

pub(super) mod asn1;
pub(super) mod authenticate;
pub(super) mod bench;
pub(super) mod bent;
mod brainpool;
mod cancel;
mod es2plus;
pub(super) mod euicc;
pub(super) mod http;
pub(super) mod initiate;
mod notification;
mod open;
mod package;
mod refused;
mod retry;

pub use bench::{Bench, Settings};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[
    initiate::CASES,
    authenticate::CASES,
    refused::CASES,
    package::CASES,
    retry::CASES,
    cancel::CASES,
    notification::CASES,
    brainpool::CASES,
    asn1::CASES,
    es2plus::CASES,
];
