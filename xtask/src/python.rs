//! Programs for Python that suites run: in an environment of their own, beside
//! what is built.

use std::fs;
use std::process::{Command, Stdio};

use crate::process::{self, Failure};

/// What is installed, from PyPI.
const REQUIREMENTS: &[&str] = &[
    // Asks the API what its document allows, and what it does not.
    "schemathesis>=4.32,<5",
];

/// Makes the environment if it lacks something.
///
/// # Errors
///
/// When it cannot be made, with what to look at.
pub(crate) fn ensure() -> Result<(), Failure> {
    let folder = process::target_folder()?.join("python");
    let stamp = folder.join("requirements.txt");
    let wanted = REQUIREMENTS.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("setup: installing {} for Python", REQUIREMENTS.join(", "));
    let mut make = Command::new("/usr/bin/python3");
    let mut install = Command::new(folder.join("bin/pip"));
    run(make.args(["-m", "venv"]).arg(&folder))?;
    run(install.args(["install", "--quiet"]).args(REQUIREMENTS))?;
    fs::write(&stamp, wanted)
        .map_err(|e| Failure::io(&format!("cannot write {}", stamp.display()), &e))
}

/// Preparation talks on stderr: stdout belongs to the task that follows.
fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().display().to_string();
    let command = command.stdin(Stdio::null()).stdout(std::io::stderr());
    match process::succeeds(command)? {
        true => Ok(()),
        false => Err(Failure::Failed(format!("setup: {program} failed"))),
    }
}
