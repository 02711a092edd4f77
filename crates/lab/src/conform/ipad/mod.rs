//! The suite for IPAds (SGP.32, section 3 of the catalogue): an eIM that says
//! what a case wants it to say, and a software card that records what it is
//! sent.

mod bench;
mod beyond;
mod card;
mod data;
mod download;
mod json;
mod polls;
mod results;

pub use bench::{Bench, Ipad, Makers, SharedCard, Way, Wish};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[
    polls::CASES,
    results::CASES,
    data::CASES,
    download::CASES,
    card::CASES,
    beyond::CASES,
];
