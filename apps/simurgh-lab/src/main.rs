//! `simurgh-lab`: virtual devices that use the product as real ones would.

mod bench;
mod broker;
mod card;
mod conform;
mod demo;
mod device;
mod simulate;
mod wires;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The lab: virtual devices, each with a software eUICC and an IPA, against the
/// real server.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Order, download, enable and confirm a profile on each device
    Demo(demo::Demo),
    /// Be a device: a software eUICC and an IPA that polls
    Device(device::Device),
    /// Be a card in a PC/SC reader
    Card(card::Card),
    /// Run the conformance suites against a product
    Conform(conform::Conform),
    /// Measure the product against what its libraries can do, in one run
    Bench(bench::Bench),
    /// Many devices through losses, deaths and repetitions, and a judge
    Simulate(simulate::Simulate),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Demo(demo) => demo.run(),
        Command::Device(device) => device.run(),
        Command::Card(card) => card.run(),
        Command::Conform(conform) => conform.run(),
        Command::Bench(bench) => bench.run(),
        Command::Simulate(simulate) => simulate.run(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simurgh-lab: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What ends a command, for people.
pub(crate) type Failure = Box<dyn std::error::Error>;
