//! `simurgh-lab bench`.

use clap::Args;

use crate::Failure;

/// Figures as ratios, each against what the libraries alone can do in the same
/// run.
#[derive(Debug, Args)]
pub(crate) struct Bench {}

impl Bench {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        Ok(true)
    }
}
