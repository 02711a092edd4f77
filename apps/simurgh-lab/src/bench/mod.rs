//! `simurgh-lab bench`: what the product can do, each figure against what the
//! libraries below it alone can do in the same run on the same machine.

mod cpu;
mod datagrams;
mod device;
mod devices;
mod download_crypto;
mod downloads;
mod measure;
mod memory;
mod octets;
mod packages;
mod polls;
mod relay;
mod report;
mod scale;
mod servers;
mod setting;
mod wire;

use clap::Args;

use crate::Failure;
use report::Report;
use setting::Setting;

/// Figures as ratios, each against what the libraries alone can do in the same
/// run: the two are measured in turns, several times, and the median counts. A
/// goal that is missed is no failure; a row that cannot be measured is.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Only this part
    #[arg(value_enum)]
    part: Option<Part>,
    /// How long a row is measured, its reference included
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Devices of the part `scale`
    #[arg(long, default_value_t = 1_000_000)]
    devices: u32,
    /// Where keys and challenges come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A part that can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Octets and round trips of each binding of ESipa
    Wire,
    /// The inventory with many devices against one with few, on SQLite, and on
    /// PostgreSQL where `cargo xtask bench scale` starts it
    Scale,
}

impl Bench {
    /// Measures every row and prints them; gives no verdict.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        if self.part == Some(Part::Scale) {
            return devices::run(&Setting::new(self.seed)?, self.devices, self.seconds);
        }
        if self.part == Some(Part::Wire) {
            return wire::run(&Setting::new(self.seed)?);
        }
        if cfg!(debug_assertions) {
            eprintln!("this is no release build: its figures say nothing");
        }
        let setting = Setting::new(self.seed)?;
        let mut report = Report::default();
        // First: what others have freed would be used again, and not counted.
        progress("memory of virtual devices");
        for row in memory::measure(&setting)? {
            report.add(row);
        }
        progress("signed eUICC packages");
        report.add(packages::measure(&setting, self.seconds)?);
        progress("SM-DP+ downloads");
        report.add(downloads::measure(&setting, self.seconds)?);
        for kind in polls::Kind::ALL {
            progress(kind.text());
            for row in polls::measure(&setting, kind, self.seconds)? {
                report.add(row);
            }
        }
        progress("polls of many eUICCs");
        for row in scale::measure(&setting, self.seconds)? {
            report.add(row);
        }
        progress("octets on the wire");
        for row in octets::measure(&setting)? {
            report.add(row);
        }
        report.print()?;
        Ok(true)
    }
}

fn progress(text: &str) {
    eprintln!("measuring: {text}");
}

/// Longer than that, timestamps and ports of one run would run out.
const MAX_SECONDS: f64 = 600.0;

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=MAX_SECONDS).contains(&seconds) => Ok(seconds),
        _ => Err(format!("a number of seconds from 0.1 to {MAX_SECONDS}")),
    }
}
