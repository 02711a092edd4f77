//! The commands behind `cargo xtask`: set up, demonstrate, test, lint, measure.
//!
//! This crate has no dependencies: it is the first thing that is built from a
//! bare clone, before anything could be set up.

mod checks;
mod cli;
mod codegen;
mod coverage;
mod fuzz;
mod postgres;
mod process;
mod python;
mod run_lab;
mod setup;
mod sign_on;
mod suites;
mod tidy;
mod totals;

use std::process::ExitCode;

use cli::Task;
use process::Failure;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match cli::parse(&arguments).and_then(perform) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n\nTry `cargo xtask --help`.");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<(), Failure> {
    match task {
        Task::Help(text) => {
            print!("{text}");
            Ok(())
        }
        Task::Setup => setup::ensure(setup::Stage::Tests),
        Task::Demo(arguments) => run_lab::run("demo", &arguments),
        Task::Bench(arguments) => run_lab::run("bench", &arguments),
        Task::Test(options) => suites::test(&options),
        Task::Fuzz(options) => fuzz::fuzz(&options),
        Task::Lint => suites::lint(),
        Task::Tidy => tidy::run(),
        Task::Coverage => coverage::report(),
        Task::Codegen => codegen::run(),
    }
}
