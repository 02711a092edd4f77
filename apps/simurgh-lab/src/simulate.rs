//! `simurgh-lab simulate`: many devices through all that can go wrong, in one
//! thread on a fake clock.

use std::io::IsTerminal;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lab::simulation::{self, Plan, Verdict, shrink};

use crate::Failure;

/// One eIM, one SM-DP+ and many devices, each an IPA with a software eUICC, on
/// a network that loses, repeats and reorders messages; everybody dies now and
/// then and starts again. In the end, what the servers say is held against
/// what the cards say they did. The same seed does the same again.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, counted from this one
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// How many devices
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// How many operations on each
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    operations: u32,
    /// Only the device with this number, of all of them
    #[arg(long, value_name = "NUMBER")]
    only: Option<usize>,
}

impl Simulate {
    /// Runs it; whether nothing contradicts the cards.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        for seed in self.seed..self.seed.saturating_add(self.seeds) {
            let plan = Plan {
                only: self.only,
                ..Plan::new(seed, self.devices as usize, self.operations as usize)
            };
            let began = Instant::now();
            let verdict = watched(&plan)?;
            let seconds = began.elapsed().as_secs_f64();
            println!("seed {seed}: {} in {seconds:.1} s", verdict.totals);
            if !verdict.contradictions.is_empty() {
                let mut again = |plan: &Plan| watched(plan);
                println!("{}", shrink(&plan, verdict, &mut again)?);
                return Ok(false);
            }
        }
        println!("no contradiction");
        Ok(true)
    }
}

/// A simulation with a bar, if somebody watches.
fn watched(plan: &Plan) -> Result<Verdict, lab::WorldError> {
    let devices = plan.only.map_or(plan.devices, |_| 1);
    let bar = ProgressBar::new((devices * plan.operations) as u64);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = "{elapsed} [{bar:40}] {pos}/{len} operations, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut progress = |queued: usize| bar.set_position(queued as u64);
    let verdict = simulation::run(plan, &|store| store, &mut progress);
    bar.finish_and_clear();
    verdict
}
