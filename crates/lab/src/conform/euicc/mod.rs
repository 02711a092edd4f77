//! The suite for eUICCs (SGP.32, section 4 of the catalogue): an eIM that
//! signs packages and an SM-DP+ that binds profiles, both by hand, at the end
//! of APDUs.

mod bench;
mod channel;
mod data;
mod download;
mod eco;
mod eim;
mod fallback;
mod immediate;
mod packages;
mod profiles;
mod psmo;
mod results;
mod rollback;
pub(super) mod server;

pub use bench::{Authority, Bench};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[
    data::CASES,
    psmo::CASES,
    packages::CASES,
    profiles::CASES,
    eco::CASES,
    results::CASES,
    rollback::CASES,
    fallback::CASES,
    immediate::CASES,
    download::CASES,
];
