//! The operator's management of its profile over the air (ES6): a platform of
//! our own sends secured packets in short messages to a card.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod files;
mod hostile;
mod in_the_world;
mod metadata;
mod power;
mod responses;
mod test_profiles;
