//! `cargo xtask demo` and `bench`: build in release mode, then become the lab.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::postgres::Cluster;
use crate::process::{self, Failure};
use crate::setup;

/// Sets up, builds, and replaces this process by `simurgh-lab <job> <arguments>`,
/// whose streams and exit code are therefore the caller's.
///
/// # Errors
///
/// When the preparation or the build fails, or the program cannot be started.
pub(crate) fn run(job: &str, arguments: &[String]) -> Result<(), Failure> {
    setup::ensure(setup::Stage::Build)?;
    let root = process::root()?;
    let mut build = process::cargo(&root);
    build.args([
        "build",
        "--release",
        "--package",
        "simurgh",
        "--package",
        "simurgh-lab",
    ]);
    // Cargo talks on stderr; a build script's stray output must not reach ours.
    if !process::succeeds(build.stdout(std::io::stderr()))? {
        return Err(Failure::Reported);
    }
    let program = process::target_folder()?.join("release/simurgh-lab");
    // The working directory stays the caller's: paths in the arguments are theirs.
    if job == "bench" && arguments.first().is_some_and(|part| part == "scale") {
        return with_databases(Command::new(&program).arg(job).args(arguments));
    }
    let error = Command::new(&program).arg(job).args(arguments).exec();
    Err(Failure::io(
        &format!("cannot run {}", program.display()),
        &error,
    ))
}

/// Measures on a PostgreSQL of its own as well, with a database for many devices and
/// one for few.
fn with_databases(command: &mut Command) -> Result<(), Failure> {
    let cluster = Cluster::start(&process::target_folder()?)?;
    for name in ["bench_many", "bench_few"] {
        cluster.add_database(name)?;
    }
    cluster.tell(command);
    match process::succeeds(command)? {
        true => Ok(()),
        false => Err(Failure::Reported),
    }
}
