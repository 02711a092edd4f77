//! `cargo xtask fuzz`: libFuzzer on the targets of the `fuzz` crate.
//!
//! The stable toolchain has what libFuzzer needs: LLVM's coverage pass can be
//! switched on by flags. They go with an explicit target, so that build scripts
//! and macros are compiled without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::cli::FuzzOptions;
use crate::process::{self, Failure};
use crate::setup;

/// The coverage that libFuzzer steers by.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Says which target the program runs.
const TARGET: &str = "SIMURGH_FUZZ_TARGET";

/// Runs one target, or all of them, for the time given in all.
///
/// # Errors
///
/// [`Failure::Reported`] when a target failed on an input.
pub(crate) fn fuzz(options: &FuzzOptions) -> Result<(), Failure> {
    setup::ensure(setup::Stage::Tests)?;
    let root = process::root()?;
    match run(&root, options)? {
        true => Ok(()),
        false => Err(Failure::Reported),
    }
}

/// Builds the fuzzer and runs it; says whether every target held.
///
/// # Errors
///
/// When it cannot be built or started, or there is no such target.
pub(crate) fn run(root: &Path, options: &FuzzOptions) -> Result<bool, Failure> {
    let targets = targets(root, options.target.as_deref())?;
    let program = build(root)?;
    let parallel = parallel();
    let rounds = targets.len().div_ceil(parallel);
    let each = options.total / u32::try_from(rounds.max(1)).unwrap_or(u32::MAX);
    let mut held = true;
    for round in targets.chunks(parallel) {
        let started = round.iter().map(|target| {
            eprintln!("==> {target}, {} s", each.as_secs().max(1));
            start(root, &program, target, each).map(|child| (target, child))
        });
        for (target, mut child) in started.collect::<Result<Vec<_>, _>>()? {
            let status = child.wait();
            let status = status.map_err(|e| Failure::io("cannot wait for the fuzzer", &e))?;
            if !status.success() {
                held = false;
                report(root, target);
            }
        }
    }
    Ok(held)
}

/// The time that gives each target an hour.
///
/// # Errors
///
/// When the corpora cannot be listed.
pub(crate) fn hours(root: &Path) -> Result<Duration, Failure> {
    let targets = targets(root, None)?.len();
    let rounds = targets.div_ceil(parallel());
    Ok(Duration::from_secs(3600) * u32::try_from(rounds).unwrap_or(u32::MAX))
}

fn parallel() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How much of a failing input is printed: where a machine is gone after the
/// run, what it printed is all that remains of the input.
const PRINTED: usize = 4096;

/// What failed, why, and how it becomes a test.
fn report(root: &Path, target: &str) {
    let folder = artifacts(root, target);
    let log = log(root, target);
    eprintln!("FAILED: fuzz target {target}: {}", log.display());
    let log = fs::read_to_string(log).unwrap_or_default();
    let mut lines = log.lines();
    if let Some(panic) = lines.find(|line| line.contains("panicked at") || line.contains("ERROR:"))
    {
        eprintln!("  {panic}");
        eprintln!("  {}", lines.next().unwrap_or_default());
    }
    let found = fs::read_dir(&folder).into_iter().flatten().flatten();
    for entry in found {
        let path = entry.path();
        eprintln!(
            "  {}\n  copy it to fuzz/corpus/{target}, then `cargo test -p fuzz` fails on it",
            path.display()
        );
        match fs::read(&path) {
            Ok(input) if input.len() <= PRINTED => eprintln!("  it is {}", hex(&input)),
            Ok(input) => eprintln!("  it has {} octets", input.len()),
            Err(error) => eprintln!("  it cannot be read: {error}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn targets(root: &Path, only: Option<&str>) -> Result<Vec<String>, Failure> {
    let corpora = root.join("fuzz/corpus");
    let entries = fs::read_dir(&corpora).map_err(|e| Failure::io("cannot read fuzz/corpus", &e))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    match only {
        None => Ok(names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => Err(Failure::Usage(format!(
            "no fuzz target is called `{name}`; there are {}",
            names.join(", ")
        ))),
    }
}

fn build(root: &Path) -> Result<PathBuf, Failure> {
    let host = host(root)?;
    let folder = folder(root);
    let mut command = process::cargo(root);
    command.args(["build", "--package", "fuzz", "--bin", "fuzz"]);
    command.args(["--features", "libfuzzer", "--profile", "fuzz"]);
    command.args(["--target", &host]);
    command.env("CARGO_TARGET_DIR", &folder);
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    if !process::succeeds(&mut command)? {
        return Err(Failure::Failed("the fuzzer could not be built".to_owned()));
    }
    Ok(folder.join(host).join("fuzz/fuzz"))
}

/// The toolchain's own target.
fn host(root: &Path) -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = process::capture(Command::new(rustc).current_dir(root).arg("-vV"))?;
    let mut lines = output.lines();
    lines
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Failure::Failed("rustc does not say what it compiles for".to_owned()))
}

fn start(root: &Path, program: &Path, target: &str, time: Duration) -> Result<Child, Failure> {
    let (grown, artifacts) = (
        folder(root).join("corpus").join(target),
        artifacts(root, target),
    );
    let log = log(root, target);
    let prepared = fs::create_dir_all(&grown)
        .and_then(|()| fs::create_dir_all(&artifacts))
        .and_then(|()| fs::File::create(&log));
    let log = prepared.map_err(|e| Failure::io("cannot prepare the fuzzer's folders", &e))?;
    let mut command = Command::new(program);
    command.current_dir(root).env(TARGET, target);
    // What is found goes to the first folder; the second is only read.
    command
        .arg(grown)
        .arg(root.join("fuzz/corpus").join(target));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
    command.args(["-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command
        .spawn()
        .map_err(|e| Failure::io("cannot start the fuzzer", &e))
}

/// Where all of it is built and kept: apart from other builds, whose flags are
/// others.
fn folder(root: &Path) -> PathBuf {
    root.join("target/fuzz")
}

fn artifacts(root: &Path, target: &str) -> PathBuf {
    folder(root).join("artifacts").join(target)
}

fn log(root: &Path, target: &str) -> PathBuf {
    folder(root).join(format!("{target}.log"))
}
