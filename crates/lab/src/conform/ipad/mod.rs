//! The suite for IPAds (SGP.32, section 3 of the catalogue): an eIM that says
//! what a case wants it to say, and a software card that records what it is
//! sent.

mod bench;
mod beyond;
mod data;
mod polls;
mod results;

pub use bench::{Answers, Bench, Ipad, SharedCard};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[polls::CASES, results::CASES, data::CASES, beyond::CASES];
