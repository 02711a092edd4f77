//! What is done on devices: when it will be done, what speaks against it, and how
//! it is undone.

mod compensation;
mod preflight;
mod rhythm;

pub use compensation::{Compensation, compensation};
pub use preflight::{Check, Finding, Radio, Verdict, preflight};
pub use rhythm::{NextContact, Rhythm};
