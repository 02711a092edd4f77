//! What is done on devices: when it will be done, what speaks against it, what
//! it costs, and how it is undone.

mod rhythm;

pub use rhythm::{NextContact, Rhythm};
