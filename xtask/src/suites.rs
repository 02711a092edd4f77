//! `cargo xtask test` and `lint`: every suite, and one sum at the end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use crate::checks::{self, Check, Outcome};
use crate::cli::{FuzzOptions, TestOptions};
use crate::fuzz;
use crate::postgres::Cluster;
use crate::process::{self, Failure};
use crate::setup;
use crate::totals::Totals;

/// Tests that cannot run append a line with the reason to the file of this name.
const SKIP_LOG: &str = "SIMURGH_SKIP_LOG";
/// Set to `1` when tests shall run at their full size.
const LONG: &str = "SIMURGH_LONG";

/// Runs every suite, or with a filter the tests alone, and prints the totals.
///
/// # Errors
///
/// [`Failure::Reported`] when anything failed or no test ran.
pub(crate) fn test(options: &TestOptions) -> Result<(), Failure> {
    setup::ensure(setup::Stage::Tests)?;
    let root = process::root()?;
    let mut totals = Totals::default();
    let everything = options.filter.is_none();
    if everything {
        run_checks(&root, checks::LINT, &mut totals)?;
    }
    totals.add(run_tests(&root, options)?);
    if everything {
        run_fuzzer(&root, options, &mut totals)?;
        run_checks(&root, checks::DEPENDENCIES, &mut totals)?;
    }
    conclude(totals)
}

/// Runs the checks that need no test to run.
///
/// # Errors
///
/// [`Failure::Reported`] when one did not hold.
pub(crate) fn lint() -> Result<(), Failure> {
    let root = process::root()?;
    let mut totals = Totals::default();
    run_checks(&root, checks::LINT, &mut totals)?;
    conclude(totals)
}

fn conclude(totals: Totals) -> Result<(), Failure> {
    println!("{totals}");
    if totals.failed == 0 {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

fn run_checks(root: &Path, list: &[Check], totals: &mut Totals) -> Result<(), Failure> {
    for (name, check) in list {
        eprintln!("==> {name}");
        match check(root)? {
            Outcome::Ran { held } => {
                totals.add(Totals::one(held));
                if !held {
                    eprintln!("FAILED: {name}");
                }
            }
            Outcome::Skipped(reason) => {
                totals.add(Totals::one_skipped());
                eprintln!("SKIPPED: {name}: {reason}");
            }
        }
    }
    Ok(())
}

fn run_tests(root: &Path, options: &TestOptions) -> Result<Totals, Failure> {
    eprintln!("==> tests");
    let skip_log = fresh_skip_log()?;
    let mut command = test_command(root, options, &skip_log);
    // Until the tests are over.
    let postgres = Cluster::start(&process::target_folder()?)?;
    postgres.tell(&mut command);
    let mut child = command
        .spawn()
        .map_err(|e| Failure::io("cannot run cargo test", &e))?;
    let mut totals = Totals::default();
    if let Some(stdout) = child.stdout.take() {
        totals = relay(stdout)?;
    }
    let status = child
        .wait()
        .map_err(|e| Failure::io("cannot wait for cargo test", &e))?;
    totals.move_to_skipped(report_skips(&skip_log)?);
    // A build that broke and a test program that died leave no result line.
    if !status.success() && totals.failed == 0 {
        eprintln!("FAILED: cargo test ended with {status}");
        totals.failed += 1;
    }
    if totals.ran() == 0 {
        eprintln!("FAILED: no test ran");
        totals.failed += 1;
    }
    Ok(totals)
}

/// The corpora have been replayed as tests by now; this searches on.
fn run_fuzzer(root: &Path, options: &TestOptions, totals: &mut Totals) -> Result<(), Failure> {
    eprintln!("==> fuzzing");
    let total = match options.long {
        true => fuzz::hours(root)?,
        false => FuzzOptions::default().total,
    };
    let options = FuzzOptions {
        total,
        target: None,
    };
    totals.add(Totals::one(fuzz::run(root, &options)?));
    Ok(())
}

fn test_command(root: &Path, options: &TestOptions, skip_log: &Path) -> Command {
    let mut command = process::cargo(root);
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command.args(&options.filter);
    command.env(SKIP_LOG, skip_log).stdout(Stdio::piped());
    if options.long {
        // What a test prints is its seed.
        command.env(LONG, "1").args(["--", "--include-ignored"]);
        command.arg("--show-output");
    }
    command
}

/// Copies the tests' output to ours as it comes and counts the results in it.
fn relay(output: ChildStdout) -> Result<Totals, Failure> {
    let mut reader = BufReader::new(output);
    let mut screen = std::io::stdout();
    let mut totals = Totals::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|e| Failure::io("cannot read the tests' output", &e))?;
        if read == 0 {
            return Ok(totals);
        }
        screen
            .write_all(&line)
            .and_then(|()| screen.flush())
            .map_err(|e| Failure::io("cannot write the tests' output", &e))?;
        if let Some(result) = Totals::from_result_line(&String::from_utf8_lossy(&line)) {
            totals.add(result);
        }
    }
}

fn fresh_skip_log() -> Result<PathBuf, Failure> {
    let folder = process::target_folder()?;
    let path = folder.join("skipped-tests.log");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, ""))
        .map_err(|e| Failure::io(&format!("cannot write {}", path.display()), &e))?;
    Ok(path)
}

fn report_skips(log: &Path) -> Result<u64, Failure> {
    let text = fs::read_to_string(log)
        .map_err(|e| Failure::io(&format!("cannot read {}", log.display()), &e))?;
    let mut count = 0;
    for reason in text.lines().filter(|line| !line.trim().is_empty()) {
        eprintln!("SKIPPED: {}", reason.trim_start_matches("SKIPPED:").trim());
        count += 1;
    }
    Ok(count)
}
