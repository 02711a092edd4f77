//! What devices measure: samples, and what is left of them as they grow old.

mod bucket;
mod retention;
mod sample;

pub use bucket::{Bucket, Level, Summary};
pub use retention::Retention;
pub use sample::{BadSample, Measure, Registration, Sample, Tunnel, Usage};
