//! The suite for eIMs (SGP.32, section 2 of the catalogue): an IPA with an
//! eUICC that signs, by hand, and whoever places orders.

mod bench;
mod data;
mod device;
mod download;
mod events;
mod http;
mod injection;
mod notifications;
mod orders;
mod packages;
mod polls;
mod relay;
mod results;

pub use bench::{Bench, Listener};
pub use orders::{Order, Orders, Outcome, Settled};

use super::case::Case;

/// All cases, in groups.
pub const CASES: &[&[Case<Bench>]] = &[
    download::CASES,
    orders::CASES,
    data::CASES,
    polls::CASES,
    packages::CASES,
    events::CASES,
    injection::CASES,
    results::CASES,
    notifications::CASES,
    http::CASES,
];
