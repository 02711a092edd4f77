//! The suite for SM-DSs (SGP.22 ES11, ES12 and ES15): devices with eUICCs that
//! sign, SM-DP+s that register events, and a root SM-DS, all by hand.
//!
//! The catalogue of SGP.23 has no cases for an SM-DS that could be cited here;
//! the identifiers are of this suite.

mod bench;
mod es11;
mod es12;
mod es15;
mod refused;

pub use bench::{Bench, Root, RootAnswer, Settings};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[es11::CASES, refused::CASES, es12::CASES, es15::CASES];
