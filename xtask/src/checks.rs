//! The checks that look at the source rather than run it.

use std::path::Path;

use crate::codegen;
use crate::process::{self, Failure};
use crate::tidy;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran; did the tree pass?
    Ran { held: bool },
    /// It could not run; the reason.
    Skipped(&'static str),
}

/// A check: its name and how to run it from the repository's root.
pub(crate) type Check = (&'static str, fn(&Path) -> Result<Outcome, Failure>);

/// The checks of `cargo xtask lint`.
pub(crate) const LINT: &[Check] = &[
    ("formatting", formatting),
    ("clippy", clippy),
    ("tidy", house_rules),
    ("generated files", generated_files),
];

/// The checks of what comes in from outside.
pub(crate) const DEPENDENCIES: &[Check] = &[
    ("licences and sources of dependencies", dependencies),
    ("advisories against dependencies", advisories),
];

fn formatting(root: &Path) -> Result<Outcome, Failure> {
    let held = process::succeeds(process::cargo(root).args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Ran { held })
}

fn clippy(root: &Path) -> Result<Outcome, Failure> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    let held = process::succeeds(process::cargo(root).args(arguments))?;
    Ok(Outcome::Ran { held })
}

fn house_rules(_root: &Path) -> Result<Outcome, Failure> {
    match tidy::run() {
        Ok(()) => Ok(Outcome::Ran { held: true }),
        Err(Failure::Reported) => Ok(Outcome::Ran { held: false }),
        Err(other) => Err(other),
    }
}

fn generated_files(root: &Path) -> Result<Outcome, Failure> {
    let stale = codegen::stale(root)?;
    for file in &stale {
        eprintln!("{file} is stale: run `cargo xtask codegen`");
    }
    Ok(Outcome::Ran {
        held: stale.is_empty(),
    })
}

const NO_CARGO_DENY: Outcome = Outcome::Skipped("cargo-deny is not installed");

fn has_cargo_deny(root: &Path) -> bool {
    process::probe(process::cargo(root).args(["deny", "--version"]))
}

fn dependencies(root: &Path) -> Result<Outcome, Failure> {
    if !has_cargo_deny(root) {
        return Ok(NO_CARGO_DENY);
    }
    let arguments = ["deny", "check", "licenses", "bans", "sources"];
    let held = process::succeeds(process::cargo(root).args(arguments))?;
    Ok(Outcome::Ran { held })
}

/// Apart from the others: without a way to the database this says nothing
/// about the dependencies.
fn advisories(root: &Path) -> Result<Outcome, Failure> {
    if !has_cargo_deny(root) {
        return Ok(NO_CARGO_DENY);
    }
    if !process::probe(process::cargo(root).args(["deny", "fetch", "db"])) {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched"));
    }
    let held = process::succeeds(process::cargo(root).args(["deny", "check", "advisories"]))?;
    Ok(Outcome::Ran { held })
}
